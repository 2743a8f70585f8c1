//! Carrying out what must be done before an operation can be planned.

use iamd_core::preparation::{
    CodeOutcome, CodeUse, PasswordOutcome, PasswordWork, Preparation, Prepared,
};

use super::call::throttled;
use crate::limits::{Guessed, Limits};
use crate::node::{Failure, Node};
use crate::password;

/// Does it, and tells what came of it.
///
/// # Errors
/// `Throttling` after too many wrong guesses; what the pool of passwords or the store answers.
pub(super) async fn carry_out(
    node: &Node,
    limits: &Limits,
    preparation: Preparation,
) -> Result<Prepared, Failure> {
    match preparation {
        Preparation::Passwords(work) => passwords(node, limits, work).await,
        Preparation::Code(code) => one_time_code(node, limits, code).await,
    }
}

async fn passwords(node: &Node, limits: &Limits, work: PasswordWork) -> Result<Prepared, Failure> {
    let guessed = work.present.as_ref().map(|_| Guessed::Password(work.account, work.user));
    admit(node, limits, guessed)?;
    let done = password::carry_out(work).await;
    let was_wrong = matches!(done, Ok((_, PasswordOutcome::Mismatch)));
    if let Some(guessed) = guessed.filter(|_| !was_wrong) {
        limits.give_back_guess(guessed);
    }
    let (work, outcome) = done?;
    Ok(Prepared::Passwords(work, outcome))
}

async fn one_time_code(node: &Node, limits: &Limits, code: CodeUse) -> Result<Prepared, Failure> {
    let guessed = Guessed::Device(code.account, code.device);
    admit(node, limits, Some(guessed))?;
    let outcome = node.use_up(&code).await;
    match outcome {
        // Without the store a right code is no guess, and counts for nothing.
        Ok(CodeOutcome::Claim) | Err(_) => limits.give_back_guess(guessed),
        // Also one that was used before: whoever replays codes is not helped to try many.
        Ok(CodeOutcome::Refuse) => {}
    }
    Ok(Prepared::Code(code, outcome?))
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
