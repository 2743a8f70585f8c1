//! Following the store's change feed: what other nodes have committed, applied in order.
//!
//! The feed is trusted with nothing. A change is applied if its rows open, each as of the change's
//! revision, if that revision is the next one of its account, and if the seal is of just the rows
//! that there are then. Whatever does not fit (a gap, another key) is read again from the store.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use iamd_core::account_id::AccountId;
use iamd_core::record::RecordKey;
use iamd_core::state::{AccountChanges, Change as StateChange, Entity, EntityKey};
use iamd_store::{Change, ChangeSet, Changes, Cursor, Head, Revision, RowRef, RowVisitor};
use tokio::time::{Instant, sleep, timeout};

use super::load::{self, LoadedAccount, store_fault};
use super::{Node, Snapshot};
use crate::fault::Fault;
use crate::keys::{Entry, Keyring};

/// Least time between two questions to the feed: a burst of commits is one answer.
const PAUSE: Duration = Duration::from_millis(10);
/// Time after which the feed is asked without a hint that there is something new.
const POLL: Duration = Duration::from_secs(1);
/// Time after which all revisions are compared, in case the feed left something out.
// CHOICE: a feed that loses changes is a fault of an engine; reading everything costs the store.
const RECONCILE: Duration = Duration::from_secs(60 * 60);
/// Most answers of the feed before whoever follows does something else.
const ANSWERS_MAX: usize = 4_096;
/// How often the feed is asked for what a lost race says is there, before the store is.
const LATE_MAX: usize = 5;
/// Most commits of this node that are remembered so that they need not be read again.
const OWN_MAX: usize = 1_024;

/// Follows the store for as long as it runs.
pub async fn follow(node: Arc<Node>) {
    let mut hint = node.store.hint();
    let mut reconciled = Instant::now();
    let mut is_failing = false;
    loop {
        let mut outcome = node.catch_up().await;
        if outcome.is_ok() && reconciled.elapsed() >= RECONCILE {
            outcome = node.reconcile().await;
            reconciled = Instant::now();
        }
        match (&outcome, is_failing) {
            (Err(fault), false) => {
                let age_seconds = node.snapshot_age().as_secs();
                tracing::warn!(age_seconds, "the store cannot be followed: {fault}");
            }
            (Ok(()), true) => tracing::info!("the store is followed again"),
            (Err(_), true) | (Ok(()), false) => {}
        }
        is_failing = outcome.is_err();
        sleep(PAUSE).await;
        if let Ok(Err(_)) = timeout(POLL, hint.changed()).await {
            // The store gives no hints any more.
            sleep(POLL).await;
        }
    }
}

/// How far the feed has been followed.
pub(super) struct Feed {
    place: Mutex<Place>,
    /// Held by whoever asks the feed.
    turn: tokio::sync::Mutex<()>,
}

struct Place {
    cursor: Cursor,
    /// What this node has committed past the cursor.
    own: Vec<Cursor>,
    /// When the feed was last asked and had nothing more.
    heard: Instant,
}

impl Feed {
    pub(super) fn new(cursor: Cursor, heard: Instant) -> Feed {
        let place = Place { cursor, own: Vec::new(), heard };
        Feed { place: Mutex::new(place), turn: tokio::sync::Mutex::new(()) }
    }

    pub(super) fn age(&self) -> Duration {
        self.lock().heard.elapsed()
    }

    /// Everything was read, as of this place.
    pub(super) fn restart(&self, cursor: Cursor, asked: Instant) {
        let mut place = self.lock();
        place.cursor = cursor;
        place.own.clear();
        place.heard = place.heard.max(asked);
    }

    /// This node has published a commit of its own.
    pub(super) fn note_own(&self, cursor: Cursor) {
        let mut place = self.lock();
        if place.own.len() < OWN_MAX {
            place.own.push(cursor);
        }
        place.skip_own();
    }

    fn cursor(&self) -> Cursor {
        self.lock().cursor
    }

    /// It was asked then, and had nothing more.
    pub(super) fn heard_at(&self, asked: Instant) {
        let mut place = self.lock();
        place.heard = place.heard.max(asked);
    }

