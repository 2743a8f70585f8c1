//! The journal of revocations: what an operator has ended while the store was away.
//!
//! A file in the data folder, as long from the beginning as it will ever be, so that a disk that is
//! full does not keep a revocation from being written down. Lines of sealed revocations stand at
//! its beginning, zeros behind them. A line opens in its own place only.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iamd_core::account_id::AccountId;
use iamd_core::operator::OrderedRevocation;
use iamd_core::record::RecordKey;
use iamd_store::Revision;

use crate::fault::Fault;
use crate::keys::Keyring;

/// Name of the file in the data folder.
pub const JOURNAL_FILE: &str = "revocations.journal";
/// Length of the file, in bytes.
// CHOICE: room for about a thousand revocations between two moments in which the store answers.
const LENGTH: usize = 256 * 1024;
/// The kind under which lines are sealed; no row has it.
const KIND: u16 = u16::MAX;

/// The file, and what is in it.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    lines: u64,
    used: usize,
}

impl Journal {
    /// Opens the journal of a data folder, which is made if it is not there, and reads it.
    ///
    /// # Errors
    /// [`Fault::Folder`]; [`Fault::Damaged`] when somebody has altered it.
    pub(super) fn open(
        folder: &Path,
        keyring: &Keyring,
    ) -> Result<(Journal, Vec<OrderedRevocation>), Fault> {
        let path = folder.join(JOURNAL_FILE);
        let failed = |error| unusable(&path, &error);
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        let mut text = Vec::new();
        Read::by_ref(&mut file).take(LENGTH as u64).read_to_end(&mut text).map_err(failed)?;
        if text.len() < LENGTH {
            // New, or cut short by the end of the process that made it.
            file.write_all_at(&vec![0; LENGTH - text.len()], text.len() as u64)
                .and_then(|()| file.sync_all())
                .and_then(|()| File::open(folder)?.sync_all())
                .map_err(failed)?;
        }
        let mut journal = Journal { path: path.clone(), file, lines: 0, used: 0 };
        let mut revocations = Vec::new();
        let written = text.split(|byte| *byte == 0).next().unwrap_or_default();
        for line in written.split_inclusive(|byte| *byte == b'\n') {
            // What has no end was not answered: it may be written again.
            let Some(line) = line.strip_suffix(b"\n") else { break };
            let opened = opened(keyring, journal.lines, line);
            revocations.push(opened.ok_or_else(|| altered(&journal.path, journal.lines))?);
            journal.lines += 1;
            journal.used += line.len() + 1;
        }
        Ok((journal, revocations))
    }

    /// Writes a revocation down, durably.
    ///
    /// # Errors
    /// [`Fault::Folder`]; then the file is as it was, or has a line without an end.
    pub(super) fn append(
        &mut self,
        keyring: &Keyring,
        revocation: &OrderedRevocation,
    ) -> Result<(), Fault> {
        let content = minicbor::to_vec(revocation)
            .map_err(|error| Fault::Bug(format!("a revocation cannot be written: {error}")))?;
        let (place, version) = place(self.lines);
        let sealed = keyring.seal(AccountId::DIRECTORY, &place, version, content)?;
        let line = STANDARD.encode(sealed) + "\n";
        if self.used + line.len() > LENGTH {
            return Err(Fault::Folder(format!("{} is full", self.path.display())));
        }
        let written = self.file.write_all_at(line.as_bytes(), self.used as u64);
        written
            .and_then(|()| self.file.sync_data())
            .map_err(|error| unusable(&self.path, &error))?;
        self.lines += 1;
        self.used += line.len();
        Ok(())
    }

    /// Forgets everything, which the store holds by now.
    ///
    /// # Errors
    /// [`Fault::Folder`]; what stays is replayed once more, which changes nothing.
    pub(super) fn clear(&mut self) -> Result<(), Fault> {
        if self.used == 0 {
            return Ok(());
        }
        let cleared = self.file.write_all_at(&vec![0; self.used], 0);
        cleared
            .and_then(|()| self.file.sync_data())
            .map_err(|error| unusable(&self.path, &error))?;
        (self.lines, self.used) = (0, 0);
        Ok(())
    }
}

fn opened(keyring: &Keyring, number: u64, line: &[u8]) -> Option<OrderedRevocation> {
    let sealed = STANDARD.decode(line).ok()?;
    let (place, version) = place(number);
    let opened = keyring.open(AccountId::DIRECTORY, &place, &sealed).ok()?;
    (opened.version == version).then_some(())?;
    minicbor::decode(&opened.content).ok()
}

/// Where a line is sealed into.
fn place(number: u64) -> (RecordKey, Revision) {
    (RecordKey { kind: KIND, id: format!("journal/{number}") }, Revision(number))
}

fn altered(path: &Path, number: u64) -> Fault {
    Fault::Damaged(format!(
        "line {} of {} was altered: revoke again what was revoked while the store was away, and remove the file",
        number + 1,
        path.display()
    ))
}

fn unusable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::Folder(format!("{} cannot be used: {error}", path.display()))
}
