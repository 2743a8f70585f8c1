//! The ledgers of all accounts, beside the snapshot.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use iamd_core::account_id::AccountId;
use iamd_core::record::RecordKey;
use iamd_store::Revision;

use crate::fault::Fault;
use crate::keys::{Entry, Keyring, Ledger, LogHead, Step};

/// The ledgers. Whoever plans a commit for an account holds that account's turn.
#[derive(Default)]
pub(super) struct Ledgers(Mutex<HashMap<AccountId, Ledger>>);

impl Ledgers {
    pub(super) fn new(ledgers: HashMap<AccountId, Ledger>) -> Ledgers {
        Ledgers(Mutex::new(ledgers))
    }

    /// Where the log of records of an account stands.
    pub(super) fn log(&self, account: AccountId) -> LogHead {
        self.lock().get(&account).map(|ledger| ledger.log().clone()).unwrap_or_default()
    }

    /// Where the logs of all accounts stand, by account.
    pub(super) fn logs(&self) -> Vec<(AccountId, LogHead)> {
        let ledgers = self.lock();
        let mut logs: Vec<(AccountId, LogHead)> =
            ledgers.iter().map(|(account, ledger)| (*account, ledger.log().clone())).collect();
        logs.sort_unstable_by_key(|(account, _)| *account);
        logs
    }

    /// What a commit of these rows does, with the log then standing there; none if the account is not
    /// at this revision here.
    ///
    /// # Errors
    /// [`Fault`] without entropy.
    pub(super) fn step<'k>(
        &self,
        keyring: &Keyring,
        account: AccountId,
        expected: Revision,
        entries: impl IntoIterator<Item = Entry<'k>>,
        log: LogHead,
    ) -> Result<Option<Step>, Fault> {
        let mut ledgers = self.lock();
        let ledger = match ledgers.entry(account) {
            MapEntry::Occupied(known) => known.into_mut(),
            MapEntry::Vacant(place) => place.insert(Ledger::new(keyring.sealing(account)?)),
        };
        if ledger.revision() != expected {
            return Ok(None);
        }
        let with = keyring.version(account, ledger.key()).ok_or_else(|| {
            Fault::Bug(format!("the key of the ledger of account {account} is not there"))
        })?;
        ledger.step(with, account, entries, log).map(Some)
    }

    /// What a commit of another node did; none if its seal is not of these rows, or the account is
    /// not at the revision before it.
    pub(super) fn followed<'k>(
        &self,
        keyring: &Keyring,
        account: AccountId,
        revision: Revision,
        entries: impl IntoIterator<Item = Entry<'k>>,
        seal: &[u8],
    ) -> Option<Step> {
        let mut ledgers = self.lock();
        let ledger = match ledgers.entry(account) {
            MapEntry::Occupied(known) => known.into_mut(),
            MapEntry::Vacant(place) => place.insert(Ledger::new(keyring.of_sealed(account, seal)?)),
        };
        if ledger.revision().next() != revision {
            return None;
        }
        ledger.followed(keyring.version(account, ledger.key())?, account, entries, seal)
    }

    /// How many rows all accounts have.
    pub(super) fn rows(&self) -> u64 {
        self.lock().values().map(Ledger::rows).sum()
    }

    /// The version of a row; none if it is not there.
    pub(super) fn version_of(
        &self,
        keyring: &Keyring,
        account: AccountId,
        key: &RecordKey,
    ) -> Option<Revision> {
        let ledgers = self.lock();
        let ledger = ledgers.get(&account)?;
        ledger.version_of(keyring.version(account, ledger.key())?, account, key)
    }

    /// The ledger of an account under the newest key; none if the account is not at this revision
    /// here.
    ///
    /// # Errors
    /// [`Fault::Damaged`] when these rows are not those that were written.
    pub(super) fn under_newest(
        &self,
        keyring: &Keyring,
        account: AccountId,
        revision: Revision,
        rows: &[(RecordKey, Revision)],
    ) -> Result<Option<Ledger>, Fault> {
        let ledgers = self.lock();
        let Some(ledger) = ledgers.get(&account).filter(|known| known.revision() == revision)
        else {
            return Ok(None);
        };
        let old = keyring.version(account, ledger.key()).ok_or_else(|| {
            Fault::Bug(format!("the key of the ledger of account {account} is not there"))
        })?;
        let renewed = ledger.under((old, keyring.sealing(account)?), account, rows);
        renewed.map(Some).ok_or_else(|| {
            Fault::Damaged(format!(
                "account {account} lacks rows, or has older ones than it should; restore a backup"
            ))
        })
    }

    /// Takes in a commit that is durable.
    pub(super) fn take(&self, account: AccountId, step: Step) {
        if let Some(ledger) = self.lock().get_mut(&account) {
            ledger.take(step);
        }
    }

    /// Puts ledgers that were read in the place of older ones.
    pub(super) fn renew(&self, read: HashMap<AccountId, Ledger>) {
        let mut ledgers = self.lock();
        for (account, ledger) in read {
            // INVARIANT: an account never goes back.
            let is_newer =
                ledgers.get(&account).is_none_or(|known| known.revision() < ledger.revision());
            if is_newer {
                ledgers.insert(account, ledger);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Ledger>> {
        // Every change is made whole before anything that could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
