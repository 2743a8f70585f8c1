//! Documents in one layout.

use crate::json::{self, Member, Node, ParseError, Value, quoted};

/// The order of the elements of a document and of a statement; others follow in the order given.
const DOCUMENT_ORDER: [&str; 3] = ["Version", "Id", "Statement"];
const STATEMENT_ORDER: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// A document in canonical layout: two spaces, elements in the order of the guides, numbers as they
/// were written. Nothing is added or left out, so that it means what it meant.
///
/// ```
/// let text = r#"{"Statement":[{"Action":"s3:*","Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}"#;
/// let formatted = iamd_policy::format(text)?;
/// assert!(formatted.starts_with("{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\""));
/// assert_eq!(iamd_policy::format(&formatted)?, formatted);
/// # Ok::<(), iamd_policy::ParseError>(())
/// ```
///
/// # Errors
/// [`ParseError`] for what [`Document::parse`](crate::Document::parse) refuses.
pub fn format(text: &str) -> Result<String, ParseError> {
    let (_, members) = json::read_object(text)?;
    let mut formatted = String::with_capacity(text.len() * 2);
    write_members(&mut formatted, &members, &DOCUMENT_ORDER, 0);
    formatted.push('\n');
    Ok(formatted)
}

fn write_members(text: &mut String, members: &[Member], order: &[&str], depth: usize) {
    let mut sorted: Vec<&Member> = members.iter().collect();
    let place = |member: &&Member| {
        order.iter().position(|name| *name == &*member.name).unwrap_or(order.len())
    };
    sorted.sort_by_key(place);
    let lines = sorted.iter().map(|member| {
        let inner = match (&*member.name, depth) {
            ("Statement", 0) => &STATEMENT_ORDER[..],
            _ => &[],
        };
        let mut line = format!("{}: ", quoted(&member.name));
        write_node(&mut line, &member.value, inner, depth + 1);
        line
    });
    enclose(text, ('{', '}'), lines, depth);
}

/// INVARIANT: the reader has bounded the depth, so this recursion is bounded, too.
fn write_node(text: &mut String, node: &Node, order: &[&str], depth: usize) {
    match &node.value {
        Value::Null => text.push_str("null"),
        Value::Boolean(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => text.push_str(number),
        Value::String(string) => text.push_str(&quoted(string)),
        Value::Map(members) => write_members(text, members, order, depth),
        Value::List(values) => {
            let lines = values.iter().map(|value| {
                let mut line = String::new();
                write_node(&mut line, value, order, depth + 1);
                line
            });
            enclose(text, ('[', ']'), lines, depth);
        }
    }
}

fn enclose(
    text: &mut String,
    (open, close): (char, char),
    lines: impl ExactSizeIterator<Item = String>,
    depth: usize,
) {
    text.push(open);
    let count = lines.len();
    for (number, line) in lines.enumerate() {
        text.push('\n');
        text.push_str(&"  ".repeat(depth + 1));
        text.push_str(&line);
        if number + 1 < count {
            text.push(',');
        }
    }
    if count > 0 {
        text.push('\n');
        text.push_str(&"  ".repeat(depth));
    }
    text.push(close);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_are_sorted_and_everything_stays() {
        let text = r#"{"Other":{"b":1.50,"a":[]},"Statement":{"Resource":["*"],"Condition":{"Bool":{"x":true}},"Effect":"Allow","Action":"a:é\n"},"Version":"2012-10-17"}"#;
        let expected = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": {\n    \"Effect\": \"Allow\",\n    \"Action\": \"a:é\\u000a\",\n    \"Resource\": [\n      \"*\"\n    ],\n    \"Condition\": {\n      \"Bool\": {\n        \"x\": true\n      }\n    }\n  },\n  \"Other\": {\n    \"b\": 1.50,\n    \"a\": []\n  }\n}\n";
        assert_eq!(format(text).unwrap(), expected);
        assert!(format("{").is_err() && format("[]").is_err());
    }

    #[test]
    fn what_can_be_stored_can_be_stored_in_this_layout() {
        let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"aws:TagKeys":"\u0100\ud83d\ude00\u00e9"}}}}"#;
        assert!(crate::validate(text, crate::Grammar::Identity).is_ok());
        let formatted = format(text).unwrap();
        assert!(formatted.contains(r#""\u0100\ud83d\ude00é""#), "{formatted}");
        assert!(crate::validate(&formatted, crate::Grammar::Identity).is_ok());
    }

    fn value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i32>().prop_map(Into::into),
            "\\PC{0,8}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::vec(("[A-Za-z]{1,9}", inner), 0..4)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn formatting_changes_no_value_and_is_done_at_once(statement in value()) {
            let document = serde_json::json!({ "Statement": statement, "Version": "2012-10-17" });
            let formatted = format(&document.to_string()).unwrap();
            prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(&formatted).unwrap(), &document);
            prop_assert_eq!(&format(&formatted).unwrap(), &formatted);
        }
    }
}
