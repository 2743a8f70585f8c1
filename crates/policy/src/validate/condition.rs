//! The shape of the `Condition` element.
//!
//! Source: IAM User Guide, "IAM JSON policy elements: Condition" and "Condition operators".

use super::complaint::Complaint;
use super::syntax::{Text, wrong_type};
use crate::condition::Operator;
use crate::json::{Member, Node, Value};

/// Checks a condition; the values of its date operators still have to be looked at.
///
/// # Errors
/// `Syntax errors in policy.`
// CHOICE: names of keys, and values of operators other than the date ones, are not judged on
// write; a value that is not of the operator's type matches nothing when it is evaluated.
pub(super) fn read(node: &Node) -> Result<Vec<Text<'_>>, Complaint> {
    let Value::Map(operators) = &node.value else {
        return Err(wrong_type(node, "`Condition` must be an object"));
    };
    let mut dates = Vec::new();
    for operator in operators {
        let Value::Map(keys) = &operator.value.value else {
            let reason = format!("the operator `{}` must hold an object", operator.name);
            return Err(wrong_type(&operator.value, &reason));
        };
        let values = compared_values(keys)?;
        // AWS passes over an operator that it does not know as long as there is nothing in it.
        // CHOICE: names are taken in their documented letter case only, and `Null` is taken neither
        // with a quantifier nor with `IfExists`, since such an operator would have no meaning.
        if Operator::parse(&operator.name).is_none() && !keys.is_empty() {
            return Err(unknown_operator(operator));
        }
        if compares_dates(&operator.name) {
            dates.extend(values);
        }
    }
    Ok(dates)
}

fn compared_values(keys: &[Member]) -> Result<Vec<Text<'_>>, Complaint> {
    let mut values = Vec::new();
    for key in keys {
        match &key.value.value {
            Value::List(items) => {
                for item in items {
                    values.push(scalar(item)?);
                }
            }
            Value::Null
            | Value::Boolean(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Map(_) => {
                values.push(scalar(&key.value)?);
            }
        }
    }
    Ok(values)
}

/// Source: IAM User Guide, "Grammar of the IAM JSON policy language": a value is a string, a
/// number or a boolean; the latter two are read as their text.
fn scalar(node: &Node) -> Result<Text<'_>, Complaint> {
    let offset = node.span.start;
    match &node.value {
        Value::String(value) | Value::Number(value) => Ok(Text { value, offset }),
        Value::Boolean(true) => Ok(Text { value: "true", offset }),
        Value::Boolean(false) => Ok(Text { value: "false", offset }),
        Value::Null | Value::List(_) | Value::Map(_) => {
            Err(wrong_type(node, "a condition compares with strings, numbers and booleans"))
        }
    }
}

fn unknown_operator(operator: &Member) -> Complaint {
    let reason = format!("the condition operator `{}` does not exist", operator.name);
    Complaint::syntax(operator.name_span.start, reason)
}

/// Source: IAM User Guide, "Condition operators".
fn compares_dates(operator: &str) -> bool {
    operator.rsplit(':').next().is_some_and(|base| base.starts_with("Date"))
}
