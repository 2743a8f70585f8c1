//! Imports: what another store held, put as it was. Nothing of it is told in the feed.

use rusqlite::Connection;

use super::checksum::{self, Digest, Standing};
use super::reader;
use crate::{AccountId, Fact, Head, Imported, Record, Row, StoreError, copy};

/// Puts a list; the caller makes it whole or nothing.
pub(super) fn put(connection: &Connection, list: &[Imported]) -> Result<(), StoreError> {
    let mut open: Option<(AccountId, Standing)> = None;
    for thing in list {
        let fits = match thing {
            Imported::Account { account, head } => {
                finish(connection, open.take())?;
                open = begin(connection, *account, head)?;
                open.is_some()
            }
            Imported::Row { account, row } => match standing(connection, &mut open, *account)? {
                Some(standing) => put_row(connection, *account, row, &mut standing.digest)?,
                None => false,
            },
            Imported::Record { account, record } => {
                match standing(connection, &mut open, *account)? {
                    Some(standing) => put_record(connection, *account, record, standing)?,
                    None => false,
                }
            }
            Imported::Fact(fact) => put_fact(connection, fact)?,
            Imported::Claim { key, expiry } => {
                let mut insert = connection
                    .prepare_cached("INSERT OR IGNORE INTO claims (key, expiry) VALUES (?1, ?2)")?;
                insert.execute((key.as_bytes(), expiry))? == 1
            }
        };
        if !fits {
            return Err(copy::misplaced(thing));
        }
    }
    finish(connection, open)
}

/// A new account; none if it is there.
fn begin(
    connection: &Connection,
    account: AccountId,
    head: &Head,
) -> Result<Option<(AccountId, Standing)>, StoreError> {
    let is_new = reader::standing(connection, account)?.is_none();
    let standing = Standing { head: head.clone(), digest: Digest::default(), records: 0 };
    Ok(is_new.then_some((account, standing)))
}

/// What an account says of itself so far; none if it is not there.
fn standing<'open>(
    connection: &Connection,
    open: &'open mut Option<(AccountId, Standing)>,
    account: AccountId,
) -> Result<Option<&'open mut Standing>, StoreError> {
    if open.as_ref().is_none_or(|(known, _)| *known != account) {
        finish(connection, open.take())?;
        *open = reader::standing(connection, account)?.map(|standing| (account, standing));
    }
    Ok(open.as_mut().map(|(_, standing)| standing))
}

fn put_row(
    connection: &Connection,
    account: AccountId,
    row: &Row,
    digest: &mut Digest,
) -> Result<bool, StoreError> {
    let checksum = checksum::of_row(account, row.key.kind, &row.key.id, &row.bytes);
    digest.add(checksum);
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO rows (account, kind, id, checksum, bytes) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let number = account.0.cast_signed();
    let put = insert.execute((number, row.key.kind, &*row.key.id, checksum, &row.bytes))?;
    Ok(put == 1)
}

fn put_record(
    connection: &Connection,
    account: AccountId,
    Record { number, bytes }: &Record,
    standing: &mut Standing,
) -> Result<bool, StoreError> {
    // Records that were forgotten leave a gap in front, and only there.
    let is_next = match standing.records {
        0 => *number > 0,
        newest => newest.saturating_add(1) == *number,
    };
    if !is_next || i64::try_from(*number).is_err() {
        return Ok(false);
    }
    standing.records = *number;
    let checksum = checksum::of_record(account, *number, bytes);
    let mut insert = connection.prepare_cached(
        "INSERT INTO records (account, number, checksum, bytes) VALUES (?1, ?2, ?3, ?4)",
    )?;
    insert.execute((account.0.cast_signed(), number.cast_signed(), checksum, bytes))?;
    Ok(true)
}

fn put_fact(connection: &Connection, fact: &Fact) -> Result<bool, StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO facts (account, key, at, checksum, bytes) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let checksum = checksum::of_fact(fact.account, &fact.key, fact.at, &fact.bytes);
    let account = fact.account.0.cast_signed();
    Ok(insert.execute((account, &*fact.key, fact.at, checksum, &fact.bytes))? == 1)
}

/// Writes what an account says of itself.
fn finish(connection: &Connection, open: Option<(AccountId, Standing)>) -> Result<(), StoreError> {
    let Some((account, standing)) = open else { return Ok(()) };
    write_standing(connection, account, &standing)
}

/// Puts what an account says of itself in the place of what it said before.
pub(super) fn write_standing(
    connection: &Connection,
    account: AccountId,
    standing: &Standing,
) -> Result<(), StoreError> {
    let checksum = checksum::of_account(account, standing);
    let Standing { head, digest, records } = standing;
    let mut write = connection.prepare_cached(
        "INSERT OR REPLACE INTO accounts \
         (account, revision, row_count, row_sum, record_count, seal, checksum) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let (account, revision) = (account.0.cast_signed(), head.revision.0.cast_signed());
    let (rows, sum) = (digest.rows.cast_signed(), digest.sum.cast_signed());
    write.execute((account, revision, rows, sum, records.cast_signed(), &head.seal, checksum))?;
    Ok(())
}
