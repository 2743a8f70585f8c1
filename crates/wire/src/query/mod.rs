//! The Query protocol: parameters in, typed requests out.
//!
//! Source: IAM API Reference, "Making query requests"; the rules of `X.member.N` and `X.entry.N`
//! are those of the official SDKs.

mod decode;
pub(crate) mod escape;
mod tree;

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;

pub use decode::NotDecodable;
pub use escape::percent_encoded;
pub(crate) use escape::push_percent_encoded;
pub(crate) use tree::Node;

use crate::ErrorCode;

/// Most parameters of one request.
// CHOICE: the largest legal requests (policy simulation) stay far below.
pub const PARAMETERS_MAX: usize = 8_192;
/// Longest body, in bytes.
// CHOICE: the largest member is the metadata of a SAML provider, 10,000,000 characters.
pub const BODY_LENGTH_MAX: usize = 16 * 1024 * 1024;
/// Longest name of a parameter, in bytes.
pub const NAME_LENGTH_MAX: usize = 256;
/// Deepest nesting of a parameter's name, in segments.
pub const DEPTH_MAX: usize = 16;
/// Greatest index of a list or map.
pub const INDEX_MAX: u32 = 10_000;

/// The parameters of one request, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// A request that is not a Query request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// The error code of the answer.
    pub code: ErrorCode,
    /// The message of the answer.
    pub message: String,
}

impl fmt::Display for QueryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.code(), self.message)
    }
}

impl std::error::Error for QueryError {}

impl<'a> Parameters<'a> {
    /// Reads a form-encoded body or query string.
    ///
    /// # Errors
    /// [`QueryError`] for what is no form, for a parameter given twice, and past the limits.
    pub fn parse(body: &'a [u8]) -> Result<Parameters<'a>, QueryError> {
        if body.len() > BODY_LENGTH_MAX {
            return Err(too_large());
        }
        let mut pairs = Vec::new();
        for piece in body.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
            if pairs.len() == PARAMETERS_MAX {
                return Err(refused(format!("A request has at most {PARAMETERS_MAX} parameters.")));
            }
            let mut halves = piece.splitn(2, |byte| *byte == b'=');
            let name = escape::decode(halves.next().unwrap_or_default()).ok_or_else(malformed)?;
            check_name(&name)?;
            let value = escape::decode(halves.next().unwrap_or_default()).ok_or_else(malformed)?;
            pairs.push((name, value));
        }
        pairs.sort_unstable_by(|(one, _): &tree::Pair<'_>, (other, _)| tree::order(one, other));
        for ((one, _), (next, _)) in pairs.iter().zip(pairs.iter().skip(1)) {
            if one == next {
                return Err(refused(format!("The parameter {one} is given more than once.")));
            }
        }
        Ok(Parameters { pairs })
    }

    /// The parameter `Action`.
    pub fn action(&self) -> Option<&str> {
        self.value("Action")
    }

    /// The parameter `Version`.
    pub fn version(&self) -> Option<&str> {
        self.value("Version")
    }

    /// The value of a parameter without structure.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.root().child(name).and_then(Node::value)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The typed request. Constraints are checked before, by [`crate::constraint::validate`].
    ///
    /// # Errors
    /// [`NotDecodable`] when a required parameter is missing or a value is of another type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, NotDecodable> {
        T::deserialize(decode::Decoder::new(self.root()))
    }

    pub(crate) fn root(&self) -> Node<'_> {
        Node::root(&self.pairs)
    }
}

/// Names with too many segments or absurd indices are refused before anything is built from them.
fn check_name(name: &str) -> Result<(), QueryError> {
    if name.len() > NAME_LENGTH_MAX {
        return Err(refused(format!("A parameter name has at most {NAME_LENGTH_MAX} bytes.")));
    }
    let mut is_index = false;
    for (depth, segment) in name.split('.').enumerate() {
        if depth == DEPTH_MAX {
            return Err(refused(format!("The parameter {name} is nested too deeply.")));
        }
        if is_index && !is_legal_index(segment) {
            return Err(refused(format!("The index of the parameter {name} is out of range.")));
        }
        is_index = depth > 0 && matches!(segment, "member" | "entry");
    }
    Ok(())
}

/// One number has one spelling, so that no item is given twice.
fn is_legal_index(segment: &str) -> bool {
    let is_decimal = segment.bytes().all(|byte| byte.is_ascii_digit());
    let is_canonical = is_decimal && (segment == "0" || !segment.starts_with('0'));
    is_canonical && segment.parse::<u32>().is_ok_and(|index| index <= INDEX_MAX)
}

/// Reads a boolean.
// CHOICE: the SDKs send lower case; other spellings are what hand-written clients send.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text {
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn malformed() -> QueryError {
    QueryError {
        code: ErrorCode::MalformedQueryString,
        message: "The query string contains a syntax error.".to_owned(),
    }
}

fn too_large() -> QueryError {
    QueryError {
        code: ErrorCode::RequestEntityTooLargeException,
        message: format!("A request has at most {BODY_LENGTH_MAX} bytes."),
    }
}

// CHOICE: AWS documents no texts for these; they read like its own.
fn refused(message: String) -> QueryError {
    QueryError { code: ErrorCode::InvalidQueryParameter, message }
}

#[cfg(test)]
mod tests;
