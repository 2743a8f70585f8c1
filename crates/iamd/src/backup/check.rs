//! Proving that a backup holds what was written: every row and every ledger opens.

use std::cell::OnceCell;
use std::io::BufRead;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use iamd_core::account_id::AccountId;
use iamd_core::record::{RecordKey, kind};
use iamd_core::state::Entity;
use iamd_store::Revision;
use serde::Serialize;

use super::format::{Counts, FILES, Item, hexadecimal};
use super::read::Reader;
use super::write::is_real;
use crate::fault::Fault;
use crate::keys::{KeyRow, Keyring, Ledger, LogBreak, LogReader, SealingKey};
use crate::operator::{Progress, Step};

/// Items between two reports of progress.
const REPORT_ITEMS: u64 = 256;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// When it was made, in UTC.
    pub created: String,
    /// The version of iamd that made it.
    pub version: String,
    /// The fingerprint of the master key that opens it.
    pub master_key: String,
    /// What it holds.
    #[serde(flatten)]
    pub counts: Counts,
    /// Users of all accounts.
    pub users: u64,
    /// Files of the data folder.
    pub files: Vec<String>,
    /// SHA-256 of what the accounts hold, opened, with their revisions: the same for the same
    /// content, whenever and wherever it was written.
    pub content_sha256: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Reads a backup to its end and opens everything in it; nothing is changed anywhere.
///
/// `length` is that of the input, if it is known.
///
/// # Errors
/// [`Fault::Refused`] or [`Fault::Damaged`] that says what is not as it was written.
pub async fn verify(
    input: Box<dyn BufRead + Send>,
    length: Option<u64>,
    master: Arc<SealingKey>,
    progress: &Progress,
) -> Result<Findings, Fault> {
    let progress = progress.clone();
    let work = move || {
        let mut reader = Reader::new(input, &master)?;
        let mut walk = Walk { length, progress: &progress, items: 0 };
        let keyring = OnceCell::new();
        let mut check = Check::new(master, &keyring);
        loop {
            let item = reader.next()?;
            let is_end = matches!(item, Item::End { .. });
            check.take(&item)?;
            walk.step(&reader);
            if is_end {
                return check.findings(&reader);
            }
        }
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Fault::Bug("the check of a backup ended before it was done".to_owned()))?
}

/// Says how far the reading is.
pub(super) struct Walk<'a> {
    pub(super) length: Option<u64>,
    pub(super) progress: &'a Progress,
    pub(super) items: u64,
}

impl Walk<'_> {
    pub(super) fn step(&mut self, reader: &Reader) {
        self.items += 1;
        if let Some(total) = self.length
            && self.items.is_multiple_of(REPORT_ITEMS)
        {
            self.progress.report(Step { done: reader.offset(), total });
        }
    }
}

/// What was seen so far.
pub(super) struct Check<'k> {
    master: Arc<SealingKey>,
    /// There once the account of the stored keys was read.
    keyring: &'k OnceCell<Keyring>,
    key_rows: Vec<KeyRow>,
    current: Current<'k>,
    counts: Counts,
    users: u64,
    files: Vec<String>,
    content: Context,
    is_complete: bool,
}

/// What may come next.
enum Current<'k> {
    /// An account, a fact or a claim.
    Nothing,
    /// More rows of an account, or its records.
    Rows(Rows),
    /// More records of an account.
    Records(AccountId, LogReader<'k>),
}

/// The account whose rows come.
struct Rows {
    account: AccountId,
    revision: Revision,
    seal: Vec<u8>,
    ledger: Ledger,
}

