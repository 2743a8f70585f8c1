//! The `Principal` and `NotPrincipal` elements.
//!
//! Source: IAM User Guide, "AWS JSON policy elements: Principal" and "NotPrincipal".

use super::Grammar;
use super::complaint::{self, Complaint};
use super::resource::is_partition;
use super::syntax::{Policy, Principals, Sense, Text, Who};
use crate::arn::{Arn, is_account_id};
use crate::principal::PrincipalKind;

/// Complains about principals where the type of policy has none.
///
/// # Errors
/// `Policy document should not specify a principal.`
// CHOICE: as soon as the older parser is done; where AWS has this check is not known.
pub(super) fn check_presence(policy: &Policy<'_>, grammar: Grammar) -> Result<(), Complaint> {
    match grammar {
        Grammar::Identity | Grammar::Session | Grammar::Scp => {}
        Grammar::Trust | Grammar::Resource | Grammar::Rcp => return Ok(()),
    }
    match policy.statements.iter().find_map(|statement| statement.principals.as_ref()) {
        Some(principals) => {
            let reason = "the principal of this type of policy is whoever it is attached to";
            Err(Complaint::new(complaint::PRINCIPAL_PROHIBITED, principals.offset, reason))
        }
        None => Ok(()),
    }
}

/// Judges the principals where the type of policy needs them. Whether they exist is not looked at.
///
/// # Errors
/// A statement without principals, or a principal that is none.
pub(super) fn check_form(policy: &Policy<'_>, grammar: Grammar) -> Result<(), Complaint> {
    match grammar {
        Grammar::Trust | Grammar::Resource => {}
        Grammar::Identity | Grammar::Session | Grammar::Scp | Grammar::Rcp => return Ok(()),
    }
    for statement in &policy.statements {
        let Some(principals) = &statement.principals else {
            let reason = "the statement has no `Principal`";
            return Err(Complaint::new(complaint::PRINCIPAL_MISSING, statement.offset, reason));
        };
        let may_exclude = grammar == Grammar::Resource && statement.effect.value == "Deny";
        if principals.sense == Sense::Excluded && !may_exclude {
            let reason = "`NotPrincipal` goes only with `Deny`, in policies of resources";
            return Err(Complaint::new(
                complaint::NOT_PRINCIPAL_PROHIBITED,
                principals.offset,
                reason,
            ));
        }
        check_principals(principals, grammar)?;
    }
    Ok(())
}

// CHOICE: the bare `*` is taken in trust policies too, as the User Guide says that it equals
// `{"AWS": "*"}`; AWS used to refuse it there.
fn check_principals(principals: &Principals<'_>, grammar: Grammar) -> Result<(), Complaint> {
    let Who::Named(named) = &principals.who else { return Ok(()) };
    if named.is_empty() {
        let reason = "the list of principals is empty";
        return Err(Complaint::new(complaint::PRINCIPALS_NONE, principals.offset, reason));
    }
    named.iter().try_for_each(|(kind, value)| check_principal(*kind, value, grammar))
}

// CHOICE: AWS's texts write the kinds in capitals, as reports show for `AWS` and `SERVICE`; the
// others follow. Federated principals are taken in trust policies only.
fn check_principal(
    kind: PrincipalKind,
    principal: &Text<'_>,
    grammar: Grammar,
) -> Result<(), Complaint> {
    let Text { value, offset } = *principal;
    let is_trust = grammar == Grammar::Trust;
    let (name, is_valid) = match kind {
        PrincipalKind::Aws => ("AWS", value == "*" || is_aws_principal(value, grammar)),
        PrincipalKind::Service => ("SERVICE", is_domain_name(value) && value != "amazonaws.com"),
        PrincipalKind::CanonicalUser => ("CANONICAL_USER", !is_trust && is_canonical_user(value)),
        PrincipalKind::Federated if is_trust && !is_federated(value) => {
            let reason = format!("`{value}` is neither a domain name nor the ARN of a provider");
            return Err(Complaint::new(complaint::FEDERATED, offset, reason));
        }
        PrincipalKind::Federated => ("FEDERATED", is_trust),
    };
    if is_valid {
        return Ok(());
    }
    let message = format!("Invalid principal in policy: \"{name}\":\"{value}\"");
    Err(Complaint::new(message, offset, format!("`{value}` cannot be a principal here")))
}

/// An account, a unique id, or the ARN of a user, a role, a session or an account.
fn is_aws_principal(value: &str, grammar: Grammar) -> bool {
    if value.contains(['*', '?']) {
        return false;
    }
    if is_account_id(value) || is_unique_id(value) {
        return true;
    }
    let Some(arn) = Arn::parse(value) else { return false };
    // Source: CloudFront Developer Guide, "Restrict access with an origin access identity".
    let is_account =
        is_account_id(arn.account) || (grammar == Grammar::Resource && arn.account == "cloudfront");
    if !is_partition(arn.partition) || !arn.region.is_empty() || !is_account {
        return false;
    }
    let mut parts = arn.resource.split('/');
    match (arn.service, parts.next()) {
        ("iam", Some("root")) => parts.next().is_none(),
        ("iam", Some("user" | "role")) => parts.next_back().is_some_and(|name| !name.is_empty()),
        ("sts", Some("assumed-role")) => is_names(parts, 2),
        ("sts", Some("federated-user")) => is_names(parts, 1),
        _ => false,
    }
}

fn is_names<'a>(parts: impl Iterator<Item = &'a str> + Clone, count: usize) -> bool {
    parts.clone().count() == count && parts.clone().all(|name| !name.is_empty())
}

/// Source: IAM User Guide, "IAM identifiers", unique identifiers; IAM API Reference, `idType`.
fn is_unique_id(value: &str) -> bool {
    (UNIQUE_ID_CHARACTERS_MIN..=UNIQUE_ID_CHARACTERS_MAX).contains(&value.len())
        && value.starts_with('A')
        && value.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Source: IAM User Guide, "AWS JSON policy elements: Principal", web identity and SAML.
fn is_federated(value: &str) -> bool {
    let Some(arn) = Arn::parse(value) else { return is_domain_name(value) };
    let provider = arn.resource.split_once('/');
    let is_provider = provider.is_some_and(|(kind, name)| {
        matches!(kind, "saml-provider" | "oidc-provider")
            && !name.is_empty()
            && !name.contains(['*', '?'])
    });
    is_provider
        && arn.service == "iam"
        && arn.region.is_empty()
        && is_partition(arn.partition)
        && is_account_id(arn.account)
}

/// Two labels or more, of letters, digits and hyphens.
fn is_domain_name(value: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    value.contains('.') && value.split('.').all(is_label)
}

/// Source: IAM User Guide, "AWS JSON policy elements: Principal", canonical user ids of S3.
fn is_canonical_user(value: &str) -> bool {
    value.len() == CANONICAL_USER_CHARACTERS && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

const CANONICAL_USER_CHARACTERS: usize = 64;
const UNIQUE_ID_CHARACTERS_MIN: usize = 16;
const UNIQUE_ID_CHARACTERS_MAX: usize = 128;
