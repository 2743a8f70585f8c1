//! Conditions, by the tables of the guide.
//!
//! Sources: IAM User Guide, "IAM JSON policy elements: Condition operators", "Conditions with multiple
//! context keys or values", "Single-valued vs. multivalued context keys".

use serde_json::Value;

use super::operand::{self, Compared};
use crate::case::{Held, Question};

/// Operators without what may stand before and behind them, and whether they are negated.
const OPERATORS: [(&str, bool); 27] = [
    ("StringEquals", false),
    ("StringNotEquals", true),
    ("StringEqualsIgnoreCase", false),
    ("StringNotEqualsIgnoreCase", true),
    ("StringLike", false),
    ("StringNotLike", true),
    ("NumericEquals", false),
    ("NumericNotEquals", true),
    ("NumericLessThan", false),
    ("NumericLessThanEquals", false),
    ("NumericGreaterThan", false),
    ("NumericGreaterThanEquals", false),
    ("DateEquals", false),
    ("DateNotEquals", true),
    ("DateLessThan", false),
    ("DateLessThanEquals", false),
    ("DateGreaterThan", false),
    ("DateGreaterThanEquals", false),
    ("Bool", false),
    ("BinaryEquals", false),
    ("IpAddress", false),
    ("NotIpAddress", true),
    ("ArnEquals", false),
    ("ArnLike", false),
    ("ArnNotEquals", true),
    ("ArnNotLike", true),
    ("Null", false),
];

/// How several values of a key count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    None,
    ForAllValues,
    ForAnyValue,
}

/// An operator, taken apart.
struct Operator<'n> {
    quantifier: Quantifier,
    base: &'n str,
    negated: bool,
    if_exists: bool,
}

/// The value of a condition key; an empty list is none. Letter case of keys does not count, and of a
/// key given twice the last counts.
pub(super) fn held<'q>(question: &'q Question, key: &str) -> Option<&'q Held> {
    let key = key.to_lowercase();
    let (_, value) = question.context.iter().rev().find(|(own, _)| own.to_lowercase() == key)?;
    (*value != Held::Many(Vec::new())).then_some(value)
}

/// Whether the element is true: all its operators for all their keys. One that cannot be understood
/// is not.
pub(super) fn holds(element: &Value, variables: bool, question: &Question) -> bool {
    let Some(operators) = element.as_object() else { return false };
    operators.iter().all(|(name, keys)| {
        let (Some(operator), Some(keys)) = (operator(name), keys.as_object()) else { return false };
        keys.iter().all(|(key, wanted)| {
            let Some(wanted) = texts(wanted) else { return false };
            one_holds(&operator, held(question, key), &wanted, variables, question)
        })
    })
}

/// Values of a key in a policy: texts, numbers and truths, one or a list of them.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Number(number) => Some(vec![number.to_string()]),
        Value::Bool(truth) => Some(vec![truth.to_string()]),
        Value::Array(values) => {
            let each = values.iter().map(|value| match value {
                Value::Array(_) => None,
                value => texts(value)?.pop(),
            });
            each.collect()
        }
        Value::Null | Value::Object(_) => None,
    }
}

fn operator(name: &str) -> Option<Operator<'_>> {
    let (quantifier, rest) = match name.split_once(':') {
        Some(("ForAllValues", rest)) => (Quantifier::ForAllValues, rest),
        Some(("ForAnyValue", rest)) => (Quantifier::ForAnyValue, rest),
        Some(_) => return None,
        None => (Quantifier::None, name),
    };
    let (base, if_exists) = match rest.strip_suffix("IfExists") {
        Some(base) => (base, true),
        None => (rest, false),
    };
    let (base, negated) = OPERATORS.into_iter().find(|(known, _)| *known == base)?;
    // It asks whether the key exists; neither of the others makes sense with it.
    let is_bare = quantifier == Quantifier::None && !if_exists;
    (base != "Null" || is_bare).then_some(Operator { quantifier, base, negated, if_exists })
}

fn one_holds(
    operator: &Operator<'_>,
    held: Option<&Held>,
    wanted: &[String],
    variables: bool,
    question: &Question,
) -> bool {
    if operator.base == "Null" {
        let absent = if held.is_none() { "true" } else { "false" };
        return wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(absent));
    }
    let Some(held) = held else { return holds_without_key(operator) };
    let values: Vec<&str> = match held {
        Held::One(value) => vec![value],
        Held::Many(values) => values.iter().map(String::as_str).collect(),
    };
    let one = |value: &&str| satisfies(operator, value, wanted, variables, question);
    let is_null = values.iter().all(|value| value.is_empty());
    match operator.quantifier {
        // Nothing but empty texts is as good as no value, for these two.
        Quantifier::ForAllValues | Quantifier::ForAnyValue if is_null => {
            holds_without_key(operator)
        }
        Quantifier::ForAllValues => values.iter().all(one),
        Quantifier::ForAnyValue => values.iter().any(one),
        // Of a multivalued key: any value that fits, or none that is ruled out.
        Quantifier::None if operator.negated => values.iter().all(one),
        Quantifier::None => values.iter().any(one),
    }
}

/// The table of the guide for a key that the request does not have.
fn holds_without_key(operator: &Operator<'_>) -> bool {
    match operator.quantifier {
        Quantifier::ForAllValues => true,
        Quantifier::ForAnyValue => operator.if_exists,
        Quantifier::None => operator.if_exists || operator.negated,
    }
}

/// Whether one value of the request fits one of the values wanted; of a negated operator, whether it
/// fits none. What cannot be read is neither.
fn satisfies(
    operator: &Operator<'_>,
    value: &str,
    wanted: &[String],
    variables: bool,
    question: &Question,
) -> bool {
    let base = operator.base.replace("Not", "");
    if !operand::is_readable(&base, value) {
        return false;
    }
    let mut compared =
        wanted.iter().map(|wanted| operand::compare(&base, value, wanted, variables, question));
    if operator.negated {
        compared.all(|compared| compared == Compared::Differs)
    } else {
        compared.any(|compared| compared == Compared::Fits)
    }
}
