//! Signing a request of our own, for the client side of iamd.
//!
//! Source: IAM User Guide, "Create a signed request".

use sha2::{Digest, Sha256};

use super::claim::{ALGORITHM, TERMINATOR};
use super::{SigningKey, date};
use crate::{Secret, Timestamp};

/// What requests are signed with.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    /// The access key id.
    pub access_key_id: &'a str,
    /// Its secret.
    pub secret_access_key: &'a Secret,
    /// The region of the scope.
    pub region: &'a str,
    /// The service of the scope.
    pub service: &'a str,
}

/// The headers that make a request a signed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHeaders {
    /// `x-amz-date`
    pub date: String,
    /// `x-amz-content-sha256`
    pub content_sha256: String,
    /// `authorization`
    pub authorization: String,
}

/// A request that is to be signed, in its canonical form.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, escaped once.
    pub path: &'a str,
    /// The query, escaped and sorted by name, each name with `=`; empty without one.
    pub query: &'a str,
    /// The headers that are to be signed: names in lower case and sorted, values trimmed.
    pub headers: &'a [(&'a str, &'a str)],
    /// What stands for the body: its hash, or `UNSIGNED-PAYLOAD`.
    pub payload: &'a str,
}

impl Signer<'_> {
    /// The key for a day (`YYYYMMDD`), good for all requests of that day.
    pub fn key(&self, day: &str) -> SigningKey {
        SigningKey::derive(self.secret_access_key, day, self.region, self.service)
    }

    /// The header `authorization` of a request that carries this time in `x-amz-date`, with the key
    /// of that day.
    pub fn authorization(&self, outgoing: &Outgoing<'_>, key: &SigningKey, time: &str) -> String {
        let day = time.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/{}/{TERMINATOR}", self.region, self.service);
        let Outgoing { method, path, query, headers, payload } = *outgoing;
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let mut canonical = format!("{method}\n{path}\n{query}\n");
        for (name, value) in headers {
            canonical.extend([name, ":", value, "\n"]);
        }
        canonical.extend(["\n", &names, "\n", payload]);
        let hash = hex(&Sha256::digest(canonical));
        let signature = hex(&key.sign(&[ALGORITHM, "\n", time, "\n", &scope, "\n", &hash]));
        let id = self.access_key_id;
        format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}")
    }

    /// Signs a request without a query: method, path, `host`, the two headers of the answer, body.
    ///
    /// The path must be in its canonical form: only unreserved characters and slashes.
    pub fn sign(
        &self,
        method: &str,
        path: &str,
        host: &str,
        body: &[u8],
        now: Timestamp,
    ) -> SignedHeaders {
        let time = basic_time(now);
        let content_sha256 = hex(&Sha256::digest(body));
        let headers =
            [("host", host), ("x-amz-content-sha256", &*content_sha256), ("x-amz-date", &*time)];
        let payload = &*content_sha256;
        let outgoing = Outgoing { method, path, query: "", headers: &headers, payload };
        let key = self.key(time.get(..8).unwrap_or_default());
        let authorization = self.authorization(&outgoing, &key, &time);
        SignedHeaders { date: time, content_sha256, authorization }
    }
}

/// A time as requests carry it: `YYYYMMDDTHHMMSSZ`.
pub fn basic_time(time: Timestamp) -> String {
    date::basic(time.seconds())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigv4::{Claim, PathRule, PayloadRule, RequestParts, Rules};

    const NOW: Timestamp = Timestamp::from_seconds(1_769_860_800);
    const RULES: Rules = Rules {
        service: "iamd-operator",
        path: PathRule::Normalize,
        payload: PayloadRule::Hash,
        presigned_seconds_min: 0,
    };

    /// What the verifier says of a request that was signed for `body` and arrives with `received`.
    fn verified(body: &[u8], received: &[u8], service: &str, later: i64) -> Result<(), String> {
        let secret = Secret::from("secret".to_owned());
        let signer = Signer {
            access_key_id: "OPERAAAAAAAAAAAAAAAA",
            secret_access_key: &secret,
            region: "iamd",
            service,
        };
        let signed = signer.sign("POST", "/_operator", "localhost:4260", body, NOW);
        let headers: [(&str, &[u8]); 4] = [
            ("host", b"localhost:4260"),
            ("x-amz-date", signed.date.as_bytes()),
            ("x-amz-content-sha256", signed.content_sha256.as_bytes()),
            ("authorization", signed.authorization.as_bytes()),
        ];
        let request = RequestParts {
            method: "POST",
            path: "/_operator",
            query: None,
            headers: &headers,
            body: received,
        };
        let claim = Claim::read(&request).unwrap();
        let key = SigningKey::derive(&secret, claim.scope_date(), claim.region(), claim.service());
        let now = Timestamp::from_seconds(NOW.seconds() + later);
        claim.verify(&request, &key, &RULES, now).map_err(|rejection| rejection.to_string())
    }

    #[test]
    fn what_is_signed_is_verified_and_nothing_else_is() {
        assert_eq!(verified(b"{}", b"{}", "iamd-operator", 0), Ok(()));
        assert_eq!(verified(b"", b"", "iamd-operator", 900), Ok(()));
        assert!(verified(b"{}", b"{ }", "iamd-operator", 0).is_err());
        assert!(verified(b"{}", b"{}", "iam", 0).is_err());
        assert!(verified(b"{}", b"{}", "iamd-operator", 901).is_err());
        assert!(verified(b"{}", b"{}", "iamd-operator", -901).is_err());
    }
}
