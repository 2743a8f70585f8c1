//! Where the trail in a folder ends, and the file that takes new lines.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use aws_lc_rs::hmac;

use super::files::{self, Head, Keys};
use super::line::{self, Mac, NO_LINE, Trailer};
use super::summary::{Facts, Summary};

/// The key of new files.
#[derive(Clone)]
pub(super) struct FileKey {
    pub(super) version: u32,
    pub(super) key: hmac::Key,
}

/// The file that takes new lines.
pub(super) struct OpenFile {
    pub(super) number: u64,
    pub(super) began: i64,
    pub(super) file: File,
    pub(super) index: File,
    /// Bytes in it.
    pub(super) length: u64,
    /// The key that its codes are made with, and its version.
    pub(super) key: hmac::Key,
    pub(super) version: u32,
    /// The block that is not full.
    pub(super) block: Summary,
}

impl OpenFile {
    pub(super) fn begun(
        folder: &Path,
        number: u64,
        with: &FileKey,
        began: i64,
    ) -> io::Result<OpenFile> {
        let file = files::append(&files::path(folder, number))?;
        // What a crash has left there holds no whole line.
        file.set_len(0)?;
        let index = files::append(&files::index_path(folder, number))?;
        index.set_len(0)?;
        let (FileKey { key, version }, block) = (with.clone(), Summary::new(0));
        Ok(OpenFile { number, began, file, index, length: 0, key, version, block })
    }

    /// The newest file, with the index made anew of what the file holds.
    pub(super) fn again(folder: &Path, end: &EndFile) -> io::Result<OpenFile> {
        let file = files::append(&files::path(folder, end.number))?;
        file.set_len(end.length)?;
        let mut index = files::append(&files::index_path(folder, end.number))?;
        index.set_len(0)?;
        index.write_all(&end.summaries)?;
        Ok(OpenFile {
            number: end.number,
            began: end.began,
            file,
            index,
            length: end.length,
            key: end.key.clone(),
            version: end.version,
            block: end.block.clone(),
        })
    }
}

/// Where the trail in a folder ends.
pub(super) struct End {
    pub(super) first: u64,
    /// The number of the next file.
    pub(super) next: u64,
    pub(super) sequence: u64,
    pub(super) mac: Mac,
    pub(super) exported: BTreeMap<u64, u64>,
    /// The newest file, if it can be gone on with.
    pub(super) file: Option<EndFile>,
}

pub(super) struct EndFile {
    pub(super) number: u64,
    pub(super) began: i64,
    pub(super) length: u64,
    pub(super) key: hmac::Key,
    pub(super) version: u32,
    pub(super) block: Summary,
    pub(super) summaries: Vec<u8>,
}

impl End {
    pub(super) fn of(folder: &Path, keys: Keys<'_>) -> io::Result<End> {
        let head = Head::read(folder, keys).unwrap_or_else(|reason| {
            tracing::error!("{reason}; `iamd audit verify` tells more");
            None
        });
        let numbers = files::numbers(folder)?;
        let mut end = End {
            first: head.as_ref().map_or(1, |head| head.first),
            next: 1,
            sequence: head.as_ref().map_or(0, |head| head.sequence),
            mac: head.as_ref().and_then(|head| line::from_hex(&head.mac)).unwrap_or(NO_LINE),
            exported: BTreeMap::new(),
            file: None,
        };
        let newest = numbers.last().copied().max(head.as_ref().map(|head| head.file));
        end.next = newest.map_or(1, |newest| newest.saturating_add(1));
        for number in numbers.iter().rev() {
            if end.take(folder, *number, keys)? {
                break;
            }
        }
        let expected = head.as_ref().map_or(0, |head| head.sequence);
        if end.sequence < expected
            || head.as_ref().is_some_and(|head| numbers.last() < Some(&head.file))
        {
            tracing::error!(
                "the audit trail is shorter than it was; `iamd audit verify` tells more"
            );
            end.sequence = end.sequence.max(expected);
            end.file = None;
        }
        Ok(end)
    }

    /// Goes on with a file; not if a crash has left it without a first line.
    fn take(&mut self, folder: &Path, number: u64, keys: Keys<'_>) -> io::Result<bool> {
        let (mut lines, mut summaries) = (BTreeMap::new(), Vec::new());
        let mut block: Option<Summary> = None;
        let mut visit = |trailer: &Trailer, text: &[u8], end: u64| {
            if let (Some(account), Some(record)) = (trailer.account, trailer.record) {
                lines.insert(account, record);
            }
            let length = text.len() as u64 + 1;
            let current = block.get_or_insert_with(|| Summary::new(end.saturating_sub(length)));
            let marks = Facts::of(text).map(|facts| facts.marks());
            current.add(marks.as_ref(), length);
            if current.is_full() {
                current.push_to(&mut summaries);
                block = Some(Summary::new(end));
            }
        };
        let scanned = files::scan(&files::path(folder, number), keys, &mut visit)?;
        let Some(scanned) = scanned else {
            fs::remove_file(files::path(folder, number))?;
            self.next = number;
            return Ok(false);
        };
        self.exported.clone_from(&scanned.header.exported);
        self.exported.append(&mut lines);
        (self.sequence, self.mac) = (scanned.sequence, scanned.mac);
        let version = scanned.header.key;
        let key = keys(version);
        match (&scanned.broken, key) {
            (None, Some(key)) if self.next == number.saturating_add(1) => {
                let length = scanned.length;
                let block = block.unwrap_or_else(|| Summary::new(length));
                let began = scanned.header.began;
                self.file = Some(EndFile { number, began, length, key, version, block, summaries });
            }
            (Some(broken), _) => tracing::error!(
                "the audit trail is broken in file {number}, line {}: {}; `iamd audit verify` tells more",
                broken.line,
                broken.reason
            ),
            (None, _) => {}
        }
        Ok(true)
    }
}
