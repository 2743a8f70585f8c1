//! The canonical request.
//!
//! Source: IAM User Guide, "Create a signed request", "Create a canonical request".

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::{
    Claim, PathRule, PayloadRule, Rejection, RequestParts, Rules, claim, payload, rejection,
};
use crate::query::escape;

/// What a claim should have been signed for.
pub(super) struct Canonical<'r> {
    method: &'r str,
    path: &'r str,
    path_rule: PathRule,
    query: Query,
    /// The signed headers that are there, sorted by name.
    headers: Vec<(&'r str, &'r [u8])>,
    signed_headers: &'r str,
    payload: PayloadWord<'r>,
}

/// What stands for the body.
enum PayloadWord<'r> {
    Hash(Hash),
    Declared(&'r str),
}

/// A SHA-256 in lower-case hexadecimal digits.
pub(super) struct Hash([u8; 64]);

impl<'r> Canonical<'r> {
    /// # Errors
    /// The answer to a request that no signature can be good for.
    pub(super) fn new(
        request: &RequestParts<'r>,
        claim: &'r Claim<'_>,
        rules: &Rules,
    ) -> Result<Canonical<'r>, Rejection> {
        if request.method.is_empty() || !request.method.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(rejection::malformed_request("The method is malformed."));
        }
        if !(request.path.is_empty() || request.path.starts_with('/')) {
            return Err(rejection::malformed_request("A path begins with a slash."));
        }
        Ok(Canonical {
            method: request.method,
            path: request.path,
            path_rule: rules.path,
            query: Query::parse(request.query.unwrap_or_default())?,
            headers: signed(request.headers, claim.signed_headers())?,
            signed_headers: claim.signed_headers(),
            payload: match rules.payload {
                PayloadRule::Hash => PayloadWord::Hash(body_hash(request)?),
                PayloadRule::Declared => PayloadWord::Declared(payload::word(request, claim)?),
            },
        })
    }

    pub(super) fn hash(&self) -> Hash {
        Hash::of(&self.text(Tokens::Show))
    }

    /// The text, for the answer to a wrong signature.
    ///
    /// The client has sent all of it, but answers end up in logs and tickets.
    // CHOICE: AWS repeats the session token; here it is left out.
    pub(super) fn printable(&self) -> String {
        String::from_utf8_lossy(&self.text(Tokens::Redact)).into_owned()
    }

    fn text(&self, tokens: Tokens) -> Vec<u8> {
        let mut text = Vec::with_capacity(TEXT_LENGTH_USUAL + self.query.text.len());
        text.extend_from_slice(self.method.as_bytes());
        text.push(b'\n');
        push_path(&mut text, self.path, self.path_rule);
        text.push(b'\n');
        self.query.push(&mut text, tokens);
        let mut previous = "";
        for (name, value) in &self.headers {
            if *name == previous {
                text.push(b',');
            } else {
                text.push(b'\n');
                text.extend_from_slice(name.as_bytes());
                text.push(b':');
            }
            match tokens {
                Tokens::Redact if *name == "x-amz-security-token" => {
                    text.extend_from_slice(REDACTED);
                }
                Tokens::Redact | Tokens::Show => push_value(&mut text, value),
            }
            previous = name;
        }
        text.extend_from_slice(b"\n\n");
        text.extend_from_slice(self.signed_headers.as_bytes());
        text.push(b'\n');
        text.extend_from_slice(match &self.payload {
            PayloadWord::Hash(hash) => &hash.0,
            PayloadWord::Declared(word) => word.as_bytes(),
        });
        text
    }
}

/// Whether session tokens are written as they are.
#[derive(Clone, Copy)]
enum Tokens {
    Show,
    Redact,
}

const REDACTED: &[u8] = b"<redacted>";
/// What usually suffices, in bytes; a session token alone has about a thousand.
const TEXT_LENGTH_USUAL: usize = 1024;

impl Hash {
    pub(super) fn of(bytes: &[u8]) -> Hash {
        Hash::from_digest(Sha256::digest(bytes).into())
    }

