//! Statements: what is dangerous in one, and what one makes of another.

use std::collections::BTreeSet;

use super::action::{self, all_without_resources, any_covers};
use super::condition::{self, Surroundings};
use super::{Findings, Severity, member, text_of, texts};
use crate::json::{Member, Node, Value};
use crate::validate::Grammar;

/// Issuers whose tokens anybody can get, told apart by `sub`.
///
/// Source: IAM User Guide, "Identity-provider controls for shared OIDC providers".
const SHARED_ISSUERS: [&str; 5] = [
    "token.actions.githubusercontent.com",
    "gitlab.com",
    "accounts.google.com",
    "agent.buildkite.com",
    "app.terraform.io",
];

pub(super) fn judge(findings: &mut Findings<'_>, node: &Node, members: &[Member], variables: bool) {
    let denies = member(members, "Effect").and_then(text_of) == Some("Deny");
    let actions = texts(member(members, "Action"));
    let not_actions = texts(member(members, "NotAction"));
    action::judge(findings, &actions);
    action::judge(findings, &not_actions);
    let resources = texts(member(members, "Resource"));
    if let Some(node) = member(members, "Condition") {
        let around = Surroundings { denies, variables, services: services(&actions) };
        condition::judge(findings, node, &around);
    }
    if !denies {
        judge_grant(findings, node, members, &actions, &resources);
        judge_principal(findings, members);
    }
    judge_resources(findings, &actions, &resources, variables);
    for name in ["Action", "NotAction", "Resource", "NotResource"] {
        if let Some(node) = member(members, name)
            && matches!(&node.value, Value::List(values) if values.is_empty())
        {
            let message = format!("`{name}` is empty, so the statement concerns nothing");
            findings.add((Severity::Suggestion, "EMPTY_ARRAY"), node.span.start, message, None);
        }
    }
}

/// The services of actions that are all spelled out up to the colon.
fn services<'a>(actions: &[(&'a str, usize)]) -> Option<Vec<&'a str>> {
    let service = |(action, _): &(&'a str, usize)| {
        action
            .split_once(':')
            .map(|(service, _)| service)
            .filter(|service| !service.contains(['*', '?']))
    };
    actions.iter().map(service).collect()
}

fn judge_grant(
    findings: &mut Findings<'_>,
    node: &Node,
    members: &[Member],
    actions: &[(&str, usize)],
    resources: &[(&str, usize)],
) {
    let everything = resources.iter().find(|(resource, _)| *resource == "*");
    let is_conditional = member(members, "Condition").is_some();
    let full = actions.iter().any(|(action, _)| *action == "*");
    if let (Some((_, place)), false, false) = (everything, is_conditional, full) {
        if any_covers(actions, "iam:passrole") {
            findings.add(
                (Severity::SecurityWarning, "PASS_ROLE_WITH_STAR_IN_RESOURCE"),
                *place,
                "every role can be passed to a service, also one with more permissions than the caller's".to_owned(),
                Some("name the roles, or add the condition key iam:PassedToService".to_owned()),
            );
        }
        if any_covers(actions, "iam:createservicelinkedrole") {
            findings.add(
                (Severity::SecurityWarning, "CREATE_SLR_WITH_STAR_IN_RESOURCE"),
                *place,
                "service-linked roles can be created for every service".to_owned(),
                Some("add the condition key iam:AWSServiceName".to_owned()),
            );
        }
    }
    if member(members, "NotAction").is_some() && everything.is_some() {
        findings.add(
            (Severity::SecurityWarning, "ALLOW_WITH_NOT_ACTION"),
            node.span.start,
            "`Allow` with `NotAction` grants everything but the listed actions, those of new services too".to_owned(),
            Some("list what is allowed, or deny what is not".to_owned()),
        );
    }
    if let Some(names) = member(members, "NotPrincipal") {
        findings.add(
            (Severity::SecurityWarning, "ALLOW_WITH_NOT_PRINCIPAL"),
            names.span.start,
            "`Allow` with `NotPrincipal` grants to everybody else, the anonymous included"
                .to_owned(),
            Some("name whom to allow with `Principal`".to_owned()),
        );
    }
}

