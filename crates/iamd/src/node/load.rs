//! Reading the whole store into a snapshot.

use std::ops::ControlFlow;

use iamd_core::account_id::AccountId;
use iamd_core::record::RecordKey;
use iamd_core::state::{AccountChanges, Change, Entity, State};
use iamd_store::{Revision, RowRef, RowVisitor, Store, StoreError};

use super::snapshot::Snapshot;
use crate::fault::Fault;
use crate::keys::Keyring;

/// Reads everything.
///
/// # Errors
/// [`Fault::Damaged`] that names the row that cannot be read; [`Fault::Unavailable`].
pub(super) async fn everything(store: &dyn Store, keyring: &Keyring) -> Result<Snapshot, Fault> {
    let mut loader = Loader {
        keyring,
        state: State::default(),
        revisions: imbl::HashMap::new(),
        account: None,
        changes: Vec::new(),
        fault: None,
    };
    let loaded = store.load_all(&mut loader).await;
    if let Some(fault) = loader.fault.take() {
        return Err(fault);
    }
    loaded.map_err(store_fault)?;
    loader.finish_account();
    Ok(Snapshot::new(loader.state, loader.revisions))
}

/// What a store's error means for the node.
pub(super) fn store_fault(error: StoreError) -> Fault {
    match error {
        StoreError::Unavailable { reason } => Fault::Unavailable(reason),
        StoreError::Closed => Fault::Unavailable("the node is shutting down".to_owned()),
        StoreError::Damaged { detail } => Fault::Damaged(detail),
        StoreError::Invalid { reason } => Fault::Bug(reason),
        StoreError::Stopped => Fault::Bug("a load was broken off".to_owned()),
    }
}

struct Loader<'a> {
    keyring: &'a Keyring,
    state: State,
    revisions: imbl::HashMap<AccountId, Revision>,
    account: Option<AccountId>,
    changes: Vec<Change>,
    fault: Option<Fault>,
}

impl Loader<'_> {
    fn finish_account(&mut self) {
        if let Some(account) = self.account.take() {
            let changes = std::mem::take(&mut self.changes);
            self.state.apply(&AccountChanges { account, changes });
        }
    }

    fn read(&self, row: RowRef<'_>) -> Result<Entity, Fault> {
        let account =
            self.account.ok_or_else(|| Fault::Bug("a row came before its account".to_owned()))?;
        let key = RecordKey { kind: row.kind, id: row.id.to_owned() };
        let content = self.keyring.open(account, &key, row.bytes)?;
        Entity::from_bytes(&key, &content).map_err(|error| Fault::Damaged(error.to_string()))
    }

    fn stop(&mut self, fault: Fault) -> ControlFlow<()> {
        self.fault = Some(fault);
        ControlFlow::Break(())
    }
}

impl RowVisitor for Loader<'_> {
    fn account(&mut self, account: iamd_store::AccountId, revision: Revision) -> ControlFlow<()> {
        self.finish_account();
        let Some(id) = AccountId::from_stored(account.0) else {
            return self.stop(Fault::Damaged(format!(
                "the account number {} is out of range; was it written by a newer iamd?",
                account.0
            )));
        };
        self.account = Some(id);
        self.revisions.insert(id, revision);
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: RowRef<'_>) -> ControlFlow<()> {
        match self.read(row) {
            Ok(entity) => {
                self.changes.push(Change::Put(entity));
                ControlFlow::Continue(())
            }
            Err(fault) => self.stop(fault),
        }
    }
}
