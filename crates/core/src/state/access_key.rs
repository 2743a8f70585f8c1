//! Access keys of users and of root.
//!
//! The numbers in the attributes are the row format, as in the other entities.

use iamd_wire::{Secret, Timestamp};
use minicbor::{Decode, Encode};

use super::entity::KeyOwner;
use crate::record;
use crate::unique_id::AccessKeyId;

/// Whether an access key may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum AccessKeyStatus {
    /// It may be used.
    #[n(0)]
    Active,
    /// It is kept, but refused.
    #[n(1)]
    Inactive,
}

/// A long-term access key.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct AccessKey {
    /// The id, `AKIA...`.
    #[n(0)]
    pub id: AccessKeyId,
    /// Whose key it is.
    #[n(1)]
    pub owner: KeyOwner,
    /// The secret; shown to a client once, on creation.
    #[cbor(n(2), with = "record::secret")]
    pub secret: Secret,
    /// Whether it may be used.
    #[n(3)]
    pub status: AccessKeyStatus,
    /// When the key was created.
    #[cbor(n(4), with = "record::timestamp")]
    pub created: Timestamp,
    /// Where it stands among the keys of its owner that were created in the same second, from 1;
    /// the first one has none.
    #[n(5)]
    pub rank: Option<u8>,
}

impl AccessKey {
    /// What lists of keys are sorted by: in the order in which they were created. Ids only tell
    /// those apart that have the same rank.
    pub fn age_order(&self) -> (i64, u8, &str) {
        (self.created.seconds(), self.rank.unwrap_or_default(), self.id.as_str())
    }
}
