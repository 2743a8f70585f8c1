//! What followers have noted: records of the audit trail, and when things were used.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iamd_core::account_id::AccountId;
use serde::{Deserialize, Serialize};

use crate::audit::Received;
use crate::fault::Fault;
use crate::node::Node;

/// Records of calls.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub struct RecordBatch {
    /// The records, each one line of JSON.
    pub records: Vec<String>,
    /// How many more there were that found no place.
    pub lost: u64,
}

/// When something was used.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct FactLine {
    /// The account.
    pub account: u64,
    /// What was used.
    pub key: String,
    /// When, in seconds since 1970.
    pub at: i64,
    /// For what, in Base64.
    pub content: String,
}

/// Takes records into the trail, after those that are there. One that is no record of a guarded
/// service, or of an account that is here, is counted as lost: a follower that tried it again and again
/// would get no other through.
///
/// # Errors
/// [`Fault::Unavailable`] when the trail has no place for long.
pub(super) async fn take(node: &Arc<Node>, batch: RecordBatch) -> Result<(), Fault> {
    let snapshot = node.snapshot();
    let count = batch.records.len();
    let is_here = |record: &Received| snapshot.state.account(record.account()).is_some();
    let received: Vec<Received> =
        batch.records.into_iter().filter_map(Received::of).filter(is_here).collect();
    let refused = count.saturating_sub(received.len());
    if refused > 0 {
        tracing::warn!(refused, "records of a follower cannot be taken into the audit trail");
    }
    node.audit().receive(received, batch.lost.saturating_add(refused as u64)).await
}

/// Takes note of uses; those that say nothing are left out.
pub(super) fn take_uses(node: &Arc<Node>, facts: Vec<FactLine>) {
    let (snapshot, now) = (node.snapshot(), node.clock().now());
    for line in facts {
        let Some(account) = AccountId::from_number(line.account) else { continue };
        let Ok(bytes) = STANDARD.decode(&line.content) else { continue };
        let fact = iamd_store::FactRef {
            account: iamd_store::AccountId(line.account),
            key: &line.key,
            at: line.at,
            bytes: &bytes,
        };
        node.facts().receive(&snapshot.state, account, fact, now);
    }
}
