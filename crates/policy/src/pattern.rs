//! Texts with wildcards and policy variables, and how they match.
//!
//! Matching never recurses and never backtracks over what a `*` has passed: the fixed pieces
//! between two `*` are searched from left to right, each in a time that its length does not multiply.

use std::borrow::Cow;

use memchr::{memchr3, memmem};

use crate::context::{ConditionKeys, Value, present};
use crate::shift_and;

/// Longest variable that is looked for, braces included, in bytes.
// CHOICE: AWS names no limit. Without one, a text of many `${` and no end would be searched to its end
// from each of them; the longest names of keys with a default of 256 characters have a tenth of this.
const VARIABLE_LENGTH_MAX: usize = 4_096;

/// What has a meaning of its own in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// Whether `*` and `?` are wildcards.
    pub(crate) wildcards: bool,
    /// Whether `${...}` is a policy variable.
    pub(crate) variables: bool,
}

/// A text taken apart into what is literal and what is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Box<[Part]>);

/// A part of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// Literal text.
    Text(Box<str>),
    /// `*`: any run of characters, an empty one too.
    AnyRun,
    /// `?`: exactly one character.
    AnyOne,
    /// `${key}` or `${key, 'default'}`.
    Variable(Variable),
}

/// A policy variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    key: Box<str>,
    default: Option<Box<str>>,
}

impl Template {
    /// Takes a text apart.
    ///
    /// Source: IAM User Guide, "IAM policy elements: Variables and tags": `${*}`, `${?}` and `${$}`
    /// stand for the characters themselves; a default follows comma and space in single quotes.
    pub(crate) fn parse(text: &str, meaning: Meaning) -> Template {
        if !text.contains(['*', '?', '$']) {
            return Template(match text {
                "" => Box::default(),
                _ => Box::new([Part::Text(text.into())]),
            });
        }
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        // Behind the last closing brace there is no variable to look for.
        let behind_braces = text.rfind('}').map_or(text.len(), |brace| text.len() - brace - 1);
        while let Some(character) = rest.chars().next() {
            let after = rest.get(character.len_utf8()..).unwrap_or_default();
            let may_be_variable = meaning.variables && rest.len() > behind_braces;
            let variable = if may_be_variable { variable(rest) } else { None };
            let (part, behind) = match (character, variable) {
                (_, Some((Named::Character(literal), behind))) => {
                    plain.push(literal);
                    (None, behind)
                }
                (_, Some((Named::Key(variable), behind))) => {
                    (Some(Part::Variable(variable)), behind)
                }
                ('*', None) if meaning.wildcards => (Some(Part::AnyRun), after),
                ('?', None) if meaning.wildcards => (Some(Part::AnyOne), after),
                (other, None) => {
                    plain.push(other);
                    (None, after)
                }
            };
            if let Some(part) = part {
                flush(&mut plain, &mut parts);
                parts.push(part);
            }
            rest = behind;
        }
        flush(&mut plain, &mut parts);
        Template(parts.into())
    }

    /// The parts.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The literal text that it begins with.
    pub(crate) fn literal_start(&self) -> &str {
        match self.0.first() {
            Some(Part::Text(text)) => text,
            Some(Part::AnyRun | Part::AnyOne | Part::Variable(_)) | None => "",
        }
    }

    /// Whether there is a variable in it.
    pub(crate) fn has_variables(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Variable(_)))
    }

    /// The template with its variables replaced by their values as literal text; none if one of
    /// them has neither a value nor a default.
    pub(crate) fn resolved(&self, keys: &dyn ConditionKeys) -> Option<Template> {
        let parts = self.0.iter().map(|part| match part {
            Part::Variable(variable) => variable.value(keys).map(|value| Part::Text(value.into())),
            Part::Text(_) | Part::AnyRun | Part::AnyOne => Some(part.clone()),
        });
        parts.collect::<Option<Box<[Part]>>>().map(Template)
    }

    /// The text, when nothing in it has a meaning of its own.
    pub(crate) fn literal(&self) -> Option<Cow<'_, str>> {
        match &*self.0 {
            [] => Some(Cow::Borrowed("")),
            [Part::Text(text)] => Some(Cow::Borrowed(text)),
            parts => {
                let texts = parts.iter().map(|part| match part {
                    Part::Text(text) => Some(&**text),
                    Part::AnyRun | Part::AnyOne | Part::Variable(_) => None,
                });
                texts.collect::<Option<String>>().map(Cow::Owned)
            }
        }
    }

    /// The templates between the first `most - 1` colons of its literal text.
    pub(crate) fn split_at_colons(&self, most: usize) -> Vec<Template> {
        let mut fields = vec![Vec::new()];
        for part in &self.0 {
            let Part::Text(text) = part else {
                push(&mut fields, part.clone());
                continue;
            };
            let mut pieces = text.splitn((most + 1).saturating_sub(fields.len()).max(1), ':');
            if let Some(first) = pieces.next().filter(|first| !first.is_empty()) {
                push(&mut fields, Part::Text(first.into()));
            }
            for piece in pieces {
                fields.push(Vec::new());
                if !piece.is_empty() {
                    push(&mut fields, Part::Text(piece.into()));
                }
            }
        }
        fields.into_iter().map(|parts| Template(parts.into())).collect()
    }
}

