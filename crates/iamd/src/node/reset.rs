//! Putting everything back to how it was once; only `iamd dev` does that.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::record::RecordKey;
use iamd_store::{AccountCommit, CommitError, Head, Revision, Row, RowKey, RowRef, RowVisitor};

use super::Node;
use super::load::store_fault;
use crate::fault::Fault;
use crate::keys::{Keyring, Ledger};

/// How often a reset is tried again when a write came between.
const RACES_MAX: usize = 16;

/// All rows as they were at one moment, sealed as the store holds them, and the keys that open them.
pub struct Start {
    accounts: BTreeMap<iamd_store::AccountId, Rows>,
    keys: Arc<Keyring>,
}

struct Rows {
    revision: Revision,
    rows: Vec<Row>,
}

impl Node {
    /// Remembers everything as it is now, the stored keys left out.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn remember(&self) -> Result<Start, Fault> {
        let mut collector = Collector(BTreeMap::new());
        self.store.load_all(&mut collector).await.map_err(store_fault)?;
        let mut accounts = collector.0;
        accounts.remove(&iamd_store::AccountId(AccountId::KEYS.number()));
        Ok(Start { accounts, keys: Arc::clone(&self.snapshot().keys) })
    }

    /// Puts everything back: accounts, facts and the clock.
    ///
    /// # Errors
    /// What the store answers; [`Fault::Unavailable`] when writes keep coming between.
    pub async fn put_back(&self, start: &Start) -> Result<(), Fault> {
        for _ in 0..RACES_MAX {
            let now = self.remember().await?;
            let mut lost_race = false;
            for (account, rows) in &now.accounts {
                let commit = self.difference(&now.keys, *account, rows, start)?;
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
        account: iamd_store::AccountId,
        now: &Rows,
        start: &Start,
    ) -> Result<AccountCommit, Fault> {
        let id = AccountId::from_stored(account.0)
            .ok_or_else(|| Fault::Bug("an account without a number".to_owned()))?;
        let revision = now.revision.next();
        let with = keys.sealing(id)?;
        let mut ledger = Ledger::new(with);
        // Records stay: what happened, happened.
        ledger.set_log(self.ledgers.log(id));
        let mut commit = AccountCommit::new(account, now.revision);
        for row in start.accounts.get(&account).into_iter().flat_map(|start| &start.rows) {
            let key = RecordKey { kind: row.key.kind, id: row.key.id.to_string() };
            let opened = start.keys.open(id, &key, &row.bytes)?;
            let sealed = with.seal_row(id, &key, revision, opened.content.to_vec())?;
            ledger.add(with, id, &key, revision);
            commit.puts.push(Row::new(row.key.clone(), sealed));
        }
        let kept: HashSet<&RowKey> = commit.puts.iter().map(|row| &row.key).collect();
        let removes = now.rows.iter().map(|row| &row.key).filter(|key| !kept.contains(key));
        let removes: Vec<RowKey> = removes.cloned().collect();
        commit.removes = removes;
        commit.seal = ledger.seal(with, id, revision)?;
        Ok(commit)
    }
}

struct Collector(BTreeMap<iamd_store::AccountId, Rows>);

impl RowVisitor for Collector {
    fn account(&mut self, account: iamd_store::AccountId, head: Head) -> ControlFlow<()> {
        self.0.insert(account, Rows { revision: head.revision, rows: Vec::new() });
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: RowRef<'_>) -> ControlFlow<()> {
        if let Some(mut last) = self.0.last_entry() {
            let key = RowKey::new(row.kind, row.id);
            last.get_mut().rows.push(Row::new(key, row.bytes.to_vec()));
        }
        ControlFlow::Continue(())
    }
}
