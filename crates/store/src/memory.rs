//! The engine that keeps everything in memory: for tests, simulations and throw-away servers.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    ops::ControlFlow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::{
    AccountCommit, AccountId, AccountRows, Answer, CHANGES_ANSWER_BYTES_MAX,
    CHANGES_ANSWER_COMMITS_MAX, Change, ChangeSet, Changes, ClaimKey, Claimed, CommitError,
    Committed, CopyVisitor, Cursor, Fact, FactRef, FactVisitor, Head, Identity, Imported,
    RECORDS_ANSWER_MAX, Record, Revision, Row, RowKey, RowRef, RowVisitor, Store, StoreError,
    commit, copy, fact,
};

/// How many commits the feed of a [`Memory`] reaches back unless told otherwise.
pub const CHANGE_LOG_COMMITS: usize = 16_384;

/// A store in memory. Nothing outlives it.
///
/// As a test double it can also be made unavailable: see [`Memory::begin_outage`].
#[derive(Debug)]
pub struct Memory {
    content: Mutex<Content>,
    hint: watch::Sender<()>,
}

impl Memory {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::with_change_log(CHANGE_LOG_COMMITS)
    }

    /// An empty store whose feed reaches back `commits` commits (at least one).
    #[must_use]
    pub fn with_change_log(commits: usize) -> Self {
        let content = Content {
            incarnation: RandomState::new().hash_one("iamd"),
            change_log_commits: commits.max(1),
            ..Content::default()
        };
        Self { content: Mutex::new(content), hint: watch::Sender::new(()) }
    }

    /// From now on every call answers [`StoreError::Unavailable`] with this reason.
    pub fn begin_outage(&self, reason: impl Into<String>) {
        self.lock().outage = Some(StoreError::Unavailable { reason: reason.into() });
    }

    /// Ends what [`Memory::begin_outage`] began. Nothing was lost.
    pub fn end_outage(&self) {
        self.lock().outage = None;
    }

    /// Changes an account behind everybody's back, as whoever can write to a database could.
    pub fn tamper(&self, account: AccountId, change: impl FnOnce(&mut AccountRows)) {
        let mut content = self.lock();
        let Some(held) = content.accounts.get_mut(&account) else { return };
        let rows = held.rows.iter().map(|(key, bytes)| Row::new(key.clone(), &**bytes));
        let mut changed = AccountRows { head: held.head.clone(), rows: rows.collect() };
        change(&mut changed);
        held.head = changed.head;
        let rows = changed.rows.into_iter().map(|row| (row.key, Arc::from(row.bytes)));
        held.rows = rows.collect();
    }

    fn open(&self) -> Result<MutexGuard<'_, Content>, StoreError> {
        let content = self.lock();
        match (&content.outage, content.closed) {
            (_, true) => Err(StoreError::Closed),
            (Some(error), false) => Err(error.clone()),
            (None, false) => Ok(content),
        }
    }

    /// A panic elsewhere while the lock was held cannot leave a half commit: changes are made
    /// only after everything that can fail.
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for Memory {
    fn identity(&self) -> Identity {
        Identity { engine: "memory", layout: None }
    }

    fn load_all<'a>(
        &'a self,
        visitor: &'a mut dyn RowVisitor,
    ) -> Answer<'a, Result<Cursor, StoreError>> {
        Box::pin(async move {
            // Contents are shared, not copied; the lock is not held while the visitor works.
            let (accounts, cursor) = {
                let content = self.open()?;
                (content.accounts.clone(), content.cursor())
            };
            for (account, held) in &accounts {
                stop(visitor.account(*account, held.head.clone()))?;
                for (key, bytes) in &held.rows {
                    stop(visitor.row(RowRef { kind: key.kind, id: &key.id, bytes }))?;
                }
            }
            Ok(cursor)
        })
    }

    fn read_account(&self, account: AccountId) -> Answer<'_, Result<AccountRows, StoreError>> {
        Box::pin(async move {
            let content = self.open()?;
            let Some(held) = content.accounts.get(&account) else {
                return Ok(AccountRows::default());
            };
            let rows = held.rows.iter().map(|(key, bytes)| Row::new(key.clone(), &**bytes));
            Ok(AccountRows { head: held.head.clone(), rows: rows.collect() })
        })
    }

    fn commit(&self, list: Vec<AccountCommit>) -> Answer<'_, Result<Committed, CommitError>> {
        Box::pin(async move {
            commit::check(&list)?;
            let committed = self.open()?.commit(list)?;
            self.hint.send_replace(());
            Ok(committed)
        })
    }

    fn changes(&self, after: Cursor) -> Answer<'_, Result<Changes, StoreError>> {
        Box::pin(async move { Ok(self.open()?.changes(after)) })
    }

    fn hint(&self) -> watch::Receiver<()> {
        self.hint.subscribe()
    }

    fn claim<'a>(
        &'a self,
        key: &'a ClaimKey,
        expiry: i64,
        now: i64,
    ) -> Answer<'a, Result<Claimed, StoreError>> {
        Box::pin(async move {
            let mut content = self.open()?;
            content.claims.retain(|_, held_until| *held_until > now);
            if expiry <= now || content.claims.contains_key(key) {
                return Ok(Claimed::Already);
            }
            content.claims.insert(key.clone(), expiry);
            Ok(Claimed::First)
        })
    }

    fn merge_facts(&self, facts: Vec<Fact>) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(async move {
            fact::check(&facts)?;
            let mut content = self.open()?;
            for fact in facts {
                let new = (fact.at, fact.bytes);
                let held =
                    content.facts.entry((fact.account, fact.key)).or_insert_with(|| new.clone());
                if *held < new {
                    *held = new;
                }
            }
            Ok(())
        })
    }

    fn forget_facts(&self, keys: Vec<(AccountId, Box<str>)>) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let mut content = self.open()?;
            for key in &keys {
                content.facts.remove(key);
            }
            Ok(())
        })
    }

    fn read_facts<'a>(
        &'a self,
        visitor: &'a mut dyn FactVisitor,
    ) -> Answer<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let facts = self.open()?.facts.clone();
            for ((account, key), (at, bytes)) in &facts {
                stop(visitor.fact(FactRef { account: *account, key, at: *at, bytes }))?;
            }
            Ok(())
        })
    }

    fn read_records(
        &self,
        account: AccountId,
        after: u64,
        most: usize,
    ) -> Answer<'_, Result<Vec<Record>, StoreError>> {
        Box::pin(async move {
            let content = self.open()?;
            let records = content.accounts.get(&account).map(|held| &held.records);
            let newer =
                records.into_iter().flat_map(|records| records.range(after.saturating_add(1)..));
            let record = |(number, bytes): (&u64, &Arc<[u8]>)| Record {
                number: *number,
                bytes: bytes.to_vec(),
            };
            Ok(newer.take(most.min(RECORDS_ANSWER_MAX)).map(record).collect())
        })
    }

    fn forget_records(&self, account: AccountId, up_to: u64) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let mut content = self.open()?;
            if let Some(held) = content.accounts.get_mut(&account) {
                let newest = held.records.last_key_value().map_or(0, |(number, _)| *number);
                held.records.retain(|number, _| *number > up_to || *number == newest);
            }
            Ok(())
        })
    }

    fn copy_all<'a>(
        &'a self,
        first: AccountId,
        visitor: &'a mut dyn CopyVisitor,
    ) -> Answer<'a, Result<Cursor, StoreError>> {
        Box::pin(async move {
            let (accounts, facts, claims, cursor) = {
                let content = self.open()?;
                let claims: BTreeMap<_, _> = content.claims.clone().into_iter().collect();
                (content.accounts.clone(), content.facts.clone(), claims, content.cursor())
            };
            let others = accounts.iter().filter(|(account, _)| **account != first);
            for (account, held) in accounts.get_key_value(&first).into_iter().chain(others) {
                stop(visitor.account(*account, held.head.clone()))?;
                for (key, bytes) in &held.rows {
                    stop(visitor.row(RowRef { kind: key.kind, id: &key.id, bytes }))?;
                }
                for (number, bytes) in &held.records {
                    stop(visitor.record(*number, bytes))?;
                }
            }
            for ((account, key), (at, bytes)) in &facts {
                stop(visitor.fact(FactRef { account: *account, key, at: *at, bytes }))?;
            }
            for (key, expiry) in &claims {
                stop(visitor.claim(key.as_bytes(), *expiry))?;
            }
            Ok(cursor)
        })
    }

    fn import(&self, list: Vec<Imported>) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(async move {
            copy::check(&list)?;
            let mut content = self.open()?;
            // On a copy first, so that a list happens whole or not at all.
            let mut next = Content {
                accounts: content.accounts.clone(),
                facts: content.facts.clone(),
                claims: content.claims.clone(),
                ..Content::default()
            };
            for thing in list {
                next.import(thing)?;
            }
            content.accounts = next.accounts;
            content.facts = next.facts;
            content.claims = next.claims;
            Ok(())
        })
    }

    fn forget_changes(&self) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let mut content = self.open()?;
            let old = content.change_log.len().saturating_sub(1);
            content.change_log.drain(..old);
            Ok(())
        })
    }

    fn close(&self) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.lock().closed = true;
            Ok(())
        })
    }
}

