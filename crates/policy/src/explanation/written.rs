//! Conditions as a statement writes them, read again for whoever wants to know.

use crate::json::{self, Member, Node, Value};

/// One operator on one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    /// Such as `ForAnyValue:StringLike`.
    operator: String,
    /// The key.
    pub(super) key: String,
    values: Vec<String>,
}

/// Values of a condition that a sentence names.
// CHOICE: more make no sentence.
const VALUES_MAX: usize = 5;

/// The conditions of a statement, in the order in which it was compiled.
pub(super) fn conditions(statement: &str) -> Vec<Written> {
    let Ok((_, members)) = json::read_object(statement) else { return Vec::new() };
    let operators = members.iter().filter(|member| &*member.name == "Condition");
    let mut conditions = Vec::new();
    for operator in operators.flat_map(|member| members_of(&member.value)) {
        for key in members_of(&operator.value) {
            conditions.push(Written {
                operator: (*operator.name).to_owned(),
                key: (*key.name).to_owned(),
                values: values(&key.value),
            });
        }
    }
    conditions
}

fn members_of(node: &Node) -> &[Member] {
    match &node.value {
        Value::Map(members) => members,
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::String(_) | Value::List(_) => {
            &[]
        }
    }
}

fn values(node: &Node) -> Vec<String> {
    match &node.value {
        Value::List(nodes) => nodes.iter().flat_map(scalar).collect(),
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::String(_) | Value::Map(_) => {
            scalar(node).into_iter().collect()
        }
    }
}

fn scalar(node: &Node) -> Option<String> {
    match &node.value {
        Value::String(text) | Value::Number(text) => Some((**text).to_owned()),
        Value::Boolean(truth) => Some(truth.to_string()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

/// Whether a sentence asks for something or tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// "must be"
    Ask,
    /// "is"
    Tell,
}

impl Written {
    /// What the condition says, such as "`aws:SourceIp` must be an address in `10.0.0.0/8`".
    pub(super) fn phrase(&self, mood: Mood) -> String {
        let (quantifier, rest) = self.operator.split_once(':').unwrap_or(("", &self.operator));
        let (operator, if_exists) = match rest.strip_suffix("IfExists") {
            Some(operator) => (operator, true),
            None => (rest, false),
        };
        let key = &self.key;
        let subject = match quantifier {
            "ForAnyValue" => format!("a value of `{key}`"),
            "ForAllValues" => format!("every value of `{key}`"),
            _ => format!("`{key}`"),
        };
        let says =
            if operator == "Null" { self.absence(mood) } else { self.relation(operator, mood) };
        let or_absent = match mood {
            Mood::Ask if if_exists => ", or the key be absent",
            Mood::Tell if if_exists => ", or the key is absent",
            Mood::Ask | Mood::Tell => "",
        };
        format!("{subject} {says}{or_absent}")
    }

    fn absence(&self, mood: Mood) -> String {
        let asks_for =
            |word: &str| self.values.iter().any(|value| value.eq_ignore_ascii_case(word));
        let state = match (asks_for("true"), asks_for("false")) {
            (true, false) => "absent",
            (false, true) => "present",
            (true, true) => "absent or present",
            // Neither can be read: nothing satisfies it.
            (false, false) => "neither absent nor present",
        };
        let verb = if mood == Mood::Ask { "must be" } else { "is" };
        format!("{verb} {state}")
    }

    fn relation(&self, operator: &str, mood: Mood) -> String {
        let is_negated = operator.contains("Not");
        let relation = match operator.replace("Not", "").as_str() {
            "StringEqualsIgnoreCase" => "in any letter case ",
            "StringLike" | "ArnLike" | "ArnEquals" => "like ",
            "IpAddress" => "an address in ",
            "NumericLessThan" => "less than ",
            "NumericLessThanEquals" => "at most ",
            "NumericGreaterThan" => "greater than ",
            "NumericGreaterThanEquals" => "at least ",
            "DateLessThan" => "before ",
            "DateLessThanEquals" => "at or before ",
            "DateGreaterThan" => "after ",
            "DateGreaterThanEquals" => "at or after ",
            _ => "",
        };
        let verb = match (mood, is_negated) {
            (Mood::Ask, false) => "must be",
            (Mood::Ask, true) => "must not be",
            (Mood::Tell, false) => "is",
            (Mood::Tell, true) => "is not",
        };
        format!("{verb} {relation}{}", self.listed())
    }

    /// The values, as alternatives.
    fn listed(&self) -> String {
        let shown: Vec<String> =
            self.values.iter().take(VALUES_MAX).map(|value| format!("`{value}`")).collect();
        let more = self.values.len().saturating_sub(VALUES_MAX);
        match (shown.as_slice(), more) {
            ([], _) => "one of no values".to_owned(),
            ([before @ .., last], 0) if !before.is_empty() => {
                format!("{} or {last}", before.join(", "))
            }
            (shown, 0) => shown.join(", "),
            (shown, more) => format!("{} or one of {more} more", shown.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrase(condition: &str, mood: Mood) -> String {
        let conditions = conditions(&format!(r#"{{"Sid":"a","Condition":{condition}}}"#));
        let phrases: Vec<String> = conditions.iter().map(|it| it.phrase(mood)).collect();
        phrases.join("; ")
    }

    #[test]
    fn conditions_become_sentences() {
        for (condition, asked, told) in [
            (r#"{"Bool":{"a:b":true}}"#, "`a:b` must be `true`", "`a:b` is `true`"),
            (
                r#"{"NotIpAddress":{"k":["10.0.0.0/8","::/0"]}}"#,
                "`k` must not be an address in `10.0.0.0/8` or `::/0`",
                "`k` is not an address in `10.0.0.0/8` or `::/0`",
            ),
            (
                r#"{"ForAnyValue:StringLikeIfExists":{"k":"a*"}}"#,
                "a value of `k` must be like `a*`, or the key be absent",
                "a value of `k` is like `a*`, or the key is absent",
            ),
            (
                r#"{"ForAllValues:StringNotEquals":{"k":["1","2","3","4","5","6","7"]}}"#,
                "every value of `k` must not be `1`, `2`, `3`, `4`, `5` or one of 2 more",
                "every value of `k` is not `1`, `2`, `3`, `4`, `5` or one of 2 more",
            ),
            (r#"{"Null":{"k":"true"}}"#, "`k` must be absent", "`k` is absent"),
            (r#"{"Null":{"k":[false,"x"]}}"#, "`k` must be present", "`k` is present"),
            (
                r#"{"NumericLessThanEquals":{"k":7},"DateGreaterThan":{"d":"2030-01-01"}}"#,
                "`k` must be at most `7`; `d` must be after `2030-01-01`",
                "`k` is at most `7`; `d` is after `2030-01-01`",
            ),
            (
                r#"{"StringEquals":{"k":[]}}"#,
                "`k` must be one of no values",
                "`k` is one of no values",
            ),
        ] {
            assert_eq!(phrase(condition, Mood::Ask), asked);
            assert_eq!(phrase(condition, Mood::Tell), told);
        }
    }
}
