//! The embedded engine: one SQLite file in a data folder that one process owns.
//!
//! Write-ahead log, `synchronous=FULL`, one thread that writes and commits in groups, another
//! that reads. Whatever is found damaged is refused, and so is everything after it.

mod change_log;
mod checksum;
mod copy;
#[cfg(test)]
mod crash_tests;
mod fault;
mod folder;
mod forget;
mod import;
mod load;
mod migration;
mod open;
mod reader;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    fmt,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use tokio::sync::{mpsc, oneshot, watch};

pub use self::open::OpenError;
use self::{
    fault::Health,
    folder::FolderLock,
    reader::Question,
    writer::{Claim, Job, Writer},
};
use crate::{
    AccountCommit, AccountId, AccountRows, Answer, Changes, ClaimKey, Claimed, CommitError,
    Committed, CopyVisitor, Cursor, Fact, FactVisitor, Identity, Imported, Record, RowVisitor,
    Store, StoreError, commit, fact,
};

/// This many jobs may wait for a thread; whoever comes later waits to get in.
const QUEUE_MAX: usize = 1024;

/// What an operator may want otherwise.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many commits the change feed reaches back, at least one.
    pub change_log_commits: usize,
    /// How many bytes of commits the change feed reaches back.
    pub change_log_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { change_log_commits: 16_384, change_log_bytes: 64 << 20 }
    }
}

/// A store in a data folder.
pub struct Sqlite {
    shared: Arc<Shared>,
    lock: Mutex<Option<Arc<FolderLock>>>,
    jobs: Option<mpsc::Sender<Job>>,
    questions: Option<mpsc::Sender<Question>>,
    threads: Vec<JoinHandle<()>>,
    hint: watch::Sender<()>,
}

impl Sqlite {
    /// Names of all files that the engine keeps in a data folder, whether they are there or not.
    pub const FILES: [&str; 5] = folder::FILES;

    /// Whether a folder holds data of this engine, whatever its state.
    pub fn exists(folder: impl AsRef<Path>) -> bool {
        let file = folder.as_ref().join(folder::DATABASE_FILE);
        std::fs::metadata(file).is_ok_and(|file| file.len() > 0)
    }

    /// Opens the data folder, and creates what is missing: the folder for its owner only, the
    /// files in it likewise. Blocks; meant for start-up.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(folder, &Options::default())
    }

    /// Like [`Sqlite::open`], with options.
    pub fn open_with(folder: impl AsRef<Path>, options: &Options) -> Result<Self, OpenError> {
        let folder = folder.as_ref();
        folder::create(folder)?;
        let lock = folder::lock(folder)?;
        let file = folder::database_file(folder)?;
        let connection = open::open_database(&file)?;
        let incarnation = schema::incarnation(&connection)
            .map_err(|error| OpenError::from_sqlite(&file, error))?;
        let shared = Arc::new(Shared {
            file: file.clone(),
            incarnation,
            change_log_bounds: (options.change_log_commits.max(1), options.change_log_bytes),
            health: Health::default(),
            #[cfg(test)]
            pages_max: std::sync::atomic::AtomicU32::new(u32::MAX - 1),
        });
        let hint = watch::Sender::new(());
        let writer = Writer::new(shared.clone(), hint.clone(), connection)
            .map_err(|error| OpenError::from_store(&file, error))?;
        let (jobs, waiting_jobs) = mpsc::channel(QUEUE_MAX);
        let (questions, waiting_questions) = mpsc::channel(QUEUE_MAX);
        let asked = shared.clone();
        let threads = [
            named("iamd-store-write").spawn(move || writer.run(waiting_jobs)),
            named("iamd-store-read").spawn(move || reader::run(&asked, waiting_questions)),
        ];
        let threads: Result<Vec<_>, _> = threads.into_iter().collect();
        Ok(Self {
            shared,
            lock: Mutex::new(Some(Arc::new(lock))),
            jobs: Some(jobs),
            questions: Some(questions),
            threads: threads.map_err(|error| OpenError::from_io(&file, &error))?,
            hint,
        })
    }

    /// Hands a job to the writer and waits for its answer.
    async fn write<T, E: From<StoreError>>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, E>>) -> Job,
    ) -> Result<T, E> {
        self.shared.health.check()?;
        let (answer, answered) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job(answer)).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Hands a question to the reader and waits for its answer.
    async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Question,
    ) -> Result<T, StoreError> {
        self.shared.health.check()?;
        let (answer, answered) = oneshot::channel();
        let questions = self.questions.as_ref().ok_or(StoreError::Closed)?;
        questions.send(question(answer)).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// The lock, for as long as a load needs the folder; none once the store is closed.
    fn hold_lock(&self) -> Result<Arc<FolderLock>, StoreError> {
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        lock.clone().ok_or(StoreError::Closed)
    }

    fn release_lock(&self) {
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("file", &self.shared.file).finish_non_exhaustive()
    }
}

