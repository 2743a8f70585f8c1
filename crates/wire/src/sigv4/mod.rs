//! Signature Version 4: proving who signed a request. Pure: no clock, no key lookup, no I/O.
//!
//! [`Claim::read`] finds what a request says of its signer, the caller looks up the secret and
//! derives or remembers the [`SigningKey`], and [`Claim::verify`] proves the claim.
//! Source: IAM User Guide, "AWS Signature Version 4 for API requests": "Create a signed request",
//! "Elements of a signature" and "Troubleshoot SigV4".

mod canonical;
mod chunks;
mod claim;
mod date;
mod header_form;
mod key;
mod payload;
mod policy_form;
mod query_form;
mod rejection;
mod sign;

use crate::{Service, Timestamp};

pub use chunks::{ChunkError, ChunkHash, Chunks};
pub use claim::Claim;
pub use key::SigningKey;
pub use payload::{HASH_OF_NOTHING, Payload};
pub use policy_form::PolicySignature;
pub use rejection::Rejection;
pub use sign::{Outgoing, SignedHeaders, Signer, basic_time};

/// Most headers of one request.
// CHOICE: what hyper accepts by default; the SDKs send about ten.
pub const HEADERS_MAX: usize = 100;
/// Most bytes of all names and values of headers together.
// CHOICE: several times the largest session token.
pub const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Longest `Authorization` header, in bytes.
// CHOICE: the longest access key id and a hundred signed headers fit.
pub const AUTHORIZATION_LENGTH_MAX: usize = 8 * 1024;
/// Longest path, in bytes.
// CHOICE: room for an S3 key of 1,024 bytes, escaped.
pub const PATH_LENGTH_MAX: usize = 8 * 1024;
/// Longest query string, in bytes.
// CHOICE: presigned calls carry their parameters and a session token here.
pub const QUERY_LENGTH_MAX: usize = 64 * 1024;
/// Most query parameters whose names begin with `X-Amz-`.
// CHOICE: the elements of a signature are seven.
pub const AMZ_PARAMETERS_MAX: usize = 32;
/// How far the time of a request may be from the server's, in seconds.
///
/// Source: IAM API Reference, "Common errors", `RequestExpired`.
pub const CLOCK_TOLERANCE_SECONDS: i64 = 15 * 60;
/// Longest validity of a presigned request, in seconds: seven days.
///
/// Source: IAM User Guide, "Elements of a signature", `X-Amz-Expires`.
pub const EXPIRES_SECONDS_MAX: i64 = 604_800;

/// The parts of an HTTP request, as received.
#[derive(Clone, Copy)]
pub struct RequestParts<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, still escaped.
    pub path: &'a str,
    /// The query string without its question mark, still escaped.
    pub query: Option<&'a str>,
    /// The headers in the order received, with names in lower case; the authority of HTTP/2 is
    /// `host`.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body.
    pub body: &'a [u8],
}

/// What a service demands of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The name in credential scopes.
    pub service: &'static str,
    /// How the path is brought into its canonical form.
    pub path: PathRule,
    /// What stands for the body in the canonical request.
    pub payload: PayloadRule,
    /// Presigned requests are valid for at least this many seconds, whatever `X-Amz-Expires` says.
    pub presigned_seconds_min: i64,
}

/// How the path is brought into its canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathRule {
    /// Without `.`, `..` and empty segments, and escaped once more: every service but S3.
    Normalize,
    /// As received: S3, whose keys may hold all of these.
    Keep,
}

/// What stands for the body in the canonical request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadRule {
    /// The hash of the body, with which `x-amz-content-sha256` must agree where it is given.
    /// `UNSIGNED-PAYLOAD` and the streaming forms of S3 are refused.
    Hash,
    /// What `x-amz-content-sha256` says, and `UNSIGNED-PAYLOAD` for presigned requests without it:
    /// S3, whose bodies are proven as they arrive; see [`Payload`].
    Declared,
}

impl Rules {
    /// The rules of S3.
    pub const S3: Rules = Rules {
        service: "s3",
        path: PathRule::Keep,
        payload: PayloadRule::Declared,
        presigned_seconds_min: 0,
    };

    /// The rules of a service with the JSON protocol.
    pub const fn of_json(service: &'static str) -> Rules {
        let (path, payload) = (PathRule::Normalize, PayloadRule::Hash);
        Rules { service, path, payload, presigned_seconds_min: 0 }
    }

    /// The rules of a service with the Query protocol.
    pub const fn of(service: Service) -> Rules {
        Rules {
            service: service.signing_name(),
            path: PathRule::Normalize,
            payload: PayloadRule::Hash,
            presigned_seconds_min: match service {
                Service::Iam => 0,
                // AWS's STS takes a presigned call for 15 minutes whatever `X-Amz-Expires` says, and
                // its clients rely on that: `aws eks get-token` asks for 60 seconds and hands its
                // token out for 14 minutes. Source: AWS CLI, `eks get-token`.
                Service::Sts => CLOCK_TOLERANCE_SECONDS,
            },
        }
    }
}

impl<'a> Claim<'a> {
    /// Proves the claim: the scope is that of the service, the time is right, `host` and every
    /// `x-amz-*` header are signed, and the signature is that of the key, compared in constant time.
    ///
    /// The key must have been derived for the claim's date, region and service; any region is
    /// accepted. For a claim whose access key does not exist, call this with a key derived from any
    /// secret and answer [`Rejection::unknown_key`], so that both cost the same.
    ///
    /// # Errors
    /// The answer to a request that is not proven.
    pub fn verify(
        &self,
        request: &RequestParts<'a>,
        key: &SigningKey,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        if self.service() != rules.service {
            return Err(rejection::wrong_service(rules.service));
        }
        self.check_time(rules, now)?;
        let canonical = canonical::Canonical::new(request, self, rules)?;
        let hash = canonical.hash();
        if key.matches(self, &hash) {
            Ok(())
        } else {
            Err(rejection::mismatch(self, &canonical, &hash))
        }
    }

    fn check_time(&self, rules: &Rules, now: Timestamp) -> Result<(), Rejection> {
        let signed = self.time().seconds();
        let now = now.seconds();
        if signed > now.saturating_add(CLOCK_TOLERANCE_SECONDS) {
            return Err(rejection::not_yet_current(self.time_text(), now));
        }
        let Some(expires) = self.expires_seconds() else {
            if signed < now.saturating_sub(CLOCK_TOLERANCE_SECONDS) {
                return Err(rejection::expired(self.time_text(), now));
            }
            return Ok(());
        };
        let expires = expires.max(rules.presigned_seconds_min);
        if now > signed.saturating_add(expires) {
            return Err(rejection::presigned_expired());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
