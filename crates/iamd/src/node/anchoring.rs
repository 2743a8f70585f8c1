//! Keeping the anchor of a data folder.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use iamd_core::account_id::AccountId;
use iamd_store::Revision;
use tokio::sync::Mutex;

use super::Node;
use super::key_change::KeyRecord;
use crate::fault::Fault;
use crate::keys::SealingKey;
use crate::keys::anchor::Anchor;

/// Where the anchor is, and what it says.
#[derive(Default)]
pub(super) struct AnchorKeeper {
    folder: OnceLock<PathBuf>,
    written: Mutex<Written>,
}

/// What was written last. The lock is held while the file is written.
#[derive(Default)]
pub(super) struct Written {
    revisions: Option<imbl::HashMap<AccountId, Revision>>,
    /// How long that took.
    pub(super) duration: Duration,
}

impl Node {
    /// Checks the anchor of the folder that the store is in, and keeps it from now on.
    ///
    /// # Errors
    /// [`Fault::Damaged`] when the data is older than it was already; [`Fault::Folder`] when the
    /// anchor cannot be read or written.
    pub async fn keep_anchor(&self, folder: &Path) -> Result<(), Fault> {
        let snapshot = self.snapshot();
        match Anchor::read(folder, snapshot.keys.master())? {
            Some(anchor) => anchor.check(|account| snapshot.revision(account))?,
            None if snapshot.state.accounts().next().is_some() => tracing::warn!(
                "the data folder has no anchor: whether its data is the newest cannot be told; one is made now"
            ),
            None => {}
        }
        // A second call names the same folder.
        let _ = self.anchor.folder.set(folder.to_owned());
        self.write_anchor().await
    }

    /// Writes the anchor if an account has changed since the last time.
    ///
    /// # Errors
    /// [`Fault::Folder`] when it cannot be written.
    pub(super) async fn write_anchor(&self) -> Result<(), Fault> {
        let Some(folder) = self.anchor.folder.get() else { return Ok(()) };
        let mut written = self.anchor.written.lock().await;
        let snapshot = self.snapshot();
        let revisions = snapshot.revisions();
        if written.revisions.as_ref().is_some_and(|known| known.ptr_eq(revisions)) {
            return Ok(());
        }
        let start = std::time::Instant::now();
        wrote(folder, revisions.clone(), vec![Arc::clone(snapshot.keys.master())]).await?;
        *written = Written { revisions: Some(revisions.clone()), duration: start.elapsed() };
        Ok(())
    }

    /// Replaces the master key: the anchor can be opened with the old one and the new one until the
    /// stored keys are under the new one alone.
    ///
    /// # Errors
    /// [`Fault::Folder`] when the anchor cannot be written, and then nothing has changed; what the
    /// store answers.
    pub(super) async fn replace_master(
        &self,
        new: &Arc<SealingKey>,
        record: &KeyRecord,
    ) -> Result<(), Fault> {
        if let Some(folder) = self.anchor.folder.get() {
            let mut written = self.anchor.written.lock().await;
            let snapshot = self.snapshot();
            let masters = vec![Arc::clone(snapshot.keys.master()), Arc::clone(new)];
            wrote(folder, snapshot.revisions().clone(), masters).await?;
            written.revisions = None;
            // Nobody writes an anchor under the old key alone before the keys are under the new one.
            self.rewrap_keys(new, record).await?;
        } else {
            self.rewrap_keys(new, record).await?;
        }
        self.write_anchor().await
    }

    /// How long it took to write the anchor last.
    pub(super) async fn anchor_duration(&self) -> Duration {
        self.anchor.written.lock().await.duration
    }
}

async fn wrote(
    folder: &Path,
    revisions: imbl::HashMap<AccountId, Revision>,
    masters: Vec<Arc<SealingKey>>,
) -> Result<(), Fault> {
    let folder = folder.to_owned();
    let write = move || {
        let masters: Vec<&SealingKey> = masters.iter().map(|master| &**master).collect();
        Anchor::of(revisions).write(&folder, &masters)
    };
    let written = tokio::task::spawn_blocking(write).await;
    written.map_err(|_| Fault::Bug("writing the anchor ended".to_owned()))?
}
