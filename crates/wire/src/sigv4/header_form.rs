//! The signature in the `Authorization` header.

use std::borrow::Cow;

use super::claim::{ALGORITHM, Claim, Signed, Validity};
use super::{AUTHORIZATION_LENGTH_MAX, HEADER_BYTES_MAX, HEADERS_MAX, Rejection, date, rejection};

/// The claim of an `Authorization` header.
pub(super) fn claim<'a>(
    authorization: &'a [u8],
    headers: &NamedHeaders<'a>,
) -> Result<Claim<'a>, Rejection> {
    let parts = AuthorizationParts::parse(authorization)?;
    let date = headers.amz_date.or(headers.date);
    let (Some(credential), Some(signed_headers), Some(signature), Some(date)) =
        (parts.credential, parts.signed_headers, parts.signature, date)
    else {
        let elements = [
            ("Credential", parts.credential),
            ("Signature", parts.signature),
            ("SignedHeaders", parts.signed_headers),
        ];
        let missing = elements.iter().filter(|(_, value)| value.is_none());
        let missing: Vec<&str> = missing.map(|(name, _)| *name).collect();
        let has_date = date.is_some();
        return Err(rejection::missing_elements(&missing, has_date, authorization));
    };
    let date = text(date).ok_or_else(|| rejection::malformed_date("?"))?;
    let (time, time_text) = if headers.amz_date.is_some() {
        date::parse_basic(date).map(|time| (time, Cow::Borrowed(date)))
    } else {
        date::parse_date_header(date)
    }
    .ok_or_else(|| rejection::malformed_date(date))?;
    let session_token = match headers.security_token {
        Some(token) => Some(Cow::Borrowed(text(token).ok_or_else(Rejection::unknown_key)?)),
        None => None,
    };
    Signed {
        credential: Cow::Borrowed(credential),
        signed_headers: Some(Cow::Borrowed(signed_headers)),
        signature,
        time,
        time_text,
    }
    .claim(session_token, Validity::ClockTolerance { is_presigned: false })
}

/// The headers that say something of the signature.
#[derive(Default)]
pub(super) struct NamedHeaders<'a> {
    pub(super) authorization: Option<&'a [u8]>,
    host: Option<&'a [u8]>,
    date: Option<&'a [u8]>,
    pub(super) amz_date: Option<&'a [u8]>,
    pub(super) security_token: Option<&'a [u8]>,
    content_sha256: Option<&'a [u8]>,
}

impl<'a> NamedHeaders<'a> {
    /// Each of them may be there once.
    pub(super) fn find(headers: &[(&'a str, &'a [u8])]) -> Result<NamedHeaders<'a>, Rejection> {
        if headers.len() > HEADERS_MAX {
            let message = format!("A request has at most {HEADERS_MAX} headers.");
            return Err(rejection::too_large(message));
        }
        let mut found = NamedHeaders::default();
        let mut size = 0_usize;
        for (name, value) in headers {
            size = size.saturating_add(name.len()).saturating_add(value.len());
            let slot = match *name {
                "authorization" => &mut found.authorization,
                "host" => &mut found.host,
                "date" => &mut found.date,
                "x-amz-date" => &mut found.amz_date,
                "x-amz-security-token" => &mut found.security_token,
                "x-amz-content-sha256" => &mut found.content_sha256,
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(rejection::ambiguous(&format!("The header '{name}'")));
            }
        }
        if size > HEADER_BYTES_MAX {
            return Err(rejection::too_large(format!(
                "The headers of a request have at most {HEADER_BYTES_MAX} bytes."
            )));
        }
        Ok(found)
    }
}

/// The key=value pairs of an `Authorization` header.
#[derive(Default)]
struct AuthorizationParts<'a> {
    credential: Option<&'a str>,
    signed_headers: Option<&'a str>,
    signature: Option<&'a str>,
}

impl<'a> AuthorizationParts<'a> {
    /// Pairs are separated by commas, spaces or both; no value holds either.
    fn parse(header: &'a [u8]) -> Result<AuthorizationParts<'a>, Rejection> {
        if header.len() > AUTHORIZATION_LENGTH_MAX {
            return Err(rejection::too_large(format!(
                "The Authorization header has at most {AUTHORIZATION_LENGTH_MAX} bytes."
            )));
        }
        let text = text(header).ok_or_else(rejection::unsupported_algorithm)?;
        if text.is_empty() {
            return Err(rejection::incomplete("Authorization header cannot be empty."));
        }
        let rest = text
            .strip_prefix(ALGORITHM)
            .filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
            .ok_or_else(rejection::unsupported_algorithm)?;
        let mut parts = AuthorizationParts::default();
        let mut start = 0;
        let separators = memchr::memchr3_iter(b',', b' ', b'\t', rest.as_bytes());
        for end in separators.chain([rest.len()]) {
            let pair = rest.get(start..end).unwrap_or_default();
            if !pair.is_empty() {
                parts.add(pair, header)?;
            }
            start = end + 1;
        }
        Ok(parts)
    }

    fn add(&mut self, pair: &'a str, header: &[u8]) -> Result<(), Rejection> {
        let known = [
            ("Credential=", &mut self.credential),
            ("SignedHeaders=", &mut self.signed_headers),
            ("Signature=", &mut self.signature),
        ];
        for (start, slot) in known {
            if let Some(value) = pair.strip_prefix(start) {
                if slot.replace(value).is_some() {
                    let name = start.trim_end_matches('=');
                    let what = format!("'{name}' in the Authorization header");
                    return Err(rejection::ambiguous(&what));
                }
                return Ok(());
            }
        }
        if !pair.contains('=') {
            return Err(rejection::missing_equal_sign(header));
        }
        // CHOICE: what is not part of the scheme is refused, not skipped.
        Err(rejection::incomplete(
            "Authorization header has a parameter that is none of \
             'Credential', 'SignedHeaders' and 'Signature'.",
        ))
    }
}

/// The text of a header without the white space around it.
fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok().map(|text| text.trim_matches([' ', '\t']))
}
