//! What a process is told that only decides: the state without its secrets, and how two states
//! differ in that.
//!
//! It is a list of what is told, and not of what is kept back: a kind of entity that is new, or a
//! member of one that is copied here by name, is not told of unless somebody has thought about it.

use std::sync::Arc;

use iamd_wire::{Secret, Timestamp};

use super::access_key::AccessKey;
use super::account::Account;
use super::bucket::{Bucket, BucketName};
use super::collection::{Collection, Named};
use super::directory::Directory;
use super::entity::{AccountSettings, Entity, EntityKey, Group, Policy, Role, User};
use super::operator::RevokedSession;
use super::{Change, State};
use crate::account_id::AccountId;
use crate::unique_id::{AccessKeyId, UniqueId};

/// One step from what is told of an older state to what is told of a newer one.
#[derive(Debug, Clone)]
pub enum Difference<'a> {
    /// The entity is new, or another than it was.
    Put(Told<'a>),
    /// The entity is there no longer.
    Remove(EntityKey),
}

/// An entity that is told of, where the state holds it.
#[derive(Debug, Clone, Copy)]
pub enum Told<'a> {
    /// Facts of the account, without root's password and e-mail address.
    Settings(&'a AccountSettings),
    /// A user.
    User(&'a User),
    /// A group.
    Group(&'a Group),
    /// A role.
    Role(&'a Role),
    /// A managed policy.
    Policy(&'a Policy),
    /// An access key, without its secret.
    AccessKey(&'a AccessKey),
    /// An ended temporary credential.
    RevokedSession(&'a AccessKeyId, Timestamp),
    /// A bucket.
    Bucket(&'a Bucket),
    /// Whose a bucket is.
    BucketName(&'a str, AccountId),
}

impl Told<'_> {
    /// The entity as it is told.
    pub fn entity(&self) -> Entity {
        match *self {
            Told::Settings(settings) => Entity::Settings(AccountSettings {
                account: settings.account,
                root_email: Box::default(),
                root_password_hash: None,
                created: settings.created,
                alias: settings.alias.clone(),
                root_sessions_not_before: settings.root_sessions_not_before,
                closed: settings.closed,
                sessions_not_before: settings.sessions_not_before,
            }),
            Told::User(user) => Entity::User(user.clone()),
            Told::Group(group) => Entity::Group(group.clone()),
            Told::Role(role) => Entity::Role(role.clone()),
            Told::Policy(policy) => Entity::Policy(policy.clone()),
            Told::AccessKey(key) => Entity::AccessKey(AccessKey {
                id: key.id.clone(),
                owner: key.owner,
                secret: Secret::from(String::new()),
                status: key.status,
                created: key.created,
                rank: key.rank,
            }),
            Told::RevokedSession(id, expires) => {
                Entity::RevokedSession(RevokedSession { id: id.clone(), expires })
            }
            Told::Bucket(bucket) => Entity::Bucket(bucket.clone()),
            Told::BucketName(name, account) => {
                Entity::BucketName(BucketName { name: name.into(), account })
            }
        }
    }
}

impl Difference<'_> {
    /// The same as a change.
    pub fn to_change(&self) -> Change {
        match self {
            Difference::Put(told) => Change::Put(told.entity()),
            Difference::Remove(key) => Change::Remove(key.clone()),
        }
    }
}

impl State {
    /// What makes what is told of an older state to what is told of this one, by account; in the
    /// same order every time for the same two states.
    pub fn differences<'a>(
        &'a self,
        older: &'a State,
    ) -> impl Iterator<Item = (AccountId, Difference<'a>)> {
        let alike = |one: &Account, other: &Account| one.version() == other.version();
        let here = self.accounts.iter().filter_map(move |(id, account)| {
            let before = older.accounts.get(id).map(|before| &**before);
            let is_changed = !before.is_some_and(|before| alike(before, account));
            is_changed.then_some((*id, before, Some(&**account)))
        });
        let gone = older.accounts.iter().filter(|(id, _)| !self.accounts.contains_key(*id));
        let gone = gone.map(|(id, before)| (*id, Some(&**before), None));
        let of_accounts = here.chain(gone).flat_map(|(id, before, after)| {
            of_account(before, after).map(move |difference| (id, difference))
        });
        let of_directory = bucket_names(&older.directory, &self.directory);
        of_accounts.chain(of_directory.map(|difference| (AccountId::DIRECTORY, difference)))
    }
}

fn of_account<'a>(
    before: Option<&'a Account>,
    after: Option<&'a Account>,
) -> impl Iterator<Item = Difference<'a>> {
    settings(before, after)
        .chain(collection(before, after, Account::users, EntityKey::User, Told::User))
        .chain(collection(before, after, Account::groups, EntityKey::Group, Told::Group))
        .chain(collection(before, after, Account::roles, EntityKey::Role, Told::Role))
        .chain(collection(before, after, Account::policies, EntityKey::Policy, Told::Policy))
        .chain(access_keys(before, after))
        .chain(revoked_sessions(before, after))
        .chain(buckets(before, after))
}

fn settings<'a>(
    before: Option<&'a Account>,
    after: Option<&'a Account>,
) -> impl Iterator<Item = Difference<'a>> {
    let old = before.and_then(Account::settings);
    let new = after.and_then(Account::settings);
    let difference = match (old, new) {
        (Some(old), Some(new)) if Arc::ptr_eq(old, new) => None,
        (_, Some(new)) => Some(Difference::Put(Told::Settings(new))),
        (Some(_), None) => Some(Difference::Remove(EntityKey::Settings)),
        (None, None) => None,
    };
    difference.into_iter()
}

fn collection<'a, T: Named>(
    before: Option<&'a Account>,
    after: Option<&'a Account>,
    of: fn(&Account) -> &Collection<T>,
    key: fn(UniqueId) -> EntityKey,
    told: fn(&'a T) -> Told<'a>,
) -> impl Iterator<Item = Difference<'a>> {
    let (old, new) = (before.map(of), after.map(of));
    let removed = old.into_iter().flat_map(Collection::iter);
    let removed =
        removed.filter(move |entity| new.is_none_or(|new| new.with_id(entity.id()).is_none()));
    let put = new.into_iter().flat_map(Collection::iter).filter(move |entity| {
        let before = old.and_then(|old| old.with_id(entity.id()));
        !before.is_some_and(|before| Arc::ptr_eq(before, entity))
    });
    let removed = removed.map(move |entity| Difference::Remove(key(entity.id())));
    removed.chain(put.map(move |entity| Difference::Put(told(entity))))
}

