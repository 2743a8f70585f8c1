//! Reading everything again.

use std::sync::Arc;

use tokio::time::Instant;

use super::Node;
use super::load::{self, Loaded, store_fault};
use crate::fault::Fault;

impl Node {
    /// Reads everything again; whoever holds an older snapshot keeps it.
    ///
    /// # Errors
    /// As [`Node::open`].
    pub async fn reload(&self) -> Result<(), Fault> {
        let now = self.clock.now().seconds();
        let asked = Instant::now();
        let master = Arc::clone(self.snapshot().keys.master());
        let loaded = match load::everything(&*self.store, &master, now).await {
            // The master key was replaced meanwhile.
            Err(_) if !Arc::ptr_eq(&master, self.snapshot().keys.master()) => {
                load::everything(&*self.store, self.snapshot().keys.master(), now).await
            }
            Err(fault) => self.loaded_under_candidate(fault).await,
            outcome => outcome,
        };
        let Loaded { snapshot, ledgers, cursor } = loaded?;
        self.heard.note();
        let _publishing = self.lock_publishing();
        self.ledgers.renew(ledgers);
        // INVARIANT: an account never goes back: what was committed and published since the store
        // was read stays.
        let snapshot = snapshot.or_newer(&self.snapshot.load());
        self.put_in_force(self.pending.over(snapshot));
        self.audit.take_up(&self.snapshot.load().keys);
        self.feed.restart(cursor, asked);
        Ok(())
    }

    /// Reads everything under the master key of a replacement whose answer was lost, if there is one;
    /// gives this fault otherwise.
    async fn loaded_under_candidate(&self, fault: Fault) -> Result<Loaded, Fault> {
        let Some(master) = self.anchor.candidate() else { return Err(fault) };
        let now = self.clock.now().seconds();
        let loaded = load::everything(&*self.store, &master, now).await.map_err(|_| fault)?;
        // As after every replacement: the feed has the stored keys under the old key.
        self.store.forget_changes().await.map_err(store_fault)?;
        self.anchor.set_candidate(None);
        Ok(loaded)
    }
}
