//! A node: the state in memory, the queues in front of the store, and the facts beside it.

mod accesses;
mod anchoring;
mod claims;
mod facts;
mod failure;
mod follow;
mod following;
mod heard;
mod journal;
mod key_change;
mod key_store;
mod ledgers;
mod load;
mod new_life;
mod opening;
mod pending;
mod pictures;
mod queue;
mod reload;
mod reseal;
mod reset;
mod retention;
mod rotation;
mod scene;
mod snapshot;
mod survey;
pub mod upkeep;
mod usage;
mod witness;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use iamd_core::account_id::AccountId;
use iamd_core::audit::Event;
use iamd_core::draw::Draw;
use iamd_core::identity_policies::IdentityPolicies;
use iamd_core::quota::Quotas;
use iamd_core::state::AccountChanges;
use iamd_store::{Cursor, Fact, Revision, Store};
use iamd_wire::shown::Shown;
use tokio::sync::Semaphore;
use tokio::time::Instant;

pub use facts::FactTable;
pub use failure::Failure;
pub use follow::follow;
pub use following::News;
pub use journal::JOURNAL_FILE;
pub(crate) use load::store_fault;
pub(crate) use new_life::end_sessions;
pub use reset::Start;
pub use rotation::SESSION_DELAY_SECONDS;
pub use snapshot::Snapshot;
pub use usage::{Day, Tally, Used, follower_name};

use crate::audit::{self, Audit};
use crate::calls::Calls;
use crate::clock::Clock;
use crate::config::AuditSettings;
use crate::entropy;
use crate::fault::Fault;
use crate::follower::Leader;
use crate::keys::{LogHead, SealingKey, Step};
use crate::metrics::{Measured, Metrics};
use anchoring::AnchorKeeper;
use follow::Feed;
use heard::Heard;
use ledgers::Ledgers;
use load::Loaded;
use pending::Pending;
use pictures::Pictures;
use queue::{QUEUE_COMMANDS_MAX, Queue};
use scene::ExternalUrl;

/// A running node.
pub struct Node {
    store: Arc<dyn Store>,
    ledgers: Ledgers,
    clock: Clock,
    quotas: Quotas,
    external_url: ExternalUrl,
    facts: FactTable,
    audit: Audit,
    calls: Calls,
    metrics: Metrics,
    identity_policies: IdentityPolicies,
    snapshot: ArcSwap<Snapshot>,
    pending: Pending,
    heard: Heard,
    /// Held while a new snapshot is put together, so that none is lost.
    publishing: Mutex<()>,
    queues: Mutex<HashMap<AccountId, Arc<Queue>>>,
    /// A place for each command that waits for the directory.
    directory_places: Arc<Semaphore>,
    feed: Feed,
    /// Held by whoever rotates keys.
    rotating: tokio::sync::Mutex<()>,
    anchor: AnchorKeeper,
    pictures: Pictures,
    /// The node that this one follows, if it has no store.
    leader: OnceLock<Arc<Leader>>,
}

/// A command that was carried out.
#[derive(Debug, Clone)]
pub struct Done<T> {
    /// The answer.
    pub answer: T,
    /// The revision of the account from which on the answer is true.
    pub revision: Revision,
}

/// A commit that is durable.
struct Published<'c> {
    changes: &'c [AccountChanges],
    revisions: &'c [(AccountId, Revision)],
    steps: Vec<(AccountId, Step)>,
    /// Where the change feed stands with it.
    cursor: Cursor,
}

/// A command: planned on a state, perhaps more than once.
pub type Plan<T> = Box<dyn FnMut(&Snapshot, &Node) -> Result<Drafted<T>, Failure> + Send>;

/// What a command comes to, if it is committed.
#[derive(Debug, Clone)]
pub struct Drafted<T> {
    /// What changes.
    pub changes: Vec<AccountChanges>,
    /// The answer.
    pub answer: T,
    /// What the command's record shows of the answer.
    pub elements: Option<Shown>,
}

impl<T> Drafted<T> {
    /// Changes and an answer of which the record shows nothing.
    pub fn new(changes: Vec<AccountChanges>, answer: T) -> Drafted<T> {
        Drafted { changes, answer, elements: None }
    }

    /// The same with what the record shows of the answer.
    #[must_use]
    pub fn showing(self, elements: Option<Shown>) -> Drafted<T> {
        Drafted { elements, ..self }
    }
}

