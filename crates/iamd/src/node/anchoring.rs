//! Keeping the anchor of a data folder.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use iamd_core::account_id::AccountId;
use iamd_store::Revision;
use tokio::sync::Mutex;

use super::Node;
use super::key_change::{KeyRecord, NotDone};
use crate::aside::aside;
use crate::fault::Fault;
use crate::keys::SealingKey;
use crate::keys::anchor::Anchor;

/// Where the anchor is, and what it says.
#[derive(Default)]
pub(super) struct AnchorKeeper {
    folder: OnceLock<PathBuf>,
    written: Mutex<Written>,
    /// A master key that the stored keys are perhaps under: the answer of the store was lost.
    candidate: std::sync::Mutex<Option<Arc<SealingKey>>>,
}

impl AnchorKeeper {
    /// A master key that the stored keys are perhaps under.
    pub(super) fn candidate(&self) -> Option<Arc<SealingKey>> {
        self.candidate.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_candidate(&self, master: Option<Arc<SealingKey>>) {
        *self.candidate.lock().unwrap_or_else(PoisonError::into_inner) = master;
    }
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
        let mut masters = vec![Arc::clone(snapshot.keys.master())];
        masters.extend(self.anchor.candidate());
        wrote(folder, revisions.clone(), masters).await?;
        *written = Written { revisions: Some(revisions.clone()), duration: start.elapsed() };
        Ok(())
    }

    /// Replaces the master key: the anchor can be opened with the old one and the new one until the
    /// stored keys are under the new one alone. What was broken off is brought to its end when the same
    /// key is given again.
    ///
    /// # Errors
    /// [`Fault::Folder`] when the anchor cannot be written, and then nothing has changed; what the
    /// store answers.
    pub(super) async fn replace_master(
        &self,
        new: &Arc<SealingKey>,
        record: &KeyRecord,
    ) -> Result<(), Fault> {
        {
            // Nobody writes an anchor under the old key alone before the keys are under the new one.
            let mut written = self.anchor.written.lock().await;
            if let Some(candidate) = self.anchor.candidate()
                && candidate.version() != new.version()
            {
                return Err(Fault::Refused(format!(
                    "whether the master key was replaced by the one with the fingerprint {:08x} is not known yet; replace it by that one again first",
                    candidate.version()
                )));
            }
            if let Some(folder) = self.anchor.folder.get() {
                let snapshot = self.snapshot();
                let masters = vec![Arc::clone(snapshot.keys.master()), Arc::clone(new)];
                wrote(folder, snapshot.revisions().clone(), masters).await?;
                written.revisions = None;
            }
            self.anchor.set_candidate(Some(Arc::clone(new)));
            match self.rewrap_keys(new, record).await {
                Ok(()) => self.anchor.set_candidate(None),
                Err(NotDone::Undone(fault)) => {
                    self.anchor.set_candidate(None);
                    return Err(fault);
                }
                Err(NotDone::Unknown(fault)) => {
                    return Err(Fault::Unavailable(format!(
                        "whether the master key was replaced is not known: {fault}; replace it by the same key again, and keep both until then"
                    )));
                }
            }
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
    let written = aside(write).await;
    written.ok_or_else(|| Fault::Bug("writing the anchor ended".to_owned()))?
}
