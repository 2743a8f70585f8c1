//! A signer of Signature Version 4, so that requests are made before the time is taken.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Whom requests are signed for.
pub(super) struct Signer {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: String,
}

impl Signer {
    /// A whole HTTP request, signed at this time (`20260131T120000Z`).
    pub(super) fn request(&self, host: &str, service: &str, form: &str, time: &str) -> Vec<u8> {
        let date = time.get(..8).unwrap_or_default();
        let scope = format!("{date}/us-east-1/{service}/aws4_request");
        let headers = "content-type;host;x-amz-date";
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        let canonical = format!(
            "POST\n/\n\ncontent-type:{kind}\nhost:{host}\nx-amz-date:{time}\n\n{headers}\n{}",
            hex(&Sha256::digest(form))
        );
        let to_sign =
            format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
        let mut key = keyed(format!("AWS4{}", self.secret_access_key).as_bytes(), date);
        for part in ["us-east-1", service, "aws4_request"] {
            key = keyed(&key, part);
        }
        let signature = hex(&keyed(&key, &to_sign));
        format!(
            "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: {kind}\r\nx-amz-date: {time}\r\nuser-agent: bench\r\naccept-encoding: identity\r\ncontent-length: {}\r\nauthorization: AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={headers}, Signature={signature}\r\n\r\n{form}",
            form.len(),
            self.access_key_id
        )
        .into_bytes()
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
