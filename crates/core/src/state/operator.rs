//! What operators leave behind: sessions that were ended, and their own credentials.

use iamd_wire::{Secret, Timestamp};
use minicbor::{Decode, Encode};

use super::Change;
use super::entity::{Entity, EntityKey};
use crate::record;
use crate::unique_id::AccessKeyId;

/// A temporary credential that was ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RevokedSession {
    /// Its access key id, `ASIA...`.
    #[n(0)]
    pub id: AccessKeyId,
    /// When it would have ended by itself at the latest; from then on this row says nothing.
    #[cbor(n(1), with = "record::timestamp")]
    pub expires: Timestamp,
}

/// What an operator signs with from another machine; lives in a pseudo-account, so that no account
/// has it.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct OperatorCredential {
    /// The access key id, `OPER...`.
    #[n(0)]
    pub id: AccessKeyId,
    /// The name, unique among operators.
    #[n(1)]
    pub name: Box<str>,
    /// The secret; shown once, when the credential is made.
    #[cbor(n(2), with = "record::secret")]
    pub secret: Secret,
    /// When it was made.
    #[cbor(n(3), with = "record::timestamp")]
    pub created: Timestamp,
    /// What it is for; absent of one that does what operators do.
    #[n(4)]
    pub purpose: Option<OperatorPurpose>,
}

/// What a credential of an operator is for, if not for all that operators do from afar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum OperatorPurpose {
    /// A process that follows the node, such as a gateway: nothing but that.
    #[n(0)]
    Follower,
}

/// The operators' credentials; stored as a pseudo-account.
#[derive(Debug, Clone, Default)]
pub struct Operators {
    credentials: imbl::OrdMap<AccessKeyId, OperatorCredential>,
}

impl Operators {
    /// The credential of this access key id.
    pub fn credential(&self, id: &AccessKeyId) -> Option<&OperatorCredential> {
        self.credentials.get(id)
    }

    /// The credential of this name, whatever its letter case.
    pub fn named(&self, name: &str) -> Option<&OperatorCredential> {
        self.iter().find(|credential| credential.name.eq_ignore_ascii_case(name))
    }

    /// All of them, by access key id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &OperatorCredential> {
        self.credentials.values()
    }

    pub(super) fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Put(Entity::OperatorCredential(credential)) => {
                    self.credentials.insert(credential.id.clone(), credential.clone());
                }
                Change::Remove(EntityKey::OperatorCredential(id)) => {
                    self.credentials.remove(id);
                }
                // Nothing else lives here.
                Change::Put(_) | Change::Remove(_) => {}
            }
        }
    }
}
