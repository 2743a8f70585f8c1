//! Whether AWS would store a text as a policy of a certain type, and what it answers if not.
//!
//! The checks run in AWS's order over the whole document, and the first complaint is the answer.
//! Sources: IAM User Guide, "Grammar of the IAM JSON policy language" and "IAM JSON policy
//! elements reference"; Organizations User Guide, "SCP syntax" and "RCP syntax".

mod action;
mod complaint;
mod condition;
mod legacy;
mod organizations;
mod principal;
mod resource;
mod statement_id;
mod syntax;
mod trust;

use std::fmt;

use crate::Document;
use crate::json::{self, Member, ParseError, ParseErrorKind, Span};
use complaint::Complaint;
use syntax::Policy;

/// The policy types, as far as they differ in what may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    /// Managed and inline policies of users, groups and roles, and permissions boundaries.
    Identity,
    /// The trust policy of a role.
    Trust,
    /// The inline policy of a session.
    Session,
    /// A policy attached to a resource other than a role.
    Resource,
    /// A service control policy of an organization.
    Scp,
    /// A resource control policy of an organization.
    Rcp,
}

impl Grammar {
    /// All of them.
    pub const ALL: [Grammar; 6] = [
        Grammar::Identity,
        Grammar::Trust,
        Grammar::Session,
        Grammar::Resource,
        Grammar::Scp,
        Grammar::Rcp,
    ];
}

/// Why AWS would not store a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// AWS's text for the error `MalformedPolicyDocument`.
    pub message: String,
    /// What is wrong in more detail, in our words; AWS's texts often do not say.
    pub reason: String,
    /// Line of the complaint, from 1.
    pub line: u32,
    /// Column of the complaint in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Malformed { message, reason, line, column } = self;
        write!(formatter, "{message} ({reason}, at line {line} column {column})")
    }
}

impl std::error::Error for Malformed {}

/// The document of a text that AWS would store as this type of policy.
///
/// Whether principals exist, and whether the document fits its quota, is for the caller to check.
///
/// # Errors
/// AWS's exact text, the first complaint in AWS's order: JSON and its shape, version, effects,
/// dates and incomplete resources, statement ids, actions, resources, principals.
pub fn validate(text: &str, grammar: Grammar) -> Result<Document, Malformed> {
    check_characters(text).map_err(|complaint| complaint.into_malformed(text, grammar))?;
    let (span, members) =
        json::read_object(text).map_err(|error| Malformed::unreadable(error, grammar))?;
    check(span, &members, grammar).map_err(|complaint| complaint.into_malformed(text, grammar))?;
    Document::parse(text).map_err(|error| Malformed::unreadable(error, grammar))
}

/// Characters of a document that count against the quotas of identity and trust policies.
///
/// Source: IAM User Guide, "IAM and AWS STS quotas": white space is not counted.
// CHOICE: white space inside of strings counts. It is part of a value, not of the layout, and
// leaving it out would let a document grow past its quota inside its strings.
pub fn size_without_white_space(text: &str) -> usize {
    let (mut in_string, mut escaped) = (false, false);
    let counts = |character: &char| {
        let is_layout = !in_string && matches!(*character, ' ' | '\t' | '\n' | '\r');
        if escaped {
            escaped = false;
        } else if in_string && *character == '\\' {
            escaped = true;
        } else if *character == '"' {
            in_string = !in_string;
        }
        !is_layout
    };
    text.chars().filter(counts).count()
}

/// The order of these calls is AWS's order of complaints. Each looks at the whole document.
fn check(span: Span, members: &[Member], grammar: Grammar) -> Result<(), Complaint> {
    let policy = Policy::read(span, members)?;
    check_version(&policy, grammar)?;
    legacy::check(&policy)?;
    principal::check_presence(&policy, grammar)?;
    statement_id::check(&policy, grammar)?;
    action::check_presence(&policy)?;
    match grammar {
        Grammar::Identity | Grammar::Session | Grammar::Resource | Grammar::Scp | Grammar::Rcp => {
            resource::check_form(&policy, grammar)?;
            action::check_form(&policy)?;
            resource::check_presence(&policy)?;
        }
        Grammar::Trust => {
            action::check_form(&policy)?;
            trust::check(&policy)?;
        }
    }
    organizations::check(&policy, grammar)?;
    principal::check_form(&policy, grammar)
}

/// Source: IAM API Reference, CreatePolicy, `PolicyDocument`: tab, line feed, carriage return and
/// U+0020 to U+00FF.
fn check_characters(text: &str) -> Result<(), Complaint> {
    let allowed = |character: char| matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}');
    match text.char_indices().find(|(_, character)| !allowed(*character)) {
        None => Ok(()),
        Some((offset, character)) => {
            let code = u32::from(character);
            Err(Complaint::syntax(offset, format!("the character U+{code:04X} is not allowed")))
        }
    }
}

/// Source: IAM User Guide, "IAM JSON policy elements: Version"; Organizations User Guide, "SCP
/// syntax" and "RCP syntax".
// CHOICE: session and resource-based policies may go without, or keep the old version, as trust
// policies do; nothing documents that AWS refuses them.
fn check_version(policy: &Policy<'_>, grammar: Grammar) -> Result<(), Complaint> {
    match grammar {
        Grammar::Identity | Grammar::Scp | Grammar::Rcp => {}
        Grammar::Trust | Grammar::Session | Grammar::Resource => return Ok(()),
    }
    match policy.version {
        Some(version) if version.value == VERSION_CURRENT => Ok(()),
        Some(_) | None => Err(Complaint::new(
            complaint::VERSION,
            policy.version.map_or(policy.offset, |version| version.offset),
            format!("`Version` must be `{VERSION_CURRENT}`"),
        )),
    }
}

impl Malformed {
    fn unreadable(error: ParseError, grammar: Grammar) -> Malformed {
        let ParseError { line, column, kind, message: reason } = error;
        let is_json = match kind {
            ParseErrorKind::NotAnObject | ParseErrorKind::DuplicateKey => true,
            ParseErrorKind::NotJson | ParseErrorKind::TooDeep | ParseErrorKind::TooLarge => false,
        };
        let message = match grammar {
            Grammar::Trust if !is_json => complaint::TRUST_NOT_JSON,
            Grammar::Session if !is_json => complaint::SESSION_NOT_JSON,
            Grammar::Scp | Grammar::Rcp => complaint::ORGANIZATIONS,
            Grammar::Trust | Grammar::Session | Grammar::Identity | Grammar::Resource => {
                complaint::SYNTAX
            }
        };
        Malformed { message: message.to_owned(), reason, line, column }
    }
}

/// The version that has policy variables. IAM User Guide, "IAM JSON policy elements: Version".
const VERSION_CURRENT: &str = "2012-10-17";

/// The version before. It is still accepted where no version is required.
const VERSION_OLD: &str = "2008-10-17";

#[cfg(test)]
mod tests;
