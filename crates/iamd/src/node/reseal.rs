//! Sealing the rows and the ledger of an account under the newest data key.
//!
//! Rows are read beside the queue and sealed in small commits, each in the account's turn; the last
//! commit takes the ledger along, and ends the account's log with a record of all this. What is sealed changes, and nothing else: whoever asks meanwhile
//! gets the same answers.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use iamd_core::account_id::AccountId;
use iamd_core::audit::{Event, Outcome};
use iamd_core::record::RecordKey;
use iamd_store::{AccountCommit, CommitError, Cursor, Revision, Row};
use tokio::task::JoinSet;

use super::load::store_fault;
use super::{Node, Published};
use crate::audit::{Recorded, recorded};
use crate::entropy;
use crate::fault::Fault;
use crate::keys::{Entry, Keyring, LogHead, SealingKey, key_version, row_version};

/// Most rows in one commit.
// CHOICE: sealing that many takes about a millisecond, and nobody waits longer for his turn.
const ROWS_MAX: usize = 256;
/// A commit ends with the row that reaches this many bytes.
const BYTES_MAX: usize = 1024 * 1024;
/// Accounts under way at one time: their commits share one flush to disk.
const ACCOUNTS_MAX: usize = 16;
/// How often an account is tried again after another node was faster.
const RACES_MAX: usize = 16;

/// Where the work says how many rows of how many it has done.
pub type Report<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

impl Node {
    /// Seals everything under the newest data key; gives the number of rows that were not. Can be
    /// broken off at any moment, and goes on where it was.
    ///
    /// # Errors
    /// What the store answers; [`Fault::Damaged`] when rows are not what was written.
    pub(super) async fn reseal(self: &Arc<Node>, report: Report<'_>) -> Result<u64, Fault> {
        let done = Arc::new(AtomicU64::new(0));
        let mut total = 0;
        loop {
            // Accounts may come up meanwhile that were planned before the key was there.
            let behind = self.survey().await?.behind;
            if behind.is_empty() {
                return Ok(done.load(Ordering::Relaxed));
            }
            total = behind.iter().fold(total, |total, (_, rows)| total + rows);
            let mut tasks = JoinSet::new();
            let mut waiting = behind.into_iter();
            loop {
                while tasks.len() < ACCOUNTS_MAX
                    && let Some((account, _)) = waiting.next()
                {
                    tasks.spawn(account_resealed(Arc::clone(self), account, Arc::clone(&done)));
                }
                report(done.load(Ordering::Relaxed), total);
                match tasks.join_next().await {
                    None => break,
                    Some(Ok(outcome)) => outcome?,
                    Some(Err(_)) => return Err(Fault::Bug("a task of resealing ended".to_owned())),
                }
            }
        }
    }
}

enum Attempt {
    /// The account is at another revision than this node knows, or under a newer key.
    LostRace,
    Failed(Fault),
}

impl From<Fault> for Attempt {
    fn from(fault: Fault) -> Attempt {
        Attempt::Failed(fault)
    }
}

async fn account_resealed(
    node: Arc<Node>,
    account: AccountId,
    done: Arc<AtomicU64>,
) -> Result<(), Fault> {
    for _ in 0..RACES_MAX {
        match attempt(&node, account, &done).await {
            Ok(()) => return Ok(()),
            Err(Attempt::LostRace) => node.reload().await?,
            Err(Attempt::Failed(fault)) => return Err(fault),
        }
    }
    Err(Fault::Unavailable(format!("other nodes write to account {account} all the time")))
}

async fn attempt(
    node: &Arc<Node>,
    account: AccountId,
    done: &Arc<AtomicU64>,
) -> Result<(), Attempt> {
    let stored = iamd_store::AccountId(account.number());
    let read = node.store.read_account(stored).await.map_err(store_fault)?;
    let newest = node.snapshot().keys.newest();
    let is_newer = |sealed: &[u8]| key_version(sealed).is_some_and(|version| version > newest);
    if is_newer(&read.head.seal) || read.rows.iter().any(|row| is_newer(&row.bytes)) {
        // Another node has made a key that is not known here yet.
        return Err(Attempt::LostRace);
    }
    let behind = read.rows.into_iter().filter(|row| key_version(&row.bytes) != Some(newest));
    let behind: Vec<Row> = behind.collect();
    let mut rest = &behind[..];
    // A few rows are left for the last commit.
    while rest.len() > ROWS_MAX {
        let (part, more) = rest.split_at(portion(rest));
        let count = rows_resealed(node, account, part).await?;
        done.fetch_add(count, Ordering::Relaxed);
        rest = more;
    }
    let count = ledger_resealed(node, account).await?;
    done.fetch_add(count, Ordering::Relaxed);
    Ok(())
}

/// How many of these rows go into one commit, at least one.
fn portion(rows: &[Row]) -> usize {
    let mut bytes = 0;
    let fits = |row: &&Row| {
        let room = bytes < BYTES_MAX;
        bytes += row.bytes.len();
        room
    };
    rows.iter().take(ROWS_MAX).take_while(fits).count()
}

