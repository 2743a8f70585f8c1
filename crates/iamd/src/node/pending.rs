//! Revocations that are in force on this node, and that the store may not know yet.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use iamd_core::operator::{OrderedRevocation, Revoked};

use super::journal::Journal;
use super::snapshot::Snapshot;
use super::{Failure, Node};
use crate::fault::Fault;

/// Most revocations that wait for the store.
// CHOICE: about what the journal has room for.
const WAITING_MAX: usize = 1_000;

/// The revocations, in the order in which they were said.
#[derive(Debug, Default)]
pub(super) struct Pending {
    waiting: Mutex<Vec<OrderedRevocation>>,
    journal: Mutex<Option<Journal>>,
}

impl Pending {
    /// The picture with all of them in force.
    pub(super) fn over(&self, snapshot: Snapshot) -> Snapshot {
        let waiting = self.waiting();
        waiting.iter().fold(snapshot, |snapshot, ordered| {
            match ordered.revocation.planned(&snapshot.state) {
                Ok(planned) => snapshot.after(&planned.changes, &[]),
                // Its account is gone, and all credentials with it.
                Err(_) => snapshot,
            }
        })
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<OrderedRevocation>> {
        // Nothing is left half done by a panic while this lock is held.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn journal(&self) -> MutexGuard<'_, Option<Journal>> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A revocation that is in force here.
#[derive(Debug)]
pub struct InForce {
    /// What it came to.
    pub revoked: Revoked,
    /// Why it would be forgotten if the process ended before the store knows; none if it would not.
    pub not_journalled: Option<Fault>,
}

impl Node {
    /// Opens the journal of a data folder; what stands there is in force from now on.
    ///
    /// # Errors
    /// [`Fault::Folder`]; [`Fault::Damaged`].
    pub fn open_journal(&self, folder: &Path) -> Result<(), Fault> {
        let mut journal = self.pending.journal();
        let (opened, revocations) = Journal::open(folder, &self.snapshot().keys)?;
        *journal = Some(opened);
        self.pending.waiting().extend(revocations);
        self.publish_pending();
        Ok(())
    }

    /// Puts a revocation in force on this node at once, whatever the store does, and writes it down.
    ///
    /// # Errors
    /// What the revocation refuses; [`Fault::Busy`] when too many wait for the store.
    pub async fn revoke(self: &Arc<Node>, ordered: OrderedRevocation) -> Result<InForce, Failure> {
        let revoked = ordered.revocation.planned(&self.snapshot().state)?.output;
        {
            let mut waiting = self.pending.waiting();
            if waiting.len() >= WAITING_MAX {
                let reason = "too many revocations wait for the store; revoke all of an account";
                return Err(Fault::Busy(reason.to_owned()).into());
            }
            waiting.push(ordered.clone());
        }
        self.publish_pending();
        let node = Arc::clone(self);
        let journalled = tokio::task::spawn_blocking(move || {
            let keyring = Arc::clone(&node.snapshot().keys);
            match &mut *node.pending.journal() {
                Some(journal) => journal.append(&keyring, &ordered),
                None => Err(Fault::Folder("there is no journal".to_owned())),
            }
        });
        let journalled = journalled.await.unwrap_or_else(|error| {
            Err(Fault::Bug(format!("the journal was not written: {error}")))
        });
        Ok(InForce { revoked, not_journalled: journalled.err() })
    }

    /// The revocations that the store may not know yet.
    pub fn pending_revocations(&self) -> Vec<OrderedRevocation> {
        self.pending.waiting().clone()
    }

    /// Notes that the store knows a revocation.
    ///
    /// # Errors
    /// [`Fault::Folder`] when the journal cannot be cleared: it is replayed once more then.
    pub fn settle(&self, ordered: &OrderedRevocation) -> Result<(), Fault> {
        // Held before the others are looked at, so that none is written down and cleared at once.
        let mut journal = self.pending.journal();
        let is_last = {
            let mut waiting = self.pending.waiting();
            if let Some(place) = waiting.iter().position(|waiting| waiting == ordered) {
                waiting.remove(place);
            }
            waiting.is_empty()
        };
        match &mut *journal {
            Some(journal) if is_last => journal.clear(),
            Some(_) | None => Ok(()),
        }
    }

    fn publish_pending(&self) {
        let _publishing = self.lock_publishing();
        let current = Snapshot::clone(&self.snapshot.load());
        self.snapshot.store(Arc::new(self.pending.over(current)));
    }
}
