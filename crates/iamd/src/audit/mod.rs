//! The audit trail: who asked for what, from where, and what came of it.
//!
//! A write that is carried out commits its record together with its rows, so that neither is there
//! without the other. The records of an account are a chain, and the account's ledger says where it
//! ends (`keys/record_log.rs`). What came of all other requests goes through a bounded ring to a
//! thread of its own, which writes the trail: files of lines, each with a code that covers it and all
//! before it. The records of the store are brought into the same files, each once.

mod end;
mod export;
mod files;
mod line;
mod lookup;
mod outbox;
mod received;
mod ring;
mod shared;
mod show;
mod summary;
mod verify;
mod writer;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use iamd_core::account_id::AccountId;
use iamd_core::audit::{Event, Outcome, record};
use iamd_wire::Timestamp;
use tokio::sync::oneshot;

use end::FileKey;
pub use export::export;
pub use lookup::{Page, Place, Query};
pub use outbox::{Outbox, Outgoing};
pub use received::Received;
pub use ring::Load;
use ring::{Entry, Ring, StoredRecord};
use shared::Shared;
pub use show::{Filter, show};
pub use summary::{Attribute, Facts, Marks};
pub use verify::{Report, verify};
use writer::Writer;

use crate::config::AuditSettings;
use crate::entropy;
use crate::fault::Fault;
use crate::keys::{Keyring, LogHead};

/// The audit trail of a node.
#[derive(Default)]
pub struct Audit {
    is_off: AtomicBool,
    trail: OnceLock<Trail>,
    /// In the place of a trail: where records wait for the node that this one follows.
    outbox: OnceLock<Outbox>,
    /// Where files are that are written, or were once.
    folder: OnceLock<PathBuf>,
}

/// The files of the trail, being written.
struct Trail {
    data: PathBuf,
    shared: Arc<Shared>,
    settings: AuditSettings,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Audit {
    /// Begins to write the trail into a data folder, or goes on where it ends; keeps no records at
    /// all if the settings say so. `logs` is where the logs of the
    /// store stand, by account.
    ///
    /// # Errors
    /// [`Fault::Folder`] when the folder cannot be written.
    pub fn start(
        &self,
        data: &Path,
        settings: &AuditSettings,
        keyring: &Keyring,
        logs: &[(AccountId, LogHead)],
    ) -> Result<(), Fault> {
        let folder = data.join(files::FOLDER);
        self.folder
            .set(folder.clone())
            .map_err(|_| Fault::Bug("the audit trail was started twice".to_owned()))?;
        if !settings.enabled {
            self.is_off.store(true, Ordering::Relaxed);
            return Ok(());
        }
        let failed = |error: std::io::Error| {
            Fault::Folder(format!(
                "the audit trail in {} cannot be written: {error}",
                folder.display()
            ))
        };
        let with = file_key(keyring)?;
        let shared = Arc::new(Shared::new(settings));
        shared.is_news(with.version);
        let keys = |version| trail_key(keyring, version);
        let mut writer =
            Writer::open(folder.clone(), settings.clone(), with, &keys, Arc::clone(&shared))
                .map_err(failed)?;
        let last_of = |account| {
            let place = logs.binary_search_by_key(&account, |(known, _)| known.number());
            place.ok().and_then(|place| logs.get(place)).map_or(0, |(_, log)| log.last)
        };
        writer.compare(last_of).map_err(failed)?;
        let thread = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run())
            .map_err(failed)?;
        let thread = Mutex::new(Some(thread));
        let trail = Trail { data: data.to_owned(), shared, settings: settings.clone(), thread };
        self.trail
            .set(trail)
            .map_err(|_| Fault::Bug("the audit trail was started twice".to_owned()))
    }

    /// Whether records are kept.
    pub fn is_on(&self) -> bool {
        !self.is_off.load(Ordering::Relaxed)
    }

    /// Whether notes are taken: the trail is being written, or somebody else writes it.
    pub fn takes_notes(&self) -> bool {
        self.ring().is_some()
    }

