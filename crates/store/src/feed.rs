//! The change feed: what was committed, in order.

use std::fmt;

use crate::{AccountId, Revision, Row, RowKey};

/// Most commits in one answer of the feed; the rest follows in the next.
pub const CHANGES_ANSWER_COMMITS_MAX: usize = 256;

/// An answer of the feed ends with the commit that reaches this many bytes.
pub const CHANGES_ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A place in the change feed: everything up to it has been seen.
///
/// A cursor belongs to one life of one store. Shown to another (a store made anew or restored
/// by import), it answers [`Changes::Lost`] instead of changes that do not fit.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    pub(crate) incarnation: u64,
    pub(crate) sequence: u64,
}

impl Cursor {
    /// What tells the life of the store that the cursor belongs to from others.
    #[must_use]
    pub fn incarnation(self) -> u64 {
        self.incarnation
    }

    /// Whether everything that `other` has seen has been seen here too.
    #[must_use]
    pub fn reaches(self, other: Self) -> bool {
        self.incarnation == other.incarnation && self.sequence >= other.sequence
    }

    /// Whether there is one commit between `other` and here, and no more.
    #[must_use]
    pub fn is_next_of(self, other: Self) -> bool {
        self.incarnation == other.incarnation && self.sequence == other.sequence.saturating_add(1)
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({:016x}:{})", self.incarnation, self.sequence)
    }
}

/// What a commit did to one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose rows changed.
    pub account: AccountId,
    /// The revision that the change produced.
    pub revision: Revision,
    /// Rows inserted or replaced.
    pub puts: Vec<Row>,
    /// Rows removed (or not there in the first place).
    pub removes: Vec<RowKey>,
    /// What the commit said of the account.
    pub seal: Vec<u8>,
}

/// One commit, whole: all its accounts, to be applied together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    /// Where the feed stands once this commit has been applied.
    pub cursor: Cursor,
    /// Its accounts, in the order of the commit.
    pub changes: Vec<Change>,
}

/// The answer of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// The next commits in order; empty when there is nothing new. There may be more: ask again
    /// from the last cursor until the answer is empty.
    List(Vec<ChangeSet>),
    /// The feed does not reach back that far, or the cursor is of another life of the store:
    /// load everything again.
    Lost,
}
