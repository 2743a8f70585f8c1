//! What a request says of its signer.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::header_form::{self, NamedHeaders};
use super::query_form::{self, Elements};
use super::{HEADERS_MAX, PATH_LENGTH_MAX, Rejection, RequestParts, rejection};
use crate::Timestamp;

pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
pub(super) const TERMINATOR: &str = "aws4_request";

/// Longest access key id. IAM model, `accessKeyIdType`.
const ACCESS_KEY_ID_LENGTH_MAX: usize = 128;
/// Longest name of a region or service in a scope.
// CHOICE: the longest of AWS have half of this.
const SCOPE_PART_LENGTH_MAX: usize = 64;

/// What a request says of its signer. Nothing of it is proven before [`Claim::verify`].
pub struct Claim<'a> {
    access_key_id: Cow<'a, str>,
    /// Date, region, service and terminator.
    scope: Cow<'a, str>,
    region: Range<usize>,
    service: Range<usize>,
    signed_headers: Cow<'a, str>,
    signature: [u8; 32],
    time: Timestamp,
    /// The time as it is signed, `YYYYMMDDTHHMMSSZ`.
    time_text: Cow<'a, str>,
    session_token: Option<Cow<'a, str>>,
    validity: Validity,
}

/// How long the signature is good for.
pub(super) enum Validity {
    /// For the clock tolerance: the signature came in the `Authorization` header, or in the query
    /// without `X-Amz-Expires`.
    ClockTolerance { is_presigned: bool },
    /// For `X-Amz-Expires`.
    Seconds(i64),
}

impl<'a> Claim<'a> {
    /// Finds the one signature of a request, in the `Authorization` header or the query.
    ///
    /// # Errors
    /// The answer to a request without a signature, with more than one, with a malformed one, or
    /// past the limits of this module.
    pub fn read(request: &RequestParts<'a>) -> Result<Claim<'a>, Rejection> {
        if request.path.len() > PATH_LENGTH_MAX {
            return Err(rejection::too_large(format!(
                "A path has at most {PATH_LENGTH_MAX} bytes."
            )));
        }
        let headers = NamedHeaders::find(request.headers)?;
        let elements = match request.query {
            Some(query) if !query.is_empty() => Elements::find(query)?,
            Some(_) | None => Elements::default(),
        };
        match headers.authorization {
            Some(_) if !elements.is_empty() => Err(rejection::ambiguous(
                "Either the Authorization header or the X-Amz-* query-string parameters",
            )),
            Some(authorization) => header_form::claim(authorization, &headers),
            None if elements.claims_a_signature() => query_form::claim(elements, &headers),
            None => Err(Rejection::missing()),
        }
    }

    /// The access key id.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The date of the scope, `YYYYMMDD`.
    pub fn scope_date(&self) -> &str {
        self.scope.get(..DATE_LENGTH).unwrap_or_default()
    }

    /// The region of the scope.
    pub fn region(&self) -> &str {
        self.scope.get(self.region.clone()).unwrap_or_default()
    }

    /// The service of the scope.
    pub fn service(&self) -> &str {
        self.scope.get(self.service.clone()).unwrap_or_default()
    }

    /// The session token, which temporary credentials have.
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }

    /// When the request was signed.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// Whether the signature is in the query.
    pub fn is_presigned(&self) -> bool {
        match self.validity {
            Validity::ClockTolerance { is_presigned } => is_presigned,
            Validity::Seconds(_) => true,
        }
    }

    /// The names of the signed headers: lower case, sorted, unique, joined by `;`. None of a form.
    pub fn signed_headers(&self) -> &str {
        &self.signed_headers
    }

    pub(super) fn scope(&self) -> &str {
        &self.scope
    }

    pub(super) fn time_text(&self) -> &str {
        &self.time_text
    }

    pub(super) fn signature(&self) -> &[u8; 32] {
        &self.signature
    }

    /// The value of `X-Amz-Expires`.
    pub(super) fn expires_seconds(&self) -> Option<i64> {
        match self.validity {
            Validity::ClockTolerance { .. } => None,
            Validity::Seconds(seconds) => Some(seconds),
        }
    }
}

/// Leaves out the session token and the signature.
impl fmt::Debug for Claim<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Claim")
            .field("access_key_id", &self.access_key_id)
            .field("scope", &self.scope)
            .field("time", &self.time)
            .field("signed_headers", &self.signed_headers)
            .field("is_presigned", &self.is_presigned())
            .finish_non_exhaustive()
    }
}

/// Whether the name of a header or parameter is one that AWS reserves, in any letter case.
pub(super) fn is_amz(name: &str) -> bool {
    let start = name.as_bytes().first_chunk::<6>();
    start.is_some_and(|start| start.eq_ignore_ascii_case(b"x-amz-"))
}

/// What both forms have in common, not yet looked at.
pub(super) struct Signed<'a, 's> {
    pub(super) credential: Cow<'a, str>,
    /// None where no headers are signed.
    pub(super) signed_headers: Option<Cow<'a, str>>,
    pub(super) signature: &'s str,
    pub(super) time: Timestamp,
    pub(super) time_text: Cow<'a, str>,
}

