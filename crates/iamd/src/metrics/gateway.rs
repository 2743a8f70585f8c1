//! What passes the gateway, in numbers. Labels are words of this file, so that nothing that a client or a
//! store says makes the page grow.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds of the classes of durations of a store, in seconds: from a small object of memory to the
/// completion of a large upload.
const DURATIONS: [f64; 12] =
    [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 2.5, 10.0, 60.0];

/// The numbers of a gateway.
#[derive(Debug)]
pub struct GatewayMetrics {
    requests: Family<Ended, Counter>,
    received: Family<Service, Counter>,
    sent: Family<Service, Counter>,
    store: Family<Asked, Histogram>,
    store_failures: Family<Failed, Counter>,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It reads objects or settings.
    Read,
    /// It lists.
    List,
    /// It writes.
    Write,
    /// It deletes.
    Delete,
    /// It was not recognised.
    Unknown,
}

impl Kind {
    /// What the operation of this name does.
    pub fn of(operation: Option<&str>) -> Kind {
        let Some(name) = operation else { return Kind::Unknown };
        let begins = |verbs: &[&str]| verbs.iter().any(|verb| name.starts_with(verb));
        match () {
            () if begins(&["Get", "Head", "Preflight", "Select"]) => Kind::Read,
            () if begins(&["List"]) => Kind::List,
            () if begins(&["Delete", "Abort"]) => Kind::Delete,
            () => Kind::Write,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Kind::Read => "read",
            Kind::List => "list",
            Kind::Write => "write",
            Kind::Delete => "delete",
            Kind::Unknown => "unknown",
        }
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Policies allow it; whatever else the store said of it.
    Allowed,
    /// Policies deny it, or a part of it.
    Denied,
    /// Policies deny it, and it passed.
    Observed,
    /// It was refused for something else, such as its signature.
    Refused,
    /// The gateway or the store failed.
    Failed,
    /// The client was gone before there was an answer.
    BrokenOff,
}

impl Fate {
    fn as_str(self) -> &'static str {
        match self {
            Fate::Allowed => "allowed",
            Fate::Denied => "denied",
            Fate::Observed => "observed",
            Fate::Refused => "refused",
            Fate::Failed => "failed",
            Fate::BrokenOff => "broken_off",
        }
    }
}

/// How a store failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFailure {
    /// It did not answer.
    Unreachable,
    /// It took too long to answer.
    TooSlow,
    /// It answered that it failed.
    Status,
}

impl StoreFailure {
    fn as_str(self) -> &'static str {
        match self {
            StoreFailure::Unreachable => "unreachable",
            StoreFailure::TooSlow => "too_slow",
            StoreFailure::Status => "status",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    service: &'static str,
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Service {
    service: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    service: &'static str,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    service: &'static str,
    failure: &'static str,
}

impl Default for GatewayMetrics {
    fn default() -> GatewayMetrics {
        let durations = || Histogram::new(DURATIONS);
        GatewayMetrics {
            requests: Family::default(),
            received: Family::default(),
            sent: Family::default(),
            store: Family::new_with_constructor(durations as fn() -> Histogram),
            store_failures: Family::default(),
        }
    }
}

impl GatewayMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("gateway");
        registry.register(
            "requests",
            "Requests to the gateway, by what they do and what became of them",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "received",
            "Bodies of requests, frames of chunks included",
            Unit::Bytes,
            self.received.clone(),
        );
        registry.register_with_unit("sent", "Bodies of answers", Unit::Bytes, self.sent.clone());
        registry.register_with_unit(
            "store_duration",
            "Time until the answer of the store behind the gateway begins",
            Unit::Seconds,
            self.store.clone(),
        );
        registry.register(
            "store_failures",
            "Requests that the store behind the gateway failed",
            self.store_failures.clone(),
        );
    }

    /// A request of a service is over; so many bytes came and left.
    pub fn ended(&self, service: &'static str, kind: Kind, fate: Fate, bytes: (u64, u64)) {
        let ended = Ended { service, kind: kind.as_str(), outcome: fate.as_str() };
        self.requests.get_or_create(&ended).inc();
        let (received, sent) = bytes;
        self.received.get_or_create(&Service { service }).inc_by(received);
        self.sent.get_or_create(&Service { service }).inc_by(sent);
    }

    /// A store has answered, or failed to.
    pub fn store_answered(
        &self,
        service: &'static str,
        kind: Kind,
        seconds: f64,
        failure: Option<StoreFailure>,
    ) {
        self.store.get_or_create(&Asked { service, kind: kind.as_str() }).observe(seconds);
        if let Some(failure) = failure {
            let failed = Failed { service, failure: failure.as_str() };
            self.store_failures.get_or_create(&failed).inc();
        }
    }
}
