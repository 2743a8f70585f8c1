//! Revoking credentials: in force on this node at once, in the store as soon as it answers.

use std::sync::Arc;
use std::time::Duration;

use iamd_core::operator::{OrderedRevocation, Revocable, Revocation, Revoked};
use iamd_core::refusal::Refusal;
use iamd_wire::Secret;
use serde::{Deserialize, Serialize};

use super::carry::{carry_out, refused};
use super::wish::Site;
use crate::fault::Fault;
use crate::founder;
use crate::node::{Failure, Node};

/// How long the store may take before the answer is that it does not know yet.
const STORE_TIME_MAX: Duration = Duration::from_secs(5);
/// How often it is looked whether a revocation waits for the store.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// What is to be revoked.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RevokeOrder {
    /// All sessions of the user, role or root of this ARN.
    Principal(String),
    /// A long-term access key.
    AccessKey(String),
    /// The service-specific credential of this id.
    ServiceCredential(String),
    /// The temporary credential of this access key id.
    Session(String),
    /// The temporary credential of this session token.
    Token(Secret),
    /// All sessions of everybody in an account.
    Account {
        /// The account.
        account_id: String,
        /// Whether its access keys and service-specific credentials are made inactive, too.
        with_access_keys: bool,
    },
}

/// A revocation that is in force.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct RevocationFacts {
    /// The account.
    pub account_id: String,
    /// What was revoked, in words.
    pub revoked: String,
    /// Access keys that are inactive now.
    pub access_keys: Vec<String>,
    /// Service-specific credentials that are inactive now.
    pub service_credentials: Vec<String>,
    /// How many sessions have ended: never known, for sessions are sealed and not stored.
    pub sessions_ended: Option<u64>,
    /// Whether the store knows.
    pub stored: bool,
    /// Whether the journal in the data folder holds it until then.
    pub journalled: bool,
    /// What went wrong with store or journal.
    pub problem: Option<String>,
}

/// Revokes.
///
/// # Errors
/// [`Fault::Refused`] for what names nothing. An outage of the store is none.
pub(super) async fn revoke(site: &Site<'_>, order: RevokeOrder) -> Result<RevocationFacts, Fault> {
    let revocation = resolved(site.node, &order)?;
    let ordered =
        OrderedRevocation { revocation: revocation.clone(), operator: site.operator.clone() };
    let in_force = match site.node.revoke(ordered.clone()).await {
        Ok(in_force) => in_force,
        Err(Failure::Refused(refusal)) => return Err(refused(refusal)),
        Err(Failure::Fault(fault)) => return Err(fault),
    };
    let written = tokio::time::timeout(STORE_TIME_MAX, stored(site.node, &ordered));
    let written = written.await.unwrap_or_else(|_| {
        let seconds = STORE_TIME_MAX.as_secs();
        Err(Fault::Unavailable(format!("no answer within {seconds} s")))
    });
    let journalled = in_force.not_journalled.is_none();
    let problem = match (&written, in_force.not_journalled) {
        (Ok(_), _) => None,
        (Err(store), None) => Some(store.to_string()),
        (Err(store), Some(journal)) => Some(format!("{store}; {journal}")),
    };
    if let Some(problem) = &problem {
        tracing::warn!(account = %revocation.account, "a revocation waits for the store: {problem}");
    }
    let Revoked { access_keys, service_credentials } = in_force.revoked;
    Ok(RevocationFacts {
        account_id: revocation.account.to_string(),
        revoked: words(&revocation, &order),
        access_keys: access_keys.iter().map(ToString::to_string).collect(),
        service_credentials: service_credentials.iter().map(ToString::to_string).collect(),
        sessions_ended: None,
        stored: written.is_ok(),
        journalled,
        problem,
    })
}

/// Brings to the store what waits for it; stops at the first that it does not take.
pub async fn replay(node: &Arc<Node>) {
    for ordered in node.pending_revocations() {
        let account = ordered.revocation.account;
        match stored(node, &ordered).await {
            Ok(()) => tracing::info!(%account, "a revocation is stored"),
            Err(Fault::Refused(reason)) => {
                // Such as an account that is gone; it will not be otherwise later.
                tracing::warn!(%account, "a revocation is void: {reason}");
                settle(node, &ordered);
            }
            Err(fault) => {
                tracing::debug!("revocations wait for the store: {fault}");
                return;
            }
        }
    }
    // The disk may have refused that before.
    if let Err(fault) = node.clear_journal() {
        tracing::debug!("{fault}");
    }
}

/// Brings to the store, for as long as the process lives, what waits for it.
pub async fn keep_replaying(node: Arc<Node>) {
    loop {
        replay(&node).await;
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

async fn stored(node: &Arc<Node>, ordered: &OrderedRevocation) -> Result<(), Fault> {
    carry_out(node, &ordered.operator, ordered.revocation.clone()).await?;
    settle(node, ordered);
    Ok(())
}

fn settle(node: &Node, ordered: &OrderedRevocation) {
    if let Err(fault) = node.settle(ordered) {
        tracing::warn!("the journal of revocations keeps what is stored: {fault}");
    }
}

fn resolved(node: &Node, order: &RevokeOrder) -> Result<Revocation, Fault> {
    let snapshot = node.snapshot();
    let (state, now) = (&snapshot.state, node.clock().now());
    let found: Result<Revocation, Refusal> = match order {
        RevokeOrder::Principal(arn) => Revocation::of_principal(state, arn, now),
        RevokeOrder::AccessKey(id) => Revocation::of_access_key(state, id, now),
        RevokeOrder::ServiceCredential(id) => Revocation::of_service_credential(state, id, now),
        RevokeOrder::Session(id) => Revocation::of_session(state, id, now),
        RevokeOrder::Token(token) => {
            Revocation::of_token(state, &snapshot.keys.sessions, token.expose(), now)
        }
        RevokeOrder::Account { account_id, with_access_keys } => {
            let what =
                if *with_access_keys { Revocable::SessionsAndKeys } else { Revocable::Sessions };
            Revocation::of_account(state, founder::parse_account_id(account_id)?, what, now)
        }
    };
    found.map_err(refused)
}

fn words(revocation: &Revocation, order: &RevokeOrder) -> String {
    match (&revocation.what, order) {
        (Revocable::Session { id, .. }, _) => format!("the temporary credential {id}"),
        (Revocable::AccessKey(id), _) => format!("the access key {id}"),
        (Revocable::ServiceCredential(id), _) => format!("the service-specific credential {id}"),
        (_, RevokeOrder::Principal(arn)) => format!("all sessions of {arn}"),
        (Revocable::SessionsAndKeys, _) => {
            format!("all sessions and long-term credentials of account {}", revocation.account)
        }
        (Revocable::Sessions | Revocable::Root | Revocable::User(_) | Revocable::Role(_), _) => {
            format!("all sessions of account {}", revocation.account)
        }
    }
}
