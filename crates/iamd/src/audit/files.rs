//! The files of the trail, and the note of where it ends.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};

use super::line::{self, Header, Line, Mac, NO_LINE, Trailer};

/// The folder inside of the data folder.
pub(super) const FOLDER: &str = "audit";
/// The note of where the trail ends.
const HEAD_FILE: &str = "head";
/// Longest line that is looked at, in bytes.
const LINE_LENGTH_MAX: u64 = 64 * 1024 * 1024;

/// What is read at once of a whole file, in bytes.
const FILE_BUFFER_LENGTH: usize = 256 * 1024;
/// The same of a file whose first line alone is wanted.
const LINE_BUFFER_LENGTH: usize = 4 * 1024;

/// Makes the folder, for its owner only, if it is not there.
pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The file of this number.
pub(super) fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("trail-{number:010}.jsonl"))
}

/// The file that sums up the blocks of the file of this number.
pub(super) fn index_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("trail-{number:010}.index"))
}

/// The numbers of all files, ascending.
pub(super) fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| {
            name.strip_prefix("trail-")?.strip_suffix(".jsonl")?.parse::<u64>().ok()
        });
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Opens a file to append to it, for its owner only.
pub(super) fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

/// Where the trail ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// The oldest file that is kept.
    pub(super) first: u64,
    /// The newest file.
    pub(super) file: u64,
    /// The number of the last line.
    pub(super) sequence: u64,
    /// The code of the last line, in hexadecimal digits.
    pub(super) mac: String,
    /// The version of the key of `seal`.
    pub(super) key: u32,
    /// The code of everything before it.
    pub(super) seal: String,
}

impl Head {
    fn code(&self, key: &hmac::Key) -> Mac {
        let Head { first, file, sequence, mac, key: version, seal: _ } = self;
        let covered = format!("head {first} {file} {sequence} {mac} {version}");
        line::code(key, &NO_LINE, covered.as_bytes())
    }

    /// Writes the note in the place of the one before.
    pub(super) fn write(mut self, folder: &Path, key: &hmac::Key) -> io::Result<()> {
        self.seal = line::hex(&self.code(key));
        let text = serde_json::to_vec(&self)?;
        let fresh = folder.join("head.new");
        let mut file =
            OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(&text)?;
        file.sync_data()?;
        fs::rename(&fresh, folder.join(HEAD_FILE))
    }

    /// Reads the note; none if there is none.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(folder: &Path, keys: Keys<'_>) -> Result<Option<Head>, String> {
        let path = folder.join(HEAD_FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        };
        let altered = || format!("{} was altered", path.display());
        let head: Head = serde_json::from_slice(&text).map_err(|_| altered())?;
        let key = keys(head.key).ok_or_else(altered)?;
        if line::is_same(&head.code(&key), &head.seal) { Ok(Some(head)) } else { Err(altered()) }
    }
}

/// Gives the key of a version.
pub(super) type Keys<'k> = &'k dyn Fn(u32) -> Option<hmac::Key>;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileBreak {
    /// The line, from 1.
    pub(super) line: u64,
    /// The number of the last record that is right.
    pub(super) sequence: u64,
    /// What is wrong.
    pub(super) reason: String,
}

/// What a file holds.
#[derive(Debug)]
pub(super) struct Scanned {
    /// Its first line.
    pub(super) header: Header,
    /// The number of its last record.
    pub(super) sequence: u64,
    /// The code of its last line.
    pub(super) mac: Mac,
    /// The code of its first line.
    pub(super) mac_of_header: Mac,
    /// Bytes of its whole lines.
    pub(super) length: u64,
    /// The first thing that is wrong.
    pub(super) broken: Option<FileBreak>,
}

