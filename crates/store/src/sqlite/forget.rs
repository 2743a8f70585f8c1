//! Forgetting what nobody needs any more.

use rusqlite::Connection;

use crate::{AccountId, StoreError};

/// Forgets records up to a number; the last one always stays, since it holds the place of the log.
pub(super) fn records(
    connection: &Connection,
    account: AccountId,
    up_to: u64,
) -> Result<(), StoreError> {
    let mut forget = connection.prepare_cached(
        "DELETE FROM records WHERE account = ?1 AND number <= ?2 AND number < \
         (SELECT max(number) FROM records WHERE account = ?1)",
    )?;
    let up_to = i64::try_from(up_to).unwrap_or(i64::MAX);
    forget.execute((account.0.cast_signed(), up_to))?;
    Ok(())
}

/// Forgets facts of things that are no more.
pub(super) fn facts(
    connection: &Connection,
    keys: &[(AccountId, Box<str>)],
) -> Result<(), StoreError> {
    let mut forget =
        connection.prepare_cached("DELETE FROM facts WHERE account = ?1 AND key = ?2")?;
    for (account, key) in keys {
        forget.execute((account.0.cast_signed(), &**key))?;
    }
    Ok(())
}