impl Node {
    /// Opens a node on a store: everything is read, opened and indexed.
    ///
    /// # Errors
    /// [`Fault::Damaged`] that names the row that cannot be read; [`Fault::Unavailable`].
    pub async fn open(
        store: Arc<dyn Store>,
        master: Arc<SealingKey>,
        quotas: Quotas,
    ) -> Result<Arc<Node>, Fault> {
        Node::open_with_clock(store, master, quotas, Clock::default()).await
    }

    /// The same by a clock of its own.
    ///
    /// # Errors
    /// As [`Node::open`].
    pub async fn open_with_clock(
        store: Arc<dyn Store>,
        master: Arc<SealingKey>,
        quotas: Quotas,
        clock: Clock,
    ) -> Result<Arc<Node>, Fault> {
        let opened = Instant::now();
        let metrics = Metrics::default();
        let store = Measured::over(store, &metrics);
        let Loaded { snapshot, ledgers, cursor } =
            load::everything(&*store, &master, clock.now().seconds()).await?;
        let facts = FactTable::load(&*store, clock.now()).await?;
        Ok(Arc::new(Node {
            store,
            ledgers: Ledgers::new(ledgers),
            clock,
            quotas,
            external_url: ExternalUrl::default(),
            facts,
            audit: Audit::default(),
            calls: Calls::default(),
            metrics,
            identity_policies: IdentityPolicies::default(),
            snapshot: ArcSwap::from_pointee(snapshot),
            pending: Pending::default(),
            heard: Heard::default(),
            publishing: Mutex::new(()),
            queues: Mutex::new(HashMap::new()),
            directory_places: Arc::new(Semaphore::new(QUEUE_COMMANDS_MAX)),
            feed: Feed::new(cursor, opened),
            rotating: tokio::sync::Mutex::new(()),
            anchor: AnchorKeeper::default(),
            pictures: Pictures::default(),
            leader: OnceLock::new(),
        }))
    }

    /// The state as it is now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// When things were last used.
    pub fn facts(&self) -> &FactTable {
        &self.facts
    }

    /// What it does, in numbers.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Limits on how much there may be of everything.
    pub fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    /// How many writes wait in the queues.
    pub fn commands_waiting(&self) -> usize {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let for_directory =
            QUEUE_COMMANDS_MAX.saturating_sub(self.directory_places.available_permits());
        queues.values().map(|queue| queue.waiting()).sum::<usize>() + for_directory
    }

    /// The audit trail.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Calls through the gateway, as they end.
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Begins to write the audit trail into a data folder.
    ///
    /// # Errors
    /// As [`Audit::start`].
    pub fn start_audit(
        self: &Arc<Node>,
        data: &Path,
        settings: &AuditSettings,
    ) -> Result<(), Fault> {
        self.audit.start(data, settings, &self.snapshot().keys, &self.logs())?;
        if self.audit.takes_notes() {
            // A task of the node's own: it ends with the process.
            tokio::spawn(audit::export(Arc::clone(self)));
        }
        Ok(())
    }

    /// Where the logs of records of all accounts stand, by account.
    pub fn logs(&self) -> Vec<(AccountId, LogHead)> {
        self.ledgers.logs()
    }