/// Finishes what was accepted, as [`Store::close`] does, but on the spot.
impl Drop for Sqlite {
    fn drop(&mut self) {
        self.jobs = None;
        self.questions = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to finish.
            let _ = thread.join();
        }
    }
}

impl Store for Sqlite {
    fn identity(&self) -> Identity {
        Identity { engine: "sqlite", layout: Some(schema::VERSION) }
    }

    fn load_all<'a>(
        &'a self,
        visitor: &'a mut dyn RowVisitor,
    ) -> Answer<'a, Result<Cursor, StoreError>> {
        Box::pin(async move {
            let mut deliveries = load::begin_rows(self.shared.clone(), self.hold_lock()?)?;
            loop {
                match load::next(&mut deliveries).await? {
                    ControlFlow::Continue(parcel) => parcel.show_rows(visitor)?,
                    ControlFlow::Break(cursor) => return Ok(cursor),
                }
            }
        })
    }

    fn read_account(&self, account: AccountId) -> Answer<'_, Result<AccountRows, StoreError>> {
        Box::pin(self.ask(move |answer| Question::Account { account, answer }))
    }

    fn commit(&self, list: Vec<AccountCommit>) -> Answer<'_, Result<Committed, CommitError>> {
        Box::pin(async move {
            commit::check(&list)?;
            self.write(|answer| Job::Commit { list, answer }).await
        })
    }

    fn changes(&self, after: Cursor) -> Answer<'_, Result<Changes, StoreError>> {
        Box::pin(self.ask(move |answer| Question::Changes { after, answer }))
    }

    fn hint(&self) -> watch::Receiver<()> {
        self.hint.subscribe()
    }

    fn claim<'a>(
        &'a self,
        key: &'a ClaimKey,
        expiry: i64,
        now: i64,
    ) -> Answer<'a, Result<Claimed, StoreError>> {
        let claim = Claim { key: key.clone(), expiry, now };
        Box::pin(self.write(move |answer| Job::Claim { claim, answer }))
    }

    fn merge_facts(&self, facts: Vec<Fact>) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(async move {
            fact::check(&facts)?;
            self.write(|answer| Job::MergeFacts { facts, answer }).await
        })
    }

    fn forget_facts(&self, keys: Vec<(AccountId, Box<str>)>) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(self.write(move |answer| Job::ForgetFacts { keys, answer }))
    }

    fn read_facts<'a>(
        &'a self,
        visitor: &'a mut dyn FactVisitor,
    ) -> Answer<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut deliveries = load::begin_facts(self.shared.clone(), self.hold_lock()?)?;
            loop {
                match load::next(&mut deliveries).await? {
                    ControlFlow::Continue(parcel) => parcel.show_facts(visitor)?,
                    ControlFlow::Break(_) => return Ok(()),
                }
            }
        })
    }

    fn read_records(
        &self,
        account: AccountId,
        after: u64,
        most: usize,
    ) -> Answer<'_, Result<Vec<Record>, StoreError>> {
        Box::pin(self.ask(move |answer| Question::Records { account, after, most, answer }))
    }

    fn forget_records(&self, account: AccountId, up_to: u64) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(self.write(move |answer| Job::ForgetRecords { account, up_to, answer }))
    }

    fn copy_all<'a>(
        &'a self,
        first: AccountId,
        visitor: &'a mut dyn CopyVisitor,
    ) -> Answer<'a, Result<Cursor, StoreError>> {
        Box::pin(async move {
            let mut deliveries = load::begin_copy(self.shared.clone(), self.hold_lock()?, first)?;
            loop {
                match load::next(&mut deliveries).await? {
                    ControlFlow::Continue(parcel) => parcel.show_all(visitor)?,
                    ControlFlow::Break(cursor) => return Ok(cursor),
                }
            }
        })
    }

    fn import(&self, list: Vec<Imported>) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(async move {
            crate::copy::check(&list)?;
            self.write(|answer| Job::Import { list, answer }).await
        })
    }

    fn forget_changes(&self) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(self.write(|answer| Job::ForgetChanges { answer }))
    }

    fn close(&self) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(async move {
            // The reader first: the log can be brought in when nobody reads from it.
            let (answer, answered) = oneshot::channel();
            if let Some(questions) = &self.questions
                && questions.send(Question::Close { answer }).await.is_ok()
            {
                let _ = answered.await;
            }
            let (answer, answered) = oneshot::channel();
            let mut closed = Ok(());
            if let Some(jobs) = &self.jobs
                && jobs.send(Job::Close { answer }).await.is_ok()
            {
                closed = answered.await.unwrap_or(Ok(()));
            }
            self.release_lock();
            closed
        })
    }
}

/// What the threads have in common.
#[derive(Debug)]
struct Shared {
    file: PathBuf,
    incarnation: u64,
    /// Commits and bytes that the change log keeps.
    change_log_bounds: (usize, usize),
    health: Health,
    /// A disk that is full, for tests.
    #[cfg(test)]
    pages_max: std::sync::atomic::AtomicU32,
}

fn named(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.to_owned())
}
