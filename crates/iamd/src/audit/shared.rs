//! What the writer's thread and everybody else know together.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use iamd_core::account_id::AccountId;
use tokio::sync::Notify;

use super::ring::Ring;
use crate::config::AuditSettings;

/// What the writer's thread and everybody else know together.
pub(super) struct Shared {
    pub(super) ring: Ring,
    /// The number of the last record of each account that is in the files.
    exported: Mutex<HashMap<u64, u64>>,
    /// The version of the newest key that the writer was told of.
    announced: AtomicU32,
    /// The version of the key of the file that takes new lines.
    key: AtomicU32,
    /// Wakes whoever brings records of the store into the files.
    behind: Notify,
}

impl Shared {
    pub(super) fn new(settings: &AuditSettings) -> Shared {
        let ring = Ring::new(settings.waiting_max as usize, settings.when_full);
        let (announced, key) = (AtomicU32::new(0), AtomicU32::new(0));
        Shared { ring, exported: Mutex::default(), announced, key, behind: Notify::new() }
    }

    /// Whether a key is newer than all that the writer was told of, which it is to be now.
    pub(super) fn is_news(&self, version: u32) -> bool {
        self.announced.fetch_max(version, Ordering::Relaxed) < version
    }

    /// The version of the key of the file that takes new lines.
    pub(super) fn key(&self) -> u32 {
        self.key.load(Ordering::Acquire)
    }

    pub(super) fn set_key(&self, version: u32) {
        self.key.store(version, Ordering::Release);
    }

    /// The number of the last record of an account that is in the files.
    pub(super) fn exported(&self, account: AccountId) -> u64 {
        self.lock().get(&account.number()).copied().unwrap_or_default()
    }

    /// Says that these records are in the files.
    pub(super) fn publish(&self, fresh: &mut Vec<(u64, u64)>) {
        if !fresh.is_empty() {
            self.lock().extend(fresh.drain(..));
        }
    }

    /// Says that the store has records that did not come by themselves.
    pub(super) fn fall_behind(&self) {
        self.behind.notify_one();
    }

    /// Waits until the store has such records.
    pub(super) async fn fell_behind(&self) {
        self.behind.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, u64>> {
        self.exported.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
