//! The anchor: what is remembered of the data outside of the database.
//!
//! A database that was put back to an older state, whole or one account with its ledger, is right in
//! itself. The anchor, a file in the data folder, has the revision of each account, sealed under the
//! master key; an account that is older now was put back. The anchor itself may be older than the
//! data: it is written now and then, and a crash may come between.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use iamd_core::account_id::AccountId;
use iamd_store::Revision;
use minicbor::{Decoder, Encoder};

use super::sealing::SealingKey;
use crate::fault::Fault;

/// Name of the file in the data folder.
pub const ANCHOR_FILE: &str = "anchor";

const MAGIC: &[u8] = b"iamd-anchor-1\n";
/// Largest file, in bytes: that of ten million accounts is smaller.
const LENGTH_MAX: u64 = 256 * 1024 * 1024;
/// Most copies in one file: under the old master key and the new one.
const COPIES_MAX: usize = 2;
/// Most accounts that a refusal names.
const NAMED_MAX: usize = 5;

/// The revisions of all accounts at one moment, by account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor(Vec<(u64, u64)>);

impl Anchor {
    /// The anchor of these revisions.
    pub fn of(revisions: impl IntoIterator<Item = (AccountId, Revision)>) -> Anchor {
        let numbers = |(account, revision): (AccountId, Revision)| (account.number(), revision.0);
        let mut numbers: Vec<(u64, u64)> = revisions.into_iter().map(numbers).collect();
        numbers.sort_unstable();
        Anchor(numbers)
    }

    /// Reads the anchor of a folder; none if there is no file.
    ///
    /// # Errors
    /// [`Fault::Folder`] when the file cannot be read, was altered, or is of another master key.
    pub fn read(folder: &Path, master: &SealingKey) -> Result<Option<Anchor>, Fault> {
        let path = path(folder);
        let fault = |what: &str| {
            Fault::Folder(format!(
                "the anchor {} {what}; put it back from where you keep it, or remove it if the data is known to be right",
                path.display()
            ))
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fault(&format!("cannot be read: {error}"))),
        };
        let mut bytes = Vec::new();
        let read = file.take(LENGTH_MAX).read_to_end(&mut bytes);
        read.map_err(|error| fault(&format!("cannot be read: {error}")))?;
        opened(&bytes, master)
            .map(Some)
            .ok_or_else(|| fault("was altered, or belongs to another master key"))
    }

    /// Writes the anchor, sealed once under each of these master keys, in the place of the old one:
    /// the file is whole at every moment, private, and on disk when this returns. Blocks.
    ///
    /// # Errors
    /// [`Fault::Folder`] when it cannot be written.
    pub fn write(&self, folder: &Path, masters: &[&SealingKey]) -> Result<(), Fault> {
        let mut bytes = MAGIC.to_vec();
        for master in masters {
            let sealed = master.seal_anchor(self.to_bytes()?)?;
            let length = u32::try_from(sealed.len())
                .map_err(|_| Fault::Bug("an anchor is too long".to_owned()))?;
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(&sealed);
        }
        let path = path(folder);
        let unfinished = path.with_extension("new");
        let write = || {
            let mut options = OpenOptions::new();
            let mut file =
                options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            std::fs::rename(&unfinished, &path)?;
            File::open(folder)?.sync_all()
        };
        write().map_err(|error: std::io::Error| {
            Fault::Folder(format!("the anchor {} cannot be written: {error}", path.display()))
        })
    }

    /// Whether no account is older now than it was already.
    ///
    /// # Errors
    /// [`Fault::Damaged`] that names accounts, with both revisions.
    pub fn check(&self, now: impl Fn(AccountId) -> Revision) -> Result<(), Fault> {
        let older = self.0.iter().filter_map(|(account, seen)| {
            let account = AccountId::from_stored(*account)?;
            let now = now(account);
            (now < Revision(*seen)).then_some((account, now, Revision(*seen)))
        });
        let older: Vec<_> = older.collect();
        if older.is_empty() {
            return Ok(());
        }
        let named = older.iter().take(NAMED_MAX).map(|(account, now, seen)| {
            format!("account {account} is at revision {now} and was at {seen} already")
        });
        let mut named = named.collect::<Vec<_>>().join(", ");
        if older.len() > NAMED_MAX {
            named.push_str(&format!(", and {} more", older.len() - NAMED_MAX));
        }
        Err(Fault::Damaged(format!(
            "it is older than it was: {named}; put the newer state back, or remove the file `{ANCHOR_FILE}` in the data folder if the older state is wanted"
        )))
    }

    fn to_bytes(&self) -> Result<Vec<u8>, Fault> {
        let mut encoder = Encoder::new(Vec::with_capacity(8 + self.0.len() * 8));
        let written = (|| {
            encoder.array(2 * self.0.len() as u64)?;
            let mut last = 0_u64;
            for (account, revision) in &self.0 {
                // Differences are short, and there may be millions.
                encoder.u64(account.saturating_sub(last))?.u64(*revision)?;
                last = *account;
            }
            Ok::<(), minicbor::encode::Error<std::convert::Infallible>>(())
        })();
        written.map_err(|error| Fault::Bug(format!("an anchor cannot be written: {error}")))?;
        Ok(encoder.into_writer())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Anchor> {
        let mut decoder = Decoder::new(bytes);
        let pairs = decoder.array().ok()?? / 2;
        let mut numbers = Vec::new();
        let mut last = 0_u64;
        for _ in 0..pairs {
            last = last.checked_add(decoder.u64().ok()?)?;
            numbers.push((last, decoder.u64().ok()?));
        }
        Some(Anchor(numbers))
    }
}

