//! The one thread that writes. It takes all that is waiting, runs each within a savepoint of one
//! transaction, commits once (one flush to disk), and only then answers all.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    Shared,
    change_log::{self, Lengths},
    checksum::{self, Standing},
    fault::damaged,
    forget, import, reader, schema,
};
use crate::{
    AccountCommit, AccountId, ClaimKey, Claimed, CommitError, Committed, Cursor, Fact, Head,
    Imported, StoreError,
};

/// Most jobs in one transaction; the rest waits for the next.
const BATCH_JOBS_MAX: usize = 256;

/// How long readers are waited for when the log is to be emptied.
const LOG_PATIENCE: std::time::Duration = std::time::Duration::from_millis(100);

/// Most expired claims forgotten along with one new claim, so that no claim pays for a flood.
const CLAIMS_PURGED_MAX: i64 = 64;

/// A write that waits for its turn.
pub(super) enum Job {
    Commit {
        list: Vec<AccountCommit>,
        answer: oneshot::Sender<Result<Committed, CommitError>>,
    },
    Claim {
        claim: Claim,
        answer: oneshot::Sender<Result<Claimed, StoreError>>,
    },
    MergeFacts {
        facts: Vec<Fact>,
        answer: oneshot::Sender<Result<(), StoreError>>,
    },
    ForgetFacts {
        keys: Vec<(AccountId, Box<str>)>,
        answer: oneshot::Sender<Result<(), StoreError>>,
    },
    ForgetRecords {
        account: AccountId,
        up_to: u64,
        answer: oneshot::Sender<Result<(), StoreError>>,
    },
    Import {
        list: Vec<Imported>,
        answer: oneshot::Sender<Result<(), StoreError>>,
    },
    ForgetChanges {
        answer: oneshot::Sender<Result<(), StoreError>>,
    },
    Close {
        answer: oneshot::Sender<Result<(), StoreError>>,
    },
}

/// What a claim asks for.
pub(super) struct Claim {
    pub(super) key: ClaimKey,
    pub(super) expiry: i64,
    pub(super) now: i64,
}

/// An answer that is held back until its transaction has ended. If that went wrong, the fault is
/// the answer, also for refusals: they may rest on what another job of the transaction did.
type Held = Box<dyn FnOnce(Option<&StoreError>)>;

/// The state of the writing thread.
pub(super) struct Writer {
    shared: Arc<Shared>,
    hint: watch::Sender<()>,
    /// Absent after a fault: made anew for the next batch.
    connection: Option<Connection>,
    lengths: Lengths,
}

impl Writer {
    /// A writer on a database that has just been opened.
    pub(super) fn new(
        shared: Arc<Shared>,
        hint: watch::Sender<()>,
        connection: Connection,
    ) -> Result<Self, StoreError> {
        let lengths = read_lengths(&connection)?;
        Ok(Self { shared, hint, connection: Some(connection), lengths })
    }

