//! Identity providers, whose assertions roles may trust.
//!
//! The numbers in the attributes are the row format, as in the other entities.

use iamd_wire::Timestamp;
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
