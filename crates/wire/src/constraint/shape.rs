//! The shapes of inputs: what the generated tables are made of.

use std::sync::OnceLock;

use regex::Regex;

/// A shape of a service model.
#[allow(dead_code, reason = "IAM and STS take no long, time or blob; other services do")]
pub(crate) enum Shape {
    Structure(&'static [Member]),
    List { member: &'static Shape, min: Option<i64>, max: Option<i64> },
    Map { key: &'static Shape, value: &'static Shape, min: Option<i64>, max: Option<i64> },
    Text(Text),
    Integer { min: Option<i64>, max: Option<i64> },
    Long { min: Option<i64>, max: Option<i64> },
    Boolean,
    Timestamp,
    Blob { min: Option<i64>, max: Option<i64> },
}

/// A member of a structure.
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) shape: &'static Shape,
    pub(crate) required: bool,
}

/// A member that must be there.
pub(crate) const fn required(name: &'static str, shape: &'static Shape) -> Member {
    Member { name, shape, required: true }
}

/// A member that may be left out.
pub(crate) const fn optional(name: &'static str, shape: &'static Shape) -> Member {
    Member { name, shape, required: false }
}

/// The constraints of a text. Lengths count characters.
pub(crate) struct Text {
    pub(crate) min: Option<i64>,
    pub(crate) max: Option<i64>,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) values: &'static [&'static str],
    pub(crate) sensitive: bool,
}

/// A pattern of the models, compiled when it is first needed.
pub(crate) struct Pattern {
    source: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(crate) const fn new(source: &'static str) -> Pattern {
        Pattern { source, compiled: OnceLock::new() }
    }

    /// As it stands in the model, and in messages.
    pub(crate) fn source(&self) -> &'static str {
        self.source
    }

    /// Whether the whole value fits.
    pub(crate) fn fits(&self, value: &str) -> bool {
        // One pattern looks ahead, which these regular expressions cannot: no `-` before a `-`.
        if self.source.contains("(?!-)") && value.contains("--") {
            return false;
        }
        // A pattern that does not compile lets nothing through; a test compiles all of them.
        self.regex().is_some_and(|regex| regex.is_match(value))
    }

    pub(super) fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| compile(self.source)).as_ref()
    }
}

/// The patterns are Java's: their `\w` and `\d` are ASCII, and they bind the whole value.
fn compile(pattern: &str) -> Option<Regex> {
    let mut translated = String::with_capacity(pattern.len() + 16);
    let mut in_class = false;
    let mut rest = pattern;
    while let Some(character) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("(?!-)") {
            rest = after;
            continue;
        }
        let ascii = [("\\d", "0-9"), ("\\w", "0-9A-Z_a-z")];
        let ascii = ascii.iter().find_map(|(class, of)| Some((rest.strip_prefix(class)?, of)));
        if let Some((after, of)) = ascii {
            translated.push_str(&if in_class { (*of).to_owned() } else { format!("[{of}]") });
            rest = after;
            continue;
        }
        let mut taken = character.len_utf8();
        if character == '\\' {
            taken += rest.chars().nth(1).map_or(0, char::len_utf8);
        }
        in_class = match character {
            '[' => true,
            ']' => false,
            _ => in_class,
        };
        translated.push_str(rest.get(..taken)?);
        rest = rest.get(taken..)?;
    }
    Regex::new(&format!(r"\A(?:{translated})\z")).ok()
}
