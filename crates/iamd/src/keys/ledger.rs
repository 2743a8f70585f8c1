//! The ledger of an account: which rows it has, each in which version.
//!
//! A ledger holds the sum of the rows' tags. Tags are secret, so whoever takes a row away, puts an
//! older one in its place or brings back a removed one cannot make the sum right again. The sum is
//! sealed as of the account's revision and kept beside it. Sealed with it is where the account's log
//! of records stands.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use iamd_core::account_id::AccountId;
use iamd_core::record::RecordKey;
use iamd_store::Revision;
use minicbor::{Decode, Encode};

use super::record_log::LogHead;
use super::sealing::SealingKey;
use crate::fault::Fault;

/// Most tags that are tried to find out which row is not what it should be.
const SEARCH_TAGS_MAX: u64 = 1 << 27;

/// The rows of one account.
#[derive(Debug)]
pub struct Ledger {
    /// The version of the key that the tags are made with.
    key: u32,
    revision: Revision,
    sum: u128,
    log: LogHead,
    /// The version of each row, by its mark.
    versions: HashMap<Mark, PackedRevision, BuildHasherDefault<AsItIs>>,
}

/// A row that a commit changes.
#[derive(Debug)]
pub struct Entry<'k> {
    /// The row.
    pub key: &'k RecordKey,
    /// Whether it is removed.
    pub is_removed: bool,
}

/// Rows that were read, for a ledger that gets them together.
#[derive(Debug, Default)]
pub struct LedgerPart {
    sum: u128,
    versions: Vec<(Mark, PackedRevision)>,
}

impl LedgerPart {
    /// Adds a row that was read.
    pub fn add(
        &mut self,
        with: &SealingKey,
        account: AccountId,
        key: &RecordKey,
        version: Revision,
    ) {
        self.sum = self.sum.wrapping_add(with.tag(account, key, version));
        self.versions.push((Mark::of(with, account, key), PackedRevision::of(version)));
    }
}

/// What a commit does to a ledger, once it is durable.
#[derive(Debug)]
pub struct Step {
    revision: Revision,
    sum: u128,
    rows: u64,
    log: LogHead,
    changes: Vec<(Mark, Option<Revision>)>,
    /// The seal that goes with the commit.
    pub seal: Vec<u8>,
}

/// What is sealed.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
struct Content {
    #[cbor(n(0), with = "minicbor::bytes")]
    sum: [u8; 16],
    #[n(1)]
    rows: u64,
    /// Absent of accounts that had no log yet.
    #[n(2)]
    log: Option<LogHead>,
}

impl Content {
    fn new(sum: u128, rows: u64, log: &LogHead) -> Content {
        Content { sum: sum.to_be_bytes(), rows, log: Some(log.clone()) }
    }
}

impl Ledger {
    /// The ledger of an account that is not there yet.
    pub fn new(with: &SealingKey) -> Ledger {
        let (revision, versions) = (Revision::ABSENT, HashMap::default());
        Ledger { key: with.version(), revision, sum: 0, log: LogHead::default(), versions }
    }

    /// The version of the key that goes with it.
    pub fn key(&self) -> u32 {
        self.key
    }

