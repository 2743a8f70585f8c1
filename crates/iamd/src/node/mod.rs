//! A node: the state in memory, the queues in front of the store, and the facts beside it.

mod anchoring;
mod facts;
mod key_change;
mod key_store;
mod ledgers;
mod load;
mod queue;
mod reseal;
mod reset;
mod rotation;
mod snapshot;
mod survey;
pub mod upkeep;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use iamd_core::account_id::AccountId;
use iamd_core::caller::Caller;
use iamd_core::draw::Draw;
use iamd_core::identity_policies::IdentityPolicies;
use iamd_core::operation::{Environment, Scene};
use iamd_core::quota::Quotas;
use iamd_core::refusal::Refusal;
use iamd_core::state::{Account, AccountChanges};
use iamd_store::{Revision, Store};

pub use facts::FactTable;
pub use reset::Start;
pub use rotation::SESSION_DELAY_SECONDS;
pub use snapshot::Snapshot;

use crate::clock::Clock;
use crate::entropy;
use crate::fault::Fault;
use crate::keys::SealingKey;
use crate::metrics::{Measured, Metrics};
use anchoring::AnchorKeeper;
use ledgers::Ledgers;
use load::Loaded;
use queue::Queue;

/// A running node.
pub struct Node {
    store: Arc<dyn Store>,
    ledgers: Ledgers,
    clock: Clock,
    quotas: Quotas,
    facts: FactTable,
    metrics: Metrics,
    identity_policies: IdentityPolicies,
    snapshot: ArcSwap<Snapshot>,
    /// Held while a new snapshot is put together, so that none is lost.
    publishing: Mutex<()>,
    queues: Mutex<HashMap<AccountId, Arc<Queue>>>,
    /// Held by whoever rotates keys.
    rotating: tokio::sync::Mutex<()>,
    anchor: AnchorKeeper,
}

/// Why a request got no answer of its own.
#[derive(Debug, Clone)]
pub enum Failure {
    /// It was refused: an answer.
    Refused(Refusal),
    /// iamd could not carry it out.
    Fault(Fault),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Refused(refusal)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        Failure::Fault(fault)
    }
}

/// A command that was carried out.
#[derive(Debug, Clone)]
pub struct Done<T> {
    /// The answer.
    pub answer: T,
    /// The revision of the account from which on the answer is true.
    pub revision: Revision,
}

/// A command: planned on a state, perhaps more than once.
pub type Plan<T> =
    Box<dyn FnMut(&Snapshot, &Node) -> Result<(Vec<AccountChanges>, T), Failure> + Send>;

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
        let clock = Clock::default();
        let metrics = Metrics::default();
        let store = Measured::over(store, &metrics);
        let Loaded { snapshot, ledgers } =
            load::everything(&*store, &master, clock.now().seconds()).await?;
        let facts = FactTable::load(&*store).await?;
        Ok(Arc::new(Node {
            store,
            ledgers: Ledgers::new(ledgers),
            clock,
            quotas,
            facts,
            metrics,
            identity_policies: IdentityPolicies::default(),
            snapshot: ArcSwap::from_pointee(snapshot),
            publishing: Mutex::new(()),
            queues: Mutex::new(HashMap::new()),
            rotating: tokio::sync::Mutex::new(()),
            anchor: AnchorKeeper::default(),
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

    /// How many writes wait in the queues.
    pub fn commands_waiting(&self) -> usize {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.values().map(|queue| queue.waiting()).sum()
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// A draw for one command.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] without entropy.
    pub fn draw(&self) -> Result<Draw, Fault> {
        Ok(Draw::new(self.clock.now(), entropy::bytes()?))
    }

    /// What surrounds a request of this caller on this state.
    pub fn scene<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        account: &'a Account,
        caller: &'a Caller,
        environment: &'a Environment,
    ) -> Scene<'a> {
        Scene {
            state: &snapshot.state,
            account,
            caller,
            environment,
            facts: &self.facts,
            session_keys: &snapshot.keys.sessions,
            identity_policies: &self.identity_policies,
            marker_key: &snapshot.keys.markers,
            quotas: &self.quotas,
            witness: &self.metrics,
            now: self.clock.now(),
        }
    }

    /// Plans a command behind all earlier ones of its account, commits what it changes, and answers
    /// once that is durable and visible.
    ///
    /// # Errors
    /// The plan's refusal; [`Fault::Unavailable`] when the store takes no writes, and then nothing
    /// has changed.
    pub async fn write<T: Send + 'static>(
        self: &Arc<Node>,
        account: AccountId,
        plan: Plan<T>,
    ) -> Result<Done<T>, Failure> {
        queue::write(self, account, plan).await
    }

    /// The same for a command that also changes the directory of accounts.
    ///
    /// # Errors
    /// As [`Node::write`].
    pub async fn write_directory<T: Send + 'static>(
        self: &Arc<Node>,
        account: AccountId,
        plan: Plan<T>,
    ) -> Result<Done<T>, Failure> {
        queue::write_directory(self, account, plan).await
    }

    /// Writes the facts gathered since the last time to the store.
    ///
    /// # Errors
    /// [`Fault::Unavailable`]; the facts are kept and tried again.
    pub async fn flush_facts(&self) -> Result<(), Fault> {
        self.facts.flush(&*self.store).await
    }

    /// Whether the store answers now.
    ///
    /// # Errors
    /// What it answers instead.
    pub async fn store_answers(&self) -> Result<(), Fault> {
        let directory = iamd_store::AccountId(AccountId::DIRECTORY.number());
        self.store.read_account(directory).await.map(|_| ()).map_err(load::store_fault)
    }

    /// Finishes the writes that were accepted and lets go of the store.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn close(&self) -> Result<(), Fault> {
        if let Err(fault) = self.write_anchor().await {
            tracing::warn!("{fault}");
        }
        self.store.close().await.map_err(load::store_fault)
    }

    /// Reads everything again; whoever holds an older snapshot keeps it.
    ///
    /// # Errors
    /// As [`Node::open`].
    pub async fn reload(&self) -> Result<(), Fault> {
        let now = self.clock.now().seconds();
        let master = Arc::clone(self.snapshot().keys.master());
        let loaded = match load::everything(&*self.store, &master, now).await {
            // The master key was replaced meanwhile.
            Err(_) if !Arc::ptr_eq(&master, self.snapshot().keys.master()) => {
                load::everything(&*self.store, self.snapshot().keys.master(), now).await
            }
            outcome => outcome,
        };
        let Loaded { snapshot, ledgers } = loaded?;
        let _publishing = self.lock_publishing();
        self.ledgers.renew(ledgers);
        self.snapshot.store(Arc::new(snapshot));
        Ok(())
    }

    /// Publishes committed changes.
    fn publish(&self, changes: &[AccountChanges], revisions: &[(AccountId, Revision)]) {
        let _publishing = self.lock_publishing();
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
        self.snapshot.store(Arc::new(current.after(changes, &revisions)));
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
mod tests;
