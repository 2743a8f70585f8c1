//! An account that is read whole. Its users and keys, of which there may be very many, are put in
//! place at once, in less time and memory than one after the other.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

use super::Account;
use crate::account_id::AccountId;
use crate::name::FoldedName;
use crate::state::access_key::AccessKey;
use crate::state::entity::{Entity, KeyOwner, User};
use crate::state::{AccountChanges, AttachedPolicy, Change, Collection, State};
use crate::unique_id::{AccessKeyId, UniqueId};

/// Fewer users are not worth a thread; tests have it used by few.
const USERS_FOR_THREAD: usize = if cfg!(test) { 2 } else { 10_000 };

/// What an account holds, in any order.
#[derive(Debug)]
pub struct AccountFilling {
    account: AccountId,
    users: Vec<Arc<User>>,
    keys: Vec<Arc<AccessKey>>,
    others: Vec<Change>,
}

impl AccountFilling {
    /// An account, or a pseudo-account, without anything.
    pub fn new(account: AccountId) -> AccountFilling {
        AccountFilling { account, users: Vec::new(), keys: Vec::new(), others: Vec::new() }
    }

    /// Adds an entity; each is added once.
    pub fn add(&mut self, entity: Entity) {
        match entity {
            Entity::User(user) => self.users.push(Arc::new(user)),
            Entity::AccessKey(key) => self.keys.push(Arc::new(key)),
            other => self.others.push(Change::Put(other)),
        }
    }

    /// Adds what another filling of the account has.
    pub fn append(&mut self, mut more: AccountFilling) {
        self.users.append(&mut more.users);
        self.keys.append(&mut more.keys);
        self.others.append(&mut more.others);
    }
}

impl State {
    /// The state with an account that it did not have yet.
    pub fn fill(&mut self, filling: AccountFilling) {
        let AccountFilling { account: id, users, keys, others } = filling;
        self.apply(&AccountChanges { account: id, changes: others });
        // INVARIANT: an account without settings is none, whatever else there is of it.
        let Some(account) = self.accounts.remove(&id) else { return };
        let foreign = keys.iter().filter(|key| key.id.account() != Some(id));
        self.foreign_keys.extend(foreign.map(|key| (key.id.clone(), id)));
        let mut account = Arc::unwrap_or_clone(account);
        let (users, keys) = filled(users, &keys);
        users.place(&mut account);
        account.access_keys = keys.by_id;
        account.keys_of = keys.of_owners;
        self.accounts.insert(id, Arc::new(account));
    }
}

/// Puts users and keys in order, side by side if there are many.
fn filled(users: Vec<Arc<User>>, keys: &[Arc<AccessKey>]) -> (FilledUsers, FilledKeys) {
    let keys = || FilledKeys::of(keys);
    if users.len() < USERS_FOR_THREAD {
        return (FilledUsers::of(users), keys());
    }
    thread::scope(|scope| {
        let thread = thread::Builder::new().spawn_scoped(scope, keys);
        let users = FilledUsers::of(users);
        // Where the system has no thread left, it is done here.
        let finished = thread.ok().and_then(|thread| thread.join().ok());
        (users, finished.unwrap_or_else(keys))
    })
}

/// Users, and who uses what by their names.
struct FilledUsers {
    users: Collection<User>,
    attached: Vec<(AttachedPolicy, imbl::OrdSet<FoldedName>)>,
    bounded: Vec<(AttachedPolicy, imbl::OrdSet<FoldedName>)>,
    members: Vec<(UniqueId, imbl::OrdSet<FoldedName>)>,
}

impl FilledUsers {
    fn of(users: Vec<Arc<User>>) -> FilledUsers {
        let mut by_name: Vec<(FoldedName, Arc<User>)> =
            users.iter().map(|user| (FoldedName::of(&user.name), Arc::clone(user))).collect();
        by_name.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let mut names = NamesOfUsers::default();
        for (name, user) in &by_name {
            names.note(name, user);
        }
        FilledUsers {
            users: Collection::filled(users, by_name),
            attached: sets(names.attached),
            bounded: sets(names.bounded),
            members: sets(names.members),
        }
    }

    fn place(self, account: &mut Account) {
        for (policy, names) in self.attached {
            account.policy_uses.entry(policy).or_default().users = names;
        }
        for (policy, names) in self.bounded {
            account.policy_uses.entry(policy).or_default().bounded_users = names;
        }
        account.members.extend(self.members);
        account.users = self.users;
    }
}

fn sets<K>(names: HashMap<K, Vec<FoldedName>>) -> Vec<(K, imbl::OrdSet<FoldedName>)> {
    names.into_iter().map(|(key, names)| (key, full(names))).collect()
}

/// Access keys by id, and whose they are.
struct FilledKeys {
    by_id: imbl::OrdMap<AccessKeyId, Arc<AccessKey>>,
    of_owners: imbl::OrdMap<KeyOwner, Arc<[AccessKeyId]>>,
}

impl FilledKeys {
    fn of(keys: &[Arc<AccessKey>]) -> FilledKeys {
        let mut by_id: Vec<(AccessKeyId, Arc<AccessKey>)> =
            keys.iter().map(|key| (key.id.clone(), Arc::clone(key))).collect();
        by_id.sort_by(|(one, _), (other, _)| one.cmp(other));
        // With the owners beside them, so that sorting does not look up each key again and again.
        let mut keys: Vec<(KeyOwner, &AccessKey)> =
            keys.iter().map(|key| (key.owner, &**key)).collect();
        keys.sort_unstable_by(|(owner, key), (other_owner, other)| {
            owner.cmp(other_owner).then_with(|| key.age_order().cmp(&other.age_order()))
        });
        let of_owners = keys.chunk_by(|(owner, _), (other, _)| owner == other);
        let of_owners = of_owners.filter_map(|keys| {
            let ids: Arc<[AccessKeyId]> = keys.iter().map(|(_, key)| key.id.clone()).collect();
            keys.first().map(|(owner, _)| (*owner, ids))
        });
        FilledKeys { of_owners: full(of_owners.collect()), by_id: full(by_id) }
    }
}

/// Who uses what, by folded name and in the order of these.
#[derive(Default)]
struct NamesOfUsers {
    attached: HashMap<AttachedPolicy, Vec<FoldedName>>,
    bounded: HashMap<AttachedPolicy, Vec<FoldedName>>,
    members: HashMap<UniqueId, Vec<FoldedName>>,
}

impl NamesOfUsers {
    fn note(&mut self, name: &FoldedName, user: &User) {
        for policy in &user.attached {
            self.attached.entry(policy.clone()).or_default().push(name.clone());
        }
        if let Some(policy) = &user.boundary {
            self.bounded.entry(policy.clone()).or_default().push(name.clone());
        }
        for group in &user.groups {
            self.members.entry(*group).or_default().push(name.clone());
        }
    }
}

/// A map of sorted entries, or a set, with full leaves.
pub(in crate::state) fn full<E, M: Default + Extend<E>>(sorted: Vec<E>) -> M {
    let mut map = M::default();
    let mut rest = Vec::with_capacity(sorted.len() / 2);
    // One after the other they would leave every leaf half empty, because a full one is split: so
    // every other one comes first, and the rest fills the gaps.
    map.extend(sorted.into_iter().enumerate().filter_map(|(place, entry)| {
        if place % 2 == 0 {
            return Some(entry);
        }
        rest.push(entry);
        None
    }));
    map.extend(rest);
    map
}