impl<'k> Check<'k> {
    /// The keys go into the cell when they are read.
    pub(super) fn new(master: Arc<SealingKey>, keyring: &'k OnceCell<Keyring>) -> Check<'k> {
        Check {
            master,
            keyring,
            key_rows: Vec::new(),
            current: Current::Nothing,
            counts: Counts::default(),
            users: 0,
            files: Vec::new(),
            content: Context::new(&SHA256),
            is_complete: false,
        }
    }

    /// Takes the next item in.
    ///
    /// # Errors
    /// [`Fault::Refused`] that names what is not as it was written.
    pub(super) fn take(&mut self, item: &Item<'_>) -> Result<(), Fault> {
        self.accept(item).map_err(|fault| match fault {
            // It is the backup that is, not the data of a node.
            Fault::Damaged(reason) => {
                Fault::Refused(format!("the backup is damaged: {reason}; use another one"))
            }
            other => other,
        })
    }

    fn accept(&mut self, item: &Item<'_>) -> Result<(), Fault> {
        match item {
            Item::File { name, .. } => self.file(name),
            Item::Account { account, revision, seal } => {
                self.finish_account()?;
                self.begin_account(*account, Revision(*revision), seal)
            }
            Item::Row { kind, id, bytes } => self.row(*kind, id, bytes),
            Item::Record { number, bytes } => self.record(*number, bytes),
            Item::Fact { .. } => {
                self.counts.facts += 1;
                self.finish_account()
            }
            Item::Claim { .. } => {
                self.counts.claims += 1;
                self.finish_account()
            }
            Item::End { counts, .. } => {
                self.finish_account()?;
                self.is_complete = *counts == self.counts && self.keyring.get().is_some();
                Ok(())
            }
        }
    }

    /// What was found, once there is nothing more.
    ///
    /// # Errors
    /// [`Fault::Refused`] when something is missing.
    pub(super) fn findings(self, reader: &Reader) -> Result<Findings, Fault> {
        if !self.is_complete {
            return Err(Fault::Refused("the backup lacks what it says it holds".to_owned()));
        }
        Ok(Findings {
            created: reader.created(),
            version: reader.header.version.clone(),
            master_key: hexadecimal(&reader.header.master_key),
            counts: self.counts,
            users: self.users,
            files: self.files,
            content_sha256: hexadecimal(self.content.finish().as_ref()),
            bytes: reader.offset(),
        })
    }

    fn file(&mut self, name: &str) -> Result<(), Fault> {
        if !FILES.contains(&name) || self.files.iter().any(|known| known == name) {
            return Err(Fault::Damaged(format!(
                "the backup holds a file `{}`",
                name.escape_debug()
            )));
        }
        self.files.push(name.to_owned());
        Ok(())
    }

    fn begin_account(&mut self, number: u64, revision: Revision, seal: &[u8]) -> Result<(), Fault> {
        let account = AccountId::from_stored(number)
            .ok_or_else(|| Fault::Damaged(format!("there can be no account {number}")))?;
        let ledger = Ledger::new(self.ledger_key(account, seal)?);
        self.current = Current::Rows(Rows { account, revision, seal: seal.to_vec(), ledger });
        self.counts.accounts += u64::from(is_real(number));
        if account != AccountId::KEYS {
            self.note(&[b"account", &number.to_be_bytes(), &revision.0.to_be_bytes()]);
        }
        Ok(())
    }

    fn row(&mut self, row_kind: u16, id: &str, bytes: &[u8]) -> Result<(), Fault> {
        let Current::Rows(mut rows) = std::mem::replace(&mut self.current, Current::Nothing) else {
            return Err(out_of_order());
        };
        let account = rows.account;
        let key = RecordKey { kind: row_kind, id: id.to_owned() };
        let key_of_row = match self.keyring.get() {
            Some(keyring) => keyring.of_sealed(account, bytes),
            None => Some(&*self.master),
        };
        let opened = key_of_row.and_then(|with| with.open_row(account, &key, bytes));
        let opened = opened.ok_or_else(|| {
            Fault::Damaged(format!(
                "row {row_kind}/{id} of account {account} was altered, moved, or sealed with a key that is not there"
            ))
        })?;
        let with = self.ledger_key(account, &rows.seal)?;
        rows.ledger.add(with, account, &key, opened.version);
        self.current = Current::Rows(rows);
        self.counts.rows += 1;
        if account == AccountId::KEYS {
            self.key_rows.push(KeyRow::from_bytes(&key, &opened.content)?);
            return Ok(());
        }
        Entity::from_bytes(&key, &opened.content)
            .map_err(|error| Fault::Damaged(error.to_string()))?;
        self.users += u64::from(row_kind == kind::USER);
        self.note(&[b"row", &row_kind.to_be_bytes(), id.as_bytes(), &opened.content]);
        Ok(())
    }

    fn record(&mut self, number: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.finish_rows()?;
        let Current::Records(account, log) = &mut self.current else {
            return Err(out_of_order());
        };
        let account = *account;
        let record = log.next(number, bytes).map_err(|wrong| broken(account, &wrong))?;
        self.counts.records += 1;
        if account != AccountId::KEYS {
            self.note(&[b"record", &number.to_be_bytes(), record.as_bytes()]);
        }
        Ok(())
    }

    /// Proves that the rows of the account are those that it had; its records may follow.
    fn finish_rows(&mut self) -> Result<(), Fault> {
        let rows = match std::mem::replace(&mut self.current, Current::Nothing) {
            Current::Rows(rows) => rows,
            other => {
                self.current = other;
                return Ok(());
            }
        };
        let Rows { account, revision, seal, mut ledger } = rows;
        ledger.finish(revision);
        ledger.fits(self.ledger_key(account, &seal)?, account, &seal).map_err(|_| {
            Fault::Damaged(format!("the rows of account {account} are not those that it had"))
        })?;
        if account == AccountId::KEYS {
            let keyring = Keyring::new(Arc::clone(&self.master), &self.key_rows)?;
            self.key_rows.clear();
            self.keyring.set(keyring).map_err(|_| out_of_order())?;
        }
        let keyring = self.keyring.get().ok_or_else(out_of_order)?;
        let log = LogReader::new(keyring, account, ledger.log().clone());
        self.current = Current::Records(account, log);
        Ok(())
    }

    /// Proves that the account is whole.
    fn finish_account(&mut self) -> Result<(), Fault> {
        self.finish_rows()?;
        match std::mem::replace(&mut self.current, Current::Nothing) {
            Current::Records(account, log) => log.finish().map_err(|wrong| broken(account, &wrong)),
            Current::Nothing | Current::Rows(_) => Ok(()),
        }
    }

    /// The key of an account's ledger: the stored keys come first, since they open the others.
    fn ledger_key(&self, account: AccountId, seal: &[u8]) -> Result<&SealingKey, Fault> {
        match self.keyring.get() {
            Some(keyring) => keyring.of_sealed(account, seal).ok_or_else(|| {
                Fault::Damaged(format!(
                    "the seal of account {account} is of a key that is not there"
                ))
            }),
            None if account == AccountId::KEYS => Ok(&self.master),
            None => Err(out_of_order()),
        }
    }

    /// Adds to the sum of the content: each part with its length, so that none runs into another.
    fn note(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.content.update(&(part.len() as u64).to_be_bytes());
            self.content.update(part);
        }
    }
}

fn broken(account: AccountId, wrong: &LogBreak) -> Fault {
    Fault::Damaged(format!("the log of account {account} is not the one that it had: {wrong}"))
}

fn out_of_order() -> Fault {
    Fault::Damaged("its parts are not in their order".to_owned())
}
