//! Trust policies: stored with unique ids, so that a recreated principal is not trusted.
//!
//! Source: IAM User Guide, "AWS JSON policy elements: Principal".

use iamd_policy::{Grammar, NamedPrincipal, PrincipalKind};
use iamd_wire::ErrorCode;

use super::document;
use crate::account_id::AccountId;
use crate::arn::{self, IamArn};
use crate::operation::Scene;
use crate::refusal::Refusal;
use crate::state::{PolicyDocument, State};
use crate::text;
use crate::unique_id::UniqueId;

/// A trust policy as it is stored: checked, and users and roles named by unique id.
///
/// # Errors
/// `MalformedPolicyDocument` for what AWS would not store, a principal that does not exist
/// included; `LimitExceeded` past the quota.
pub(super) fn checked_trust(scene: &Scene<'_>, text: &str) -> Result<PolicyDocument, Refusal> {
    let document = document::checked(text, Grammar::Trust)?;
    let limit = scene.quotas.trust_policy_size;
    if iamd_policy::size_without_white_space(text) > limit as usize {
        return Err(text::quota_exceeded("ACLSizePerRole", limit));
    }
    for principal in document.compiled().principals() {
        if let Resolved::Unknown = resolve(scene.state, &principal) {
            return Err(invalid_principal(&principal));
        }
    }
    let stored = document.compiled().with_principals_replaced(|principal| {
        match resolve(scene.state, principal) {
            Resolved::Entity(id) => Some(id.to_string()),
            Resolved::AsWritten | Resolved::Unknown => None,
        }
    });
    document::checked(&stored, Grammar::Trust)
}

/// A trust policy as answers show it: unique ids become ARNs again where the principal still
/// exists, and stay ids where it does not.
pub(super) fn shown_trust(state: &State, trust: &PolicyDocument) -> String {
    document::encoded(&shown_trust_text(state, trust))
}

/// The same before it is encoded.
pub(crate) fn shown_trust_text(state: &State, trust: &PolicyDocument) -> String {
    trust.compiled().with_principals_replaced(|principal| {
        let id: UniqueId = principal.value.parse().ok()?;
        let account = state.account(id.account()?)?;
        let user = account.users().with_id(id).map(|user| arn::user(account.id(), user));
        user.or_else(|| account.roles().with_id(id).map(|role| arn::role(account.id(), role)))
    })
}

enum Resolved {
    /// A user or role that exists.
    Entity(UniqueId),
    /// Anything that is stored in the form it was given.
    AsWritten,
    /// A user or role that does not exist.
    Unknown,
}

fn resolve(state: &State, principal: &NamedPrincipal) -> Resolved {
    match principal.kind {
        PrincipalKind::Aws => resolve_aws(state, &principal.value),
        PrincipalKind::Service | PrincipalKind::Federated | PrincipalKind::CanonicalUser => {
            Resolved::AsWritten
        }
    }
}

fn resolve_aws(state: &State, value: &str) -> Resolved {
    if value == "*" || value.parse::<AccountId>().is_ok() {
        // CHOICE: an account that does not live here may be named; it trusts nobody until it does.
        return Resolved::AsWritten;
    }
    if let Ok(id) = value.parse::<UniqueId>() {
        return if entity_exists(state, id) { Resolved::AsWritten } else { Resolved::Unknown };
    }
    if let Some(parts) = IamArn::parse(value) {
        return resolve_entity(state, &parts).map_or(Resolved::Unknown, Resolved::Entity);
    }
    let Some(parsed) = iamd_policy::Arn::parse(value) else { return Resolved::Unknown };
    let is_root = parsed.service == "iam" && parsed.resource == "root";
    let is_session = parsed.service == "sts"
        && (parsed.resource.starts_with("assumed-role/")
            || parsed.resource.starts_with("federated-user/"));
    let has_account =
        parsed.partition == arn::PARTITION && parsed.account.parse::<AccountId>().is_ok();
    if has_account && (is_root || is_session) { Resolved::AsWritten } else { Resolved::Unknown }
}

fn resolve_entity(state: &State, parts: &IamArn<'_>) -> Option<UniqueId> {
    let account = state.account(parts.account.parse().ok()?)?;
    match parts.resource_type {
        "user" => {
            let user = account.users().named(parts.name)?;
            (*user.name == *parts.name && *user.path == *parts.path).then_some(user.id)
        }
        "role" => {
            let role = account.roles().named(parts.name)?;
            (*role.name == *parts.name && *role.path == *parts.path).then_some(role.id)
        }
        _ => None,
    }
}

fn entity_exists(state: &State, id: UniqueId) -> bool {
    let account = id.account().and_then(|account| state.account(account));
    account.is_some_and(|account| {
        account.users().with_id(id).is_some() || account.roles().with_id(id).is_some()
    })
}

fn invalid_principal(principal: &NamedPrincipal) -> Refusal {
    Refusal::new(
        ErrorCode::MalformedPolicyDocument,
        format!(
            "Invalid principal in policy: \"{}\":\"{}\"",
            principal.kind.as_str(),
            principal.value
        ),
    )
}
