//! The trait that the node owns and every engine implements.

use std::{ops::ControlFlow, pin::Pin};

use tokio::sync::watch;

use crate::{
    AccountCommit, AccountId, AccountRows, Changes, ClaimKey, Claimed, CommitError, Committed,
    CopyVisitor, Cursor, Fact, FactRef, Head, Imported, Record, RowRef, StoreError,
};

/// The future of an answer. Boxed, so that the trait can be used as `Arc<dyn Store>`: the engine
/// is chosen at run time, and one allocation is nothing beside a durable write.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Receives everything that a store holds, in the store's own buffers, so that a load of a
/// million rows never exists twice in memory.
pub trait RowVisitor: Send {
    /// An account begins; its rows follow, by kind and id, before the next account.
    fn account(&mut self, account: AccountId, head: Head) -> ControlFlow<()>;

    /// A row of the account begun last.
    fn row(&mut self, row: RowRef<'_>) -> ControlFlow<()>;
}

/// Receives every fact, by account and key.
pub trait FactVisitor: Send {
    /// A fact.
    fn fact(&mut self, fact: FactRef<'_>) -> ControlFlow<()>;
}

/// What kind of store it is, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The engine.
    pub engine: &'static str,
    /// The number of the layout in which it keeps its data, if it has one.
    pub layout: Option<u32>,
}

/// Bytes and revisions, kept durably.
///
/// Dropping the future of a write does not withdraw the write: it may still happen.
pub trait Store: Send + Sync + 'static {
    /// What kind of store it is.
    fn identity(&self) -> Identity;

    /// Hands everything to `visitor`, as of one moment, and says where the feed stood then.
    ///
    /// Checksums are verified on the way: on an error, what was visited must be thrown away.
    fn load_all<'a>(
        &'a self,
        visitor: &'a mut dyn RowVisitor,
    ) -> Answer<'a, Result<Cursor, StoreError>>;

    /// The head and rows of one account as of one moment; [`Head::ABSENT`] and no rows if there is
    /// no such account.
    fn read_account(&self, account: AccountId) -> Answer<'_, Result<AccountRows, StoreError>>;

    /// Commits all of the list or nothing, durably before it answers.
    ///
    /// By value, since the engine hands the rows to its writer, and a commit that lost a race is
    /// planned anew. No account, and no row within an account, may be named twice.
    fn commit(&self, list: Vec<AccountCommit>) -> Answer<'_, Result<Committed, CommitError>>;

    /// What was committed after `after`, in order, a multi-account commit whole.
    fn changes(&self, after: Cursor) -> Answer<'_, Result<Changes, StoreError>>;

    /// Wakes when there may be something new in the feed. Only a hint: it may be late, coalesced
    /// or, on an engine with a network in between, lost; a follower also polls.
    fn hint(&self) -> watch::Receiver<()>;

    /// Claims a thing that may be used once, until `expiry`, durably before it answers.
    ///
    /// Whatever expired at or before `now` may be forgotten and claimed again; a claim that has
    /// itself expired by `now` is answered [`Claimed::Already`]. Both times in one unit of the
    /// caller's choice.
    fn claim<'a>(
        &'a self,
        key: &'a ClaimKey,
        expiry: i64,
        now: i64,
    ) -> Answer<'a, Result<Claimed, StoreError>>;

    /// Merges facts into the side table: the later one stays. Not part of any revision.
    fn merge_facts(&self, facts: Vec<Fact>) -> Answer<'_, Result<(), StoreError>>;

    /// Forgets facts of things that are no more. Forgetting one that is not there is no error.
    fn forget_facts(&self, keys: Vec<(AccountId, Box<str>)>) -> Answer<'_, Result<(), StoreError>>;

    /// Hands all facts to `visitor`, as of one moment.
    fn read_facts<'a>(
        &'a self,
        visitor: &'a mut dyn FactVisitor,
    ) -> Answer<'a, Result<(), StoreError>>;

    /// The records of an account whose numbers are greater than `after`, in order, at most `most`
    /// of them and never more than [`RECORDS_ANSWER_MAX`](crate::RECORDS_ANSWER_MAX).
    fn read_records(
        &self,
        account: AccountId,
        after: u64,
        most: usize,
    ) -> Answer<'_, Result<Vec<Record>, StoreError>>;

    /// Forgets the records of an account up to and including a number. The last record always
    /// stays, since it holds the place of the log.
    fn forget_records(&self, account: AccountId, up_to: u64) -> Answer<'_, Result<(), StoreError>>;

    /// Hands everything to `visitor`, as of one moment, the account `first` before the others, and
    /// says where the feed stood then. Writes go on meanwhile.
    ///
    /// Checksums are verified on the way, as in [`Store::load_all`].
    fn copy_all<'a>(
        &'a self,
        first: AccountId,
        visitor: &'a mut dyn CopyVisitor,
    ) -> Answer<'a, Result<Cursor, StoreError>>;

    /// Puts what another store held as it was, revisions and seals included: all of the list or
    /// nothing, durably before it answers.
    ///
    /// The feed does not tell of it: this is for a store that nobody follows yet. What is there
    /// already, or has no account to be put in, is refused as [`StoreError::Invalid`].
    fn import(&self, list: Vec<Imported>) -> Answer<'_, Result<(), StoreError>>;

    /// Forgets the feed but for its newest commit, and wipes what was removed or replaced from the
    /// files of the engine as far as it can. Whoever has not followed so far gets
    /// [`Changes::Lost`] and loads everything again.
    fn forget_changes(&self) -> Answer<'_, Result<(), StoreError>>;

    /// Finishes the writes that were accepted and lets go of files and locks. Every later call
    /// answers [`StoreError::Closed`].
    fn close(&self) -> Answer<'_, Result<(), StoreError>>;
}
