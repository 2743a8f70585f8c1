//! The audit trail: who asked for what, from where, and what came of it.
//!
//! A write that is carried out commits its record together with its rows, so that neither is there
//! without the other. The records of an account are a chain, and the account's ledger says where it
//! ends (`keys/record_log.rs`).

use iamd_core::account_id::AccountId;
use iamd_core::audit::{Event, EventId, Outcome, record};
use iamd_wire::Timestamp;

use crate::entropy;
use crate::fault::Fault;

/// The record of an event, with an id of its own.
///
/// # Errors
/// [`Fault::Unavailable`] without entropy.
pub fn recorded(
    event: &Event,
    outcome: &Outcome,
    account: AccountId,
    time: Timestamp,
) -> Result<String, Fault> {
    let id = EventId::from_random(u128::from_be_bytes(entropy::bytes()?));
    Ok(record(event, outcome, account, id, time))
}
