//! Changing the stored keys, and taking in what others changed.

use std::collections::HashMap;
use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::audit::{Event, Outcome};
use iamd_core::record::RecordKey;
use iamd_store::{AccountCommit, CommitError, Revision};

use super::key_store::{self, Prepared, StoredKeys};
use super::load::store_fault;
use super::{Node, Published};
use crate::audit::{Recorded, recorded};
use crate::fault::Fault;
use crate::keys::{KeyRow, Keyring, Ledger, SealingKey, Step};

/// How often a change is planned again after another node was faster.
const RACES_MAX: usize = 16;

/// What changes among the stored keys.
#[derive(Default)]
pub(super) struct KeyChange {
    /// Keys that are added or replaced.
    pub(super) puts: Vec<KeyRow>,
    /// Keys that go.
    pub(super) removes: Vec<RecordKey>,
    /// What the trail says of it; nothing of what the node does by itself.
    pub(super) record: Option<KeyRecord>,
}

/// What the trail says of a change of keys: who wanted it, and what came of it.
pub(super) type KeyRecord = (Event, Outcome);

/// A record that is about to be committed to the log of operators.
struct Told {
    record: Recorded,
    number: u64,
    expected: Revision,
    step: Step,
}

/// Why stored keys were not changed.
pub(super) enum NotDone {
    /// They were not.
    Undone(Fault),
    /// Perhaps they were.
    Unknown(Fault),
}

impl From<Fault> for NotDone {
    fn from(fault: Fault) -> NotDone {
        NotDone::Undone(fault)
    }
}

impl NotDone {
    fn fault(self) -> Fault {
        match self {
            NotDone::Undone(fault) | NotDone::Unknown(fault) => fault,
        }
    }
}

impl Node {
    /// Changes the stored keys in one commit, together with the record of that, which is durable and
    /// in force when this returns. A plan that gives none changes nothing. Says whether anything
    /// changed.
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
            let Some(KeyChange { puts, removes, record }) = change else {
                self.publish_keys(&master, stored)?;
                return Ok(false);
            };
            let prepared = key_store::commit(&master, &stored.ledger, &puts, &removes)?;
            let after = |step| stored.after(step, puts, &removes);
            let committed = self.commit_keys(prepared, after, &master, record.as_ref()).await;
            if committed.map_err(NotDone::fault)? {
                return Ok(true);
            }
        }
        Err(lost_races())
    }

    /// Seals all stored keys under another master key, in one commit with the record of that. Keys
    /// that are under it already, because the answer to that commit was lost, are taken in.
    ///
    /// # Errors
    /// What the store answers.
    pub(super) async fn rewrap_keys(
        &self,
        master: &Arc<SealingKey>,
        record: &KeyRecord,
    ) -> Result<(), NotDone> {
        let queue = self.queue(AccountId::KEYS);
        let _turn = queue.turn().await;
        let old = Arc::clone(self.snapshot().keys.master());
        for _ in 0..RACES_MAX {
            let read = key_store::read(&*self.store).await?;
            let stored = match key_store::proven(&old, &read) {
                Ok(stored) => stored,
                Err(fault) => {
                    let stored = key_store::proven(master, &read).map_err(|_| fault)?;
                    return Ok(self.publish_keys(master, stored)?);
                }
            };
            // All rows are written anew, so that the ledger under the new key begins with none.
            let mut ledger = Ledger::new(master);
            ledger.finish(stored.ledger.revision());
            let prepared = key_store::commit(master, &ledger, &stored.rows, &[])?;
            let after = |step| {
                ledger.take(step);
                StoredKeys { rows: stored.rows, ledger }
            };
            if self.commit_keys(prepared, after, master, Some(record)).await? {
                return Ok(());
            }
        }
        Err(lost_races().into())
    }

    /// Commits a change of keys with its record, and puts both in force; false, and nothing is
    /// changed, if another node was faster. Whoever calls has the turn of the keys.
    async fn commit_keys(
        &self,
        prepared: Prepared,
        after: impl FnOnce(Step) -> StoredKeys,
        master: &Arc<SealingKey>,
        record: Option<&KeyRecord>,
    ) -> Result<bool, NotDone> {
        let operators = self.queue(AccountId::OPERATORS);
        let _turn = operators.turn().await;
        let mut commits = vec![prepared.commit];
        let record = record.filter(|_| self.audit().is_on());
        let told = match record {
            Some(record) => {
                let Some((commit, told)) = self.told(record)? else {
                    self.catch_up_with(None).await?;
                    return Ok(false);
                };
                commits.push(commit);
                Some(told)
            }
            None => None,
        };
        let committed = match self.store.commit(commits).await {
            Ok(committed) => committed,
            Err(CommitError::Conflict { account, revision }) => {
                if account.0 == AccountId::OPERATORS.number() {
                    self.catch_up_with(Some((account, revision))).await?;
                }
                return Ok(false);
            }
            // Nobody can say whether it happened.
            Err(CommitError::Store(error)) => return Err(NotDone::Unknown(store_fault(error))),
        };
        // Not read again: the store may be away by now, and the keys are in force.
        self.publish_keys(master, after(prepared.step)).map_err(NotDone::Unknown)?;
        if let Some(Told { record, number, expected, step }) = told {
            self.publish(Published {
                changes: &[],
                revisions: &[(AccountId::OPERATORS, expected.next())],
                steps: vec![(AccountId::OPERATORS, step)],
                cursor: committed.cursor,
            });
            self.audit().stored(AccountId::OPERATORS, number, vec![record]);
        }
        Ok(true)
    }

    /// The commit of a record to the log of operators; none if this node does not know the log's end.
    fn told(&self, (event, outcome): &KeyRecord) -> Result<Option<(AccountCommit, Told)>, Fault> {
        const ACCOUNT: AccountId = AccountId::OPERATORS;
        let base = self.snapshot();
        let (expected, mut log) = (base.revision(ACCOUNT), self.ledgers.log(ACCOUNT));
        let number = log.last.saturating_add(1);
        let record = recorded(event, outcome, ACCOUNT, self.clock.now())?;
        let sealed = log.append(base.keys.sealing(ACCOUNT)?, ACCOUNT, &record.text)?;
        let step = self.ledgers.step(&base.keys, ACCOUNT, expected, [], log)?;
        let Some(mut step) = step else { return Ok(None) };
        let mut commit = AccountCommit::new(iamd_store::AccountId(ACCOUNT.number()), expected);
        commit.records = vec![sealed];
        commit.seal = std::mem::take(&mut step.seal);
        Ok(Some((commit, Told { record, number, expected, step })))
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
            self.put_in_force(current.with_keys(Arc::clone(&keyring), revision));
            self.audit.take_up(&keyring);
        }
        Ok(())
    }
}

fn lost_races() -> Fault {
    Fault::Unavailable("other nodes change the keys all the time".to_owned())
}