    /// The revision that the ledger is of.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.versions.len() as u64
    }

    /// Where the account's log of records stands.
    pub fn log(&self) -> &LogHead {
        &self.log
    }

    /// Says where the log of records stands, of a ledger that is made anew.
    pub fn set_log(&mut self, log: LogHead) {
        self.log = log;
    }

    /// The version of a row; none if it is not there. The key is the ledger's own.
    pub fn version_of(
        &self,
        with: &SealingKey,
        account: AccountId,
        key: &RecordKey,
    ) -> Option<Revision> {
        self.versions.get(&Mark::of(with, account, key)).map(|version| version.revision())
    }

    /// The same ledger under another key; none if these rows are not all its rows, each in its
    /// version.
    pub fn under(
        &self,
        (old, new): (&SealingKey, &SealingKey),
        account: AccountId,
        rows: &[(RecordKey, Revision)],
    ) -> Option<Ledger> {
        let (mut proof, mut renewed) = (Ledger::new(old), Ledger::new(new));
        for (key, version) in rows {
            proof.add(old, account, key, *version);
            renewed.add(new, account, key, *version);
        }
        renewed.set_log(self.log.clone());
        renewed.finish(self.revision);
        ((proof.sum, proof.rows()) == (self.sum, self.rows())).then_some(renewed)
    }

    /// Adds a row that was read.
    pub fn add(
        &mut self,
        with: &SealingKey,
        account: AccountId,
        key: &RecordKey,
        version: Revision,
    ) {
        self.sum = self.sum.wrapping_add(with.tag(account, key, version));
        self.versions.insert(Mark::of(with, account, key), PackedRevision::of(version));
    }

    /// Adds rows that were read.
    pub fn absorb(&mut self, part: LedgerPart) {
        self.sum = self.sum.wrapping_add(part.sum);
        self.versions.extend(part.versions);
    }

    /// Says that everything was added, as of this revision.
    pub fn finish(&mut self, revision: Revision) {
        self.revision = revision;
    }

    /// Whether a seal is of this very ledger; says nothing of where the difference is. What the
    /// seal says of the log of records is taken over.
    pub fn fits(
        &mut self,
        with: &SealingKey,
        account: AccountId,
        seal: &[u8],
    ) -> Result<(), Misfit> {
        let content = with.open_ledger(account, self.revision, seal).ok_or(Misfit::Seal)?;
        let sealed: Content = minicbor::decode(&content).map_err(|_| Misfit::Seal)?;
        let sum = u128::from_be_bytes(sealed.sum);
        if (sum, sealed.rows) == (self.sum, self.versions.len() as u64) {
            self.log = sealed.log.unwrap_or_default();
            return Ok(());
        }
        Err(Misfit::Rows { difference: sum.wrapping_sub(self.sum) })
    }

    /// What a commit of these rows does, and its seal. The log is where the account's records then
    /// stand.
    ///
    /// # Errors
    /// [`Fault`] without entropy.
    pub fn step<'k>(
        &self,
        with: &SealingKey,
        account: AccountId,
        entries: impl IntoIterator<Item = Entry<'k>>,
        log: LogHead,
    ) -> Result<Step, Fault> {
        let mut step = self.unsealed_step(with, account, entries, log);
        let content = Content::new(step.sum, step.rows, &step.log);
        step.seal = sealed(with, account, step.revision, content)?;
        Ok(step)
    }

    /// What the commit of another node did, if its seal is of just these rows; none if it is not.
    /// What the seal says of the log of records is taken over.
    pub fn followed<'k>(
        &self,
        with: &SealingKey,
        account: AccountId,
        entries: impl IntoIterator<Item = Entry<'k>>,
        seal: &[u8],
    ) -> Option<Step> {
        let content = with.open_ledger(account, self.revision.next(), seal)?;
        let sealed: Content = minicbor::decode(&content).ok()?;
        let step = self.unsealed_step(with, account, entries, sealed.log.unwrap_or_default());
        ((sealed.sum, sealed.rows) == (step.sum.to_be_bytes(), step.rows)).then_some(step)
    }

    fn unsealed_step<'k>(
        &self,
        with: &SealingKey,
        account: AccountId,
        entries: impl IntoIterator<Item = Entry<'k>>,
        log: LogHead,
    ) -> Step {
        let revision = self.revision.next();
        let (mut sum, mut rows) = (self.sum, self.versions.len() as u64);
        let mut changes = Vec::new();
        for Entry { key, is_removed } in entries {
            let mark = Mark::of(with, account, key);
            if let Some(old) = self.versions.get(&mark) {
                sum = sum.wrapping_sub(with.tag(account, key, old.revision()));
                rows -= 1;
            }
            if !is_removed {
                sum = sum.wrapping_add(with.tag(account, key, revision));
                rows += 1;
            }
            changes.push((mark, (!is_removed).then_some(revision)));
        }
        Step { revision, sum, rows, log, changes, seal: Vec::new() }
    }

    /// The seal of this ledger as of a revision.
    ///
    /// # Errors
    /// [`Fault`] without entropy.
    pub fn seal(
        &self,
        with: &SealingKey,
        account: AccountId,
        revision: Revision,
    ) -> Result<Vec<u8>, Fault> {
        let content = Content::new(self.sum, self.versions.len() as u64, &self.log);
        sealed(with, account, revision, content)
    }

    /// Takes in a commit that is durable; nothing happens if it was taken in already.
    pub fn take(&mut self, step: Step) {
        if step.revision != self.revision.next() {
            return;
        }
        self.revision = step.revision;
        self.sum = step.sum;
        self.log = step.log;
        for (mark, version) in step.changes {
            match version {
                Some(version) => self.versions.insert(mark, PackedRevision::of(version)),
                None => self.versions.remove(&mark),
            };
        }
    }
}

