//! The identity-based policies of recent callers, each caller's documents combined under one index.
//!
//! This is memory of a pure function, not state: what is kept is used only for the very documents
//! it was made from.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use iamd_policy::PolicySet;

use crate::caller::Identity;
use crate::managed;
use crate::state::{Account, AccountVersion};
use crate::unique_id::UniqueId;

/// Parts of the memory, so that callers seldom wait for each other.
const SHARDS: usize = 16;
/// Most users and roles in one part; a full part starts anew.
const ENTRIES_PER_SHARD_MAX: usize = 8_192;

/// What is remembered.
#[derive(Default)]
pub struct IdentityPolicies {
    shards: [RwLock<HashMap<UniqueId, Entry>>; SHARDS],
}

struct Entry {
    /// The account as it was when the parts were last gathered.
    version: AccountVersion,
    parts: Vec<PolicySet>,
    combined: PolicySet,
}

impl fmt::Debug for IdentityPolicies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("IdentityPolicies(..)")
    }
}

impl IdentityPolicies {
    /// All identity-based policies of a caller; `account` is his.
    pub fn of(&self, account: &Account, identity: &Identity) -> PolicySet {
        let id = match identity {
            Identity::Root => return PolicySet::default(),
            Identity::User(id) | Identity::RoleSession { role: id, .. } => *id,
        };
        // The last characters of an id are random.
        let last = id.as_str().bytes().next_back().map_or(0, usize::from);
        let Some(shard) = self.shards.get(last % SHARDS) else { return PolicySet::default() };
        let read = shard.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = read.get(&id).filter(|entry| entry.version == *account.version()) {
            return entry.combined.clone();
        }
        drop(read);
        let parts = parts(account, identity);
        let mut write = shard.write().unwrap_or_else(PoisonError::into_inner);
        // A change elsewhere in the account leaves the documents as they were.
        let combined = match write.get(&id) {
            Some(entry) if same(&entry.parts, &parts) => entry.combined.clone(),
            Some(_) | None => PolicySet::union(&parts),
        };
        if write.len() >= ENTRIES_PER_SHARD_MAX && !write.contains_key(&id) {
            write.clear();
        }
        let entry = Entry { version: account.version().clone(), parts, combined: combined.clone() };
        write.insert(id, entry);
        combined
    }
}

/// The inline and attached policies of the user and his groups, or of the role.
fn parts(account: &Account, identity: &Identity) -> Vec<PolicySet> {
    let mut sets = Vec::new();
    match identity {
        Identity::Root => {}
        Identity::User(id) => {
            let Some(user) = account.users().with_id(*id) else { return Vec::new() };
            sets.push(user.inline.set());
            managed::collect(account, &user.attached, &mut sets);
            for group in user.groups.iter().filter_map(|id| account.groups().with_id(*id)) {
                sets.push(group.inline.set());
                managed::collect(account, &group.attached, &mut sets);
            }
        }
        Identity::RoleSession { role, .. } => {
            let Some(role) = account.roles().with_id(*role) else { return Vec::new() };
            sets.push(role.inline.set());
            managed::collect(account, &role.attached, &mut sets);
        }
    }
    sets.into_iter().filter(|set| !set.is_empty()).cloned().collect()
}

fn same(known: &[PolicySet], parts: &[PolicySet]) -> bool {
    known.len() == parts.len() && known.iter().zip(parts).all(|(known, part)| known.is_same(part))
}

#[cfg(test)]
mod tests {
    use crate::test_support::{ALLOW_ALL, World};

    /// What is remembered never outlives what it was made from.
    #[test]
    fn every_change_of_a_policy_counts_at_once() {
        let mut world = World::with(&["CreateUser&UserName=bob", "CreateGroup&GroupName=team"]);
        let (root, bob) = (world.root(), world.user("bob"));
        let policy = format!("PolicyName=p&PolicyDocument={ALLOW_ALL}");
        let arn = "PolicyArn=arn:aws:iam::aws:policy/IAMReadOnlyAccess";
        let steps = [
            (format!("PutUserPolicy&UserName=bob&{policy}"), true),
            ("DeleteUserPolicy&UserName=bob&PolicyName=p".to_owned(), false),
            (format!("PutGroupPolicy&GroupName=team&{policy}"), false),
            ("AddUserToGroup&GroupName=team&UserName=bob".to_owned(), true),
            ("DeleteGroupPolicy&GroupName=team&PolicyName=p".to_owned(), false),
            (format!("AttachGroupPolicy&GroupName=team&{arn}"), true),
            ("CreateUser&UserName=other".to_owned(), true),
            ("RemoveUserFromGroup&GroupName=team&UserName=bob".to_owned(), false),
            (format!("AttachUserPolicy&UserName=bob&{arn}"), true),
            (format!("DetachUserPolicy&UserName=bob&{arn}"), false),
        ];
        for (step, allowed) in steps {
            world.ok(&root, &step);
            assert_eq!(world.send(&bob, "ListUsers").is_ok(), allowed, "{step}");
            assert_eq!(world.send(&bob, "ListUsers").is_ok(), allowed, "{step}, again");
        }
    }
}
