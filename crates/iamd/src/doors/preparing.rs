//! Carrying out what must be done before an operation can be planned.

use iamd_core::preparation::{PasswordOutcome, PasswordWork, Preparation, Prepared};

use super::call::throttled;
use crate::limits::{Guessed, Limits};
use crate::node::{Failure, Node};
use crate::password;

/// Does it, and tells what came of it.
///
/// # Errors
/// `Throttling` after too many wrong guesses; what the pool of passwords answers.
pub(super) async fn carry_out(
    node: &Node,
    limits: &Limits,
    preparation: Preparation,
) -> Result<Prepared, Failure> {
    match preparation {
        Preparation::Passwords(work) => passwords(node, limits, work).await,
    }
}

async fn passwords(node: &Node, limits: &Limits, work: PasswordWork) -> Result<Prepared, Failure> {
    let guessed = work.present.as_ref().map(|_| Guessed::Password(work.account, work.user));
    admit(node, limits, guessed)?;
    let (work, outcome) = password::carry_out(work).await?;
    match (&outcome, guessed) {
        (PasswordOutcome::Reuse | PasswordOutcome::Hash(_), Some(guessed)) => {
            limits.was_right(guessed);
        }
        (PasswordOutcome::Mismatch, _) | (_, None) => {}
    }
    Ok(Prepared::Passwords(work, outcome))
}

/// The guess counts before it is looked at, so that many at once gain nothing.
fn admit(node: &Node, limits: &Limits, guessed: Option<Guessed>) -> Result<(), Failure> {
    let Some(guessed) = guessed else { return Ok(()) };
    if limits.admit_guess(guessed, node.clock().now()) {
        return Ok(());
    }
    node.metrics().throttled();
    Err(throttled().into())
}
