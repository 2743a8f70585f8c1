//! The keys of a running node, made of the master key and the stored keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::marker::MarkerKey;
use iamd_core::record::RecordKey;
use iamd_core::ring::{RingKeyTime, SessionKeys};
use iamd_store::Revision;

use super::sealing::{self, SealedRow, SealingKey};
use super::stored::{KeyRow, SessionKey};
use crate::fault::Fault;

/// What is known of a stored key, beside its secret. Times are in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownKey {
    /// A key that seals rows.
    Data {
        /// Its number.
        version: u32,
        /// When it was made.
        created: i64,
        /// Since when nothing has needed it.
        retired: Option<i64>,
    },
    /// A key that seals session tokens.
    Session {
        /// Its number.
        id: u32,
        /// When it was made.
        created: i64,
        /// From when on it seals.
        active_from: i64,
    },
    /// The key of pagination markers.
    Marker,
}

/// The keys of a running node.
#[derive(Debug)]
pub struct Keyring {
    /// Seals the stored keys.
    master: Arc<SealingKey>,
    /// Seal everything else; the newest for what is written now.
    data: BTreeMap<u32, SealingKey>,
    newest: u32,
    known: Vec<KnownKey>,
    /// Keys of session tokens.
    pub sessions: SessionKeys,
    /// Key of pagination markers.
    pub markers: MarkerKey,
}

impl Keyring {
    /// The ring of these stored keys.
    ///
    /// # Errors
    /// [`Fault::Damaged`] when a key is missing that must be there.
    pub fn new(master: Arc<SealingKey>, rows: &[KeyRow]) -> Result<Keyring, Fault> {
        let mut data = BTreeMap::new();
        let mut sessions: Vec<&SessionKey> = Vec::new();
        let mut markers = None;
        for row in rows {
            match row {
                KeyRow::Data(key) => {
                    data.insert(key.version, SealingKey::new(key.version, &key.secret)?);
                }
                KeyRow::Session(key) => sessions.push(key),
                KeyRow::Marker(key) => markers = Some(MarkerKey::new(&key.secret)),
            }
        }
        let missing = |what: &str| Fault::Damaged(format!("there is no {what} among the keys"));
        let newest = *data.keys().next_back().ok_or_else(|| missing("data key"))?;
        let markers = markers.ok_or_else(|| missing("marker key"))?;
        if sessions.is_empty() {
            return Err(missing("session key"));
        }
        let ring = sessions.iter().map(|key| {
            let active_from = RingKeyTime(key.active_from);
            (key.id, active_from, &key.secret)
        });
        let sessions = SessionKeys::new(ring);
        let known = rows.iter().map(KeyRow::known).collect();
        Ok(Keyring { master, data, newest, known, sessions, markers })
    }

    /// The key that seals the stored keys.
    pub fn master(&self) -> &Arc<SealingKey> {
        &self.master
    }

    /// The version of the data key that seals now.
    pub fn newest(&self) -> u32 {
        self.newest
    }

    /// What is known of the stored keys, by kind and number.
    pub fn known(&self) -> &[KnownKey] {
        &self.known
    }

    /// The key that seals what an account gets now.
    ///
    /// # Errors
    /// [`Fault::Bug`], which does not happen.
    pub fn sealing(&self, account: AccountId) -> Result<&SealingKey, Fault> {
        self.version(account, self.newest)
            .ok_or_else(|| Fault::Bug("the newest data key is not there".to_owned()))
    }

    /// The key of this version; stored keys themselves are under the master key alone.
    pub fn version(&self, account: AccountId, version: u32) -> Option<&SealingKey> {
        match account {
            AccountId::KEYS => Some(&self.master),
            _ => self.data.get(&version),
        }
    }

    /// The key that sealed these bytes of an account.
    pub fn of_sealed(&self, account: AccountId, sealed: &[u8]) -> Option<&SealingKey> {
        self.version(account, sealing::key_version(sealed)?)
    }

    /// Seals a row: only this account, kind and id open it again, as of this revision.
    ///
    /// # Errors
    /// [`Fault`] without entropy.
    pub fn seal(
        &self,
        account: AccountId,
        key: &RecordKey,
        version: Revision,
        row: Vec<u8>,
    ) -> Result<Vec<u8>, Fault> {
        self.sealing(account)?.seal_row(account, key, version, row)
    }

    /// Opens a row.
    ///
    /// # Errors
    /// [`Fault::Damaged`] that names the row, when it was altered, moved, or sealed by another key.
    pub fn open(
        &self,
        account: AccountId,
        key: &RecordKey,
        sealed: &[u8],
    ) -> Result<SealedRow, Fault> {
        let opened =
            self.of_sealed(account, sealed).and_then(|with| with.open_row(account, key, sealed));
        opened.ok_or_else(|| altered(account, key))
    }

    /// Opens a row where it stands: its content, and the revision it was written with.
    ///
    /// # Errors
    /// As [`Keyring::open`].
    pub fn open_in<'s>(
        &self,
        account: AccountId,
        key: &RecordKey,
        sealed: &'s mut [u8],
    ) -> Result<(&'s [u8], Revision), Fault> {
        let opened =
            self.of_sealed(account, sealed).and_then(|with| with.open_row_in(account, key, sealed));
        opened.ok_or_else(|| altered(account, key))
    }
}

fn altered(account: AccountId, key: &RecordKey) -> Fault {
    Fault::Damaged(format!(
        "row {}/{} of account {account} was altered, moved here from elsewhere, or sealed with a key that is not there; restore a backup",
        key.kind, key.id
    ))
}
