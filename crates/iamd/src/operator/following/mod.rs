//! What processes ask that follow this node: gateways that decide on a copy of its state.
//!
//! They are told what decisions need, without a secret in it (`State::differences` in the core), and
//! get keys that are derived for one credential, day, region and service. What they cannot do
//! themselves they hand over: writes, as the client signed them, and records.

mod portion;
mod records;
mod signing;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use portion::{AuditTerms, Line, Place, Portion, PortionOrder, Told};
pub use records::{FactLine, RecordBatch};
pub use signing::{KeyFacts, KeyQuestion};

use super::wish::Site;
use crate::doors::gateway::forwarded::{self, ForwardedRequest, Written};
use crate::fault::Fault;

/// What a follower asks.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum FollowWish {
    /// What has changed.
    Changes(PortionOrder),
    /// A signing key.
    SigningKey(KeyQuestion),
    /// To carry out a request of a client.
    Write(ForwardedRequest),
    /// To take records of the audit trail.
    Records(RecordBatch),
    /// To take note of when things were used.
    Uses {
        /// The uses.
        facts: Vec<FactLine>,
    },
}

/// What it gets.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FollowAnswer {
    /// A portion of the changes.
    Changes(Told),
    /// The signing key; none for a credential that is not good.
    SigningKey(Option<KeyFacts>),
    /// What came of the request.
    Written(Written),
    /// It was taken.
    Taken,
}

impl FollowWish {
    /// Whether it is the start of a copy of everything: the one of these that is noted in the trail;
    /// all others are of machines that ask every moment, and what they do has records of its own.
    pub(super) fn begins_a_copy(&self) -> bool {
        matches!(self, FollowWish::Changes(order) if order.begins_a_copy())
    }
}

/// Answers a follower.
///
/// # Errors
/// [`Fault::Refused`] for what no follower asks; what the node answers.
pub(super) async fn answered(site: &Site<'_>, wish: FollowWish) -> Result<FollowAnswer, Fault> {
    let node = site.node;
    match wish {
        FollowWish::Changes(order) => portion::told(node, order).await.map(FollowAnswer::Changes),
        FollowWish::SigningKey(question) => {
            Ok(FollowAnswer::SigningKey(signing::key(node, &question)))
        }
        FollowWish::Write(request) => {
            forwarded::carried_out(node, request).await.map(FollowAnswer::Written)
        }
        FollowWish::Records(batch) => {
            records::take(node, batch).await.map(|()| FollowAnswer::Taken)
        }
        FollowWish::Uses { facts } => {
            records::take_uses(node, facts).await.map(|()| FollowAnswer::Taken)
        }
    }
}
