//! Trust policies: identity providers, and actions that their principals cannot use.

use super::findings::{Findings, Severity, shown};
use super::statement::{Condition, Statement};
use super::value::written;
use super::{Text, member, members_of, one_or_many, texts};
use crate::validate::Grammar;

/// Issuers whose tokens anybody can get, told apart by `sub`.
///
/// Source: IAM User Guide, "Identity-provider controls for shared OIDC providers".
const SHARED_ISSUERS: [&str; 5] =
    [GITHUB, "gitlab.com", "accounts.google.com", "agent.buildkite.com", "app.terraform.io"];

const GITHUB: &str = "token.actions.githubusercontent.com";

/// Providers that need not be made in the account, so that nothing but a condition says for which
/// application a token must be; and the claims that do.
///
/// Source: IAM User Guide, "IAM and AWS STS condition context keys", web identity federation.
const BUILT_IN: [(&str, &[&str]); 4] = [
    ("accounts.google.com", &["aud", "oaud"]),
    ("cognito-identity.amazonaws.com", &["aud"]),
    ("graph.facebook.com", &["app_id"]),
    ("www.amazon.com", &["app_id"]),
];

pub(super) fn judge(findings: &mut Findings, statement: &Statement<'_>) {
    if findings.grammar != Grammar::Trust {
        return;
    }
    let Some(node) = statement.member("Principal") else { return };
    let kinds = members_of(node);
    let federated = texts(member(kinds, "Federated"));
    judge_actions(
        findings,
        statement,
        &federated,
        kinds.iter().any(|kind| *kind.name != *"Federated"),
    );
    if statement.denies {
        return;
    }
    for provider in federated {
        judge_provider(findings, statement, provider);
    }
}

/// Actions that none of the principals can use: each kind has its own.
fn judge_actions(
    findings: &mut Findings,
    statement: &Statement<'_>,
    federated: &[Text<'_>],
    has_others: bool,
) {
    let is_saml = |(provider, _): &Text<'_>| provider.contains(":saml-provider/");
    let has_saml = federated.iter().any(is_saml);
    let has_web = federated.iter().any(|provider| !is_saml(provider));
    if federated.is_empty() && !has_others {
        return;
    }
    for (action, place) in &statement.actions {
        let (can, who) = match action.to_ascii_lowercase().as_str() {
            "sts:assumerole" => (has_others, "users, roles, accounts and services"),
            "sts:assumerolewithsaml" => (has_saml, "those whom a SAML provider vouches for"),
            "sts:assumerolewithwebidentity" => {
                (has_web, "those whom an OpenID Connect provider vouches for")
            }
            _ => continue,
        };
        if !can {
            findings.add(
                (Severity::Error, "MISMATCHED_ACTION_FOR_PRINCIPAL"),
                *place,
                format!("`{action}` is for {who}, and none is named"),
                Some("give each kind of principal a statement with its own action".to_owned()),
            );
        }
    }
}

fn judge_provider(findings: &mut Findings, statement: &Statement<'_>, (provider, place): Text<'_>) {
    let issuer = provider.split_once("oidc-provider/").map_or(provider, |(_, issuer)| issuer);
    if SHARED_ISSUERS.contains(&issuer) {
        judge_subject(findings, statement, (issuer, place));
    }
    let built_in = BUILT_IN.iter().find(|(known, _)| *known == provider);
    if let Some((_, claims)) = built_in {
        let asks = claims.iter().any(|claim| narrows(statement, &format!("{issuer}:{claim}")));
        if let Some(claim) = claims.first().filter(|_| !asks) {
            findings.add(
                (Severity::SecurityWarning, "SHARED_ISSUER_WITHOUT_AUD"),
                place,
                format!("tokens that {issuer} gave to any application are taken"),
                Some(format!("add a condition on `{issuer}:{claim}`")),
            );
        }
    }
}

fn judge_subject(findings: &mut Findings, statement: &Statement<'_>, (issuer, place): Text<'_>) {
    let key = format!("{issuer}:sub");
    // Other claims of these issuers tell their users apart as well.
    let others = [
        "repository",
        "repository_id",
        "repository_owner_id",
        "namespace_id",
        "project_id",
        "organization_id",
        "organization_slug",
        "user_id",
        "email",
        "google/organization_number",
    ];
    let by_other = others.iter().any(|claim| narrows(statement, &format!("{issuer}:{claim}")));
    if !narrows(statement, &key) && !by_other {
        findings.add(
            (Severity::SecurityWarning, "SHARED_ISSUER_WITHOUT_SUB"),
            place,
            format!("anybody with an account at {issuer} can assume the role"),
            Some(format!("add a condition on `{key}`")),
        );
        return;
    }
    let conditions =
        statement.conditions.iter().filter(|condition| condition.key.eq_ignore_ascii_case(&key));
    for (value, place) in
        conditions.flat_map(|condition| one_or_many(condition.values)).filter_map(written)
    {
        let owner = value.strip_prefix("repo:").and_then(|rest| rest.split('/').next());
        if issuer == GITHUB && owner.is_some_and(|owner| owner.contains(['*', '?'])) && !by_other {
            findings.add(
                (Severity::SecurityWarning, "SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED"),
                place,
                format!("`{}` is open to repositories of other owners", shown(value)),
                Some("write `repo:OWNER/REPOSITORY:ref:refs/heads/BRANCH`".to_owned()),
            );
        }
    }
}

/// Whether the statement asks for values of a key, so that not every token will do.
fn narrows(statement: &Statement<'_>, key: &str) -> bool {
    let asks = |condition: &Condition<'_>| {
        let mut values = one_or_many(condition.values).iter().filter_map(written);
        condition.key.eq_ignore_ascii_case(key)
            && condition.base != "Null"
            && !condition.holds_without_key()
            && !values.any(|(value, _)| {
                condition.base == "StringLike" && value.bytes().all(|byte| byte == b'*')
            })
    };
    statement.conditions.iter().any(asks)
}
