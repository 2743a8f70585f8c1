//! Parameters in queries.

use super::Unroutable;
use super::path::{decoded, malformed};

/// Most parameters; the operation with the most has a third of it.
const COUNT_MAX: usize = 64;

/// Parameters of a signature, and the name of the operation that SDKs add: not the operation's.
const NOT_OURS: [&str; 8] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
    "x-id",
];

/// The parameters of an operation, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteParameters(Vec<(String, String)>);

impl RouteParameters {
    /// # Errors
    /// For what stands twice, in whatever case; for `+`, which is a space for some and a plus for
    /// others.
    pub(super) fn parse(query: &str) -> Result<RouteParameters, Unroutable> {
        let mut found = RouteParameters::pairs(query)?;
        found.retain(|(name, _)| !NOT_OURS.contains(&name.as_str()));
        Ok(RouteParameters(found))
    }

    /// Names and values, each name once.
    pub(super) fn pairs(query: &str) -> Result<Vec<(String, String)>, Unroutable> {
        let mut found: Vec<(String, String)> = Vec::new();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            if found.len() == COUNT_MAX {
                return Err(malformed("has too many parameters"));
            }
            if part.contains('+') {
                return Err(malformed("has a + in its query, which is to be %20 or %2B"));
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if found.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                return Err(malformed("has a parameter twice"));
            }
            found.push((name, value));
        }
        Ok(found)
    }

    /// The value of a parameter; empty where it has none.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}
