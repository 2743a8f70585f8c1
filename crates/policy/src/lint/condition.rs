//! Conditions: operators that do not fit their keys, and conditions that say nothing.

use std::collections::HashMap;

use super::findings::{Findings, Severity, shown};
use super::reach::Reach;
use super::statement::{Condition, Statement};
use super::{is_empty_list, key, members_of, redundancy, text_of, value};
use crate::condition::Operator;
use crate::json::{Node, Value};

/// Judges the element `Condition`.
pub(super) fn judge(findings: &mut Findings, statement: &Statement<'_>, reach: Option<&Reach>) {
    let Some(node) = statement.member("Condition") else { return };
    judge_emptiness(findings, node);
    judge_repetition(findings, statement);
    judge_contradiction(findings, statement);
    for condition in &statement.conditions {
        if Operator::parse(condition.operator).is_none() {
            continue;
        }
        let kind = key::judge(findings, statement, condition, reach);
        if let Some(kind) = kind {
            judge_pair(findings, statement, condition, kind);
        }
        value::judge(findings, statement, condition);
        redundancy::judge_values(findings, statement, condition);
    }
}

fn judge_emptiness(findings: &mut Findings, node: &Node) {
    let is_empty = |node: &Node| matches!(&node.value, Value::Map(members) if members.is_empty());
    let operators = members_of(node).iter().map(|operator| &operator.value);
    for empty in [node].into_iter().chain(operators).filter(|node| is_empty(node)) {
        findings.add(
            (Severity::Suggestion, "EMPTY_OBJECT_CONDITION"),
            empty.span.start,
            "nothing is asked here".to_owned(),
            Some("remove it, or say what must hold".to_owned()),
        );
    }
}

/// A key twice under one operator, in different letter case: it is one key to AWS.
fn judge_repetition(findings: &mut Findings, statement: &Statement<'_>) {
    let mut seen = HashMap::new();
    for condition in &statement.conditions {
        let name = (condition.operator, condition.key.to_lowercase());
        if seen.insert(name, condition.place).is_some() {
            findings.add(
                (Severity::Error, "DUPLICATE_KEYS_WITH_DIFFERENT_CASE"),
                condition.place,
                format!(
                    "`{}` stands under this operator in another letter case",
                    shown(condition.key)
                ),
                Some("write the key once, with all its values".to_owned()),
            );
        }
    }
}

/// A key that must be absent, and have a value.
fn judge_contradiction(findings: &mut Findings, statement: &Statement<'_>) {
    let must_be_absent =
        |condition: &&Condition<'_>| condition.base == "Null" && is_word(condition.values, "true");
    for absent in statement.conditions.iter().filter(must_be_absent) {
        if !findings.budget.take(statement.conditions.len()) {
            return;
        }
        let contradicts = statement.conditions.iter().any(|other| {
            other.key.eq_ignore_ascii_case(absent.key)
                && match other.base {
                    "Null" => is_word(other.values, "false"),
                    _ => !other.holds_without_key(),
                }
        });
        if contradicts {
            findings.add(
                (Severity::Error, "CONDITION_NEVER_HOLDS"),
                absent.place,
                format!("`{}` must be absent here, and have a value elsewhere", shown(absent.key)),
                Some("ask for one of both".to_owned()),
            );
        }
    }
}

fn is_word(node: &Node, word: &str) -> bool {
    match (&node.value, word) {
        (Value::Boolean(truth), _) => truth.to_string() == word,
        (Value::List(values), _) => match values.as_slice() {
            [one] => is_word(one, word),
            _ => false,
        },
        _ => text_of(node).is_some_and(|text| text.eq_ignore_ascii_case(word)),
    }
}

fn judge_pair(
    findings: &mut Findings,
    statement: &Statement<'_>,
    condition: &Condition<'_>,
    kind: &'static str,
) {
    let Condition { operator, quantifier, base, key, place, .. } = *condition;
    let is_list = kind.starts_with("ArrayOf");
    match (is_list, quantifier) {
        (true, "") if base != "Null" => findings.add(
            (Severity::Warning, "MISSING_QUALIFIER"),
            place,
            format!(
                "`{key}` has several values, and `{operator}` does not say how to compare them"
            ),
            Some(format!("use `ForAnyValue:{operator}` or `ForAllValues:{operator}`")),
        ),
        (false, "ForAllValues") if !statement.denies => findings.add(
            (Severity::SecurityWarning, "FORALLVALUES_WITH_SINGLE_VALUED_KEY"),
            place,
            format!("`{operator}` is true when the request has no `{key}` at all"),
            Some(format!("use `{base}`, which is false then")),
        ),
        (false, "ForAllValues" | "ForAnyValue") => findings.add(
            (Severity::Suggestion, "SET_OPERATOR_WITH_SINGLE_VALUED_KEY"),
            place,
            format!("`{key}` has one value, so that a set operator adds nothing but surprises"),
            Some(format!("use `{base}`")),
        ),
        _ => {}
    }
    if !fits(base, kind.trim_start_matches("ArrayOf")) {
        findings.add(
            (Severity::Error, "TYPE_MISMATCH"),
            place,
            format!("`{key}` is of the type {kind}, which `{operator}` does not compare"),
            None,
        );
    }
    if is_empty_list(condition.values) {
        let holds = match condition.quantifier {
            "ForAllValues" => "is true only of requests without the key",
            _ if condition.is_negated() => "is always true",
            _ => "is never true of a request that has the key",
        };
        findings.add(
            (Severity::Warning, "EMPTY_ARRAY_CONDITION"),
            condition.values.span.start,
            format!("`{operator}` with no value {holds}"),
            Some("add a value, or remove the condition".to_owned()),
        );
    }
}

/// Whether an operator compares values of a type. Texts compare everything, as texts.
fn fits(base: &str, kind: &str) -> bool {
    let is = |family: &str| base.trim_start_matches("Not").starts_with(family);
    match kind {
        "String" => !is("Numeric") && !is("Date") && !is("IpAddress") && !is("Bool"),
        "Bool" => is("Bool") || is("String") || is("Null"),
        "Numeric" => is("Numeric") || is("String") || is("Null"),
        "Date" => is("Date") || is("Numeric") || is("String") || is("Null"),
        "IPAddress" => is("IpAddress") || is("String") || is("Null"),
        "ARN" => is("Arn") || is("String") || is("Null"),
        _ => true,
    }
}
