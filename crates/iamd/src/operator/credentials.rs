//! Credentials of operators.

use clap::ValueEnum;
use iamd_core::operator::{CreateOperator, DeleteOperator};
use iamd_core::state::OperatorPurpose;
use iamd_wire::Secret;
use serde::{Deserialize, Serialize};

use super::carry::carry_out;
use super::wish::Site;
use crate::fault::Fault;
use crate::node::Node;

/// An operator's credential.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct OperatorFacts {
    /// The operator's name.
    pub name: String,
    /// What he signs with.
    pub access_key_id: String,
    /// Its secret; only in the answer that makes it.
    pub secret_access_key: Option<Secret>,
    /// When it was made; absent once it is gone.
    pub created: Option<String>,
    /// What it is for, if not for all that operators do from afar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
}

/// What a credential is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A process that follows the node, such as a gateway: nothing but that.
    Follower,
}

impl Purpose {
    fn of(known: OperatorPurpose) -> Purpose {
        match known {
            OperatorPurpose::Follower => Purpose::Follower,
        }
    }

    fn known(self) -> OperatorPurpose {
        match self {
            Purpose::Follower => OperatorPurpose::Follower,
        }
    }
}

pub(super) async fn create(
    site: &Site<'_>,
    name: String,
    purpose: Option<Purpose>,
) -> Result<OperatorFacts, Fault> {
    let command = CreateOperator { name, purpose: purpose.map(Purpose::known) };
    let made = carry_out(site.node, site.operator, command).await?;
    Ok(OperatorFacts {
        name: made.name.to_string(),
        access_key_id: made.id.to_string(),
        secret_access_key: Some(made.secret),
        created: Some(made.created.to_string()),
        purpose: made.purpose.map(Purpose::of),
    })
}

pub(super) async fn delete(site: &Site<'_>, name: String) -> Result<OperatorFacts, Fault> {
    let id = carry_out(site.node, site.operator, DeleteOperator { name: name.clone() }).await?;
    Ok(OperatorFacts {
        name,
        access_key_id: id.to_string(),
        secret_access_key: None,
        created: None,
        purpose: None,
    })
}

/// All operators, by access key id, without their secrets.
pub(super) fn lines(node: &Node) -> Vec<OperatorFacts> {
    let snapshot = node.snapshot();
    let facts = snapshot.state.operators().iter().map(|known| OperatorFacts {
        name: known.name.to_string(),
        access_key_id: known.id.to_string(),
        secret_access_key: None,
        created: Some(known.created.to_string()),
        purpose: known.purpose.map(Purpose::of),
    });
    facts.collect()
}
