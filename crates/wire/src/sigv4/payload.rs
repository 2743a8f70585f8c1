//! What a request of S3 says of its body.
//!
//! Source: S3 API Reference, "Authenticating Requests: Using the Authorization Header", "Signature
//! Calculations for the Authorization Header".

use super::{Claim, Rejection, RequestParts, rejection};

/// The header in which requests of S3 say it.
const HEADER: &str = "x-amz-content-sha256";
/// How long a body in chunks is without their frames.
const DECODED_LENGTH_HEADER: &str = "x-amz-decoded-content-length";

/// The SHA-256 of no bytes, which most requests without a body declare.
pub const HASH_OF_NOTHING: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// What proves a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// Its SHA-256 is this one.
    Hash([u8; 32]),
    /// Nothing: `UNSIGNED-PAYLOAD`.
    Unsigned,
    /// A signature with each chunk.
    SignedChunks {
        /// Whether signed trailers follow.
        has_trailer: bool,
        /// The length without frames.
        decoded_length: u64,
    },
    /// Nothing: chunks whose trailers hold a checksum.
    UnsignedChunks {
        /// The length without frames.
        decoded_length: u64,
    },
}

impl Payload {
    /// What a request says of its body. A presigned request says nothing of it.
    ///
    /// # Errors
    /// The answer to a request that says nothing that S3 knows.
    pub fn declared(request: &RequestParts<'_>, claim: &Claim<'_>) -> Result<Payload, Rejection> {
        let text = word(request, claim)?;
        let chunks = || decoded_length(request);
        match text {
            "UNSIGNED-PAYLOAD" => Ok(Payload::Unsigned),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => {
                Ok(Payload::SignedChunks { has_trailer: false, decoded_length: chunks()? })
            }
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => {
                Ok(Payload::SignedChunks { has_trailer: true, decoded_length: chunks()? })
            }
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => {
                Ok(Payload::UnsignedChunks { decoded_length: chunks()? })
            }
            text => hash(text).map(Payload::Hash).ok_or_else(unknown),
        }
    }
}

/// What stands for the body in the canonical request.
pub(super) fn word<'r>(
    request: &RequestParts<'r>,
    claim: &Claim<'_>,
) -> Result<&'r str, Rejection> {
    match single(request, HEADER)? {
        Some(text) => Ok(text),
        None if claim.is_presigned() => Ok("UNSIGNED-PAYLOAD"),
        None => Err(rejection::incomplete(format!(
            "Missing required header for this request: {HEADER}"
        ))),
    }
}

fn decoded_length(request: &RequestParts<'_>) -> Result<u64, Rejection> {
    let text = single(request, DECODED_LENGTH_HEADER)?;
    let digits = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).ok_or_else(|| {
        rejection::incomplete(format!("The header {DECODED_LENGTH_HEADER} must hold a length."))
    })
}

/// A header that may stand once at most.
fn single<'r>(request: &RequestParts<'r>, name: &str) -> Result<Option<&'r str>, Rejection> {
    let mut values = request.headers.iter().filter(|(header, _)| *header == name);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some((_, value)), None) => {
            std::str::from_utf8(value.trim_ascii()).map(Some).map_err(|_| unknown())
        }
        (Some(_), Some(_)) => Err(rejection::ambiguous(name)),
    }
}

fn hash(text: &str) -> Option<[u8; 32]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut hash = [0; 32];
    if pairs.len() != hash.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
        *byte = super::chunks::digit(*high)? * 16 + super::chunks::digit(*low)?;
    }
    Some(hash)
}

fn unknown() -> Rejection {
    rejection::incomplete(format!(
        "{HEADER} must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
         STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, or a valid \
         sha256 value."
    ))
}
