//! Conditions that cannot hold, always hold, or hold when nobody thinks of it.

use super::{Findings, Severity, one_or_many, text_of};
use crate::condition::Operator;
use crate::json::{Node, Value};
use crate::pattern::{Meaning, Part, Template};
use crate::service_data;

/// What surrounds a condition.
pub(super) struct Surroundings<'a> {
    /// Whether the statement denies.
    pub(super) denies: bool,
    /// Whether the document's version knows variables.
    pub(super) variables: bool,
    /// The services of the statement's actions; none if they are not all spelled out.
    pub(super) services: Option<Vec<&'a str>>,
}

/// Judges the element `Condition`.
pub(super) fn judge(findings: &mut Findings<'_>, node: &Node, around: &Surroundings<'_>) {
    let Value::Map(operators) = &node.value else { return };
    for operator in operators {
        let Value::Map(keys) = &operator.value.value else { continue };
        if Operator::parse(&operator.name).is_none() {
            continue;
        }
        for key in keys {
            let place = key.name_span.start;
            let kind = judge_key(findings, &key.name, place, around);
            judge_pair(findings, &operator.name, (&key.name, place), kind, around);
            judge_values(findings, &operator.name, &key.value, around);
        }
    }
}

/// Judges a key; gives its type where it is known.
fn judge_key(
    findings: &mut Findings<'_>,
    key: &str,
    place: usize,
    around: &Surroundings<'_>,
) -> Option<&'static str> {
    let lower = key.to_lowercase();
    if let Some(kind) = service_data::global_key_type(key) {
        return Some(kind);
    }
    let (prefix, _) = lower.split_once(':')?;
    if prefix == "aws" {
        let known = service_data::global_keys().map(|(name, _)| (name, name));
        let near = findings.nearest(key, known);
        findings.add(
            (Severity::Error, "INVALID_GLOBAL_CONDITION_KEY"),
            place,
            format!("there is no global condition key `{key}`"),
            near.map(|near| format!("did you mean `{near}`?")),
        );
        return None;
    }
    let key_type =
        |service: &str| service_data::service(service)?.condition_key(key).map(|known| known.kind);
    let services = around.services.as_deref().unwrap_or_default();
    key_type(prefix).or_else(|| services.iter().find_map(|service| key_type(service)))
}

fn judge_pair(
    findings: &mut Findings<'_>,
    operator: &str,
    (key, place): (&str, usize),
    kind: Option<&'static str>,
    around: &Surroundings<'_>,
) {
    let (quantifier, base) = operator.split_once(':').unwrap_or(("", operator));
    let base = base.strip_suffix("IfExists").unwrap_or(base);
    let Some(kind) = kind else { return };
    let is_list = kind.starts_with("ArrayOf");
    if is_list && quantifier.is_empty() && base != "Null" {
        findings.add(
            (Severity::Warning, "MISSING_SET_OPERATOR_FOR_MULTIVALUED_KEY"),
            place,
            format!(
                "`{key}` has several values, and `{operator}` does not say how to compare them"
            ),
            Some(format!("use `ForAnyValue:{operator}` or `ForAllValues:{operator}`")),
        );
    }
    if !is_list && quantifier == "ForAllValues" && !around.denies {
        findings.add(
            (Severity::SecurityWarning, "FORALLVALUES_WITH_SINGLE_VALUED_KEY"),
            place,
            format!("`{operator}` is true when the request has no `{key}` at all"),
            Some(format!("use `{base}`, which is false then")),
        );
    }
    if !fits(base, kind.trim_start_matches("ArrayOf")) {
        findings.add(
            (Severity::Error, "TYPE_MISMATCH"),
            place,
            format!("`{key}` is of the type {kind}, which `{operator}` does not compare"),
            None,
        );
    }
    if around.denies && operator == "Bool" && key.eq_ignore_ascii_case("aws:MultiFactorAuthPresent")
    {
        findings.add(
            (Severity::Warning, "DENY_MISSES_ABSENT_KEY"),
            place,
            "requests signed with long-term access keys have no `aws:MultiFactorAuthPresent`, and this Deny does not reach them".to_owned(),
            Some("use `BoolIfExists`".to_owned()),
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

fn judge_values(
    findings: &mut Findings<'_>,
    operator: &str,
    values: &Node,
    around: &Surroundings<'_>,
) {
    let base = operator.rsplit(':').next().unwrap_or_default();
    let base = base.strip_suffix("IfExists").unwrap_or(base);
    let is_exact = matches!(base, "StringEquals" | "StringNotEquals");
    for value in one_or_many(values) {
        let Some(text) = text_of(value) else { continue };
        let place = value.span.start;
        if is_exact && text != "*" && has_wildcards(text, around.variables) {
            findings.add(
                (Severity::Warning, "WILDCARD_WITHOUT_LIKE_OPERATOR"),
                place,
                format!("`{operator}` compares `*` and `?` as plain characters"),
                Some(format!("use `{}`", operator.replace("Equals", "Like"))),
            );
        }
        if !around.variables && text.contains("${") {
            findings.add(
                (Severity::Warning, "VARIABLE_UNSUPPORTED_IN_VERSION"),
                place,
                "without \"Version\": \"2012-10-17\" this is plain text, not a policy variable"
                    .to_owned(),
                Some("set \"Version\": \"2012-10-17\"".to_owned()),
            );
        }
    }
}

fn has_wildcards(text: &str, variables: bool) -> bool {
    let template = Template::parse(text, Meaning { wildcards: true, variables });
    template.parts().iter().any(|part| matches!(part, Part::AnyRun | Part::AnyOne))
}