fn push(fields: &mut [Vec<Part>], part: Part) {
    if let Some(last) = fields.last_mut() {
        last.push(part);
    }
}

fn flush(plain: &mut String, parts: &mut Vec<Part>) {
    if !plain.is_empty() {
        parts.push(Part::Text(std::mem::take(plain).into()));
    }
}

enum Named {
    Character(char),
    Key(Variable),
}

/// The variable that a text begins with, and what follows it: `${key}` or `${key, 'default'}`.
// CHOICE: a key has no comma and no quote, and a default no quote; what breaks this is literal text.
fn variable(text: &str) -> Option<(Named, &str)> {
    let inside = text.strip_prefix("${")?;
    let window = inside.get(..inside.floor_char_boundary(VARIABLE_LENGTH_MAX))?;
    let (key, behind) = window.split_at_checked(memchr3(b'}', b',', b'\'', window.as_bytes())?)?;
    let (default, behind) = match behind.strip_prefix(',') {
        None => (None, behind),
        Some(behind) => {
            let (default, behind) = behind.trim_start().strip_prefix('\'')?.split_once('\'')?;
            (Some(default), behind.trim_start())
        }
    };
    let length = window.len() - behind.strip_prefix('}')?.len();
    let named = match (key, default) {
        ("*", None) => Named::Character('*'),
        ("?", None) => Named::Character('?'),
        ("$", None) => Named::Character('$'),
        ("", None) => return None,
        _ => Named::Key(Variable {
            key: key.trim().to_lowercase().into(),
            default: default.map(Into::into),
        }),
    };
    Some((named, inside.get(length..)?))
}

/// The text of the variable, or of the escaped character, that a text begins with.
pub(crate) fn variable_at_start(text: &str) -> Option<&str> {
    let (_, behind) = variable(text)?;
    text.get(..text.len() - behind.len())
}

/// The names of the keys whose values a text takes in, as written, in order.
pub(crate) fn variable_names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(behind) = rest.find("${").and_then(|place| rest.get(place..)) {
        rest = match variable(behind) {
            Some((named, after)) => {
                let end = behind.find([',', '}']).unwrap_or_default();
                if let (Named::Key(_), Some(name)) = (named, behind.get(2..end)) {
                    names.push(name.trim());
                }
                after
            }
            None => behind.get(2..).unwrap_or_default(),
        };
    }
    names
}

impl Variable {
    /// The value in a request: only single-valued keys have one.
    fn value<'a>(&'a self, keys: &'a dyn ConditionKeys) -> Option<Cow<'a, str>> {
        match present(keys, &self.key) {
            Some(Value::One(value)) => Some(value),
            // It has values, so that the default is not asked for.
            Some(Value::Many(_)) => None,
            None => self.default.as_deref().map(Cow::Borrowed),
        }
    }
}

/// A template without variables, ready to be matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob {
    /// What stands between the `*`; a text must begin with the first and end with the last.
    segments: Box<[Segment]>,
}

impl Glob {
    /// Matches everything.
    pub(crate) fn anything() -> Glob {
        Glob { segments: Box::new([Segment::default(), Segment::default()]) }
    }

    /// A glob of literal text and wildcards; variables, of which there should be none, are left out
    /// with all they could match.
    pub(crate) fn of(template: &Template) -> Glob {
        let mut segments = vec![Vec::new()];
        for part in template.parts() {
            match part {
                Part::AnyRun => segments.push(Vec::new()),
                Part::Text(text) => {
                    if let Some(last) = segments.last_mut() {
                        last.push(Piece::Text(text.clone()));
                    }
                }
                Part::AnyOne | Part::Variable(_) => {
                    if let Some(last) = segments.last_mut() {
                        last.push(Piece::AnyOne);
                    }
                }
            }
        }
        let segments = segments.into_iter().map(|pieces| Segment { pieces: pieces.into() });
        Glob { segments: segments.collect() }
    }

