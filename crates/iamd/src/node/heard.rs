//! When the node began, and when it last heard from the store.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Times of one life of a node. Its own clock, which `iamd dev` can move, is another thing.
#[derive(Debug)]
pub struct Heard {
    start: Instant,
    /// What the machine's clock said then.
    wall: SystemTime,
    /// Milliseconds from the start to the last word of the store.
    last: AtomicU64,
}

impl Default for Heard {
    fn default() -> Heard {
        Heard { start: Instant::now(), wall: SystemTime::now(), last: AtomicU64::new(0) }
    }
}

impl Heard {
    /// Notes a word of the store.
    pub(super) fn note(&self) {
        let milliseconds = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.fetch_max(milliseconds, Ordering::Relaxed);
    }

    /// How long the node has been running.
    pub fn uptime(&self) -> Duration {
        self.start.elapsed()
    }

    /// How long ago the store last said anything: the picture in memory may be as old as that.
    pub fn silence(&self) -> Duration {
        self.start
            .elapsed()
            .saturating_sub(Duration::from_millis(self.last.load(Ordering::Relaxed)))
    }

    /// By how many seconds the machine's clock was set since the start: what it has moved on beyond
    /// the time that has passed.
    pub fn clock_set_seconds(&self) -> f64 {
        let passed = self.start.elapsed().as_secs_f64();
        match SystemTime::now().duration_since(self.wall) {
            Ok(moved) => moved.as_secs_f64() - passed,
            Err(back) => -back.duration().as_secs_f64() - passed,
        }
    }
}
