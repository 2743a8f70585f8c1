//! The time, which `iamd dev` can move.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use iamd_wire::Timestamp;
use tokio::sync::Notify;

/// A clock, with an offset that only the dev door changes.
#[derive(Debug, Default)]
pub struct Clock {
    source: Source,
    offset_seconds: AtomicI64,
    moved: Notify,
}

/// Where the time comes from.
#[derive(Debug, Default)]
enum Source {
    /// The machine.
    #[default]
    Machine,
    /// The timers of the runtime, which began at this time: a simulation moves them.
    #[cfg(test)]
    Timers { began: (tokio::time::Instant, i64) },
}

impl Clock {
    /// A clock that goes by the timers of the runtime.
    #[cfg(test)]
    pub fn of_timers(began: (tokio::time::Instant, i64)) -> Clock {
        Clock { source: Source::Timers { began }, ..Clock::default() }
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        let seconds = self.source.seconds();
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

impl Source {
    fn seconds(&self) -> i64 {
        match self {
            Source::Machine => {
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)
            }
            #[cfg(test)]
            Source::Timers { began: (instant, seconds) } => {
                seconds + instant.elapsed().as_secs() as i64
            }
        }
    }
}
