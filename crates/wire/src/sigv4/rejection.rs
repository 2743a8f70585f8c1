//! Answers to requests that are not proven.
//!
//! Source of the texts, where not marked as a choice: IAM User Guide, "Troubleshoot SigV4", and
//! answers of AWS quoted in public reports.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::canonical::{Canonical, Hash};
use super::claim::{ALGORITHM, Claim, TERMINATOR};
use super::{CLOCK_TOLERANCE_SECONDS, date, key};
use crate::ErrorCode;

/// The answer to a request that is not proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The error code of the answer.
    pub code: ErrorCode,
    /// The message of the answer.
    pub message: String,
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.code(), self.message)
    }
}

impl std::error::Error for Rejection {}

impl Rejection {
    fn new(code: ErrorCode, message: impl Into<String>) -> Rejection {
        Rejection { code, message: message.into() }
    }

    /// The answer to a request without a signature.
    pub fn missing() -> Rejection {
        let message = "Request is missing Authentication Token";
        Rejection::new(ErrorCode::MissingAuthenticationToken, message)
    }

    /// The answer to an access key that is unknown or inactive, and to a wrong session token.
    pub fn unknown_key() -> Rejection {
        let message = "The security token included in the request is invalid.";
        Rejection::new(ErrorCode::InvalidClientTokenId, message)
    }

    /// The answer to a session token past its end.
    pub fn expired_token() -> Rejection {
        let message = "The security token included in the request is expired";
        Rejection::new(ErrorCode::ExpiredToken, message)
    }
}

pub(super) fn incomplete(message: impl Into<String>) -> Rejection {
    Rejection::new(ErrorCode::IncompleteSignature, message)
}

pub(super) fn unproven(message: impl Into<String>) -> Rejection {
    Rejection::new(ErrorCode::SignatureDoesNotMatch, message)
}

/// A request past the limits of this module.
pub(super) fn too_large(message: impl Into<String>) -> Rejection {
    Rejection::new(ErrorCode::RequestEntityTooLargeException, message)
}

/// Parts that no HTTP request has.
pub(super) fn malformed_request(message: impl Into<String>) -> Rejection {
    Rejection::new(ErrorCode::MalformedHttpRequestException, message)
}

pub(super) fn malformed_query() -> Rejection {
    let message = "The query string contains a syntax error.";
    Rejection::new(ErrorCode::MalformedQueryString, message)
}

/// Two answers to the question who signed.
// CHOICE: AWS documents that this is an error, not its text.
pub(super) fn ambiguous(what: &str) -> Rejection {
    incomplete(format!("{what} must be given once in a signed request."))
}

/// Elements of the `Authorization` header that are not there.
///
/// The header is named by its hash, as AWS does, so that a password sent by mistake is not repeated.
pub(super) fn missing_elements(elements: &[&str], has_date: bool, header: &[u8]) -> Rejection {
    let mut message = String::new();
    for element in elements {
        message.extend(["Authorization header requires '", element, "' parameter. "]);
    }
    if !has_date {
        message.push_str(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
        );
    }
    message.push_str("(Hashed with SHA-256 and encoded with Base64) Authorization=");
    message.push_str(&hashed(header));
    incomplete(message)
}

pub(super) fn missing_equal_sign(header: &[u8]) -> Rejection {
    let header = hashed(header);
    incomplete(format!(
        "Invalid key=value pair (missing equal-sign) in Authorization header \
         (hashed with SHA-256 and encoded with Base64): '{header}'."
    ))
}

// CHOICE: AWS repeats the credential here; who mixed up key and secret would find the secret in logs.
pub(super) fn malformed_credential() -> Rejection {
    incomplete(
        "Credential must have exactly 5 slash-delimited elements, \
         e.g. keyid/date/region/service/term",
    )
}

pub(super) fn malformed_date(text: &str) -> Rejection {
    incomplete(format!(
        "Date must be in ISO-8601 'basic format'. Got '{text}'. \
         See http://en.wikipedia.org/wiki/ISO_8601"
    ))
}

// CHOICE: the text names what is accepted and not what was sent, which may be a password.
pub(super) fn unsupported_algorithm() -> Rejection {
    incomplete(format!("Unsupported AWS 'algorithm' (must be '{ALGORITHM}')."))
}

pub(super) fn missing_parameter(name: &str) -> Rejection {
    incomplete(format!(
        "AWS query-string parameters must include '{name}'. Re-examine the query-string parameters."
    ))
}

pub(super) fn wrong_date() -> Rejection {
    unproven(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP",
    )
}

pub(super) fn wrong_region(region: &str) -> Rejection {
    unproven(format!("Credential should be scoped to a valid Region, not '{region}'. "))
}

pub(super) fn wrong_service(service: &str) -> Rejection {
    unproven(format!("Credential should be scoped to correct service: '{service}'. "))
}

pub(super) fn wrong_terminator() -> Rejection {
    unproven(format!("Credential should be scoped with a valid terminator: '{TERMINATOR}'"))
}

pub(super) fn host_not_signed() -> Rejection {
    unproven("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
}

/// An `x-amz-*` header that anyone on the way could have added.
// CHOICE: the rule is that of the IAM User Guide, "Create a signed request", "Canonical headers";
// the text is ours.
pub(super) fn header_not_signed(name: &str) -> Rejection {
    unproven(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."))
}

pub(super) fn expired(signed: &str, now: i64) -> Rejection {
    let oldest = date::basic(now.saturating_sub(CLOCK_TOLERANCE_SECONDS));
    let now = date::basic(now);
    unproven(format!("Signature expired: {signed} is now earlier than {oldest} ({now} - 15 min.)"))
}

pub(super) fn not_yet_current(signed: &str, now: i64) -> Rejection {
    let newest = date::basic(now.saturating_add(CLOCK_TOLERANCE_SECONDS));
    let now = date::basic(now);
    unproven(format!(
        "Signature not yet current: {signed} is still later than {newest} ({now} + 15 min.)"
    ))
}

// CHOICE: the code is that of the page "Common errors"; the text is that of other services.
pub(super) fn presigned_expired() -> Rejection {
    Rejection::new(ErrorCode::RequestExpired, "Request has expired.")
}

/// The signature of a form is not that of its policy.
pub(super) fn wrong_policy_signature() -> Rejection {
    unproven(
        "The request signature we calculated does not match the signature you provided. \
         Check your AWS Secret Access Key and signing method.",
    )
}

/// The signature is another than ours. The message tells what should have been signed.
pub(super) fn mismatch(claim: &Claim<'_>, canonical: &Canonical<'_>, hash: &Hash) -> Rejection {
    let canonical = canonical.printable();
    let string_to_sign = key::string_to_sign(claim, hash).concat();
    unproven(format!(
        "The request signature we calculated does not match the signature you provided. \
         Check your AWS Secret Access Key and signing method. \
         Consult the service documentation for details.\n\n\
         The Canonical String for this request should have been\n'{canonical}'\n\n\
         The String-to-Sign should have been\n'{string_to_sign}'\n"
    ))
}

fn hashed(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}
