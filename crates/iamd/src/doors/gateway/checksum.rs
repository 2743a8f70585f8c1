//! Checksums behind the last chunk of a body.
//!
//! Source: S3 User Guide, "Checking object integrity", trailing checksums; S3 API Reference,
//! "Signature calculations ... with trailing headers", `x-amz-trailer`.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use iamd_wire::route::S3Error;

/// A checksum that a body promises, of what has arrived.
pub(super) struct Checksum {
    kind: &'static Kind,
    hasher: Hasher,
}

struct Kind {
    /// The trailer that holds it.
    trailer: &'static str,
    /// Its name in answers.
    name: &'static str,
    hasher: fn() -> Hasher,
}

enum Hasher {
    Crc { digest: crc_fast::Digest, length: usize },
    Hash(digest::Context),
}

static KINDS: [Kind; 5] = [
    Kind {
        trailer: "x-amz-checksum-crc32",
        name: "CRC32",
        hasher: || Hasher::crc(CrcAlgorithm::Crc32IsoHdlc, 4),
    },
    Kind {
        trailer: "x-amz-checksum-crc32c",
        name: "CRC32C",
        hasher: || Hasher::crc(CrcAlgorithm::Crc32Iscsi, 4),
    },
    Kind {
        trailer: "x-amz-checksum-crc64nvme",
        name: "CRC64NVME",
        hasher: || Hasher::crc(CrcAlgorithm::Crc64Nvme, 8),
    },
    Kind {
        trailer: "x-amz-checksum-sha1",
        name: "SHA1",
        hasher: || Hasher::Hash(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY)),
    },
    Kind {
        trailer: "x-amz-checksum-sha256",
        name: "SHA256",
        hasher: || Hasher::Hash(digest::Context::new(&digest::SHA256)),
    },
];

impl Checksum {
    /// The checksum that the header `x-amz-trailer` promises.
    ///
    /// # Errors
    /// `InvalidRequest` for trailers that S3 does not know, and for more than one.
    pub(super) fn promised(trailer: &str) -> Result<Checksum, S3Error> {
        let name = trailer.trim().to_ascii_lowercase();
        let kind = KINDS.iter().find(|kind| kind.trailer == name).ok_or_else(|| {
            let message = "The value specified in the x-amz-trailer header is not supported";
            S3Error::new("InvalidRequest", message)
        })?;
        Ok(Checksum { kind, hasher: (kind.hasher)() })
    }

    /// Takes in what has arrived.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match &mut self.hasher {
            Hasher::Crc { digest, .. } => digest.update(bytes),
            Hasher::Hash(context) => context.update(bytes),
        }
    }

    /// Compares it with the trailers that came: just the one that was promised.
    ///
    /// # Errors
    /// `MalformedTrailerError` for other trailers, `BadDigest` for another checksum.
    pub(super) fn check(&self, trailers: &[(String, String)]) -> Result<(), S3Error> {
        let [(name, value)] = trailers else { return Err(malformed()) };
        if *name != self.kind.trailer {
            return Err(malformed());
        }
        if *value == self.text() {
            return Ok(());
        }
        let name = self.kind.name;
        let message = format!("The {name} you specified did not match the calculated checksum.");
        Err(S3Error::new("BadDigest", message))
    }

    fn text(&self) -> String {
        match &self.hasher {
            Hasher::Crc { digest, length } => {
                let bytes = digest.finalize().to_be_bytes();
                STANDARD.encode(bytes.get(bytes.len() - length..).unwrap_or_default())
            }
            Hasher::Hash(context) => STANDARD.encode(context.clone().finish()),
        }
    }
}

impl Hasher {
    fn crc(algorithm: CrcAlgorithm, length: usize) -> Hasher {
        Hasher::Crc { digest: crc_fast::Digest::new(algorithm), length }
    }
}

/// The answer to trailers that were not promised.
pub(super) fn malformed() -> S3Error {
    let message = "The request contained trailing data that was not well-formed or did not conform to our published schema.";
    S3Error::new("MalformedTrailerError", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the algorithms, for `123456789`.
    #[test]
    fn checksums_are_those_of_their_algorithms() {
        for (trailer, expected) in [
            ("x-amz-checksum-crc32", "y/Q5Jg=="),
            ("x-amz-checksum-crc32c", "4waSgw=="),
            ("x-amz-checksum-crc64nvme", "rosUhgp5mIg="),
            ("x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="),
            ("x-amz-checksum-sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        ] {
            let mut checksum = Checksum::promised(trailer).unwrap();
            checksum.update(b"1234");
            checksum.update(b"56789");
            assert_eq!(checksum.text(), expected, "{trailer}");
            let trailers = |value: &str| [(trailer.to_owned(), value.to_owned())];
            assert_eq!(checksum.check(&trailers(expected)), Ok(()));
            let code = |trailers: &[_]| checksum.check(trailers).unwrap_err().code;
            assert_eq!(code(&trailers("AAAAAA==")), "BadDigest");
            assert_eq!(code(&[]), "MalformedTrailerError");
        }
        for unknown in ["", "x-amz-checksum-md5", "x-amz-checksum-crc32,x-amz-checksum-sha1"] {
            assert!(Checksum::promised(unknown).is_err(), "{unknown}");
        }
    }
}