/// Whether a folder has an anchor.
pub fn exists(folder: &Path) -> bool {
    path(folder).exists()
}

/// Forgets what was remembered of the data of a folder, for a state that is put back on purpose; the
/// next start remembers what it finds.
///
/// # Errors
/// [`Fault::Folder`] when the file cannot be removed.
#[cfg_attr(not(test), expect(dead_code, reason = "what restores a backup calls it"))]
pub fn forget(folder: &Path) -> Result<(), Fault> {
    let path = path(folder);
    let removed = match std::fs::remove_file(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        outcome => outcome.and_then(|()| File::open(folder)?.sync_all()),
    };
    removed.map_err(|error| {
        Fault::Folder(format!("the anchor {} cannot be removed: {error}", path.display()))
    })
}

fn path(folder: &Path) -> PathBuf {
    folder.join(ANCHOR_FILE)
}

fn opened(bytes: &[u8], master: &SealingKey) -> Option<Anchor> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    for _ in 0..COPIES_MAX {
        let (length, more) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (sealed, more) = more.split_at_checked(length)?;
        if let Some(content) = master.open_anchor(sealed) {
            return Anchor::from_bytes(&content);
        }
        rest = more;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn account(number: u64) -> AccountId {
        AccountId::from_stored(number).unwrap()
    }

    fn anchor(revisions: &[(u64, u64)]) -> Anchor {
        Anchor::of(revisions.iter().map(|(number, at)| (account(*number), Revision(*at))))
    }

    #[test]
    fn an_anchor_comes_back_under_each_of_its_master_keys_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let key = |byte| SealingKey::master(&[byte; 32]).unwrap();
        assert_eq!(Anchor::read(folder.path(), &key(1)), Ok(None));
        let written = anchor(&[(999_999_999_999, 1 << 40), (7, 3), (8, u64::MAX)]);
        written.write(folder.path(), &[&key(1), &key(2)]).unwrap();
        let path = path(folder.path());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for byte in [1, 2] {
            assert_eq!(Anchor::read(folder.path(), &key(byte)), Ok(Some(written.clone())));
        }
        let other = Anchor::read(folder.path(), &key(3)).unwrap_err().to_string();
        assert!(other.contains("another master key"), "{other}");
        let bytes = std::fs::read(&path).unwrap();
        for place in 0..bytes.len() / 2 {
            let mut altered = bytes.clone();
            altered[place] ^= 1;
            assert_eq!(opened(&altered, &key(1)), None, "{place}");
            assert_eq!(opened(&bytes[..place], &key(1)), None);
        }
        forget(folder.path()).unwrap();
        forget(folder.path()).unwrap();
        assert_eq!(Anchor::read(folder.path(), &key(1)), Ok(None));
    }

    #[test]
    fn only_an_account_that_is_older_is_refused_and_named() {
        let then = anchor(&[(7, 3), (8, 5)]);
        let at = |seven, eight| {
            then.check(|account| Revision(if account.number() == 7 { seven } else { eight }))
        };
        assert_eq!((at(3, 5), at(4, 900)), (Ok(()), Ok(())));
        let said = at(9, 4).unwrap_err().to_string();
        assert!(said.contains("account 000000000008 is at revision 4 and was at 5"), "{said}");
        assert!(!said.contains("000000000007"), "{said}");
        let gone = at(0, 0).unwrap_err().to_string();
        assert!(gone.contains("000000000007 is at revision 0 and was at 3"), "{gone}");
    }
}
