//! The log of records of an account: each record carries the digest of its predecessor, and the
//! account's ledger that of the last one.
//!
//! Records are sealed, so that whoever can write to the database can neither read nor make one. The
//! chain tells one that is missing, in another place or cut off.

use iamd_core::account_id::AccountId;
use minicbor::{Decode, Encode};

use super::keyring::Keyring;
use super::sealing::SealingKey;
use crate::fault::Fault;

/// Bytes of a digest (SHA-256).
const DIGEST_LENGTH: usize = 32;

/// Where a log stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct LogHead {
    /// The number of the last record; 0 if there is none.
    #[n(0)]
    pub last: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    digest: [u8; DIGEST_LENGTH],
    /// Up to which number records may have been forgotten.
    #[n(2)]
    pub forgotten: u64,
}

impl LogHead {
    /// Appends a record, and gives what is stored of it.
    ///
    /// # Errors
    /// [`Fault`] without entropy.
    pub fn append(
        &mut self,
        with: &SealingKey,
        account: AccountId,
        record: &str,
    ) -> Result<Vec<u8>, Fault> {
        let number = self.last.saturating_add(1);
        let mut content = Vec::with_capacity(DIGEST_LENGTH + record.len() + 64);
        content.extend_from_slice(&self.digest);
        content.extend_from_slice(record.as_bytes());
        self.digest = digest(account, number, &content);
        self.last = number;
        with.seal_record(account, number, content)
    }
}

/// A record by itself, without a look at the others; none if it was altered, moved, or sealed with a
/// key that is not there.
pub fn open_record(
    keyring: &Keyring,
    account: AccountId,
    number: u64,
    sealed: &[u8],
) -> Option<String> {
    let content = keyring.of_sealed(account, sealed)?.open_record(account, number, sealed)?;
    let record = content.get(DIGEST_LENGTH..)?;
    std::str::from_utf8(record).ok().map(str::to_owned)
}

/// Covers the predecessor's digest, which the content begins with.
fn digest(account: AccountId, number: u64, content: &[u8]) -> [u8; DIGEST_LENGTH] {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    context.update(&account.number().to_be_bytes());
    context.update(&number.to_be_bytes());
    context.update(content);
    let mut digest = [0; DIGEST_LENGTH];
    digest.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    digest
}

fn is_same(one: &[u8; DIGEST_LENGTH], other: &[u8; DIGEST_LENGTH]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogBreak {
    /// The record of this number is not there.
    Missing(u64),
    /// The record of this number was altered, moved, or sealed with another key.
    Altered(u64),
    /// The record of this number does not follow the one before it.
    Unchained(u64),
    /// Records are there that the account knows nothing of, from this number on.
    Extra(u64),
}

impl std::fmt::Display for LogBreak {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LogBreak::Missing(number) => write!(formatter, "record {number} is missing"),
            LogBreak::Altered(number) => {
                write!(formatter, "record {number} was altered or moved here")
            }
            LogBreak::Unchained(number) => {
                write!(formatter, "record {number} does not follow the one before it")
            }
            LogBreak::Extra(number) => {
                write!(formatter, "record {number} is one too many")
            }
        }
    }
}

/// Reads a log from its first record on, and proves it.
pub struct LogReader<'k> {
    keyring: &'k Keyring,
    account: AccountId,
    head: LogHead,
    /// The number and digest of the record read last.
    read: Option<(u64, [u8; DIGEST_LENGTH])>,
}

