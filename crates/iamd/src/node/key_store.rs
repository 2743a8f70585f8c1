//! The stored keys: the rows of a pseudo-account under the master key.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::record::RecordKey;
use iamd_store::{
    AccountCommit, AccountRows, CommitError, Head, Revision, Row, RowKey, RowRef, RowVisitor,
    Store, StoreError,
};

use super::load::store_fault;
use crate::fault::Fault;
use crate::keys::{Entry, KeyRow, Keyring, Ledger, SealingKey, Step, key_version};

/// The keys of a store, made if the store is empty, and the revision that they are of.
///
/// # Errors
/// [`Fault::Folder`] when the master key is another one; [`Fault::Damaged`] when a key was altered
/// or is gone; [`Fault::Unavailable`].
pub(super) async fn open(
    store: &dyn Store,
    master: &Arc<SealingKey>,
    now: i64,
) -> Result<(Keyring, Revision), Fault> {
    let mut read = read(store).await?;
    if read.head == Head::ABSENT {
        refuse_data_without_keys(store).await?;
        make(store, master, now).await?;
        read = self::read(store).await?;
    }
    let keys = proven(master, &read)?;
    Ok((Keyring::new(Arc::clone(master), &keys.rows)?, read.head.revision))
}

/// The stored keys, as of one revision.
pub(super) struct StoredKeys {
    pub(super) rows: Vec<KeyRow>,
    /// Their ledger.
    pub(super) ledger: Ledger,
}

impl StoredKeys {
    /// The keys after a commit that is durable.
    pub(super) fn after(self, step: Step, puts: Vec<KeyRow>, removes: &[RecordKey]) -> StoredKeys {
        let StoredKeys { rows, mut ledger } = self;
        ledger.take(step);
        let mut by_key: BTreeMap<(u16, String), KeyRow> = BTreeMap::new();
        for row in rows.into_iter().chain(puts) {
            let RecordKey { kind, id } = row.key();
            by_key.insert((kind, id), row);
        }
        for RecordKey { kind, id } in removes {
            by_key.remove(&(*kind, id.clone()));
        }
        StoredKeys { rows: by_key.into_values().collect(), ledger }
    }
}

/// The rows of the pseudo-account.
pub(super) async fn read(store: &dyn Store) -> Result<AccountRows, Fault> {
    store.read_account(account()).await.map_err(store_fault)
}

pub(super) fn account() -> iamd_store::AccountId {
    iamd_store::AccountId(AccountId::KEYS.number())
}

/// The keys in rows.
///
/// # Errors
/// [`Fault::Folder`] when the master key is another one; [`Fault::Damaged`].
pub(super) fn proven(master: &SealingKey, read: &AccountRows) -> Result<StoredKeys, Fault> {
    let mut ledger = Ledger::new(master);
    let mut rows = Vec::new();
    let mut unopened = Vec::new();
    for row in &read.rows {
        let key = RecordKey { kind: row.key.kind, id: row.key.id.to_string() };
        match master.open_row(AccountId::KEYS, &key, &row.bytes) {
            Some(opened) => {
                ledger.add(master, AccountId::KEYS, &key, opened.version);
                rows.push(KeyRow::from_bytes(&key, &opened.content)?);
            }
            None => unopened.push(key),
        }
    }
    if rows.is_empty() {
        return Err(another_master(master, read));
    }
    if let Some(key) = unopened.first() {
        return Err(Fault::Damaged(format!(
            "stored key {}/{} was altered; restore a backup",
            key.kind, key.id
        )));
    }
    ledger.finish(read.head.revision);
    ledger.fits(master, AccountId::KEYS, &read.head.seal).map_err(|_| {
        Fault::Damaged(
            "the stored keys are not all that were written, or older ones; restore a backup"
                .to_owned(),
        )
    })?;
    Ok(StoredKeys { rows, ledger })
}

fn another_master(master: &SealingKey, read: &AccountRows) -> Fault {
    let needed = read.rows.first().and_then(|row| key_version(&row.bytes)).unwrap_or_default();
    Fault::Folder(format!(
        "the master key is not the one that this data was written with: that has the fingerprint {needed:08x}, and this one {:08x}; put the right one back; nothing was changed",
        master.version()
    ))
}

/// Makes the first keys; another node that is faster is as good.
async fn make(store: &dyn Store, master: &SealingKey, now: i64) -> Result<(), Fault> {
    let first = commit(master, &Ledger::new(master), &KeyRow::first(now)?, &[])?;
    match store.commit(vec![first.commit]).await {
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(CommitError::Store(error)) => Err(store_fault(error)),
    }
}

/// A commit of stored keys, and what their ledger takes in once it is durable.
pub(super) struct Prepared {
    pub(super) commit: AccountCommit,
    pub(super) step: Step,
}

/// The commit that puts keys and removes others.
///
/// # Errors
/// [`Fault`] without entropy.
pub(super) fn commit(
    master: &SealingKey,
    ledger: &Ledger,
    puts: &[KeyRow],
    removes: &[RecordKey],
) -> Result<Prepared, Fault> {
    let revision = ledger.revision().next();
    let mut commit = AccountCommit::new(account(), ledger.revision());
    let put_keys: Vec<RecordKey> = puts.iter().map(KeyRow::key).collect();
    for (row, key) in puts.iter().zip(&put_keys) {
        let sealed = master.seal_row(AccountId::KEYS, key, revision, row.to_bytes()?)?;
        commit.puts.push(Row::new(RowKey::new(key.kind, key.id.as_str()), sealed));
    }
    commit.removes = removes.iter().map(|key| RowKey::new(key.kind, key.id.as_str())).collect();
    let put = put_keys.iter().map(|key| Entry { key, is_removed: false });
    let removed = removes.iter().map(|key| Entry { key, is_removed: true });
    let entries = put.chain(removed);
    let log = ledger.log().clone();
    let mut step = ledger.step(master, AccountId::KEYS, entries, log)?;
    commit.seal = std::mem::take(&mut step.seal);
    Ok(Prepared { commit, step })
}

async fn refuse_data_without_keys(store: &dyn Store) -> Result<(), Fault> {
    let mut any = Any(false);
    match store.load_all(&mut any).await {
        Ok(_) | Err(StoreError::Stopped) => {}
        Err(error) => return Err(store_fault(error)),
    }
    if any.0 {
        return Err(Fault::Damaged(
            "there are accounts and no keys to open them with; restore a backup (data from before the first release cannot be read any more)".to_owned(),
        ));
    }
    Ok(())
}

/// Whether there is any account.
struct Any(bool);

impl RowVisitor for Any {
    fn account(&mut self, _: iamd_store::AccountId, _: Head) -> ControlFlow<()> {
        self.0 = true;
        ControlFlow::Break(())
    }

    fn row(&mut self, _: RowRef<'_>) -> ControlFlow<()> {
        ControlFlow::Break(())
    }
}
