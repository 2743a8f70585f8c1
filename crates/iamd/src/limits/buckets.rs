//! Token buckets, one for each key, in a table that cannot grow without end.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::config::RateSetting;

/// Most buckets that are not full.
// CHOICE: twice the callers who fit the cache of signing keys; about 6 MB.
const BUCKETS_MAX: usize = 131_072;

/// Token buckets of one rate. A full bucket is not kept, for it is as good as a new one.
///
/// A bucket is the one time at which it will be full again (the generic cell rate algorithm).
pub struct Buckets<K> {
    /// How long a token takes to come back; none without a limit.
    token: Option<Duration>,
    /// How long all but one take.
    tolerance: Duration,
    full_at: Mutex<Table<K>>,
}

struct Table<K> {
    known: HashMap<K, Duration>,
    /// What everybody shares who finds no room.
    crowd: Duration,
}

impl<K: Hash + Eq> Buckets<K> {
    /// Buckets that are filled at this rate.
    pub fn new(rate: RateSetting) -> Buckets<K> {
        Buckets::of(Duration::from_secs(1).checked_div(rate.per_second), rate.burst)
    }

    /// Buckets of so many tokens, of which one comes back after so long; no limit without that.
    pub fn of(token: Option<Duration>, burst: u32) -> Buckets<K> {
        let tolerance = token.unwrap_or_default().saturating_mul(burst.saturating_sub(1));
        let table = Table { known: HashMap::new(), crowd: Duration::ZERO };
        Buckets { token, tolerance, full_at: Mutex::new(table) }
    }

    /// Takes a token; whether there was one. `now` is the time since some start.
    #[must_use]
    pub fn take(&self, key: K, now: Duration) -> bool {
        let Some(token) = self.token else { return true };
        // Nothing is left half done by a panic while this lock is held.
        let mut table = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if table.known.len() >= BUCKETS_MAX && !table.known.contains_key(&key) {
            table.known.retain(|_, full_at| *full_at > now);
        }
        let has_room = table.known.len() < BUCKETS_MAX || table.known.contains_key(&key);
        let full_at = if has_room {
            table.known.entry(key).or_insert(Duration::ZERO)
        } else {
            &mut table.crowd
        };
        let owed = (*full_at).max(now);
        if owed.saturating_sub(now) > self.tolerance {
            return false;
        }
        *full_at = owed.saturating_add(token);
        true
    }

    /// Puts a token back that was taken.
    pub fn give_back(&self, key: &K) {
        let Some(token) = self.token else { return };
        let mut table = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        // One out of the crowd's bucket comes back by itself.
        if let Some(full_at) = table.known.get_mut(key) {
            *full_at = full_at.saturating_sub(token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn milliseconds(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn a_burst_passes_and_then_one_a_token() {
        let buckets = Buckets::new(RateSetting { per_second: 10, burst: 3 });
        let now = milliseconds(5_000);
        for _ in 0..3 {
            assert!(buckets.take("ana", now));
        }
        assert!(!buckets.take("ana", now));
        assert!(!buckets.take("ana", now + milliseconds(99)));
        assert!(buckets.take("ana", now + milliseconds(100)));
        assert!(!buckets.take("ana", now + milliseconds(199)), "one token came back, and is spent");
        // Another has his own.
        assert!(buckets.take("ben", now));
        // After a pause all are back, and not more than all.
        let later = now + milliseconds(60_000);
        let passed = (0..10).filter(|_| buckets.take("ana", later)).count();
        assert_eq!(passed, 3);
    }

    #[test]
    fn what_is_given_back_was_never_taken() {
        let buckets = Buckets::of(Some(milliseconds(100)), 2);
        let now = milliseconds(5_000);
        for _ in 0..10 {
            assert!(buckets.take("ana", now));
            buckets.give_back(&"ana");
        }
        assert!(buckets.take("ana", now) && buckets.take("ana", now));
        assert!(!buckets.take("ana", now));
        buckets.give_back(&"ana");
        assert!(buckets.take("ana", now));
        assert!(!buckets.take("ana", now));
        buckets.give_back(&"ben");
        assert_eq!(buckets.full_at.lock().unwrap().known.len(), 1);
    }

    #[test]
    fn a_rate_of_zero_is_no_limit_and_keeps_nothing() {
        let buckets = Buckets::new(RateSetting { per_second: 0, burst: 1 });
        assert!((0..1_000).all(|_| buckets.take("ana", Duration::ZERO)));
        assert!(buckets.full_at.lock().unwrap().known.is_empty());
    }

    #[test]
    fn the_table_is_bounded_and_the_crowd_shares_one_bucket() {
        let buckets = Buckets::new(RateSetting { per_second: 1, burst: 2 });
        let now = milliseconds(1);
        for key in 0..BUCKETS_MAX {
            assert!(buckets.take(key, now));
        }
        let passed = (0..10).filter(|key| buckets.take(BUCKETS_MAX + key, now)).count();
        assert_eq!(passed, 2);
        assert_eq!(buckets.full_at.lock().unwrap().known.len(), BUCKETS_MAX);
        // Those in the table keep theirs.
        assert!(buckets.take(0, now));
        assert!(!buckets.take(0, now));
        // Once buckets are full again there is room.
        let later = milliseconds(3_000);
        assert!(buckets.take(BUCKETS_MAX, later));
        assert_eq!(buckets.full_at.lock().unwrap().known.len(), 1);
    }
}
