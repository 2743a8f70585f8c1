//! What the process does, in numbers, for Prometheus and everything that reads its format.
//!
//! Names and labels are fixed by the tables of operations, error codes and policy types, so that
//! what a client sends cannot make the page grow.

mod gateway;
mod process;
mod store;

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use iamd_core::operation::Witness;
use iamd_core::preparation::CodeOutcome;
use iamd_policy::Decision;
use iamd_wire::{ErrorCode, OperationInfo};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::fault::Fault;
use crate::node::Node;
use crate::{password, tls};
pub use gateway::{Fate, GatewayMetrics, Kind, StoreFailure};
pub use process::resident_bytes;
pub use store::Measured;

/// What the page is, in the words of HTTP.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the classes of durations, in seconds: from a read to a disk that hangs.
const DURATIONS: [f64; 14] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5,
    10.0,
];

/// The numbers of a node.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Called, Histogram>,
    decisions: Family<Decided, Counter>,
    store: store::Durations,
    throttled: Counter,
    forwarded_by_strangers: Counter,
    connections: Gauge,
    connections_refused: Counter,
    claims: Family<Claim, Counter>,
    audit_lost: Counter,
    gateway: GatewayMetrics,
    levels: Levels,
    process: process::Process,
}

/// What is read when the page is asked for.
#[derive(Debug, Default)]
struct Levels {
    accounts: Gauge,
    commands_waiting: Gauge,
    passwords_waiting: Gauge,
    snapshot_age: Gauge<f64, AtomicU64>,
    audit_waiting: Gauge,
    audit_waiting_bytes: Gauge,
    /// One if there is a certificate; else none.
    tls_end: Family<NoLabels, Gauge>,
    /// By the ARNs of the settings.
    gateway_tls_end: Family<Served, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Served {
    certificate: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Called {
    service: &'static str,
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    service: &'static str,
    operation: &'static str,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decided {
    decision: &'static str,
    policy_type: &'static str,
}

/// The labels of a number that may be absent.
type NoLabels = [(&'static str, &'static str); 0];

/// What came of a claim.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Claim {
    outcome: &'static str,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let durations = || Histogram::new(DURATIONS);
        let mut metrics = Metrics {
            registry: Registry::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(durations as fn() -> Histogram),
            decisions: Family::default(),
            store: store::Durations::default(),
            throttled: Counter::default(),
            forwarded_by_strangers: Counter::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            claims: Family::default(),
            audit_lost: Counter::default(),
            gateway: GatewayMetrics::default(),
            levels: Levels::default(),
            process: process::Process::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        self.process.register(self.registry.sub_registry_with_prefix("process"));
        let registry = self.registry.sub_registry_with_prefix("iamd");
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program", version);
        registry.register(
            "requests",
            "Requests to the API, by operation and by error code (OK for none)",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "Time from the head of a request to its answer",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register(
            "decisions",
            "Decisions, by the type of policy that decided",
            self.decisions.clone(),
        );
        self.store.register(registry);
        registry.register(
            "requests_throttled",
            "Requests that were over the limit of their principal or account",
            self.throttled.clone(),
        );
        registry.register(
            "requests_forwarded_by_strangers",
            "Requests with X-Forwarded-For from an address that is no named proxy",
            self.forwarded_by_strangers.clone(),
        );
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register(
            "connections_refused",
            "Connections that were one too many",
            self.connections_refused.clone(),
        );
        registry.register(
            "claims",
            "One-time codes that count (made), that do not (refused), or that could not be used up (failed)",
            self.claims.clone(),
        );
        registry.register(
            "audit_records_lost",
            "Records of the audit trail that found no place",
            self.audit_lost.clone(),
        );
        self.gateway.register(registry);
        self.register_levels();
    }

    /// The numbers of the gateway.
    pub fn gateway(&self) -> &GatewayMetrics {
        &self.gateway
    }

    fn register_levels(&mut self) {
        let registry = self.registry.sub_registry_with_prefix("iamd");
        let levels = &self.levels;
        registry.register("accounts", "Accounts", levels.accounts.clone());
        registry.register(
            "commands_waiting",
            "Writes that wait in the queues of their accounts",
            levels.commands_waiting.clone(),
        );
        registry.register(
            "passwords_waiting",
            "Passwords that are hashed or wait for it",
            levels.passwords_waiting.clone(),
        );
        registry.register_with_unit(
            "snapshot_age",
            "Time since the store said that nothing is newer than what decisions rest on",
            Unit::Seconds,
            levels.snapshot_age.clone(),
        );
        registry.register(
            "audit_waiting",
            "What waits to be written to the audit trail",
            levels.audit_waiting.clone(),
        );
        registry.register_with_unit(
            "audit_waiting",
            "The same in bytes of memory",
            Unit::Bytes,
            levels.audit_waiting_bytes.clone(),
        );
        registry.register_with_unit(
            "tls_certificate_end_timestamp",
            "When the certificate in force ends, since 1970",
            Unit::Seconds,
            levels.tls_end.clone(),
        );
        registry.register_with_unit(
            "gateway_certificate_end_timestamp",
            "When the server certificates of IAM end that the gateway serves, since 1970",
            Unit::Seconds,
            levels.gateway_tls_end.clone(),
        );
    }

    /// A request was answered; with an error code, or without.
    pub fn answered(
        &self,
        operation: Option<&'static OperationInfo>,
        code: Option<ErrorCode>,
        duration: Duration,
    ) {
        let called = Called {
            service: operation.map_or("", |operation| operation.service.signing_name()),
            operation: operation.map_or("", |operation| operation.name),
        };
        let code = code.map_or("OK", |code| code.code());
        let request = Request { service: called.service, operation: called.operation, code };
        self.requests.get_or_create(&request).inc();
        self.durations.get_or_create(&called).observe(duration.as_secs_f64());
    }

    /// A request was over a limit.
    pub fn throttled(&self) {
        self.throttled.inc();
    }

    /// A request says that it was forwarded, and came from an address that is no named proxy.
    pub fn forwarded_by_stranger(&self) {
        self.forwarded_by_strangers.inc();
    }

    /// How many such requests there were.
    pub fn forwarded_by_strangers(&self) -> u64 {
        self.forwarded_by_strangers.get()
    }

    /// How many connections are open.
    pub fn connections_open(&self) -> i64 {
        self.connections.get()
    }

    /// A connection is open for as long as what is given back lives.
    pub fn connection(&self) -> OpenConnection {
        self.connections.inc();
        OpenConnection(self.connections.clone())
    }

    /// A connection was one too many.
    pub fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    /// A one-time code was to be used up.
    pub fn claimed(&self, outcome: &Result<CodeOutcome, Fault>) {
        let outcome = match outcome {
            Ok(CodeOutcome::Claim) => "made",
            Ok(CodeOutcome::Refuse) => "refused",
            Err(_) => "failed",
        };
        self.claims.get_or_create(&Claim { outcome }).inc();
    }

    /// The page.
    ///
    /// # Errors
    /// [`Fault::Bug`]
    pub fn page(&self, node: &Node) -> Result<String, Fault> {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.levels.accounts.set(count(node.snapshot().state.accounts().count()));
        self.levels.commands_waiting.set(count(node.commands_waiting()));
        self.levels.passwords_waiting.set(count(password::waiting()));
        self.levels.snapshot_age.set(node.snapshot_age().as_secs_f64());
        if let Some(load) = node.audit().load() {
            self.levels.audit_waiting.set(count(load.entries));
            self.levels.audit_waiting_bytes.set(count(load.bytes));
            self.audit_lost.inc_by(load.lost.saturating_sub(self.audit_lost.get()));
        }
        if let Some(end) = tls::in_force_until() {
            self.levels.tls_end.get_or_create(&[]).set(end.seconds());
        }
        let served = node.facts().served_certificates();
        for facts in served.iter().flat_map(|served| served.facts(&node.snapshot().state)) {
            let served = Served { certificate: facts.arn };
            self.levels.gateway_tls_end.get_or_create(&served).set(facts.end.seconds());
        }
        self.process.read();
        let mut page = String::new();
        encode(&mut page, &self.registry)
            .map_err(|error| Fault::Bug(format!("the metrics cannot be written: {error}")))?;
        Ok(page)
    }
}

impl Witness for Metrics {
    fn decided(&self, decision: Decision) {
        let name = match decision {
            Decision::Allow(_) => "allow",
            Decision::DenyExplicitly(_) => "explicit_deny",
            Decision::DenyImplicitly(_) => "implicit_deny",
        };
        let policy_type = decision.decided_by().as_str();
        self.decisions.get_or_create(&Decided { decision: name, policy_type }).inc();
    }
}

/// A connection that counts.
pub struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}
