//! What happened and is not written yet: a bounded ring between requests and the writer's thread.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use iamd_core::account_id::AccountId;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::Recorded;
use super::end::FileKey;
use super::summary::Marks;
use crate::config::WhenFull;
use crate::fault::Fault;

/// Most bytes of all entries together, about.
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long the writer lets entries gather, so that requests wake it seldom.
const GATHERING: Duration = Duration::from_millis(5);
/// Places that are made ready at once, after as many were taken.
const ENTRIES_READY: usize = 4_096;
/// How long a request waits for a place before it is refused.
const WAITING_MAX: Duration = Duration::from_secs(30);

/// Something that is to be written.
pub(super) enum Entry {
    /// A record that the store does not have: of a request that committed nothing, or from another
    /// process.
    Recorded(Recorded),
    /// A record that the store has.
    Stored(StoredRecord),
    /// The store has no records of an account any more up to this number, and does not miss them.
    Skip { account: AccountId, up_to: u64 },
    /// The key that is to be used from now on.
    Rekey(Box<FileKey>),
    /// Tells when all entries before it are written.
    Flush(oneshot::Sender<()>),
}

/// A record that the store has.
pub(super) struct StoredRecord {
    pub(super) account: AccountId,
    pub(super) number: u64,
    pub(super) text: String,
    /// What the index notes of it; nothing for a record that is not one.
    pub(super) marks: Option<Marks>,
}

impl Entry {
    fn size(&self) -> usize {
        match self {
            Entry::Recorded(record) => record.size(),
            Entry::Stored(record) => {
                record.text.len() + record.marks.as_ref().map_or(0, Marks::size)
            }
            Entry::Skip { .. } | Entry::Rekey(_) | Entry::Flush(_) => 0,
        }
    }
}

/// The ring.
pub(super) struct Ring {
    state: Mutex<State>,
    /// Wakes the writer.
    filled: Condvar,
    /// Wakes requests that wait for a place.
    room: Notify,
    entries_max: usize,
    when_full: WhenFull,
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    bytes: usize,
    lost: u64,
    /// How many found no place since the start.
    lost_ever: u64,
    /// Whether the writer is not to wait for more.
    is_urgent: bool,
    is_closed: bool,
}

/// How full the ring is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// What waits to be written.
    pub entries: usize,
    /// Its bytes, about.
    pub bytes: usize,
    /// How many records found no place since the start.
    pub lost: u64,
}

/// What the writer takes at once.
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    /// How many found no place since the last time.
    pub(super) lost: u64,
    pub(super) is_closed: bool,
}

impl Ring {
    pub(super) fn new(entries_max: usize, when_full: WhenFull) -> Ring {
        let (state, filled, room) = (Mutex::default(), Condvar::new(), Notify::new());
        Ring { state, filled, room, entries_max, when_full }
    }

