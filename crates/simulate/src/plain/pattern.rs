//! Wildcards and policy variables.

use super::condition::held;
use crate::case::{Held, Question};

/// A part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// This character.
    Literal(char),
    /// `*`: any characters, also none.
    AnyRun,
    /// `?`: one character.
    AnyOne,
}

/// A pattern whose wildcards count.
pub(super) fn wild(text: &str) -> Vec<Mark> {
    text.chars().map(mark).collect()
}

/// A pattern that is only text.
pub(super) fn literal(text: &str) -> Vec<Mark> {
    text.chars().map(Mark::Literal).collect()
}

fn mark(character: char) -> Mark {
    match character {
        '*' => Mark::AnyRun,
        '?' => Mark::AnyOne,
        other => Mark::Literal(other),
    }
}

/// Whether a pattern matches a whole text: tries everything.
pub(super) fn matches(pattern: &[Mark], text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    matches_from(pattern, &characters)
}

fn matches_from(pattern: &[Mark], text: &[char]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return text.is_empty() };
    match first {
        Mark::AnyRun => (0..=text.len()).any(|length| matches_from(rest, &text[length..])),
        Mark::AnyOne => !text.is_empty() && matches_from(rest, &text[1..]),
        Mark::Literal(character) => {
            text.first() == Some(character) && matches_from(rest, &text[1..])
        }
    }
}

/// A pattern with its variables replaced; none if a variable has no value and no default.
///
/// What comes out of a variable is literal. `${*}`, `${?}` and `${$}` are these characters. Where
/// `variables` are not in effect (documents before 2012-10-17), `${...}` is text like any other.
///
/// Source: IAM User Guide, "IAM policy elements: Variables and tags".
pub(super) fn expand(text: &str, variables: bool, question: &Question) -> Option<Vec<Mark>> {
    let mut marks = Vec::new();
    let mut rest: Vec<char> = text.chars().collect();
    while let Some(first) = rest.first().copied() {
        match variable_length(&rest).filter(|_| variables) {
            Some(length) => {
                let inner: String = rest[2..length - 1].iter().collect();
                marks.extend(literal(&value_of(&inner, question)?));
                rest.drain(..length);
            }
            None => {
                marks.push(mark(first));
                rest.remove(0);
            }
        }
    }
    Some(marks)
}

/// Whether a text has a variable; `${*}`, `${?}` and `${$}` are none, but characters.
pub(super) fn has_variable(text: &str) -> bool {
    let mut rest: Vec<char> = text.chars().collect();
    while !rest.is_empty() {
        let length = variable_length(&rest);
        let inner: String = rest[..length.unwrap_or(0)].iter().collect();
        if length.is_some() && !["${*}", "${?}", "${$}"].contains(&inner.as_str()) {
            return true;
        }
        rest.drain(..length.unwrap_or(1));
    }
    false
}

/// Length of the variable at the start of a text, braces included. A brace within the quotes of a
/// default does not close it. Nothing in the braces, or a default without quotes, is no variable.
pub(super) fn variable_length(text: &[char]) -> Option<usize> {
    if !text.starts_with(&['$', '{']) {
        return None;
    }
    let mut quoted = false;
    for (at, character) in text.iter().enumerate().skip(2) {
        match character {
            '\'' => quoted = !quoted,
            '}' if !quoted => {
                let inner: String = text[2..at].iter().collect();
                return is_variable(&inner).then_some(at + 1);
            }
            _ => {}
        }
    }
    None
}

fn is_variable(inner: &str) -> bool {
    match inner.split_once(',') {
        Some((_, default)) => unquoted(default).is_some(),
        None => !inner.is_empty(),
    }
}

fn unquoted(default: &str) -> Option<&str> {
    default.trim().strip_prefix('\'')?.strip_suffix('\'')
}

/// The value of what stands in the braces: a special character, or a single-valued key and perhaps
/// its default, `key, 'default'`.
fn value_of(inner: &str, question: &Question) -> Option<String> {
    if ["*", "?", "$"].contains(&inner) {
        return Some(inner.to_owned());
    }
    let (key, default) = match inner.split_once(',') {
        Some((key, default)) => (key, unquoted(default)),
        None => (inner, None),
    };
    match held(question, key.trim()) {
        Some(Held::One(value)) => Some(value.clone()),
        // A multivalued key has values, but no single one to put there.
        Some(Held::Many(_)) => None,
        None => default.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_texts() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
            ("a*", "abc", true),
            ("a*c", "abcd", false),
            ("?b?", "abc", true),
            ("**b", "b", true),
            ("é?", "éé", true),
            ("A", "a", false),
        ] {
            assert_eq!(matches(&wild(pattern), text), expected, "{pattern} {text}");
        }
        assert!(!matches(&literal("*"), "a"));
    }
}