fn sealed(
    with: &SealingKey,
    account: AccountId,
    revision: Revision,
    content: Content,
) -> Result<Vec<u8>, Fault> {
    let content = minicbor::to_vec(&content)
        .map_err(|error| Fault::Bug(format!("a ledger cannot be written: {error}")))?;
    with.seal_ledger(account, revision, content)
}

/// Why a seal is not of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    /// The seal was altered, is of another revision, or of another key.
    Seal,
    /// The rows are others.
    Rows {
        /// What the sum lacks.
        difference: u128,
    },
}

/// The row that explains a difference, if a single one does and it can be found.
pub fn culprit<'k>(
    with: &SealingKey,
    account: AccountId,
    revision: Revision,
    difference: u128,
    rows: &'k [(RecordKey, Revision)],
) -> Option<(&'k RecordKey, Culprit)> {
    let tag = |key: &RecordKey, version| with.tag(account, key, version);
    let extra = rows.iter().find(|(key, version)| tag(key, *version).wrapping_add(difference) == 0);
    if let Some((key, _)) = extra {
        return Some((key, Culprit::Extra));
    }
    let tries_each = SEARCH_TAGS_MAX / (rows.len() as u64).max(1);
    for (key, version) in rows {
        let wanted = tag(key, *version).wrapping_add(difference);
        // The newest are the likeliest.
        let newer = (version.0.saturating_add(1)..=revision.0).rev();
        let known = newer
            .take(usize::try_from(tries_each).unwrap_or(usize::MAX))
            .find(|candidate| tag(key, Revision(*candidate)) == wanted);
        if known.is_some() {
            return Some((key, Culprit::Older));
        }
    }
    None
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Culprit {
    /// It was removed, and is there again.
    Extra,
    /// It is an older version.
    Older,
}

/// A row's mark, cut to 88 bits: among three million rows two share one with a chance of 10^-14.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark([u8; 11]);

impl Mark {
    fn of(with: &SealingKey, account: AccountId, key: &RecordKey) -> Mark {
        let [mark @ .., _, _, _, _, _] = with.mark(account, key).to_be_bytes();
        Mark(mark)
    }
}

impl std::hash::Hash for Mark {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [start @ .., _, _, _] = self.0;
        state.write_u64(u64::from_be_bytes(start));
    }
}

/// A revision in five bytes, enough for a million commits a second over twelve days.
#[derive(Debug, Clone, Copy)]
struct PackedRevision([u8; 5]);

impl PackedRevision {
    fn of(revision: Revision) -> PackedRevision {
        let [_, _, _, packed @ ..] = revision.0.to_be_bytes();
        PackedRevision(packed)
    }

    fn revision(self) -> Revision {
        let [a, b, c, d, e] = self.0;
        Revision(u64::from_be_bytes([0, 0, 0, a, b, c, d, e]))
    }
}

/// Marks are random already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}
