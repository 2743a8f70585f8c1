//! The time, which `iamd dev` can move.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use iamd_wire::Timestamp;
use tokio::sync::Notify;

/// The wall clock, with an offset that only the dev door changes.
#[derive(Debug, Default)]
pub struct Clock {
    offset_seconds: AtomicI64,
    moved: Notify,
}

impl Clock {
    /// The present time.
    pub fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_seconds(seconds.saturating_add(self.offset_seconds.load(Ordering::Relaxed)))
    }

    /// Moves the clock; gives the whole offset.
    pub fn advance(&self, seconds: i64) -> i64 {
        let add = |offset: i64| Some(offset.saturating_add(seconds));
        let before = self.offset_seconds.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        self.moved.notify_one();
        before.unwrap_or_default().saturating_add(seconds)
    }

    /// Puts the clock back to the time of the machine.
    pub fn reset(&self) {
        self.offset_seconds.store(0, Ordering::Relaxed);
        self.moved.notify_one();
    }

    /// Ends when the clock was moved since the last time; for one who waits.
    pub async fn moved(&self) {
        self.moved.notified().await;
    }
}
