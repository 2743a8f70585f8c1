//! The change log as bytes: one entry a commit, so that a commit is delivered whole or not at all.

use std::collections::VecDeque;

use minicbor::{Decoder, Encoder, decode, encode};

use super::fault::damaged;
use crate::{AccountCommit, AccountId, Change, Revision, Row, RowKey, StoreError};

/// Encodes a commit that is about to happen.
pub(super) fn pack(list: &[AccountCommit]) -> Result<Vec<u8>, StoreError> {
    let content: usize =
        list.iter().flat_map(|commit| &commit.puts).map(|row| row.bytes.len()).sum();
    let mut encoder = Encoder::new(Vec::with_capacity(content + 64 * list.len()));
    // Writing into memory does not fail; the type system does not know.
    write(&mut encoder, list).map_err(|error| StoreError::Invalid { reason: error.to_string() })?;
    Ok(encoder.into_writer())
}

/// Decodes an entry whose checksum was right.
pub(super) fn unpack(payload: &[u8]) -> Result<Vec<Change>, StoreError> {
    read(&mut Decoder::new(payload)).map_err(|error| damaged(format!("change log: {error}")))
}

/// How long the entries of the log are, oldest first: what trimming needs to know.
#[derive(Clone, Debug, Default)]
pub(super) struct Lengths {
    entries: VecDeque<(u64, usize)>,
    bytes: usize,
}

impl Lengths {
    pub(super) fn extend(&mut self, entries: impl IntoIterator<Item = (u64, usize)>) {
        for (sequence, bytes) in entries {
            self.bytes = self.bytes.saturating_add(bytes);
            self.entries.push_back((sequence, bytes));
        }
    }

    /// The newest entry: the place of the feed.
    pub(super) fn newest(&self) -> u64 {
        self.entries.back().map_or(0, |(sequence, _)| *sequence)
    }

    /// The sequence number up to which the log is to be forgotten so that it stays within its
    /// bounds: seldom and then an eighth at once. The newest entry always stays, since it holds
    /// the place of the feed.
    pub(super) fn excess(&self, commits_max: usize, bytes_max: usize) -> Option<u64> {
        if self.entries.len() <= commits_max && self.bytes <= bytes_max {
            return None;
        }
        let (commits_kept, bytes_kept) = (commits_max - commits_max / 8, bytes_max - bytes_max / 8);
        let mut commits = self.entries.len();
        let mut bytes = self.bytes;
        let mut forgotten = None;
        for (sequence, length) in &self.entries {
            if commits <= 1 || (commits <= commits_kept && bytes <= bytes_kept) {
                break;
            }
            commits -= 1;
            bytes = bytes.saturating_sub(*length);
            forgotten = Some(*sequence);
        }
        forgotten
    }

    pub(super) fn forget(&mut self, up_to: u64) {
        while let Some((sequence, length)) = self.entries.front()
            && *sequence <= up_to
        {
            self.bytes = self.bytes.saturating_sub(*length);
            self.entries.pop_front();
        }
    }
}

type Written = Result<(), encode::Error<std::convert::Infallible>>;

fn write(encoder: &mut Encoder<Vec<u8>>, list: &[AccountCommit]) -> Written {
    encoder.array(list.len() as u64)?;
    for commit in list {
        encoder.array(5)?.u64(commit.account.0)?.u64(commit.expected.next().0)?;
        encoder.array(commit.puts.len() as u64)?;
        for row in &commit.puts {
            encoder.array(3)?.u16(row.key.kind)?.str(&row.key.id)?.bytes(&row.bytes)?;
        }
        encoder.array(commit.removes.len() as u64)?;
        for key in &commit.removes {
            encoder.array(2)?.u16(key.kind)?.str(&key.id)?;
        }
        encoder.bytes(&commit.seal)?;
    }
    Ok(())
}

fn read(decoder: &mut Decoder<'_>) -> Result<Vec<Change>, decode::Error> {
    let mut changes = Vec::new();
    for _ in 0..length(decoder)? {
        exactly(decoder, 5)?;
        let account = AccountId(decoder.u64()?);
        let revision = Revision(decoder.u64()?);
        let mut puts = Vec::new();
        for _ in 0..length(decoder)? {
            exactly(decoder, 3)?;
            puts.push(Row::new(key(decoder)?, decoder.bytes()?));
        }
        let mut removes = Vec::new();
        for _ in 0..length(decoder)? {
            exactly(decoder, 2)?;
            removes.push(key(decoder)?);
        }
        let seal = decoder.bytes()?.to_vec();
        changes.push(Change { account, revision, puts, removes, seal });
    }
    Ok(changes)
}

fn key(decoder: &mut Decoder<'_>) -> Result<RowKey, decode::Error> {
    Ok(RowKey::new(decoder.u16()?, decoder.str()?))
}

fn exactly(decoder: &mut Decoder<'_>, expected: u64) -> Result<(), decode::Error> {
    match length(decoder)? {
        found if found == expected => Ok(()),
        _ => Err(decode::Error::message("array of another length")),
    }
}

fn length(decoder: &mut Decoder<'_>) -> Result<u64, decode::Error> {
    decoder.array()?.ok_or_else(|| decode::Error::message("array without a length"))
}
