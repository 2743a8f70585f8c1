//! Bodies in chunks: AWS's examples, and what is next to them.

use proptest::prelude::*;

use sha2::Sha256;

use super::super::chunks::{ChunkError, Chunks};
use super::*;

/// 2013-05-24T00:00:00Z, the time of S3's examples.
const S3_NOW: i64 = 1_369_353_600;
const S3_SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// The request of S3's examples with 65 KiB in chunks.
fn example(has_trailer: bool) -> Sent {
    let (payload, length, signature) = if has_trailer {
        let signature = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", None, signature)
    } else {
        let signature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", Some("66824"), signature)
    };
    let mut sent = Sent::new("PUT", "/examplebucket/chunkObject.txt")
        .header("content-encoding", "aws-chunked")
        .header("host", "s3.amazonaws.com")
        .header("x-amz-content-sha256", payload)
        .header("x-amz-date", "20130524T000000Z")
        .header("x-amz-decoded-content-length", "66560")
        .header("x-amz-storage-class", "REDUCED_REDUNDANCY");
    if let Some(length) = length {
        sent = sent.header("content-length", length);
    }
    if has_trailer {
        sent = sent.header("x-amz-trailer", "x-amz-checksum-crc32c");
    }
    let mut names: Vec<&str> = sent.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let names = names.join(";");
    sent.header(
        "authorization",
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
             SignedHeaders={names},Signature={signature}"
        ),
    )
}

fn framed(chunks: &[(&[u8], &str)], trailers: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for (data, signature) in chunks {
        body.extend(format!("{:x};chunk-signature={signature}\r\n", data.len()).into_bytes());
        body.extend_from_slice(data);
        if !data.is_empty() {
            body.extend_from_slice(b"\r\n");
        }
    }
    body.extend_from_slice(trailers.as_bytes());
    body.extend_from_slice(b"\r\n");
    body
}

/// The body of the example.
fn body(has_trailer: bool) -> Vec<u8> {
    let (one, two) = (vec![b'a'; 65_536], vec![b'a'; 1_024]);
    let signatures = if has_trailer {
        [
            "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
            "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
            "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
        ]
    } else {
        [
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
            "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
        ]
    };
    let trailers = if has_trailer {
        "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:\
         d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n"
    } else {
        ""
    };
    let [first, second, last] = signatures;
    framed(&[(&one, first), (&two, second), (&[], last)], trailers)
}

/// Data and trailers.
type Read = (Vec<u8>, Vec<(String, String)>);

/// What comes of a body that arrives in these pieces.
fn read<'b>(sent: &Sent, pieces: impl IntoIterator<Item = &'b [u8]>) -> Result<Read, ChunkError> {
    sent.with(|request| {
        let claim = Claim::read(request).unwrap();
        let secret = Secret::from(S3_SECRET.to_owned());
        let key = SigningKey::derive(&secret, claim.scope_date(), claim.region(), "s3");
        claim.verify(request, &key, &Rules::S3, Timestamp::from_seconds(S3_NOW)).unwrap();
        let payload = Payload::declared(request, &claim).unwrap();
        let mut chunks = Chunks::<Sha256>::new(payload, &claim, &key).unwrap();
        let mut data = Vec::new();
        for piece in pieces {
            chunks.push(piece, |piece| data.extend_from_slice(piece))?;
        }
        Ok((data, chunks.finish()?.to_vec()))
    })
}

#[test]
fn the_examples_of_s3_are_read() {
    for has_trailer in [false, true] {
        let body = body(has_trailer);
        let (data, trailers) = read(&example(has_trailer), [body.as_slice()]).unwrap();
        assert_eq!(data, vec![b'a'; 66_560]);
        let expected = [("x-amz-checksum-crc32c".to_owned(), "sOO8/Q==".to_owned())];
        assert_eq!(trailers, if has_trailer { expected.to_vec() } else { Vec::new() });
    }
}

#[test]
fn pieces_of_any_size_are_the_same_body() {
    for has_trailer in [false, true] {
        let body = body(has_trailer);
        for size in [1, 2, 7, 85, 86, 87, 65_000] {
            let read = read(&example(has_trailer), body.chunks(size));
            assert_eq!(read.map(|(data, _)| data.len()), Ok(66_560), "{size}");
        }
    }
}

#[test]
fn a_body_that_ends_early_is_not_complete() {
    for has_trailer in [false, true] {
        let body = body(has_trailer);
        for length in [0, 1, 85, 86, 1_000, 65_622, 65_624, body.len() - 3, body.len() - 1] {
            let cut = body.get(..length).unwrap();
            assert_eq!(read(&example(has_trailer), [cut]), Err(ChunkError::Incomplete), "{length}");
        }
        let mut longer = body.clone();
        longer.push(b'a');
        assert_eq!(read(&example(has_trailer), [longer.as_slice()]), Err(ChunkError::Malformed));
    }
}

