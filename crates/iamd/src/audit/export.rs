//! Brings records of the store into the files that did not come there by themselves: those of a time
//! without the trail, and those that found no place.

use std::sync::Arc;

use iamd_core::account_id::AccountId;

use super::ring::{Entry, StoredRecord};
use crate::fault::Fault;
use crate::keys::open_record;
use crate::node::Node;

/// Records read at once.
const PORTION: usize = 256;

/// Brings records into the files for as long as the node runs.
pub async fn export(node: Arc<Node>) {
    loop {
        catch_up(&node).await;
        let Some(trail) = node.audit().trail.get() else { return };
        trail.shared.fell_behind().await;
    }
}

/// Brings everything into the files that the store has now.
async fn catch_up(node: &Node) {
    for (account, log) in node.logs() {
        // One account that is damaged does not hold up the others.
        if let Err(fault) = catch_up_account(node, account, log.last).await {
            tracing::error!("records do not come into the audit trail: {fault}");
        }
    }
}

async fn catch_up_account(node: &Node, account: AccountId, last: u64) -> Result<(), Fault> {
    let Some(trail) = node.audit().trail.get() else { return Ok(()) };
    let snapshot = node.snapshot();
    let mut after = trail.shared.exported(account);
    while after < last {
        let records = node.stored_records(account, after, PORTION).await?;
        let Some(first) = records.first() else {
            return Err(Fault::Damaged(format!(
                "record {} of account {account} is missing",
                after.saturating_add(1)
            )));
        };
        if first.number > after.saturating_add(1) {
            trail.shared.ring.put(Entry::Skip { account, up_to: first.number - 1 }).await?;
        }
        for record in &records {
            let number = record.number;
            let text =
                open_record(&snapshot.keys, account, number, &record.bytes).ok_or_else(|| {
                    Fault::Damaged(format!(
                        "record {number} of account {account} was altered or moved there"
                    ))
                })?;
            let record = StoredRecord { account, number, text };
            trail.shared.ring.put(Entry::Stored(record)).await?;
            after = number;
        }
        node.audit().flush().await?;
    }
    Ok(())
}
