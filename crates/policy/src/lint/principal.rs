//! Principals: everybody, nobody, and those that are not who they seem to be.

use super::findings::{Findings, Severity, shown};
use super::statement::Statement;
use super::{Text, member, members_of, service_principal, text_of, texts};
use crate::arn::Arn;
use crate::json::Node;
use crate::validate::Grammar;

pub(super) fn judge(findings: &mut Findings, statement: &Statement<'_>) {
    if let Some(node) = statement.member("Principal") {
        if !statement.denies {
            judge_everybody(findings, statement, node);
        }
        let values = aws(node);
        judge_values(findings, &values);
        judge_repetition(findings, &values);
        service_principal::judge(findings, statement, node);
    }
    if let Some(node) = statement.member("NotPrincipal") {
        judge_values(findings, &aws(node));
        match statement.denies {
            true => judge_denial(findings, node),
            false => findings.add(
                (Severity::SecurityWarning, "ALLOW_WITH_NOT_PRINCIPAL"),
                node.span.start,
                "`Allow` with `NotPrincipal` grants to everybody else, the anonymous included"
                    .to_owned(),
                Some("name whom to allow with `Principal`".to_owned()),
            ),
        }
    }
}

/// The values of `AWS`.
fn aws(node: &Node) -> Vec<Text<'_>> {
    texts(member(members_of(node), "AWS"))
}

/// Keys that say nothing about who asks, or only what he says himself.
const TELL_NOBODY: [&str; 11] = [
    "aws:currenttime",
    "aws:epochtime",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:referer",
    "aws:requestedregion",
    "aws:securetransport",
    "aws:tokenissuetime",
    "aws:useragent",
    "aws:viaawsservice",
    "sts:rolesessionname",
];

fn judge_everybody(findings: &mut Findings, statement: &Statement<'_>, node: &Node) {
    let everybody = text_of(node) == Some("*") || aws(node).iter().any(|(name, _)| *name == "*");
    let is_narrow = statement
        .conditions
        .iter()
        .any(|condition| !TELL_NOBODY.contains(&condition.key.to_ascii_lowercase().as_str()));
    let grants = matches!(findings.grammar, Grammar::Trust | Grammar::Resource);
    if everybody && grants && !is_narrow {
        let but = if statement.conditions.is_empty() {
            ""
        } else {
            ", as the condition does not ask who"
        };
        findings.add(
            (Severity::SecurityWarning, "PRINCIPAL_STAR_WITHOUT_CONDITION"),
            node.span.start,
            format!("everybody is allowed, in every account{but}"),
            Some(
                "name whom to allow, or narrow it with a condition such as aws:PrincipalOrgID"
                    .to_owned(),
            ),
        );
    }
}

fn judge_values(findings: &mut Findings, values: &[Text<'_>]) {
    for (value, place) in values {
        if *value != "*" && value.contains(['*', '?']) {
            findings.add(
                (Severity::Error, "UNSUPPORTED_WILDCARD_IN_PRINCIPAL"),
                *place,
                format!("`{}` has a wildcard, which no principal but `*` may have", shown(value)),
                Some(
                    "name the account, and narrow it with `ArnLike` on aws:PrincipalArn".to_owned(),
                ),
            );
        }
        let is_id = value.len() >= 16
            && value.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        let (code, who) = match value.get(..4) {
            Some("AIDA") => ("INVALID_USER_REFERENCE", "user"),
            Some("AROA") => ("INVALID_ROLE_REFERENCE", "role"),
            _ => continue,
        };
        if is_id {
            findings.add(
                (Severity::Warning, code),
                *place,
                format!("an id stands here in place of an ARN once the {who} was deleted"),
                Some(format!("remove it, or name the {who} by ARN")),
            );
        }
    }
}

/// A principal twice, or a session beside its role.
fn judge_repetition(findings: &mut Findings, values: &[Text<'_>]) {
    let mut seen = std::collections::BTreeSet::new();
    let role = |arn: &Arn<'_>| {
        let name = arn.resource.strip_prefix("role/")?.rsplit('/').next()?;
        Some((arn.account.to_owned(), name.to_owned()))
    };
    let roles: std::collections::BTreeSet<_> =
        values.iter().filter_map(|(value, _)| role(&Arn::parse(value)?)).collect();
    for (value, place) in values {
        let session_of = Arn::parse(value).and_then(|arn| {
            let name = arn.resource.strip_prefix("assumed-role/")?.split('/').next()?;
            Some((arn.account.to_owned(), name.to_owned()))
        });
        let has_role = session_of.is_some_and(|role| roles.contains(&role));
        if !seen.insert(*value) || has_role {
            let why = if has_role {
                "its role, which covers it, stands here too"
            } else {
                "it stands here twice"
            };
            findings.add(
                (Severity::Suggestion, "REDUNDANT_PRINCIPAL"),
                *place,
                format!("`{}` adds nothing: {why}", shown(value)),
                Some("remove it".to_owned()),
            );
        }
    }
}

/// Source: IAM User Guide, "AWS JSON policy elements: NotPrincipal": a session is spared by its own
/// ARN only.
fn judge_denial(findings: &mut Findings, node: &Node) {
    let values = aws(node);
    let named: Vec<Arn<'_>> = values.iter().filter_map(|(value, _)| Arn::parse(value)).collect();
    let has_session = |role: &str| {
        let start = format!("assumed-role/{role}/");
        named.iter().any(|arn| arn.resource.starts_with(&start))
    };
    for (value, place) in &values {
        let role = Arn::parse(value)
            .and_then(|arn| arn.resource.strip_prefix("role/")?.rsplit('/').next());
        if let Some(role) = role.filter(|role| !has_session(role)) {
            findings.add(
                (Severity::Warning, "DENY_WITH_NOT_PRINCIPAL"),
                *place,
                format!("the sessions of the role `{}` are denied, as only the ARN of a session spares it", shown(role)),
                Some("deny `\"Principal\": \"*\"` with `ArnNotEquals` on aws:PrincipalArn".to_owned()),
            );
        }
    }
    let is_account = |value: &str| value.len() == 12 || value.ends_with(":root");
    if let Some((value, place)) = values.first()
        && values.iter().all(|(value, _)| is_account(value))
    {
        findings.add(
            (Severity::Warning, "DENY_WITH_NOT_PRINCIPAL"),
            *place,
            format!(
                "`{}` spares the root user only: users and sessions of the account are denied",
                shown(value)
            ),
            Some(
                "deny `\"Principal\": \"*\"` with `StringNotEquals` on aws:PrincipalAccount"
                    .to_owned(),
            ),
        );
    }
}
