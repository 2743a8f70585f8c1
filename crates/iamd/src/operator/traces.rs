//! What the audit trail hears of operators' wishes that no account's log tells of.
//!
//! A command that changes an account is recorded with what it changes. Everything else is noted in
//! the trail of the running node: what was only read, what was denied, and what failed.

use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::audit::{Event, Outcome};
use iamd_core::operator::Operator;
use iamd_wire::ErrorCode;
use serde_json::Value;

use super::carry::refused;
use super::wish::Wish;
use crate::audit::Note;
use crate::entropy;
use crate::fault::Fault;
use crate::node::{Drafted, Failure, Node, Plan};

/// Which records a wish leaves that was permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Traces {
    /// One with what it changes; what it refuses or cannot do is noted on the way.
    Command,
    /// One with the keys that it changes, or the things that it brings in; what failed is noted.
    Keys,
    /// None: what is done leaves records of its own, and asking goes on all the time.
    Elsewhere,
    /// A note of what came of it.
    Read,
    /// The same; on a folder at rest, where nothing takes notes, a record in the store.
    Copy,
}

/// Refuses a wish that an operator may not have, and leaves a record of that.
///
/// # Errors
/// [`Fault::Refused`]; [`Fault::Unavailable`] when the trail takes no notes.
pub async fn permit(node: &Node, operator: &Operator, wish: &Wish) -> Result<(), Fault> {
    let Err(refusal) = operator.permit(wish.action(), wish.reach()) else { return Ok(()) };
    note(node, event(operator, wish)?, Outcome::from(&refusal)).await?;
    Err(refused(refusal))
}

/// A wish as records have it: without secrets.
pub(super) fn event(operator: &Operator, wish: &Wish) -> Result<Event, Fault> {
    let shown = shown(operator, wish.shown());
    let event = Event::operator(wish.name(), &shown, &entropy::request_id()?);
    let is_read = matches!(wish.traces(), Traces::Read | Traces::Copy);
    Ok(Event { is_read, ..event })
}

/// The parameters of a record, with the name of an operator who has one.
pub(super) fn shown(operator: &Operator, mut parameters: Value) -> Value {
    if let (Operator::Named(name) | Operator::Follower(name), Some(shown)) =
        (operator, parameters.as_object_mut())
    {
        shown.insert("operator".to_owned(), Value::from(&**name));
    }
    parameters
}

/// Leaves the records of a wish that was carried out, or was not.
///
/// # Errors
/// [`Fault::Unavailable`] when the trail takes no notes.
pub(super) async fn leave<T>(
    node: &Arc<Node>,
    traces: Traces,
    event: Event,
    outcome: &Result<T, Fault>,
) -> Result<(), Fault> {
    match (traces, outcome) {
        (Traces::Command | Traces::Elsewhere, _) | (Traces::Keys, Ok(_)) => Ok(()),
        (Traces::Copy, Ok(_)) if !node.audit().takes_notes() => {
            commit(node, event).await;
            Ok(())
        }
        (_, Ok(_)) => note(node, event, Outcome::Done(None)).await,
        (_, Err(fault)) => note(node, event, failed(fault)).await,
    }
}

/// A record by itself. A store that takes no writes is no reason to have no copy of it.
async fn commit(node: &Arc<Node>, event: Event) {
    let plan: Plan<()> = Box::new(|_, _| Ok(Drafted::new(Vec::new(), ())));
    if let Err(failure) = node.write(AccountId::OPERATORS, event, plan).await {
        tracing::warn!(?failure, "a record of the audit trail is missing");
    }
}

async fn note(node: &Node, event: Event, outcome: Outcome) -> Result<(), Fault> {
    let (account, time) = (AccountId::OPERATORS, node.clock().now());
    match node.audit().note(&Note { event: &event, outcome: &outcome, account, time }) {
        Ok(()) => Ok(()),
        Err(record) => node.audit().wait(record).await,
    }
}

fn failed(fault: &Fault) -> Outcome {
    match fault {
        Fault::Refused(reason) => Outcome::Refused {
            code: ErrorCode::InvalidInput.code().into(),
            message: Some(reason.clone()),
        },
        fault => Failure::Fault(fault.clone()).outcome(),
    }
}
