//! `Resource` and `NotResource`.
//!
//! Sources: IAM User Guide, "IAM JSON policy elements: Resource", "NotResource", "Amazon Resource
//! Names (ARNs)", "IAM policy elements: Variables and tags".

use iamd_policy::service_data;

use super::limit::fields;
use super::pattern::{Mark, expand, has_variable, matches, variable_length};
use super::statement::Kind;
use crate::case::Question;

/// What one entry says of the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Covers,
    Misses,
    /// The statement applies to nothing, whatever its other entries say.
    Voids,
}

/// Whether a statement with these entries applies to the resource.
pub(super) fn applies(
    entries: &[&str],
    negated: bool,
    variables: bool,
    kind: Kind,
    question: &Question,
) -> bool {
    let found: Vec<Entry> =
        entries.iter().map(|entry| one(entry, negated, variables, kind, question)).collect();
    !found.contains(&Entry::Voids) && found.contains(&Entry::Covers) != negated
}

fn one(entry: &str, negated: bool, variables: bool, kind: Kind, question: &Question) -> Entry {
    if entry == "*" {
        return Entry::Covers;
    }
    // Neither ARN nor `*`.
    if !entry.starts_with("arn:") {
        return Entry::Misses;
    }
    let mut written = written_fields(entry, variables);
    // Variables have their place behind the fifth colon.
    if variables && written.iter().take(5).any(|field| has_variable(field)) {
        return Entry::Misses;
    }
    if written.len() < 6 {
        match short(&written, variables, kind, question) {
            Short::IsPadded => written.resize(6, "*".to_owned()),
            Short::NamesNothing => return Entry::Misses,
            Short::VoidsStatement => return Entry::Voids,
        }
    }
    let Some(last) = expand(&written[5], variables, question) else {
        // A variable without a value: the entry names nothing, and its complement is not everything.
        return if negated { Entry::Voids } else { Entry::Misses };
    };
    let Some(own) = fields(&question.resource) else { return Entry::Misses };
    if stands_for_type(&written[5]) && has_types(own[2]) {
        return Entry::Misses;
    }
    let early = |at: usize| expand(&written[at], variables, question).unwrap_or_default();
    let covers = (0..5).all(|at| matches(&early(at), own[at])) && matches(&last, own[5]);
    if covers { Entry::Covers } else { Entry::Misses }
}

enum Short {
    IsPadded,
    NamesNothing,
    VoidsStatement,
}

/// What becomes of an ARN with fewer than six fields.
fn short(written: &[String], variables: bool, kind: Kind, question: &Question) -> Short {
    let has_wildcard = |field: &String| {
        let marks = expand(field, variables, question).unwrap_or_default();
        marks.iter().any(|mark| !is_literal(mark))
    };
    match kind {
        Kind::Identity => Short::IsPadded,
        Kind::Resource | Kind::Trust | Kind::Endpoint => {
            if written.iter().any(has_wildcard) {
                Short::IsPadded
            } else {
                Short::NamesNothing
            }
        }
        Kind::Scp => {
            let ends_so = written.last().is_some_and(|field| field.ends_with('*'));
            if ends_so { Short::IsPadded } else { Short::VoidsStatement }
        }
        Kind::Rcp => Short::VoidsStatement,
    }
}

fn is_literal(mark: &Mark) -> bool {
    matches!(mark, Mark::Literal(_))
}

/// An entry cut at its first five colons; those within variables, where they count, do not cut.
fn written_fields(entry: &str, variables: bool) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut rest: Vec<char> = entry.chars().collect();
    while let Some(first) = rest.first().copied() {
        let length = variable_length(&rest).filter(|_| variables).unwrap_or(1);
        if first == ':' && fields.len() < 6 {
            fields.push(String::new());
        } else if let Some(last) = fields.last_mut() {
            last.extend(&rest[..length]);
        }
        rest.drain(..length);
    }
    fields
}

/// Whether the last field begins with a `*` that stands for the type of a resource, and a concrete
/// id follows; `*/*` covers every type.
fn stands_for_type(last: &str) -> bool {
    let id = last.strip_prefix("*/").or_else(|| last.strip_prefix("*:"));
    id.is_some_and(|id| !id.starts_with('*'))
}

/// Whether ARNs of a service begin their last field with the type of the resource, as
/// `instance/i-1` does; not so if a type of resource begins with an id, as `bucket/key` does, or with
/// nothing, as `/restapis/id` does.
fn has_types(service: &str) -> bool {
    !service_data::arns_of(service).iter().any(|arn| {
        let last = arn.splitn(6, ':').nth(5).unwrap_or_default();
        let filled_in = last.strip_prefix("${").and_then(|rest| rest.split('}').next());
        last.starts_with('/') || filled_in.is_some_and(|name| !name.ends_with("Type"))
    })
}
