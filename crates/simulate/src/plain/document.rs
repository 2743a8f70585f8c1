//! Documents: JSON texts, each an object, no key twice.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The members of a document.
pub(super) type Document = Map<String, Value>;

/// The document in a text; none if it holds nothing: no JSON, no object, or a key twice in one
/// object at whatever depth.
///
/// Source: IAM User Guide, "Grammar of the IAM JSON policy language".
pub(super) fn document(text: &str) -> Option<Document> {
    match serde_json::from_str(text) {
        Ok(Value::Object(document)) if !has_a_key_twice(text) => Some(document),
        _ => None,
    }
}

/// The statements: one object, or those in a list.
pub(super) fn statements(document: &Document) -> Vec<&Map<String, Value>> {
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().filter_map(Value::as_object).collect(),
        Some(Value::Object(statement)) => vec![statement],
        _ => Vec::new(),
    }
}

/// The texts of an element: one, or those in a list.
pub(super) fn strings(element: &Value) -> Vec<&str> {
    match element {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Whether an object in a text that is known to be JSON has a key twice.
///
/// `serde_json` keeps the last one silently, so the text is looked through: a string is a key if a
/// colon follows.
fn has_a_key_twice(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let mut open: Vec<BTreeSet<String>> = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        match characters[at] {
            '{' => open.push(BTreeSet::new()),
            '}' => drop(open.pop()),
            '"' => {
                let end = closing_quote(&characters, at);
                let string: String = characters[at..=end].iter().collect();
                at = end;
                let next = characters[end + 1..].iter().find(|c| !c.is_whitespace());
                if next == Some(&':') {
                    let key = serde_json::from_str(&string).unwrap_or(string);
                    if open.last_mut().is_some_and(|keys| !keys.insert(key)) {
                        return true;
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    false
}

/// Where the string that opens at `start` closes.
fn closing_quote(characters: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while characters[at] != '"' {
        at += if characters[at] == '\\' { 2 } else { 1 };
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_twice_voids_a_document() {
        assert!(document(r#"{"a":{"b":1},"c":{"b":[{"b":2},{"b":3}]}}"#).is_some());
        assert!(document(r#"{"a":"b","b":"a: \"a\":"}"#).is_some());
        for twice in
            [r#"{"a":1,"a":1}"#, r#"{"a":{"b":1,"b" : 2}}"#, r#"{"a":[{"b":1,"\u0062":2}]}"#]
        {
            assert!(document(twice).is_none(), "{twice}");
        }
        assert!(document("[]").is_none() && document("{").is_none() && document("").is_none());
    }
}
