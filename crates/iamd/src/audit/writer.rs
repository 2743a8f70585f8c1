//! The thread that writes the trail.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use iamd_core::account_id::AccountId;
use iamd_core::audit::{Event, Outcome};
use tokio::sync::oneshot;

use super::end::{End, FileKey, OpenFile};
use super::files::{self, Head, Keys};
use super::line::{self, Header, Mac, Trailer};
use super::ring::{Batch, Entry, StoredRecord};
use super::shared::Shared;
use super::summary::{Marks, Summary};
use super::{Recorded, recorded};
use crate::clock::Clock;
use crate::config::AuditSettings;
use crate::entropy;

/// How long lines may be in the system's memory only.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);
/// How long the writer waits after the disk took nothing.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);
/// Bytes of memory for lines that are kept between batches.
const BUFFER_KEPT: usize = 256 * 1024;
const SECONDS_PER_HOUR: i64 = 3_600;
const SECONDS_PER_DAY: i64 = 86_400;

/// The writer's thread.
pub(super) struct Writer {
    folder: PathBuf,
    settings: AuditSettings,
    with: FileKey,
    shared: Arc<Shared>,
    /// The time of files; requests bring their own.
    clock: Clock,
    open: OpenFile,
    /// The oldest file that is kept.
    first: u64,
    sequence: u64,
    mac: Mac,
    /// The number of the last record of each account that is in the files.
    exported: BTreeMap<u64, u64>,
    /// What of it others are not told yet.
    fresh: Vec<(u64, u64)>,
    /// Lines that are not in the file yet.
    buffer: Vec<u8>,
    /// Summaries of blocks that are not in the index yet.
    summaries: Vec<u8>,
    /// Who waits for the lines before.
    flushed: Vec<oneshot::Sender<()>>,
    unsynced_since: Option<Instant>,
}

impl Writer {
    /// A writer that goes on where the trail in a folder ends.
    ///
    /// # Errors
    /// What the folder answers.
    pub(super) fn open(
        folder: PathBuf,
        settings: AuditSettings,
        with: FileKey,
        keys: Keys<'_>,
        shared: Arc<Shared>,
    ) -> io::Result<Writer> {
        files::create_folder(&folder)?;
        let clock = Clock::default();
        let end = End::of(&folder, keys)?;
        let began = clock.now().seconds();
        let open = match &end.file {
            Some(file) => {
                OpenFile::again(&folder, file).map(|open| OpenFile { began: file.began, ..open })?
            }
            None => OpenFile::begun(&folder, end.next, &with, began)?,
        };
        let mut writer = Writer {
            folder,
            settings,
            with,
            shared,
            clock,
            open,
            first: end.first,
            sequence: end.sequence,
            mac: end.mac,
            fresh: end.exported.iter().map(|(account, number)| (*account, *number)).collect(),
            exported: end.exported,
            buffer: Vec::new(),
            summaries: Vec::new(),
            flushed: Vec::new(),
            unsynced_since: None,
        };
        if end.file.is_none() {
            writer.push_header();
        }
        writer.write_out()?;
        writer.rotate_when_due()?;
        writer.sync()?;
        writer.forget_old_files()?;
        Ok(writer)
    }

    /// Says of accounts whose records in the store end earlier than in the files that they do, and
    /// takes what they get from now on.
    pub(super) fn compare(&mut self, last_of: impl Fn(u64) -> u64) -> io::Result<()> {
        let later: Vec<(u64, u64)> = self
            .exported
            .iter()
            .filter(|(account, number)| last_of(**account) < **number)
            .map(|(account, number)| (*account, *number))
            .collect();
        for (number, exported) in later {
            let last = last_of(number);
            let Some(account) = AccountId::from_stored(number) else { continue };
            tracing::error!(%account, exported, last, "the store is older than the audit trail");
            let request_id = entropy::request_id().unwrap_or_default();
            let event = Event::store_went_back(exported, last, &request_id);
            self.add_event(&event, account);
            self.exported.insert(number, last);
            self.fresh.push((number, last));
        }
        self.write_out()?;
        self.sync()
    }

