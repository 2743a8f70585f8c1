//! Bodies in chunks, each signed or followed by trailers.
//!
//! Input: a line with `signed`, `signed-trailer` or `unsigned`, the length without frames and the
//! number of bytes that arrive at once; then the body.

use iamd_wire::Secret;
use iamd_wire::sigv4::{ChunkError, Chunks, Claim, Payload, RequestParts, SigningKey};
use sha2::Sha256;

/// The secret of S3's examples, with which the seeds are signed.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// The request that the body belongs to: of S3's examples. Its signature begins the chain.
const HEADERS: [(&str, &[u8]); 4] = [
    ("host", b"s3.amazonaws.com"),
    ("x-amz-content-sha256", b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
    ("x-amz-date", b"20130524T000000Z"),
    ("authorization", b"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"),
];

/// The data of a body that is right, or why it is not.
type Read = Result<Vec<u8>, ChunkError>;

pub(crate) fn run(input: &[u8]) {
    let Some((mode, length, at_once, body)) = parsed(input) else { return };
    let whole = read(mode, length, body.len().max(1), body);
    // INVARIANT: how a body arrives changes nothing.
    assert_eq!(read(mode, length, at_once, body), whole, "{at_once} bytes at once");
    let Ok(data) = whole else { return };
    assert_eq!(data.len() as u64, length, "a length that was not said");
    if mode != "unsigned" {
        altered(mode, length, body);
    }
}

fn parsed(input: &[u8]) -> Option<(&str, u64, usize, &[u8])> {
    let end = input.iter().position(|byte| *byte == b'\n')?;
    let mut words = std::str::from_utf8(&input[..end]).ok()?.split(' ');
    let mode =
        words.next().filter(|mode| ["signed", "signed-trailer", "unsigned"].contains(mode))?;
    let length = words.next()?.parse().ok()?;
    let at_once = words.next()?.parse::<usize>().ok()?.max(1);
    Some((mode, length, at_once, &input[end + 1..]))
}

fn read(mode: &str, decoded_length: u64, at_once: usize, body: &[u8]) -> Read {
    let request = RequestParts {
        method: "PUT",
        path: "/examplebucket/chunkObject.txt",
        query: None,
        headers: &HEADERS,
        body: &[],
    };
    let claim = Claim::read(&request).expect("the request is well-formed");
    let secret = Secret::from(SECRET.to_owned());
    let key = SigningKey::derive(&secret, claim.scope_date(), claim.region(), claim.service());
    let payload = match mode {
        "signed" => Payload::SignedChunks { has_trailer: false, decoded_length },
        "signed-trailer" => Payload::SignedChunks { has_trailer: true, decoded_length },
        _ => Payload::UnsignedChunks { decoded_length },
    };
    let mut chunks =
        Chunks::<Sha256>::new(payload, &claim, &key).expect("the payload is in chunks");
    let mut data = Vec::new();
    for part in body.chunks(at_once) {
        chunks.push(part, |bytes| data.extend_from_slice(bytes))?;
        assert!(data.len() as u64 <= decoded_length, "more than was said");
    }
    chunks.finish().map(|_| data)
}

/// INVARIANT: a signed body is right as it is, and not with another byte of data.
fn altered(mode: &str, length: u64, body: &[u8]) {
    let frame = body.windows(2).position(|window| window == b"\r\n");
    let Some(place) = frame.map(|place| place + 2).filter(|_| length > 0) else { return };
    let mut other = body.to_vec();
    other[place] ^= 1;
    assert!(read(mode, length, usize::MAX, &other).is_err(), "altered data is proven");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search that starts from signatures which do not hold would never come behind the proof.
    #[test]
    fn the_seeds_are_proven() {
        for (name, expected) in
            [("signed", "hello, world"), ("signed-trailer", "hello, world"), ("unsigned", "hello")]
        {
            let file = format!("{}/seeds/chunks/{name}", env!("CARGO_MANIFEST_DIR"));
            let input = std::fs::read(file).unwrap();
            let (mode, length, at_once, body) = parsed(&input).unwrap();
            assert_eq!(read(mode, length, at_once, body), Ok(expected.into()), "{name}");
        }
    }
}
