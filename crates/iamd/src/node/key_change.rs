//! Changing the stored keys, and taking in what others changed.

use std::collections::HashMap;
use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::record::RecordKey;
use iamd_store::CommitError;

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

/// Why the stored keys were not sealed under another master key.
pub(super) enum Rewrap {
    /// They were not.
    Undone(Fault),
    /// Perhaps they were.
    Unknown(Fault),
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
            let prepared = key_store::commit(&master, &stored.ledger, &puts, &removes)?;
            match self.store.commit(vec![prepared.commit]).await {
                Ok(_) => {
                    // Not read again: the store may be away by now, and the keys are in force.
                    let stored = stored.after(prepared.step, puts, &removes);
                    self.publish_keys(&master, stored)?;
                    return Ok(true);
                }
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Store(error)) => return Err(store_fault(error)),
            }
        }
        Err(Fault::Unavailable("other nodes change the keys all the time".to_owned()))
    }

    /// Seals all stored keys under another master key, in one commit. Keys that are under it already,
    /// because the answer to that commit was lost, are taken in.
    ///
    /// # Errors
    /// What the store answers.
    pub(super) async fn rewrap_keys(&self, master: &Arc<SealingKey>) -> Result<(), Rewrap> {
        let queue = self.queue(AccountId::KEYS);
        let _turn = queue.turn().await;
        let old = Arc::clone(self.snapshot().keys.master());
        let read = key_store::read(&*self.store).await.map_err(Rewrap::Undone)?;
        let stored = match key_store::proven(&old, &read) {
            Ok(stored) => stored,
            Err(fault) => {
                let stored = key_store::proven(master, &read).map_err(|_| Rewrap::Undone(fault))?;
                return self.publish_keys(master, stored).map_err(Rewrap::Undone);
            }
        };
        // All rows are written anew, so that the ledger under the new key begins with none.
        let mut ledger = Ledger::new(master);
        ledger.finish(stored.ledger.revision());
        let prepared = key_store::commit(master, &ledger, &stored.rows, &[]);
        let prepared = prepared.map_err(Rewrap::Undone)?;
        self.store.commit(vec![prepared.commit]).await.map_err(|error| match error {
            CommitError::Conflict { .. } => Rewrap::Undone(Fault::Unavailable(
                "another node changed the keys meanwhile".to_owned(),
            )),
            // Nobody can say whether it happened.
            CommitError::Store(error) => Rewrap::Unknown(store_fault(error)),
        })?;
        ledger.take(prepared.step);
        let stored = StoredKeys { rows: stored.rows, ledger };
        self.publish_keys(master, stored).map_err(Rewrap::Unknown)
    }

    /// Makes the keyring anew of the stored keys, and puts it in force; older keys than those in force
    /// change nothing.
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