impl<'k> LogReader<'k> {
    /// A reader of an account's log that stands there.
    pub fn new(keyring: &'k Keyring, account: AccountId, head: LogHead) -> LogReader<'k> {
        LogReader { keyring, account, head, read: None }
    }

    /// Reads the next record.
    ///
    /// # Errors
    /// [`LogBreak`]
    pub fn next(&mut self, number: u64, sealed: &[u8]) -> Result<String, LogBreak> {
        if number > self.head.last {
            return Err(LogBreak::Extra(number));
        }
        let is_next = match &self.read {
            Some((last, _)) => number == last.saturating_add(1),
            None => number <= self.head.forgotten.saturating_add(1),
        };
        if !is_next {
            let first = self.head.forgotten.saturating_add(1);
            let missing = self.read.as_ref().map_or(first, |(last, _)| last.saturating_add(1));
            return Err(LogBreak::Missing(missing));
        }
        let (record, before, after) = self.opened(number, sealed)?;
        if self.read.as_ref().is_some_and(|(_, digest)| !is_same(digest, &before)) {
            return Err(LogBreak::Unchained(number));
        }
        self.read = Some((number, after));
        Ok(record)
    }

    /// Says that no more records are there.
    ///
    /// # Errors
    /// [`LogBreak`] if there must be more.
    pub fn finish(&self) -> Result<(), LogBreak> {
        match &self.read {
            None if self.head.last == 0 => Ok(()),
            // The store never forgets the last one.
            None => {
                Err(LogBreak::Missing(self.head.forgotten.saturating_add(1).min(self.head.last)))
            }
            Some((last, _)) if *last < self.head.last => {
                Err(LogBreak::Missing(last.saturating_add(1)))
            }
            Some((_, digest)) if is_same(digest, &self.head.digest) => Ok(()),
            Some((last, _)) => Err(LogBreak::Unchained(*last)),
        }
    }

    fn opened(
        &self,
        number: u64,
        sealed: &[u8],
    ) -> Result<(String, [u8; DIGEST_LENGTH], [u8; DIGEST_LENGTH]), LogBreak> {
        let altered = || LogBreak::Altered(number);
        let with = self.keyring.of_sealed(self.account, sealed).ok_or_else(altered)?;
        let content = with.open_record(self.account, number, sealed).ok_or_else(altered)?;
        let (before, record) = content.split_first_chunk().ok_or_else(altered)?;
        let record = std::str::from_utf8(record).map_err(|_| altered())?;
        Ok((record.to_owned(), *before, digest(self.account, number, &content)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::keys::KeyRow;

    fn keyring() -> Keyring {
        let master = Arc::new(SealingKey::new(1, &[9; 32]).unwrap());
        Keyring::new(master, &KeyRow::first(0).unwrap()).unwrap()
    }

    fn outcome(
        keyring: &Keyring,
        head: &LogHead,
        account: AccountId,
        records: &[(u64, Vec<u8>)],
    ) -> Result<Vec<String>, LogBreak> {
        let mut reader = LogReader::new(keyring, account, head.clone());
        let read = records.iter().map(|(number, sealed)| reader.next(*number, sealed));
        let read: Vec<String> = read.collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(read)
    }

    #[test]
    fn a_log_is_read_whole_or_its_break_is_named() {
        let keyring = keyring();
        let account = AccountId::from_number(7).unwrap();
        let other = AccountId::from_number(8).unwrap();
        let with = keyring.sealing(account).unwrap();
        let (mut head, mut foreign) = (LogHead::default(), LogHead::default());
        let mut records = Vec::new();
        let mut heads = vec![head.clone()];
        for number in 1..=5_u64 {
            let sealed = head.append(with, account, &format!("record {number}")).unwrap();
            records.push((number, sealed));
            heads.push(head.clone());
        }
        let read = |records: &[(u64, Vec<u8>)]| outcome(&keyring, &head, account, records);
        assert_eq!(read(&records).unwrap()[4], "record 5");
        assert_eq!(read(&records[..4]), Err(LogBreak::Missing(5)), "cut");
        assert_eq!(read(&[]), Err(LogBreak::Missing(1)), "emptied");
        assert_eq!(read(&records[1..]), Err(LogBreak::Missing(1)), "without its first");
        let mut changed = records.clone();
        changed.remove(2);
        assert_eq!(read(&changed), Err(LogBreak::Missing(3)), "removed");
        let mut changed = records.clone();
        changed[2].1[50] ^= 1;
        assert_eq!(read(&changed), Err(LogBreak::Altered(3)), "edited");
        let mut changed = records.clone();
        changed[2].1 = records[3].1.clone();
        assert_eq!(read(&changed), Err(LogBreak::Altered(3)), "moved");
        let mut changed = records.clone();
        changed[0].1 = foreign.append(with, other, "record 1").unwrap();
        assert_eq!(read(&changed), Err(LogBreak::Altered(1)), "of another account");
        let mut forked = heads[2].clone();
        let mut changed = records.clone();
        changed[2].1 = forked.append(with, account, "another history").unwrap();
        assert_eq!(read(&changed), Err(LogBreak::Unchained(4)), "of another history");
        let older = outcome(&keyring, &heads[4], account, &records);
        assert_eq!(older, Err(LogBreak::Extra(5)));
        assert_eq!(outcome(&keyring, &LogHead::default(), account, &[]), Ok(vec![]));
    }

    #[test]
    fn what_was_forgotten_on_purpose_is_not_missed() {
        let keyring = keyring();
        let account = AccountId::from_number(7).unwrap();
        let with = keyring.sealing(account).unwrap();
        let mut head = LogHead::default();
        let records: Vec<(u64, Vec<u8>)> =
            (1..=4).map(|number| (number, head.append(with, account, "record").unwrap())).collect();
        head.forgotten = 2;
        assert!(outcome(&keyring, &head, account, &records[2..]).is_ok());
        // A crash may come between saying so and doing it.
        assert!(outcome(&keyring, &head, account, &records[1..]).is_ok());
        let more = outcome(&keyring, &head, account, &records[3..]);
        assert_eq!(more, Err(LogBreak::Missing(3)));
    }
}
