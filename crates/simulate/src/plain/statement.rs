//! Statements: which of them apply, and what a set of documents says.
//!
//! Sources: IAM User Guide, "IAM JSON policy elements", "The difference between explicit and implicit
//! denies".

use serde_json::{Map, Value};

use super::document::{Document, statements, strings};
use super::pattern::{matches, wild};
use super::principal::{self, Grant};
use super::{condition, resource};
use crate::case::Question;

/// What kind of policy a document is, as far as the rules differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Identity-based, boundary, session.
    Identity,
    Scp,
    Rcp,
    Resource,
    Trust,
    Endpoint,
}

/// What a set of documents says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Deny,
    /// With the strongest way in which an allow names the caller.
    Allow(Grant),
    Nothing,
}

impl Answer {
    pub(super) fn allows(&self) -> bool {
        self.grant().is_some()
    }

    pub(super) fn grant(&self) -> Option<Grant> {
        match self {
            Answer::Allow(grant) => Some(*grant),
            Answer::Deny | Answer::Nothing => None,
        }
    }
}

const KEYS: [&str; 9] = [
    "Action",
    "Condition",
    "Effect",
    "NotAction",
    "NotPrincipal",
    "NotResource",
    "Principal",
    "Resource",
    "Sid",
];

/// A deny that applies wins, else an allow that applies, else nothing.
pub(super) fn evaluate(
    documents: &[Document],
    kind: Kind,
    question: &Question,
    bounded: bool,
) -> Answer {
    let mut strongest = None;
    for document in documents {
        // Without a version, and with an older one, variables are text.
        let variables = document.get("Version") == Some(&Value::from("2012-10-17"));
        for statement in statements(document) {
            let Some(allows) = effect(statement) else { continue };
            let Some(grant) = reaches(statement, allows, kind, question, bounded) else { continue };
            if !applies(statement, variables, kind, question) {
                continue;
            }
            if !allows {
                return Answer::Deny;
            }
            strongest = strongest.max(Some(grant));
        }
    }
    strongest.map_or(Answer::Nothing, Answer::Allow)
}

/// Whether the statement allows or denies; none if it has an unknown effect or element.
fn effect(statement: &Map<String, Value>) -> Option<bool> {
    if statement.keys().any(|key| !KEYS.contains(&key.as_str())) {
        return None;
    }
    match statement.get("Effect")?.as_str()? {
        "Allow" => Some(true),
        "Deny" => Some(false),
        _ => None,
    }
}

/// How the statement reaches the caller, if it does.
fn reaches(
    statement: &Map<String, Value>,
    allows: bool,
    kind: Kind,
    question: &Question,
    bounded: bool,
) -> Option<Grant> {
    let (plain, negated) = (statement.get("Principal"), statement.get("NotPrincipal"));
    match kind {
        // These belong to their principal. With the element a deny counts all the same.
        Kind::Identity | Kind::Scp => {
            let has_element = plain.is_some() || negated.is_some();
            return (!allows || !has_element).then_some(Grant::Direct);
        }
        // The only one that allows is AWS's own, which is in force everywhere.
        Kind::Rcp if allows => return None,
        Kind::Rcp | Kind::Resource | Kind::Trust | Kind::Endpoint => {}
    }
    let caller = &question.caller;
    match (plain, negated) {
        (None, None) => (kind == Kind::Endpoint).then_some(Grant::Direct),
        (Some(element), None) => principal::names(element, caller),
        (None, Some(element)) => {
            let is_out = if allows {
                principal::names(element, caller).is_some()
            } else {
                principal::spares(element, caller, bounded)
            };
            (!is_out).then_some(Grant::Direct)
        }
        (Some(_), Some(_)) => None,
    }
}

/// Whether actions, resources and conditions are those of the question.
fn applies(
    statement: &Map<String, Value>,
    variables: bool,
    kind: Kind,
    question: &Question,
) -> bool {
    let action_applies = match (statement.get("Action"), statement.get("NotAction")) {
        (Some(element), None) => names_action(element, question),
        (None, Some(element)) => !names_action(element, question),
        (Some(_), Some(_)) | (None, None) => false,
    };
    let in_resources = |element: &Value, negated| {
        resource::applies(&strings(element), negated, variables, kind, question)
    };
    let resource_applies = match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(element), None) => in_resources(element, false),
        (None, Some(element)) => in_resources(element, true),
        // Without it a trust policy is about its role; nothing else is about anything.
        (None, None) => kind == Kind::Trust,
        (Some(_), Some(_)) => false,
    };
    let condition_holds = || match statement.get("Condition") {
        Some(element) => condition::holds(element, variables, question),
        None => true,
    };
    action_applies && resource_applies && condition_holds()
}

fn names_action(element: &Value, question: &Question) -> bool {
    strings(element).into_iter().any(|entry| action_matches(entry, &question.action))
}

/// `*`, or `prefix:Name` with wildcards; letter case does not count.
///
/// Source: IAM User Guide, "IAM JSON policy elements: Action".
fn action_matches(entry: &str, action: &str) -> bool {
    if entry == "*" {
        return true;
    }
    let (entry, action) = (entry.to_ascii_lowercase(), action.to_ascii_lowercase());
    let halves: Vec<&str> = entry.split(':').collect();
    let (&[prefix, name], Some((own_prefix, own_name))) =
        (halves.as_slice(), action.split_once(':'))
    else {
        return false;
    };
    !prefix.is_empty()
        && !name.is_empty()
        && matches(&wild(prefix), own_prefix)
        && matches(&wild(name), own_name)
}