    /// Works until it is told to close or nobody can send jobs any more.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut closers = Vec::new();
        while let Some(job) = jobs.blocking_recv() {
            let mut next = Some(job);
            let mut batch = Vec::new();
            while let Some(job) = next {
                match job {
                    Job::Close { answer } => {
                        // What was accepted before is still done.
                        jobs.close();
                        closers.push(answer);
                    }
                    job => batch.push(job),
                }
                next = if batch.len() < BATCH_JOBS_MAX { jobs.try_recv().ok() } else { None };
            }
            if !batch.is_empty() {
                self.work(batch);
            }
        }
        let closed = self.close();
        for answer in closers {
            let _ = answer.send(closed.clone());
        }
    }

    /// Does a batch and answers it.
    fn work(&mut self, batch: Vec<Job>) {
        let (held, outcome) = self.transact(batch);
        let fault = outcome.map_err(|error| self.shared.health.note(error)).err();
        if fault.is_some() {
            // A fresh connection starts from what is on disk.
            self.connection = None;
        }
        for answer in held {
            answer(fault.as_ref());
        }
    }

    fn transact(&mut self, batch: Vec<Job>) -> (Vec<Held>, Result<(), StoreError>) {
        let connection = match self.ready() {
            Ok(()) => self.connection.as_ref(),
            Err(error) => return (refuse_all(batch), Err(error)),
        };
        let Some(connection) = connection else {
            return (refuse_all(batch), Err(StoreError::Closed));
        };
        let mut transaction = Batch {
            connection,
            shared: &self.shared,
            newest: self.lengths.newest(),
            logged: Vec::new(),
            forgotten: None,
            fault: None,
        };
        let held = batch.into_iter().map(|job| transaction.perform(job)).collect();
        let trimmed = transaction.trim(&self.lengths);
        let Batch { logged, forgotten, fault, .. } = transaction;
        let outcome = match fault {
            Some(fault) => Err(fault),
            None => connection.execute_batch("COMMIT").map_err(StoreError::from),
        };
        match outcome {
            Ok(()) => {
                if !logged.is_empty() {
                    self.hint.send_replace(());
                }
                self.lengths.extend(logged);
                self.lengths.forget(trimmed.max(forgotten.unwrap_or(0)));
                if forgotten.is_some() {
                    empty_log(connection);
                }
            }
            Err(_) => {
                // If even this fails, closing the connection has the same effect.
                let _ = connection.execute_batch("ROLLBACK");
            }
        }
        (held, outcome)
    }

    /// Makes sure that there is a connection, and begins a transaction on it.
    fn ready(&mut self) -> Result<(), StoreError> {
        self.shared.health.check()?;
        let connection = match &self.connection {
            Some(connection) => connection,
            None => {
                let connection = schema::connect(&self.shared.file)?;
                schema::make_durable(&connection)?;
                self.lengths = read_lengths(&connection)?;
                self.connection.insert(connection)
            }
        };
        #[cfg(test)]
        self.shared.limit_pages(connection)?;
        Ok(connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    /// Brings the log into the database, so that a copy of that one file is complete.
    fn close(mut self) -> Result<(), StoreError> {
        let Some(connection) = self.connection.take() else {
            return Ok(());
        };
        if self.shared.health.check().is_ok() {
            // Readers may still hold the log; nothing is lost when it stays.
            let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
        connection.close().map_err(|(_, error)| StoreError::from(error))
    }
}

/// Brings the write-ahead log into the database and cuts it off, without waiting long for readers:
/// what they still need stays until the log is full.
fn empty_log(connection: &Connection) {
    let _ = connection.busy_timeout(LOG_PATIENCE);
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    let _ = connection.busy_timeout(schema::PATIENCE);
}

/// One transaction under way.
struct Batch<'writer> {
    connection: &'writer Connection,
    shared: &'writer Shared,
    /// The place of the feed, with what this transaction has added.
    newest: u64,
    /// Entries that this transaction has added to the change log, with their lengths.
    logged: Vec<(u64, usize)>,
    /// Up to which entry the change log was to be forgotten, if it was.
    forgotten: Option<u64>,
    /// Once set, the whole transaction is lost.
    fault: Option<StoreError>,
}

impl Batch<'_> {
    fn perform(&mut self, job: Job) -> Held {
        match job {
            Job::Commit { list, answer } => hold(answer, self.attempt(|batch| batch.commit(&list))),
            Job::Claim { claim, answer } => hold(answer, self.attempt(|batch| batch.claim(&claim))),
            Job::MergeFacts { facts, answer } => {
                hold(answer, self.attempt(|batch| batch.merge_facts(&facts)))
            }
            Job::ForgetFacts { keys, answer } => {
                hold(answer, self.attempt(|batch| forget::facts(batch.connection, &keys)))
            }
            Job::ForgetRecords { account, up_to, answer } => hold(
                answer,
                self.attempt(|batch| forget::records(batch.connection, account, up_to)),
            ),
            Job::Import { list, answer } => {
                hold(answer, self.attempt(|batch| import::put(batch.connection, &list)))
            }
            Job::ForgetChanges { answer } => hold(answer, self.attempt(Batch::forget_changes)),
            Job::Close { answer } => hold(answer, Ok(())),
        }
    }

    /// Does `work` whole or not at all, without touching what other jobs of the batch did.
    fn attempt<T, E: From<StoreError> + AsFault>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone().into());
        }
        let outcome = self.execute("SAVEPOINT job").map_err(E::from).and_then(|()| work(self));
        let ended = match &outcome {
            Ok(_) => self.execute("RELEASE job"),
            // Some errors (a full disk among them) can take the whole transaction with them.
            Err(error) if self.connection.is_autocommit() => Err(error.as_fault()),
            Err(error) if matches!(error.as_fault(), StoreError::Damaged { .. }) => {
                Err(error.as_fault())
            }
            Err(_) => self.execute("ROLLBACK TO job").and_then(|()| self.execute("RELEASE job")),
        };
        if let Err(fault) = ended {
            self.fault = Some(fault.clone());
            return Err(fault.into());
        }
        outcome
    }

    fn execute(&self, statement: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached(statement)?.execute([])?;
        Ok(())
    }

    fn commit(&mut self, list: &[AccountCommit]) -> Result<Committed, CommitError> {
        let mut standings = Vec::with_capacity(list.len());
        for commit in list {
            let standing = reader::standing(self.connection, commit.account)?.unwrap_or_default();
            let revision = standing.head.revision;
            if revision != commit.expected {
                return Err(CommitError::Conflict { account: commit.account, revision });
            }
            standings.push(standing);
        }
        for (commit, standing) in list.iter().zip(standings) {
            self.apply(commit, standing)?;
        }
        let sequence = self.log(list)?;
        let revisions = list.iter().map(|commit| (commit.account, commit.expected.next()));
        Ok(Committed {
            cursor: Cursor { incarnation: self.shared.incarnation, sequence },
            revisions: revisions.collect(),
        })
    }

    /// Writes the rows of one account and what the account says of itself.
    fn apply(&self, commit: &AccountCommit, standing: Standing) -> Result<(), StoreError> {
        let account = commit.account.0.cast_signed();
        let Standing { mut digest, records, .. } = standing;
        let mut replaced = self.connection.prepare_cached(
            "SELECT checksum FROM rows WHERE account = ?1 AND kind = ?2 AND id = ?3",
        )?;
        let mut put = self.connection.prepare_cached(
            "INSERT OR REPLACE INTO rows (account, kind, id, checksum, bytes) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for row in &commit.puts {
            let (kind, id) = (row.key.kind, &*row.key.id);
            let old = replaced.query_row((account, kind, id), |row| row.get(0)).optional()?;
            if let Some(old) = old {
                digest.subtract(old);
            }
            let checksum = checksum::of_row(commit.account, kind, id, &row.bytes);
            digest.add(checksum);
            put.execute((account, kind, id, checksum, &row.bytes))?;
        }
        let mut remove = self.connection.prepare_cached(
            "DELETE FROM rows WHERE account = ?1 AND kind = ?2 AND id = ?3 RETURNING checksum",
        )?;
        for key in &commit.removes {
            let old = remove.query_row((account, key.kind, &*key.id), |row| row.get(0));
            if let Some(old) = old.optional()? {
                digest.subtract(old);
            }
        }
        let records = self.append(commit, records)?;
        let head = Head { revision: commit.expected.next(), seal: commit.seal.clone() };
        let standing = Standing { head, digest, records };
        import::write_standing(self.connection, commit.account, &standing)
    }

    /// Appends the records of a commit behind those that are there; tells how many there are then.
    fn append(&self, commit: &AccountCommit, mut newest: u64) -> Result<u64, StoreError> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO records (account, number, checksum, bytes) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for bytes in &commit.records {
            newest = newest.saturating_add(1);
            let checksum = checksum::of_record(commit.account, newest, bytes);
            let (account, number) = (commit.account.0.cast_signed(), newest.cast_signed());
            insert.execute((account, number, checksum, bytes))?;
        }
        Ok(newest)
    }

    /// The newest entry stays, since it holds the place of the feed.
    fn forget_changes(&mut self) -> Result<(), StoreError> {
        let up_to = self.newest.saturating_sub(1);
        let mut delete =
            self.connection.prepare_cached("DELETE FROM changes WHERE sequence <= ?1")?;
        delete.execute([up_to.cast_signed()])?;
        self.forgotten = Some(up_to);
        Ok(())
    }

    /// Writes the whole list into the change log and tells its place. Nothing may fail after it:
    /// what it notes is not taken back with the savepoint.
    fn log(&mut self, list: &[AccountCommit]) -> Result<u64, StoreError> {
        let payload = change_log::pack(list)?;
        let sequence = self.newest.saturating_add(1);
        let checksum = checksum::of_change(sequence, &payload);
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO changes (sequence, checksum, payload) VALUES (?1, ?2, ?3)",
        )?;
        insert.execute((sequence.cast_signed(), checksum, &payload))?;
        self.newest = sequence;
        self.logged.push((sequence, payload.len()));
        Ok(sequence)
    }

    /// Forgets the oldest entries of the change log if it had outgrown its bounds before this
    /// transaction, and tells up to which.
    fn trim(&mut self, lengths: &Lengths) -> u64 {
        let (commits, bytes) = self.shared.change_log_bounds;
        let Some(up_to) = lengths.excess(commits, bytes) else {
            return 0;
        };
        let trimmed = self.attempt(|batch| {
            let mut delete =
                batch.connection.prepare_cached("DELETE FROM changes WHERE sequence <= ?1")?;
            delete.execute([up_to.cast_signed()])?;
            Ok::<u64, StoreError>(up_to)
        });
        // If there is no room even for that, the log stays longer for a while.
        trimmed.unwrap_or(0)
    }

    fn claim(&mut self, claim: &Claim) -> Result<Claimed, StoreError> {
        let mut purge = self.connection.prepare_cached(
            "DELETE FROM claims WHERE key IN \
             (SELECT key FROM claims WHERE expiry <= ?1 ORDER BY expiry LIMIT ?2)",
        )?;
        purge.execute((claim.now, CLAIMS_PURGED_MAX))?;
        if claim.expiry <= claim.now {
            return Ok(Claimed::Already);
        }
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO claims (key, expiry) VALUES (?1, ?2) \
             ON CONFLICT (key) DO UPDATE SET expiry = excluded.expiry WHERE claims.expiry <= ?3",
        )?;
        match insert.execute((claim.key.as_bytes(), claim.expiry, claim.now))? {
            0 => Ok(Claimed::Already),
            1 => Ok(Claimed::First),
            more => Err(damaged(format!("{more} claims of one key"))),
        }
    }

    fn merge_facts(&mut self, facts: &[Fact]) -> Result<(), StoreError> {
        let mut merge = self.connection.prepare_cached(
            "INSERT INTO facts (account, key, at, checksum, bytes) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (account, key) DO UPDATE \
             SET at = excluded.at, checksum = excluded.checksum, bytes = excluded.bytes \
             WHERE (excluded.at, excluded.bytes) > (facts.at, facts.bytes)",
        )?;
        for fact in facts {
            let checksum = checksum::of_fact(fact.account, &fact.key, fact.at, &fact.bytes);
            let account = fact.account.0.cast_signed();
            merge.execute((account, &*fact.key, fact.at, checksum, &fact.bytes))?;
        }
        Ok(())
    }
}

