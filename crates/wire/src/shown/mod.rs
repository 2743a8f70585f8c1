//! What the audit trail may show of a request and of its answer: JSON in the form of CloudTrail,
//! with names that begin in lower case, and without secrets.

mod elements;
mod parameters;
mod resources;

pub use elements::{NotShown, elements};
pub use parameters::parameters;
pub use resources::{Resource, resources_in};

use crate::plain::is_plain;

/// What stands in the place of a secret.
///
/// Source: CloudTrail User Guide, "CloudTrail record contents".
pub const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Longest text of one of the two, in bytes.
// CHOICE: CloudTrail leaves out what has more than 100 KB; a whole batch of records with both must
// fit into one commit.
pub const LENGTH_MAX: usize = 64 * 1024;

/// Members that are secret although the models do not say so, as codes that may be used once, and
/// what is shown to its owner once.
const SECRET_MEMBERS: [&str; 8] = [
    "AuthenticationCode1",
    "AuthenticationCode2",
    "Base32StringSeed",
    "Password",
    "QRCodePNG",
    "SAMLAssertion",
    "SessionToken",
    "TokenCode",
];

/// What a record shows of a request or of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// A JSON object without secrets.
    pub text: String,
    /// The resources that it names, known without reading it.
    pub resources: Vec<Resource<'static>>,
}

impl Shown {
    /// A JSON object that somebody has written already; none if it says nothing or is too long.
    pub fn of_json(text: String) -> Option<Shown> {
        let is_empty = matches!(text.as_str(), "null" | "{}");
        if is_empty || text.len() > LENGTH_MAX {
            return None;
        }
        let named = resources_in(&text).into_iter();
        let resources = named.map(|(kind, name)| (kind, name.into_owned().into())).collect();
        Some(Shown { text, resources })
    }

    /// Bytes of memory that it takes, about.
    pub fn size(&self) -> usize {
        let names = self.resources.iter();
        let names = names.map(|(_, name)| size_of::<Resource<'_>>() + name.len());
        self.text.len() + names.sum::<usize>()
    }
}

/// What stands in the place of something too long, in the form of CloudTrail.
fn omitted(what: &str) -> String {
    format!("{{\"omitted\":true,\"reason\":\"{what} too large\"}}")
}

/// Appends a member's name as CloudTrail has it, with quotes and colon.
fn push_name(text: &mut String, name: &str) {
    text.push('"');
    let mut characters = name.chars();
    text.extend(characters.next().map(|first| first.to_ascii_lowercase()));
    text.push_str(characters.as_str());
    text.push_str("\":");
}

/// Appends a text as JSON has it, with its quotation marks.
pub fn push_text(text: &mut String, value: &str) {
    if is_plain(value) {
        text.push('"');
        text.push_str(value);
        text.push('"');
    } else {
        text.push_str(&serde_json::Value::from(value).to_string());
    }
}

#[cfg(test)]
mod tests;
