//! A signer of Signature Version 4, so that requests are made before the time is taken.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Bytes of a signed chunk; SDKs send as much.
const CHUNK: usize = 64 * 1024;

/// Whom requests are signed for.
pub(super) struct Signer {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: String,
}

/// A request of S3.
pub(super) struct Rest<'a> {
    method: &'static str,
    path: &'static str,
    payload: Payload<'a>,
}

/// The body of a request of S3.
pub(super) enum Payload<'a> {
    None,
    /// Declared to be unsigned.
    Unsigned(&'a [u8]),
    /// The same, and sent by somebody else: so many bytes.
    Announced(usize),
    /// In chunks, each with a signature.
    Chunks(&'a [u8]),
}

impl<'a> Rest<'a> {
    pub(super) fn get(path: &'static str) -> Rest<'a> {
        Rest { method: "GET", path, payload: Payload::None }
    }

    pub(super) fn put(path: &'static str, payload: Payload<'a>) -> Rest<'a> {
        Rest { method: "PUT", path, payload }
    }
}

impl Payload<'_> {
    fn declared(&self) -> String {
        match self {
            Payload::None => hex(&Sha256::digest("")),
            Payload::Unsigned(_) | Payload::Announced(_) => "UNSIGNED-PAYLOAD".to_owned(),
            Payload::Chunks(_) => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD".to_owned(),
        }
    }
}

/// What a signature holds for.
struct Scope<'a> {
    time: &'a str,
    scope: String,
    key: Vec<u8>,
}

impl Scope<'_> {
    fn signature(&self, canonical: &str) -> String {
        let hash = hex(&Sha256::digest(canonical));
        let to_sign = format!("AWS4-HMAC-SHA256\n{}\n{}\n{hash}", self.time, self.scope);
        hex(&keyed(&self.key, &to_sign))
    }

    /// The chunks of a body, the empty one at its end included.
    fn chunks(&self, seed: String, body: &[u8]) -> Vec<u8> {
        let nothing = hex(&Sha256::digest(""));
        let (mut framed, mut previous) = (Vec::with_capacity(body.len() + body.len() / 64), seed);
        // Bodies here repeat themselves: most hashes are known.
        let mut known: Option<(&[u8], String)> = None;
        for chunk in body.chunks(CHUNK).chain([&[][..]]) {
            let hash = match &known {
                Some((same, hash)) if *same == chunk => hash.clone(),
                Some(_) | None => hex(&Sha256::digest(chunk)),
            };
            let to_sign = format!(
                "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{previous}\n{nothing}\n{hash}",
                self.time, self.scope
            );
            previous = hex(&keyed(&self.key, &to_sign));
            let head = format!("{:x};chunk-signature={previous}\r\n", chunk.len());
            framed.extend_from_slice(head.as_bytes());
            framed.extend_from_slice(chunk);
            framed.extend_from_slice(b"\r\n");
            known = Some((chunk, hash));
        }
        framed
    }
}

impl Signer {
    /// A whole HTTP request, signed at this time (`20260131T120000Z`).
    pub(super) fn request(&self, host: &str, service: &str, form: &str, time: &str) -> Vec<u8> {
        let headers = "content-type;host;x-amz-date";
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        let canonical = format!(
            "POST\n/\n\ncontent-type:{kind}\nhost:{host}\nx-amz-date:{time}\n\n{headers}\n{}",
            hex(&Sha256::digest(form))
        );
        let scope = self.scope(service, time);
        let authorization = self.authorization(&scope, headers, &scope.signature(&canonical));
        format!(
            "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: {kind}\r\nx-amz-date: {time}\r\nuser-agent: bench\r\naccept-encoding: identity\r\ncontent-length: {}\r\nauthorization: {authorization}\r\n\r\n{form}",
            form.len()
        )
        .into_bytes()
    }

    /// A request of S3 as bytes, with its body unless somebody else sends it.
    pub(super) fn rest(&self, host: &str, rest: &Rest<'_>, time: &str) -> Vec<u8> {
        let Rest { method, path, payload } = rest;
        let declared = payload.declared();
        let mut more = String::new();
        let mut headers = "host;x-amz-content-sha256;x-amz-date".to_owned();
        let mut lines =
            format!("host:{host}\nx-amz-content-sha256:{declared}\nx-amz-date:{time}\n");
        if let Payload::Chunks(body) = payload {
            headers.push_str(";x-amz-decoded-content-length");
            lines.push_str(&format!("x-amz-decoded-content-length:{}\n", body.len()));
            more.push_str(&format!("x-amz-decoded-content-length: {}\r\n", body.len()));
            more.push_str("content-encoding: aws-chunked\r\n");
        }
        let scope = self.scope("s3", time);
        let canonical = format!("{method}\n{path}\n\n{lines}\n{headers}\n{declared}");
        let signature = scope.signature(&canonical);
        let authorization = self.authorization(&scope, &headers, &signature);
        let (body, length) = match payload {
            Payload::None => (Vec::new(), 0),
            Payload::Announced(length) => (Vec::new(), *length),
            Payload::Unsigned(body) => (body.to_vec(), body.len()),
            Payload::Chunks(body) => {
                let framed = scope.chunks(signature, body);
                let length = framed.len();
                (framed, length)
            }
        };
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nx-amz-date: {time}\r\nx-amz-content-sha256: {declared}\r\nuser-agent: bench\r\n{more}content-length: {length}\r\nauthorization: {authorization}\r\n\r\n"
        )
        .into_bytes();
        request.extend_from_slice(&body);
        request
    }

    fn scope<'t>(&self, service: &str, time: &'t str) -> Scope<'t> {
        let date = time.get(..8).unwrap_or_default();
        let mut key = keyed(format!("AWS4{}", self.secret_access_key).as_bytes(), date);
        for part in ["us-east-1", service, "aws4_request"] {
            key = keyed(&key, part);
        }
        Scope { time, scope: format!("{date}/us-east-1/{service}/aws4_request"), key }
    }

    fn authorization(&self, scope: &Scope<'_>, headers: &str, signature: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={headers}, Signature={signature}",
            self.access_key_id, scope.scope
        )
    }
}

fn keyed(key: &[u8], message: &str) -> Vec<u8> {
    // A key of any length is legal for HMAC; an empty result would fail every signature.
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| Vec::new(),
        |mut mac| {
            mac.update(message.as_bytes());
            mac.finalize().into_bytes().to_vec()
        },
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
