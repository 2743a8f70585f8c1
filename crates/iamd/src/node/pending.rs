//! Revocations that are in force on this node, and that the store may not know yet.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use iamd_core::operator::{OrderedRevocation, Revoked};

use super::journal::Journal;
use super::snapshot::Snapshot;
use super::{Failure, Node};
use crate::aside::aside;
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
            match ordered.revocation.in_force(&snapshot.state) {
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
        let snapshot = self.snapshot();
        ordered.revocation.permit(&snapshot.state)?;
        let revoked = ordered.revocation.in_force(&snapshot.state)?.output;
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
        let journalled = aside(move || node.write_down(&ordered));
        let journalled = journalled
            .await
            .unwrap_or_else(|| Err(Fault::Bug("the journal was not written".to_owned())));
        Ok(InForce { revoked, not_journalled: journalled.err() })
    }

    /// Writes a revocation into the journal, unless the store knows it already: a line would be
    /// replayed when nobody expects it.
    fn write_down(&self, ordered: &OrderedRevocation) -> Result<(), Fault> {
        let keyring = Arc::clone(&self.snapshot().keys);
        let mut journal = self.pending.journal();
        if !self.pending.waiting().contains(ordered) {
            return Ok(());
        }
        match &mut *journal {
            Some(journal) => journal.append(&keyring, ordered),
            None => Err(Fault::Folder("there is no journal".to_owned())),
        }
    }

    /// The revocations that the store may not know yet.
    pub fn pending_revocations(&self) -> Vec<OrderedRevocation> {
        self.pending.waiting().clone()
    }

    /// Notes that the store knows a revocation.
    ///
    /// # Errors
    /// As [`Node::clear_journal`].
    pub fn settle(&self, ordered: &OrderedRevocation) -> Result<(), Fault> {
        {
            let mut waiting = self.pending.waiting();
            if let Some(place) = waiting.iter().position(|waiting| waiting == ordered) {
                waiting.remove(place);
            }
        }
        self.clear_journal()
    }

    /// Clears the journal if nothing waits for the store.
    ///
    /// # Errors
    /// [`Fault::Folder`] when it cannot be cleared: the next process replays it once more, unless this
    /// is called again and succeeds.
    pub fn clear_journal(&self) -> Result<(), Fault> {
        // Held before the others are looked at, so that none is written down and cleared at once.
        let mut journal = self.pending.journal();
        let is_idle = self.pending.waiting().is_empty();
        match &mut *journal {
            Some(journal) if is_idle => journal.clear(),
            Some(_) | None => Ok(()),
        }
    }

    fn publish_pending(&self) {
        let _publishing = self.lock_publishing();
        let current = Snapshot::clone(&self.snapshot.load());
        self.put_in_force(self.pending.over(current));
    }
}

#[cfg(test)]
mod tests {
    use iamd_core::account_id::AccountId;
    use iamd_core::operator::{Operator, Revocable, Revocation};
    use iamd_core::quota::Quotas;
    use iamd_store::Memory;

    use super::*;
    use crate::founder::{self, Order};
    use crate::keys::MasterKey;

    /// The store may know a revocation before its line is written.
    #[tokio::test]
    async fn a_revocation_that_is_stored_already_leaves_no_line() {
        let master = Arc::new(MasterKey::fresh().unwrap().sealing().unwrap());
        let node = Node::open(Arc::new(Memory::new()), master, Quotas::default()).await.unwrap();
        let order = Order {
            account_id: Some("111122223333".to_owned()),
            root_email: "root@example.com".to_owned(),
            ..Order::default()
        };
        founder::found(&node, order).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        node.open_journal(folder.path()).unwrap();
        let revocation = Revocation {
            account: AccountId::from_number(111_122_223_333).unwrap(),
            what: Revocable::Root,
            at: node.clock().now(),
        };
        let ordered = OrderedRevocation { revocation, operator: Operator::Machine };
        node.revoke(ordered.clone()).await.unwrap();
        let lines = || Journal::open(folder.path(), &node.snapshot().keys).unwrap().1;
        assert_eq!(lines(), std::slice::from_ref(&ordered));
        node.settle(&ordered).unwrap();
        assert_eq!(lines(), []);
        // The thread that writes the line was the slower one.
        node.write_down(&ordered).unwrap();
        assert_eq!(lines(), []);
    }
}
