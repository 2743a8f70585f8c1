//! Everything that only reads: one thread for short questions, one for each load.

use std::path::Path;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Transaction};
use tokio::sync::{mpsc, oneshot};

use super::{
    Shared, change_log,
    checksum::{self, Digest, Standing},
    fault::damaged,
    schema,
};
use crate::{
    AccountId, AccountRows, CHANGES_ANSWER_BYTES_MAX, CHANGES_ANSWER_COMMITS_MAX, ChangeSet,
    Changes, Cursor, Head, RECORDS_ANSWER_MAX, Record, Revision, RowRef, StoreError,
};

/// A short question.
pub(super) enum Question {
    Account {
        account: AccountId,
        answer: oneshot::Sender<Result<AccountRows, StoreError>>,
    },
    Records {
        account: AccountId,
        after: u64,
        most: usize,
        answer: oneshot::Sender<Result<Vec<Record>, StoreError>>,
    },
    Changes {
        after: Cursor,
        answer: oneshot::Sender<Result<Changes, StoreError>>,
    },
    Close {
        answer: oneshot::Sender<()>,
    },
}

/// Answers questions until it is told to close or nobody can ask any more.
pub(super) fn run(shared: &Shared, mut questions: mpsc::Receiver<Question>) {
    let mut connection = None;
    let mut closers = Vec::new();
    while let Some(question) = questions.blocking_recv() {
        // Whoever no longer waits for an answer needs none.
        match question {
            Question::Account { account, answer } => {
                let read = |held: &Transaction<'_>| read_account(held, account);
                let _ = answer.send(ask(shared, &mut connection, read));
            }
            Question::Records { account, after, most, answer } => {
                let read = |held: &Transaction<'_>| read_records(held, account, after, most);
                let _ = answer.send(ask(shared, &mut connection, read));
            }
            Question::Changes { after, answer } => {
                let read = |held: &Transaction<'_>| read_changes(held, shared.incarnation, after);
                let _ = answer.send(ask(shared, &mut connection, read));
            }
            Question::Close { answer } => {
                questions.close();
                closers.push(answer);
            }
        }
    }
    drop(connection);
    for answer in closers {
        let _ = answer.send(());
    }
}

/// Opens a connection that cannot write.
pub(super) fn connect(file: &Path) -> Result<Connection, StoreError> {
    let connection = schema::connect(file)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Reads as of one moment. After an error the connection is made anew next time.
fn ask<T>(
    shared: &Shared,
    connection: &mut Option<Connection>,
    read: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    shared.health.check()?;
    let answer = || {
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(connect(&shared.file)?),
        };
        read(&connection.transaction()?)
    };
    answer().map_err(|error| {
        *connection = None;
        shared.health.note(error)
    })
}

fn read_account(held: &Transaction<'_>, account: AccountId) -> Result<AccountRows, StoreError> {
    let standing = standing(held, account)?.unwrap_or_default();
    let mut statement = held.prepare_cached(
        "SELECT kind, id, checksum, bytes FROM rows WHERE account = ?1 ORDER BY kind, id",
    )?;
    let mut found = statement.query([account.0.cast_signed()])?;
    let mut rows = Vec::new();
    let mut digest = Digest::default();
    while let Some(row) = found.next()? {
        rows.push(checked_row(account, row, 0, &mut digest)?.to_row());
    }
    check_digest(account, digest, standing.digest)?;
    Ok(AccountRows { head: standing.head, rows })
}

/// What an account says of itself; none if it is not there.
pub(super) fn standing(
    connection: &Connection,
    account: AccountId,
) -> Result<Option<Standing>, StoreError> {
    let mut statement: CachedStatement<'_> = connection.prepare_cached(
        "SELECT account, revision, row_count, row_sum, record_count, seal, checksum \
         FROM accounts WHERE account = ?1",
    )?;
    let found = statement.query_row([account.0.cast_signed()], |row| Ok(checked_standing(row)));
    let Some(checked) = found.optional()? else {
        return Ok(None);
    };
    checked.map(|(_, standing)| Some(standing))
}

