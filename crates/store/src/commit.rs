//! What a commit asks for and what it answers.

use std::collections::HashSet;

use crate::{
    AccountId, Cursor, ROW_BYTES_MAX, ROW_ID_BYTES_MAX, Revision, Row, RowKey, StoreError,
};

/// Most accounts in one commit.
pub const ACCOUNTS_PER_COMMIT_MAX: usize = 64;

/// Most rows put or removed by one commit, over all its accounts.
pub const COMMIT_ROWS_MAX: usize = 100_000;

/// Most bytes put by one commit, over all its accounts.
pub const COMMIT_BYTES_MAX: usize = 128 * 1024 * 1024;

/// The change of one account, good only if the account is still at `expected`.
///
/// A commit without puts and removes is a commit like any other: the revision goes up by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountCommit {
    /// Whose rows change.
    pub account: AccountId,
    /// The revision that the change was planned on; [`Revision::ABSENT`] creates the account.
    pub expected: Revision,
    /// Rows to insert or replace.
    pub puts: Vec<Row>,
    /// Rows to remove; removing one that is not there is no error.
    pub removes: Vec<RowKey>,
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
    for commit in list {
        if !accounts.insert(commit.account) {
            return invalid(format!("account {} is named twice in one commit", commit.account));
        }
        rows = rows.saturating_add(commit.puts.len()).saturating_add(commit.removes.len());
        bytes = commit.puts.iter().fold(bytes, |sum, row| sum.saturating_add(row.bytes.len()));
        check_keys(commit)?;
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

fn invalid(reason: String) -> Result<(), StoreError> {
    Err(StoreError::Invalid { reason })
}
