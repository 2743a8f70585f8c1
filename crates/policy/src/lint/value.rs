//! Values of conditions that their operators or keys cannot be compared with.

use super::findings::{Findings, Severity, shown};
use super::statement::{Condition, Statement};
use super::{network, one_or_many, variable};
use crate::arn::is_account_id;
use crate::condition::{Date, Number};
use crate::json::{Node, Value};
use crate::pattern::{Meaning, Part, Template};

/// A value of a condition as text, and its place.
type Written<'n> = (&'n str, usize);

pub(super) fn judge(findings: &mut Findings, statement: &Statement<'_>, condition: &Condition<'_>) {
    let values: Vec<Written<'_>> =
        one_or_many(condition.values).iter().filter_map(written).collect();
    for value in &values {
        judge_variables(findings, statement, condition, *value);
        let has_variables = statement.variables && value.0.contains("${");
        if !has_variables {
            judge_type(findings, condition, *value);
            judge_known(findings, condition, *value);
        }
        judge_wildcards(findings, statement, condition, *value);
    }
    judge_both_truths(findings, condition, &values);
    if condition.base.ends_with("IpAddress") {
        network::judge(findings, condition, &values);
    }
}

/// A value as text. Numbers and booleans are read as theirs.
pub(super) fn written(node: &Node) -> Option<Written<'_>> {
    let text = match &node.value {
        Value::String(text) | Value::Number(text) => text,
        Value::Boolean(true) => "true",
        Value::Boolean(false) => "false",
        Value::Null | Value::List(_) | Value::Map(_) => return None,
    };
    Some((text, node.span.start))
}

fn judge_variables(
    findings: &mut Findings,
    statement: &Statement<'_>,
    condition: &Condition<'_>,
    (text, place): Written<'_>,
) {
    if !text.contains("${") {
        return;
    }
    let takes = ["String", "Arn", "Bool"].iter().any(|family| condition.base.starts_with(family));
    if !takes {
        findings.add(
            (Severity::Error, "INVALID_VARIABLE_FOR_OPERATOR"),
            place,
            format!("`{}` compares with no policy variables", condition.operator),
            Some("write the value itself, or use a String or Arn operator".to_owned()),
        );
        return;
    }
    variable::judge(findings, statement, (text, place));
}

fn judge_type(findings: &mut Findings, condition: &Condition<'_>, (text, place): Written<'_>) {
    let base = condition.base;
    let is_truth = || text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
    let (code, what) = match base {
        "Bool" | "Null" if !is_truth() => ("TYPE_MISMATCH_BOOLEAN", "neither `true` nor `false`"),
        _ if base.starts_with("Numeric") && Number::parse(text).is_none() => {
            ("TYPE_MISMATCH_NUMBER", "no number")
        }
        _ if base.starts_with("Date") && Date::parse(text).is_none() => {
            ("INVALID_DATE_VALUE", "no date: neither ISO 8601 nor seconds since 1970")
        }
        _ if base.ends_with("IpAddress") && network::parse(text).is_none() => {
            ("TYPE_MISMATCH_IP_RANGE", "no address and no range in CIDR notation")
        }
        _ if base.starts_with("Arn") && !can_be_arn(text) => {
            ("INVALID_CONDITION_DATA_TYPE", "no ARN: those have six fields, the first being `arn`")
        }
        _ => return,
    };
    let message = format!(
        "`{}` is {what}, so `{}` compares nothing with it",
        shown(text),
        condition.operator
    );
    findings.add((Severity::Error, code), place, message, None);
}

/// Wildcards may stand for the first field too, and for several of them.
fn can_be_arn(text: &str) -> bool {
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    let is_open = text.contains(['*', '?']);
    match fields.as_slice() {
        [first, _, _, _, _, _] => *first == "arn" || first.contains(['*', '?']),
        _ => is_open,
    }
}

/// Values that a key never has, by what AWS documents of its form.
fn judge_known(findings: &mut Findings, condition: &Condition<'_>, (text, place): Written<'_>) {
    if text.contains(['*', '?']) || !condition.base.starts_with("String") {
        return;
    }
    let key = condition.key.to_ascii_lowercase();
    let is_slip = match key.as_str() {
        // Numbers that lost their leading zeros, and ids as the console shows them.
        "aws:principalaccount"
        | "aws:sourceaccount"
        | "aws:resourceaccount"
        | "aws:vpceaccount"
        | "aws:sourceowner"
        | "kms:calleraccount"
        | "s3:resourceaccount" => {
            let is_like = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
            is_like && !is_account_id(text)
        }
        "aws:sourcevpc" => !text.starts_with("vpc-"),
        "aws:sourcevpce" => !text.starts_with("vpce-"),
        "aws:principalorgid" | "aws:resourceorgid" | "aws:sourceorgid" | "aws:vpceorgid" => {
            !text.starts_with("o-")
        }
        _ => false,
    };
    if !is_slip {
        return;
    }
    let (code, form) = match key.as_str() {
        "aws:sourcevpc" => ("INVALID_VPC_FORMAT", "`vpc-` and hexadecimal digits"),
        "aws:sourcevpce" => ("INVALID_VPCE_FORMAT", "`vpce-` and hexadecimal digits"),
        _ if key.ends_with("orgid") => ("INVALID_ORGANIZATION_ID", "`o-` and letters and digits"),
        _ => ("INVALID_ACCOUNT_ID", "twelve digits"),
    };
    findings.add(
        (Severity::Error, code),
        place,
        format!("`{}` never has the value `{}`", condition.key, shown(text)),
        Some(format!("its values are {form}")),
    );
}

fn judge_wildcards(
    findings: &mut Findings,
    statement: &Statement<'_>,
    condition: &Condition<'_>,
    (text, place): Written<'_>,
) {
    let is_exact = condition.base.starts_with("String") && !condition.base.ends_with("Like");
    let is_wild = || {
        let meaning = Meaning { wildcards: true, variables: statement.variables };
        let template = Template::parse(text, meaning);
        template.parts().iter().any(|part| matches!(part, Part::AnyRun | Part::AnyOne))
    };
    if is_exact && text != "*" && text.contains(['*', '?']) && is_wild() {
        let has_like = !condition.base.ends_with("IgnoreCase");
        findings.add(
            (Severity::Warning, "WILDCARD_WITHOUT_LIKE_OPERATOR"),
            place,
            format!("`{}` compares `*` and `?` as plain characters", condition.operator),
            has_like.then(|| format!("use `{}`", condition.operator.replace("Equals", "Like"))),
        );
    }
}

fn judge_both_truths(findings: &mut Findings, condition: &Condition<'_>, values: &[Written<'_>]) {
    let has = |word: &str| values.iter().any(|(text, _)| text.eq_ignore_ascii_case(word));
    if matches!(condition.base, "Bool" | "Null") && has("true") && has("false") {
        findings.add(
            (Severity::Error, "INVALID_CONDITION_MULTIPLE_BOOLEAN"),
            condition.values.span.start,
            format!("`{}` with both truths decides nothing", condition.operator),
            Some("keep one of them".to_owned()),
        );
    }
}
