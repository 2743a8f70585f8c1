//! Deletions of service-linked roles, which are asked for first and looked at later.
//!
//! The numbers in the attributes are the row format, as in the other entities.

use iamd_wire::Timestamp;
use minicbor::{Decode, Encode};

use crate::record;

/// A deletion of a service-linked role that was asked for.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct DeletionTask {
    /// The id: `task/aws-service-role/SERVICE/ROLE/UUID`.
    #[n(0)]
    pub id: Box<str>,
    /// When it was asked for.
    #[cbor(n(1), with = "record::timestamp")]
    pub created: Timestamp,
    /// ARNs of what used the role, for which the deletion failed; none if it succeeded.
    #[n(2)]
    pub hindrances: Vec<Box<str>>,
}