fn judge_principal(findings: &mut Findings<'_>, members: &[Member]) {
    let Some(principal) = member(members, "Principal") else { return };
    let conditions = member(members, "Condition");
    let everybody = match &principal.value {
        Value::String(text) => **text == *"*",
        Value::Map(kinds) => texts(member(kinds, "AWS")).iter().any(|(name, _)| *name == "*"),
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::List(_) => false,
    };
    if everybody
        && conditions.is_none()
        && matches!(findings.grammar, Grammar::Trust | Grammar::Resource)
    {
        findings.add(
            (Severity::SecurityWarning, "PRINCIPAL_STAR_WITHOUT_CONDITION"),
            principal.span.start,
            "everybody is allowed, in every account".to_owned(),
            Some(
                "name whom to allow, or narrow it with a condition such as aws:PrincipalOrgID"
                    .to_owned(),
            ),
        );
    }
    let Value::Map(kinds) = &principal.value else { return };
    for (provider, place) in texts(member(kinds, "Federated")) {
        let issuer = provider.split_once("oidc-provider/").map_or(provider, |(_, issuer)| issuer);
        if SHARED_ISSUERS.contains(&issuer) && !asks_for(conditions, &format!("{issuer}:sub")) {
            findings.add(
                (Severity::SecurityWarning, "SHARED_ISSUER_WITHOUT_SUB"),
                place,
                format!("anybody with an account at {issuer} can assume the role"),
                Some(format!("add a condition on `{issuer}:sub`")),
            );
        }
    }
}

/// Whether a condition compares a key.
fn asks_for(conditions: Option<&Node>, wanted: &str) -> bool {
    let Some(Value::Map(operators)) = conditions.map(|node| &node.value) else { return false };
    operators.iter().any(|operator| match &operator.value.value {
        Value::Map(keys) => keys.iter().any(|key| key.name.eq_ignore_ascii_case(wanted)),
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::String(_) | Value::List(_) => {
            false
        }
    })
}

fn judge_resources(
    findings: &mut Findings<'_>,
    actions: &[(&str, usize)],
    resources: &[(&str, usize)],
    variables: bool,
) {
    let narrow = resources.iter().find(|(resource, _)| *resource != "*");
    if let Some((resource, place)) = narrow
        && all_without_resources(actions)
        && !resources.iter().any(|(resource, _)| *resource == "*")
    {
        findings.add(
            (Severity::Warning, "UNSUPPORTED_RESOURCE_FOR_ACTIONS"),
            *place,
            format!("none of the actions knows resources, so `{resource}` matches no request"),
            Some("use \"*\"".to_owned()),
        );
    }
    for (resource, place) in resources {
        if !variables && resource.contains("${") {
            findings.add(
                (Severity::Warning, "VARIABLE_UNSUPPORTED_IN_VERSION"),
                *place,
                "without \"Version\": \"2012-10-17\" this is plain text, not a policy variable"
                    .to_owned(),
                Some("set \"Version\": \"2012-10-17\"".to_owned()),
            );
        }
    }
}

/// Judges statements beside each other.
pub(super) fn judge_together(findings: &mut Findings<'_>, statements: &[&Node]) {
    let mut earlier = BTreeSet::new();
    for node in statements {
        if said(node).is_some_and(|said| !earlier.insert(said)) {
            findings.add(
                (Severity::Suggestion, "REDUNDANT_STATEMENT"),
                node.span.start,
                "an earlier statement says the same".to_owned(),
                Some("remove the statement".to_owned()),
            );
        }
    }
}

/// What a statement says, its `Sid` aside.
fn said(node: &Node) -> Option<Vec<String>> {
    let Value::Map(members) = &node.value else { return None };
    let mut said: Vec<String> = members
        .iter()
        .filter(|member| *member.name != *"Sid")
        .map(|member| format!("{}={}", member.name, plain(&member.value)))
        .collect();
    said.sort_unstable();
    Some(said)
}

/// A value without its places; a list of one is its element.
fn plain(node: &Node) -> String {
    match &node.value {
        Value::List(values) => match values.as_slice() {
            [one] => plain(one),
            many => {
                let mut texts: Vec<String> = many.iter().map(plain).collect();
                texts.sort_unstable();
                format!("[{}]", texts.join(","))
            }
        },
        Value::Map(members) => {
            let mut texts: Vec<String> = members
                .iter()
                .map(|member| format!("{}={}", member.name, plain(&member.value)))
                .collect();
            texts.sort_unstable();
            format!("{{{}}}", texts.join(","))
        }
        Value::Null => "null".to_owned(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Number(text) | Value::String(text) => format!("{text:?}"),
    }
}
