//! Bringing a file of an older layout to ours: one step a version, each whole or not at all.
//!
//! A step and the mark of its new version are one transaction, so that a migration that was cut off
//! goes on where it stood, and whoever opens the file sees one layout or the other.

use rusqlite::{Connection, Transaction};

use super::checksum::{self, Digest, Standing};
use super::schema::{self, TABLES};
use crate::{AccountId, Head, Revision};

/// Leads from one version to the next.
type Step = fn(&Transaction<'_>) -> rusqlite::Result<()>;

/// The steps, by the version that they start from.
const STEPS: [(u32, Step); 2] = [(1, add_seals_and_records), (2, index_records)];

/// Brings a file to our layout.
pub(super) fn migrate(connection: &mut Connection, from: u32) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    for (start, step) in STEPS.iter().filter(|(start, _)| *start >= from) {
        let transaction = connection.transaction()?;
        step(&transaction)?;
        // Numbers of the feed begin anew: whoever follows it loads again.
        transaction.execute("DELETE FROM changes", [])?;
        transaction.execute("UPDATE meta SET value = random() WHERE name = 'incarnation'", [])?;
        transaction.pragma_update(None, "user_version", start + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Whether there is a way from a version to ours.
pub(super) fn leads_from(version: u32) -> bool {
    version == schema::VERSION || STEPS.iter().any(|(start, _)| *start == version)
}

/// 1 to 2: accounts have a seal, and a log of records.
fn add_seals_and_records(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut statement =
        transaction.prepare("SELECT account, revision, row_count, row_sum FROM accounts")?;
    let accounts = statement.query_map([], |row| {
        let number = |index| row.get::<_, i64>(index).map(i64::cast_unsigned);
        let head = Head { revision: Revision(number(1)?), seal: Vec::new() };
        let digest = Digest { rows: number(2)?, sum: number(3)? };
        Ok((AccountId(number(0)?), Standing { head, digest, records: 0 }))
    })?;
    let accounts: Vec<(AccountId, Standing)> = accounts.collect::<rusqlite::Result<_>>()?;
    transaction.execute_batch("DROP TABLE accounts")?;
    create(transaction, &["accounts"])?;
    transaction.execute_batch(
        "CREATE TABLE records (account INTEGER NOT NULL, number INTEGER NOT NULL, \
         checksum INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (account, number)) \
         STRICT, WITHOUT ROWID",
    )?;
    let mut insert =
        transaction.prepare("INSERT INTO accounts VALUES (?1, ?2, ?3, ?4, 0, x'', ?5)")?;
    for (account, standing) in accounts {
        let checksum = checksum::of_account(account, &standing);
        let Standing { head, digest, .. } = standing;
        let numbers = [account.0, head.revision.0, digest.rows, digest.sum].map(u64::cast_signed);
        let [account, revision, rows, sum] = numbers;
        insert.execute((account, revision, rows, sum, checksum))?;
    }
    Ok(())
}

/// 2 to 3: the records stand in the order in which they come, beside an index.
fn index_records(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch("ALTER TABLE records RENAME TO older")?;
    create(transaction, &["records"])?;
    transaction.execute_batch(
        "INSERT INTO records (account, number, checksum, bytes) \
         SELECT account, number, checksum, bytes FROM older ORDER BY account, number; \
         DROP TABLE older",
    )?;
    create(transaction, &["records_by_number"])
}

/// Creates tables as they are today.
fn create(transaction: &Transaction<'_>, names: &[&str]) -> rusqlite::Result<()> {
    for (_, definition) in TABLES.iter().filter(|(name, _)| names.contains(name)) {
        transaction.execute_batch(definition)?;
    }
    Ok(())
}
