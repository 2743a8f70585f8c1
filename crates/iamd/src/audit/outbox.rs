//! Records that wait to be handed to the node that this one follows.

use std::sync::Arc;
use std::time::Duration;

use super::ring::{Entry, Ring};

/// How long one look at the ring waits for records.
const PATIENCE: Duration = Duration::from_secs(1);

/// The records that wait.
#[derive(Clone)]
pub struct Outbox(pub(super) Arc<Ring>);

/// What was taken out.
#[derive(Debug, Default)]
pub struct Outgoing {
    /// The records.
    pub records: Vec<String>,
    /// How many found no place.
    pub lost: u64,
    /// Whether no more will come.
    pub is_closed: bool,
}

impl Outbox {
    /// Waits for records, but not for long, and takes them all.
    pub async fn take(&self) -> Outgoing {
        let ring = Arc::clone(&self.0);
        // It waits as a thread does.
        let batch = tokio::task::spawn_blocking(move || ring.take(PATIENCE)).await;
        let Ok(batch) = batch else { return Outgoing::default() };
        let mut outgoing =
            Outgoing { lost: batch.lost, is_closed: batch.is_closed, ..Outgoing::default() };
        for entry in batch.entries {
            if let Entry::Recorded(record) = entry {
                outgoing.records.push(record.text);
            }
        }
        outgoing
    }

    /// Whether the process ends.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Takes nothing more; what is there can still be taken out.
    pub fn close(&self) {
        self.0.close();
    }
}
