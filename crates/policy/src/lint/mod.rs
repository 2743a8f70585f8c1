//! What is wrong, dangerous or useless in a document, beyond what AWS refuses to store.
//!
//! Source of the codes and of most rules: IAM User Guide, "Access Analyzer policy check reference".
//! A wrong finding is worse than a missing one: what the data do not know for certain is not
//! judged an error.

mod absence;
mod action;
mod arn;
mod budget;
mod condition;
mod escalation;
mod findings;
mod form;
mod glob;
mod grant;
mod key;
mod nearest;
mod network;
mod overlap;
mod principal;
mod reach;
mod redundancy;
mod service_principal;
mod size;
mod statement;
mod support;
mod trust;
mod value;
mod variable;

use crate::json::{self, Member, Node, Value};
use crate::validate::{Grammar, validate};

use findings::Findings;
pub use findings::{Finding, Severity};
pub use glob::covers;
use statement::Statement;

/// All findings in a text, by their places.
///
/// The time that it takes is bounded, whatever the text: comparing stops after a fixed number of
/// steps, and a finding says so.
///
/// ```
/// use iamd_policy::{Grammar, lint};
///
/// let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObjct","Resource":"*"}}"#;
/// let findings = lint(text, Grammar::Identity);
/// assert_eq!(findings[0].code, "INVALID_ACTION");
/// assert_eq!(findings[0].fix.as_deref(), Some("did you mean `s3:GetObject`?"));
/// ```
pub fn lint(text: &str, grammar: Grammar) -> Vec<Finding> {
    let mut findings = Findings::new(grammar);
    let malformed = validate(text, grammar).err();
    if let Ok((_, members)) = json::read_object(text) {
        size::judge(&mut findings, text);
        judge_document(&mut findings, &members);
    }
    findings.placed(text, malformed)
}

fn judge_document(findings: &mut Findings, members: &[Member]) {
    let version = member(members, "Version");
    let is_current = version.and_then(text_of) == Some("2012-10-17");
    match version {
        None => findings.add(
            (Severity::Warning, "MISSING_VERSION"),
            0,
            "the document has no `Version`, so the rules of 2008-10-17 hold".to_owned(),
            Some("add \"Version\": \"2012-10-17\"".to_owned()),
        ),
        Some(node) if text_of(node) == Some("2008-10-17") => findings.add(
            (Severity::Suggestion, "NEWER_VERSION_AVAILABLE"),
            node.span.start,
            "version 2008-10-17 knows no policy variables".to_owned(),
            Some("use \"2012-10-17\"".to_owned()),
        ),
        Some(_) => {}
    }
    let Some(statements) = member(members, "Statement") else { return };
    let read = |node| Statement::read(node, is_current);
    let statements: Vec<Statement<'_>> = one_or_many(statements).iter().filter_map(read).collect();
    for statement in &statements {
        statement::judge(findings, statement);
    }
    overlap::judge(findings, &statements);
}

/// The member of this name.
fn member<'n>(members: &'n [Member], name: &str) -> Option<&'n Node> {
    members.iter().find(|member| *member.name == *name).map(|member| &member.value)
}

fn text_of(node: &Node) -> Option<&str> {
    match &node.value {
        Value::String(text) => Some(text),
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => None,
    }
}

/// The members of an object; none of anything else.
fn members_of(node: &Node) -> &[Member] {
    match &node.value {
        Value::Map(members) => members,
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::String(_) | Value::List(_) => {
            &[]
        }
    }
}

fn one_or_many(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(nodes) => nodes,
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::String(_) | Value::Map(_) => {
            std::slice::from_ref(node)
        }
    }
}

/// A text of the document and its place.
type Text<'n> = (&'n str, usize);

/// The texts of an element.
fn texts(node: Option<&Node>) -> Vec<Text<'_>> {
    let nodes = node.map_or(&[][..], one_or_many);
    nodes.iter().filter_map(|node| Some((text_of(node)?, node.span.start))).collect()
}

/// Whether an element is an empty list.
fn is_empty_list(node: &Node) -> bool {
    matches!(&node.value, Value::List(values) if values.is_empty())
}

#[cfg(test)]
mod tests;
