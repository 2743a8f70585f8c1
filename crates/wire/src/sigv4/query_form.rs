//! The signature in the query: presigned requests.

use std::borrow::Cow;

use super::claim::{ALGORITHM, Claim, Signed, Validity, is_amz};
use super::header_form::NamedHeaders;
use super::{
    AMZ_PARAMETERS_MAX, EXPIRES_SECONDS_MAX, QUERY_LENGTH_MAX, Rejection, date, rejection,
};
use crate::query::escape;

/// The claim of a query.
pub(super) fn claim<'a>(
    elements: Elements<'a>,
    headers: &NamedHeaders<'a>,
) -> Result<Claim<'a>, Rejection> {
    for (name, header) in
        [("X-Amz-Date", headers.amz_date), ("X-Amz-Security-Token", headers.security_token)]
    {
        if header.is_some() {
            return Err(rejection::ambiguous(&format!(
                "'{name}', as header or as query-string parameter,"
            )));
        }
    }
    let required = |element: Option<Cow<'a, str>>, name: &str| {
        element.ok_or_else(|| rejection::missing_parameter(name))
    };
    if required(elements.algorithm, "X-Amz-Algorithm")? != ALGORITHM {
        return Err(rejection::unsupported_algorithm());
    }
    let credential = required(elements.credential, "X-Amz-Credential")?;
    let signature = required(elements.signature, "X-Amz-Signature")?;
    let signed_headers = Some(required(elements.signed_headers, "X-Amz-SignedHeaders")?);
    let time_text = required(elements.date, "X-Amz-Date")?;
    let time =
        date::parse_basic(&time_text).ok_or_else(|| rejection::malformed_date(&time_text))?;
    let validity = match elements.expires {
        Some(expires) => Validity::Seconds(seconds(&expires)?),
        None => Validity::ClockTolerance { is_presigned: true },
    };
    Signed { credential, signed_headers, signature: &signature, time, time_text }
        .claim(elements.security_token, validity)
}

/// The elements of a signature in a query.
#[derive(Default)]
pub(super) struct Elements<'a> {
    algorithm: Option<Cow<'a, str>>,
    credential: Option<Cow<'a, str>>,
    date: Option<Cow<'a, str>>,
    expires: Option<Cow<'a, str>>,
    signed_headers: Option<Cow<'a, str>>,
    signature: Option<Cow<'a, str>>,
    security_token: Option<Cow<'a, str>>,
}

impl<'a> Elements<'a> {
    /// Each of them may be there once, and no `X-Amz-*` parameter twice, however it is written.
    pub(super) fn find(query: &'a str) -> Result<Elements<'a>, Rejection> {
        if query.len() > QUERY_LENGTH_MAX {
            return Err(rejection::too_large(format!(
                "A query string has at most {QUERY_LENGTH_MAX} bytes."
            )));
        }
        let mut found = Elements::default();
        let mut seen: Vec<Cow<'a, str>> = Vec::new();
        // Only these can be the first byte of `X-Amz-`, escaped or not.
        let candidates = query.split('&').filter(|piece| piece.starts_with(['X', 'x', '%']));
        for piece in candidates {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let decode = |text: &'a str| {
                escape::decode(text.as_bytes()).ok_or_else(rejection::malformed_query)
            };
            let name = decode(name)?;
            if !is_amz(&name) {
                continue;
            }
            if seen.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
                return Err(rejection::ambiguous(&format!("The parameter '{name}'")));
            }
            if seen.len() == AMZ_PARAMETERS_MAX {
                let message = "Too many query-string parameters begin with 'X-Amz-'.";
                return Err(rejection::incomplete(message));
            }
            if let Some(slot) = found.slot(&name)? {
                *slot = Some(decode(value)?);
            }
            seen.push(name);
        }
        Ok(found)
    }

    /// The place of an element; none for other parameters.
    // CHOICE: a name in other letter case is refused, so that no reader takes it for the element.
    fn slot(&mut self, name: &str) -> Result<Option<&mut Option<Cow<'a, str>>>, Rejection> {
        Ok(Some(match name {
            "X-Amz-Algorithm" => &mut self.algorithm,
            "X-Amz-Credential" => &mut self.credential,
            "X-Amz-Date" => &mut self.date,
            "X-Amz-Expires" => &mut self.expires,
            "X-Amz-SignedHeaders" => &mut self.signed_headers,
            "X-Amz-Signature" => &mut self.signature,
            "X-Amz-Security-Token" => &mut self.security_token,
            _ if ELEMENTS.iter().any(|known| known.eq_ignore_ascii_case(name)) => {
                let message = format!("The parameter '{name}' is in the wrong letter case.");
                return Err(rejection::incomplete(message));
            }
            _ => return Ok(None),
        }))
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.claims_a_signature()
            && self.date.is_none()
            && self.expires.is_none()
            && self.security_token.is_none()
    }

    pub(super) fn claims_a_signature(&self) -> bool {
        self.algorithm.is_some()
            || self.credential.is_some()
            || self.signed_headers.is_some()
            || self.signature.is_some()
    }
}

/// Reads `X-Amz-Expires`: decimal digits and nothing else.
// CHOICE: AWS documents the bounds, not the answer.
fn seconds(text: &str) -> Result<i64, Rejection> {
    let is_decimal = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = is_decimal.then(|| text.parse::<i64>().ok()).flatten();
    seconds.filter(|seconds| (1..=EXPIRES_SECONDS_MAX).contains(seconds)).ok_or_else(|| {
        rejection::incomplete(format!(
            "X-Amz-Expires must be a number of seconds from 1 to {EXPIRES_SECONDS_MAX}."
        ))
    })
}

const ELEMENTS: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
];