    /// Puts an entry into the ring, or gives it back if there is no place.
    pub(super) fn offer(&self, entry: Entry) -> Result<(), Entry> {
        let size = entry.size();
        let mut state = self.lock();
        if state.is_closed {
            return Ok(());
        }
        let is_flush = matches!(entry, Entry::Flush(_) | Entry::Rekey(_));
        let is_full =
            state.entries.len() >= self.entries_max || state.bytes.saturating_add(size) > BYTES_MAX;
        if is_full && !is_flush {
            return Err(entry);
        }
        state.entries.push(entry);
        state.bytes = state.bytes.saturating_add(size);
        let is_half_full = state.entries.len() == self.entries_max / 2;
        state.is_urgent |= is_flush || is_half_full;
        // While entries are there, the writer is awake or about to be.
        if state.entries.len() == 1 || is_flush || is_half_full {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// The same, and what the settings want when there is no place.
    ///
    /// # Errors
    /// The entry, if its request is to wait for a place.
    pub(super) fn offer_or_count(&self, entry: Entry) -> Result<(), Entry> {
        match (self.offer(entry), self.when_full) {
            (Err(entry), WhenFull::Wait) => Err(entry),
            (Err(_), WhenFull::Count) => {
                let mut state = self.lock();
                state.lost = state.lost.saturating_add(1);
                state.lost_ever = state.lost_ever.saturating_add(1);
                Ok(())
            }
            (Ok(()), _) => Ok(()),
        }
    }

    /// Counts records that were lost before they came here.
    pub(super) fn count_lost(&self, count: u64) {
        let mut state = self.lock();
        state.lost = state.lost.saturating_add(count);
        state.lost_ever = state.lost_ever.saturating_add(count);
    }

    /// Puts an entry into the ring as soon as there is a place.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when there is none for long.
    pub(super) async fn put(&self, mut entry: Entry) -> Result<(), Fault> {
        let deadline = Instant::now() + WAITING_MAX;
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            // Before the place is looked for, so that none is missed.
            room.as_mut().enable();
            match self.offer(entry) {
                Ok(()) => return Ok(()),
                Err(back) => entry = back,
            }
            if tokio::time::timeout_at(deadline, room).await.is_err() {
                return Err(Fault::Unavailable("the audit trail is not written".to_owned()));
            }
        }
    }

    /// Waits for entries, but no longer than that, and takes them all.
    pub(super) fn take(&self, patience: Duration) -> Batch {
        let state = self.lock();
        let waited = self.filled.wait_timeout_while(state, patience, |state| {
            state.entries.is_empty() && !state.is_closed
        });
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let waited = self.filled.wait_timeout_while(state, GATHERING, |state| {
            !state.entries.is_empty() && !state.is_urgent && !state.is_closed
        });
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let ready = Vec::with_capacity(state.entries.len().min(ENTRIES_READY));
        let batch = Batch {
            entries: std::mem::replace(&mut state.entries, ready),
            lost: std::mem::take(&mut state.lost),
            is_closed: state.is_closed,
        };
        (state.bytes, state.is_urgent) = (0, false);
        drop(state);
        self.room.notify_waiters();
        batch
    }

    /// How full it is, and how much found no place.
    pub(super) fn load(&self) -> Load {
        let state = self.lock();
        Load { entries: state.entries.len(), bytes: state.bytes, lost: state.lost_ever }
    }

    /// Takes nothing more.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.filled.notify_one();
    }

    /// Whether nothing more is taken.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is made whole before anything that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn entry(number: u64) -> Entry {
        let account = AccountId::from_number(1).unwrap();
        Entry::Stored(StoredRecord { account, number, text: String::new(), marks: None })
    }

    #[test]
    fn a_full_ring_counts_what_is_lost_or_gives_it_back() {
        for (when_full, expected_lost) in [(WhenFull::Count, 2), (WhenFull::Wait, 0)] {
            let ring = Ring::new(3, when_full);
            let refused = (0..5).filter(|number| ring.offer_or_count(entry(*number)).is_err());
            assert_eq!(refused.count(), if expected_lost == 0 { 2 } else { 0 });
            assert_eq!(ring.load(), Load { entries: 3, bytes: 0, lost: expected_lost });
            let batch = ring.take(Duration::ZERO);
            assert_eq!((batch.entries.len(), batch.lost), (3, expected_lost));
            assert_eq!(ring.load(), Load { entries: 0, bytes: 0, lost: expected_lost });
            assert!(ring.offer(entry(9)).is_ok());
        }
        let ring = Ring::new(3, WhenFull::Count);
        let large = |_| {
            let account = AccountId::from_number(1).unwrap();
            let text = "x".repeat(BYTES_MAX / 2 + 1);
            Entry::Stored(StoredRecord { account, number: 1, text, marks: None })
        };
        assert!(ring.offer(large(())).is_ok() && ring.offer(large(())).is_err());
    }

    #[tokio::test]
    async fn who_waits_gets_the_next_place() {
        let ring = Arc::new(Ring::new(1, WhenFull::Wait));
        ring.offer(entry(1)).unwrap_or_default();
        let waiting = Arc::clone(&ring);
        let waiter = tokio::spawn(async move { waiting.put(entry(2)).await });
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished());
        assert_eq!(ring.take(Duration::ZERO).entries.len(), 1);
        waiter.await.unwrap().unwrap();
        assert_eq!(ring.take(Duration::ZERO).entries.len(), 1);
    }
}
