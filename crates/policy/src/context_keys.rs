//! The condition keys that a document names.

use crate::document::Document;
use crate::json::{self, Member, Node, Value};
use crate::pattern::variable_names;

impl Document {
    /// The condition keys that the document names, in policy variables and in conditions, as they are
    /// written and in the order of the text; each once, whatever its letter case.
    ///
    /// Source: IAM API Reference, GetContextKeysForCustomPolicy.
    ///
    /// ```
    /// use iamd_policy::Document;
    ///
    /// let document = Document::parse(
    ///     r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*",
    ///         "Resource":"arn:aws:s3:::a/${aws:username}",
    ///         "Condition":{"Bool":{"aws:SecureTransport":"true"}}}}"#,
    /// )?;
    /// assert_eq!(document.context_keys(), ["aws:username", "aws:SecureTransport"]);
    /// # Ok::<(), iamd_policy::ParseError>(())
    /// ```
    pub fn context_keys(&self) -> Vec<String> {
        let mut keys = Keys::default();
        let Ok((_, members)) = json::read_object(self.source()) else { return Vec::new() };
        let version = members.iter().find(|member| &*member.name == "Version");
        keys.variables = version.and_then(|version| text(&version.value)) == Some("2012-10-17");
        let statements = members.iter().filter(|member| &*member.name == "Statement");
        for statement in statements.flat_map(|member| nodes(&member.value)) {
            for element in members_of(statement) {
                keys.add_element(element);
            }
        }
        keys.found
    }
}

#[derive(Default)]
struct Keys {
    /// Whether the version of the document knows variables.
    variables: bool,
    seen: std::collections::HashSet<String>,
    found: Vec<String>,
}

impl Keys {
    fn add_element(&mut self, element: &Member) {
        match &*element.name {
            "Resource" | "NotResource" => self.add_variables(&element.value),
            "Condition" => {
                let operators = members_of(&element.value).iter();
                for key in operators.flat_map(|operator| members_of(&operator.value)) {
                    self.add(&key.name);
                    self.add_variables(&key.value);
                }
            }
            _ => {}
        }
    }

    fn add_variables(&mut self, node: &Node) {
        if !self.variables {
            return;
        }
        for name in nodes(node).iter().filter_map(text).flat_map(variable_names) {
            self.add(name);
        }
    }

    fn add(&mut self, key: &str) {
        if self.seen.insert(key.to_lowercase()) {
            self.found.push(key.to_owned());
        }
    }
}

fn members_of(node: &Node) -> &[Member] {
    match &node.value {
        Value::Map(members) => members,
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::String(_) | Value::List(_) => {
            &[]
        }
    }
}

/// The members of a list, or the one that is none.
fn nodes(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(nodes) => nodes,
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::String(_) | Value::Map(_) => {
            std::slice::from_ref(node)
        }
    }
}

fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::String(text) => Some(text),
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(version: &str, statements: &str) -> Vec<String> {
        let text = format!(r#"{{"Version":"{version}","Statement":{statements}}}"#);
        Document::parse(&text).unwrap().context_keys()
    }

    #[test]
    fn keys_come_in_the_order_of_the_text_and_once() {
        let statements = r#"[
            {"Condition":{"StringLike":{"S3:Prefix":["${aws:username}/*","${ aws:userid , 'x'}"]},
                "ForAllValues:StringEquals":{"aws:TagKeys":"a"}},"Resource":"${aws:PrincipalTag/x}"},
            {"NotResource":["${AWS:UserName}","${a:b}"],"Condition":{"Null":{"s3:prefix":true}}}]"#;
        let expected =
            ["S3:Prefix", "aws:username", "aws:userid", "aws:TagKeys", "aws:PrincipalTag/x", "a:b"];
        assert_eq!(keys("2012-10-17", statements), expected);
    }

    #[test]
    fn what_is_no_variable_is_no_key() {
        let statement = r#"{"Resource":["${*}${?}${$}","${","${a'b}","$${c:d}","${}"],
            "Action":"${x:y}","Sid":"${x:y}"}"#;
        assert_eq!(keys("2012-10-17", statement), ["c:d"]);
        let statement = r#"{"Resource":"${a:b}","Condition":{"StringEquals":{"c:d":"${e:f}"}}}"#;
        assert_eq!(keys("2008-10-17", statement), ["c:d"], "the old version has no variables");
    }
}