/// Reads the lines of a file, proves each, and shows them to `visit` with their place in the file;
/// also those behind a break. None if there is no whole first line.
pub(super) fn scan(
    path: &Path,
    keys: Keys<'_>,
    visit: &mut dyn FnMut(&Trailer, &[u8], u64),
) -> io::Result<Option<Scanned>> {
    let mut lines = Lines::of(path, FILE_BUFFER_LENGTH)?;
    let Some(first) = lines.next()? else { return Ok(None) };
    let Some((header, mac)) = Line::of(&first).and_then(|line| Some((line.header()?, line.mac)))
    else {
        return Ok(None);
    };
    let key = keys(header.key);
    let proven = key.as_ref().zip(Line::of(&first));
    let is_proven = proven.is_some_and(|(key, line)| line.follows(key, &header.previous));
    let (sequence, mac_of_header) = (header.sequence, mac);
    let mut scan = Scanned { header, sequence, mac, mac_of_header, length: 0, broken: None };
    let at = |scan: &Scanned, line: u64, reason: &str| FileBreak {
        line,
        sequence: scan.sequence,
        reason: reason.to_owned(),
    };
    if !is_proven {
        scan.broken = Some(at(&scan, 1, "the first line was altered"));
    }
    let mut number = 1;
    loop {
        scan.length = lines.read;
        let Some(text) = lines.next()? else { return Ok(Some(scan)) };
        number += 1;
        let line = Line::of(&text);
        let trailer = line.as_ref().and_then(Line::trailer);
        if scan.broken.is_none() {
            let follows = key.as_ref().zip(line.as_ref());
            let follows = follows.is_some_and(|(key, line)| line.follows(key, &scan.mac));
            let expected = scan.sequence.saturating_add(1);
            if !follows || trailer.map(|trailer| trailer.sequence) != Some(expected) {
                let reason = match trailer {
                    Some(trailer) if trailer.sequence != expected => format!(
                        "record {expected} should be here, and record {} is",
                        trailer.sequence
                    ),
                    _ => format!("record {expected} was altered, or the line before it was"),
                };
                scan.broken = Some(at(&scan, number, &reason));
            }
        }
        if let (Some(line), Some(trailer)) = (line, trailer) {
            visit(&trailer, &text, scan.length);
            if scan.broken.is_none() {
                scan.mac = line.mac;
                scan.sequence = trailer.sequence;
            }
        }
    }
}

/// The whole lines of a file.
struct Lines {
    reader: BufReader<File>,
    /// Bytes of the lines read so far.
    read: u64,
}

impl Lines {
    fn of(path: &Path, buffer_length: usize) -> io::Result<Lines> {
        Ok(Lines { reader: BufReader::with_capacity(buffer_length, File::open(path)?), read: 0 })
    }

    /// The next line without its end; none at the end, or where the last line is not whole.
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::with_capacity(2_048);
        let read = (&mut self.reader).take(LINE_LENGTH_MAX).read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Ok(None);
        }
        self.read = self.read.saturating_add(read as u64);
        Ok(Some(line))
    }
}

/// The first line of a file; none if it is not whole.
pub(super) fn header(path: &Path) -> io::Result<Option<Header>> {
    let first = Lines::of(path, LINE_BUFFER_LENGTH)?.next()?;
    Ok(first.and_then(|line| Line::of(&line)?.header()))
}

/// The versions of the keys that the files and the note of their end are under; none if one of them
/// does not say.
pub(super) fn key_versions(folder: &Path) -> io::Result<Option<BTreeSet<u32>>> {
    let mut versions = BTreeSet::new();
    let numbers = match numbers(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(versions)),
        numbers => numbers?,
    };
    for number in numbers {
        match header(&path(folder, number)) {
            Ok(Some(header)) => versions.insert(header.key),
            Ok(None) => return Ok(None),
            // It was old, and is gone.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
    }
    match fs::read(folder.join(HEAD_FILE)) {
        Ok(text) => Ok(serde_json::from_slice::<Head>(&text).ok().map(|head| {
            versions.insert(head.key);
            versions
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(versions)),
        Err(error) => Err(error),
    }
}
