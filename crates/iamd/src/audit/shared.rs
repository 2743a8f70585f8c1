//! What the writer's thread and everybody else know together.

use std::collections::HashMap;
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
    /// Wakes whoever brings records of the store into the files.
    behind: Notify,
}

impl Shared {
    pub(super) fn new(settings: &AuditSettings) -> Shared {
        let ring = Ring::new(settings.waiting_max as usize, settings.when_full);
        Shared { ring, exported: Mutex::default(), behind: Notify::new() }
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