#[test]
fn chunks_in_another_order_or_from_elsewhere_are_refused() {
    let (one, two) = (vec![b'a'; 65_536], vec![b'a'; 1_024]);
    let [first, second, last] = [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ];
    let wrong = |body: Vec<u8>| read(&example(false), [body.as_slice()]).unwrap_err();
    let swapped = framed(&[(&two, second), (&one, first), (&[], last)], "");
    assert_eq!(wrong(swapped), ChunkError::WrongSignature);
    let removed = framed(&[(&one, first), (&[], last)], "");
    assert_eq!(wrong(removed), ChunkError::WrongLength);
    let twice = framed(&[(&one, first), (&one, first), (&[], last)], "");
    assert_eq!(wrong(twice), ChunkError::WrongLength);
    let unsigned = String::from_utf8(body(false)).unwrap();
    let unsigned = unsigned.replace(&format!(";chunk-signature={first}"), "");
    assert_eq!(wrong(unsigned.into_bytes()), ChunkError::Malformed);
    let with_trailer = framed(&[(&one, first), (&two, second), (&[], last)], "a:b\r\n");
    assert_eq!(wrong(with_trailer), ChunkError::Malformed);
}

#[test]
fn trailers_are_signed_and_bounded() {
    let whole = String::from_utf8(body(true)).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(whole.contains(from));
        read(&example(true), [whole.replace(from, to).as_bytes()]).unwrap_err()
    };
    assert_eq!(changed("sOO8", "sOO9"), ChunkError::WrongSignature);
    assert_eq!(changed("crc32c:", "crc32:"), ChunkError::WrongSignature);
    assert_eq!(changed("crc32c:sOO8/Q==\r\n", "crc32c\r\n"), ChunkError::Malformed);
    let signature = "x-amz-trailer-signature:\
                     d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n";
    assert_eq!(changed(signature, ""), ChunkError::WrongSignature);
    let after = format!("{signature}x-amz-more:1\r\n");
    assert_eq!(changed(signature, &after), ChunkError::Malformed);
    let long = format!("x-a:{}\r\n{signature}", "b".repeat(3_000));
    assert_eq!(changed(signature, &long), ChunkError::Malformed);
}

#[test]
fn unsigned_chunks_have_frames_and_a_length() {
    let sent = Sent::new("PUT", "/examplebucket/key")
        .header("host", "s3.amazonaws.com")
        .header("x-amz-decoded-content-length", "5");
    let read = |body: &str| {
        sent.with(|request| {
            let example = example(false);
            example.with(|signed| {
                let claim = Claim::read(signed).unwrap();
                let secret = Secret::from(S3_SECRET.to_owned());
                let key = SigningKey::derive(&secret, "20130524", "us-east-1", "s3");
                let payload = Payload::UnsignedChunks { decoded_length: 5 };
                assert!(request.headers.len() == 2);
                let mut chunks = Chunks::<Sha256>::new(payload, &claim, &key).unwrap();
                let mut data = String::new();
                chunks.push(body.as_bytes(), |piece| {
                    data.push_str(&String::from_utf8_lossy(piece))
                })?;
                Ok((data, chunks.finish()?.len()))
            })
        })
    };
    assert_eq!(read("5\r\nhello\r\n0\r\nx-a:b\r\n\r\n"), Ok(("hello".to_owned(), 1)));
    assert_eq!(read("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), Ok(("hello".to_owned(), 0)));
    for (body, error) in [
        ("5;chunk-signature=00\r\nhello\r\n0\r\n\r\n", ChunkError::Malformed),
        ("4\r\nhell\r\n0\r\n\r\n", ChunkError::WrongLength),
        ("6\r\nhello!\r\n0\r\n\r\n", ChunkError::WrongLength),
        ("5\r\nhelloXX0\r\n\r\n", ChunkError::Malformed),
        ("\r\n", ChunkError::Malformed),
        ("-5\r\nhello", ChunkError::Malformed),
        ("+5\r\nhello", ChunkError::Malformed),
        ("00000000000000005\r\nhello", ChunkError::Malformed),
        ("ffffffffffffffff\r\n", ChunkError::WrongLength),
        ("5\nhello\n0\n\n", ChunkError::Incomplete),
    ] {
        assert_eq!(read(body), Err(error), "{body:?}");
    }
}

#[test]
fn s3_says_what_a_body_is_proven_by() {
    let declared = |value: Option<&str>| {
        let sent = example(false).without("x-amz-content-sha256");
        let sent = match value {
            Some(value) => sent.header("x-amz-content-sha256", value),
            None => sent,
        };
        sent.with(|request| {
            let claim = Claim::read(request).unwrap();
            Payload::declared(request, &claim).ok()
        })
    };
    assert_eq!(declared(Some("UNSIGNED-PAYLOAD")), Some(Payload::Unsigned));
    assert_eq!(declared(Some(&"00".repeat(32))), Some(Payload::Hash([0; 32])));
    for wrong in
        ["", "unsigned-payload", "UNSIGNED", "STREAMING-UNSIGNED-PAYLOAD", &"0A".repeat(32)]
    {
        assert_eq!(declared(Some(wrong)), None, "{wrong}");
    }
    assert_eq!(declared(None), None, "in the header form it must be there");
}

proptest! {
    /// Whatever arrives, in whatever pieces: nothing panics, and nothing but the body is complete.
    #[test]
    fn any_change_is_noticed(
        place in 0..66_900_usize,
        byte in any::<u8>(),
        size in 1..70_000_usize,
        has_trailer in any::<bool>(),
    ) {
        let mut body = body(has_trailer);
        let place = place % body.len();
        let is_changed = body[place] != byte;
        body[place] = byte;
        let read = read(&example(has_trailer), body.chunks(size));
        // Names of trailers are the same in either case.
        prop_assume!(!has_trailer || read.is_err() || place < body.len() - 140 || !is_changed);
        prop_assert_eq!(read.is_err(), is_changed);
    }
}