    /// The settings of the trail; none without one.
    pub fn settings(&self) -> Option<AuditSettings> {
        self.trail.get().map(|trail| trail.settings.clone())
    }

    /// From now on records wait for the node that this one follows, as many as the settings say. Those
    /// of the first time stay.
    pub fn start_outbox(&self, settings: &AuditSettings) -> Outbox {
        let ring = || Arc::new(Ring::new(settings.waiting_max as usize, settings.when_full));
        self.outbox.get_or_init(|| Outbox(ring())).clone()
    }

    /// Takes records that another process has made, and how many it has lost.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when there is no place for long.
    pub async fn receive(&self, records: Vec<Received>, lost: u64) -> Result<(), Fault> {
        let Some(ring) = self.ring() else { return Ok(()) };
        ring.count_lost(lost);
        for record in records {
            if let Err(entry) = ring.offer_or_count(Entry::Recorded(record.record)) {
                ring.put(entry).await?;
            }
        }
        Ok(())
    }

    fn ring(&self) -> Option<&Ring> {
        let of_trail = self.trail.get().map(|trail| &trail.shared.ring);
        of_trail.or_else(|| self.outbox.get().map(|outbox| &*outbox.0))
    }

    /// Notes what came of a request that committed nothing, if there is a place for that.
    ///
    /// # Errors
    /// The record, if the request is to wait for a place, with [`Audit::wait`].
    pub fn note(&self, note: &Note<'_>) -> Result<(), Recorded> {
        let Some(ring) = self.ring() else { return Ok(()) };
        let made = match recorded(note.event, note.outcome, note.account, note.time) {
            Ok(made) => made,
            Err(fault) => {
                tracing::error!("an audit record was not made: {fault}");
                ring.count_lost(1);
                return Ok(());
            }
        };
        match ring.offer_or_count(Entry::Recorded(made)) {
            Err(Entry::Recorded(made)) => Err(made),
            Err(_) | Ok(()) => Ok(()),
        }
    }

    /// Puts the record of a note into its place as soon as there is one.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when there is none for long.
    pub async fn wait(&self, record: Recorded) -> Result<(), Fault> {
        match self.ring() {
            Some(ring) => ring.put(Entry::Recorded(record)).await,
            None => Ok(()),
        }
    }

    /// How much waits to be written, and how much was lost; none without a trail.
    pub fn load(&self) -> Option<Load> {
        self.ring().map(Ring::load)
    }

    /// Tells of records that the store has now, from this number on.
    pub fn stored(&self, account: AccountId, first: u64, records: Vec<Recorded>) {
        let Some(trail) = self.trail.get() else { return };
        for (number, Recorded { text, marks }) in (first..).zip(records) {
            let record = StoredRecord { account, number, text, marks: Some(marks) };
            if trail.shared.ring.offer(Entry::Stored(record)).is_err() {
                // They are in the store: they come later.
                trail.shared.fall_behind();
                return;
            }
        }
    }

    /// Takes up the newest data key, if it is news: lines from now on are under it.
    pub fn take_up(&self, keyring: &Keyring) {
        let Some(trail) = self.trail.get() else { return };
        if !trail.shared.is_news(keyring.newest()) {
            return;
        }
        match file_key(keyring) {
            // A key always finds a place.
            Ok(key) => drop(trail.shared.ring.offer(Entry::Rekey(Box::new(key)))),
            Err(fault) => tracing::error!("the audit trail has no new key: {fault}"),
        }
    }

    /// Which of these data keys the lines in the files need; all if the files do not say.
    ///
    /// # Errors
    /// [`Fault::Folder`] when the files cannot be read.
    pub async fn needed(&self, versions: &BTreeSet<u32>) -> Result<BTreeSet<u32>, Fault> {
        let Some(folder) = self.folder.get().cloned() else { return Ok(BTreeSet::new()) };
        let open = self.trail.get().map(|trail| trail.shared.key());
        let read = tokio::task::spawn_blocking(move || files::key_versions(&folder)).await;
        let read = read.map_err(|error| Fault::Bug(error.to_string()))?;
        let needed = read.map_err(|error| {
            Fault::Folder(format!("the files of the audit trail cannot be read: {error}"))
        })?;
        let is_needed = |version: &u32| {
            open == Some(*version) || needed.as_ref().is_none_or(|needed| needed.contains(version))
        };
        Ok(versions.iter().copied().filter(is_needed).collect())
    }