    /// In hexadecimal digits.
    pub(super) fn from_digest(hash: [u8; 32]) -> Hash {
        let mut digits = [0; 64];
        let (pairs, _) = digits.as_chunks_mut::<2>();
        for (pair, byte) in pairs.iter_mut().zip(hash) {
            *pair = [digit(byte >> 4, b'a'), digit(byte & 15, b'a')];
        }
        Hash(digits)
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The headers that are signed, by name.
///
/// A header that is signed must be there, and every `x-amz-*` header must be signed: another hand
/// could have added or removed it.
fn signed<'r>(
    headers: &[(&'r str, &'r [u8])],
    list: &str,
) -> Result<Vec<(&'r str, &'r [u8])>, Rejection> {
    let mut found = Vec::with_capacity(headers.len());
    for name in claim::signed_names(list) {
        let before = found.len();
        let same_name = headers.iter().filter(|(other, _)| other.as_bytes() == name);
        found.extend(same_name);
        if found.len() == before {
            let name = String::from_utf8_lossy(name);
            // CHOICE: AWS documents no answer; an absent header is not the same as an empty one.
            return Err(rejection::unproven(format!(
                "The header '{name}' is in SignedHeaders, but not in the request."
            )));
        }
    }
    let present = headers.iter().filter(|(name, _)| claim::is_amz(name));
    let mut unsigned = present.filter(|(name, _)| !found.iter().any(|(other, _)| other == name));
    if let Some((name, _)) = unsigned.next() {
        return Err(rejection::header_not_signed(name));
    }
    for (name, value) in &found {
        if has_control(value) {
            return Err(rejection::malformed_request(format!(
                "The header '{name}' holds a control character."
            )));
        }
    }
    Ok(found)
}

/// Looks at every byte instead of stopping at the first, which is faster.
fn has_control(value: &[u8]) -> bool {
    let is_control = |byte: &u8| byte.is_ascii_control() & (*byte != b'\t');
    let bytes = value.iter();
    bytes.fold(false, |found, byte| found | is_control(byte))
}

/// The hash of the body, with which the header must agree.
fn body_hash(request: &RequestParts<'_>) -> Result<Hash, Rejection> {
    let hash = Hash::of(request.body);
    let mut named = request.headers.iter();
    let Some((_, value)) = named.find(|(name, _)| *name == "x-amz-content-sha256") else {
        return Ok(hash);
    };
    let value = value.trim_ascii();
    if value == hash.0 {
        return Ok(hash);
    }
    // CHOICE: only S3 documents this header; elsewhere it may not contradict what is verified.
    let is_hash = value.len() == hash.0.len() && value.iter().all(u8::is_ascii_hexdigit);
    let is_unhashed = value.starts_with(b"UNSIGNED-") || value.starts_with(b"STREAMING-");
    Err(if is_hash || is_unhashed {
        rejection::unproven("The provided 'x-amz-content-sha256' header does not match the body.")
    } else {
        rejection::incomplete("The 'x-amz-content-sha256' header must hold a SHA-256.")
    })
}

fn push_path(text: &mut Vec<u8>, path: &str, rule: PathRule) {
    match rule {
        _ if path.is_empty() || path == "/" => text.push(b'/'),
        PathRule::Keep => text.extend_from_slice(path.as_bytes()),
        PathRule::Normalize => {
            let mut segments: Vec<&str> = Vec::new();
            for segment in path.split('/') {
                match segment {
                    "" | "." => {}
                    ".." => {
                        segments.pop();
                    }
                    segment => segments.push(segment),
                }
            }
            for segment in &segments {
                text.push(b'/');
                for byte in segment.bytes() {
                    push_escaped(text, byte);
                }
            }
            if segments.is_empty() || path.ends_with('/') {
                text.push(b'/');
            }
        }
    }
}

/// Appends the value of a header without white space around it, and with one space for every run
/// inside.
fn push_value(text: &mut Vec<u8>, value: &[u8]) {
    let is_white = |byte: &u8| matches!(byte, b' ' | b'\t');
    let pairs = value.iter().zip(value.iter().skip(1));
    let has_run = pairs.fold(value.contains(&b'\t'), |found, (byte, next)| {
        found | ((*byte == b' ') & (*next == b' '))
    });
    let has_edge = value.first().is_some_and(is_white) || value.last().is_some_and(is_white);
    if !has_run && !has_edge {
        return text.extend_from_slice(value);
    }
    let words = value.split(is_white).filter(|word| !word.is_empty());
    for (count, word) in words.enumerate() {
        if count > 0 {
            text.push(b' ');
        }
        text.extend_from_slice(word);
    }
}

/// The parameters of the query, unescaped and escaped again, sorted by name and then value, without
/// the signature.
struct Query {
    text: Vec<u8>,
    /// Where name and value of each parameter are.
    pairs: Vec<(Range<usize>, Range<usize>)>,
}

impl Query {
    fn parse(query: &str) -> Result<Query, Rejection> {
        let mut parsed = Query { text: Vec::new(), pairs: Vec::new() };
        if query.is_empty() {
            return Ok(parsed);
        }
        parsed.text.reserve(query.len() + 32);
        for piece in query.split('&').filter(|piece| !piece.is_empty()) {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let start = parsed.text.len();
            reescape(&mut parsed.text, name).ok_or_else(rejection::malformed_query)?;
            let middle = parsed.text.len();
            if parsed.text.get(start..) == Some(b"X-Amz-Signature") {
                parsed.text.truncate(start);
                continue;
            }
            reescape(&mut parsed.text, value).ok_or_else(rejection::malformed_query)?;
            let end = parsed.text.len();
            parsed.pairs.push((start..middle, middle..end));
        }
        let text = |range: &Range<usize>| parsed.text.get(range.clone()).unwrap_or_default();
        parsed.pairs.sort_unstable_by(|one, other| {
            (text(&one.0), text(&one.1)).cmp(&(text(&other.0), text(&other.1)))
        });
        Ok(parsed)
    }

    fn push(&self, target: &mut Vec<u8>, tokens: Tokens) {
        for (count, (name, value)) in self.pairs.iter().enumerate() {
            let text = |range: &Range<usize>| self.text.get(range.clone()).unwrap_or_default();
            if count > 0 {
                target.push(b'&');
            }
            target.extend_from_slice(text(name));
            target.push(b'=');
            target.extend_from_slice(match tokens {
                Tokens::Redact if text(name) == b"X-Amz-Security-Token" => REDACTED,
                Tokens::Redact | Tokens::Show => text(value),
            });
        }
    }
}

/// Appends text with its escapes undone and made again. A plus is a space, as the Query protocol
/// reads it: otherwise the two could be swapped without harm to the signature.
fn reescape(target: &mut Vec<u8>, text: &str) -> Option<()> {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'+' => b' ',
            b'%' => escape::digit(bytes.next()?)? << 4 | escape::digit(bytes.next()?)?,
            byte => byte,
        };
        push_escaped(target, byte);
    }
    Some(())
}

/// Source: RFC 3986 section 2.3, unreserved characters.
fn push_escaped(target: &mut Vec<u8>, byte: u8) {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
        target.push(byte);
    } else {
        target.extend([b'%', digit(byte >> 4, b'A'), digit(byte & 15, b'A')]);
    }
}

fn digit(number: u8, ten: u8) -> u8 {
    if number < 10 { b'0' + number } else { ten + (number - 10) }
}
