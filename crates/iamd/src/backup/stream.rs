//! A stream in sealed chunks.
//!
//! Each chunk is sealed with AES-256-GCM under the key of the file, which no other file has; the
//! nonce is the number of the chunk and whether it is the last. So chunks cannot be altered, left
//! out, put in another order, cut off at the end or taken from another file. This is the STREAM
//! construction of Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and
//! its Nonce-Reuse Misuse-Resistance", section 7.

use std::io::{BufRead, ErrorKind, Read, Write};

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use zeroize::Zeroizing;

use crate::fault::Fault;
use crate::keys::SealingKey;

/// Bytes in a chunk, unless it is the last.
pub(super) const CHUNK_LENGTH: usize = 64 * 1024;
/// Bytes of a tag.
pub(super) const TAG_LENGTH: usize = 16;
const SEALED_LENGTH: usize = CHUNK_LENGTH + TAG_LENGTH;

/// The key of a file: every byte before the chunks makes it another one.
///
/// # Errors
/// [`Fault::Bug`], which does not happen.
pub(super) fn file_key(
    master: &SealingKey,
    head: &[u8],
) -> Result<aws_lc_rs::aead::LessSafeKey, Fault> {
    master.backup_key(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, head).as_ref())
}

/// Seals what is written.
pub(super) struct Sealer<W> {
    out: W,
    key: LessSafeKey,
    chunk: Zeroizing<Vec<u8>>,
    number: u32,
    /// Bytes that have gone out.
    pub(super) length: u64,
}

impl<W: Write> Sealer<W> {
    /// Begins behind `start` bytes that have gone out already.
    pub(super) fn new(out: W, key: LessSafeKey, start: u64) -> Sealer<W> {
        let chunk = Zeroizing::new(Vec::with_capacity(SEALED_LENGTH));
        Sealer { out, key, chunk, number: 0, length: start }
    }

    /// # Errors
    /// [`Fault::Folder`] when nothing more can be written.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while !bytes.is_empty() {
            // Only now is it known that this chunk is not the last.
            if self.chunk.len() == CHUNK_LENGTH {
                self.seal(Place::Within)?;
            }
            let room = CHUNK_LENGTH - self.chunk.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Seals the last chunk; gives the length of everything.
    ///
    /// # Errors
    /// As [`Sealer::write`].
    pub(super) fn finish(mut self) -> Result<u64, Fault> {
        self.seal(Place::Last)?;
        self.out.flush().map_err(|error| unwritable(&error))?;
        Ok(self.length)
    }

    fn seal(&mut self, place: Place) -> Result<(), Fault> {
        let nonce = nonce(self.number, place);
        let sealed = self.key.seal_in_place_append_tag(nonce, Aad::empty(), &mut *self.chunk);
        sealed.map_err(|_| Fault::Bug("a chunk cannot be sealed".to_owned()))?;
        self.out.write_all(&self.chunk).map_err(|error| unwritable(&error))?;
        self.length += self.chunk.len() as u64;
        self.chunk.clear();
        self.number = self.number.checked_add(1).ok_or_else(|| {
            Fault::Refused("there is more than one backup can hold: 256 TiB".to_owned())
        })?;
        Ok(())
    }
}

/// What is written ended early.
pub(super) fn unwritable(error: &std::io::Error) -> Fault {
    Fault::Folder(format!("the backup cannot be written: {error}"))
}

/// Opens what is read.
pub(super) struct Opener<R> {
    input: R,
    key: LessSafeKey,
    /// The chunk that was opened last.
    chunk: Zeroizing<Vec<u8>>,
    /// What of it was read.
    taken: usize,
    number: u32,
    /// Where the next chunk begins in the file.
    offset: u64,
    is_over: bool,
}

impl<R: BufRead> Opener<R> {
    /// Begins at `start` bytes in the file.
    pub(super) fn new(input: R, key: LessSafeKey, start: u64) -> Opener<R> {
        let chunk = Zeroizing::new(Vec::with_capacity(SEALED_LENGTH));
        Opener { input, key, chunk, taken: 0, number: 0, offset: start, is_over: false }
    }

    /// Bytes of the file that were read.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Fills a buffer with what comes next.
    ///
    /// # Errors
    /// [`Fault::Refused`] that names the chunk that is not what was written.
    pub(super) fn read(&mut self, mut wanted: &mut [u8]) -> Result<(), Fault> {
        while !wanted.is_empty() {
            if self.rest().is_empty() {
                self.next()?;
            }
            let count = wanted.len().min(self.rest().len());
            let (now, later) = wanted.split_at_mut(count);
            now.copy_from_slice(self.rest().get(..count).unwrap_or_default());
            self.taken += count;
            wanted = later;
        }
        Ok(())
    }

    /// Whether everything was read.
    pub(super) fn is_at_end(&self) -> bool {
        self.is_over && self.rest().is_empty()
    }

    fn rest(&self) -> &[u8] {
        self.chunk.get(self.taken..).unwrap_or_default()
    }

    /// Reads and opens the next chunk.
    fn next(&mut self) -> Result<(), Fault> {
        if self.is_over {
            return Err(Fault::Refused("the backup ends before its content does".to_owned()));
        }
        self.chunk.clear();
        self.taken = 0;
        let read = self.input.by_ref().take(SEALED_LENGTH as u64).read_to_end(&mut self.chunk);
        read.map_err(|error| unreadable(&error))?;
        let place = if self.is_end_of_input()? { Place::Last } else { Place::Within };
        let length = self.chunk.len();
        if self.opened(place) {
            self.offset += length as u64;
            self.number = self.number.saturating_add(1);
            self.is_over = place == Place::Last;
            return Ok(());
        }
        let where_it_is = format!("chunk {} of the backup (at byte {})", self.number, self.offset);
        Err(Fault::Refused(match place {
            Place::Last => format!(
                "{where_it_is} was altered, is not of this file, or the rest of the file is missing; use another backup"
            ),
            Place::Within => format!(
                "{where_it_is} was altered, is not of this file, or is not in its place; use another backup"
            ),
        }))
    }

    fn opened(&mut self, place: Place) -> bool {
        let nonce = nonce(self.number, place);
        let opened = self.key.open_in_place(nonce, Aad::empty(), &mut self.chunk);
        let Ok(length) = opened.map(|content| content.len()) else { return false };
        self.chunk.truncate(length);
        // Only the last may be short, so that there is one way to write a backup.
        length == CHUNK_LENGTH || (place == Place::Last && length > 0)
    }

    fn is_end_of_input(&mut self) -> Result<bool, Fault> {
        loop {
            match self.input.fill_buf() {
                Ok(buffer) => return Ok(buffer.is_empty()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(&error)),
            }
        }
    }
}

/// The input cannot be read.
pub(super) fn unreadable(error: &std::io::Error) -> Fault {
    Fault::Folder(format!("the backup cannot be read: {error}"))
}

/// Where a chunk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Within,
    Last,
}

/// The number of the chunk in bytes 7 to 10, and whether it is the last in byte 11.
fn nonce(number: u32, place: Place) -> Nonce {
    let [a, b, c, d] = number.to_be_bytes();
    let nonce: [u8; NONCE_LEN] = [0, 0, 0, 0, 0, 0, 0, a, b, c, d, u8::from(place == Place::Last)];
    Nonce::assume_unique_for_key(nonce)
}
