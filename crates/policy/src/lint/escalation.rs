//! Permissions with which a caller can give himself all others.

use super::action::covering;
use super::findings::{Findings, Severity};
use super::statement::Statement;
use crate::validate::Grammar;

/// Each alone is enough, on resources without limit: with it a caller changes what he, or a principal
/// that he can act as, may do.
// CHOICE: what also needs another permission, such as `iam:PassRole` with `lambda:CreateFunction`, is
// not judged: whether the caller has both does not follow from one statement.
const ACTIONS: [&str; 12] = [
    "iam:AddUserToGroup",
    "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreatePolicyVersion",
    "iam:PutGroupPolicy",
    "iam:PutRolePolicy",
    "iam:PutUserPolicy",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateLoginProfile",
];

/// Most actions that a message names.
const NAMED_MAX: usize = 3;

pub(super) fn judge(findings: &mut Findings, statement: &Statement<'_>) {
    let is_grant = matches!(findings.grammar, Grammar::Identity | Grammar::Session);
    let everything = statement.resources.iter().find(|(resource, _)| *resource == "*");
    // Whoever may do everything already has it all.
    let is_administrator = statement.actions.iter().any(|(action, _)| *action == "*");
    let Some((_, place)) = everything else { return };
    if !is_grant || is_administrator || !statement.conditions.is_empty() {
        return;
    }
    let is_covered =
        |action: &&&str| covering(&statement.actions, &action.to_ascii_lowercase()).is_some();
    let granted: Vec<&str> = ACTIONS.iter().filter(is_covered).copied().collect();
    if granted.is_empty() {
        return;
    }
    let named: Vec<String> =
        granted.iter().take(NAMED_MAX).map(|action| format!("`{action}`")).collect();
    let more = if granted.len() > NAMED_MAX { " and others" } else { "" };
    findings.add(
        (Severity::SecurityWarning, "PRIVILEGE_ESCALATION"),
        *place,
        format!("with {}{more} on every resource a caller can give himself all permissions", named.join(", ")),
        Some("name the resources, or add a condition such as iam:PermissionsBoundary or iam:PolicyARN".to_owned()),
    );
}
