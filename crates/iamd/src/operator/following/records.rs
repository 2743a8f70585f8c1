//! What followers have noted: records of the audit trail, and when things were used.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iamd_store::Fact;
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
///
/// # Errors
/// [`Fault::Unavailable`]
pub(super) async fn take_uses(node: &Arc<Node>, facts: Vec<FactLine>) -> Result<(), Fault> {
    let facts = facts.into_iter().filter_map(|line| {
        let bytes = STANDARD.decode(&line.content).ok()?;
        let account = iamd_store::AccountId(line.account);
        Some(Fact { account, key: line.key.into(), at: line.at, bytes })
    });
    node.receive_facts(facts.collect()).await
}