    /// Everything up to here is in the snapshot.
    fn reach(&self, cursor: Cursor) {
        let mut place = self.lock();
        if cursor.reaches(place.cursor) {
            place.cursor = cursor;
        }
        place.skip_own();
    }

    fn lock(&self) -> MutexGuard<'_, Place> {
        // Every change is made whole before anything that could panic.
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn skip_own(&mut self) {
        while let Some(next) = self.own.iter().position(|own| own.is_next_of(self.cursor)) {
            self.cursor = self.own.swap_remove(next);
        }
        self.own.retain(|own| !self.cursor.reaches(*own));
    }
}

impl Node {
    /// Applies what the feed has, until it has nothing more.
    ///
    /// # Errors
    /// [`Fault::Unavailable`]; [`Fault::Damaged`] that names what is not what was written, and then
    /// the snapshot stays as it is.
    pub async fn catch_up(&self) -> Result<(), Fault> {
        let _turn = self.feed.turn.lock().await;
        let mut is_read_again = false;
        for _ in 0..ANSWERS_MAX {
            let asked = Instant::now();
            match self.store.changes(self.feed.cursor()).await.map_err(store_fault)? {
                // Everything was read a moment ago.
                Changes::Lost if is_read_again => return Ok(()),
                Changes::Lost => {
                    self.reload().await?;
                    is_read_again = true;
                }
                Changes::List(sets) if sets.is_empty() => {
                    self.feed.heard_at(asked);
                    return Ok(());
                }
                Changes::List(sets) => {
                    for set in &sets {
                        self.take(set).await?;
                        self.feed.reach(set.cursor);
                    }
                }
            }
        }
        Ok(())
    }

    /// Catches up after a lost race, at least with who won it.
    ///
    /// # Errors
    /// As [`Node::catch_up`].
    pub(super) async fn catch_up_with(
        &self,
        winner: Option<(iamd_store::AccountId, Revision)>,
    ) -> Result<(), Fault> {
        self.catch_up().await?;
        let Some((account, revision)) = winner else { return Ok(()) };
        let account = known(account)?;
        for _ in 0..LATE_MAX {
            if self.snapshot().revision(account) >= revision {
                return Ok(());
            }
            sleep(PAUSE).await;
            self.catch_up().await?;
        }
        self.refetch(&[account]).await
    }

    /// Reads again what the feed has left out.
    ///
    /// # Errors
    /// As [`Node::catch_up`].
    pub async fn reconcile(&self) -> Result<(), Fault> {
        let before = self.snapshot();
        let mut heads = Heads(Vec::new());
        self.store.load_all(&mut heads).await.map_err(store_fault)?;
        let mut missed = Vec::new();
        for (account, revision) in heads.0 {
            let account = known(account)?;
            if revision < before.revision(account) {
                tracing::error!(%account, "the store has an older revision than was committed");
            }
            if revision > self.snapshot().revision(account) {
                missed.push(account);
            }
        }
        self.refetch(&missed).await
    }

    /// Takes in one commit, whole.
    async fn take(&self, set: &ChangeSet) -> Result<(), Fault> {
        let snapshot = self.snapshot();
        let mut news = Vec::new();
        for change in &set.changes {
            let account = known(change.account)?;
            // What this node wrote itself, or has heard before, is there.
            if change.revision > snapshot.revision(account) {
                news.push((account, change));
            }
        }
        let opened: Option<Vec<Followed>> =
            news.iter().map(|(account, change)| opened(&snapshot, *account, change)).collect();
        let is_taken = opened.is_some_and(|opened| self.publish_followed(opened));
        if is_taken {
            return Ok(());
        }
        let accounts: Vec<AccountId> = news.into_iter().map(|(account, _)| account).collect();
        self.refetch(&accounts).await
    }

    /// Applies and publishes; false, and nothing is changed, if a change does not fit.
    fn publish_followed(&self, opened: Vec<Followed>) -> bool {
        let _publishing = self.lock_publishing();
        let current = self.snapshot.load();
        let (mut changes, mut revisions, mut steps) = (Vec::new(), Vec::new(), Vec::new());
        for followed in opened {
            let Followed { changes: of_account, revision, keys, seal } = followed;
            let account = of_account.account;
            if revision <= current.revision(account) {
                continue;
            }
            let entries =
                keys.iter().map(|(key, is_removed)| Entry { key, is_removed: *is_removed });
            let step = self.ledgers.followed(&current.keys, account, revision, entries, &seal);
            let Some(step) = step else { return false };
            steps.push((account, step));
            changes.push(of_account);
            revisions.push((account, revision));
        }
        steps.into_iter().for_each(|(account, step)| self.ledgers.take(account, step));
        let next = self.pending.over(current.after(&changes, &revisions));
        self.put_in_force(next);
        true
    }

