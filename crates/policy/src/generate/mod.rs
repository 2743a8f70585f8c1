//! Least privilege from evidence: the smallest identity-based policy that covers what was used.
//!
//! [`Event::uses`] says what a record of an audit trail needed to be allowed, a [`Generator`] takes
//! that in and makes documents of it, and [`PresentPolicies`] says what of the policies in force was
//! never needed. No I/O; memory is bounded, however much was used.

mod document;
mod event;
mod fill;
mod folder;
mod generator;
mod present;
#[cfg(test)]
mod tests;

pub use document::{DOCUMENT_SIZE_MAX, RESOURCE_LENGTH_MAX};
pub use event::{Event, NeededBy, Parameter};
pub use folder::SEGMENTS_MAX;
pub use generator::{Generated, Generator, SIBLINGS_MAX, Tally, USED_BYTES_MAX, Ungranted};
pub use present::{PresentPolicies, StatementUse};

use crate::service_data::{self, ActionFacts};

/// An action that was used, and on what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    action: String,
    resource: Used,
}

/// The resource of a use, as far as the evidence names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Used {
    /// The action knows no resources.
    None,
    /// An ARN.
    Arn(String),
    /// An ARN with `*` for what is not known; as policies write it.
    Pattern(String),
    /// An entity of IAM whose path is not known: its ARN up to the type, `/` included, and its name.
    Named(String, String),
    /// Nothing is known of it.
    Unknown,
}

impl Use {
    /// An action on the resource of this ARN, or on `*`; none if the action is not known.
    ///
    /// ```
    /// let used = iamd_policy::generate::Use::of("s3:getobject", "arn:aws:s3:::b/k").unwrap();
    /// assert_eq!(used.action(), "s3:GetObject");
    /// assert!(iamd_policy::generate::Use::of("s3:GetObjct", "*").is_none());
    /// ```
    pub fn of(action: &str, resource: &str) -> Option<Use> {
        let facts = service_data::action(action)?;
        let used = match resource {
            _ if !facts.has_resource_level_permissions() => Used::None,
            "*" => Used::Unknown,
            arn => Used::Arn(arn.to_owned()),
        };
        Some(Use::new(facts, used))
    }

    fn new(facts: ActionFacts, resource: Used) -> Use {
        Use { action: format!("{}:{}", facts.service().prefix(), facts.name()), resource }
    }

    /// The action as it is spelt, such as `s3:GetObject`.
    pub fn action(&self) -> &str {
        &self.action
    }
}

/// A text as a pattern that matches it alone.
///
/// Source: IAM User Guide, "IAM policy elements: Variables and tags": `${*}`, `${?}` and `${$}`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '*' => escaped.push_str("${*}"),
            '?' => escaped.push_str("${?}"),
            '$' if characters.peek() == Some(&'{') => escaped.push_str("${$}"),
            other => escaped.push(other),
        }
    }
    escaped
}