#[derive(Debug, Default)]
struct Content {
    incarnation: u64,
    sequence: u64,
    accounts: BTreeMap<AccountId, Account>,
    change_log: VecDeque<ChangeSet>,
    change_log_commits: usize,
    claims: HashMap<ClaimKey, i64>,
    facts: BTreeMap<(AccountId, Box<str>), (i64, Vec<u8>)>,
    outage: Option<StoreError>,
    closed: bool,
}

#[derive(Clone, Debug, Default)]
struct Account {
    head: Head,
    rows: BTreeMap<RowKey, Arc<[u8]>>,
    records: BTreeMap<u64, Arc<[u8]>>,
}

impl Content {
    fn cursor(&self) -> Cursor {
        Cursor { incarnation: self.incarnation, sequence: self.sequence }
    }

    fn commit(&mut self, list: Vec<AccountCommit>) -> Result<Committed, CommitError> {
        for commit in &list {
            let held = self.accounts.get(&commit.account);
            let revision = held.map_or(Revision::ABSENT, |held| held.head.revision);
            if revision != commit.expected {
                return Err(CommitError::Conflict { account: commit.account, revision });
            }
        }
        self.sequence += 1;
        let changes: Vec<Change> = list.into_iter().map(|commit| self.apply(commit)).collect();
        let revisions = changes.iter().map(|change| (change.account, change.revision)).collect();
        let cursor = self.cursor();
        self.change_log.push_back(ChangeSet { cursor, changes });
        if self.change_log.len() > self.change_log_commits {
            self.change_log.pop_front();
        }
        Ok(Committed { cursor, revisions })
    }

