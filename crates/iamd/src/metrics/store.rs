//! How long the store takes, and how often it fails.

use std::sync::Arc;
use std::time::Instant;

use iamd_store::{
    AccountCommit, AccountId, AccountRows, Answer, Changes, ClaimKey, Claimed, CommitError,
    Committed, CopyVisitor, Cursor, Fact, FactVisitor, Identity, Imported, Record, RowVisitor,
    Store, StoreError,
};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::watch;
use tracing::Instrument;

use crate::traces;

/// Durations and failures of the calls to the store.
#[derive(Debug, Clone)]
pub(super) struct Durations {
    durations: Family<Call, Histogram>,
    failures: Family<Call, Counter>,
    conflicts: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    call: &'static str,
}

impl Default for Durations {
    fn default() -> Durations {
        let durations = || Histogram::new(super::DURATIONS);
        Durations {
            durations: Family::new_with_constructor(durations as fn() -> Histogram),
            failures: Family::default(),
            conflicts: Counter::default(),
        }
    }
}

impl Durations {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "store_call_duration",
            "Time of a call to the store",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register(
            "store_call_failures",
            "Calls that the store failed",
            self.failures.clone(),
        );
        registry.register(
            "store_commit_conflicts",
            "Commits that came after those of another node, and were planned again",
            self.conflicts.clone(),
        );
    }

    async fn measured<T, E>(
        &self,
        call: &'static str,
        is_failure: impl Fn(&E) -> bool,
        answer: Answer<'_, Result<T, E>>,
    ) -> Result<T, E> {
        let start = Instant::now();
        let span = tracing::info_span!(
            target: traces::TARGET,
            "store",
            otel.name = format!("store.{call}"),
            otel.kind = "client",
        );
        let outcome = if span.is_disabled() { answer.await } else { answer.instrument(span).await };
        let call = Call { call };
        self.durations.get_or_create(&call).observe(start.elapsed().as_secs_f64());
        if outcome.as_ref().is_err_and(is_failure) {
            self.failures.get_or_create(&call).inc();
        }
        outcome
    }

    async fn plain<T>(
        &self,
        call: &'static str,
        answer: Answer<'_, Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.measured(call, |_: &StoreError| true, answer).await
    }
}

/// A store whose calls are measured.
pub struct Measured {
    store: Arc<dyn Store>,
    durations: Durations,
}

impl Measured {
    /// Measures the calls of a store.
    pub fn over(store: Arc<dyn Store>, metrics: &super::Metrics) -> Arc<dyn Store> {
        Arc::new(Measured { store, durations: metrics.store.clone() })
    }
}

impl Store for Measured {
    fn identity(&self) -> Identity {
        self.store.identity()
    }

    fn load_all<'a>(
        &'a self,
        visitor: &'a mut dyn RowVisitor,
    ) -> Answer<'a, Result<Cursor, StoreError>> {
        Box::pin(self.durations.plain("load_all", self.store.load_all(visitor)))
    }

    fn read_account(&self, account: AccountId) -> Answer<'_, Result<AccountRows, StoreError>> {
        Box::pin(self.durations.plain("read_account", self.store.read_account(account)))
    }

    fn commit(&self, list: Vec<AccountCommit>) -> Answer<'_, Result<Committed, CommitError>> {
        Box::pin(async move {
            let is_failure = |error: &CommitError| matches!(error, CommitError::Store(_));
            let answer = self.store.commit(list);
            let outcome = self.durations.measured("commit", is_failure, answer).await;
            if matches!(outcome, Err(CommitError::Conflict { .. })) {
                self.durations.conflicts.inc();
            }
            outcome
        })
    }

    fn changes(&self, after: Cursor) -> Answer<'_, Result<Changes, StoreError>> {
        Box::pin(self.durations.plain("changes", self.store.changes(after)))
    }

    fn hint(&self) -> watch::Receiver<()> {
        self.store.hint()
    }

    fn claim<'a>(
        &'a self,
        key: &'a ClaimKey,
        expiry: i64,
        now: i64,
    ) -> Answer<'a, Result<Claimed, StoreError>> {
        Box::pin(self.durations.plain("claim", self.store.claim(key, expiry, now)))
    }

    fn merge_facts(&self, facts: Vec<Fact>) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(self.durations.plain("merge_facts", self.store.merge_facts(facts)))
    }

    fn forget_facts(&self, keys: Vec<(AccountId, Box<str>)>) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(self.durations.plain("forget_facts", self.store.forget_facts(keys)))
    }

    fn read_facts<'a>(
        &'a self,
        visitor: &'a mut dyn FactVisitor,
    ) -> Answer<'a, Result<(), StoreError>> {
        Box::pin(self.durations.plain("read_facts", self.store.read_facts(visitor)))
    }

    fn read_records(
        &self,
        account: AccountId,
        after: u64,
        most: usize,
    ) -> Answer<'_, Result<Vec<Record>, StoreError>> {
        let answer = self.store.read_records(account, after, most);
        Box::pin(self.durations.plain("read_records", answer))
    }

    fn forget_records(&self, account: AccountId, up_to: u64) -> Answer<'_, Result<(), StoreError>> {
        let answer = self.store.forget_records(account, up_to);
        Box::pin(self.durations.plain("forget_records", answer))
    }

    fn copy_all<'a>(
        &'a self,
        first: AccountId,
        visitor: &'a mut dyn CopyVisitor,
    ) -> Answer<'a, Result<Cursor, StoreError>> {
        Box::pin(self.durations.plain("copy_all", self.store.copy_all(first, visitor)))
    }

    fn import(&self, list: Vec<Imported>) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(self.durations.plain("import", self.store.import(list)))
    }

    fn forget_changes(&self) -> Answer<'_, Result<(), StoreError>> {
        let answer = self.store.forget_changes();
        Box::pin(self.durations.plain("forget_changes", answer))
    }

    fn close(&self) -> Answer<'_, Result<(), StoreError>> {
        self.store.close()
    }
}
