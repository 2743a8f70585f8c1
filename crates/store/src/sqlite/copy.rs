//! Copies of everything, as of one moment: an account after the other, then what belongs to none.

use rusqlite::{Statement, Transaction};

use super::checksum::{self, Digest, Standing};
use super::fault::damaged;
use super::load::{Out, Thing, scan_facts};
use super::reader::{check_digest, checked_row, checked_standing};
use crate::{AccountId, StoreError};

/// Walks through everything; the account `first` comes before the others.
pub(super) fn scan(
    held: &Transaction<'_>,
    first: AccountId,
    out: &mut Out,
) -> Result<(), StoreError> {
    let select = "SELECT account, revision, row_count, row_sum, record_count, seal, checksum \
                  FROM accounts WHERE account";
    let mut rows = held.prepare(
        "SELECT kind, id, checksum, bytes FROM rows WHERE account = ?1 ORDER BY kind, id",
    )?;
    let mut records = held.prepare(
        "SELECT number, checksum, bytes FROM records WHERE account = ?1 ORDER BY number",
    )?;
    for condition in ["= ?1", "<> ?1 ORDER BY account"] {
        let mut heads = held.prepare(&format!("{select} {condition}"))?;
        let mut heads = heads.query([first.0.cast_signed()])?;
        while let Some(head) = heads.next()? {
            let (account, standing) = checked_standing(head)?;
            let Standing { head, digest, records: newest } = standing;
            let begins = Thing::Account { account, revision: head.revision, seal: head.seal.len() };
            out.push(begins, "", &head.seal)?;
            let found = scan_rows(&mut rows, account, out)?;
            check_digest(account, found, digest)?;
            scan_records(&mut records, account, newest, out)?;
        }
    }
    scan_facts(held, out)?;
    scan_claims(held, out)
}

fn scan_rows(
    rows: &mut Statement<'_>,
    account: AccountId,
    out: &mut Out,
) -> Result<Digest, StoreError> {
    let mut digest = Digest::default();
    let mut rows = rows.query([account.0.cast_signed()])?;
    while let Some(row) = rows.next()? {
        let found = checked_row(account, row, 0, &mut digest)?;
        let thing = Thing::Row { kind: found.kind, id: found.id.len(), bytes: found.bytes.len() };
        out.push(thing, found.id, found.bytes)?;
    }
    Ok(digest)
}

/// The last record must be there: it holds the place of the log.
fn scan_records(
    records: &mut Statement<'_>,
    account: AccountId,
    newest: u64,
    out: &mut Out,
) -> Result<(), StoreError> {
    let mut last = None;
    let mut records = records.query([account.0.cast_signed()])?;
    while let Some(row) = records.next()? {
        let number = row.get::<_, i64>(0)?.cast_unsigned();
        let bytes = row.get_ref(2)?.as_blob()?;
        let is_next = last.is_none_or(|last: u64| last.saturating_add(1) == number);
        if !is_next || row.get::<_, u32>(1)? != checksum::of_record(account, number, bytes) {
            return Err(damaged(format!("record {number} of account {account}")));
        }
        out.push(Thing::Record { number, bytes: bytes.len() }, "", bytes)?;
        last = Some(number);
    }
    if last.unwrap_or(0) != newest {
        return Err(damaged(format!("record {newest} of account {account} is missing")));
    }
    Ok(())
}

fn scan_claims(held: &Transaction<'_>, out: &mut Out) -> Result<(), StoreError> {
    let mut statement = held.prepare("SELECT key, expiry FROM claims ORDER BY key")?;
    let mut claims = statement.query([])?;
    while let Some(row) = claims.next()? {
        let key = row.get_ref(0)?.as_blob()?;
        out.push(Thing::Claim { expiry: row.get(1)?, key: key.len() }, "", key)?;
    }
    Ok(())
}
