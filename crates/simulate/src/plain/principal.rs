//! Principals: who a caller is, and how `Principal` and `NotPrincipal` name him.
//!
//! Sources: IAM User Guide, "AWS JSON policy elements: Principal", "AWS JSON policy elements:
//! NotPrincipal", "Principal key values".

use serde_json::Value;

use super::document::strings;
use super::limit::fields;
use crate::case::{Caller, Held};

/// How an allow of a resource-based policy names the caller, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grant {
    /// Through his account, which only delegates.
    Account,
    /// Through the role of his session, or the user who made it.
    Parent,
    /// By himself, or as everybody.
    Direct,
}

/// The caller's account; services, outsiders and the anonymous have none.
pub(super) fn account(caller: &Caller) -> Option<&str> {
    match caller {
        Caller::Root { account } => Some(account),
        Caller::User { arn, .. }
        | Caller::Session { arn, .. }
        | Caller::FederatedUser { arn, .. } => arn.split(':').nth(4),
        Caller::Service { .. } | Caller::Outsider { .. } | Caller::Anonymous => None,
    }
}

/// Whether the caller is a session of a service-linked role: by the role's path, or, as ARNs of
/// sessions carry none, by the reserved prefix of its name.
///
/// Source: IAM User Guide, "Service-linked roles".
pub(super) fn is_service_linked(caller: &Caller) -> bool {
    let Caller::Session { arn, role, .. } = caller else { return false };
    let (role, session) = (role.split(':').nth(5), arn.split(':').nth(5));
    role.is_some_and(|role| role.starts_with("role/aws-service-role/"))
        || session.is_some_and(|session| session.starts_with("assumed-role/AWSServiceRoleFor"))
}

/// How a `Principal` names the caller; none if it does not.
pub(super) fn names(element: &Value, caller: &Caller) -> Option<Grant> {
    values(element).iter().filter_map(|(key, value)| names_by(key, value, caller)).max()
}

/// Whether a `NotPrincipal` of a deny spares the caller: only if it lists him by his own, most
/// specific name, or everybody. A caller with a boundary is never spared.
pub(super) fn spares(element: &Value, caller: &Caller, bounded: bool) -> bool {
    let can_have_boundary = match caller {
        Caller::User { .. } | Caller::Session { .. } | Caller::FederatedUser { .. } => true,
        Caller::Root { .. } | Caller::Service { .. } | Caller::Outsider { .. } => false,
        Caller::Anonymous => false,
    };
    let is_listed = values(element).iter().any(|(key, value)| {
        match names_by(key, value, caller) {
            Some(Grant::Direct) => true,
            // The root user's own name is that of the account.
            Some(Grant::Account) => matches!(caller, Caller::Root { .. }),
            Some(Grant::Parent) | None => false,
        }
    });
    is_listed && !(bounded && can_have_boundary)
}

/// Keys and values of an element; a bare text or list is read as `{"AWS": ...}`.
fn values(element: &Value) -> Vec<(&str, &str)> {
    match element {
        Value::Object(keys) => {
            let all = keys.iter().flat_map(|(key, values)| {
                strings(values).into_iter().map(move |value| (key.as_str(), value))
            });
            all.collect()
        }
        bare => strings(bare).into_iter().map(|value| ("AWS", value)).collect(),
    }
}

/// How one value names the caller. Names are whole: wildcards in them are none.
fn names_by(key: &str, value: &str, caller: &Caller) -> Option<Grant> {
    match key {
        "AWS" => names_by_aws(value, caller),
        "Service" => match caller {
            Caller::Service { name } => (value == name).then_some(Grant::Direct),
            _ => None,
        },
        "Federated" => match caller {
            Caller::Outsider { provider } => (value == provider).then_some(Grant::Direct),
            _ => None,
        },
        // Canonical ids are S3's own; no caller here has one.
        _ => None,
    }
}

