//! What a commit asks for and what it answers.

use std::collections::HashSet;
use std::fmt;

use crate::{
    AccountId, Cursor, RECORD_BYTES_MAX, ROW_BYTES_MAX, ROW_ID_BYTES_MAX, Revision, Row, RowKey,
    SEAL_BYTES_MAX, StoreError,
};

/// Most accounts in one commit.
pub const ACCOUNTS_PER_COMMIT_MAX: usize = 64;

/// Most rows put or removed by one commit, over all its accounts.
pub const COMMIT_ROWS_MAX: usize = 100_000;

/// Most records appended by one commit, over all its accounts.
pub const COMMIT_RECORDS_MAX: usize = 10_000;

/// Most bytes put and appended by one commit, over all its accounts.
pub const COMMIT_BYTES_MAX: usize = 128 * 1024 * 1024;

/// The change of one account, good only if the account is still at `expected`.
///
/// A commit without puts and removes is a commit like any other: the revision goes up by one.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountCommit {
    /// Whose rows change.
    pub account: AccountId,
    /// The revision that the change was planned on; [`Revision::ABSENT`] creates the account.
    pub expected: Revision,
    /// Rows to insert or replace.
    pub puts: Vec<Row>,
    /// Rows to remove; removing one that is not there is no error.
    pub removes: Vec<RowKey>,
    /// What the layer above says of the whole account as it then is, in place of what it said
    /// before; at most [`SEAL_BYTES_MAX`] bytes.
    pub seal: Vec<u8>,
    /// Records to append to the account's log, each at most [`RECORD_BYTES_MAX`] bytes.
    pub records: Vec<Vec<u8>>,
}

impl AccountCommit {
    /// A commit that changes nothing but the revision and the seal.
    pub fn new(account: AccountId, expected: Revision) -> Self {
        let (puts, removes) = (Vec::new(), Vec::new());
        Self { account, expected, puts, removes, seal: Vec::new(), records: Vec::new() }
    }
}

/// As for [`Row`]: contents are not printed.
impl fmt::Debug for AccountCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountCommit")
            .field("account", &self.account)
            .field("expected", &self.expected)
            .field("puts", &self.puts)
            .field("removes", &self.removes)
            .field("records", &self.records.len())
            .finish_non_exhaustive()
    }
}

/// A commit that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Where the change feed stands with this commit included.
    pub cursor: Cursor,
    /// The new revision of every account of the list, in the order of the list.
    pub revisions: Vec<(AccountId, Revision)>,
}

/// Checks what every engine asks of a list before it looks at a revision.
pub(crate) fn check(list: &[AccountCommit]) -> Result<(), StoreError> {
    if list.is_empty() || list.len() > ACCOUNTS_PER_COMMIT_MAX {
        return invalid(format!(
            "a commit names 1 to {ACCOUNTS_PER_COMMIT_MAX} accounts, not {}",
            list.len()
        ));
    }
    let mut accounts = HashSet::with_capacity(list.len());
    let mut rows = 0_usize;
    let mut bytes = 0_usize;
    let mut records = 0_usize;
    for commit in list {
        if !accounts.insert(commit.account) {
            return invalid(format!("account {} is named twice in one commit", commit.account));
        }
        rows = rows.saturating_add(commit.puts.len()).saturating_add(commit.removes.len());
        bytes = commit.puts.iter().fold(bytes, |sum, row| sum.saturating_add(row.bytes.len()));
        records = records.saturating_add(commit.records.len());
        bytes = commit.records.iter().fold(bytes, |sum, record| sum.saturating_add(record.len()));
        check_keys(commit)?;
        check_seal_and_records(commit)?;
    }
    if records > COMMIT_RECORDS_MAX {
        return invalid(format!(
            "a commit appends at most {COMMIT_RECORDS_MAX} records, not {records}"
        ));
    }
    if rows > COMMIT_ROWS_MAX || bytes > COMMIT_BYTES_MAX {
        return invalid(format!(
            "a commit changes at most {COMMIT_ROWS_MAX} rows and {COMMIT_BYTES_MAX} bytes, \
             not {rows} rows and {bytes} bytes"
        ));
    }
    Ok(())
}

fn check_keys(commit: &AccountCommit) -> Result<(), StoreError> {
    let keys = commit.puts.iter().map(|row| &row.key).chain(&commit.removes);
    let mut seen = HashSet::with_capacity(commit.puts.len() + commit.removes.len());
    for key in keys {
        if key.id.len() > ROW_ID_BYTES_MAX {
            return invalid(format!(
                "a row id has at most {ROW_ID_BYTES_MAX} bytes, not {}",
                key.id.len()
            ));
        }
        if !seen.insert(key) {
            return invalid(format!("row {}/`{}` is named twice in one commit", key.kind, key.id));
        }
    }
    match commit.puts.iter().find(|row| row.bytes.len() > ROW_BYTES_MAX) {
        Some(row) => invalid(format!(
            "a row has at most {ROW_BYTES_MAX} bytes, {}/`{}` has {}",
            row.key.kind,
            row.key.id,
            row.bytes.len()
        )),
        None => Ok(()),
    }
}

fn check_seal_and_records(commit: &AccountCommit) -> Result<(), StoreError> {
    if commit.seal.len() > SEAL_BYTES_MAX {
        return invalid(format!(
            "a seal has at most {SEAL_BYTES_MAX} bytes, not {}",
            commit.seal.len()
        ));
    }
    match commit.records.iter().find(|record| record.len() > RECORD_BYTES_MAX) {
        Some(record) => {
            invalid(format!("a record has at most {RECORD_BYTES_MAX} bytes, not {}", record.len()))
        }
        None => Ok(()),
    }
}

fn invalid(reason: String) -> Result<(), StoreError> {
    Err(StoreError::Invalid { reason })
}
