//! Condition keys that are not there, or that no request of the statement has.

use super::findings::{Findings, Severity, shown};
use super::nearest::nearest;
use super::reach::Reach;
use super::statement::{Condition, Statement};
use crate::service_data;

/// Judges a key; gives its type where it is known.
pub(super) fn judge(
    findings: &mut Findings,
    statement: &Statement<'_>,
    condition: &Condition<'_>,
    reach: Option<&Reach>,
) -> Option<&'static str> {
    let Condition { key, place, .. } = *condition;
    if let Some(kind) = service_data::global_key_type(key) {
        judge_deprecated(findings, key, place);
        return Some(kind);
    }
    let lower = key.to_ascii_lowercase();
    let (prefix, rest) = lower.split_once(':')?;
    if prefix == "aws" {
        judge_unknown_global(findings, key, rest, place);
        return None;
    }
    let services = [prefix].into_iter().chain(statement.services.iter().copied());
    let kind = services
        .filter_map(service_data::service)
        .find_map(|service| service.condition_key(key).map(|known| known.kind));
    match (kind, service_data::service(prefix)) {
        (None, Some(service)) => {
            let known = service.condition_keys().iter().map(|key| (key.name, key.name));
            let near = nearest(key, known, &findings.budget);
            // Only a slip is certain: AWS has keys that its reference does not list.
            let severity = if near.is_some() { Severity::Error } else { Severity::Warning };
            findings.add(
                (severity, "INVALID_SERVICE_CONDITION_KEY"),
                place,
                format!("`{}` is no condition key of `{prefix}`", shown(key)),
                near.map(|near| format!("did you mean `{near}`?")),
            );
        }
        (Some(_), _) => judge_support(findings, condition, reach),
        (None, None) => {}
    }
    kind
}

/// A key that requests of none of the actions have.
fn judge_support(findings: &mut Findings, condition: &Condition<'_>, reach: Option<&Reach>) {
    let Some(reach) = reach else { return };
    let key = condition.key;
    if is_everywhere(key) || reach.supports_key(key, &findings.budget) {
        return;
    }
    let holds = match (condition.base, condition.holds_without_key()) {
        ("Null", _) => "so asking whether it is there decides nothing",
        (_, true) => "so the condition always holds",
        (_, false) => "so the statement never applies",
    };
    findings.add(
        (Severity::Warning, "UNSUPPORTED_ACTION_FOR_CONDITION_KEY"),
        condition.place,
        format!("no request of the statement's actions is known to have `{}`, {holds}", shown(key)),
        Some(
            "remove the condition, or give the actions that know the key a statement of their own"
                .to_owned(),
        ),
    );
}

/// Keys of services that come with credentials or with the way that a request takes, so that every
/// request may have them.
///
/// Source: IAM User Guide, "AWS global condition context keys" and "IAM and AWS STS condition context
/// keys": those of identity providers stay with the session.
fn is_everywhere(key: &str) -> bool {
    const KEYS: [&str; 8] = [
        "saml:namequalifier",
        "saml:sub",
        "saml:sub_type",
        "ec2:roledelivery",
        "ec2:sourceinstancearn",
        "lambda:sourcefunctionarn",
        "ssm:sourceinstancearn",
        "identitystore:userid",
    ];
    let lower = key.to_ascii_lowercase();
    let claim = lower.rsplit(':').next().unwrap_or_default();
    let is_web_identity = lower.split(':').next().is_some_and(|issuer| issuer.contains('.'))
        && matches!(claim, "amr" | "aud" | "id" | "sub" | "user_id" | "app_id");
    is_web_identity || KEYS.iter().any(|known| lower.starts_with(known))
}

fn judge_unknown_global(findings: &mut Findings, key: &str, rest: &str, place: usize) {
    if rest == "arn" {
        findings.add(
            (Severity::Error, "UNSUPPORTED_GLOBAL_CONDITION_KEY"),
            place,
            format!("the key `{key}` is no longer there"),
            Some("use `aws:PrincipalArn`".to_owned()),
        );
        return;
    }
    if matches!(rest.trim_end_matches('/'), "principaltag" | "requesttag" | "resourcetag") {
        let key = key.trim_end_matches('/');
        findings.add(
            (Severity::Error, "MISSING_TAG_KEY_IN_CONDITION"),
            place,
            format!("`{key}` does not say which tag"),
            Some(format!("write `{key}/` and the key of the tag behind it")),
        );
        return;
    }
    let known = service_data::global_key_names();
    let near = nearest(&key.to_ascii_lowercase(), known, &findings.budget);
    // Only a slip is certain: AWS uses some keys that it does not document.
    let severity = if near.is_some() { Severity::Error } else { Severity::Warning };
    findings.add(
        (severity, "INVALID_GLOBAL_CONDITION_KEY"),
        place,
        format!("there is no global condition key `{}`", shown(key)),
        near.map(|near| format!("did you mean `{near}`?")),
    );
}

fn judge_deprecated(findings: &mut Findings, key: &str, place: usize) {
    // Source: SNS Developer Guide, "Example cases for Amazon SNS access control".
    if key.eq_ignore_ascii_case("aws:SourceOwner") {
        findings.add(
            (Severity::Warning, "DEPRECATED_GLOBAL_CONDITION_KEY"),
            place,
            "`aws:SourceOwner` is kept for old policies only".to_owned(),
            Some("use `aws:SourceAccount`".to_owned()),
        );
    }
}
