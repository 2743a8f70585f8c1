//! Constraints of the service models, checked for every operation before it is decoded.
//!
//! What passes here can be decoded: types are checked as well as limits.
//! Source: the service models; the wording of `ValidationError` is that of recorded answers.

pub(crate) mod shape;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::query::{Node, Parameters};
use crate::service::{OperationInfo, Service};
use crate::timestamp::Timestamp;

use shape::{Member, Shape, Text};

/// Deepest structure that is followed; the models go to five.
const DEPTH_MAX: usize = 16;
/// Most violations that one answer names.
// CHOICE: AWS names no limit; without one, a small request could ask for a large answer.
const VIOLATIONS_MAX: usize = 100;

/// Checks a request against the constraints of its operation.
///
/// # Errors
/// The message of the `ValidationError` that names all violations.
pub fn validate(parameters: &Parameters<'_>, operation: &OperationInfo) -> Result<(), String> {
    let Some(input) = operation.input else {
        return Ok(());
    };
    let mut check = Check { service: operation.service, violations: Vec::new(), special: None };
    check.shape(input, parameters.root(), "", DEPTH_MAX);
    if let Some(special) = check.special {
        return Err(special);
    }
    let Check { mut violations, .. } = check;
    // Recorded answers have the order of a hash map, whose places follow from the names of members.
    // CHOICE: what is inside of a member has the member's place.
    violations.sort_by_key(|violation| violation.place);
    let texts: Vec<String> = violations.into_iter().map(|violation| violation.text).collect();
    match texts.as_slice() {
        [] => Ok(()),
        [text] => Err(format!("1 validation error detected: {text}")),
        texts => {
            let count = texts.len();
            Err(format!("{count} validation errors detected: {}", texts.join("; ")))
        }
    }
}

/// Something that a request does not keep to.
struct Violation {
    place: u32,
    text: String,
}

struct Check {
    service: Service,
    violations: Vec<Violation>,
    /// A text that stands for the whole answer.
    special: Option<String>,
}

impl Check {
    fn shape(&mut self, shape: &Shape, node: Node<'_>, path: &str, depth: usize) {
        if depth == 0 || self.violations.len() >= VIOLATIONS_MAX {
            return;
        }
        match shape {
            Shape::Structure(members) => self.members(members, node, path, depth),
            Shape::List { member, min, max } => {
                let items = node.items("member");
                self.size(items.len(), (*min, *max), None, path);
                self.items(member, &items, path, depth);
            }
            Shape::Map { key, value, min, max } => {
                let entries = node.items("entry");
                self.size(entries.len(), (*min, *max), None, path);
                for (index, entry) in entries {
                    for (shape, word) in [(key, "key"), (value, "value")] {
                        let path = format!("{path}.{index}.{word}");
                        self.member(shape, true, entry.child(word), &path, depth);
                    }
                }
            }
            Shape::Text(_)
            | Shape::Integer { .. }
            | Shape::Long { .. }
            | Shape::Boolean
            | Shape::Timestamp
            | Shape::Blob { .. } => match node.value() {
                Some(value) => self.scalar(shape, value, path),
                None => self.null(path),
            },
        }
    }

    fn members(&mut self, members: &[Member], node: Node<'_>, path: &str, depth: usize) {
        for member in members {
            let child = node.child(member.name);
            // The path is only built where it may be needed.
            if child.is_some() || member.required {
                let path = joined(path, member.name);
                self.member(member.shape, member.required, child, &path, depth);
            }
        }
    }

    fn member(
        &mut self,
        shape: &Shape,
        required: bool,
        node: Option<Node<'_>>,
        path: &str,
        depth: usize,
    ) {
        match node {
            Some(node) => self.shape(shape, node, path, depth - 1),
            None if required => self.null(path),
            None => {}
        }
    }