    /// Reads these accounts again.
    ///
    /// They may then be ahead of others for a moment, until the feed has told of those.
    async fn refetch(&self, accounts: &[AccountId]) -> Result<(), Fault> {
        let keys = Arc::clone(&self.snapshot().keys);
        let mut read = Vec::new();
        for account in accounts {
            if *account == AccountId::KEYS {
                return self.reload().await;
            }
            match load::account(&*self.store, &keys, *account).await {
                Ok(loaded) => read.extend(loaded.map(|loaded| (*account, loaded))),
                // Perhaps with a key that is not known yet; otherwise this says what is wrong.
                Err(Fault::Damaged(_)) => return self.reload().await,
                Err(fault) => return Err(fault),
            }
        }
        let _publishing = self.lock_publishing();
        let current = self.snapshot.load();
        // INVARIANT: an account never goes back.
        read.retain(|(account, loaded)| loaded.revision > current.revision(*account));
        let accounts =
            read.iter().map(|(account, loaded)| (*account, loaded.revision, &loaded.state));
        let next = current.with_accounts_of(accounts);
        let ledgers =
            read.into_iter().map(|(account, LoadedAccount { ledger, .. })| (account, ledger));
        self.ledgers.renew(ledgers.collect());
        self.put_in_force(self.pending.over(next));
        Ok(())
    }
}

/// A change whose rows were opened.
struct Followed {
    changes: AccountChanges,
    revision: Revision,
    /// The rows, and whether each is removed.
    keys: Vec<(RecordKey, bool)>,
    seal: Vec<u8>,
}

/// Opens the rows of a change; none if it is not the next of its account, or a row is not of it.
fn opened(snapshot: &Snapshot, account: AccountId, change: &Change) -> Option<Followed> {
    if account == AccountId::KEYS || change.revision != snapshot.revision(account).next() {
        return None;
    }
    let (mut removes, mut puts, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    // The commit tells how things are after it, not in which order they came to be so: everything
    // goes away before anything comes, or two users who changed names would get in each other's way.
    for row in &change.removes {
        let key = RecordKey { kind: row.kind, id: row.id.to_string() };
        removes.push(StateChange::Remove(EntityKey::from_record(&key).ok()?));
        keys.push((key, true));
    }
    for row in &change.puts {
        let key = RecordKey { kind: row.key.kind, id: row.key.id.to_string() };
        removes.push(StateChange::Remove(EntityKey::from_record(&key).ok()?));
        puts.push(put(&snapshot.keys, account, change.revision, &key, &row.bytes)?);
        keys.push((key, false));
    }
    removes.append(&mut puts);
    let changes = AccountChanges { account, changes: removes };
    Some(Followed { changes, revision: change.revision, keys, seal: change.seal.clone() })
}

fn put(
    keys: &Keyring,
    account: AccountId,
    revision: Revision,
    key: &RecordKey,
    sealed: &[u8],
) -> Option<StateChange> {
    let opened = keys.open(account, key, sealed).ok()?;
    if opened.version != revision {
        return None;
    }
    Entity::from_bytes(key, &opened.content).ok().map(StateChange::Put)
}

fn known(account: iamd_store::AccountId) -> Result<AccountId, Fault> {
    AccountId::from_stored(account.0).ok_or_else(|| {
        Fault::Damaged(format!(
            "the account number {} is out of range; was it written by a newer iamd?",
            account.0
        ))
    })
}

/// The revisions of all accounts.
struct Heads(Vec<(iamd_store::AccountId, Revision)>);

impl RowVisitor for Heads {
    fn account(&mut self, account: iamd_store::AccountId, head: Head) -> ControlFlow<()> {
        self.0.push((account, head.revision));
        ControlFlow::Continue(())
    }

    fn row(&mut self, _: RowRef<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}