    /// Waits until everything that was noted before is in the files.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when the files cannot be written.
    pub async fn flush(&self) -> Result<(), Fault> {
        let Some(trail) = self.trail.get() else { return Ok(()) };
        if trail.shared.ring.is_closed() {
            // The writer has ended, or is about to with everything that it was told.
            return Ok(());
        }
        let (sender, flushed) = oneshot::channel();
        // A flush always finds a place.
        let _ = trail.shared.ring.offer(Entry::Flush(sender));
        flushed.await.map_err(|_| Fault::Unavailable("the audit trail is not written".to_owned()))
    }

    /// Looks events up, those that were noted before included.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when the files cannot be read, and without a trail.
    pub async fn lookup(&self, query: Query) -> Result<Page, Fault> {
        let Some(trail) = self.trail.get() else {
            return Err(Fault::Unavailable("no audit trail is kept".to_owned()));
        };
        self.flush().await?;
        let data = trail.data.clone();
        let looked_up = tokio::task::spawn_blocking(move || lookup::lookup(&data, &query)).await;
        let failed = |reason: String| Fault::Unavailable(format!("the audit trail: {reason}"));
        let page = looked_up.map_err(|error| failed(error.to_string()))?;
        page.map_err(|error| failed(error.to_string()))
    }

    /// Writes everything that was noted, and ends.
    pub async fn close(&self) {
        let Some(trail) = self.trail.get() else { return };
        trail.shared.ring.close();
        let thread = trail.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the audit trail was not written to its end");
            }
        }
    }
}

/// The key of the codes of new lines.
fn file_key(keyring: &Keyring) -> Result<FileKey, Fault> {
    let sealing = keyring.sealing(AccountId::DIRECTORY)?;
    Ok(FileKey { version: sealing.version(), key: sealing.trail().clone() })
}

/// The key of the codes of lines, by its version.
fn trail_key(keyring: &Keyring, version: u32) -> Option<aws_lc_rs::hmac::Key> {
    keyring.version(AccountId::DIRECTORY, version).map(|sealing| sealing.trail().clone())
}

/// What came of a request that committed nothing.
#[derive(Clone, Copy)]
pub struct Note<'a> {
    /// The request.
    pub event: &'a Event,
    /// What came of it.
    pub outcome: &'a Outcome,
    /// Whose trail it belongs to.
    pub account: AccountId,
    /// When it was.
    pub time: Timestamp,
}

/// A record as it is kept, and what is looked up by.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// One line of JSON, without its end.
    pub text: String,
    /// What the index of the trail notes of it, so that nobody reads the text for that.
    pub marks: Marks,
}

impl Recorded {
    /// Bytes of memory that it takes, about.
    fn size(&self) -> usize {
        size_of::<Recorded>() + self.text.len() + self.marks.size()
    }
}

/// The record of an event, with an id of its own.
///
/// # Errors
/// [`Fault::Unavailable`] without entropy.
pub fn recorded(
    event: &Event,
    outcome: &Outcome,
    account: AccountId,
    time: Timestamp,
) -> Result<Recorded, Fault> {
    let id = entropy::uuid()?;
    let text = record(event, outcome, account, id, time);
    let mut names = String::with_capacity(64);
    account.push_to(&mut names);
    let length = names.len();
    id.push_to(&mut names);
    let (account, id) = names.split_at_checked(length).unwrap_or_default();
    let marks = Facts::of_event(event, outcome, account, id, time).marks();
    Ok(Recorded { text, marks })
}

#[cfg(test)]
mod tests;
