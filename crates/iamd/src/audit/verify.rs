//! Proves the whole trail: the logs of records in the store, and the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use iamd_core::account_id::AccountId;
use serde::{Deserialize, Serialize};

use super::files::{self, Head, Keys};
use super::line::{self, NO_LINE, Trailer};
use crate::fault::Fault;
use crate::keys::{Keyring, LogHead, LogReader};
use crate::node::Node;
use crate::operator::{Progress, Step};

/// Records read from the store at once.
const PORTION: usize = 256;

/// What was proven, and what is wrong.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Accounts whose logs were read.
    pub accounts: u64,
    /// Records of the store that were read.
    pub stored: u64,
    /// Files that were read.
    pub files: u64,
    /// Lines of files that were read.
    pub lines: u64,
    /// The first thing that is wrong in each log and each file; empty if nothing is.
    pub breaks: Vec<Break>,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// The file, or the account whose log it is.
    pub place: String,
    /// The line of a file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The number of the last line that is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// What is wrong.
    pub reason: String,
}

impl std::fmt::Display for Break {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.place)?;
        if let Some(line) = self.line {
            write!(formatter, ", line {line}")?;
        }
        if let Some(sequence) = self.sequence {
            write!(formatter, ", after record {sequence}")?;
        }
        write!(formatter, ": {}", self.reason)
    }
}

/// Proves the trail of a node whose data folder this is; its steps are logs and files.
///
/// # Errors
/// [`Fault::Unavailable`] and [`Fault::Folder`] when something cannot be read at all.
pub async fn verify(node: &Arc<Node>, data: &Path, progress: &Progress) -> Result<Report, Fault> {
    let folder = data.join(files::FOLDER);
    let logs = node.logs();
    // Without a folder there are no files.
    let files = files::numbers(&folder).unwrap_or_default().len();
    let total = logs.len().saturating_add(files) as u64;
    let mut report = Report::default();
    let snapshot = node.snapshot();
    for (account, head) in logs {
        // Records that come in the meantime are behind what the head says.
        verify_log(node, &snapshot.keys, account, head, &mut report).await?;
        progress.report(Step { done: report.accounts, total });
    }
    node.audit().flush().await?;
    let (node, progress) = (Arc::clone(node), progress.clone());
    let joined = tokio::task::spawn_blocking(move || {
        // Those of now: a key may come into use while the files are read.
        let keys = |version| super::trail_key(&node.snapshot().keys, version);
        let mut reader = FileReader::new(&folder, &keys, report);
        reader.progress = Some((progress, total));
        let read = reader.read(|| {
            // Those of now, too: what comes into the files was in the store before.
            let logs = node.logs().into_iter();
            logs.map(|(account, head)| (account.number(), head.last)).collect()
        });
        read.map_err(|error| Fault::Folder(format!("{} cannot be read: {error}", folder.display())))
    });
    joined.await.map_err(|error| Fault::Bug(error.to_string()))?
}

async fn verify_log(
    node: &Node,
    keyring: &Keyring,
    account: AccountId,
    head: LogHead,
    report: &mut Report,
) -> Result<(), Fault> {
    let (mut reader, last) = (LogReader::new(keyring, account, head.clone()), head.last);
    let mut after = 0;
    let mut outcome = Ok(());
    report.accounts += 1;
    while outcome.is_ok() && after < last {
        let records = match node.stored_records(account, after, PORTION).await {
            Ok(records) => records,
            Err(Fault::Damaged(reason)) => {
                report.breaks.push(of_log(account, reason));
                return Ok(());
            }
            Err(fault) => return Err(fault),
        };
        if records.is_empty() {
            break;
        }
        for record in records.iter().filter(|record| record.number <= last) {
            outcome = reader.next(record.number, &record.bytes).map(drop);
            if outcome.is_err() {
                break;
            }
            report.stored += 1;
        }
        after = records.last().map_or(last, |record| record.number);
    }
    if let Err(broken) = outcome.and_then(|()| reader.finish()) {
        report.breaks.push(of_log(account, broken.to_string()));
    }
    Ok(())
}

