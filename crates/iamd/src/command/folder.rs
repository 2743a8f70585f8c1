//! Opening the data folder that a command works on.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use iamd_core::quota::Quotas;
use iamd_store::{Memory, Sqlite, Store};

use crate::backup::{self, INITIALIZED_FILE};
use crate::fault::Fault;
use crate::keys::anchor::{self, ANCHOR_FILE};
use crate::keys::{MasterKey, MasterKeySource};
use crate::node::Node;

/// A node on the data of a folder, which is created if it is not there.
///
/// # Errors
/// [`Fault::Folder`] that says what is wrong with the folder and what to do; [`Fault::Damaged`].
pub(super) async fn open(folder: &Path, quotas: Quotas) -> Result<Arc<Node>, Fault> {
    open_with(folder, "", quotas).await
}

/// The same with the master key from elsewhere: `master_key` is what the settings say of it.
///
/// # Errors
/// As [`open`].
pub(super) async fn open_with(
    folder: &Path,
    master_key: &str,
    quotas: Quotas,
) -> Result<Arc<Node>, Fault> {
    let source = master_key_source(folder, master_key)?;
    backup::refuse_unfinished(folder)?;
    create(folder)?;
    if !Sqlite::exists(folder) {
        refuse_lost_database(folder)?;
        // The key comes first: data without a key would be lost, a key without data is none.
        source.open_or_create()?;
    }
    let store = Sqlite::open(folder).map_err(|error| Fault::Folder(error.to_string()))?;
    let master = source.open()?.sealing()?;
    let node = Node::open(Arc::new(store), Arc::new(master), quotas).await?;
    node.keep_anchor(folder).await?;
    Ok(node)
}

/// An anchor without a database: there was one.
fn refuse_lost_database(folder: &Path) -> Result<(), Fault> {
    if anchor::exists(folder) {
        return Err(Fault::Folder(format!(
            "the data folder `{}` has lost its database, and nothing was changed; put it back, or remove the file `{ANCHOR_FILE}` there to begin anew",
            folder.display()
        )));
    }
    Ok(())
}

/// Where the master key of a folder comes from. `master_key` is what the settings say of it.
///
/// # Errors
/// [`Fault::Refused`] when that names no place.
pub(super) fn master_key_source(folder: &Path, master_key: &str) -> Result<MasterKeySource, Fault> {
    MasterKeySource::parse(master_key, folder)
        .map_err(|message| Fault::Refused(format!("`master_key` {message}")))
}

/// A node on a folder that `iamd init` has made. `master_key` is what the settings say of it.
///
/// # Errors
/// As [`open`], and when the folder is another.
pub(super) async fn open_production(
    folder: &Path,
    master_key: &str,
    quotas: Quotas,
) -> Result<Arc<Node>, Fault> {
    check_production(folder)?;
    open_with(folder, master_key, quotas).await
}

/// Whether `iamd init` has made the folder.
///
/// # Errors
/// [`Fault::Folder`] that says what it is instead.
pub(super) fn check_production(folder: &Path) -> Result<(), Fault> {
    backup::refuse_unfinished(folder)?;
    if !folder.join(INITIALIZED_FILE).is_file() {
        let state = if Sqlite::exists(folder) {
            "was not made by `iamd init`, or that did not come to its end"
        } else {
            "holds no data"
        };
        return Err(Fault::Folder(format!(
            "the data folder `{}` {state}; make one with `iamd init`",
            folder.display()
        )));
    }
    Ok(())
}

/// A node on a folder that holds nothing yet.
///
/// # Errors
/// As [`open`], and when the folder holds data.
pub(super) async fn open_new(folder: &Path, master_key: &str) -> Result<Arc<Node>, Fault> {
    if folder.join(INITIALIZED_FILE).exists() || Sqlite::exists(folder) {
        return Err(Fault::Folder(format!(
            "the data folder `{}` holds data already, and nothing of it was changed; name another with --data",
            folder.display()
        )));
    }
    open_with(folder, master_key, Quotas::default()).await
}

/// Whether there is a folder of this name.
///
/// # Errors
/// [`Fault::Folder`] if there is none.
pub(super) fn check_exists(folder: &Path) -> Result<(), Fault> {
    if folder.is_dir() {
        return Ok(());
    }
    Err(Fault::Folder(format!(
        "there is no data folder `{}`; name the one of your node with --data",
        folder.display()
    )))
}

/// Marks a folder as complete.
///
/// # Errors
/// [`Fault::Folder`]
pub(super) fn mark_initialized(folder: &Path) -> Result<(), Fault> {
    let path = folder.join(INITIALIZED_FILE);
    let text = concat!("made by iamd ", env!("CARGO_PKG_VERSION"), "\n");
    let write = || {
        std::fs::write(&path, text)?;
        std::fs::File::open(&path)?.sync_all()?;
        std::fs::File::open(folder)?.sync_all()
    };
    write().map_err(|error| Fault::Folder(format!("{} cannot be written: {error}", path.display())))
}

/// Development has doors that production must not have.
///
/// # Errors
/// [`Fault::Refused`] for a folder that `iamd init` has made.
pub(super) fn refuse_production(folder: &Path) -> Result<(), Fault> {
    if folder.join(INITIALIZED_FILE).exists() {
        return Err(Fault::Refused(format!(
            "the data folder `{}` was made by `iamd init`: start it with `iamd serve`",
            folder.display()
        )));
    }
    Ok(())
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
