//! Public keys and certificates: of users, and of servers.
//!
//! The numbers in the attributes are the row format, as in the other entities.

use iamd_wire::{Secret, Timestamp};
use minicbor::{Decode, Encode};

use super::access_key::AccessKeyStatus;
use super::belongings::{AgePlace, Belonging};
use super::entity::{KeyOwner, Tag};
use crate::record;
use crate::unique_id::UniqueId;

/// The public key by which a user signs in to a Git repository.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct SshPublicKey {
    /// Unique id, `APKA...`.
    #[n(0)]
    pub id: UniqueId,
    /// Whose key it is.
    #[n(1)]
    pub user: UniqueId,
    /// The key as it was uploaded, in the encoding of SSH or in PEM.
    #[n(2)]
    pub body: Box<str>,
    /// Whether it may be used.
    #[n(3)]
    pub status: AccessKeyStatus,
    /// When it was uploaded.
    #[cbor(n(4), with = "record::timestamp")]
    pub uploaded: Timestamp,
}

impl Belonging for SshPublicKey {
    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn owner(&self) -> KeyOwner {
        KeyOwner::User(self.user)
    }

    fn age_place(&self) -> AgePlace {
        (self.uploaded.seconds(), self.id.as_str().into())
    }

    fn content(&self) -> Option<[u8; 32]> {
        None
    }
}

/// A certificate by which a user or root signs requests.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct SigningCertificate {
    /// The id: 32 letters and digits.
    #[n(0)]
    pub id: Box<str>,
    /// Whose certificate it is.
    #[n(1)]
    pub owner: KeyOwner,
    /// The certificate in PEM, as it was uploaded.
    #[n(2)]
    pub body: Box<str>,
    /// SHA-256 of the certificate in DER.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub digest: [u8; 32],
    /// Whether it may be used.
    #[n(4)]
    pub status: AccessKeyStatus,
    /// When it was uploaded.
    #[cbor(n(5), with = "record::timestamp")]
    pub uploaded: Timestamp,
}

impl Belonging for SigningCertificate {
    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> KeyOwner {
        self.owner
    }

    fn age_place(&self) -> AgePlace {
        (self.uploaded.seconds(), self.id.clone())
    }

    fn content(&self) -> Option<[u8; 32]> {
        Some(self.digest)
    }
}

/// The certificate of a server, with its private key.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct ServerCertificate {
    /// Unique id, `ASCA...`.
    #[n(0)]
    pub id: UniqueId,
    /// Name, in the letter case it was given.
    #[n(1)]
    pub name: Box<str>,
    /// Path, `/` or `/.../`.
    #[n(2)]
    pub path: Box<str>,
    /// When it was uploaded.
    #[cbor(n(3), with = "record::timestamp")]
    pub uploaded: Timestamp,
    /// When the certificate ends.
    #[cbor(n(4), with = "record::timestamp")]
    pub expiration: Timestamp,
    /// The certificate in PEM, as it was uploaded.
    #[n(5)]
    pub body: Box<str>,
    /// The certificates of those who issued it, in PEM, as they were uploaded.
    #[n(6)]
    pub chain: Option<Box<str>>,
    /// The private key in PEM; no answer ever shows it.
    #[cbor(n(7), with = "record::secret")]
    pub private_key: Secret,
    /// Tags, sorted by key.
    #[n(8)]
    pub tags: Vec<Tag>,
}
