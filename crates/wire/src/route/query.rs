//! Parameters in queries.

use super::S3Error;
use super::path::{decoded, malformed};
use crate::query::percent_encoded;

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
    pub(super) fn parse(query: &str) -> Result<RouteParameters, S3Error> {
        let mut found = RouteParameters::pairs(query)?;
        found.retain(|(name, _)| !NOT_OURS.contains(&name.as_str()));
        Ok(RouteParameters(found))
    }

    /// Names and values, each name once.
    pub(super) fn pairs(query: &str) -> Result<Vec<(String, String)>, S3Error> {
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

    /// All of them as a query in its canonical form: escaped, sorted, each name with `=`.
    pub fn canonical(&self) -> String {
        let mut parts: Vec<(String, String)> = self
            .0
            .iter()
            .map(|(name, value)| (percent_encoded(name), percent_encoded(value)))
            .collect();
        parts.sort();
        let parts: Vec<String> =
            parts.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        parts.join("&")
    }

    /// The names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}
