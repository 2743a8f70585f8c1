//! Changing the stored keys, and taking in what others changed.

use std::collections::HashMap;
use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::record::RecordKey;
use iamd_store::{AccountRows, CommitError};

use super::Node;
use super::key_store::{self, StoredKeys};
use super::load::store_fault;
use crate::fault::Fault;
use crate::keys::{KeyRow, Keyring, Ledger, SealingKey};

/// How often a change is planned again after another node was faster.
const RACES_MAX: usize = 16;

/// What changes among the stored keys.
#[derive(Default)]
pub(super) struct KeyChange {
    /// Keys that are added or replaced.
    pub(super) puts: Vec<KeyRow>,
    /// Keys that go.
    pub(super) removes: Vec<RecordKey>,
}

impl Node {
    /// Changes the stored keys in one commit, which is durable and in force when this returns. A plan
    /// that gives none changes nothing. Says whether anything changed.
    ///
    /// # Errors
    /// What the plan and the store answer.
    pub(super) async fn change_keys(
        &self,
        mut plan: impl FnMut(&[KeyRow]) -> Result<Option<KeyChange>, Fault>,
    ) -> Result<bool, Fault> {
        let queue = self.queue(AccountId::KEYS);
        let _turn = queue.turn().await;
        for _ in 0..RACES_MAX {
            let master = Arc::clone(self.snapshot().keys.master());
            let stored = key_store::proven(&master, &key_store::read(&*self.store).await?)?;
            let change = plan(&stored.rows)?;
            let Some(KeyChange { puts, removes }) = change else {
                self.publish_keys(&master, stored)?;
                return Ok(false);
            };
            let commit = key_store::commit(&master, &stored.ledger, &puts, &removes)?;
            match self.store.commit(vec![commit]).await {
                Ok(_) => {
                    self.take_in_keys(&key_store::read(&*self.store).await?)?;
                    return Ok(true);
                }
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Store(error)) => return Err(store_fault(error)),
            }
        }
        Err(Fault::Unavailable("other nodes change the keys all the time".to_owned()))
    }

    /// Seals all stored keys under another master key, in one commit.
    ///
    /// # Errors
    /// What the store answers.
    pub(super) async fn rewrap_keys(&self, master: &Arc<SealingKey>) -> Result<(), Fault> {
        let queue = self.queue(AccountId::KEYS);
        let _turn = queue.turn().await;
        let old = Arc::clone(self.snapshot().keys.master());
        let stored = key_store::proven(&old, &key_store::read(&*self.store).await?)?;
        // All rows are written anew, so that the ledger under the new key begins with none.
        let mut ledger = Ledger::new(master);
        ledger.finish(stored.ledger.revision());
        let commit = key_store::commit(master, &ledger, &stored.rows, &[])?;
        self.store.commit(vec![commit]).await.map_err(|error| match error {
            CommitError::Conflict { .. } => {
                Fault::Unavailable("another node changed the keys meanwhile".to_owned())
            }
            CommitError::Store(error) => store_fault(error),
        })?;
        let read = key_store::read(&*self.store).await?;
        self.publish_keys(master, key_store::proven(master, &read)?)
    }

    /// Makes the keyring anew of the rows of the pseudo-account of keys, and puts it in force; older
    /// rows than those in force change nothing.
    ///
    /// # Errors
    /// [`Fault::Damaged`] when they are not what was written; [`Fault::Folder`] when they are under
    /// another master key.
    pub(super) fn take_in_keys(&self, read: &AccountRows) -> Result<(), Fault> {
        let master = Arc::clone(self.snapshot().keys.master());
        self.publish_keys(&master, key_store::proven(&master, read)?)
    }

    fn publish_keys(&self, master: &Arc<SealingKey>, stored: StoredKeys) -> Result<(), Fault> {
        let StoredKeys { rows, ledger } = stored;
        let keyring = Arc::new(Keyring::new(Arc::clone(master), &rows)?);
        let revision = ledger.revision();
        let _publishing = self.lock_publishing();
        let current = self.snapshot.load();
        // INVARIANT: an account never goes back.
        if revision > current.revision(AccountId::KEYS) {
            self.ledgers.renew(HashMap::from([(AccountId::KEYS, ledger)]));
            self.snapshot.store(Arc::new(current.with_keys(keyring, revision)));
        }
        Ok(())
    }
}
