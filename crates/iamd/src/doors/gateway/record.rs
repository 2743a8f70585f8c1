//! What is known of a call through the gateway: told to whoever watches, to the audit trail and to the
//! metrics once it is over.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use hyper::body::Incoming;
use iamd_core::audit::{Actor, Event, Guarded, GuardedResource, Outcome, Requester};
use iamd_core::operation::Environment;
use iamd_core::s3::{Ruling, Verdict};
use iamd_policy::{Decision, PolicyType};
use iamd_wire::Timestamp;
use iamd_wire::shown::Shown;
use serde_json::json;

use super::forwarded::ForwardedRequest;
use super::mode::Mode;
use super::payload::BodyOutcome;
use crate::audit::Note;
use crate::calls::{CallFacts, DecisionFacts};
use crate::node::Node;

/// Most decisions that a record shows; DeleteObjects has up to two thousand.
pub const DECISIONS_MAX: usize = 100;
/// Most resources that a record names. CloudTrail names few.
const RESOURCES_MAX: usize = 20;

/// A call that is under way.
pub(super) struct Call {
    pub(super) node: Arc<Node>,
    pub(super) request_id: String,
    pub(super) time: Timestamp,
    pub(super) start: Instant,
    pub(super) operation: Option<&'static str>,
    pub(super) bucket: Option<String>,
    pub(super) key: Option<String>,
    pub(super) requester: Option<Requester>,
    /// The body, until it is read or on its way.
    pub(super) incoming: Option<Incoming>,
    /// Whether it is a call of another process, which tells of it and counts it.
    pub(super) is_elsewhere: bool,
    /// The body as it came, where it was read whole.
    pub(super) whole: Bytes,
    /// The request for the node that this one follows, which is to carry it out.
    pub(super) forwarded: Option<ForwardedRequest>,
    pub(super) environment: Environment,
    pub(super) rulings: Vec<Ruling>,
    /// What becomes of denials; it is known once the signature is proven.
    pub(super) mode: Mode,
    /// Whether there were denials, and they were only noted.
    pub(super) observed: bool,
    /// Whether what the call changed is recorded with the change.
    pub(super) is_recorded: bool,
    pub(super) status: u16,
    pub(super) code: Option<&'static str>,
    pub(super) message: Option<String>,
    pub(super) body: BodyOutcome,
    pub(super) bytes_out: u64,
    pub(super) store_seconds: Option<f64>,
}

impl Call {
    /// A call that begins now.
    pub(super) fn new(node: &Arc<Node>, request_id: String) -> Call {
        Call {
            node: Arc::clone(node),
            request_id,
            time: node.clock().now(),
            start: Instant::now(),
            operation: None,
            bucket: None,
            key: None,
            requester: None,
            incoming: None,
            is_elsewhere: false,
            whole: Bytes::new(),
            forwarded: None,
            environment: Environment::default(),
            rulings: Vec::new(),
            mode: Mode::default(),
            observed: false,
            is_recorded: false,
            status: 0,
            code: None,
            message: None,
            body: BodyOutcome::default(),
            bytes_out: 0,
            store_seconds: None,
        }
    }

    /// So many bytes of the answer have left.
    pub(super) fn sent(&mut self, count: usize) {
        self.bytes_out += count as u64;
    }

    /// The event of the audit trail.
    pub(super) fn event(&self, operation: &'static str, is_read: bool) -> Event {
        let mut parameters = serde_json::Map::new();
        for (name, value) in [("bucketName", &self.bucket), ("key", &self.key)] {
            parameters.extend(value.as_ref().map(|value| (name.to_owned(), json!(value))));
        }
        Event {
            actor: match &self.requester {
                Some(requester) => Actor::Caller(requester.clone()),
                None => Actor::Stranger,
            },
            source: "s3.amazonaws.com",
            name: operation.into(),
            region: String::from(self.environment.region.clone()).into(),
            source_ip: self.environment.source_ip,
            user_agent: self.environment.user_agent.clone(),
            parameters: Shown::of_json(serde_json::Value::Object(parameters).to_string()),
            request_id: self.request_id.as_str().into(),
            is_read,
            guarded: Some(Box::new(self.guarded())),
        }
    }

