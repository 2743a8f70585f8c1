//! Putting everything back to how it was once; only `iamd dev` does that.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_store::{AccountCommit, CommitError, Head, Revision, Row, RowKey, RowRef, RowVisitor};

use super::Node;
use super::load::store_fault;
use super::snapshot::Snapshot;
use crate::fault::Fault;
use crate::keys::{Keyring, Ledger};

/// How often a reset is tried again when a write came between.
const RACES_MAX: usize = 16;

/// Everything as it was at one moment; shares what has not changed since.
pub struct Start(Arc<Snapshot>);

impl Node {
    /// Remembers everything as it is now, the stored keys left out.
    pub fn remember(&self) -> Start {
        Start(self.snapshot())
    }

    /// Puts everything back: accounts, facts and the clock.
    ///
    /// # Errors
    /// What the store answers; [`Fault::Unavailable`] when writes keep coming between.
    pub async fn put_back(&self, start: &Start) -> Result<(), Fault> {
        for _ in 0..RACES_MAX {
            let keys = Arc::clone(&self.snapshot().keys);
            let mut now = Collector(Vec::new());
            self.store.load_all(&mut now).await.map_err(store_fault)?;
            let mut lost_race = false;
            for rows in now.0 {
                if rows.account.0 == AccountId::KEYS.number() {
                    continue;
                }
                let commit = self.difference(&keys, &rows, start)?;
                match self.store.commit(vec![commit]).await {
                    Ok(_) => {}
                    Err(CommitError::Conflict { .. }) => lost_race = true,
                    Err(CommitError::Store(error)) => return Err(store_fault(error)),
                }
            }
            self.reload().await?;
            if !lost_race {
                self.facts.clear();
                self.clock.reset();
                self.renew_ring().await?;
                return Ok(());
            }
        }
        Err(Fault::Unavailable("writes keep coming; reset again when they have ended".to_owned()))
    }

    /// The commit that makes an account what it was at the start.
    fn difference(
        &self,
        keys: &Keyring,
        now: &Rows,
        start: &Start,
    ) -> Result<AccountCommit, Fault> {
        let id = AccountId::from_stored(now.account.0)
            .ok_or_else(|| Fault::Bug("an account without a number".to_owned()))?;
        let revision = now.revision.next();
        let with = keys.sealing(id)?;
        let mut ledger = Ledger::new(with);
        // Records stay: what happened, happened.
        ledger.set_log(self.ledgers.log(id));
        let mut commit = AccountCommit::new(now.account, now.revision);
        for entity in start.0.state.entities(id) {
            let key = entity.key().to_record();
            let sealed = with.seal_row(id, &key, revision, entity.to_bytes())?;
            ledger.add(with, id, &key, revision);
            commit.puts.push(Row::new(RowKey::new(key.kind, key.id), sealed));
        }
        let kept: HashSet<&RowKey> = commit.puts.iter().map(|row| &row.key).collect();
        let removes = now.rows.iter().filter(|key| !kept.contains(key)).cloned().collect();
        commit.removes = removes;
        commit.seal = ledger.seal(with, id, revision)?;
        Ok(commit)
    }
}

/// Which rows an account has.
struct Rows {
    account: iamd_store::AccountId,
    revision: Revision,
    rows: Vec<RowKey>,
}

struct Collector(Vec<Rows>);

impl RowVisitor for Collector {
    fn account(&mut self, account: iamd_store::AccountId, head: Head) -> ControlFlow<()> {
        self.0.push(Rows { account, revision: head.revision, rows: Vec::new() });
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: RowRef<'_>) -> ControlFlow<()> {
        if let Some(last) = self.0.last_mut() {
            last.rows.push(RowKey::new(row.kind, row.id));
        }
        ControlFlow::Continue(())
    }
}
