//! The ring of keys that seal what clients hold for us: session tokens and authorization messages.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;

use crate::draw::Draw;

/// Since when a key seals, in seconds since 1970: by then every node must know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RingKeyTime(pub i64);

impl RingKeyTime {
    /// Since always.
    pub const ALWAYS: RingKeyTime = RingKeyTime(i64::MIN);
}

/// The ring: one key seals, all of them open.
pub struct SessionKeys {
    ring: Vec<RingKey>,
}

/// A key of the ring, from which the keys that seal derive.
pub(crate) struct RingKey {
    pub(crate) id: u32,
    active_from: RingKeyTime,
    /// After the extraction, so that a derivation is expansion alone.
    secret: Hkdf<Sha256>,
}

impl RingKey {
    /// Fills `material` with what one purpose and one salt give; none if that is too long.
    pub(crate) fn expand(&self, purpose: &[u8], salt: &[u8], material: &mut [u8]) -> Option<()> {
        self.secret.expand_multi_info(&[purpose, salt], material).ok()
    }
}

/// The number of the form of what is sealed.
const FORMAT: u8 = 1;
const SALT_LENGTH: usize = 32;
/// Bytes before sealed content.
pub(crate) const HEADER_LENGTH: usize = 1 + 4 + SALT_LENGTH;

/// The salt in a header.
pub(crate) fn salt(header: &[u8]) -> Option<&[u8]> {
    header.get(HEADER_LENGTH - SALT_LENGTH..)
}

/// Sealed bytes, taken apart.
pub(crate) struct Parts<'k, 'b> {
    /// The key that sealed them.
    pub(crate) key: &'k RingKey,
    pub(crate) header: &'b [u8],
    pub(crate) content: &'b mut [u8],
}

impl fmt::Debug for SessionKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SessionKeys({} keys)", self.ring.len())
    }
}

impl SessionKeys {
    /// What sealed content begins with: the form, the id of the key that seals now, and a fresh salt;
    /// with the key. None if the ring has no key that may.
    pub(crate) fn header(&self, draw: &mut Draw) -> Option<(&RingKey, Vec<u8>)> {
        let key = self.sealing(draw.now().seconds())?;
        let mut header = Vec::with_capacity(512);
        header.push(FORMAT);
        header.extend_from_slice(&key.id.to_be_bytes());
        header.extend_from_slice(&draw.bytes::<SALT_LENGTH>());
        Some((key, header))
    }

    /// Takes sealed bytes apart; none if they have another form, or no key of the ring sealed them.
    pub(crate) fn parts<'b>(&self, sealed: &'b mut [u8]) -> Option<Parts<'_, 'b>> {
        let (header, content) = sealed.split_at_mut_checked(HEADER_LENGTH)?;
        let header: &[u8] = header;
        let (format, rest) = header.split_first()?;
        let id = rest.first_chunk::<4>()?;
        if *format != FORMAT {
            return None;
        }
        let key = self.with_id(u32::from_be_bytes(*id))?;
        Some(Parts { key, header, content })
    }

    /// A ring of keys: id, since when it seals, secret.
    pub fn new<'k>(
        keys: impl IntoIterator<Item = (u32, RingKeyTime, &'k [u8; 32])>,
    ) -> SessionKeys {
        let ring = keys.into_iter().map(|(id, active_from, key)| RingKey {
            id,
            active_from,
            secret: Hkdf::new(Some(b"iamd session ring 1"), key),
        });
        let mut ring: Vec<RingKey> = ring.collect();
        ring.sort_by_key(|key| (key.active_from, key.id));
        SessionKeys { ring }
    }

    /// The id of the key that seals now; none if the ring has none that may.
    pub fn sealing_id(&self, now: i64) -> Option<u32> {
        self.sealing(now).map(|key| key.id)
    }

    /// The key that seals now: of those that may, the one that may since the least time.
    pub(crate) fn sealing(&self, now: i64) -> Option<&RingKey> {
        self.ring.iter().rev().find(|key| key.active_from <= RingKeyTime(now))
    }

    /// The key of this id.
    pub(crate) fn with_id(&self, id: u32) -> Option<&RingKey> {
        self.ring.iter().find(|key| key.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_seals_from_its_time_on_and_opens_always() {
        let keys = SessionKeys::new([
            (7, RingKeyTime(100), &[1; 32]),
            (2, RingKeyTime::ALWAYS, &[2; 32]),
            (8, RingKeyTime(200), &[3; 32]),
        ]);
        for (now, id) in [(0, 2), (99, 2), (100, 7), (199, 7), (200, 8), (i64::MAX, 8)] {
            assert_eq!(keys.sealing_id(now), Some(id), "{now}");
        }
        assert!([2, 7, 8].iter().all(|id| keys.with_id(*id).is_some()));
        assert!(keys.with_id(1).is_none());
        assert_eq!(SessionKeys::new([(1, RingKeyTime(5), &[1; 32])]).sealing_id(4), None);
    }
}