    fn apply(&mut self, commit: AccountCommit) -> Change {
        let AccountCommit { account, expected, puts, removes, seal, records } = commit;
        let revision = expected.next();
        let held = self.accounts.entry(account).or_default();
        held.head = Head { revision, seal: seal.clone() };
        let newest = held.records.last_key_value().map_or(0, |(number, _)| *number);
        let numbered = (newest + 1..).zip(records.iter().map(|record| record.as_slice().into()));
        held.records.extend(numbered);
        for row in &puts {
            held.rows.insert(row.key.clone(), row.bytes.as_slice().into());
        }
        for key in &removes {
            held.rows.remove(key);
        }
        Change { account, revision, puts, removes, seal }
    }

    fn import(&mut self, thing: Imported) -> Result<(), StoreError> {
        let misplaced = copy::misplaced(&thing);
        let fits = match thing {
            Imported::Account { account, head } => {
                let is_new = !self.accounts.contains_key(&account);
                self.accounts.entry(account).or_insert(Account { head, ..Account::default() });
                is_new
            }
            Imported::Row { account, row } => self.accounts.get_mut(&account).is_some_and(|held| {
                held.rows.insert(row.key, row.bytes.as_slice().into()).is_none()
            }),
            Imported::Record { account, record } => {
                self.accounts.get_mut(&account).is_some_and(|held| {
                    let newest = held.records.last_key_value().map(|(number, _)| *number);
                    let is_next = newest.is_none_or(|newest| newest + 1 == record.number);
                    held.records.insert(record.number, record.bytes.as_slice().into());
                    is_next && record.number > 0
                })
            }
            Imported::Fact(fact) => {
                let key = (fact.account, fact.key);
                self.facts.insert(key, (fact.at, fact.bytes)).is_none()
            }
            Imported::Claim { key, expiry } => self.claims.insert(key, expiry).is_none(),
        };
        if fits { Ok(()) } else { Err(misplaced) }
    }

    fn changes(&self, after: Cursor) -> Changes {
        let Some(missed) = self.sequence.checked_sub(after.sequence) else {
            return Changes::Lost;
        };
        let missed = usize::try_from(missed).unwrap_or(usize::MAX);
        if after.incarnation != self.incarnation || missed > self.change_log.len() {
            return Changes::Lost;
        }
        let mut bytes = 0;
        let fits = |set: &&ChangeSet| {
            let room = bytes < CHANGES_ANSWER_BYTES_MAX;
            let puts = set.changes.iter().flat_map(|change| &change.puts);
            bytes += puts.map(|row| row.bytes.len()).sum::<usize>();
            room
        };
        let news = self.change_log.iter().skip(self.change_log.len() - missed);
        Changes::List(news.take(CHANGES_ANSWER_COMMITS_MAX).take_while(fits).cloned().collect())
    }
}

fn stop(flow: ControlFlow<()>) -> Result<(), StoreError> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(StoreError::Stopped),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Memory;
    use crate::{
        AccountId, CommitError, Store, StoreError,
        conformance::{Fixture, Setup, put},
    };

    fn fixture(setup: Setup) -> Fixture {
        let commits = setup.change_log_commits.unwrap_or(super::CHANGE_LOG_COMMITS);
        Fixture { store: Arc::new(Memory::with_change_log(commits)), guard: Box::new(()) }
    }

    crate::conformance_tests!(fixture);

    #[tokio::test]
    async fn an_outage_loses_nothing() {
        let store = Memory::new();
        put(&store, AccountId(1), 0, &[("user", "x")]).await.unwrap();
        store.begin_outage("on purpose");
        let away = StoreError::Unavailable { reason: "on purpose".into() };
        let refused = put(&store, AccountId(1), 1, &[("user", "y")]).await;
        assert_eq!(refused, Err(CommitError::Store(away.clone())));
        assert_eq!(store.read_account(AccountId(1)).await, Err(away));
        store.end_outage();
        put(&store, AccountId(1), 1, &[("user", "y")]).await.unwrap();
    }
}