    /// Whether it is this text, without wildcards.
    pub(crate) fn is_literal(&self, text: &str) -> bool {
        match &*self.segments {
            [one] => matches!(&*one.pieces, [Piece::Text(piece)] if **piece == *text),
            _ => false,
        }
    }

    /// Whether the whole text matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        self.matched(text).is_some()
    }

    /// Whether a `*` comes first.
    pub(crate) fn begins_with_run(&self) -> bool {
        let first = self.segments.first();
        self.segments.len() > 1 && first.is_some_and(|first| first.pieces.is_empty())
    }

    /// What matches a character each, in order.
    pub(crate) fn symbols(&self) -> impl Iterator<Item = GlobSymbol> {
        let last = self.segments.len().saturating_sub(1);
        self.segments.iter().enumerate().flat_map(move |(number, segment)| {
            let mut characters = segment.characters().peekable();
            std::iter::from_fn(move || {
                let character = characters.next()?;
                let has_run_behind = characters.peek().is_none() && number < last;
                Some(GlobSymbol { character, has_run_behind })
            })
        })
    }

    /// The pieces that matching has to search for: of each, whether it is literal.
    pub(crate) fn searched_pieces(&self) -> impl Iterator<Item = bool> {
        let inner = self.segments.len().saturating_sub(2);
        let searched = self.segments.iter().skip(1).take(inner);
        searched.filter(|it| !it.pieces.is_empty()).map(|it| matches!(*it.pieces, [Piece::Text(_)]))
    }

    fn matched(&self, text: &str) -> Option<()> {
        let (first, rest) = self.segments.split_first()?;
        let start = first.length_at_start(text)?;
        let Some((last, middle)) = rest.split_last() else {
            return (start == text.len()).then_some(());
        };
        let text = text.get(start..)?;
        let mut text = text.get(..last.start_at_end(text)?)?;
        for segment in middle {
            text = text.get(segment.end_of_first(text)?..)?;
        }
        Some(())
    }
}

/// What matches one character.
pub(crate) struct GlobSymbol {
    /// The character; none for any.
    pub(crate) character: Option<char>,
    /// Whether a `*` follows.
    pub(crate) has_run_behind: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Segment {
    pieces: Box<[Piece]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    AnyOne,
}

impl Segment {
    /// How many bytes of the beginning of a text match.
    fn length_at_start(&self, text: &str) -> Option<usize> {
        let mut rest = text;
        for piece in &*self.pieces {
            rest = match piece {
                Piece::Text(piece) => rest.strip_prefix(&**piece)?,
                Piece::AnyOne => rest.get(rest.chars().next()?.len_utf8()..)?,
            };
        }
        Some(text.len() - rest.len())
    }

    /// Where the end of a text begins that matches.
    fn start_at_end(&self, text: &str) -> Option<usize> {
        let mut rest = text;
        for piece in self.pieces.iter().rev() {
            rest = match piece {
                Piece::Text(piece) => rest.strip_suffix(&**piece)?,
                Piece::AnyOne => rest.get(..rest.len() - rest.chars().next_back()?.len_utf8())?,
            };
        }
        Some(rest.len())
    }

    /// Where the first match inside a text ends.
    fn end_of_first(&self, text: &str) -> Option<usize> {
        match &*self.pieces {
            [] => Some(0),
            [Piece::Text(piece)] => {
                Some(memmem::find(text.as_bytes(), piece.as_bytes())? + piece.len())
            }
            [Piece::Text(first), ..] => {
                // Nothing matches before the first place of its beginning, but the match need not
                // be there.
                let place = memmem::find(text.as_bytes(), first.as_bytes())?;
                Some(place + shift_and::end_of_first(self.characters(), text.get(place..)?)?)
            }
            [Piece::AnyOne, ..] => shift_and::end_of_first(self.characters(), text),
        }
    }

    /// Its characters; none stands for any of them.
    fn characters(&self) -> impl Iterator<Item = Option<char>> + Clone {
        self.pieces.iter().flat_map(|piece| {
            let (text, any) = match piece {
                Piece::Text(text) => (&**text, None),
                Piece::AnyOne => ("", Some(None)),
            };
            text.chars().map(Some).chain(any)
        })
    }
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
