//! Terraform's language, as far as it is needed to write values.
//!
//! Source: Terraform documentation, "Strings and Templates", "Identifiers" and `jsonencode`.

use serde_json::Value;

/// Deepest value that is written as an expression; deeper ones are written as text.
// CHOICE: conditions of policies go to six.
const DEPTH_MAX: usize = 16;

/// A quoted string; nothing in it is a template.
pub(super) fn string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '$' | '%' if characters.peek() == Some(&'{') => {
                quoted.push(character);
                quoted.push(character);
            }
            character if character.is_control() => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// A list of strings in one line.
pub(super) fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| string(item)).collect();
    format!("[{}]", items.join(", "))
}

/// An expression that gives this policy document.
pub(super) fn document(text: &str) -> String {
    let value = serde_json::from_str::<Value>(text).ok();
    let expression = value.and_then(|value| expression(&value, 1, DEPTH_MAX));
    // Numbers of a length that expressions do not keep, and the like, stay text.
    expression.map_or_else(|| string(text), |expression| format!("jsonencode({expression})"))
}

fn expression(value: &Value, indent: usize, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let inner = "  ".repeat(indent + 1);
    let outer = "  ".repeat(indent);
    Some(match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) if number.is_i64() => number.to_string(),
        Value::Number(_) => return None,
        Value::String(text) => string(text),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) => {
            let mut lines = String::new();
            for item in items {
                lines.push_str(&format!("{inner}{},\n", expression(item, indent + 1, depth)?));
            }
            format!("[\n{lines}{outer}]")
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let written = members
                .iter()
                .map(|(name, value)| Some((string(name), expression(value, indent + 1, depth)?)));
            let lines = assignments(&written.collect::<Option<Vec<_>>>()?, &inner);
            format!("{{\n{lines}{outer}}}")
        }
    })
}

/// Lines of names and values as Terraform formats them: aligned where values of one line follow each
/// other.
pub(super) fn assignments<N: AsRef<str>>(pairs: &[(N, String)], indent: &str) -> String {
    let mut text = String::new();
    for run in pairs.chunk_by(|(_, one), (_, next)| !one.contains('\n') && !next.contains('\n')) {
        let width = run.iter().map(|(name, _)| name.as_ref().len()).max().unwrap_or_default();
        for (name, value) in run {
            text.push_str(&format!("{indent}{:<width$} = {value}\n", name.as_ref()));
        }
    }
    text
}

/// A name of a resource: letters, digits, `_` and `-`, and no digit first.
pub(super) fn identifier(name: &str) -> String {
    let is_fine = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    let mut identifier: String =
        name.chars().map(|character| if is_fine(character) { character } else { '_' }).collect();
    if !identifier.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        identifier.insert(0, '_');
    }
    identifier
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_no_templates() {
        assert_eq!(string("${aws:username} %{x} $ 5%"), r#""$${aws:username} %%{x} $ 5%""#);
        assert_eq!(string("a\"b\\c\nd\u{7}"), r#""a\"b\\c\nd\u0007""#);
    }

    #[test]
    fn documents_are_expressions() {
        let text =
            r#"{"Statement":[{"Effect":"Allow","Resource":"${aws:username}","X":{}}],"N":1}"#;
        assert_eq!(
            document(text),
            "jsonencode({\n    \"Statement\" = [\n      {\n        \"Effect\"   = \"Allow\"\n        \
             \"Resource\" = \"$${aws:username}\"\n        \"X\"        = {}\n      },\n    ]\n    \"N\" = 1\n  })"
        );
        let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
        assert_eq!(document(&deep), string(&deep));
        assert_eq!(document("1.5"), "\"1.5\"");
    }

    #[test]
    fn identifiers_are_legal() {
        assert_eq!(identifier("a.b@c"), "a_b_c");
        assert_eq!(identifier("1a"), "_1a");
        assert_eq!(identifier("-a"), "_-a");
    }
}
