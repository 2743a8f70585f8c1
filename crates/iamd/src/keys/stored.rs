//! Keys as rows of their pseudo-account, sealed under the master key.

use iamd_core::record::RecordKey;
use minicbor::{Decode, Encode};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::keyring::KnownKey;
use crate::entropy;
use crate::fault::Fault;

/// Kinds of rows of the pseudo-account. A number is never used twice.
mod kind {
    pub(super) const DATA_KEY: u16 = 1;
    pub(super) const SESSION_KEY: u16 = 2;
    pub(super) const MARKER_KEY: u16 = 3;
}

/// A stored key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRow {
    /// Seals rows.
    Data(DataKey),
    /// Seals session tokens.
    Session(SessionKey),
    /// Authenticates pagination markers.
    Marker(MarkerSecret),
}

/// A key that seals rows.
#[derive(Clone, PartialEq, Eq, Encode, Decode, Zeroize, ZeroizeOnDrop)]
pub struct DataKey {
    /// Its number, from 1.
    #[n(0)]
    pub version: u32,
    /// When it was made, in seconds since 1970.
    #[n(1)]
    pub created: i64,
    #[cbor(n(2), with = "minicbor::bytes")]
    pub(super) secret: [u8; 32],
    /// Since when nothing has needed it, as far as is known; in seconds since 1970.
    #[n(3)]
    pub retired: Option<i64>,
}

/// A key that seals session tokens.
#[derive(Clone, PartialEq, Eq, Encode, Decode, Zeroize, ZeroizeOnDrop)]
pub struct SessionKey {
    /// Its number, from 1, which tokens carry.
    #[n(0)]
    pub id: u32,
    /// When it was made, in seconds since 1970.
    #[n(1)]
    pub created: i64,
    /// From when on it seals, so that every node knows it by then.
    #[n(2)]
    pub active_from: i64,
    #[cbor(n(3), with = "minicbor::bytes")]
    pub(super) secret: [u8; 32],
}

/// The key of pagination markers.
#[derive(Clone, PartialEq, Eq, Encode, Decode, Zeroize, ZeroizeOnDrop)]
pub struct MarkerSecret {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(super) secret: [u8; 32],
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "DataKey({})", self.version)
    }
}

impl std::fmt::Debug for SessionKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "SessionKey({})", self.id)
    }
}

impl std::fmt::Debug for MarkerSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("MarkerSecret(..)")
    }
}

impl DataKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] without entropy.
    pub fn fresh(version: u32, now: i64) -> Result<DataKey, Fault> {
        Ok(DataKey { version, created: now, secret: entropy::bytes()?, retired: None })
    }

    /// The same key, of which it is known that nothing has needed it since a time.
    pub fn retired(&self, since: i64) -> DataKey {
        DataKey { retired: Some(since), ..self.clone() }
    }
}

impl SessionKey {
    /// A fresh key that seals from a time on.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] without entropy.
    pub fn fresh(id: u32, now: i64, active_from: i64) -> Result<SessionKey, Fault> {
        Ok(SessionKey { id, created: now, active_from, secret: entropy::bytes()? })
    }
}

impl KeyRow {
    /// What a new store begins with.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] without entropy.
    pub fn first(now: i64) -> Result<Vec<KeyRow>, Fault> {
        Ok(vec![
            KeyRow::Data(DataKey::fresh(1, now)?),
            KeyRow::Session(SessionKey::fresh(1, now, i64::MIN)?),
            KeyRow::Marker(MarkerSecret { secret: entropy::bytes()? }),
        ])
    }

    /// The key of the row.
    pub fn key(&self) -> RecordKey {
        let (kind, id) = match self {
            KeyRow::Data(key) => (kind::DATA_KEY, key.version),
            KeyRow::Session(key) => (kind::SESSION_KEY, key.id),
            KeyRow::Marker(_) => (kind::MARKER_KEY, 1),
        };
        RecordKey { kind, id: format!("{id:010}") }
    }

    /// What is known of the key, beside its secret.
    pub fn known(&self) -> KnownKey {
        match self {
            KeyRow::Data(DataKey { version, created, retired, .. }) => {
                KnownKey::Data { version: *version, created: *created, retired: *retired }
            }
            KeyRow::Session(SessionKey { id, created, active_from, .. }) => {
                KnownKey::Session { id: *id, created: *created, active_from: *active_from }
            }
            KeyRow::Marker(_) => KnownKey::Marker,
        }
    }

    /// The content of the row.
    ///
    /// # Errors
    /// [`Fault::Bug`], which does not happen.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Fault> {
        let bytes = match self {
            KeyRow::Data(key) => minicbor::to_vec(key),
            KeyRow::Session(key) => minicbor::to_vec(key),
            KeyRow::Marker(key) => minicbor::to_vec(key),
        };
        bytes.map_err(|error| Fault::Bug(format!("a key cannot be written: {error}")))
    }

    /// The key in a row.
    ///
    /// # Errors
    /// [`Fault::Damaged`] for a row of another kind or form.
    pub fn from_bytes(key: &RecordKey, bytes: &[u8]) -> Result<KeyRow, Fault> {
        let row = match key.kind {
            kind::DATA_KEY => minicbor::decode(bytes).map(KeyRow::Data),
            kind::SESSION_KEY => minicbor::decode(bytes).map(KeyRow::Session),
            kind::MARKER_KEY => minicbor::decode(bytes).map(KeyRow::Marker),
            _ => Err(minicbor::decode::Error::message("a kind that this version does not know")),
        };
        let row = row.map_err(|error| {
            Fault::Damaged(format!("key {}/{} cannot be read: {error}", key.kind, key.id))
        })?;
        if row.key() == *key {
            return Ok(row);
        }
        Err(Fault::Damaged(format!("key {}/{} is another one", key.kind, key.id)))
    }
}
