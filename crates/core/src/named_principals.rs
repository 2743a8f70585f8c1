//! Principals that policies name: stored by unique id, so that one who was deleted and made anew is
//! another.
//!
//! Source: IAM User Guide, "AWS JSON policy elements: Principal".

use iamd_policy::{Document, NamedPrincipal, PrincipalKind};

use crate::account_id::AccountId;
use crate::arn::{self, IamArn};
use crate::state::State;
use crate::unique_id::UniqueId;

/// The text of a document with users and roles named by unique id.
///
/// # Errors
/// The first principal that does not exist.
pub(crate) fn stored(state: &State, document: &Document) -> Result<String, NamedPrincipal> {
    let is_unknown =
        |principal: &NamedPrincipal| matches!(resolve(state, principal), Resolved::Unknown);
    if let Some(unknown) = document.principals().find(is_unknown) {
        return Err(unknown);
    }
    Ok(document.with_principals_replaced(|principal| match resolve(state, principal) {
        Resolved::Entity(id) => Some(id.to_string()),
        Resolved::AsWritten | Resolved::Unknown => None,
    }))
}

/// The text as answers show it: unique ids become ARNs again where the principal still exists, and
/// stay ids where it does not.
pub(crate) fn shown(state: &State, document: &Document) -> String {
    document.with_principals_replaced(|principal| {
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
