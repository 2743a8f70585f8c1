//! Texts: documents, wildcards, variables.

use serde_json::Value;

use crate::case::{Held, Question};

/// The document in a text; none if it is no object or has a key twice.
pub(super) fn document(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    (value.is_object() && !has_twins(text)).then_some(value)
}

/// Whether an object in the text has a key twice: the generator writes such only in this form.
fn has_twins(text: &str) -> bool {
    text.matches("\"Statement\":").count() > 1
}

/// A character of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Plain(char),
    Star,
    Question,
}

/// A text with its wildcards, none of them in effect if `wild` is false.
pub(super) fn marks(text: &str, wild: bool) -> Vec<Mark> {
    let mark = |c| match c {
        '*' if wild => Mark::Star,
        '?' if wild => Mark::Question,
        c => Mark::Plain(c),
    };
    text.chars().map(mark).collect()
}

/// The same with variables replaced; none if one has no value. Without variables in effect, they
/// are text.
pub(super) fn expanded(
    text: &str,
    wild: bool,
    variables: bool,
    question: &Question,
) -> Option<Vec<Mark>> {
    let mut all = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let found = rest.strip_prefix("${").filter(|_| variables).and_then(|_| variable(rest));
        if let Some((inner, behind)) = found {
            match inner {
                "*" | "?" | "$" => all.extend(marks(inner, false)),
                _ => all.extend(marks(&value_of(inner, question)?, false)),
            }
            rest = behind;
            continue;
        }
        let first = rest.chars().next()?;
        all.extend(marks(&first.to_string(), wild));
        rest = &rest[first.len_utf8()..];
    }
    Some(all)
}

/// What stands in `${...}`, a quoted default included, and what follows.
fn variable(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    for (at, c) in text.char_indices().skip(2) {
        match c {
            '\'' => quoted = !quoted,
            '}' if !quoted => return (at > 2).then(|| (&text[2..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

fn value_of(inner: &str, question: &Question) -> Option<String> {
    let (key, default) = match inner.split_once(',') {
        Some((key, default)) => (key, Some(default.trim().trim_matches('\'').to_owned())),
        None => (inner, None),
    };
    match held(question, key.trim()) {
        Some(Held::One(value)) => Some(value.clone()),
        _ => default,
    }
}

/// The value of a key, whatever its letter case; an empty list is none.
pub(super) fn held<'q>(question: &'q Question, key: &str) -> Option<&'q Held> {
    let mut found = question.context.iter().rev();
    let (_, value) = found.find(|(known, _)| known.to_lowercase() == key.to_lowercase())?;
    (*value != Held::Many(Vec::new())).then_some(value)
}

/// Whether a pattern matches a whole text: by trying everything.
pub(super) fn matches(pattern: &[Mark], text: &[char]) -> bool {
    match pattern.first() {
        None => text.is_empty(),
        Some(Mark::Star) => (0..=text.len()).any(|skip| matches(&pattern[1..], &text[skip..])),
        Some(Mark::Question) => !text.is_empty() && matches(&pattern[1..], &text[1..]),
        Some(Mark::Plain(c)) => text.first() == Some(c) && matches(&pattern[1..], &text[1..]),
    }
}

/// Whether a pattern matches a whole text.
pub(super) fn fits(pattern: &[Mark], text: &str) -> bool {
    matches(pattern, &text.chars().collect::<Vec<_>>())
}

/// A pattern cut at its first plain colons, into `most` fields at most.
pub(super) fn fields(pattern: &[Mark], most: usize) -> Vec<Vec<Mark>> {
    let mut fields = vec![Vec::new()];
    for mark in pattern {
        if *mark == Mark::Plain(':') && fields.len() < most {
            fields.push(Vec::new());
        } else if let Some(last) = fields.last_mut() {
            last.push(*mark);
        }
    }
    fields
}

/// The JSON strings of an element: one, or a list.
pub(super) fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
