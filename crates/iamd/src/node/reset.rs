//! Putting everything back to how it was once; only `iamd dev` does that.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;

use iamd_store::{
    AccountCommit, AccountId, CommitError, Revision, Row, RowKey, RowRef, RowVisitor,
};

use super::Node;
use super::load::store_fault;
use crate::fault::Fault;

/// How often a reset is tried again when a write came between.
const RACES_MAX: usize = 16;

/// All rows as they were at one moment, sealed as the store holds them.
pub struct Start(BTreeMap<AccountId, Rows>);

struct Rows {
    revision: Revision,
    rows: Vec<Row>,
}

impl Node {
    /// Remembers everything as it is now.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn remember(&self) -> Result<Start, Fault> {
        let mut collector = Collector(BTreeMap::new());
        self.store.load_all(&mut collector).await.map_err(store_fault)?;
        Ok(Start(collector.0))
    }

    /// Puts everything back: accounts, facts and the clock.
    ///
    /// # Errors
    /// What the store answers; [`Fault::Unavailable`] when writes keep coming between.
    pub async fn put_back(&self, start: &Start) -> Result<(), Fault> {
        for _ in 0..RACES_MAX {
            let now = self.remember().await?;
            let mut lost_race = false;
            for (account, rows) in &now.0 {
                let commit = difference(*account, rows, start.0.get(account));
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
                return Ok(());
            }
        }
        Err(Fault::Unavailable("writes keep coming; reset again when they have ended".to_owned()))
    }
}

fn difference(account: AccountId, now: &Rows, start: Option<&Rows>) -> AccountCommit {
    let puts: Vec<Row> = start.map(|start| start.rows.clone()).unwrap_or_default();
    let kept: HashSet<&RowKey> = puts.iter().map(|row| &row.key).collect();
    let removes = now.rows.iter().map(|row| &row.key).filter(|key| !kept.contains(key));
    let removes = removes.cloned().collect();
    AccountCommit { account, expected: now.revision, puts, removes }
}

struct Collector(BTreeMap<AccountId, Rows>);

impl RowVisitor for Collector {
    fn account(&mut self, account: AccountId, revision: Revision) -> ControlFlow<()> {
        self.0.insert(account, Rows { revision, rows: Vec::new() });
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