/// Reads and verifies a line of `accounts`.
pub(super) fn checked_standing(
    row: &rusqlite::Row<'_>,
) -> Result<(AccountId, Standing), StoreError> {
    let number = |index| row.get::<_, i64>(index).map(i64::cast_unsigned);
    let account = AccountId(number(0)?);
    let seal = row.get_ref(5)?.as_blob()?.to_vec();
    let standing = Standing {
        head: Head { revision: Revision(number(1)?), seal },
        digest: Digest { rows: number(2)?, sum: number(3)? },
        records: number(4)?,
    };
    let checksum: u32 = row.get(6)?;
    if checksum != checksum::of_account(account, &standing) {
        return Err(damaged(format!("checksum of account {account}")));
    }
    Ok((account, standing))
}

fn read_records(
    held: &Transaction<'_>,
    account: AccountId,
    after: u64,
    most: usize,
) -> Result<Vec<Record>, StoreError> {
    let mut statement = held.prepare_cached(
        "SELECT number, checksum, bytes FROM records WHERE account = ?1 AND number > ?2 \
         ORDER BY number LIMIT ?3",
    )?;
    let most = i64::try_from(most.min(RECORDS_ANSWER_MAX)).unwrap_or(i64::MAX);
    // Numbers never reach the half that SQLite takes for negative.
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut found = statement.query((account.0.cast_signed(), after, most))?;
    let mut records: Vec<Record> = Vec::new();
    while let Some(row) = found.next()? {
        let number = row.get::<_, i64>(0)?.cast_unsigned();
        let bytes = row.get_ref(2)?.as_blob()?;
        let is_next = records.last().is_none_or(|last| last.number + 1 == number);
        let checksum: u32 = row.get(1)?;
        if !is_next || checksum != checksum::of_record(account, number, bytes) {
            return Err(damaged(format!("record {number} of account {account}")));
        }
        records.push(Record { number, bytes: bytes.to_vec() });
    }
    Ok(records)
}

/// Reads and verifies kind, id, checksum and bytes from the column `first` on.
pub(super) fn checked_row<'row>(
    account: AccountId,
    row: &'row rusqlite::Row<'_>,
    first: usize,
    digest: &mut Digest,
) -> Result<RowRef<'row>, StoreError> {
    let kind: u16 = row.get(first)?;
    let id = row.get_ref(first + 1)?.as_str()?;
    let checksum: u32 = row.get(first + 2)?;
    let bytes = row.get_ref(first + 3)?.as_blob()?;
    if checksum != checksum::of_row(account, kind, id, bytes) {
        return Err(damaged(format!("checksum of row {kind}/{id} of account {account}")));
    }
    digest.add(checksum);
    Ok(RowRef { kind, id, bytes })
}

/// Compares the rows that are there with those that should be.
pub(super) fn check_digest(
    account: AccountId,
    found: Digest,
    expected: Digest,
) -> Result<(), StoreError> {
    if found == expected {
        return Ok(());
    }
    Err(damaged(format!(
        "account {account} should have {} rows and has {}, or others than it should",
        expected.rows, found.rows
    )))
}

/// Where the feed stands: the number of the newest commit.
pub(super) fn newest(connection: &Connection) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT max(sequence) FROM changes")?;
    let newest: Option<i64> = statement.query_row([], |row| row.get(0))?;
    Ok(newest.unwrap_or(0).cast_unsigned())
}

fn read_changes(
    held: &Transaction<'_>,
    incarnation: u64,
    after: Cursor,
) -> Result<Changes, StoreError> {
    if after.incarnation != incarnation || after.sequence > newest(held)? {
        return Ok(Changes::Lost);
    }
    let mut statement = held.prepare_cached(
        "SELECT sequence, checksum, payload FROM changes WHERE sequence > ?1 ORDER BY sequence",
    )?;
    let mut found = statement.query([after.sequence.cast_signed()])?;
    let mut sets = Vec::new();
    let mut bytes = 0;
    let mut expected = after.sequence;
    while let Some(row) = found.next()? {
        expected += 1;
        let sequence = row.get::<_, i64>(0)?.cast_unsigned();
        if sequence != expected && sets.is_empty() {
            return Ok(Changes::Lost);
        }
        let payload = row.get_ref(2)?.as_blob()?;
        let checksum: u32 = row.get(1)?;
        if sequence != expected || checksum != checksum::of_change(sequence, payload) {
            return Err(damaged(format!("entry {expected} of the change log")));
        }
        let cursor = Cursor { incarnation, sequence };
        sets.push(ChangeSet { cursor, changes: change_log::unpack(payload)? });
        bytes += payload.len();
        if sets.len() >= CHANGES_ANSWER_COMMITS_MAX || bytes >= CHANGES_ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok(Changes::List(sets))
}
