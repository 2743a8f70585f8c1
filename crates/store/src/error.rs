//! What can go wrong in a store that is open.

use std::{error::Error, fmt};

use crate::{AccountId, Revision};

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The store cannot work now (disk full, I/O error, no connection) and may again later.
    ///
    /// A commit answered with this is not in force on this store as it runs. Only if the process
    /// or its connection dies before the next successful commit may it turn out to have been
    /// kept; whoever must know reads the account again.
    Unavailable {
        /// What the engine said.
        reason: String,
    },
    /// The stored data does not match its checksums or is no database any more. The store
    /// refuses everything from here on: restore a backup.
    Damaged {
        /// What was found where.
        detail: String,
    },
    /// The request breaks a rule of the store: a bug of the caller.
    Invalid {
        /// Which rule.
        reason: String,
    },
    /// The visitor broke off the load.
    Stopped,
    /// The store has been closed.
    Closed,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable { reason } => write!(f, "the store is unavailable: {reason}"),
            Self::Damaged { detail } => {
                write!(f, "the stored data is damaged ({detail}); restore a backup")
            }
            Self::Invalid { reason } => write!(f, "the store refuses the request: {reason}"),
            Self::Stopped => f.write_str("the load was broken off"),
            Self::Closed => f.write_str("the store is closed"),
        }
    }
}

impl Error for StoreError {}

/// Why a commit did not happen. Nothing of it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitError {
    /// An account has moved on: catch up and plan again.
    Conflict {
        /// The first account of the list that is in the way.
        account: AccountId,
        /// The revision it is at.
        revision: Revision,
    },
    /// The store could not do it.
    Store(StoreError),
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict { account, revision } => {
                write!(f, "account {account} has moved on to revision {revision}")
            }
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl Error for CommitError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Conflict { .. } => None,
            Self::Store(error) => Some(error),
        }
    }
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