fn access_keys<'a>(
    before: Option<&'a Account>,
    after: Option<&'a Account>,
) -> impl Iterator<Item = Difference<'a>> {
    let of = |account: Option<&'a Account>| account.into_iter().flat_map(Account::access_keys);
    let removed = of(before)
        .filter(move |key| after.is_none_or(|after| after.access_key(&key.id).is_none()))
        .map(|key| Difference::Remove(EntityKey::AccessKey(key.id.clone())));
    let put = of(after).filter(move |key| {
        let before = before.and_then(|before| before.access_key(&key.id));
        !before.is_some_and(|before| Arc::ptr_eq(before, key))
    });
    removed.chain(put.map(|key| Difference::Put(Told::AccessKey(key))))
}

fn revoked_sessions<'a>(
    before: Option<&'a Account>,
    after: Option<&'a Account>,
) -> impl Iterator<Item = Difference<'a>> {
    let of = |account: Option<&'a Account>| account.map(Account::revoked_sessions);
    let (old, new) = (of(before), of(after));
    let removed = old.into_iter().flatten();
    let removed = removed.filter(move |(id, _)| new.is_none_or(|new| !new.contains_key(*id)));
    let put = new
        .into_iter()
        .flatten()
        .filter(move |(id, expires)| old.and_then(|old| old.get(*id)) != Some(*expires));
    let removed = removed.map(|(id, _)| Difference::Remove(EntityKey::RevokedSession(id.clone())));
    removed.chain(put.map(|(id, expires)| Difference::Put(Told::RevokedSession(id, *expires))))
}

fn buckets<'a>(
    before: Option<&'a Account>,
    after: Option<&'a Account>,
) -> impl Iterator<Item = Difference<'a>> {
    let of = |account: Option<&'a Account>| account.map(Account::buckets);
    let (old, new) = (of(before), of(after));
    let removed = old.into_iter().flatten();
    let removed = removed.filter(move |(name, _)| new.is_none_or(|new| !new.contains_key(*name)));
    let put = new.into_iter().flatten().filter(move |(name, bucket)| {
        let before = old.and_then(|old| old.get(*name));
        !before.is_some_and(|before| Arc::ptr_eq(before, bucket))
    });
    let removed = removed.map(|(name, _)| Difference::Remove(EntityKey::Bucket(name.clone())));
    removed.chain(put.map(|(_, bucket)| Difference::Put(Told::Bucket(bucket))))
}

fn bucket_names<'a>(
    before: &'a Directory,
    after: &'a Directory,
) -> impl Iterator<Item = Difference<'a>> {
    let is_same = before.has_buckets_of(after);
    let removed = before.buckets().filter(|(name, _)| after.owner_of_bucket(name).is_none());
    let put =
        after.buckets().filter(|(name, account)| before.owner_of_bucket(name) != Some(*account));
    let removed = removed.map(|(name, _)| Difference::Remove(EntityKey::BucketName(name.into())));
    let put = put.map(|(name, account)| Difference::Put(Told::BucketName(name, account)));
    removed.chain(put).take(if is_same { 0 } else { usize::MAX })
}
