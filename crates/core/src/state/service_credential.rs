//! Credentials of users for one service each.
//!
//! The numbers in the attributes are the row format, as in the other entities.

use iamd_wire::Timestamp;
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use super::access_key::AccessKeyStatus;
use super::belongings::{AgePlace, Belonging};
use super::entity::KeyOwner;
use crate::record;
use crate::unique_id::UniqueId;

/// What a user signs in to one service with: a name and a password, or an API key.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct ServiceCredential {
    /// Unique id, `ACCA...`.
    #[n(0)]
    pub id: UniqueId,
    /// Whose credential it is.
    #[n(1)]
    pub user: UniqueId,
    /// The one service that it is for, such as `codecommit.amazonaws.com`.
    #[n(2)]
    pub service: Box<str>,
    /// The public part: the user name for the service, or the alias of the API key. It stays when
    /// the user is renamed, and no other credential of the account for the service has it.
    #[n(3)]
    pub alias: Box<str>,
    /// SHA-256 of the password or API key, which has 256 random bits; nobody can show it again.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub secret_digest: [u8; 32],
    /// Whether it may be used, as long as it lasts.
    #[n(5)]
    pub status: AccessKeyStatus,
    /// When it was created.
    #[cbor(n(6), with = "record::timestamp")]
    pub created: Timestamp,
    /// When it ends, if it does.
    #[cbor(n(7), with = "record::optional_timestamp")]
    pub expires: Option<Timestamp>,
}

impl ServiceCredential {
    /// Whether it has ended.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// What tells credentials with this alias for this service from all others.
    pub fn content_of(service: &str, alias: &str) -> [u8; 32] {
        // No service has a zero in its name.
        Sha256::new().chain_update(service).chain_update([0]).chain_update(alias).finalize().into()
    }
}

impl Belonging for ServiceCredential {
    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn owner(&self) -> KeyOwner {
        KeyOwner::User(self.user)
    }

    fn age_place(&self) -> AgePlace {
        (self.created.seconds(), self.id.as_str().into())
    }

    fn content(&self) -> Option<[u8; 32]> {
        Some(ServiceCredential::content_of(&self.service, &self.alias))
    }
}
