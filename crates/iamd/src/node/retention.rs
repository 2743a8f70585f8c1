//! Forgetting records of the store that are older than anybody wants them.

use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_store::{AccountCommit, CommitError};

use super::load::store_fault;
use super::{Node, Published};
use crate::fault::Fault;

impl Node {
    /// Forgets the records of an account up to a number; the last one always stays.
    ///
    /// The ledger says first that they may be missing, so that others are missed.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn forget_records(
        self: &Arc<Node>,
        account: AccountId,
        up_to: u64,
    ) -> Result<(), Fault> {
        let queue = self.queue(account);
        let _turn = queue.turn().await;
        let base = self.snapshot();
        let (expected, mut log) = (base.revision(account), self.ledgers.log(account));
        if up_to <= log.forgotten || up_to >= log.last {
            return Ok(());
        }
        log.forgotten = up_to;
        let stored = iamd_store::AccountId(account.number());
        let mut commit = AccountCommit::new(stored, expected);
        let step = self.ledgers.step(&base.keys, account, expected, [], log)?;
        // Another node was faster: there is time.
        let Some(mut step) = step else { return Ok(()) };
        commit.seal = std::mem::take(&mut step.seal);
        let committed = match self.store.commit(vec![commit]).await {
            Ok(committed) => committed,
            Err(CommitError::Conflict { .. }) => return Ok(()),
            Err(CommitError::Store(error)) => return Err(store_fault(error)),
        };
        self.publish(Published {
            changes: &[],
            revisions: &[(account, expected.next())],
            steps: vec![(account, step)],
            cursor: committed.cursor,
        });
        self.store.forget_records(stored, up_to).await.map_err(store_fault)
    }
}
