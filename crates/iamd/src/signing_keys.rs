//! Signing keys of recent callers, kept as HMAC states.
//!
//! Deriving a key costs as much as all the rest of a verification, opening a session token more. A
//! kept entry is used only for the very credential it was made from: the same stored key, unaltered,
//! or the same session token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use iamd_core::session::Session;
use iamd_core::state::AccessKey;
use iamd_wire::sigv4::{Claim, SigningKey};
use subtle::ConstantTimeEq;

/// Parts of the cache, so that callers seldom wait for each other.
const SHARDS: usize = 16;
/// Most credentials in one part; a full part starts anew.
const CREDENTIALS_PER_SHARD_MAX: usize = 8_192;
/// Most (date, region, service) keys of one credential.
const KEYS_PER_CREDENTIAL_MAX: usize = 8;

/// The cache.
#[derive(Default)]
pub struct SigningKeys {
    shards: [Mutex<HashMap<Box<str>, Entry>>; SHARDS],
}

struct Entry {
    origin: Origin,
    keys: Vec<ScopedKey>,
}

/// What an entry was made from.
#[derive(Clone)]
pub enum Origin {
    /// A stored key, in the form it had.
    LongTerm(Arc<AccessKey>),
    /// A session token that opened.
    Temporary {
        /// The token.
        token: Arc<str>,
        /// What was in it.
        session: Arc<Session>,
    },
}

struct ScopedKey {
    date: Box<str>,
    region: Box<str>,
    service: Box<str>,
    key: SigningKey,
}

impl ScopedKey {
    fn fits(&self, claim: &Claim<'_>) -> bool {
        *self.date == *claim.scope_date()
            && *self.region == *claim.region()
            && *self.service == *claim.service()
    }
}

impl SigningKeys {
    /// The kept key of a claim with a long-term credential.
    pub fn of_access_key(&self, claim: &Claim<'_>, stored: &Arc<AccessKey>) -> Option<SigningKey> {
        let shard = self.lock(claim.access_key_id());
        let entry = shard.get(claim.access_key_id())?;
        match &entry.origin {
            Origin::LongTerm(known) if Arc::ptr_eq(known, stored) => entry.key(claim),
            Origin::LongTerm(_) | Origin::Temporary { .. } => None,
        }
    }

    /// The kept key of a claim with a session token, and the session in it.
    pub fn of_token(&self, claim: &Claim<'_>, token: &str) -> Option<(SigningKey, Arc<Session>)> {
        let shard = self.lock(claim.access_key_id());
        let entry = shard.get(claim.access_key_id())?;
        match &entry.origin {
            Origin::Temporary { token: known, session }
                if known.as_bytes().ct_eq(token.as_bytes()).into() =>
            {
                Some((entry.key(claim)?, Arc::clone(session)))
            }
            Origin::LongTerm(_) | Origin::Temporary { .. } => None,
        }
    }

    /// Keeps a key that has verified a claim.
    pub fn keep(&self, claim: &Claim<'_>, origin: Origin, key: SigningKey) {
        let mut shard = self.lock(claim.access_key_id());
        if shard.len() >= CREDENTIALS_PER_SHARD_MAX && !shard.contains_key(claim.access_key_id()) {
            shard.clear();
        }
        let id = claim.access_key_id();
        let entry = match shard.get_mut(id) {
            Some(entry) if entry.origin.is(&origin) => entry,
            _ => {
                shard.insert(id.into(), Entry { origin, keys: Vec::new() });
                let Some(entry) = shard.get_mut(id) else { return };
                entry
            }
        };
        if entry.keys.len() >= KEYS_PER_CREDENTIAL_MAX {
            entry.keys.clear();
        }
        entry.keys.push(ScopedKey {
            date: claim.scope_date().into(),
            region: claim.region().into(),
            service: claim.service().into(),
            key,
        });
    }

    /// Forgets everything.
    pub fn clear(&self) {
        for shard in &self.shards {
            shard.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    fn lock(&self, id: &str) -> std::sync::MutexGuard<'_, HashMap<Box<str>, Entry>> {
        // The last characters of an id are random, so its sum spreads well enough.
        let sum: usize = id.bytes().rev().take(8).map(usize::from).sum();
        let shard = self.shards.get(sum % SHARDS).unwrap_or(&self.shards[0]);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn key(&self, claim: &Claim<'_>) -> Option<SigningKey> {
        self.keys.iter().find(|key| key.fits(claim)).map(|key| key.key.clone())
    }
}

impl Origin {
    fn is(&self, other: &Origin) -> bool {
        match (self, other) {
            (Origin::LongTerm(one), Origin::LongTerm(other)) => Arc::ptr_eq(one, other),
            (Origin::Temporary { token: one, .. }, Origin::Temporary { token: other, .. }) => {
                one.as_bytes().ct_eq(other.as_bytes()).into()
            }
            (Origin::LongTerm(_) | Origin::Temporary { .. }, _) => false,
        }
    }
}
