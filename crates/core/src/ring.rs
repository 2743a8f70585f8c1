//! The ring of keys that seal what clients hold for us: session tokens and authorization messages.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;

/// The ring: one key seals, all of them open.
pub struct SessionKeys {
    ring: Vec<RingKey>,
}

/// A key of the ring, from which the keys that seal derive.
pub(crate) struct RingKey {
    pub(crate) id: u32,
    /// After the extraction, so that a derivation is expansion alone.
    secret: Hkdf<Sha256>,
}

impl RingKey {
    /// Fills `material` with what one purpose and one salt give; none if that is too long.
    pub(crate) fn expand(&self, purpose: &[u8], salt: &[u8], material: &mut [u8]) -> Option<()> {
        self.secret.expand_multi_info(&[purpose, salt], material).ok()
    }
}

impl fmt::Debug for SessionKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SessionKeys({} keys)", self.ring.len())
    }
}

impl SessionKeys {
    /// A ring of (key id, key) pairs, the sealing key first.
    pub fn new<'k>(keys: impl IntoIterator<Item = (u32, &'k [u8; 32])>) -> SessionKeys {
        let secret = |key: &[u8; 32]| Hkdf::new(Some(b"iamd session ring 1"), key);
        let ring = keys.into_iter().map(|(id, key)| RingKey { id, secret: secret(key) });
        SessionKeys { ring: ring.collect() }
    }

    /// The key that seals; none if the ring is empty.
    pub(crate) fn sealing(&self) -> Option<&RingKey> {
        self.ring.first()
    }

    /// The key of this id.
    pub(crate) fn with_id(&self, id: u32) -> Option<&RingKey> {
        self.ring.iter().find(|key| key.id == id)
    }
}
