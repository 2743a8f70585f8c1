//! Looks events up, the newest first, with a bounded amount of work for a page.
//!
//! The files are summed up block by block: of a block whose filter does not have what is looked for,
//! only the filter is read.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::files;
use super::line::record_of;
use super::summary::{Attribute, BLOCK_BYTES_MAX, Facts, SUMMARY_LENGTH, Summary};

/// Most blocks that a page reads.
const BLOCKS_MAX: usize = 64;
/// Most summaries that a page looks at.
const SUMMARIES_MAX: usize = 16_384;
/// Longest block that is read, in bytes: a full one, and the longest record.
const BLOCK_LENGTH_MAX: u64 = BLOCK_BYTES_MAX + 512 * 1024;
/// How much later than it happened an event may be written, in seconds.
// CHOICE: notes wait for seconds; records of the store for as long as the server was not there.
const LATENESS_MAX: i64 = 86_400;

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Query {
    /// Whose events.
    pub account: String,
    /// Not before, in seconds since 1970.
    pub since: i64,
    /// Not after.
    pub until: i64,
    /// The value that they have.
    pub wanted: Option<(Attribute, String)>,
    /// Most events.
    pub most: usize,
    /// Only what stands before this place.
    pub before: Option<Place>,
}

/// A place in the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The number of the file.
    pub file: u64,
    /// The byte in it.
    pub offset: u64,
}

/// A page of what was found.
#[derive(Debug, Default)]
pub struct Page {
    /// The records, the newest first.
    pub records: Vec<String>,
    /// Before which place there may be more.
    pub next: Option<Place>,
}

/// Reads one page.
///
/// # Errors
/// What the folder answers.
pub fn lookup(data: &Path, query: &Query) -> io::Result<Page> {
    let folder = data.join(files::FOLDER);
    let mut search = Search {
        query,
        page: Page::default(),
        blocks_left: BLOCKS_MAX,
        summaries_left: SUMMARIES_MAX,
    };
    for number in files::numbers(&folder)?.into_iter().rev() {
        let end = match query.before {
            Some(before) if number > before.file => continue,
            Some(before) if number == before.file => before.offset,
            Some(_) | None => u64::MAX,
        };
        if search.file(&folder, number, end)?.is_break() {
            break;
        }
    }
    Ok(search.page)
}

struct Search<'a> {
    query: &'a Query,
    page: Page,
    blocks_left: usize,
    summaries_left: usize,
}

type Flow = std::ops::ControlFlow<()>;

impl Search<'_> {
    /// Searches a file from this place backwards.
    fn file(&mut self, folder: &Path, number: u64, end: u64) -> io::Result<Flow> {
        let mut file = match File::open(files::path(folder, number)) {
            Ok(file) => file,
            // It was forgotten meanwhile, and all before it were.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Flow::Break(())),
            Err(error) => return Err(error),
        };
        let summaries = summaries(folder, number)?;
        // What comes behind the last summary is not summed up yet.
        let rest = match summaries.last() {
            Some(last) => last.offset.saturating_add(last.length),
            None => 0,
        };
        let length = file.metadata()?.len().saturating_sub(rest);
        if length > 0 && rest < end {
            let flow = self.block(&mut file, number, (rest, length), end)?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        for summary in summaries.iter().rev().filter(|summary| summary.offset < end) {
            if self.summaries_left == 0 {
                return Ok(self.pause(number, summary.offset.saturating_add(summary.length)));
            }
            self.summaries_left -= 1;
            if summary.last.saturating_add(LATENESS_MAX) < self.query.since {
                return Ok(Flow::Break(()));
            }
            if !self.may_hold(summary) {
                continue;
            }
            let flow = self.block(&mut file, number, (summary.offset, summary.length), end)?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(Flow::Continue(()))
    }

    fn may_hold(&self, summary: &Summary) -> bool {
        let Query { account, since, until, wanted, .. } = self.query;
        let wanted = wanted.as_ref().map(|(attribute, value)| (*attribute, value.as_str()));
        summary.last >= *since && summary.first <= *until && summary.may_hold(account, wanted)
    }

    /// Searches a block backwards.
    fn block(
        &mut self,
        file: &mut File,
        number: u64,
        (offset, length): (u64, u64),
        end: u64,
    ) -> io::Result<Flow> {
        if self.blocks_left == 0 {
            return Ok(self.pause(number, offset.saturating_add(length).min(end)));
        }
        self.blocks_left -= 1;
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(offset))?;
        file.take(length.min(BLOCK_LENGTH_MAX)).read_to_end(&mut bytes)?;
        let mut lines = Vec::new();
        let mut place = offset;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if place < end && line.ends_with(b"\n") {
                lines.push((place, line.strip_suffix(b"\n").unwrap_or(line)));
            }
            place = place.saturating_add(line.len() as u64);
        }
        for (place, line) in lines.into_iter().rev() {
            if self.page.records.len() >= self.query.most {
                // The line after this one was the last that was taken.
                return Ok(self.pause(number, place.saturating_add(line.len() as u64 + 1)));
            }
            if !Facts::of(line).is_some_and(|facts| self.admits(&facts)) {
                continue;
            }
            let record = std::str::from_utf8(line).ok().and_then(record_of);
            self.page.records.extend(record);
        }
        Ok(Flow::Continue(()))
    }

    fn admits(&self, facts: &Facts<'_>) -> bool {
        let Query { account, since, until, wanted, .. } = self.query;
        facts.account == *account
            && (*since..=*until).contains(&facts.time.seconds())
            && wanted.as_ref().is_none_or(|(attribute, value)| facts.has(*attribute, value))
    }

    /// Ends the page; the next one goes on before this place.
    fn pause(&mut self, file: u64, offset: u64) -> Flow {
        self.page.next = Some(Place { file, offset });
        Flow::Break(())
    }
}

/// The summaries of a file, as far as they are whole.
fn summaries(folder: &Path, number: u64) -> io::Result<Vec<Summary>> {
    let bytes = match fs::read(files::index_path(folder, number)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    Ok(bytes.chunks_exact(SUMMARY_LENGTH).filter_map(Summary::from_bytes).collect())
}
