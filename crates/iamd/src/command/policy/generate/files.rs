//! Files of an audit trail, read record by record: JSON lines as iamd writes them, or the files of
//! CloudTrail, `{"Records":[...]}`, which may be one line of many megabytes.

use std::cell::Cell;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::record::Record;
use crate::fault::Fault;

/// Longest record, in bytes.
// CHOICE: CloudTrail's have 256 KiB at most; one of iamd that deletes a thousand objects has more.
const RECORD_LENGTH_MAX: u64 = 4 * 1024 * 1024;

/// Most folders inside of each other; CloudTrail writes eight.
const FOLDERS_MAX: usize = 16;

/// The files that these paths name, those of folders by name.
///
/// # Errors
/// [`Fault::Refused`] for what cannot be read, for compressed files, and for folders without files.
pub(super) fn of(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Fault> {
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        add(path, FOLDERS_MAX, &mut files)?;
        if files.len() == before {
            return Err(Fault::Refused(format!(
                "`{}` holds no files of an audit trail (.json, .jsonl)",
                path.display()
            )));
        }
    }
    Ok(files)
}

/// INVARIANT: not deeper than `folders_left`.
fn add(path: &Path, folders_left: usize, files: &mut Vec<PathBuf>) -> Result<(), Fault> {
    if path.as_os_str() == "-" || !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let unreadable = |error: io::Error| unreadable(path, &error);
    if folders_left == 0 {
        return Err(Fault::Refused(format!("`{}` lies too deep", path.display())));
    }
    let entries: Result<Vec<PathBuf>, io::Error> =
        fs::read_dir(path).map_err(unreadable)?.map(|entry| Ok(entry?.path())).collect();
    let mut entries = entries.map_err(unreadable)?;
    entries.sort_unstable();
    for entry in entries {
        let extension = entry.extension().and_then(|extension| extension.to_str());
        match extension {
            _ if entry.is_dir() => add(&entry, folders_left - 1, files)?,
            Some("json" | "jsonl") => files.push(entry),
            Some("gz") => {
                return Err(Fault::Refused(format!(
                    "`{}` is compressed: unpack it first, as with gunzip",
                    entry.display()
                )));
            }
            Some(_) | None => {}
        }
    }
    Ok(())
}

/// Shows every record of a file to `sink`. Memory does not grow with the file. The last line of a file
/// that is still written may not be whole; it is left out.
///
/// # Errors
/// [`Fault::Refused`] for a file that cannot be read or is none of an audit trail.
pub(super) fn read(path: &Path, sink: &mut dyn FnMut(&Record)) -> Result<(), Fault> {
    let source: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path).map_err(|error| unreadable(path, &error))?),
    };
    read_from(source, sink).map_err(|error| match error.is_io() {
        true => Fault::Refused(format!("`{}` cannot be read: {error}", path.display())),
        false => Fault::Refused(format!("`{}` is no audit trail: {error}", path.display())),
    })
}

fn read_from(source: impl Read, sink: &mut dyn FnMut(&Record)) -> Result<(), serde_json::Error> {
    let left = Rc::new(Cell::new(RECORD_LENGTH_MAX));
    let source = BufReader::with_capacity(256 * 1024, source);
    let bounded = Bounded { source, left: Rc::clone(&left) };
    let mut deserializer = serde_json::Deserializer::from_reader(bounded);
    let mut is_first = true;
    loop {
        left.set(RECORD_LENGTH_MAX);
        if deserializer.end().is_ok() {
            return Ok(());
        }
        let item = Item { sink, left: &left, may_be_list: true };
        match item.deserialize(&mut deserializer) {
            Ok(()) => is_first = false,
            Err(error) if error.is_eof() && !is_first => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Fault {
    Fault::Refused(format!("`{}` cannot be read: {error}", path.display()))
}

/// A source that gives so many bytes for one record.
struct Bounded<R> {
    source: BufReader<R>,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::Error::other(format!(
                "a record is longer than {} MiB",
                RECORD_LENGTH_MAX / 1024 / 1024
            )));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.source.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.left.set(left.saturating_sub(read as u64));
        Ok(read)
    }
}

/// A record, or a list of records.
struct Item<'s, 'f> {
    sink: &'s mut (dyn FnMut(&Record) + 'f),
    left: &'s Cell<u64>,
    may_be_list: bool,
}

impl<'de> DeserializeSeed<'de> for Item<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Item<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a record of an audit trail")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut record = Record::default();
        // The first line of a file of iamd, and a list, are no records.
        let mut is_other = false;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "Records" if self.may_be_list => {
                    is_other = true;
                    map.next_value_seed(List { sink: &mut *self.sink, left: self.left })?;
                }
                "trail" => {
                    is_other |= record.is_empty();
                    map.next_value::<IgnoredAny>()?;
                }
                name => record.take(name, &mut map)?,
            }
        }
        if record.is_named() {
            (self.sink)(&record);
        } else if !is_other {
            return Err(A::Error::custom("an object is no record: it has no eventName"));
        }
        Ok(())
    }
}

/// The records of a file of CloudTrail.
struct List<'s, 'f> {
    sink: &'s mut (dyn FnMut(&Record) + 'f),
    left: &'s Cell<u64>,
}

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        loop {
            self.left.set(RECORD_LENGTH_MAX);
            let item = Item { sink: &mut *self.sink, left: self.left, may_be_list: false };
            if list.next_element_seed(item)?.is_none() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<String>, serde_json::Error> {
        let mut names = Vec::new();
        read_from(text.as_bytes(), &mut |record| names.push(record.event_name.clone()))?;
        Ok(names)
    }

    #[test]
    fn lines_and_lists_are_read_alike() {
        let lines = "{\"trail\":{\"file\":1}}\n{\"eventName\":\"A\",\"trail\":{}}\n\n{\"eventName\":\"B\"}\n";
        assert_eq!(names(lines).unwrap(), ["A", "B"]);
        let lists = "{\"Records\":[{\"eventName\":\"A\"},{\"eventName\":\"B\"}]}\n{\"Records\":[]}";
        assert_eq!(names(lists).unwrap(), ["A", "B"]);
        assert_eq!(names("").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_line_that_is_still_written_is_left_out_and_damage_is_not() {
        assert_eq!(names("{\"eventName\":\"A\"}\n{\"eventNa").unwrap(), ["A"]);
        for damaged in [
            "{\"eventNa",
            "{\"eventName\":\"A\"}\nx\n",
            "[1]",
            "{\"a\":1}",
            "{\"Records\":[{\"Records\":[]}]}",
            "{\"eventName\":\"A\"}\n{\"eventName\":1}",
        ] {
            assert!(names(damaged).is_err(), "{damaged}");
        }
    }

    #[test]
    fn records_are_bounded_and_files_are_not() {
        let record = format!("{{\"eventName\":\"{}\"}}", "x".repeat(1_000_000));
        let many = format!("{{\"Records\":[{}]}}", [record.as_str(); 10].join(","));
        assert_eq!(names(&many).unwrap().len(), 10);
        assert_eq!(names(&[record.as_str(); 10].join("\n")).unwrap().len(), 10);
        let long = format!("{{\"eventName\":\"{}\"}}", "x".repeat(5_000_000));
        assert!(names(&long).unwrap_err().is_io());
        assert!(names(&format!("{{\"Records\":[{long}]}}")).unwrap_err().is_io());
    }
}
