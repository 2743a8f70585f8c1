//! Restoring a backup into an empty data folder: whole, or nothing.

use std::cell::OnceCell;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use iamd_core::quota::Quotas;
use iamd_store::{ClaimKey, Fact, Head, Imported, Record, Revision, Row, RowKey, Sqlite, Store};
use tokio::runtime::Handle;

use super::check::{Check, Findings, Walk};
use super::format::{INITIALIZED_FILE, Item};
use super::place::Place;
use super::read::Reader;
use crate::clock::Clock;
use crate::fault::Fault;
use crate::keys::SealingKey;
use crate::node::{self, Node, store_fault};
use crate::operator::Progress;

/// What goes into one transaction, in bytes and things.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
const BATCH_THINGS: usize = 4096;

/// Restores a backup. What was given out as a session before is refused afterwards; access keys and
/// passwords are as they were.
///
/// # Errors
/// [`Fault::Refused`] or [`Fault::Damaged`] when the backup is not what was written, is newer, or is
/// under another master key; [`Fault::Folder`] when the folder is not empty. Nothing is left in
/// the folder then.
pub async fn restore(
    input: Box<dyn BufRead + Send>,
    length: Option<u64>,
    master: Arc<SealingKey>,
    folder: &Path,
    progress: &Progress,
) -> Result<Findings, Fault> {
    let (folder, progress) = (folder.to_owned(), progress.clone());
    let runtime = Handle::current();
    // On a thread of its own, which may wait for the input.
    let work = move || {
        let reader = Reader::new(input, &master)?;
        let place = Place::take(&folder)?;
        let walk = Walk { length, progress: &progress, items: 0 };
        match runtime.block_on(filled(&place, reader, master, walk)) {
            Ok(findings) => place.complete().map(|()| findings),
            Err(fault) => {
                place.abandon();
                Err(fault)
            }
        }
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Fault::Bug("a restore ended before it was done".to_owned()))?
}

/// The same into any store, by a clock of its own and on this thread: for simulations.
///
/// # Errors
/// As [`restore`].
#[cfg(test)]
pub async fn restore_into(
    store: &Arc<dyn Store>,
    input: Box<dyn BufRead + Send>,
    (master, now): (&Arc<SealingKey>, i64),
    folder: &Path,
) -> Result<Findings, Fault> {
    let (progress, _steps) = Progress::channel();
    let reader = Reader::new(input, master)?;
    let place = Place::take(folder)?;
    let walk = Walk { length: None, progress: &progress, items: 0 };
    let (findings, _) = imported(&place, store, reader, (master, now), walk).await?;
    place.complete()?;
    Ok(findings)
}

async fn filled(
    place: &Place,
    reader: Reader,
    master: Arc<SealingKey>,
    walk: Walk<'_>,
) -> Result<Findings, Fault> {
    let store = Sqlite::open(place.folder()).map_err(|error| Fault::Folder(error.to_string()))?;
    let store: Arc<dyn Store> = Arc::new(store);
    let now = Clock::default().now().seconds();
    let outcome = imported(place, &store, reader, (&master, now), walk).await;
    let closed = store.close().await.map_err(store_fault);
    let (findings, initialized) = outcome?;
    closed?;
    // Last: a folder without this file is not served in production.
    if let Some(text) = initialized {
        place.put(INITIALIZED_FILE, &text)?;
    }
    Ok(findings)
}

/// Puts everything but the mark of a production server, which is given back.
async fn imported(
    place: &Place,
    store: &Arc<dyn Store>,
    mut reader: Reader,
    (master, now): (&Arc<SealingKey>, i64),
    mut walk: Walk<'_>,
) -> Result<(Findings, Option<Vec<u8>>), Fault> {
    let keyring = OnceCell::new();
    let mut check = Check::new(Arc::clone(master), &keyring);
    let mut batch = Batch::default();
    let mut initialized = None;
    loop {
        let item = reader.next()?;
        check.take(&item)?;
        match &item {
            Item::File { name, bytes } if *name == INITIALIZED_FILE => {
                initialized = Some(bytes.to_vec());
            }
            Item::File { name, bytes } => place.put(name, bytes)?,
            Item::End { .. } => break,
            Item::Account { .. }
            | Item::Row { .. }
            | Item::Record { .. }
            | Item::Fact { .. }
            | Item::Claim { .. } => batch.add(&item)?,
        }
        if batch.is_full() {
            store.import(batch.empty()).await.map_err(store_fault)?;
        }
        walk.step(&reader);
    }
    store.import(batch.empty()).await.map_err(store_fault)?;
    let findings = check.findings(&reader)?;
    node::end_sessions(&**store, master, now).await?;
    // The proof of what stands on the disk now: it opens as it will for `iamd serve`.
    Node::open(Arc::clone(store), Arc::clone(master), Quotas::default()).await?;
    Ok((findings, initialized))
}

/// What waits for its transaction.
#[derive(Default)]
struct Batch {
    things: Vec<Imported>,
    bytes: usize,
    /// The account that rows and records belong to.
    account: Option<iamd_store::AccountId>,
}

impl Batch {
    fn add(&mut self, item: &Item<'_>) -> Result<(), Fault> {
        self.bytes += length(item);
        let thing = self.imported(item).ok_or_else(|| {
            Fault::Damaged("the backup has something that no store can hold".to_owned())
        })?;
        self.things.push(thing);
        Ok(())
    }

    fn imported(&mut self, item: &Item<'_>) -> Option<Imported> {
        Some(match *item {
            Item::Account { account, revision, seal } => {
                let account = iamd_store::AccountId(account);
                self.account = Some(account);
                let head = Head { revision: Revision(revision), seal: seal.to_vec() };
                Imported::Account { account, head }
            }
            Item::Row { kind, id, bytes } => Imported::Row {
                account: self.account?,
                row: Row::new(RowKey::new(kind, id), bytes),
            },
            Item::Record { number, bytes } => {
                let record = Record { number, bytes: bytes.to_vec() };
                Imported::Record { account: self.account?, record }
            }
            Item::Fact { account, key, at, bytes } => {
                let account = iamd_store::AccountId(account);
                Imported::Fact(Fact { account, key: key.into(), at, bytes: bytes.to_vec() })
            }
            Item::Claim { key, expiry } => {
                Imported::Claim { key: ClaimKey::new(key).ok()?, expiry }
            }
            Item::File { .. } | Item::End { .. } => return None,
        })
    }

    fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.things.len() >= BATCH_THINGS
    }

    fn empty(&mut self) -> Vec<Imported> {
        self.bytes = 0;
        std::mem::take(&mut self.things)
    }
}

fn length(item: &Item<'_>) -> usize {
    match item {
        Item::Account { seal: bytes, .. }
        | Item::Row { bytes, .. }
        | Item::Record { bytes, .. }
        | Item::Fact { bytes, .. }
        | Item::Claim { key: bytes, .. }
        | Item::File { bytes, .. } => bytes.len(),
        Item::End { .. } => 0,
    }
}
