//! Identity providers, whose assertions roles may trust.
//!
//! The numbers in the attributes are the row format, as in the other entities.

use iamd_wire::{Secret, Timestamp};
use minicbor::{Decode, Encode};

use super::entity::Tag;
use crate::record;

/// An OpenID Connect provider.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct OidcProvider {
    /// The URL without `https://`, its host in lower case; unique inside the account.
    #[n(0)]
    pub url: Box<str>,
    /// When it was created.
    #[cbor(n(1), with = "record::timestamp")]
    pub created: Timestamp,
    /// The audiences of its tokens, in the order in which they came.
    #[n(2)]
    pub client_ids: Vec<Box<str>>,
    /// SHA-1 of certificates that it may show, in hexadecimal digits; may be empty.
    #[n(3)]
    pub thumbprints: Vec<Box<str>>,
    /// Tags, sorted by key.
    #[n(4)]
    pub tags: Vec<Tag>,
}

/// A SAML provider.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct SamlProvider {
    /// The name, unique inside the account; letter case counts.
    #[n(0)]
    pub name: Box<str>,
    /// What its sign-in address carries: 32 capital letters and digits.
    #[n(1)]
    pub id: Box<str>,
    /// When it was created.
    #[cbor(n(2), with = "record::timestamp")]
    pub created: Timestamp,
    /// Until when its metadata counts.
    #[cbor(n(3), with = "record::timestamp")]
    pub valid_until: Timestamp,
    /// The metadata, as it was uploaded; it was read once, so that it can be read again.
    #[n(4)]
    pub metadata: Box<str>,
    /// Whether assertions must be encrypted.
    #[n(5)]
    pub encryption: AssertionEncryption,
    /// What decrypts assertions, oldest first.
    #[n(6)]
    pub private_keys: Vec<SamlPrivateKey>,
    /// Tags, sorted by key.
    #[n(7)]
    pub tags: Vec<Tag>,
}

/// Whether the assertions of a SAML provider must be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum AssertionEncryption {
    /// They may be.
    #[n(0)]
    Allow,
    /// They must be.
    #[n(1)]
    Require,
}

/// What decrypts the assertions of a SAML provider.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct SamlPrivateKey {
    /// The id: 32 capital letters and digits.
    #[n(0)]
    pub id: Box<str>,
    /// When it was uploaded.
    #[cbor(n(1), with = "record::timestamp")]
    pub uploaded: Timestamp,
    /// The RSA key in PEM; no answer ever shows it.
    #[cbor(n(2), with = "record::secret")]
    pub key: Secret,
}
