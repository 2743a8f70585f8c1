//! What is unique among all accounts, or of two of them: aliases, root e-mail addresses, names of
//! buckets, requests for delegation.

use std::ops::Bound;
use std::sync::Arc;

use minicbor::{Decode, Encode};

use super::Change;
use super::bucket::BucketName;
use super::delegation::DelegationRequest;
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
    delegation_requests: imbl::HashMap<Box<str>, Arc<DelegationRequest>>,
    /// Ids by the account that asks and its own id of the request.
    delegation_workflows: imbl::OrdMap<(AccountId, Box<str>), Box<str>>,
    /// Ids of requests that have an owner, by his account.
    delegation_owners: imbl::OrdSet<(AccountId, Box<str>)>,
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

    /// The request for delegation of this id.
    pub fn delegation_request(&self, id: &str) -> Option<&Arc<DelegationRequest>> {
        self.delegation_requests.get(id)
    }

    /// The requests that an account has made.
    pub fn delegation_requests_of(
        &self,
        requestor: AccountId,
    ) -> impl Iterator<Item = &Arc<DelegationRequest>> {
        let own = self.delegation_workflows.range((requestor, Box::from(""))..);
        own.take_while(move |((account, _), _)| *account == requestor)
            .filter_map(|(_, id)| self.delegation_requests.get(id))
    }

    /// The request of an account with this id of its own.
    pub fn delegation_request_of_workflow(
        &self,
        requestor: AccountId,
        workflow: &str,
    ) -> Option<&Arc<DelegationRequest>> {
        let id = self.delegation_workflows.get(&(requestor, Box::from(workflow)))?;
        self.delegation_requests.get(id)
    }

    /// The requests that somebody in this account has taken on, by id, behind one.
    pub fn delegation_requests_owned_by(
        &self,
        owner: AccountId,
        behind: Option<&str>,
    ) -> impl Iterator<Item = &Arc<DelegationRequest>> {
        let from = (owner, Box::from(behind.unwrap_or_default()));
        let owned = self.delegation_owners.range((Bound::Excluded(from), Bound::Unbounded));
        owned
            .take_while(move |(account, _)| *account == owner)
            .filter_map(|(_, id)| self.delegation_requests.get(id))
    }

    fn put_delegation(&mut self, request: &DelegationRequest) {
        self.remove_delegation(&request.id);
        let workflow = (request.requestor, request.workflow.clone());
        self.delegation_workflows.insert(workflow, request.id.clone());
        if let (Some(account), Some(_)) = (request.owner_account, &request.owner) {
            self.delegation_owners.insert((account, request.id.clone()));
        }
        self.delegation_requests.insert(request.id.clone(), Arc::new(request.clone()));
    }

    fn remove_delegation(&mut self, id: &str) {
        let Some(old) = self.delegation_requests.remove(id) else { return };
        self.delegation_workflows.remove(&(old.requestor, old.workflow.clone()));
        if let Some(account) = old.owner_account {
            self.delegation_owners.remove(&(account, old.id.clone()));
        }
    }

    /// The account that owns this bucket.
    pub fn owner_of_bucket(&self, name: &str) -> Option<AccountId> {
        self.buckets.get(name).copied()
    }

    /// All buckets with the accounts that own them, in no order.
    pub fn buckets(&self) -> impl Iterator<Item = (&str, AccountId)> {
        self.buckets.iter().map(|(name, account)| (&**name, *account))
    }

    /// Whether the buckets are surely those of another directory; told without looking at each.
    pub(super) fn has_buckets_of(&self, other: &Directory) -> bool {
        self.buckets.ptr_eq(&other.buckets)
    }

    /// Everything that the directory holds, in no order.
    pub(super) fn entities(&self) -> impl Iterator<Item = Entity> {
        let aliases = self.aliases.iter().map(|(alias, account)| {
            Entity::Alias(Alias { alias: alias.clone(), account: *account })
        });
        let emails = self.root_emails.iter().map(|(email, account)| {
            Entity::RootEmail(RootEmail { email: email.clone(), account: *account })
        });
        let buckets = self.buckets.iter().map(|(name, account)| {
            Entity::BucketName(BucketName { name: name.clone(), account: *account })
        });
        let requests = self.delegation_requests.values();
        let requests = requests.map(|it| Entity::DelegationRequest(DelegationRequest::clone(it)));
        aliases.chain(emails).chain(buckets).chain(requests)
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
                Change::Put(Entity::DelegationRequest(request)) => self.put_delegation(request),
                Change::Remove(EntityKey::DelegationRequest(id)) => self.remove_delegation(id),
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
