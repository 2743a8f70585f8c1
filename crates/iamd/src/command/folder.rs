//! Opening the data folder that a command works on.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
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
pub(super) async fn open(folder: &Path, quotas: Quotas) -> Result<Arc<Node>, Fault> {
    create(folder)?;
    if !Sqlite::exists(folder) {
        // The key comes first: data without a key would be lost, a key without data is none.
        MasterKey::open_or_create(folder)?;
    }
    let store = Sqlite::open(folder).map_err(|error| Fault::Folder(error.to_string()))?;
    let master = MasterKey::open(folder)?.sealing()?;
    Node::open(Arc::new(store), Arc::new(master), quotas).await
}

/// Makes the folder, for its owner only, if it is not there.
fn create(folder: &Path) -> Result<(), Fault> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| {
        Fault::Folder(format!("the data folder `{}` cannot be made: {error}", folder.display()))
    })
}

/// A node that keeps nothing past its end.
///
/// # Errors
/// [`Fault::Unavailable`] without entropy.
pub(super) async fn ephemeral(quotas: Quotas) -> Result<Arc<Node>, Fault> {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    Node::open(store, Arc::new(MasterKey::fresh()?.sealing()?), quotas).await
}
