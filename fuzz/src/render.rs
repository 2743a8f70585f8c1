//! Answers: any text in them leaves XML and JSON well-formed, and is read as it was written.

use iamd_wire::{ErrorCode, Service, Timestamp, iam, json, xml};
use serde_json::Value;

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let operation = Service::Iam.operation("ListUsers").expect("a known operation");
    let user = iam::User {
        path: text.to_owned(),
        user_name: text.to_owned(),
        create_date: Timestamp::from_seconds(0),
        tags: Some(vec![iam::Tag { key: text.to_owned(), value: text.to_owned() }]),
        ..iam::User::default()
    };
    let marker = Some(text.to_owned());
    let output = iam::ListUsersResponse { users: vec![user], is_truncated: Some(true), marker };
    let rendered = xml::response(operation, &output, text).expect("it can be rendered");
    xml_holds(&rendered, text, &["Path", "UserName", "Key", "Value", "Marker", "RequestId"]);
    let rendered = json::response(operation, &output, text).expect("it can be rendered");
    json_holds(&rendered, text, 6);

    let code = ErrorCode::AccessDenied;
    let rendered = xml::error(Service::Sts, code, Some(text), text);
    xml_holds(&rendered, text, &["Message", "RequestId"]);
    json_holds(&json::error(code, Some(text), text), text, 2);

    let operation = Service::Iam.operation("GetAccountSummary").expect("a known operation");
    let summary = [(text.to_owned(), 1)].into();
    let output = iam::GetAccountSummaryResponse { summary_map: Some(summary) };
    let rendered = xml::response(operation, &output, text).expect("it can be rendered");
    xml_holds(&rendered, text, &["key", "RequestId"]);
}

/// The document is well-formed, and each of these elements stands there once and holds the text.
fn xml_holds(document: &str, text: &str, elements: &[&str]) {
    let parsed = roxmltree::Document::parse(document).expect("well-formed XML");
    let carried: String = text.chars().map(|it| if is_xml(it) { it } else { '\u{FFFD}' }).collect();
    for element in elements {
        let found = |node: &roxmltree::Node<'_, '_>| node.tag_name().name() == *element;
        let texts: Vec<&str> = parsed
            .descendants()
            .filter(found)
            .map(|node| node.text().unwrap_or_default())
            .collect();
        assert_eq!(texts, [carried.as_str()], "the element {element}");
    }
}

/// Source: XML 1.0, section 2.2, `Char`.
fn is_xml(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
        && !matches!(character, '\u{FFFE}' | '\u{FFFF}')
}

/// The document is well-formed, and holds the text so many times.
fn json_holds(document: &str, text: &str, times: usize) {
    let parsed: Value = serde_json::from_str(document).expect("well-formed JSON");
    assert!(count(&parsed, text) >= times, "the text is altered");
}

fn count(value: &Value, text: &str) -> usize {
    match value {
        Value::String(found) => usize::from(found == text),
        Value::Array(values) => values.iter().map(|value| count(value, text)).sum(),
        Value::Object(members) => members.values().map(|value| count(value, text)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}
