//! Texts with wildcards and policy variables, and how they match.
//!
//! Matching never recurses and never backtracks over what a `*` has passed: the fixed pieces
//! between two `*` are searched from left to right.

use std::borrow::Cow;

use memchr::memmem;

use crate::context::{ConditionKeys, single};

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
pub(crate) struct Template(Vec<Part>);

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
                "" => Vec::new(),
                _ => vec![Part::Text(text.into())],
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
        Template(parts)
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
        parts.collect::<Option<Vec<Part>>>().map(Template)
    }

    /// The text, when nothing in it has a meaning of its own.
    pub(crate) fn literal(&self) -> Option<Cow<'_, str>> {
        match self.0.as_slice() {
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
        fields.into_iter().map(Template).collect()
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

/// The variable that a text begins with, and what follows it.
fn variable(text: &str) -> Option<(Named, &str)> {
    let inside = text.strip_prefix("${")?;
    let quote = inside.find('\'').unwrap_or(inside.len());
    let end = match inside.find('}')? {
        // A default may hold a closing brace.
        end if end < quote => end,
        _ => {
            let behind = inside.get(quote + 1..)?;
            let closing = behind.find('\'')?;
            quote + 1 + closing + behind.get(closing..)?.find('}')?
        }
    };
    let (content, behind) = (inside.get(..end)?, inside.get(end + 1..)?);
    let named = match content {
        "*" => Named::Character('*'),
        "?" => Named::Character('?'),
        "$" => Named::Character('$'),
        "" => return None,
        _ => Named::Key(Variable::parse(content)?),
    };
    Some((named, behind))
}

impl Variable {
    fn parse(content: &str) -> Option<Variable> {
        let (key, default) = match content.split_once(',') {
            None => (content, None),
            Some((key, default)) => {
                let quoted = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
                (key, Some(quoted.into()))
            }
        };
        Some(Variable { key: key.trim().to_lowercase().into(), default })
    }

    /// The value in a request: only single-valued keys have one.
    fn value<'a>(&'a self, keys: &'a dyn ConditionKeys) -> Option<Cow<'a, str>> {
        single(keys, &self.key).or(self.default.as_deref().map(Cow::Borrowed))
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
        let mut segments = vec![Segment::default()];
        for part in template.parts() {
            match part {
                Part::AnyRun => segments.push(Segment::default()),
                Part::Text(text) => {
                    if let Some(last) = segments.last_mut() {
                        last.pieces.push(Piece::Text(text.clone()));
                    }
                }
                Part::AnyOne | Part::Variable(_) => {
                    if let Some(last) = segments.last_mut() {
                        last.pieces.push(Piece::AnyOne);
                    }
                }
            }
        }
        Glob { segments: segments.into() }
    }

    /// Whether the whole text matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        self.matched(text).is_some()
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

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Segment {
    pieces: Vec<Piece>,
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
        for piece in &self.pieces {
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
        match self.pieces.as_slice() {
            [] => Some(0),
            [Piece::Text(piece)] => {
                Some(memmem::find(text.as_bytes(), piece.as_bytes())? + piece.len())
            }
            [Piece::Text(first), ..] => {
                let mut places = memmem::find_iter(text.as_bytes(), first.as_bytes());
                places.find_map(|place| Some(place + self.length_at_start(text.get(place..)?)?))
            }
            [Piece::AnyOne, ..] => {
                let mut places = text.char_indices();
                places
                    .find_map(|(place, _)| Some(place + self.length_at_start(text.get(place..)?)?))
            }
        }
    }
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
