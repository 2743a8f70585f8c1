//! The file of a form, as it comes.

use memchr::memmem;

use super::fields::check_end;
use super::{FIELDS_LENGTH_MAX, malformed, too_long};
use crate::route::S3Error;

/// What stands behind the last boundary: two dashes and the end of the line.
const CLOSING_LENGTH: usize = 4;

/// Reads a file up to the boundary behind it.
#[derive(Debug)]
pub struct FileReader {
    delimiter: Vec<u8>,
    /// The end of what has come, where it could be the beginning of the boundary.
    held: Vec<u8>,
    /// What follows the boundary; none before it.
    after: Option<Vec<u8>>,
    length: u64,
}

impl FileReader {
    pub(super) fn new(delimiter: Vec<u8>) -> FileReader {
        FileReader { delimiter, held: Vec::new(), after: None, length: 0 }
    }

    /// How many bytes follow the file in a form that ends with it, and with the end of a line.
    pub fn closing_length(&self) -> usize {
        self.delimiter.len() + CLOSING_LENGTH
    }

    /// How many bytes the file has, as far as it has come.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whether the boundary behind the file has come.
    pub fn is_over(&self) -> bool {
        self.after.is_some()
    }

    /// Takes in the next bytes, and hands those of the file on, in order.
    ///
    /// # Errors
    /// For too much behind the file.
    pub fn push(&mut self, piece: &[u8], mut data: impl FnMut(&[u8])) -> Result<(), S3Error> {
        let mut length = self.length;
        let mut counted = |part: &[u8]| {
            if !part.is_empty() {
                length = length.saturating_add(part.len() as u64);
                data(part);
            }
        };
        let rest = self.of_held(piece, &mut counted);
        let rest = self.of_piece(rest, &mut counted);
        self.length = length;
        let Some(after) = &mut self.after else { return Ok(()) };
        if after.len() + rest.len() > FIELDS_LENGTH_MAX {
            return Err(too_long());
        }
        after.extend_from_slice(rest);
        Ok(())
    }

    /// Finds out what becomes of the bytes that were held; gives what is left of the piece.
    fn of_held<'p>(&mut self, piece: &'p [u8], data: &mut impl FnMut(&[u8])) -> &'p [u8] {
        let mut rest = piece;
        while !self.held.is_empty() && !rest.is_empty() {
            let missing = self.delimiter.len() - self.held.len();
            let (more, left) = rest.split_at_checked(missing).unwrap_or((rest, &[]));
            self.held.extend_from_slice(more);
            rest = left;
            if self.held == self.delimiter {
                self.held.clear();
                self.after = Some(Vec::new());
                return rest;
            }
            let whole = self.held.len();
            let kept = if self.delimiter.starts_with(&self.held) {
                whole
            } else {
                overlap(&self.held, &self.delimiter)
            };
            data(self.held.get(..whole - kept).unwrap_or_default());
            self.held.drain(..whole - kept);
        }
        rest
    }

    /// Finds the boundary in a piece before which nothing is held; gives what follows it.
    fn of_piece<'p>(&mut self, piece: &'p [u8], data: &mut impl FnMut(&[u8])) -> &'p [u8] {
        if self.after.is_some() || piece.is_empty() {
            return piece;
        }
        if let Some(end) = memmem::find(piece, &self.delimiter) {
            data(piece.get(..end).unwrap_or_default());
            self.after = Some(Vec::new());
            return piece.get(end + self.delimiter.len()..).unwrap_or_default();
        }
        let end = piece.len() - overlap(piece, &self.delimiter);
        data(piece.get(..end).unwrap_or_default());
        self.held.extend_from_slice(piece.get(end..).unwrap_or_default());
        &[]
    }

    /// Says that the form has ended.
    ///
    /// # Errors
    /// S3's answer to a form that does not end as forms do, and to one with another file.
    pub fn finish(&self) -> Result<(), S3Error> {
        let after = self.after.as_ref().ok_or_else(malformed)?;
        check_end(&self.delimiter, after)
    }
}

/// How many of the last bytes can be the beginning of the delimiter, all of it left out.
fn overlap(bytes: &[u8], delimiter: &[u8]) -> usize {
    let most = bytes.len().min(delimiter.len() - 1);
    let tail = bytes.get(bytes.len() - most..).unwrap_or_default();
    // It begins with the end of a line, which is nowhere else in it.
    let place = memchr::memrchr(b'\r', tail);
    let end = place.and_then(|place| tail.get(place..)).unwrap_or_default();
    if delimiter.starts_with(end) { end.len() } else { 0 }
}
