//! `iamd policy reduce`: smaller documents that mean the same.
//!
//! Only what can be proved is done, and for every type of policy at once: what holds in an
//! identity-based policy but not in a service control policy is left alone.

mod element;
mod statement;

use std::process::ExitCode;

use iamd_policy::{Document, ParseError, ParseErrorKind, size_without_white_space};
use serde_json::value::{RawValue, to_raw_value};

use super::raw::Members;
use super::rewrite::{self, Rewritten};
use crate::fault::Fault;
use statement::Statement;

pub(super) fn run(options: &rewrite::Options) -> Result<ExitCode, Fault> {
    options.run(|text| {
        let formatted = iamd_policy::format(text)?;
        let reduced = reduced(text)?;
        let is_changed = reduced != formatted;
        let note = is_changed.then(|| {
            let (before, after) = (size(text), size(&reduced));
            format!(
                "statements {} -> {}, characters without white space {} -> {}",
                before.statements, after.statements, before.characters, after.characters
            )
        });
        Ok(Rewritten { text: reduced, is_changed, note })
    })
}

struct Size {
    statements: usize,
    /// As IAM counts them.
    characters: usize,
}

fn size(text: &str) -> Size {
    let statements = Document::parse(text).map_or(0, |document| document.statements().count());
    Size { statements, characters: size_without_white_space(text) }
}

/// The document without what it does not need, in canonical layout.
///
/// It decides every request as before, whatever type of policy it is, alone or beside others.
fn reduced(text: &str) -> Result<String, ParseError> {
    Document::parse(text)?;
    match reduced_members(text) {
        Ok(Some(reduced)) => iamd_policy::format(&reduced),
        Ok(None) => iamd_policy::format(text),
        // Such as half of a surrogate pair, which no string can hold.
        Err(error) => Err(ParseError {
            line: u32::try_from(error.line()).unwrap_or(u32::MAX),
            column: u32::try_from(error.column()).unwrap_or(u32::MAX),
            kind: ParseErrorKind::NotJson,
            message: error.to_string(),
        }),
    }
}

/// The document with fewer or smaller statements; none if it has no statements.
fn reduced_members(text: &str) -> Result<Option<String>, serde_json::Error> {
    let mut members: Members = serde_json::from_str(text)?;
    let Some(statements) = members.value("Statement") else { return Ok(None) };
    let is_list = statements.get().starts_with('[');
    let statements: Vec<Box<RawValue>> = match is_list {
        true => serde_json::from_str(statements.get())?,
        false => vec![statements.to_owned()],
    };
    let version = members.value("Version").map(RawValue::get);
    let parts = statements.into_iter().map(|raw| Part::read(raw, version)).collect();
    let reduced: Vec<Box<RawValue>> =
        without_the_needless(parts).into_iter().map(Part::written).collect::<Result<_, _>>()?;
    let value = match (is_list, reduced.as_slice()) {
        (false, [one]) => to_raw_value(one)?,
        _ => to_raw_value(&reduced)?,
    };
    members.set("Statement", value);
    serde_json::to_string(&members).map(Some)
}

/// A statement, or something in its place.
enum Part {
    /// What can be compared with others.
    Statement(Box<Statement>),
    /// What never applies, or has a form of which nothing is claimed; it stays as it is.
    Other(Box<RawValue>),
}

impl Part {
    fn read(raw: Box<RawValue>, version: Option<&str>) -> Part {
        match Statement::read(&raw, version) {
            Some(statement) => Part::Statement(Box::new(statement)),
            None => Part::Other(raw),
        }
    }

    fn written(self) -> Result<Box<RawValue>, serde_json::Error> {
        match self {
            Part::Statement(statement) => statement.written(),
            Part::Other(raw) => Ok(raw),
        }
    }
}

/// Leaves out statements that others make needless, and puts those together that differ in one
/// element, until nothing more can be done.
fn without_the_needless(mut parts: Vec<Part>) -> Vec<Part> {
    // Every round but the last makes the list shorter, so this ends.
    loop {
        let count = parts.len();
        parts = absorbed(parts, Statement::subsumes_either);
        parts = absorbed(parts, Statement::takes_in);
        if parts.len() == count {
            return parts;
        }
    }
}

/// Gives each statement to the first earlier one that takes it.
fn absorbed(parts: Vec<Part>, takes: impl Fn(&mut Statement, &Statement) -> bool) -> Vec<Part> {
    let mut kept: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        let is_taken = match &part {
            Part::Other(_) => false,
            Part::Statement(statement) => kept.iter_mut().any(|earlier| match earlier {
                Part::Statement(earlier) => takes(earlier, statement),
                Part::Other(_) => false,
            }),
        };
        if !is_taken {
            kept.push(part);
        }
    }
    kept
}

#[cfg(test)]
mod tests;
