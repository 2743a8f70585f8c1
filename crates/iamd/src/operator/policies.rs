//! The identity-based policies of a user or role.

use iamd_core::managed;
use iamd_core::operator::{Revocable, Revocation};
use iamd_core::state::{Account, AttachedPolicy, InlinePolicies};
use serde::{Deserialize, Serialize};

use super::carry::refused;
use crate::fault::Fault;
use crate::node::Node;

/// A policy document.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct PolicyText {
    /// The ARN of a managed policy; else the name of an inline one, behind that of its holder.
    pub name: String,
    /// Its text.
    pub document: String,
}

/// The inline and attached policies of a user and his groups, or of a role, by ARN.
///
/// # Errors
/// [`Fault::Refused`] for what is no user or role that exists.
pub(super) fn of_principal(node: &Node, arn: &str) -> Result<Vec<PolicyText>, Fault> {
    let snapshot = node.snapshot();
    // The same ARNs name whose sessions can be revoked.
    let named = Revocation::of_principal(&snapshot.state, arn, node.clock().now());
    let named = named.map_err(refused)?;
    let absent = || Fault::Refused(format!("`{arn}` is not the ARN of a user or a role"));
    let account = snapshot.state.account(named.account).ok_or_else(absent)?;
    let mut texts = Vec::new();
    match named.what {
        Revocable::User(id) => {
            let user = account.users().with_id(id).ok_or_else(absent)?;
            add(
                &mut texts,
                account,
                &format!("user/{}", user.name),
                (&user.inline, &user.attached),
            );
            for group in user.groups.iter().filter_map(|id| account.groups().with_id(*id)) {
                let holder = format!("group/{}", group.name);
                add(&mut texts, account, &holder, (&group.inline, &group.attached));
            }
        }
        Revocable::Role(id) => {
            let role = account.roles().with_id(id).ok_or_else(absent)?;
            add(
                &mut texts,
                account,
                &format!("role/{}", role.name),
                (&role.inline, &role.attached),
            );
        }
        _ => return Err(absent()),
    }
    Ok(texts)
}

fn add(
    texts: &mut Vec<PolicyText>,
    account: &Account,
    holder: &str,
    (inline, attached): (&InlinePolicies, &[AttachedPolicy]),
) {
    let text = |name: String, document: &iamd_policy::Document| PolicyText {
        name,
        document: document.source().to_owned(),
    };
    let inline = inline.set().iter();
    texts.extend(inline.map(|(name, document)| text(format!("{holder}/{name}"), document)));
    let sets = attached.iter().filter_map(|policy| managed::set(account, policy.arn()));
    texts.extend(
        sets.flat_map(|set| set.iter()).map(|(name, document)| text(name.to_string(), document)),
    );
}