impl<'a> Signed<'a, '_> {
    pub(super) fn claim(
        self,
        session_token: Option<Cow<'a, str>>,
        validity: Validity,
    ) -> Result<Claim<'a>, Rejection> {
        let (access_key_id, scope) =
            split_at_slash(self.credential).ok_or_else(rejection::malformed_credential)?;
        let (region, service) = check_scope(&scope, &self.time_text)?;
        let is_key_id = (1..=ACCESS_KEY_ID_LENGTH_MAX).contains(&access_key_id.len())
            && access_key_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_key_id {
            // What cannot be an access key id belongs to nobody.
            return Err(Rejection::unknown_key());
        }
        if let Some(signed_headers) = &self.signed_headers {
            check_signed_headers(signed_headers)?;
        }
        let signature = parse_signature(self.signature).ok_or_else(|| {
            // CHOICE: AWS documents the form of the signature, not the answer to another one.
            rejection::incomplete("Signature must have 64 lower-case hexadecimal digits.")
        })?;
        Ok(Claim {
            access_key_id,
            scope,
            region,
            service,
            signed_headers: self.signed_headers.unwrap_or_default(),
            signature,
            time: self.time,
            time_text: self.time_text,
            session_token,
            validity,
        })
    }
}

fn split_at_slash(credential: Cow<'_, str>) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let slash = credential.bytes().position(|byte| byte == b'/')?;
    match credential {
        Cow::Borrowed(text) => {
            let (key_id, rest) = text.split_at_checked(slash)?;
            Some((Cow::Borrowed(key_id), Cow::Borrowed(rest.get(1..)?)))
        }
        Cow::Owned(mut text) => {
            let scope = text.get(slash + 1..)?.to_owned();
            text.truncate(slash);
            Some((Cow::Owned(text), Cow::Owned(scope)))
        }
    }
}

/// Length of `YYYYMMDD`.
const DATE_LENGTH: usize = 8;

/// Checks `date/region/service/aws4_request`, and says where region and service are.
fn check_scope(scope: &str, time: &str) -> Result<(Range<usize>, Range<usize>), Rejection> {
    let mut parts = scope.as_bytes().split(|byte| *byte == b'/');
    let (Some(date), Some(region), Some(service), Some(terminator), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(rejection::malformed_credential());
    };
    // The time has been read, so that its first eight characters are a date.
    if time.as_bytes().get(..DATE_LENGTH) != Some(date) {
        return Err(rejection::wrong_date());
    }
    let region_start = DATE_LENGTH + 1;
    let region_end = region_start + region.len();
    let service_start = region_end + 1;
    let service_end = service_start + service.len();
    if !is_scope_part(region) {
        let region = scope.get(region_start..region_end).unwrap_or_default();
        return Err(rejection::wrong_region(region));
    }
    if terminator != TERMINATOR.as_bytes() {
        return Err(rejection::wrong_terminator());
    }
    Ok((region_start..region_end, service_start..service_end))
}

fn is_scope_part(text: &[u8]) -> bool {
    let is_legal = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=SCOPE_PART_LENGTH_MAX).contains(&text.len()) && text.iter().all(is_legal)
}

/// Names of signed headers are in lower case, sorted and unique, and `host` is among them.
fn check_signed_headers(list: &str) -> Result<(), Rejection> {
    // CHOICE: AWS documents the form of the list, not the answer to another one.
    let malformed = || {
        rejection::incomplete("SignedHeaders must name headers in lower case, sorted, each once.")
    };
    // Whether the rest of RFC 9110's token holds needs no look: a header of that name must exist.
    let is_legal = |byte: u8| byte.is_ascii_graphic() & !byte.is_ascii_uppercase() & (byte != b':');
    if !list.bytes().fold(true, |all, byte| all & is_legal(byte)) {
        return Err(malformed());
    }
    let mut previous: &[u8] = b"";
    let mut has_host = false;
    for (count, name) in signed_names(list).enumerate() {
        if count == HEADERS_MAX || name <= previous {
            return Err(malformed());
        }
        has_host |= name == b"host";
        previous = name;
    }
    if has_host { Ok(()) } else { Err(rejection::host_not_signed()) }
}

/// The names in a list of signed headers.
pub(super) fn signed_names(list: &str) -> impl Iterator<Item = &[u8]> {
    list.as_bytes().split(|byte| *byte == b';')
}

fn parse_signature(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let is_digit = |digit: &u8| digit.is_ascii_digit() | matches!(digit, b'a'..=b'f');
    if !digits.iter().fold(true, |all, digit| all & is_digit(digit)) {
        return None;
    }
    let (pairs, _) = digits.as_chunks::<2>();
    let mut signature = [0; 32];
    for (byte, [high, low]) in signature.iter_mut().zip(pairs) {
        *byte = value(*high) << 4 | value(*low);
    }
    Some(signature)
}

/// The value of a lower-case hexadecimal digit, without a branch: letters have bit six set.
fn value(digit: u8) -> u8 {
    (digit & 15) + 9 * (digit >> 6)
}