fn names_by_aws(value: &str, caller: &Caller) -> Option<Grant> {
    if value == "*" {
        return Some(Grant::Direct);
    }
    if value.is_empty() {
        return None;
    }
    if let Some(named) = named_account(value) {
        return (account(caller) == Some(named)).then_some(Grant::Account);
    }
    match caller {
        Caller::User { arn, id } => (value == arn || value == id).then_some(Grant::Direct),
        Caller::Session { arn, .. } if value == arn => Some(Grant::Direct),
        Caller::Session { role, role_id, .. } => {
            (value == role || value == role_id).then_some(Grant::Parent)
        }
        Caller::FederatedUser { arn, .. } if value == arn => Some(Grant::Direct),
        Caller::FederatedUser { user, .. } => {
            (user.as_deref() == Some(value)).then_some(Grant::Parent)
        }
        Caller::Root { .. } | Caller::Service { .. } | Caller::Outsider { .. } => None,
        Caller::Anonymous => None,
    }
}

/// The account that a value names: twelve digits, or the ARN of its root.
fn named_account(value: &str) -> Option<&str> {
    let account = match fields(value) {
        Some([_, partition, "iam", "", account, "root"]) if !partition.contains(['*', '?']) => {
            account
        }
        _ => value,
    };
    is_account_id(account).then_some(account)
}

/// Whether a text is an account id.
pub(super) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|c| c.is_ascii_digit())
}

/// Condition keys that follow from who asks.
///
/// Source: IAM User Guide, "Principal key values" and "Global condition keys".
pub(super) fn keys(caller: &Caller) -> Vec<(String, Held)> {
    let last = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
    let known = |id: &str| (!id.is_empty()).then(|| id.to_owned());
    let account = account(caller);
    let (kind, arn, id) = match caller {
        Caller::Root { account } => {
            let arn = format!("arn:aws:iam::{account}:root");
            (Some("Account"), Some(arn), Some(account.clone()))
        }
        Caller::User { arn, id } => (Some("User"), Some(arn.clone()), known(id)),
        Caller::Session { arn, role, role_id } => {
            let id = known(role_id).map(|id| format!("{id}:{}", last(arn)));
            (Some("AssumedRole"), Some(role.clone()), id)
        }
        Caller::FederatedUser { arn, .. } => {
            let id = account.map(|account| format!("{account}:{}", last(arn)));
            (Some("FederatedUser"), Some(arn.clone()), id)
        }
        Caller::Anonymous => (Some("Anonymous"), None, Some("anonymous".to_owned())),
        // The guide's table has no row for the last two.
        Caller::Service { .. } => (Some("Service"), None, None),
        Caller::Outsider { .. } => (None, None, None),
    };
    let (mut name, mut service, mut provider, mut signed) = (None, None, None, Some("false"));
    match caller {
        Caller::User { arn, .. } => name = Some(last(arn)),
        Caller::Service { name } => (service, signed) = (Some(name.clone()), Some("true")),
        Caller::Outsider { provider: own } => (provider, signed) = (Some(own.clone()), None),
        Caller::Anonymous => signed = None,
        Caller::Root { .. } | Caller::Session { .. } | Caller::FederatedUser { .. } => {}
    }
    let nobody = matches!(caller, Caller::Anonymous).then_some("anonymous");
    let all = [
        ("aws:username", name),
        ("aws:userid", id),
        ("aws:PrincipalType", kind.map(str::to_owned)),
        ("aws:PrincipalArn", arn),
        ("aws:PrincipalAccount", account.or(nobody).map(str::to_owned)),
        ("aws:PrincipalIsAWSService", signed.map(str::to_owned)),
        ("aws:PrincipalServiceName", service),
        ("aws:FederatedProvider", provider),
    ];
    let present = all.into_iter().filter_map(|(key, value)| Some((key, value?)));
    present.map(|(key, value)| (key.to_owned(), Held::One(value))).collect()
}