    /// Writes until the ring is closed and empty.
    pub(super) fn run(mut self) {
        loop {
            let Batch { entries, lost, is_closed } = self.shared.ring.take(self.patience());
            for entry in entries {
                self.add(entry);
            }
            if lost > 0 {
                self.add_gap(lost);
            }
            self.persist();
            if is_closed {
                break;
            }
        }
        if let Err(error) = self.sync() {
            tracing::error!("the audit trail was not written to its end: {error}");
        }
    }

    /// How long there is nothing to do without new entries.
    fn patience(&self) -> Duration {
        match self.unsynced_since {
            Some(since) => SYNC_INTERVAL.saturating_sub(since.elapsed()),
            None => Duration::from_secs(60),
        }
    }

    fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Recorded(record) => self.push(&record.text, Some(&record.marks), None),
            Entry::Stored(record) => self.add_stored(&record),
            Entry::Skip { account, up_to } => {
                let last = self.exported.entry(account.number()).or_default();
                *last = (*last).max(up_to);
            }
            Entry::Rekey(key) => self.with = *key,
            Entry::Flush(sender) => self.flushed.push(sender),
        }
    }

    /// Says something of the trail itself.
    fn add_event(&mut self, event: &Event, account: AccountId) {
        match recorded(event, &Outcome::Done(None), account, self.clock.now()) {
            Ok(Recorded { text, marks }) => self.push(&text, Some(&marks), None),
            Err(fault) => tracing::error!("an audit record was not made: {fault}"),
        }
    }

    fn add_gap(&mut self, lost: u64) {
        tracing::warn!(lost, "records of the audit trail found no place");
        let request_id = entropy::request_id().unwrap_or_default();
        let event = Event::lost_records(lost, &request_id);
        self.add_event(&event, AccountId::DIRECTORY);
    }

    /// A record comes into the files once: in the order of its account's log.
    fn add_stored(&mut self, record: &StoredRecord) {
        let account = record.account.number();
        let last = self.exported.get(&account).copied().unwrap_or_default();
        match record.number {
            number if number == last.saturating_add(1) => {
                self.push(&record.text, record.marks.as_ref(), Some((account, number)));
                self.exported.insert(account, number);
                self.fresh.push((account, number));
            }
            number if number > last => self.shared.fall_behind(),
            _ => {}
        }
    }

    fn push(&mut self, record: &str, marks: Option<&Marks>, stored: Option<(u64, u64)>) {
        self.sequence = self.sequence.saturating_add(1);
        let (account, number) = stored.unzip();
        let trailer = Trailer { sequence: self.sequence, account, record: number };
        let start = self.buffer.len();
        self.mac = line::push_record(&mut self.buffer, &self.open.key, &self.mac, record, &trailer);
        let length = (self.buffer.len() - start) as u64;
        self.open.block.add(marks, length);
        if self.open.block.is_full() {
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        self.open.block.push_to(&mut self.summaries);
        let next = self.open.block.offset.saturating_add(self.open.block.length);
        self.open.block = Summary::new(next);
    }

    fn push_header(&mut self) {
        let header = Header {
            file: self.open.number,
            sequence: self.sequence,
            key: self.with.version,
            began: self.open.began,
            exported: self.exported.clone(),
            previous: self.mac,
        };
        self.mac = line::push_header(&mut self.buffer, &self.open.key, &header);
        let length = self.open.length.saturating_add(self.buffer.len() as u64);
        self.open.block = Summary::new(length);
    }

    /// Writes what was added, again and again until the disk takes it or the server ends.
    fn persist(&mut self) {
        loop {
            let written = self.write_out().and_then(|()| self.rotate_when_due()).and_then(|()| {
                match self.unsynced_since {
                    Some(since) if since.elapsed() >= SYNC_INTERVAL => self.sync(),
                    _ => Ok(()),
                }
            });
            let Err(error) = written else { return };
            tracing::error!("the audit trail cannot be written, and is tried again: {error}");
            if self.shared.ring.is_closed() {
                return;
            }
            std::thread::sleep(RETRY_INTERVAL);
        }
    }

    fn write_out(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            if let Err(error) = self.open.file.write_all(&self.buffer) {
                // A part of a line would be in the way of the next try.
                self.open.file.set_len(self.open.length)?;
                return Err(error);
            }
            self.open.length = self.open.length.saturating_add(self.buffer.len() as u64);
            self.buffer.clear();
            // What a flood took is given back.
            self.buffer.shrink_to(BUFFER_KEPT);
            self.unsynced_since.get_or_insert_with(Instant::now);
        }
        if !self.summaries.is_empty() {
            // Whole or not at all: a summary that is cut off would shift all behind it.
            let length = self.open.index.metadata()?.len();
            if let Err(error) = self.open.index.write_all(&self.summaries) {
                self.open.index.set_len(length)?;
                return Err(error);
            }
            self.summaries.clear();
        }
        self.shared.publish(&mut self.fresh);
        for sender in self.flushed.drain(..) {
            // Who asked may have gone away.
            let _ = sender.send(());
        }
        Ok(())
    }

    /// Makes sure that what was written survives a power cut, and notes where the trail ends.
    fn sync(&mut self) -> io::Result<()> {
        self.open.file.sync_data()?;
        let head = Head {
            first: self.first,
            file: self.open.number,
            sequence: self.sequence,
            mac: line::hex(&self.mac),
            key: self.with.version,
            seal: String::new(),
        };
        head.write(&self.folder, &self.with.key)?;
        self.shared.set_key(self.open.version);
        self.unsynced_since = None;
        Ok(())
    }

    fn rotate_when_due(&mut self) -> io::Result<()> {
        let now = self.clock.now().seconds();
        let hours = i64::from(self.settings.file_hours_max);
        let is_old = now.saturating_sub(self.open.began) >= hours * SECONDS_PER_HOUR;
        let is_due = is_old && !self.open.block.is_empty();
        // A file has one key, so that a key is needed no longer when its files are gone.
        let is_rekeyed = self.open.version != self.with.version;
        if self.open.length < self.settings.file_bytes_max && !is_due && !is_rekeyed {
            return Ok(());
        }
        if !self.open.block.is_empty() {
            self.end_block();
            self.write_out()?;
        }
        self.sync()?;
        let number = self.open.number.saturating_add(1);
        self.open = OpenFile::begun(&self.folder, number, &self.with, now)?;
        self.push_header();
        self.write_out()?;
        self.forget_old_files()?;
        self.sync()
    }

    /// Removes files all of whose records are older than the retention.
    fn forget_old_files(&mut self) -> io::Result<()> {
        let now = self.clock.now();
        let retention = i64::from(self.settings.retention_days).saturating_mul(SECONDS_PER_DAY);
        let numbers = files::numbers(&self.folder)?;
        let mut removed = Vec::new();
        for (number, next) in numbers.iter().zip(numbers.iter().skip(1)) {
            let next_began = files::header(&files::path(&self.folder, *next))?
                .map_or(i64::MAX, |header| header.began);
            if next_began > now.seconds().saturating_sub(retention) {
                break;
            }
            self.first = *next;
            removed.push(*number);
        }
        if removed.is_empty() {
            return Ok(());
        }
        // The note first: what is missing is then known to be missing on purpose.
        self.sync()?;
        for number in removed {
            fs::remove_file(files::path(&self.folder, number))?;
            let index = files::index_path(&self.folder, number);
            if index.exists() {
                fs::remove_file(index)?;
            }
        }
        Ok(())
    }
}
