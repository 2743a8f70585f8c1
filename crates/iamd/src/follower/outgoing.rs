//! What the process has noted, handed to the node: records of the audit trail.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::{Leader, Unanswered};
use crate::audit::{Outbox, Outgoing};
use crate::config::{AuditSettings, WhenFull};
use crate::operator::{AuditTerms, FollowAnswer, FollowWish, RecordBatch};

/// Bytes of records after which a batch ends.
const BATCH_BYTES_MAX: usize = 256 * 1024;
/// How long the node may take for a batch.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);
/// Least and most time before a batch is tried again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How long the last records are tried when the process ends.
const LAST_TIME_MAX: Duration = Duration::from_secs(5);

impl AuditTerms {
    /// The settings of a trail on these terms.
    pub fn settings(&self, rest: AuditSettings) -> AuditSettings {
        let when_full = if self.waits_when_full { WhenFull::Wait } else { WhenFull::Count };
        AuditSettings { when_full, waiting_max: self.waiting_max, ..rest }
    }
}

/// Hands records over until the outbox is closed and empty. A batch whose answer was lost is handed
/// over again: its records then stand in the trail twice, with the same ids.
pub async fn hand_over(leader: Arc<Leader>, outbox: Outbox) {
    loop {
        let Outgoing { records, lost, is_closed } = outbox.take().await;
        let mut lost = lost;
        for records in batches(records) {
            let batch = RecordBatch { records, lost: std::mem::take(&mut lost) };
            deliver(&leader, batch, &outbox).await;
        }
        if lost > 0 {
            deliver(&leader, RecordBatch { records: Vec::new(), lost }, &outbox).await;
        }
        if is_closed {
            return;
        }
    }
}

/// Tries until the node has it, or the process has been ending for long.
async fn deliver(leader: &Leader, batch: RecordBatch, outbox: &Outbox) {
    let mut wait = BACKOFF.0;
    let mut deadline = None;
    loop {
        let count = batch.records.len();
        let asked = leader.ask(FollowWish::Records(batch.clone()));
        let unanswered = match timeout(ANSWER_TIME_MAX, asked).await {
            Ok(Ok(FollowAnswer::Taken)) => return,
            Ok(Ok(_)) => Unanswered::Refused("the node answers something else".to_owned()),
            Ok(Err(unanswered)) => unanswered,
            Err(_) => Unanswered::Away("no answer in time".to_owned()),
        };
        if wait == BACKOFF.0 {
            tracing::warn!(count, "records of the audit trail wait for the node: {unanswered}");
        }
        if outbox.is_closed() {
            deadline.get_or_insert_with(|| Instant::now() + LAST_TIME_MAX);
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            tracing::error!(count, "records of the audit trail are lost");
            return;
        }
        sleep(wait).await;
        wait = (wait * 2).min(BACKOFF.1);
    }
}

fn batches(records: Vec<String>) -> Vec<Vec<String>> {
    let mut batches: Vec<Vec<String>> = Vec::new();
    let mut bytes = usize::MAX;
    for record in records {
        let length = record.len();
        match batches.last_mut() {
            Some(batch) if bytes.saturating_add(length) <= BATCH_BYTES_MAX => batch.push(record),
            Some(_) | None => {
                batches.push(vec![record]);
                bytes = 0;
            }
        }
        bytes = bytes.saturating_add(length);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_all_records_in_order_and_are_bounded() {
        assert!(batches(Vec::new()).is_empty());
        let records: Vec<String> =
            (1..40).map(|number: usize| format!("{number}").repeat(number * 500)).collect();
        let batches = batches(records.clone());
        assert!(batches.len() > 1);
        for batch in &batches {
            let bytes: usize = batch.iter().map(String::len).sum();
            assert!(!batch.is_empty() && (batch.len() == 1 || bytes <= BATCH_BYTES_MAX));
        }
        assert_eq!(batches.concat(), records);
        assert_eq!(super::batches(vec!["x".repeat(2 * BATCH_BYTES_MAX)]).len(), 1);
    }
}
