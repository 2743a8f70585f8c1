//! What the server knows: accounts, what lives in them, and how a change alters it.

mod access_key;
mod account;
mod attached_policy;
mod belongings;
mod bucket;
mod certificate;
mod collection;
mod delegation;
mod deletion_task;
mod directory;
mod document;
mod entity;
mod inline_policies;
mod mfa_devices;
mod operator;
mod policy_use;
mod preferences;
mod provider;
mod service_credential;
mod shared;
mod sign_in;

use std::sync::Arc;

pub use access_key::{AccessKey, AccessKeyStatus};
pub use account::{Account, AccountFilling, AccountVersion};
pub use attached_policy::AttachedPolicy;
pub use belongings::{AgePlace, Belonging, Belongings};
pub use bucket::{Bucket, BucketName, BucketPolicy, CorsRule, PublicAccessBlock};
pub use certificate::{ServerCertificate, SigningCertificate, SshPublicKey};
pub use collection::{Collection, Named};
pub use delegation::{DelegationParameter, DelegationParty, DelegationRequest, DelegationState};
pub use deletion_task::DeletionTask;
pub use directory::{Alias, Directory, RootEmail};
pub use document::PolicyDocument;
pub use entity::{
    AccountSettings, Entity, EntityKey, Group, InstanceProfile, KeyOwner, Policy, PolicyVersion,
    Role, Tag, User,
};
pub use inline_policies::{InlinePolicies, InlinePolicy};
pub use mfa_devices::MfaDevices;
pub use operator::{OperatorCredential, OperatorPurpose, Operators, RevokedSession};
pub use policy_use::PolicyUse;
pub use preferences::{Preferences, TokenVersion};
pub use provider::{AssertionEncryption, OidcProvider, SamlPrivateKey, SamlProvider};
pub use service_credential::ServiceCredential;
pub use shared::{Difference, Told};
pub use sign_in::{
    CredentialReport, LoginProfile, MfaAssignment, MfaDevice, MfaDeviceId, MfaKind, PasswordPolicy,
};

use crate::account_id::AccountId;
use crate::unique_id::AccessKeyId;

/// One step from a state to the next: an entity as it is from now on, or the end of one.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The entity exists from now on, in this form.
    Put(Entity),
    /// The entity exists no longer.
    Remove(EntityKey),
}

/// The changes that one command makes to one account.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountChanges {
    /// The account, or a pseudo-account.
    pub account: AccountId,
    /// The changes, in the order in which they are applied.
    pub changes: Vec<Change>,
}

/// An immutable picture of all accounts; copies share what they have in common.
#[derive(Debug, Clone, Default)]
pub struct State {
    accounts: imbl::OrdMap<AccountId, Arc<Account>>,
    directory: Directory,
    operators: Operators,
    /// Accounts of access keys whose ids carry none (chosen by an operator).
    foreign_keys: imbl::HashMap<AccessKeyId, AccountId>,
}

impl State {
    /// The account of this number.
    pub fn account(&self, id: AccountId) -> Option<&Arc<Account>> {
        self.accounts.get(&id)
    }

    /// All accounts, in ascending order of their numbers.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.accounts.values()
    }

    /// Account aliases and root e-mail addresses.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The credentials of operators.
    pub fn operators(&self) -> &Operators {
        &self.operators
    }

    /// A long-term access key together with its account.
    pub fn access_key(&self, id: &AccessKeyId) -> Option<(&Arc<Account>, &Arc<AccessKey>)> {
        let account = match self.foreign_keys.get(id) {
            Some(account) => *account,
            None => id.account()?,
        };
        let account = self.accounts.get(&account)?;
        Some((account, account.access_key(id)?))
    }

    /// Everything that an account, or a pseudo-account, holds, in no order; nothing of an account that
    /// is not there.
    pub fn entities(&self, account: AccountId) -> impl Iterator<Item = Entity> {
        let directory = (account == AccountId::DIRECTORY).then_some(&self.directory);
        let operators = (account == AccountId::OPERATORS).then_some(&self.operators);
        let credentials = operators.into_iter().flat_map(Operators::iter).cloned();
        let account = self.accounts.get(&account).into_iter();
        account
            .flat_map(|account| account.entities())
            .chain(directory.into_iter().flat_map(Directory::entities))
            .chain(credentials.map(Entity::OperatorCredential))
    }

    /// The state after these changes.
    pub fn apply(&mut self, changes: &AccountChanges) {
        match changes.account {
            AccountId::DIRECTORY => return self.directory.apply(&changes.changes),
            AccountId::OPERATORS => return self.operators.apply(&changes.changes),
            _ => {}
        }
        let mut account = match self.accounts.get(&changes.account) {
            Some(account) => Account::clone(account),
            None => Account::empty(changes.account),
        };
        account.begin_version();
        for change in &changes.changes {
            self.index_foreign_key(changes.account, change);
            account.apply(change);
        }
        if account.settings().is_some() {
            self.accounts.insert(changes.account, Arc::new(account));
        } else {
            // INVARIANT: an account exists exactly as long as its settings do.
            self.accounts.remove(&changes.account);
        }
    }

    /// Puts an account, or the directory, as `newer` has it in the place of what is here.
    pub fn take_over(&mut self, account: AccountId, newer: &State) {
        if account == AccountId::DIRECTORY {
            self.directory = newer.directory.clone();
            return;
        }
        self.foreign_keys.retain(|_, owner| *owner != account);
        let foreign = newer.foreign_keys.iter().filter(|(_, owner)| **owner == account);
        self.foreign_keys.extend(foreign.map(|(id, owner)| (id.clone(), *owner)));
        match newer.accounts.get(&account) {
            Some(held) => self.accounts.insert(account, Arc::clone(held)),
            None => self.accounts.remove(&account),
        };
    }

    fn index_foreign_key(&mut self, account: AccountId, change: &Change) {
        match change {
            Change::Put(Entity::AccessKey(key)) if key.id.account() != Some(account) => {
                self.foreign_keys.insert(key.id.clone(), account);
            }
            Change::Remove(EntityKey::AccessKey(id)) => {
                self.foreign_keys.remove(id);
            }
            Change::Put(_) | Change::Remove(_) => {}
        }
    }
}

#[cfg(test)]
mod shared_tests;
#[cfg(test)]
mod tests;