    fn guarded(&self) -> Guarded {
        let mut resources: Vec<GuardedResource> = Vec::new();
        for ruling in self.rulings.iter().filter(|ruling| ruling.resource != "*") {
            let is_object = ruling.resource.contains('/');
            let kind = if is_object { "AWS::S3::Object" } else { "AWS::S3::Bucket" };
            let arn = ruling.resource.clone();
            let resource = GuardedResource { kind, arn, account: ruling.owner };
            if resources.len() < RESOURCES_MAX && !resources.contains(&resource) {
                resources.push(resource);
            }
        }
        let decisions: Vec<DecisionFacts> =
            self.rulings.iter().take(DECISIONS_MAX).map(decision_facts).collect();
        let additional = json!({
            "decisions": decisions,
            "mode": self.mode.as_str(),
            "observed": self.observed,
            "bytesTransferredIn": self.body.received(),
            "bytesTransferredOut": self.bytes_out,
            "storeMilliseconds": self.store_seconds.map(|seconds| seconds * 1e3),
            "httpStatus": self.status,
        });
        Guarded { is_data: self.key.is_some(), resources, additional: additional.to_string() }
    }

    fn outcome(&self) -> Outcome {
        match self.code {
            Some(code) => Outcome::Refused { code: code.into(), message: self.message.clone() },
            None => Outcome::Done(None),
        }
    }

    /// Notes the call in the audit trail of the account that owns what it is about.
    fn note(&self) {
        let Some(operation) = self.operation.filter(|_| !self.is_recorded) else { return };
        if !self.node.audit().takes_notes() {
            return;
        }
        // Of a stranger at something that nobody owns there is nobody who would want to know.
        let Some(account) = self.account() else { return };
        let (event, outcome) = (self.event(operation, is_read(operation)), self.outcome());
        let note = Note { event: &event, outcome: &outcome, account, time: self.time };
        if let Err(record) = self.node.audit().note(&note) {
            // The answer has left: only the next ones can wait.
            let node = Arc::clone(&self.node);
            tokio::spawn(async move {
                if let Err(fault) = node.audit().wait(record).await {
                    tracing::error!("a call was not recorded: {fault}");
                }
            });
        }
    }

    fn facts(&self) -> CallFacts {
        let caller = self.requester.as_ref();
        CallFacts {
            time: self.time.to_string(),
            request_id: self.request_id.clone(),
            principal: caller.map(|requester| requester.caller.arn()),
            access_key_id: caller.map(|requester| requester.access_key_id.to_string()),
            source_ip: self.environment.source_ip.map(|ip| ip.to_string()),
            operation: self.operation.map(str::to_owned),
            decisions: self.rulings.iter().map(decision_facts).collect(),
            mode: self.mode.as_str().to_owned(),
            observed: self.observed,
            status: self.status,
            code: self.code.map(str::to_owned),
            bytes_in: self.body.received(),
            bytes_out: self.bytes_out,
            milliseconds: self.start.elapsed().as_secs_f64() * 1e3,
            store_milliseconds: self.store_seconds.map(|seconds| seconds * 1e3),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.is_elsewhere {
            if self.node.calls().is_watched() {
                self.node.calls().tell(self.facts());
            }
            self.count();
        }
        self.note();
    }
}

fn is_read(operation: &str) -> bool {
    ["Get", "Head", "List", "Preflight", "Select"].iter().any(|verb| operation.starts_with(verb))
}

/// What was decided, as it is shown.
fn decision_facts(ruling: &Ruling) -> DecisionFacts {
    let (decision, reason) = match &ruling.verdict {
        Verdict::Allowed(decision) => (Some(*decision), None),
        Verdict::Denied(denial) => (Some(denial.decision), Some(denial.explanation.message())),
        Verdict::NoSuchBucket => (None, Some("no account owns the bucket".to_owned())),
        Verdict::OwnerClosed => (None, Some("the account that owns it is closed".to_owned())),
        Verdict::Restricted => (None, Some("Block Public Access restricts the bucket".to_owned())),
    };
    let word = match decision.unwrap_or(Decision::DenyImplicitly(PolicyType::Resource)) {
        Decision::Allow(_) => "allowed",
        Decision::DenyExplicitly(_) => "explicitDeny",
        Decision::DenyImplicitly(_) => "implicitDeny",
    };
    DecisionFacts {
        action: ruling.action.to_owned(),
        resource: ruling.resource.clone(),
        owner: ruling.owner.map(|owner| owner.to_string()),
        decision: word.to_owned(),
        decided_by: decision.map(|decision| decision.decided_by().as_str().to_owned()),
        reason,
    }
}
