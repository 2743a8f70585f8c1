//! The state at one moment, with the revisions of its accounts.

use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::state::{AccountChanges, State};
use iamd_store::Revision;

use crate::keys::Keyring;

/// An immutable picture: state and revisions.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// All accounts.
    pub state: State,
    /// The keys in use.
    pub keys: Arc<Keyring>,
    revisions: imbl::HashMap<AccountId, Revision>,
}

impl Snapshot {
    pub(super) fn new(
        state: State,
        revisions: imbl::HashMap<AccountId, Revision>,
        keys: Arc<Keyring>,
    ) -> Snapshot {
        Snapshot { state, keys, revisions }
    }

    /// The revision of an account.
    pub fn revision(&self, account: AccountId) -> Revision {
        self.revisions.get(&account).copied().unwrap_or(Revision::ABSENT)
    }

    /// The same with these accounts as another state has them, as of these revisions.
    pub(super) fn with_accounts_of<'s>(
        &self,
        accounts: impl IntoIterator<Item = (AccountId, Revision, &'s State)>,
    ) -> Snapshot {
        let mut next = self.clone();
        for (account, revision, state) in accounts {
            next.state.take_over(account, state);
            next.revisions.insert(account, revision);
        }
        next
    }

    /// The same with whatever `other` knows in a newer revision.
    pub(super) fn or_newer(&self, other: &Snapshot) -> Snapshot {
        let newer =
            other.revisions.iter().filter(|(id, revision)| **revision > self.revision(**id));
        let newer = newer.map(|(account, revision)| (*account, *revision, &other.state));
        let mut next = self.with_accounts_of(newer);
        if other.revision(AccountId::KEYS) > self.revision(AccountId::KEYS) {
            next.keys = Arc::clone(&other.keys);
        }
        next
    }

    /// The revisions of all accounts.
    pub fn revisions(&self) -> &imbl::HashMap<AccountId, Revision> {
        &self.revisions
    }

    /// The picture with other keys, which are of this revision.
    pub(super) fn with_keys(&self, keys: Arc<Keyring>, revision: Revision) -> Snapshot {
        let mut next = Snapshot { keys, ..self.clone() };
        next.revisions.insert(AccountId::KEYS, revision);
        next
    }

    /// The picture after these changes.
    pub(super) fn after<'c>(
        &self,
        changes: impl IntoIterator<Item = &'c AccountChanges>,
        revisions: &[(AccountId, Revision)],
    ) -> Snapshot {
        let mut next = self.clone();
        changes.into_iter().for_each(|changes| next.state.apply(changes));
        for (account, revision) in revisions {
            next.revisions.insert(*account, *revision);
        }
        next
    }
}