    /// Items that are texts are reported at the list, with all constraints of the item.
    fn items(&mut self, member: &Shape, items: &[(u32, Node<'_>)], path: &str, depth: usize) {
        let Shape::Text(text) = member else {
            for (index, item) in items {
                self.shape(member, *item, &format!("{path}.{index}.member"), depth - 1);
            }
            return;
        };
        let values: Vec<&str> =
            items.iter().map(|(_, item)| item.value().unwrap_or_default()).collect();
        if let Some((index, _)) = items.iter().find(|(_, item)| item.value().is_none()) {
            self.null(&format!("{path}.{index}.member"));
        }
        if values.iter().any(|value| text.violated(value).next().is_some()) {
            let tails = text.tails().map(|tail| format!("Member must {tail}"));
            let tails = tails.collect::<Vec<_>>().join(", ");
            let value = self.shown(&format!("[{}]", values.join(", ")), text.sensitive);
            self.violation(&value, path, &format!("satisfy constraint: [{tails}]"));
        }
    }

    /// CHOICE: how AWS words a value of the wrong type is not documented; it reads like a
    /// constraint here.
    fn scalar(&mut self, shape: &Shape, value: &str, path: &str) {
        let shown = |check: &Check| check.shown(value, false);
        let unfit = match shape {
            Shape::Text(text) => return self.text(text, value, path),
            Shape::Integer { min, max } => match value.parse::<i32>() {
                Ok(number) => return self.number(i64::from(number), (*min, *max), value, path),
                Err(_) => "be an integer",
            },
            Shape::Long { min, max } => match value.parse::<i64>() {
                Ok(number) => return self.number(number, (*min, *max), value, path),
                Err(_) => "be an integer",
            },
            Shape::Blob { min, max } => match STANDARD.decode(value) {
                Ok(bytes) => return self.size(bytes.len(), (*min, *max), Some(value), path),
                Err(_) => "be base64",
            },
            Shape::Boolean if crate::query::boolean(value).is_none() => "be true or false",
            Shape::Timestamp if value.parse::<Timestamp>().is_err() => "be a time in ISO 8601",
            Shape::Boolean
            | Shape::Timestamp
            | Shape::Structure(_)
            | Shape::List { .. }
            | Shape::Map { .. } => return,
        };
        let shown = shown(self);
        self.violation(&shown, path, unfit);
    }

    fn text(&mut self, text: &Text, value: &str, path: &str) {
        if let Some(special) = special(text, value, path) {
            self.special.get_or_insert(special);
            return;
        }
        for tail in text.violated(value) {
            let shown = self.shown(value, text.sensitive);
            self.violation(&shown, path, &tail);
        }
    }

    fn number(&mut self, number: i64, (min, max): Bounds, value: &str, path: &str) {
        let shown = self.shown(value, false);
        if let Some(max) = max.filter(|max| number > *max) {
            self.violation(&shown, path, &format!("have value less than or equal to {max}"));
        }
        if let Some(min) = min.filter(|min| number < *min) {
            self.violation(&shown, path, &format!("have value greater than or equal to {min}"));
        }
    }

    /// CHOICE: how STS shows a list of structures is not documented; it is left out.
    fn size(&mut self, length: usize, (min, max): Bounds, value: Option<&str>, path: &str) {
        let shown = value.map_or(String::new(), |value| self.shown(value, false));
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        if let Some(max) = max.filter(|max| length > *max) {
            self.violation(&shown, path, &longest(max));
        }
        if let Some(min) = min.filter(|min| length < *min) {
            self.violation(&shown, path, &shortest(min));
        }
    }

    fn null(&mut self, path: &str) {
        self.violation(" null", path, "not be null");
    }

    fn violation(&mut self, shown: &str, path: &str, tail: &str) {
        if self.violations.len() < VIOLATIONS_MAX {
            let text = format!(
                "Value{shown} at '{path}' failed to satisfy constraint: Member must {tail}"
            );
            self.violations.push(Violation { place: place(path), text });
        }
    }

    /// STS shows the value, IAM leaves it out.
    fn shown(&self, value: &str, sensitive: bool) -> String {
        match self.service {
            Service::Iam => String::new(),
            Service::Sts if sensitive => " '***'".to_owned(),
            Service::Sts => format!(" '{value}'"),
        }
    }
}

/// Least and greatest.
type Bounds = (Option<i64>, Option<i64>);

/// Paths are refused with a text of their own.
fn special(text: &Text, value: &str, path: &str) -> Option<String> {
    let pattern = text.pattern.as_ref().filter(|it| it.source().starts_with("(\\u002F)|"))?;
    if pattern.fits(value) {
        return None;
    }
    let name = path.rsplit('.').next().unwrap_or_default();
    Some(format!(
        "The specified value for {name} is invalid. It must begin and end with / and contain only \
         alphanumeric characters and/or / characters."
    ))
}

impl Text {
    /// What a value violates, as the ends of sentences.
    fn violated(&self, value: &str) -> impl Iterator<Item = String> + use<> {
        // No text has more characters than bytes, so most lengths need no counting.
        let within = |max: i64| i64::try_from(value.len()).is_ok_and(|length| length <= max);
        let characters = || i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
        let too_long = self.max.filter(|max| !within(*max) && characters() > *max).map(longest);
        let too_short = self.min.filter(|min| characters() < *min).map(shortest);
        let unfit = self.pattern.as_ref().filter(|pattern| !pattern.fits(value));
        let unfit = unfit.map(|pattern| pattern_tail(pattern.source()));
        let unknown = !self.values.is_empty() && !self.values.contains(&value);
        let unknown = unknown.then(|| self.values_tail());
        [too_long, too_short, unfit, unknown].into_iter().flatten()
    }

    /// All constraints, maximum first.
    fn tails(&self) -> impl Iterator<Item = String> {
        let pattern = self.pattern.as_ref().map(|pattern| pattern_tail(pattern.source()));
        let values = (!self.values.is_empty()).then(|| self.values_tail());
        [self.max.map(longest), self.min.map(shortest), pattern, values].into_iter().flatten()
    }

    fn values_tail(&self) -> String {
        format!("satisfy enum value set: [{}]", self.values.join(", "))
    }
}

fn pattern_tail(source: &str) -> String {
    format!("satisfy regular expression pattern: {source}")
}

fn longest(max: i64) -> String {
    format!("have length less than or equal to {max}")
}

fn shortest(min: i64) -> String {
    format!("have length greater than or equal to {min}")
}

/// The place of a member in a hash map of Java with 16 places.
fn place(path: &str) -> u32 {
    let member = path.split('.').next().unwrap_or_default();
    let hash = member
        .bytes()
        .fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
    (hash ^ (hash >> 16)) & 15
}

/// `Tags` below `` is `tags`, `Key` below `tags.1.member` is `tags.1.member.key`.
fn joined(path: &str, name: &str) -> String {
    let mut joined = String::with_capacity(path.len() + name.len() + 1);
    if !path.is_empty() {
        joined.extend([path, "."]);
    }
    let mut characters = name.chars();
    joined.extend(characters.next().map(|first| first.to_ascii_lowercase()));
    joined.push_str(characters.as_str());
    joined
}

#[cfg(test)]
mod tests;
