//! What must be done before an operation can be planned: slow work, and what only the store can say.
//!
//! The rules describe it, whoever calls them carries it out, off the queue of the account, and hands
//! back what came of it in [`Scene::prepared`](crate::operation::Scene::prepared). The plan works
//! the same description out again: on a state that has moved on it differs, and then nothing of what
//! came of it counts.

use iamd_wire::{Secret, Timestamp};

use crate::account_id::AccountId;
use crate::state::MfaDeviceId;
use crate::totp::Step;
use crate::unique_id::UniqueId;

/// What must be done before an operation can be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preparation {
    /// Passwords are to be compared and hashed.
    Passwords(PasswordWork),
    /// A one-time code is to be used up.
    Code(CodeUse),
}

/// What was done, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prepared {
    /// Passwords were compared and hashed.
    Passwords(PasswordWork, PasswordOutcome),
    /// A one-time code was used up, or could not be.
    Code(CodeUse, CodeOutcome),
}

/// Passwords to compare and to hash; a comparison that fails ends the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordWork {
    /// The account of the user.
    pub account: AccountId,
    /// The user, whose failures count.
    pub user: UniqueId,
    /// What the user says his password is, and the hash of what it is; none where nobody asks.
    pub present: Option<(Secret, Secret)>,
    /// Hashes that must not be those of the new password.
    pub unlike: Vec<Secret>,
    /// The new password.
    pub new: Secret,
}

/// What came of the work on passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordOutcome {
    /// The present password is another one.
    Mismatch,
    /// The new password is one of those that it must not be.
    Reuse,
    /// The hash of the new password.
    Hash(Secret),
}

/// One or more codes of a device that are to count once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeUse {
    /// The account of the device.
    pub account: AccountId,
    /// The device, whose wrong codes count.
    pub device: MfaDeviceId,
    /// The steps whose codes were shown, in order; none if they are wrong.
    pub steps: Vec<Step>,
    /// Earlier steps, whose codes count no more from then on, used or not.
    pub passed: Vec<Step>,
    /// When none of these codes would count any more anyway.
    pub expires: Timestamp,
    /// When they were looked at.
    pub at: Timestamp,
}

impl CodeUse {
    /// Whether the device shows these codes.
    pub fn is_right(&self) -> bool {
        !self.steps.is_empty()
    }
}

/// What came of using a code up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeOutcome {
    /// Nobody has used it before, and nobody will after.
    Claim,
    /// It is wrong, or was used before.
    Refuse,
}

impl Prepared {
    /// When the codes were looked at, if it is about codes.
    pub fn code_time(&self) -> Option<Timestamp> {
        match self {
            Prepared::Code(code, _) => Some(code.at),
            Prepared::Passwords(..) => None,
        }
    }

    /// Whether these very codes were used up for this request.
    pub fn has_claimed(&self, wanted: &CodeUse) -> bool {
        match self {
            Prepared::Code(code, CodeOutcome::Claim) => code == wanted && code.is_right(),
            Prepared::Code(_, CodeOutcome::Refuse) | Prepared::Passwords(..) => false,
        }
    }
}
