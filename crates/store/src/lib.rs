//! Storage engines of iamd: bytes and revisions, nothing else.
//!
//! An account is the unit of consistency: its rows live under one account id and one revision
//! number, and a [`Store::commit`] succeeds only if the account is still at the revision that
//! the caller planned on. What the bytes of a row mean, and whether they are sealed or
//! authenticated, is the business of the layer above; a store never looks into them.
//!
//! Every engine passes the same `conformance` suite (feature `conformance`): an engine is
//! finished when that passes, not when it compiles.

mod claim;
mod commit;
mod copy;
mod error;
mod fact;
mod feed;
mod record;
mod row;
mod store;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod memory;
pub mod sqlite;

pub use claim::{CLAIM_KEY_BYTES_MAX, ClaimKey, Claimed};
pub use commit::{
    ACCOUNTS_PER_COMMIT_MAX, AccountCommit, COMMIT_BYTES_MAX, COMMIT_RECORDS_MAX, COMMIT_ROWS_MAX,
    Committed,
};
pub use copy::{CopyVisitor, IMPORT_THINGS_MAX, Imported};
pub use error::{CommitError, StoreError};
pub use fact::{FACT_BYTES_MAX, FACT_KEY_BYTES_MAX, Fact, FactRef};
pub use feed::{
    CHANGES_ANSWER_BYTES_MAX, CHANGES_ANSWER_COMMITS_MAX, Change, ChangeSet, Changes, Cursor,
};
pub use memory::Memory;
pub use record::{RECORD_BYTES_MAX, RECORDS_ANSWER_MAX, Record};
pub use row::{
    AccountId, AccountRows, Head, ROW_BYTES_MAX, ROW_ID_BYTES_MAX, Revision, Row, RowKey, RowRef,
    SEAL_BYTES_MAX,
};
pub use sqlite::Sqlite;
pub use store::{Answer, FactVisitor, Identity, RowVisitor, Store};
