//! Conditions that hold, or do not, of requests without the key, when nobody thinks of them.
//!
//! Source: IAM User Guide, "Condition operators" (a missing key, `IfExists`), "Single-valued vs.
//! multivalued context keys", and the availability of each key in "AWS global condition context
//! keys".

use super::findings::{Findings, Severity};
use super::one_or_many;
use super::statement::{Condition, Statement};
use super::value::written;
use crate::validate::Grammar;

pub(super) fn judge(findings: &mut Findings, statement: &Statement<'_>) {
    for condition in &statement.conditions {
        // Each is compared with all others.
        if !findings.budget.take(statement.conditions.len()) {
            return;
        }
        if statement.denies {
            judge_denial(findings, statement, condition);
        } else {
            judge_grant(findings, statement, condition);
        }
    }
}

/// Keys that many requests do not have, and that policies are narrowed with; the last are prefixes.
const OFTEN_ABSENT: [&str; 12] = [
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:vpcsourceip",
    "aws:principalorgid",
    "aws:sourceidentity",
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:username",
    "aws:principaltag/",
    "aws:resourcetag/",
    "aws:requesttag/",
];

/// Keys with several values that only some requests have.
const LISTS_OFTEN_ABSENT: [&str; 6] = [
    "aws:principalorgpaths",
    "aws:resourceorgpaths",
    "aws:sourceorgpaths",
    "aws:vpceorgpaths",
    "aws:calledvia",
    "aws:principalservicenameslist",
];

fn judge_grant(findings: &mut Findings, statement: &Statement<'_>, condition: &Condition<'_>) {
    let key = condition.key.to_ascii_lowercase();
    let is_open = condition.base != "Null"
        && condition.holds_without_key()
        && !requires(statement, condition.key);
    if !is_open {
        return;
    }
    let is_often_absent = OFTEN_ABSENT
        .iter()
        .any(|known| key == *known || (known.ends_with('/') && key.starts_with(known)));
    let is_for_mfa = key == "aws:multifactorauthpresent" && has_value(condition, "true");
    // Whoever writes `IfExists` has thought of it; of MFA it undoes what the condition is for.
    if (is_often_absent && condition.quantifier.is_empty() && !condition.if_exists)
        || (is_for_mfa && condition.base == "Bool")
        || (LISTS_OFTEN_ABSENT.contains(&key.as_str()) && condition.quantifier == "ForAllValues")
    {
        let severity = if is_for_mfa { Severity::SecurityWarning } else { Severity::Warning };
        findings.add(
            (severity, "ALLOW_HOLDS_WITHOUT_KEY"),
            condition.place,
            format!(
                "`{}` is true of requests without `{}`, which are allowed too",
                condition.operator, condition.key
            ),
            Some(format!(
                "add \"Null\": {{\"{}\": \"false\"}}, or ask for what is allowed",
                condition.key
            )),
        );
    }
}

/// Whether another condition makes sure that the key is there.
fn requires(statement: &Statement<'_>, key: &str) -> bool {
    statement.conditions.iter().any(|other| {
        other.key.eq_ignore_ascii_case(key)
            && match other.base {
                "Null" => has_value(other, "false"),
                _ => !other.holds_without_key(),
            }
    })
}

fn has_value(condition: &Condition<'_>, value: &str) -> bool {
    one_or_many(condition.values)
        .iter()
        .filter_map(written)
        .any(|(text, _)| text.eq_ignore_ascii_case(value))
}

fn judge_denial(findings: &mut Findings, statement: &Statement<'_>, condition: &Condition<'_>) {
    let key = condition.key.to_ascii_lowercase();
    if condition.operator == "Bool"
        && key == "aws:multifactorauthpresent"
        && has_value(condition, "false")
    {
        findings.add(
            (Severity::Warning, "DENY_MISSES_ABSENT_KEY"),
            condition.place,
            "requests signed with long-term access keys have no `aws:MultiFactorAuthPresent`, and this Deny does not reach them".to_owned(),
            Some("use `BoolIfExists`".to_owned()),
        );
    }
    let hits_absent = condition.quantifier.is_empty()
        && condition.is_negated()
        && !requires(statement, condition.key);
    if hits_absent && denies_services(findings.grammar, &key) && !spares_services(statement, &key) {
        findings.add(
            (Severity::Suggestion, "DENY_HITS_ABSENT_KEY"),
            condition.place,
            format!(
                "requests of AWS services, and others without `{}`, are denied too",
                condition.key
            ),
            Some(format!(
                "if that is not meant, add a condition on `{}`",
                if key.ends_with("orgid") {
                    "aws:PrincipalIsAWSService"
                } else {
                    "aws:ViaAWSService"
                }
            )),
        );
    }
}

/// Whether services that act for somebody have no such key, or another value of it.
fn denies_services(grammar: Grammar, key: &str) -> bool {
    match key {
        "aws:sourceip" | "aws:sourcevpc" | "aws:sourcevpce" => true,
        "aws:principalorgid" => matches!(grammar, Grammar::Resource | Grammar::Rcp),
        _ => false,
    }
}

/// Whether another condition tells such requests apart.
fn spares_services(statement: &Statement<'_>, key: &str) -> bool {
    let starts = [
        "aws:Via",
        "aws:CalledVia",
        "aws:PrincipalIsAWSService",
        "aws:PrincipalServiceName",
        "aws:PrincipalArn",
    ];
    let by_way = key != "aws:sourceip" || !statement.asks_for_any("aws:SourceVpc");
    starts.iter().any(|start| statement.asks_for_any(start)) || !by_way
}
