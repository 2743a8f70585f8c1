//! Statements that allow more than is safe.

use super::action::covering;
use super::findings::{Findings, Severity};
use super::statement::Statement;
use crate::validate::Grammar;

pub(super) fn judge(findings: &mut Findings, statement: &Statement<'_>) {
    match findings.grammar {
        Grammar::Identity | Grammar::Session => {
            judge_exclusions(findings, statement);
            judge_service_roles(findings, statement);
            judge_assume_role(findings, statement);
        }
        Grammar::Resource => judge_exclusions(findings, statement),
        // These do not grant, or name no resources.
        Grammar::Trust | Grammar::Scp | Grammar::Rcp => {}
    }
}

fn judge_exclusions(findings: &mut Findings, statement: &Statement<'_>) {
    if statement.not_actions.is_empty() {
        return;
    }
    let everything = statement.resources.iter().any(|(resource, _)| *resource == "*");
    let code = match (everything, statement.not_resources.is_empty()) {
        (true, _) => "ALLOW_WITH_NOT_ACTION",
        (false, false) => "ALLOW_WITH_NOT_ACTION_AND_NOT_RESOURCE",
        (false, true) => return,
    };
    findings.add(
        (Severity::SecurityWarning, code),
        statement.place,
        "`Allow` with `NotAction` grants everything but the listed actions, those of new services too".to_owned(),
        Some("list what is allowed, or deny what is not".to_owned()),
    );
}

/// How a statement names an action.
#[derive(Clone, Copy)]
enum Naming {
    Plain,
    Wild,
    /// By not excluding it.
    Excluded,
}

/// How a statement names resources.
#[derive(Clone, Copy)]
enum Reach {
    All,
    /// All but those of `NotResource`.
    Others,
}

/// `iam:PassRole` and `iam:CreateServiceLinkedRole` for whatever role.
///
/// Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service".
fn judge_service_roles(findings: &mut Findings, statement: &Statement<'_>) {
    let narrows_passing = [
        "iam:PassedToService",
        "iam:AssociatedResourceArn",
        "iam:ResourceTag/",
        "aws:ResourceTag/",
    ]
    .iter()
    .any(|key| statement.asks_for_any(key));
    if let Some((naming, reach, place)) =
        found(statement, "iam:passrole").filter(|_| !narrows_passing)
    {
        findings.add(
            (Severity::SecurityWarning, pass_role_code(naming, reach)),
            place,
            "roles can be passed to a service without limit, also one with more permissions than the caller's".to_owned(),
            Some("name the roles, or add the condition key iam:PassedToService".to_owned()),
        );
    }
    let narrows_creation = statement.asks_for("iam:AWSServiceName");
    if let Some((naming, reach, place)) =
        found(statement, "iam:createservicelinkedrole").filter(|_| !narrows_creation)
    {
        findings.add(
            (Severity::SecurityWarning, service_linked_role_code(naming, reach)),
            place,
            "service-linked roles can be created for every service".to_owned(),
            Some("name the roles, or add the condition key iam:AWSServiceName".to_owned()),
        );
    }
}

fn pass_role_code(naming: Naming, reach: Reach) -> &'static str {
    match (naming, reach) {
        (Naming::Plain, Reach::All) => "PASS_ROLE_WITH_STAR_IN_RESOURCE",
        (Naming::Wild, Reach::All) => "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE",
        (Naming::Excluded, Reach::All) => "PASS_ROLE_WITH_NOT_ACTION_AND_STAR_IN_RESOURCE",
        (Naming::Plain, Reach::Others) => "PASS_ROLE_WITH_NOT_RESOURCE",
        (Naming::Wild, Reach::Others) => "PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE",
        (Naming::Excluded, Reach::Others) => "PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE",
    }
}

fn service_linked_role_code(naming: Naming, reach: Reach) -> &'static str {
    match (naming, reach) {
        (Naming::Plain, Reach::All) => "CREATE_SLR_WITH_STAR_IN_RESOURCE",
        (Naming::Wild, Reach::All) => "CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE",
        (Naming::Excluded, Reach::All) => "CREATE_SLR_WITH_NOT_ACTION_AND_STAR_IN_RESOURCE",
        (Naming::Plain, Reach::Others) => "CREATE_SLR_WITH_NOT_RESOURCE",
        (Naming::Wild, Reach::Others) => "CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE",
        (Naming::Excluded, Reach::Others) => "CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE",
    }
}

/// How a statement grants an action, in lower case, on roles without limit, and where; none if it does
/// not. Whoever may do everything is meant to be an administrator.
fn found(statement: &Statement<'_>, action: &str) -> Option<(Naming, Reach, usize)> {
    let naming = match covering(&statement.actions, action) {
        Some(_) if statement.actions.iter().any(|(action, _)| *action == "*") => return None,
        Some((pattern, _)) if pattern.contains(['*', '?']) => Naming::Wild,
        Some(_) => Naming::Plain,
        None if statement.not_actions.is_empty() => return None,
        None if covering(&statement.not_actions, action).is_some() => return None,
        None => Naming::Excluded,
    };
    if let Some((_, place)) = statement.resources.iter().find(|(text, _)| is_every_role(text)) {
        return Some((naming, Reach::All, *place));
    }
    let (_, place) = statement.not_resources.first()?;
    let excludes_roles = statement.not_resources.iter().any(|(text, _)| is_every_role(text));
    (!excludes_roles).then_some((naming, Reach::Others, *place))
}

/// Whether a resource names every role, perhaps of one account.
fn is_every_role(text: &str) -> bool {
    let part = text.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4));
    let is_iam = text.split(':').nth(2) == Some("iam");
    text == "*" || (is_iam && part.is_some_and(|part| matches!(part, "*" | "role*" | "role/*")))
}

/// Roles decide themselves whom they trust; one that trusts the account leaves it to such a statement.
fn judge_assume_role(findings: &mut Findings, statement: &Statement<'_>) {
    let is_open = statement.conditions.is_empty()
        && !statement.actions.iter().any(|(action, _)| *action == "*")
        && covering(&statement.actions, "sts:assumerole").is_some();
    let everything = statement.resources.iter().find(|(text, _)| is_every_role(text));
    if let Some((_, place)) = everything.filter(|_| is_open) {
        findings.add(
            (Severity::SecurityWarning, "ASSUME_ROLE_WITH_STAR_IN_RESOURCE"),
            *place,
            "every role that trusts the caller's account can be assumed, in whatever account"
                .to_owned(),
            Some(
                "name the roles, or add a condition on aws:ResourceTag or aws:ResourceAccount"
                    .to_owned(),
            ),
        );
    }
}
