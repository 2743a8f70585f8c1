//! What an account has chosen beside what lives in it.
//!
//! The numbers in the attributes are the row format, as in the other entities.

use iamd_wire::Timestamp;
use minicbor::{Decode, Encode};

use crate::record;

/// What an account has chosen; an account that has chosen nothing has no such row.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
pub struct Preferences {
    /// The version of session tokens that the global endpoint of STS gives out.
    #[n(0)]
    pub token_version: TokenVersion,
    /// Since when principals of the account may get tokens for services elsewhere; absent: they may
    /// not.
    #[cbor(n(1), with = "record::optional_timestamp")]
    pub outbound_federation: Option<Timestamp>,
    /// Whether the role manager is switched on.
    #[n(2)]
    pub has_role_manager: bool,
}

/// A version of session tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum TokenVersion {
    /// Good in the regions that are on by default.
    #[default]
    #[n(0)]
    V1,
    /// Good in all regions.
    #[n(1)]
    V2,
}
