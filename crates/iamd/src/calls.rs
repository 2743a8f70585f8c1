//! Calls through the gateway as they end, for whoever watches.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

/// Lines that a slow watcher may be behind; older ones are lost to him.
const WATCHERS_BEHIND_MAX: usize = 1_024;

/// Tells whoever watches of calls as they end.
pub struct Calls(broadcast::Sender<Arc<CallFacts>>);

impl Default for Calls {
    fn default() -> Calls {
        Calls(broadcast::channel(WATCHERS_BEHIND_MAX).0)
    }
}

impl Calls {
    /// The calls that end from now on.
    pub fn watch(&self) -> broadcast::Receiver<Arc<CallFacts>> {
        self.0.subscribe()
    }

    /// A call is over.
    pub fn tell(&self, facts: CallFacts) {
        // Nobody may be watching.
        let _ = self.0.send(Arc::new(facts));
    }

    /// Whether anybody watches.
    pub fn is_watched(&self) -> bool {
        self.0.receiver_count() > 0
    }
}

/// A call that is over, as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
    pub operation: Option<String>,
    /// What was decided.
    pub decisions: Vec<DecisionFacts>,
    /// What becomes of denials of this caller: `enforce` or `observe`.
    pub mode: String,
    /// Whether there were denials, and they were only noted.
    pub observed: bool,
    /// The status of the answer.
    pub status: u16,
    /// The error code, of an answer of the gateway's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DecisionFacts {
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// The account that owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// `allowed`, `explicitDeny` or `implicitDeny`.
    pub decision: String,
    /// The type of policy that decided; none where it was not about policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// Why it was denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
