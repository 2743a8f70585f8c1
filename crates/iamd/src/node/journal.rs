//! The journal of revocations: what an operator has ended while the store was away.
//!
//! A file in the data folder, as long from the beginning as it will ever be, so that a disk that is
//! full does not keep a revocation from being written down. Lines of sealed revocations stand at
//! its beginning, zeros behind them. A line opens in its own place only. What a write that failed, or
//! the end of a process, has left behind the lines is wiped away before another line is written:
//! its tail would look like a line that somebody has altered.

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
    /// Where nothing but zeros follows: behind the lines, unless a write has failed.
    soiled: usize,
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
        let soiled = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let mut journal = Journal { path: path.clone(), file, lines: 0, used: 0, soiled };
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
        journal.wipe().map_err(|error| unusable(&path, &error))?;
        Ok((journal, revocations))
    }

    /// Writes a revocation down, durably.
    ///
    /// # Errors
    /// [`Fault::Folder`]; then the line does not count.
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
        self.wipe()
            .and_then(|()| {
                self.soiled = self.used + line.len();
                self.file.write_all_at(line.as_bytes(), self.used as u64)
            })
            .and_then(|()| self.file.sync_data())
            .map_err(|error| unusable(&self.path, &error))?;
        self.lines += 1;
        self.used = self.soiled;
        Ok(())
    }

    /// Puts zeros behind the lines, durably, if there is anything else.
    fn wipe(&mut self) -> std::io::Result<()> {
        if self.soiled > self.used {
            self.file.write_all_at(&vec![0; self.soiled - self.used], self.used as u64)?;
            self.file.sync_data()?;
            self.soiled = self.used;
        }
        Ok(())
    }

    /// Forgets everything, which the store holds by now. What fails is done before the next line is
    /// written, or when this is called again.
    ///
    /// # Errors
    /// [`Fault::Folder`]; the next process may replay what stays.
    pub(super) fn clear(&mut self) -> Result<(), Fault> {
        (self.lines, self.used) = (0, 0);
        self.wipe().map_err(|error| unusable(&self.path, &error))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use iamd_core::operator::{Operator, Revocable, Revocation};
    use iamd_wire::Timestamp;

    use super::*;
    use crate::keys::{KeyRow, MasterKey};

    fn keyring() -> Keyring {
        let master = Arc::new(MasterKey::fresh().unwrap().sealing().unwrap());
        Keyring::new(master, &KeyRow::first(0).unwrap()).unwrap()
    }

    fn revocation(what: Revocable, second: i64) -> OrderedRevocation {
        let account = AccountId::from_number(111_122_223_333).unwrap();
        let revocation = Revocation { account, what, at: Timestamp::from_seconds(second) };
        OrderedRevocation { revocation, operator: Operator::Machine }
    }

    fn of_session(second: i64) -> OrderedRevocation {
        let id = "ASIAIOSFODNN7EXAMPLE".parse().unwrap();
        revocation(Revocable::Session { id, expires: Timestamp::from_seconds(1) }, second)
    }

    /// A process that ended in the middle of a line, or whose disk did not take one, has left bytes
    /// there, of which the next line may be a shorter one.
    #[test]
    fn what_was_not_written_to_its_end_is_wiped_away_before_the_next_line() {
        let (folder, keyring) = (tempfile::tempdir().unwrap(), keyring());
        let (mut journal, none) = Journal::open(folder.path(), &keyring).unwrap();
        assert!(none.is_empty());
        journal.append(&keyring, &of_session(1)).unwrap();
        let (first, short) = (journal.used, revocation(Revocable::Root, 2));
        journal.append(&keyring, &of_session(2)).unwrap();
        // Of the second line the disk has kept all but the beginning.
        journal.file.write_all_at(&[0; 8], first as u64).unwrap();

        let (mut again, kept) = Journal::open(folder.path(), &keyring).unwrap();
        assert_eq!(kept, [of_session(1)]);
        again.append(&keyring, &short).unwrap();
        let (_, kept) = Journal::open(folder.path(), &keyring).unwrap();
        assert_eq!(kept, [of_session(1), short.clone()]);

        // The same in one process: the disk said no, and had written some of it.
        again.used = first;
        again.lines = 1;
        again.file.write_all_at(&vec![b'x'; 300], first as u64).unwrap();
        again.soiled = first + 300;
        again.append(&keyring, &short).unwrap();
        let (_, kept) = Journal::open(folder.path(), &keyring).unwrap();
        assert_eq!(kept, [of_session(1), short]);
    }

    #[test]
    fn what_is_written_after_a_failed_clearing_is_found() {
        let (folder, keyring) = (tempfile::tempdir().unwrap(), keyring());
        let (mut journal, _) = Journal::open(folder.path(), &keyring).unwrap();
        journal.append(&keyring, &of_session(1)).unwrap();
        journal.append(&keyring, &of_session(2)).unwrap();
        let writable = journal.file.try_clone().unwrap();
        journal.file = File::open(&journal.path).unwrap();
        assert!(matches!(journal.clear(), Err(Fault::Folder(_))));
        assert!(matches!(journal.append(&keyring, &of_session(3)), Err(Fault::Folder(_))));
        journal.file = writable;
        journal.append(&keyring, &of_session(3)).unwrap();
        let (mut journal, kept) = Journal::open(folder.path(), &keyring).unwrap();
        assert_eq!(kept, [of_session(3)]);
        journal.clear().unwrap();
        let bytes = std::fs::read(folder.path().join(JOURNAL_FILE)).unwrap();
        assert!(bytes.len() == LENGTH && bytes.iter().all(|byte| *byte == 0));
    }
}
