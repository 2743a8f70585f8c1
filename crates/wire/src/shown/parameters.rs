//! The parameters of a request, read by the shapes of the service model.

use super::resources::{Resource, of_member};
use super::{HIDDEN, LENGTH_MAX, SECRET_MEMBERS, Shown, omitted, push_name, push_text};
use crate::constraint::shape::{Member, Shape};
use crate::query::{self, Node, Parameters};
use crate::service::OperationInfo;

/// Deepest structure that is followed; the models go to five.
const DEPTH_MAX: usize = 16;

/// The parameters of a request as a JSON object; none if it has none that the model knows.
///
/// What is too long for a record is left out, as CloudTrail does.
pub fn parameters(parameters: &Parameters<'_>, operation: &OperationInfo) -> Option<Shown> {
    let Some(Shape::Structure(members)) = operation.input else { return None };
    let mut writer = Writer { text: String::new(), resources: Vec::new() };
    let is_empty = !writer.structure(members, parameters.root(), DEPTH_MAX);
    let Writer { text, resources } = writer;
    match text.len() {
        _ if is_empty => None,
        0..=LENGTH_MAX => Some(Shown { text, resources }),
        _ => Some(Shown { text: omitted("requestParameters"), resources: Vec::new() }),
    }
}

struct Writer {
    text: String,
    resources: Vec<Resource<'static>>,
}

impl Writer {
    /// Whether there was any member.
    fn structure(&mut self, members: &[Member], node: Node<'_>, depth: usize) -> bool {
        self.text.push('{');
        let mut is_first = true;
        for member in members {
            let Some(child) = node.child(member.name) else { continue };
            // What is too long already is thrown away.
            if depth == 0 || self.text.len() > LENGTH_MAX {
                break;
            }
            self.separate(&mut is_first);
            push_name(&mut self.text, member.name);
            if depth == DEPTH_MAX {
                self.note_resource(member, child);
            }
            if SECRET_MEMBERS.contains(&member.name) {
                push_text(&mut self.text, HIDDEN);
            } else {
                self.shape(member.shape, child, depth - 1);
            }
        }
        self.text.push('}');
        !is_first
    }

    /// A member at the top may name a resource.
    fn note_resource(&mut self, member: &Member, node: Node<'_>) {
        let is_shown = matches!(member.shape, Shape::Text(text) if !text.sensitive);
        if let (true, Some(kind)) = (is_shown, of_member(member.name)) {
            let name = node.value().unwrap_or_default();
            self.resources.push((kind, name.to_owned().into()));
        }
    }

    fn shape(&mut self, shape: &Shape, node: Node<'_>, depth: usize) {
        let value = node.value().unwrap_or_default();
        match shape {
            Shape::Structure(members) => {
                self.structure(members, node, depth);
            }
            Shape::List { member, .. } => self.list(member, node, depth),
            Shape::Map { key, value, .. } => self.map(key, value, node, depth),
            Shape::Text(text) if text.sensitive => push_text(&mut self.text, HIDDEN),
            Shape::Integer { .. } | Shape::Long { .. } => match value.parse::<i64>() {
                Ok(number) => self.text.push_str(&number.to_string()),
                Err(_) => push_text(&mut self.text, value),
            },
            Shape::Boolean => match query::boolean(value) {
                Some(true) => self.text.push_str("true"),
                Some(false) => self.text.push_str("false"),
                None => push_text(&mut self.text, value),
            },
            Shape::Text(_) | Shape::Timestamp | Shape::Blob { .. } => {
                push_text(&mut self.text, value);
            }
        }
    }

    fn list(&mut self, member: &Shape, node: Node<'_>, depth: usize) {
        self.text.push('[');
        let mut is_first = true;
        for (_, item) in node.items("member") {
            if depth == 0 || self.text.len() > LENGTH_MAX {
                break;
            }
            self.separate(&mut is_first);
            self.shape(member, item, depth - 1);
        }
        self.text.push(']');
    }

    fn map(&mut self, key: &Shape, value: &Shape, node: Node<'_>, depth: usize) {
        self.text.push('{');
        let mut is_first = true;
        for (_, entry) in node.items("entry") {
            let (Some(name), Some(content)) = (entry.child("key"), entry.child("value")) else {
                continue;
            };
            if depth == 0 || self.text.len() > LENGTH_MAX {
                break;
            }
            self.separate(&mut is_first);
            self.shape(key, name, 0);
            self.text.push(':');
            self.shape(value, content, depth - 1);
        }
        self.text.push('}');
    }

    fn separate(&mut self, is_first: &mut bool) {
        if !std::mem::replace(is_first, false) {
            self.text.push(',');
        }
    }
}