/// One commit with rows that were read a moment ago; whatever has changed since is left out. Gives
/// the number of rows.
async fn rows_resealed(node: &Node, account: AccountId, rows: &[Row]) -> Result<u64, Attempt> {
    let queue = node.queue(account);
    let _turn = queue.turn().await;
    let base = node.snapshot();
    let expected = base.revision(account);
    let mut sealed = Sealed::new(account, expected);
    for row in rows {
        let key = record_key(row);
        let opened = base.keys.open(account, &key, &row.bytes)?;
        // A version has one content: what is read is what is there, if the versions agree.
        if node.ledgers.version_of(&base.keys, account, &key) == Some(opened.version) {
            sealed.put(&base.keys, row, key, opened.content.to_vec())?;
        }
    }
    if sealed.keys.is_empty() {
        return Ok(0);
    }
    let Sealed { mut commit, keys } = sealed;
    let log = node.ledgers.log(account);
    let step = node.ledgers.step(&base.keys, account, expected, put(&keys), log)?;
    let mut step = step.ok_or(Attempt::LostRace)?;
    commit.seal = std::mem::take(&mut step.seal);
    let cursor = committed(node, commit).await?;
    node.publish(Published {
        changes: &[],
        revisions: &[(account, expected.next())],
        steps: vec![(account, step)],
        cursor,
    });
    Ok(keys.len() as u64)
}

/// The last commit: what is left, and the ledger. Gives the number of rows.
async fn ledger_resealed(node: &Node, account: AccountId) -> Result<u64, Attempt> {
    let queue = node.queue(account);
    let _turn = queue.turn().await;
    let base = node.snapshot();
    let expected = base.revision(account);
    let with = base.keys.sealing(account)?;
    let stored = iamd_store::AccountId(account.number());
    let read = node.store.read_account(stored).await.map_err(store_fault)?;
    if read.head.revision != expected {
        return Err(Attempt::LostRace);
    }
    let version = |row: &Row| Some((record_key(row), row_version(&row.bytes)?));
    let versions: Vec<(RecordKey, Revision)> = read.rows.iter().filter_map(version).collect();
    // The sum of the old ledger proves that these are the rows, in their versions.
    let renewed = node.ledgers.under_newest(&base.keys, account, expected, &versions)?;
    let mut renewed = renewed.ok_or(Attempt::LostRace)?;
    let mut sealed = Sealed::new(account, expected);
    for row in &read.rows {
        if key_version(&row.bytes) != Some(with.version()) {
            let key = record_key(row);
            let opened = base.keys.open(account, &key, &row.bytes)?;
            sealed.put(&base.keys, row, key, opened.content.to_vec())?;
        }
    }
    let Sealed { mut commit, keys } = sealed;
    let mut log = renewed.log().clone();
    let record = record(node, account, with, &log)?;
    if let Some(record) = &record {
        commit.records.push(log.append(with, account, &record.text)?);
    }
    let number = log.last;
    let mut step = renewed.step(with, account, put(&keys), log)?;
    commit.seal = std::mem::take(&mut step.seal);
    let cursor = committed(node, commit).await?;
    renewed.take(step);
    node.ledgers.renew(HashMap::from([(account, renewed)]));
    let revisions = &[(account, expected.next())];
    node.publish(Published { changes: &[], revisions, steps: Vec::new(), cursor });
    node.audit().stored(account, number, record.into_iter().collect());
    Ok(keys.len() as u64)
}

/// The record that ends a log under the new key: the last one always stays, and keeps its key.
fn record(
    node: &Node,
    account: AccountId,
    with: &SealingKey,
    log: &LogHead,
) -> Result<Option<Recorded>, Fault> {
    if log.last == 0 || !node.audit().is_on() {
        return Ok(None);
    }
    let event = Event::sealed_anew(with.version(), &entropy::request_id()?);
    recorded(&event, &Outcome::Done(None), account, node.clock.now()).map(Some)
}

async fn committed(node: &Node, commit: AccountCommit) -> Result<Cursor, Attempt> {
    match node.store.commit(vec![commit]).await {
        Ok(committed) => Ok(committed.cursor),
        Err(CommitError::Conflict { .. }) => Err(Attempt::LostRace),
        Err(CommitError::Store(error)) => Err(store_fault(error).into()),
    }
}

/// Rows that are put anew.
struct Sealed {
    commit: AccountCommit,
    keys: Vec<RecordKey>,
}

impl Sealed {
    fn new(account: AccountId, expected: Revision) -> Sealed {
        let account = iamd_store::AccountId(account.number());
        Sealed { commit: AccountCommit::new(account, expected), keys: Vec::new() }
    }

    fn put(
        &mut self,
        keys: &Keyring,
        row: &Row,
        key: RecordKey,
        content: Vec<u8>,
    ) -> Result<(), Fault> {
        let account = AccountId::from_stored(self.commit.account.0)
            .ok_or_else(|| Fault::Bug("an account without a number".to_owned()))?;
        let sealed = keys.seal(account, &key, self.commit.expected.next(), content)?;
        self.commit.puts.push(Row::new(row.key.clone(), sealed));
        self.keys.push(key);
        Ok(())
    }
}

fn put(keys: &[RecordKey]) -> impl Iterator<Item = Entry<'_>> {
    keys.iter().map(|key| Entry { key, is_removed: false })
}

fn record_key(row: &Row) -> RecordKey {
    RecordKey { kind: row.key.kind, id: row.key.id.to_string() }
}
