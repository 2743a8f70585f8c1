//! Opening the data folder that a command works on.

use std::path::Path;
use std::sync::Arc;

use iamd_core::quota::Quotas;
use iamd_store::{Memory, Sqlite, Store};

use crate::fault::Fault;
use crate::keys::MasterKey;
use crate::node::Node;

/// A node on the data of a folder, which is created if it is not there.
///
/// # Errors
/// [`Fault::Folder`] that says what is wrong with the folder and what to do; [`Fault::Damaged`].
pub(super) async fn open(folder: &Path) -> Result<Arc<Node>, Fault> {
    let data_exists = Sqlite::exists(folder);
    let store = Sqlite::open(folder).map_err(|error| Fault::Folder(error.to_string()))?;
    let keyring = MasterKey::open_or_create(folder, data_exists)?.keyring()?;
    Node::open(Arc::new(store), keyring, Quotas::default()).await
}

/// A node that keeps nothing past its end.
///
/// # Errors
/// [`Fault::Unavailable`] without entropy.
pub(super) async fn ephemeral() -> Result<Arc<Node>, Fault> {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    Node::open(store, MasterKey::fresh()?.keyring()?, Quotas::default()).await
}
