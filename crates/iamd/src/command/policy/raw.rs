//! JSON of which the parts stay as they were written: numbers keep their digits, members their order.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

/// The members of an object, in order, with their values as they were written.
#[derive(Debug, Clone)]
pub(super) struct Members(pub(super) Vec<(String, Box<RawValue>)>);

impl Members {
    /// The value of the first member of this name.
    pub(super) fn value(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// Gives a member another value; one that is not there comes last.
    pub(super) fn set(&mut self, name: &str, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// JSON without white space between its parts, strings in their shortest form, numbers as they were
/// written. The text must be JSON.
pub(super) fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let mut rest = json;
    while let Some((before, string)) = rest.find('"').and_then(|start| rest.split_at_checked(start))
    {
        push_without_layout(&mut compact, before);
        let (string, behind) =
            string.split_at_checked(string_length(string)).unwrap_or((string, ""));
        match serde_json::from_str::<String>(string).and_then(|text| serde_json::to_string(&text)) {
            Ok(shortest) => compact.push_str(&shortest),
            // Half of a surrogate pair, which has no other form.
            Err(_) => compact.push_str(string),
        }
        rest = behind;
    }
    push_without_layout(&mut compact, rest);
    compact
}

/// The first key that an object in this JSON has twice, at whatever depth. The text must be JSON of
/// bounded depth.
pub(super) fn repeated_key(json: &str) -> Option<String> {
    let values: Vec<Box<RawValue>> = match json.trim_start().as_bytes().first()? {
        b'{' => {
            let members: Members = serde_json::from_str(json).ok()?;
            let mut names = BTreeSet::new();
            if let Some((twice, _)) = members.0.iter().find(|(name, _)| !names.insert(name)) {
                return Some(twice.clone());
            }
            members.0.into_iter().map(|(_, value)| value).collect()
        }
        b'[' => serde_json::from_str(json).ok()?,
        _ => return None,
    };
    values.iter().find_map(|value| repeated_key(value.get()))
}

/// What is wrong with a JSON text, without the place, which is told apart or is of no use.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

fn push_without_layout(compact: &mut String, between_strings: &str) {
    compact.extend(between_strings.split([' ', '\t', '\n', '\r']));
}

/// The length in bytes of the string that a text begins with, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (place, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return place + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_json_is_the_same_json() {
        for (json, expected) in [
            (
                "{ \"a\" : [ 1.50 ,\t-0 , 12345678901234567890123 ] }",
                "{\"a\":[1.50,-0,12345678901234567890123]}",
            ),
            (r#" "a \" b\\" "#, r#""a \" b\\""#),
            (r#""\u0041\u00e9\/""#, "\"Aé/\""),
            (r#""\ud800 ""#, r#""\ud800 ""#),
            ("null", "null"),
            ("\"\"", "\"\""),
        ] {
            assert_eq!(compact(json), expected);
            assert_eq!(compact(expected), expected);
        }
    }

    #[test]
    fn keys_that_are_repeated_are_found_at_every_depth() {
        let repeated = |json| repeated_key(json);
        assert_eq!(repeated(r#" {"a":[{"b":1},{"c":{"d":1,"e":2,"d":3}}]}"#).as_deref(), Some("d"));
        assert_eq!(repeated(r#"{"a":1,"\u0061":2}"#).as_deref(), Some("a"));
        assert_eq!(repeated(r#"[{"a":{"a":{"a":"a"}},"b":["a","a"]},7]"#), None);
    }

    #[test]
    fn members_keep_order_and_digits() {
        let text = r#"{"b":1.50,"a":[1, 2]}"#;
        let mut members: Members = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&members).unwrap(), text);
        members.set("b", serde_json::from_str("2").unwrap());
        members.set("c", serde_json::from_str("3").unwrap());
        assert_eq!(serde_json::to_string(&members).unwrap(), r#"{"b":2,"a":[1, 2],"c":3}"#);
        assert!(members.value("a").is_some() && members.value("d").is_none());
        assert!(serde_json::from_str::<Members>("[]").is_err());
    }
}
