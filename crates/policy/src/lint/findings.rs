//! Findings, and where they stand.

use std::fmt;

use super::budget::Budget;
use crate::validate::{Grammar, Malformed};

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

/// The findings so far.
pub(super) struct Findings {
    pub(super) grammar: Grammar,
    pub(super) budget: Budget,
    found: Vec<Found>,
}

struct Found {
    severity: Severity,
    code: &'static str,
    offset: usize,
    message: String,
    fix: Option<String>,
}

impl Findings {
    pub(super) fn new(grammar: Grammar) -> Findings {
        Findings { grammar, budget: Budget::new(), found: Vec::new() }
    }

    pub(super) fn add(
        &mut self,
        (severity, code): (Severity, &'static str),
        offset: usize,
        message: String,
        fix: Option<String>,
    ) {
        self.found.push(Found { severity, code, offset, message, fix });
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.found.len()
    }

    /// The findings with their lines and columns, in order, beside AWS's complaint if there is one.
    pub(super) fn placed(mut self, text: &str, malformed: Option<Malformed>) -> Vec<Finding> {
        if self.budget.is_spent() {
            self.add(
                (Severity::Warning, "TOO_LARGE_TO_COMPARE"),
                0,
                "the document has too many patterns to compare them all, so findings may be missing"
                    .to_owned(),
                Some("split the document".to_owned()),
            );
        }
        self.found.sort_by_key(|found| found.offset);
        let mut place = Place { text, offset: 0, line: 1, column: 1 };
        let mut findings: Vec<Finding> = Vec::with_capacity(self.found.len() + 1);
        for Found { severity, code, offset, message, fix } in self.found {
            place.advance(offset);
            let Place { line, column, .. } = place;
            findings.push(Finding { severity, code, message, fix, line, column });
        }
        if let Some(malformed) = malformed {
            insert(&mut findings, malformed);
        }
        findings
    }
}

/// AWS's complaint takes the place of an error that stands where it does, and its fix.
fn insert(findings: &mut Vec<Finding>, malformed: Malformed) {
    let Malformed { message, reason, line, column } = malformed;
    let at = findings.partition_point(|found| (found.line, found.column) < (line, column));
    let same =
        findings.iter().skip(at).take_while(|found| (found.line, found.column) == (line, column));
    let same = same.enumerate().find(|(_, found)| found.severity == Severity::Error);
    let mut finding = Finding {
        severity: Severity::Error,
        code: "MALFORMED_POLICY_DOCUMENT",
        message: format!("{message}: {reason}"),
        fix: None,
        line,
        column,
    };
    match same.map(|(number, _)| at + number) {
        Some(number) => {
            finding.fix = findings.remove(number).fix;
            findings.insert(at, finding);
        }
        None => findings.insert(at, finding),
    }
}

/// A place that moves forward through a text.
#[derive(Clone, Copy)]
struct Place<'t> {
    text: &'t str,
    offset: usize,
    line: u32,
    column: u32,
}

impl Place<'_> {
    fn advance(&mut self, offset: usize) {
        for character in self.text.get(self.offset..offset).unwrap_or_default().chars() {
            match character {
                '\n' => (self.line, self.column) = (self.line + 1, 1),
                _ => self.column += 1,
            }
        }
        self.offset = self.offset.max(offset);
    }
}

/// Most characters of a value that a message shows.
const SHOWN_MAX: usize = 160;

/// A value as messages show it.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
    }
}
