//! A store that was restored begins a new life: sessions of the one before have no key in it.

use iamd_core::account_id::AccountId;
use iamd_core::record::RecordKey;
use iamd_store::{AccountCommit, CommitError, Row, RowKey, Store};

use super::key_store::{self, StoredKeys};
use super::load::store_fault;
use crate::fault::Fault;
use crate::keys::{Entry, KeyRow, SealingKey, SessionKey};

/// Puts a fresh session key in the place of all that are there.
///
/// # Errors
/// [`Fault::Damaged`] when the stored keys are not those that were written; [`Fault::Unavailable`].
pub async fn end_sessions(store: &dyn Store, master: &SealingKey, now: i64) -> Result<(), Fault> {
    let read = key_store::read(store).await?;
    let StoredKeys { rows, ledger } = key_store::proven(master, &read)?;
    let ended: Vec<&SessionKey> = rows.iter().filter_map(session).collect();
    // Tokens carry the number: one that was never given out is no key of any token.
    let newest = ended.iter().map(|key| key.id).max().unwrap_or_default();
    let id = newest
        .checked_add(1)
        .ok_or_else(|| Fault::Damaged("there are no more numbers for session keys".to_owned()))?;
    let fresh = KeyRow::Session(SessionKey::fresh(id, now, i64::MIN)?);

    let mut commit = AccountCommit::new(key_store::account(), read.head.revision);
    let key = fresh.key();
    let sealed =
        master.seal_row(AccountId::KEYS, &key, read.head.revision.next(), fresh.to_bytes()?)?;
    commit.puts.push(Row::new(RowKey::new(key.kind, key.id.as_str()), sealed));
    let gone: Vec<RecordKey> =
        rows.iter().filter(|row| session(row).is_some()).map(KeyRow::key).collect();
    commit.removes = gone.iter().map(|key| RowKey::new(key.kind, key.id.as_str())).collect();
    let removed = gone.iter().map(|key| Entry { key, is_removed: true });
    let put = std::iter::once(Entry { key: &key, is_removed: false });
    let log = ledger.log().clone();
    commit.seal = ledger.step(master, AccountId::KEYS, put.chain(removed), log)?.seal;
    match store.commit(vec![commit]).await {
        Ok(_) => Ok(()),
        Err(CommitError::Conflict { .. }) => {
            Err(Fault::Unavailable("somebody else writes into this store".to_owned()))
        }
        Err(CommitError::Store(error)) => Err(store_fault(error)),
    }
}

fn session(row: &KeyRow) -> Option<&SessionKey> {
    match row {
        KeyRow::Session(key) => Some(key),
        KeyRow::Data(_) | KeyRow::Marker(_) => None,
    }
}
