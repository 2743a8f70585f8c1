//! What went wrong in iamd itself, as opposed to a refusal, which is an answer.

use std::fmt;

/// A failure of the server: never a denial, never an allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The store does not take writes now; the client may try again.
    Unavailable(String),
    /// The data folder cannot be used; the message says what it is and what to do.
    Folder(String),
    /// A stored row cannot be read, or was not written by this server.
    Damaged(String),
    /// What an operator asked for cannot be done; the message says why.
    Refused(String),
    /// There is more to do than this process takes on; the client may try again.
    Busy(String),
    /// A bug, contained.
    Bug(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Unavailable(reason) => write!(formatter, "the store is unavailable: {reason}"),
            Fault::Folder(reason) | Fault::Refused(reason) | Fault::Busy(reason) => {
                formatter.write_str(reason)
            }
            Fault::Damaged(reason) => write!(formatter, "the data is damaged: {reason}"),
            Fault::Bug(reason) => write!(formatter, "a bug in iamd, please report it: {reason}"),
        }
    }
}

impl std::error::Error for Fault {}
