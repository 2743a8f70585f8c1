//! What is wrong, dangerous or useless in a document, beyond what AWS refuses to store.
//!
//! Source of the codes and of most rules: IAM User Guide, "Access Analyzer policy check reference".
//! A wrong finding is worse than a missing one: what the data do not know for certain is not
//! judged an error.

mod action;
mod condition;
mod nearest;
mod statement;

use std::fmt;

use crate::json::{self, Member, Node, Value, line_and_column};
use crate::validate::{Grammar, validate};

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How grave it is.
    pub severity: Severity,
    /// Its code, Access Analyzer's where it has one.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it, if something can be said.
    pub fix: Option<String>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// How grave a finding is; the first is the gravest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The document does not do what it says, or cannot be stored.
    Error,
    /// It grants more than is safe.
    SecurityWarning,
    /// It may not do what it seems to.
    Warning,
    /// It could be written better.
    Suggestion,
}

impl Severity {
    /// The word that Access Analyzer uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "ERROR",
            Severity::SecurityWarning => "SECURITY_WARNING",
            Severity::Warning => "WARNING",
            Severity::Suggestion => "SUGGESTION",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// All findings in a text, by their places; what makes the document unfit to be stored comes first.
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
    let mut findings = Findings { text, grammar, found: Vec::new(), looked_up: 0 };
    if let Err(malformed) = validate(text, grammar) {
        findings.found.push(Finding {
            severity: Severity::Error,
            code: "MALFORMED_POLICY_DOCUMENT",
            message: format!("{}: {}", malformed.message, malformed.reason),
            fix: None,
            line: malformed.line,
            column: malformed.column,
        });
    }
    if let Ok((_, members)) = json::read_object(text) {
        findings.document(&members);
    }
    findings.found.sort_by_key(|finding| (finding.line, finding.column));
    findings.found
}

/// The findings so far.
pub(crate) struct Findings<'a> {
    text: &'a str,
    pub(crate) grammar: Grammar,
    found: Vec<Finding>,
    /// For how many unknown names the nearest known one was looked for.
    looked_up: usize,
}

/// Most unknown names of a document for which the nearest known one is looked for; that takes far
/// longer than everything else.
const SUGGESTIONS_MAX: usize = 50;

impl Findings<'_> {
    pub(crate) fn add(
        &mut self,
        (severity, code): (Severity, &'static str),
        offset: usize,
        message: String,
        fix: Option<String>,
    ) {
        let (line, column) = line_and_column(self.text, offset);
        self.found.push(Finding { severity, code, message, fix, line, column });
    }

    /// The name that was perhaps meant.
    pub(crate) fn nearest<'c>(
        &mut self,
        name: &str,
        candidates: impl Iterator<Item = (&'c str, &'c str)>,
    ) -> Option<&'c str> {
        self.looked_up += 1;
        (self.looked_up <= SUGGESTIONS_MAX).then(|| nearest::nearest(name, candidates))?
    }

    fn document(&mut self, members: &[Member]) {
        let version = member(members, "Version");
        let is_current = version.and_then(text_of) == Some("2012-10-17");
        match version {
            None => self.add(
                (Severity::Warning, "MISSING_VERSION"),
                0,
                "the document has no `Version`, so the rules of 2008-10-17 hold".to_owned(),
                Some("add \"Version\": \"2012-10-17\"".to_owned()),
            ),
            Some(node) if text_of(node) == Some("2008-10-17") => self.add(
                (Severity::Suggestion, "NEWER_VERSION_AVAILABLE"),
                node.span.start,
                "version 2008-10-17 knows no policy variables".to_owned(),
                Some("use \"2012-10-17\"".to_owned()),
            ),
            Some(_) => {}
        }
        let Some(statements) = member(members, "Statement") else { return };
        let statements: Vec<&Node> = one_or_many(statements).iter().collect();
        for node in &statements {
            if let Value::Map(members) = &node.value {
                statement::judge(self, node, members, is_current);
            }
        }
        statement::judge_together(self, &statements);
    }
}

/// The member of this name.
pub(crate) fn member<'n>(members: &'n [Member], name: &str) -> Option<&'n Node> {
    members.iter().find(|member| *member.name == *name).map(|member| &member.value)
}

pub(crate) fn text_of(node: &Node) -> Option<&str> {
    match &node.value {
        Value::String(text) => Some(text),
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => None,
    }
}

pub(crate) fn one_or_many(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(nodes) => nodes,
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::String(_) | Value::Map(_) => {
            std::slice::from_ref(node)
        }
    }
}

/// The texts of an element, with their places.
pub(crate) fn texts(node: Option<&Node>) -> Vec<(&str, usize)> {
    let nodes = node.map_or(&[][..], one_or_many);
    nodes.iter().filter_map(|node| Some((text_of(node)?, node.span.start))).collect()
}

#[cfg(test)]
mod tests;
