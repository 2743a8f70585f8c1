//! What must be done before an operation can be planned: slow work, and what only the store can say.
//!
//! The rules describe it, whoever calls them carries it out, off the queue of the account, and hands
//! back what came of it in [`Scene::prepared`](crate::operation::Scene::prepared). The plan works
//! the same description out again: on a state that has moved on it differs, and then nothing of what
//! came of it counts.

use iamd_wire::Secret;

use crate::account_id::AccountId;
use crate::unique_id::UniqueId;

/// What must be done before an operation can be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preparation {
    /// Passwords are to be compared and hashed.
    Passwords(PasswordWork),
}

/// What was done, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prepared {
    /// Passwords were compared and hashed.
    Passwords(PasswordWork, PasswordOutcome),
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