    /// Records of an account as the store has them, behind a number, in order.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn stored_records(
        &self,
        account: AccountId,
        after: u64,
        most: usize,
    ) -> Result<Vec<iamd_store::Record>, Fault> {
        let account = iamd_store::AccountId(account.number());
        self.store.read_records(account, after, most).await.map_err(load::store_fault)
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The key that seals the stored keys.
    pub fn master(&self) -> Arc<SealingKey> {
        Arc::clone(self.snapshot().keys.master())
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.ledgers.rows()
    }

    /// A draw for one command.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] without entropy.
    pub fn draw(&self) -> Result<Draw, Fault> {
        Ok(Draw::new(self.clock.now(), entropy::bytes()?))
    }

    /// Plans a command behind all earlier ones of its account, commits what it changes together with
    /// the record of the event, and answers once that is durable and visible.
    ///
    /// # Errors
    /// The plan's refusal; [`Fault::Unavailable`] when the store takes no writes, and then nothing
    /// has changed.
    pub async fn write<T: Send + 'static>(
        self: &Arc<Node>,
        account: AccountId,
        event: Event,
        plan: Plan<T>,
    ) -> Result<Done<T>, Failure> {
        queue::write(self, account, event, plan).await
    }

    /// The same for a command that also changes the directory of accounts.
    ///
    /// # Errors
    /// As [`Node::write`].
    pub async fn write_directory<T: Send + 'static>(
        self: &Arc<Node>,
        account: AccountId,
        event: Event,
        plan: Plan<T>,
    ) -> Result<Done<T>, Failure> {
        queue::write_directory(self, account, event, plan).await
    }

    /// Takes in what another process has noted: when things were used, and how much.
    ///
    /// # Errors
    /// [`Fault::Unavailable`]
    pub async fn receive_facts(&self, facts: Vec<Fact>) -> Result<(), Fault> {
        let counts = {
            let (snapshot, now) = (self.snapshot(), self.clock.now());
            self.facts.receive(&snapshot.state, facts, now)
        };
        if counts.is_empty() {
            return Ok(());
        }
        self.store.merge_facts(counts).await.map_err(load::store_fault)
    }

    /// Writes the facts gathered since the last time to the store.
    ///
    /// # Errors
    /// [`Fault::Unavailable`]; the facts are kept and tried again.
    pub async fn flush_facts(&self) -> Result<(), Fault> {
        self.facts.flush(&*self.store, self.clock.now()).await
    }

    /// What accounts, or one of them, have used of what gateways guard, from a day to a day.
    ///
    /// # Errors
    /// [`Fault::Unavailable`]
    pub async fn usage(
        &self,
        account: Option<AccountId>,
        days: (Day, Day),
    ) -> Result<Vec<Used>, Fault> {
        // What other nodes have counted is in the store alone.
        self.flush_facts().await?;
        usage::UsageTable::read(&*self.store, account, days).await
    }

    /// Forgets when things were last used that are no more.
    ///
    /// # Errors
    /// [`Fault::Unavailable`]; the facts are kept and tried again.
    pub(super) async fn forget_facts(&self) -> Result<(), Fault> {
        self.facts.forget_gone(&*self.store, &self.snapshot().state).await
    }

    /// Whether the store answers now.
    ///
    /// # Errors
    /// What it answers instead.
    pub async fn store_answers(&self) -> Result<(), Fault> {
        let directory = iamd_store::AccountId(AccountId::DIRECTORY.number());
        self.store.read_account(directory).await.map_err(load::store_fault)?;
        self.heard.note();
        Ok(())
    }

    /// Finishes the writes that were accepted and lets go of the store.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn close(&self) -> Result<(), Fault> {
        self.audit.close().await;
        if let Err(fault) = self.write_anchor().await {
            tracing::warn!("{fault}");
        }
        self.store.close().await.map_err(load::store_fault)
    }

    /// How long ago the store last said that nothing is newer than the snapshot, or handed over
    /// what was.
    pub fn snapshot_age(&self) -> Duration {
        self.feed.age()
    }

    /// Reads every row of the store and proves that it is what was written; keeps nothing of it.
    /// `done` hears how many accounts are through.
    ///
    /// # Errors
    /// [`Fault::Damaged`] that names what is not; [`Fault::Unavailable`].
    pub async fn verify(&self, done: impl FnMut(u64) + Send) -> Result<(), Fault> {
        load::verified(
            &*self.store,
            self.snapshot().keys.master(),
            self.clock.now().seconds(),
            done,
        )
        .await?;
        self.heard.note();
        Ok(())
    }

    /// When the node began, and when it last heard from the store.
    pub fn heard(&self) -> &Heard {
        &self.heard
    }

    /// Publishes what this node has committed.
    fn publish(&self, committed: Published<'_>) {
        let Published { changes, revisions, steps, cursor } = committed;
        self.heard.note();
        // Ledgers and snapshot move together.
        let _publishing = self.lock_publishing();
        steps.into_iter().for_each(|(account, step)| self.ledgers.take(account, step));
        self.feed.note_own(cursor);
        let current = self.snapshot.load();
        // INVARIANT: an account never goes back: what a reload has read already is not applied again.
        let is_news = |account| {
            revisions.iter().any(|(committed, revision)| {
                *committed == account && *revision > current.revision(account)
            })
        };
        let changes: Vec<&AccountChanges> =
            changes.iter().filter(|changes| is_news(changes.account)).collect();
        let revisions: Vec<(AccountId, Revision)> =
            revisions.iter().filter(|(account, _)| is_news(*account)).copied().collect();
        // What was planned before a revocation must not undo it.
        let next = self.pending.over(current.after(changes, &revisions));
        self.put_in_force(next);
    }

    fn lock_publishing(&self) -> MutexGuard<'_, ()> {
        // Nothing is left half done by a panic while this lock is held.
        self.publishing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self, account: AccountId) -> Arc<Queue> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(queues.entry(account).or_default())
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
