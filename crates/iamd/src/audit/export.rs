//! Brings records of the store into the files that did not come there by themselves: those of a time
//! without the trail, and those that found no place. What is in the files and old is then forgotten
//! in the store.

use std::sync::Arc;
use std::time::Duration;

use iamd_core::account_id::AccountId;

use super::ring::{Entry, StoredRecord};
use super::summary::Facts;
use crate::fault::Fault;
use crate::keys::{LogHead, open_record};
use crate::node::Node;

/// Records read at once.
const PORTION: usize = 256;

/// How often old records are looked for in the store.
const FORGETTING_INTERVAL: Duration = Duration::from_secs(3_600);

/// Brings records into the files, and forgets old ones, for as long as the node runs.
pub async fn export(node: Arc<Node>) {
    let Some(trail) = node.audit().trail.get() else { return };
    // A start reads no record that it does not need.
    let first = tokio::time::Instant::now() + FORGETTING_INTERVAL;
    let mut forgetting = tokio::time::interval_at(first, FORGETTING_INTERVAL);
    loop {
        catch_up(&node).await;
        tokio::select! {
            () = trail.shared.fell_behind() => {}
            _ = forgetting.tick() => forget_old(&node, trail.settings.retention_days).await,
        }
    }
}

/// Forgets records of the store that are in the files and older than that.
pub(super) async fn forget_old(node: &Arc<Node>, retention_days: u32) {
    let retention = i64::from(retention_days).saturating_mul(86_400);
    let until = node.clock().now().seconds().saturating_sub(retention);
    for (account, log) in node.logs() {
        if let Err(fault) = forget_old_of(node, account, &log, until).await {
            tracing::warn!("old records of account {account} were not forgotten: {fault}");
        }
    }
}

async fn forget_old_of(
    node: &Arc<Node>,
    account: AccountId,
    log: &LogHead,
    until: i64,
) -> Result<(), Fault> {
    let Some(trail) = node.audit().trail.get() else { return Ok(()) };
    let (snapshot, exported) = (node.snapshot(), trail.shared.exported(account));
    let mut old = log.forgotten;
    loop {
        let records = node.stored_records(account, old, PORTION).await?;
        let is_old = |record: &&iamd_store::Record| {
            let text = open_record(&snapshot.keys, account, record.number, &record.bytes);
            let time = text.as_deref().and_then(|text| Some(Facts::of(text.as_bytes())?.time));
            record.number <= exported && time.is_some_and(|time| time.seconds() < until)
        };
        let found = records.iter().take_while(is_old).last().map(|record| record.number);
        old = found.unwrap_or(old);
        let is_all = records.last().map(|record| record.number) == found;
        if found.is_none() || !is_all {
            return node.forget_records(account, old.min(log.last.saturating_sub(1))).await;
        }
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
            let marks = Facts::of(text.as_bytes()).map(|facts| facts.marks());
            let record = StoredRecord { account, number, text, marks };
            trail.shared.ring.put(Entry::Stored(record)).await?;
            after = number;
        }
        node.audit().flush().await?;
    }
    Ok(())
}
