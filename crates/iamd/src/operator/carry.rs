//! Carrying out commands that write: the one way by which an operator changes anything.

use std::sync::Arc;

use iamd_core::audit::Event;
use iamd_core::operator::{Command, Operator, Queue, perform};
use iamd_core::refusal::Refusal;

use super::traces;
use crate::entropy;
use crate::fault::Fault;
use crate::node::{Drafted, Failure, Node, Plan, Snapshot};

/// Authorizes a command, plans it in the queue of its account, and answers once that is durable.
///
/// # Errors
/// [`Fault::Refused`] with the reason; what the node answers.
pub async fn carry_out<C: Command>(
    node: &Arc<Node>,
    operator: &Operator,
    command: C,
) -> Result<C::Output, Fault> {
    let queue = command.queue();
    let name = C::ACTION.strip_prefix("iamd:").unwrap_or(C::ACTION);
    let shown = traces::shown(operator, command.shown());
    let event = Event::operator(name, &shown, &entropy::request_id()?);
    let by = operator.clone();
    let plan: Plan<C::Output> = Box::new(move |snapshot: &Snapshot, node: &Node| {
        let planned = perform(&command, &by, &snapshot.state, &mut node.draw()?)?;
        Ok(Drafted::new(planned.changes, planned.output))
    });
    let done = match queue {
        Queue::Of(account) => node.write(account, event, plan).await,
        Queue::WithDirectory(account) => node.write_directory(account, event, plan).await,
    };
    match done {
        Ok(done) => {
            tracing::info!(?operator, action = C::ACTION, "done");
            Ok(done.answer)
        }
        Err(Failure::Refused(refusal)) => {
            tracing::info!(?operator, action = C::ACTION, code = refusal.code.code(), "refused");
            Err(refused(refusal))
        }
        Err(Failure::Fault(fault)) => Err(fault),
    }
}

/// A refusal in the words for operators.
pub fn refused(refusal: Refusal) -> Fault {
    Fault::Refused(refusal.message.unwrap_or_else(|| refusal.code.code().to_owned()))
}
