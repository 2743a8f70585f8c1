//! What is unique among all accounts: aliases, root e-mail addresses, and names of buckets.

use minicbor::{Decode, Encode};

use super::Change;
use super::entity::{Entity, EntityKey};
use crate::account_id::AccountId;

/// The name of an account; unique among all accounts.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Alias {
    /// The alias.
    #[n(0)]
    pub alias: Box<str>,
    /// The account.
    #[n(1)]
    pub account: AccountId,
}

/// The sign-in name of a root user; unique among all accounts.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RootEmail {
    /// The address, in lower case.
    #[n(0)]
    pub email: Box<str>,
    /// The account.
    #[n(1)]
    pub account: AccountId,
}

/// The directory of accounts; stored as a pseudo-account.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    aliases: imbl::HashMap<Box<str>, AccountId>,
    root_emails: imbl::HashMap<Box<str>, AccountId>,
    buckets: imbl::HashMap<Box<str>, AccountId>,
}

impl Directory {
    /// The account of this alias.
    pub fn account_of_alias(&self, alias: &str) -> Option<AccountId> {
        self.aliases.get(alias).copied()
    }

    /// The account whose root signs in with this address, whatever its letter case.
    pub fn account_of_root_email(&self, email: &str) -> Option<AccountId> {
        self.root_emails.get(email.to_lowercase().as_str()).copied()
    }

    /// The account that owns this bucket.
    pub fn owner_of_bucket(&self, name: &str) -> Option<AccountId> {
        self.buckets.get(name).copied()
    }

    pub(super) fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Put(Entity::Alias(alias)) => {
                    self.aliases.insert(alias.alias.clone(), alias.account);
                }
                Change::Put(Entity::RootEmail(email)) => {
                    self.root_emails.insert(email.email.clone(), email.account);
                }
                Change::Remove(EntityKey::Alias(alias)) => {
                    self.aliases.remove(alias);
                }
                Change::Remove(EntityKey::RootEmail(email)) => {
                    self.root_emails.remove(email);
                }
                Change::Put(Entity::BucketName(bucket)) => {
                    self.buckets.insert(bucket.name.clone(), bucket.account);
                }
                Change::Remove(EntityKey::BucketName(name)) => {
                    self.buckets.remove(name);
                }
                // Entities of accounts do not live here.
                Change::Put(_) | Change::Remove(_) => {}
            }
        }
    }
}