/// Errors of which we must know whether the database itself is at fault.
trait AsFault {
    fn as_fault(&self) -> StoreError;
}

impl AsFault for StoreError {
    fn as_fault(&self) -> StoreError {
        self.clone()
    }
}

impl AsFault for CommitError {
    fn as_fault(&self) -> StoreError {
        match self {
            Self::Store(error) => error.clone(),
            Self::Conflict { .. } => StoreError::Unavailable { reason: self.to_string() },
        }
    }
}

fn hold<T, E>(answer: oneshot::Sender<Result<T, E>>, outcome: Result<T, E>) -> Held
where
    T: 'static,
    E: From<StoreError> + 'static,
{
    // Whoever no longer waits for an answer needs none.
    Box::new(move |fault| {
        let _ = answer.send(match fault {
            Some(fault) => Err(fault.clone().into()),
            None => outcome,
        });
    })
}

/// Answers for a batch that could not even begin: the fault comes with the answering.
fn refuse_all(batch: Vec<Job>) -> Vec<Held> {
    let refuse = |job| match job {
        Job::Commit { answer, .. } => hold(answer, Err(StoreError::Closed.into())),
        Job::Claim { answer, .. } => hold(answer, Err(StoreError::Closed)),
        Job::MergeFacts { answer, .. }
        | Job::ForgetFacts { answer, .. }
        | Job::ForgetRecords { answer, .. }
        | Job::Import { answer, .. }
        | Job::ForgetChanges { answer }
        | Job::Close { answer } => hold(answer, Err(StoreError::Closed)),
    };
    batch.into_iter().map(refuse).collect()
}

fn read_lengths(connection: &Connection) -> Result<Lengths, StoreError> {
    let mut lengths = Lengths::default();
    let mut statement =
        connection.prepare("SELECT sequence, length(payload) FROM changes ORDER BY sequence")?;
    let mut found = statement.query([])?;
    while let Some(entry) = found.next()? {
        let sequence: i64 = entry.get(0)?;
        let bytes: i64 = entry.get(1)?;
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        lengths.extend([(sequence.cast_unsigned(), bytes)]);
    }
    Ok(lengths)
}
