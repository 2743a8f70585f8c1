//! A plain signer, and requests that can be changed after they were signed.

mod answers;
mod chunked;
mod mutations;
mod policy_form;
mod properties;
mod vectors;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::*;
use crate::Secret;

/// 2015-08-30T12:36:00Z, the time of AWS's examples.
const NOW: i64 = 1_440_938_160;
const NOW_TEXT: &str = "20150830T123600Z";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// A request that owns its parts.
#[derive(Debug, Clone, PartialEq)]
struct Sent {
    method: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Sent {
    fn new(method: &str, path: &str) -> Sent {
        Sent {
            method: method.to_owned(),
            path: path.to_owned(),
            query: None,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A call of IAM with everything that signatures cover, not yet signed.
    fn example() -> Sent {
        Sent {
            query: Some("b=2&a=%2F1".to_owned()),
            body: b"Action=ListUsers&Version=2010-05-08".to_vec(),
            ..Sent::new("POST", "/")
        }
        .header("host", "iam.amazonaws.com")
        .header("user-agent", "test")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-amz-date", NOW_TEXT)
        .header("x-amz-security-token", "token/+=")
    }

    fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Sent {
        let value = value.as_ref().to_vec();
        self.headers.push((name.to_owned(), value));
        self
    }

    fn query(self, query: &str) -> Sent {
        let query = Some(query.to_owned());
        Sent { query, ..self }
    }

    fn without(mut self, name: &str) -> Sent {
        self.headers.retain(|(other, _)| other != name);
        self
    }

    fn with<T>(&self, look: impl FnOnce(&RequestParts<'_>) -> T) -> T {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        look(&RequestParts {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &headers,
            body: &self.body,
        })
    }

    fn check(&self, rules: &Rules, now: i64) -> Result<(), Rejection> {
        self.with(|request| {
            let claim = Claim::read(request)?;
            let secret = Secret::from(SECRET.to_owned());
            let (date, region, service) = (claim.scope_date(), claim.region(), claim.service());
            let key = SigningKey::derive(&secret, date, region, service);
            claim.verify(request, &key, rules, Timestamp::from_seconds(now))
        })
    }

    fn is_accepted(&self) -> bool {
        self.check(&Rules::of(Service::Iam), NOW).is_ok()
    }

    fn rejection(&self) -> Rejection {
        self.check(&Rules::of(Service::Iam), NOW).unwrap_err()
    }
}

/// Signs as the documentation says, without an eye on speed, and without any code of the verifier.
#[derive(Debug, Clone)]
struct Signer {
    key_id: String,
    region: String,
    service: String,
    time: String,
    expires: Option<String>,
    /// All headers but these are signed.
    unsigned: Vec<String>,
    token: Option<String>,
}

impl Signer {
    fn new(service: &str) -> Signer {
        Signer {
            key_id: "AKIDEXAMPLE".to_owned(),
            region: "us-east-1".to_owned(),
            service: service.to_owned(),
            time: NOW_TEXT.to_owned(),
            expires: Some("900".to_owned()),
            unsigned: ["user-agent", "connection", "authorization"].map(str::to_owned).to_vec(),
            token: None,
        }
    }

    fn scope(&self) -> String {
        let date = &self.time[..8];
        format!("{date}/{}/{}/aws4_request", self.region, self.service)
    }

    fn header(&self, sent: Sent) -> Sent {
        let (names, signature) = self.sign(&sent);
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={names}, Signature={signature}",
            self.key_id,
            self.scope()
        );
        sent.header("authorization", authorization)
    }

    fn query(&self, mut sent: Sent) -> Sent {
        let (names, _) = self.sign(&sent);
        let credential = format!("{}/{}", self.key_id, self.scope());
        let mut parameters = vec![
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", &credential),
            ("X-Amz-Date", &self.time),
            ("X-Amz-SignedHeaders", &names),
        ];
        if let Some(expires) = &self.expires {
            parameters.push(("X-Amz-Expires", expires));
        }
        if let Some(token) = &self.token {
            parameters.push(("X-Amz-Security-Token", token));
        }
        let mut query: Vec<String> = sent.query.iter().cloned().collect();
        let encoded =
            parameters.iter().map(|(name, value)| format!("{name}={}", percent(value.as_bytes())));
        query.extend(encoded);
        sent.query = Some(query.join("&"));
        let (_, signature) = self.sign(&sent);
        query.push(format!("X-Amz-Signature={signature}"));
        sent.query = Some(query.join("&"));
        sent
    }

    /// The names of the signed headers, and the signature.
    fn sign(&self, sent: &Sent) -> (String, String) {
        let mut headers: std::collections::BTreeMap<&str, Vec<String>> =
            std::collections::BTreeMap::new();
        for (name, value) in &sent.headers {
            if !self.unsigned.contains(name) {
                let value = String::from_utf8(value.clone()).unwrap();
                let words: Vec<&str> = value.split_ascii_whitespace().collect();
                headers.entry(name).or_default().push(words.join(" "));
            }
        }
        let names = headers.keys().copied().collect::<Vec<_>>().join(";");
        let lines: String =
            headers.iter().map(|(name, values)| format!("{name}:{}\n", values.join(","))).collect();
        let mut query: Vec<(String, String)> = sent
            .query
            .iter()
            .flat_map(|query| query.split('&'))
            .filter(|piece| !piece.is_empty())
            .map(|piece| piece.split_once('=').unwrap_or((piece, "")))
            .map(|(name, value)| (percent(&unescape(name)), percent(&unescape(value))))
            .collect();
        query.sort();
        let query: Vec<String> =
            query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let canonical = format!(
            "{}\n{}\n{}\n{lines}\n{names}\n{}",
            sent.method,
            path(&sent.path),
            query.join("&"),
            hex(&Sha256::digest(&sent.body)),
        );
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{}\n{}\n{}",
            self.time,
            self.scope(),
            hex(&Sha256::digest(canonical))
        );
        let mut key = format!("AWS4{SECRET}").into_bytes();
        for part in self.scope().split('/') {
            key = hmac(&key, part);
        }
        (names, hex(&hmac(&key, &to_sign)))
    }
}

/// Only for paths without dots and repeated slashes.
fn path(path: &str) -> String {
    let segments: Vec<String> =
        path.split('/').map(|segment| percent(segment.as_bytes())).collect();
    segments.join("/")
}

fn percent(bytes: &[u8]) -> String {
    let escape = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(*byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    bytes.iter().map(escape).collect()
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            b'+' => b' ',
            byte => byte,
        });
    }
    plain
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut state = Hmac::<Sha256>::new_from_slice(key).unwrap();
    state.update(text.as_bytes());
    state.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
