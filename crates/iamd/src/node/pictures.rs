//! Pictures of the state that processes hold which follow this node, so that they can be told what
//! has changed since.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::{Node, Snapshot};
use crate::entropy;
use crate::fault::Fault;

/// Most pictures that are held. They share all but what has changed between them.
// CHOICE: a follower needs two, and one whose picture is gone loads everything again.
const HELD_MAX: usize = 64;

/// The pictures, by number.
#[derive(Default)]
pub(super) struct Pictures {
    /// Tells this process from all others: numbers mean nothing to those.
    life: OnceLock<Box<str>>,
    held: Mutex<Held>,
    changed: Notify,
}

#[derive(Default)]
struct Held {
    pictures: VecDeque<(u64, Arc<Snapshot>)>,
    last: u64,
}

impl Pictures {
    /// The snapshot is another one now.
    pub(super) fn note_change(&self) {
        self.changed.notify_waiters();
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing is left half done by a panic while this lock is held.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Node {
    /// Makes a snapshot the one in force. Whoever calls this holds the lock of publishing.
    pub(super) fn put_in_force(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
        self.pictures.note_change();
    }

    /// A name for this life of the node, which no other has.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] without entropy.
    pub fn life(&self) -> Result<&str, Fault> {
        if let Some(life) = self.pictures.life.get() {
            return Ok(life);
        }
        let life = entropy::request_id()?;
        Ok(self.pictures.life.get_or_init(|| life.into()))
    }

    /// Holds a picture, so that it can be asked for by its number.
    pub fn hold(&self, picture: &Arc<Snapshot>) -> u64 {
        let mut held = self.pictures.held();
        let known = held.pictures.iter().position(|(_, known)| Arc::ptr_eq(known, picture));
        let number = match known.and_then(|place| held.pictures.remove(place)) {
            Some((number, _)) => number,
            None => {
                held.last = held.last.saturating_add(1);
                held.last
            }
        };
        // The one that was asked for last goes last.
        held.pictures.push_back((number, Arc::clone(picture)));
        while held.pictures.len() > HELD_MAX {
            held.pictures.pop_front();
        }
        number
    }

    /// The picture of a number, if it is still held.
    pub fn held(&self, number: u64) -> Option<Arc<Snapshot>> {
        let held = self.pictures.held();
        let found = held.pictures.iter().find(|(known, _)| *known == number);
        found.map(|(_, picture)| Arc::clone(picture))
    }

    /// The snapshot as soon as it is another one than this; the same one if that takes long.
    pub async fn snapshot_after(&self, known: &Arc<Snapshot>, patience: Duration) -> Arc<Snapshot> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let changed = self.pictures.changed.notified();
            tokio::pin!(changed);
            // Before the snapshot is looked at, so that no change is missed.
            changed.as_mut().enable();
            let snapshot = self.snapshot();
            if !Arc::ptr_eq(&snapshot, known)
                || tokio::time::timeout_at(deadline, changed).await.is_err()
            {
                return snapshot;
            }
        }
    }
}
