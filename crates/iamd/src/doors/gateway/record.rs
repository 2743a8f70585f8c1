//! What is known of a call through the gateway, told to whoever watches once it is over.

use std::sync::Arc;
use std::time::Instant;

use hyper::body::Incoming;
use iamd_core::audit::Requester;
use iamd_core::operation::Environment;
use iamd_core::s3::{Ruling, Verdict};
use iamd_policy::Decision;
use iamd_wire::Timestamp;
use serde::Serialize;
use tokio::sync::broadcast;

use super::payload::BodyOutcome;
use crate::node::Node;

/// Lines that a slow watcher may be behind; older ones are lost to him.
const WATCHERS_BEHIND_MAX: usize = 1_024;

/// Whoever watches calls as they end.
#[derive(Clone)]
pub struct Tail(broadcast::Sender<Arc<CallFacts>>);

impl Default for Tail {
    fn default() -> Tail {
        Tail(broadcast::channel(WATCHERS_BEHIND_MAX).0)
    }
}

impl Tail {
    /// The calls that end from now on.
    pub fn watch(&self) -> broadcast::Receiver<Arc<CallFacts>> {
        self.0.subscribe()
    }

    fn tell(&self, facts: CallFacts) {
        // Nobody may be watching.
        let _ = self.0.send(Arc::new(facts));
    }

    fn is_watched(&self) -> bool {
        self.0.receiver_count() > 0
    }
}

/// A call that is over, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct CallFacts {
    /// When it began.
    pub time: String,
    /// The id that the answer carries.
    pub request_id: String,
    /// The ARN of the caller; none for strangers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// His access key id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// His address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// The operation, such as `GetObject`; none if it was not recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'static str>,
    /// What was decided.
    pub decisions: Vec<DecisionFacts>,
    /// Whether denials were only noted.
    pub observed: bool,
    /// The status of the answer.
    pub status: u16,
    /// The error code, of an answer of the gateway's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Bytes of the body that came.
    pub bytes_in: u64,
    /// Bytes of the body that left.
    pub bytes_out: u64,
    /// How long it took.
    pub milliseconds: f64,
    /// How long the store took until its answer began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_milliseconds: Option<f64>,
}

/// What was decided of one action.
#[derive(Debug, Clone, Serialize)]
pub struct DecisionFacts {
    /// The action.
    pub action: &'static str,
    /// The resource.
    pub resource: String,
    /// The account that owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// `allowed`, `explicitDeny` or `implicitDeny`.
    pub decision: &'static str,
    /// The type of policy that decided; none where it was not about policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<&'static str>,
    /// Why it was denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl DecisionFacts {
    fn of(ruling: &Ruling) -> DecisionFacts {
        let (decision, decided_by, reason) = match &ruling.verdict {
            Verdict::Allowed(decision) => (*decision, true, None),
            Verdict::Denied(denial) => (denial.decision, true, Some(denial.explanation.message())),
            Verdict::NoSuchBucket => (IMPLICIT, false, Some("no account owns it".to_owned())),
            Verdict::OwnerClosed => {
                (IMPLICIT, false, Some("the account that owns it is closed".to_owned()))
            }
            Verdict::Restricted => {
                (IMPLICIT, false, Some("Block Public Access restricts the bucket".to_owned()))
            }
        };
        DecisionFacts {
            action: ruling.action,
            resource: ruling.resource.clone(),
            owner: ruling.owner.map(|owner| owner.to_string()),
            decision: match decision {
                Decision::Allow(_) => "allowed",
                Decision::DenyExplicitly(_) => "explicitDeny",
                Decision::DenyImplicitly(_) => "implicitDeny",
            },
            decided_by: decided_by.then(|| decision.decided_by().as_str()),
            reason,
        }
    }
}

const IMPLICIT: Decision = Decision::DenyImplicitly(iamd_policy::PolicyType::Resource);

/// A call that is under way.
pub(super) struct Call {
    pub(super) node: Arc<Node>,
    pub(super) tail: Tail,
    pub(super) request_id: String,
    pub(super) time: Timestamp,
    pub(super) start: Instant,
    pub(super) operation: Option<&'static str>,
    pub(super) bucket: Option<String>,
    pub(super) key: Option<String>,
    pub(super) requester: Option<Requester>,
    /// The body, until it is read or on its way.
    pub(super) incoming: Option<Incoming>,
    pub(super) environment: Environment,
    pub(super) rulings: Vec<Ruling>,
    pub(super) observed: bool,
    pub(super) status: u16,
    pub(super) code: Option<&'static str>,
    pub(super) body: BodyOutcome,
    pub(super) bytes_out: u64,
    pub(super) store_seconds: Option<f64>,
}

impl Call {
    /// A call that begins now.
    pub(super) fn new(node: &Arc<Node>, tail: &Tail, request_id: String) -> Call {
        Call {
            node: Arc::clone(node),
            tail: tail.clone(),
            request_id,
            time: node.clock().now(),
            start: Instant::now(),
            operation: None,
            bucket: None,
            key: None,
            requester: None,
            incoming: None,
            environment: Environment::default(),
            rulings: Vec::new(),
            observed: false,
            status: 0,
            code: None,
            body: BodyOutcome::default(),
            bytes_out: 0,
            store_seconds: None,
        }
    }

    /// So many bytes of the answer have left.
    pub(super) fn sent(&mut self, count: usize) {
        self.bytes_out += count as u64;
    }

    fn facts(&self) -> CallFacts {
        let caller = self.requester.as_ref();
        CallFacts {
            time: self.time.to_string(),
            request_id: self.request_id.clone(),
            principal: caller.map(|requester| requester.caller.arn()),
            access_key_id: caller.map(|requester| requester.access_key_id.to_string()),
            source_ip: self.environment.source_ip.map(|ip| ip.to_string()),
            operation: self.operation,
            decisions: self.rulings.iter().map(DecisionFacts::of).collect(),
            observed: self.observed,
            status: self.status,
            code: self.code,
            bytes_in: self.body.received(),
            bytes_out: self.bytes_out,
            milliseconds: self.start.elapsed().as_secs_f64() * 1e3,
            store_milliseconds: self.store_seconds.map(|seconds| seconds * 1e3),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.tail.is_watched() {
            self.tail.tell(self.facts());
        }
    }
}