fn of_log(account: AccountId, reason: String) -> Break {
    Break { place: format!("log of account {account}"), line: None, sequence: None, reason }
}

/// Reads the files, the oldest first.
struct FileReader<'a> {
    folder: &'a Path,
    keys: Keys<'a>,
    report: Report,
    /// Up to which number the records of each account are in the files.
    exported: BTreeMap<u64, u64>,
    /// Number and code of the last line of the file before.
    end: Option<(u64, line::Mac)>,
    /// Where the steps go, and how many there are in all.
    progress: Option<(Progress, u64)>,
}

impl<'a> FileReader<'a> {
    fn new(folder: &'a Path, keys: Keys<'a>, report: Report) -> FileReader<'a> {
        FileReader { folder, keys, report, exported: BTreeMap::new(), end: None, progress: None }
    }

    /// `stored` says where the logs of the store end, by account, once all files are read.
    fn read(mut self, stored: impl FnOnce() -> BTreeMap<u64, u64>) -> std::io::Result<Report> {
        if !self.folder.is_dir() {
            // A server that has not run, or that keeps no trail.
            return Ok(self.report);
        }
        let head = Head::read(self.folder, self.keys).unwrap_or_else(|reason| {
            self.broken(self.folder.join("head"), None, None, reason);
            None
        });
        let numbers = files::numbers(self.folder)?;
        self.check_numbers(&numbers, head.as_ref());
        for number in &numbers {
            self.read_file(*number, head.as_ref())?;
            if let Some((progress, total)) = &self.progress {
                let done = self.report.accounts.saturating_add(self.report.files);
                progress.report(Step { done, total: *total });
            }
        }
        let stored = stored();
        for (account, number) in std::mem::take(&mut self.exported) {
            let last = stored.get(&account).copied().unwrap_or_default();
            if number > last {
                let name = AccountId::from_stored(account).map(|account| account.to_string());
                let place = format!("log of account {}", name.unwrap_or_default());
                let reason = format!("the store ends at record {last}, the files at {number}");
                self.report.breaks.push(Break { place, line: None, sequence: None, reason });
            }
        }
        Ok(self.report)
    }

    /// Whether all files are there that must be.
    fn check_numbers(&mut self, numbers: &[u64], head: Option<&Head>) {
        let Some(head) = head else {
            if !numbers.is_empty()
                && self.report.breaks.iter().all(|it| !it.place.ends_with("head"))
            {
                self.broken(self.folder.join("head"), None, None, "it is missing".to_owned());
            }
            return;
        };
        for number in head.first..=head.file {
            if !numbers.contains(&number) {
                let path = files::path(self.folder, number);
                self.broken(path, None, None, "the file is missing".to_owned());
            }
        }
    }

    fn read_file(&mut self, number: u64, head: Option<&Head>) -> std::io::Result<()> {
        let path = files::path(self.folder, number);
        let mut at_head = None;
        let mut lines = 0;
        let exported = &mut self.exported;
        let mut visit = |trailer: &Trailer, text: &[u8], _: u64| {
            lines += 1;
            if let (Some(account), Some(record)) = (trailer.account, trailer.record) {
                exported.insert(account, record);
            }
            if head.is_some_and(|head| head.sequence == trailer.sequence) {
                at_head = line::Line::of(text).map(|line| line.mac);
            }
        };
        let scanned = files::scan(&path, self.keys, &mut visit)?;
        self.report.lines += lines;
        self.report.files += 1;
        let Some(scanned) = scanned else {
            // A crash may leave the newest file without its first line.
            if head.is_some_and(|head| head.file >= number) {
                self.broken(path, Some(1), None, "the first line is missing".to_owned());
            }
            return Ok(());
        };
        let header = &scanned.header;
        let before = self.end.unwrap_or((header.sequence, header.previous));
        let follows =
            header.sequence == before.0 && line::is_same(&header.previous, &line::hex(&before.1));
        if !follows || header.file != number {
            let reason = match header.sequence {
                sequence if sequence > before.0 => format!(
                    "records {} to {sequence} are missing before this file",
                    before.0.saturating_add(1)
                ),
                _ => "this file does not follow the one before it".to_owned(),
            };
            self.broken(path.clone(), Some(1), Some(before.0), reason);
        }
        if let Some(broken) = &scanned.broken {
            let reason = broken.reason.clone();
            self.broken(path, Some(broken.line), Some(broken.sequence), reason);
        } else if let Some(head) = head.filter(|head| head.file == number) {
            // Without records, the first line is the last.
            let mac = at_head.unwrap_or(match head.sequence == header.sequence {
                true => scanned.mac_of_header,
                false => NO_LINE,
            });
            if scanned.sequence < head.sequence {
                let reason = format!(
                    "records {} to {} are missing at the end",
                    scanned.sequence.saturating_add(1),
                    head.sequence
                );
                self.broken(path, Some(lines + 2), Some(scanned.sequence), reason);
            } else if !line::is_same(&mac, &head.mac) {
                let reason = "the end is not the one that was noted".to_owned();
                self.broken(path, Some(lines + 1), Some(head.sequence), reason);
            }
        }
        self.end = Some((scanned.sequence, scanned.mac));
        Ok(())
    }

    fn broken(&mut self, path: PathBuf, line: Option<u64>, sequence: Option<u64>, reason: String) {
        let place = path.display().to_string();
        self.report.breaks.push(Break { place, line, sequence, reason });
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use aws_lc_rs::hmac;
    use iamd_core::audit::{Event, Outcome};
    use iamd_wire::Timestamp;

    use super::super::end::FileKey;
    use super::super::recorded;
    use super::super::ring::Entry;
    use super::super::shared::Shared;
    use super::super::writer::Writer;
    use super::*;
    use crate::config::{AuditSettings, Config};

    fn key(version: u32) -> Option<hmac::Key> {
        (version == 1).then(|| hmac::Key::new(hmac::HMAC_SHA256, &[5; 32]))
    }

    /// One life of the writer, with so many notes.
    fn life(folder: &Path, notes: u32) {
        let settings = AuditSettings { file_bytes_max: 3_000, ..Config::default().audit };
        let shared = Arc::new(Shared::new(&settings));
        let with = FileKey { version: 1, key: key(1).unwrap() };
        let folder = folder.join(files::FOLDER);
        let writer = Writer::open(folder, settings, with, &key, Arc::clone(&shared)).unwrap();
        // A batch each, so that files are begun in between.
        let writer = std::thread::spawn(move || writer.run());
        for _ in 0..notes {
            let event = Event::operator("Test", &(), "request-id");
            let account = AccountId::from_number(7).unwrap();
            let time = Timestamp::from_seconds(1_769_860_800);
            let made = recorded(&event, &Outcome::Done(None), account, time).unwrap();
            assert!(shared.ring.offer(Entry::Recorded(made)).is_ok());
            let (sender, flushed) = tokio::sync::oneshot::channel();
            assert!(shared.ring.offer(Entry::Flush(sender)).is_ok());
            flushed.blocking_recv().unwrap();
        }
        shared.ring.close();
        writer.join().unwrap();
    }

    fn report(folder: &Path) -> Report {
        let folder = folder.join(files::FOLDER);
        FileReader::new(&folder, &key, Report::default()).read(BTreeMap::new).unwrap()
    }

    /// The first break, as the file's number and line, after the record.
    fn broken(folder: &Path) -> (String, Option<u64>, Option<u64>) {
        let report = report(folder);
        let first = report.breaks.first().expect("nothing is wrong");
        let name = Path::new(&first.place).file_name().unwrap().to_str().unwrap().to_owned();
        (name, first.line, first.sequence)
    }

    fn lines(folder: &Path, number: u64) -> Vec<String> {
        let text = fs::read_to_string(files::path(&folder.join(files::FOLDER), number)).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn put(folder: &Path, number: u64, lines: &[String]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(files::path(&folder.join(files::FOLDER), number), text).unwrap();
    }

    #[test]
    fn lives_go_on_where_the_one_before_ended() {
        let folder = tempfile::tempdir().unwrap();
        life(folder.path(), 3);
        life(folder.path(), 0);
        life(folder.path(), 9);
        let report = report(folder.path());
        assert_eq!((&report.breaks[..], report.lines), (&[][..], 12));
        assert!(report.files >= 3, "{report:?}");
    }

    #[test]
    fn a_line_that_a_crash_cut_off_is_no_break_and_goes_away() {
        let folder = tempfile::tempdir().unwrap();
        life(folder.path(), 3);
        let newest = *files::numbers(&folder.path().join(files::FOLDER)).unwrap().last().unwrap();
        let path = files::path(&folder.path().join(files::FOLDER), newest);
        let text = fs::read(&path).unwrap();
        fs::write(&path, [&text[..], b"{\"eventVersion\":"].concat()).unwrap();
        assert!(report(folder.path()).breaks.is_empty());
        // And a file that was begun, and no more.
        fs::write(files::path(&folder.path().join(files::FOLDER), newest + 1), b"{").unwrap();
        assert!(report(folder.path()).breaks.is_empty());
        life(folder.path(), 3);
        let report = report(folder.path());
        assert_eq!((&report.breaks[..], report.lines), (&[][..], 6));
    }

    #[test]
    fn what_somebody_changes_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        life(data, 9);
        let kept: Vec<(u64, Vec<String>)> = files::numbers(&data.join(files::FOLDER))
            .unwrap()
            .into_iter()
            .map(|number| (number, lines(data, number)))
            .collect();
        let restore = || kept.iter().for_each(|(number, lines)| put(data, *number, lines));
        let name = |number: u64| format!("trail-{number:010}.jsonl");
        let first = &kept[0].1;
        assert!(first.len() >= 4, "{first:?}");

        let mut edited = first.clone();
        edited[2] = edited[2].replace("Test", "Text");
        put(data, 1, &edited);
        assert_eq!(broken(data), (name(1), Some(3), Some(1)), "edited");
        restore();

        let mut removed = first.clone();
        removed.remove(2);
        put(data, 1, &removed);
        assert_eq!(broken(data), (name(1), Some(3), Some(1)), "removed");
        restore();

        let mut reordered = first.clone();
        reordered.swap(1, 2);
        put(data, 1, &reordered);
        assert_eq!(broken(data), (name(1), Some(2), Some(0)), "reordered");
        restore();

        put(data, 1, &first[..first.len() - 1]);
        assert_eq!(broken(data).0, name(2), "cut within: the next file does not follow");
        restore();

        let (newest, lines) = kept.last().unwrap();
        put(data, *newest, &lines[..lines.len() - 1]);
        assert_eq!(broken(data), (name(*newest), Some(lines.len() as u64), Some(8)), "cut");
        restore();

        let newest_path = files::path(&data.join(files::FOLDER), *newest);
        fs::remove_file(&newest_path).unwrap();
        assert_eq!(broken(data).0, name(*newest), "a file removed at the end");
        // A later life does not cover it up.
        life(data, 2);
        assert_eq!(broken(data).0, name(*newest));
    }

    #[test]
    fn the_note_of_the_end_cannot_be_made_by_others() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        life(data, 2);
        let path = data.join(files::FOLDER).join("head");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"sequence\":2", "\"sequence\":1")).unwrap();
        assert_eq!(broken(data).0, "head");
        fs::remove_file(&path).unwrap();
        assert_eq!(broken(data).0, "head");
    }
}
