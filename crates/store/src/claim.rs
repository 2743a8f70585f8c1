//! Things that may be used once only: TOTP steps, assertion ids, authorization codes.

use crate::StoreError;

/// Longest claim key, in bytes.
pub const CLAIM_KEY_BYTES_MAX: usize = 1024;

/// Names the thing that may be used once; the layer above makes sure that two things never
/// share a key (account, purpose and value all belong in it).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimKey(Box<[u8]>);

impl ClaimKey {
    /// A key of these bytes; refused when empty or longer than [`CLAIM_KEY_BYTES_MAX`].
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Result<Self, StoreError> {
        let bytes = bytes.into();
        if bytes.is_empty() || bytes.len() > CLAIM_KEY_BYTES_MAX {
            return Err(StoreError::Invalid {
                reason: format!(
                    "a claim key has 1 to {CLAIM_KEY_BYTES_MAX} bytes, not {}",
                    bytes.len()
                ),
            });
        }
        Ok(Self(bytes))
    }

    /// The bytes of the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The answer to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Claimed {
    /// Nobody had claimed it: the caller, and nobody else, may go on.
    First,
    /// It is taken, or its expiry is already past: the caller must refuse.
    Already,
}
