//! Tests of what only this engine does: files, damage, a full disk, sudden death.

use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, atomic::Ordering},
};

use rusqlite::Connection;
use tempfile::TempDir;

use super::{OpenError, Options, Shared, Sqlite, folder, migration, schema};
use crate::{
    AccountCommit, AccountId, Changes, ClaimKey, Claimed, CommitError, Fact, Revision, Row, RowKey,
    Store, StoreError,
    conformance::{Everything, Fixture, Setup, commit, facts, feed, held, load, put},
};

const A: AccountId = AccountId(111_111_111_111);

fn fixture(setup: Setup) -> Fixture {
    let folder = TempDir::new().unwrap();
    let mut options = Options::default();
    options.change_log_commits = setup.change_log_commits.unwrap_or(options.change_log_commits);
    let store = Arc::new(Sqlite::open_with(folder.path(), &options).unwrap());
    Fixture { store, guard: Box::new(folder) }
}

mod conformance {
    crate::conformance_tests!(super::fixture);
}

impl Shared {
    /// Stands in for a disk that is full.
    pub(super) fn limit_pages(&self, connection: &Connection) -> rusqlite::Result<()> {
        let pages = self.pages_max.load(Ordering::Relaxed);
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
    }
}

async fn filled(folder: &Path) -> (crate::conformance::Held, crate::Cursor, Vec<Fact>) {
    let store = Sqlite::open(folder).unwrap();
    for account in 0..20 {
        let rows = (0..40_u16).map(|number| {
            let content = vec![account as u8; 20 + usize::from(number) * 37];
            Row::new(RowKey::new(number % 5, format!("id-{number}")), content)
        });
        let list = AccountCommit { puts: rows.collect(), ..commit(AccountId(account), 0, &[]) };
        store.commit(vec![list]).await.unwrap();
        put(&store, AccountId(account), 1, &[("late", "row")]).await.unwrap();
    }
    let used = (0..200).map(|number| Fact {
        account: A,
        key: format!("key/{number}").into(),
        at: number,
        bytes: vec![7; 30],
    });
    store.merge_facts(used.collect()).await.unwrap();
    let (held, cursor) = load(&store).await;
    let facts = facts(&store).await;
    store.close().await.unwrap();
    (held, cursor, facts)
}

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let folder = TempDir::new().unwrap();
    let (held, cursor, used) = filled(folder.path()).await;
    let key = ClaimKey::new(*b"code").unwrap();
    {
        let store = Sqlite::open(folder.path()).unwrap();
        assert_eq!(load(&store).await, (held.clone(), cursor));
        assert_eq!(facts(&store).await, used);
        assert_eq!(store.claim(&key, 100, 1).await, Ok(Claimed::First));
        put(&store, A, 0, &[("user", "x")]).await.unwrap();
    }
    let store = Sqlite::open(folder.path()).unwrap();
    assert_eq!(store.claim(&key, 100, 2).await, Ok(Claimed::Already));
    let news = feed(&store, cursor).await;
    assert_eq!(news.len(), 1, "the feed goes on over a restart");
    assert_eq!(news[0].changes[0].account, A);
    let refused = put(&store, A, 0, &[("user", "y")]).await;
    assert_eq!(refused, Err(CommitError::Conflict { account: A, revision: Revision(1) }));
}

#[tokio::test]
async fn a_folder_in_use_names_the_process() {
    let folder = TempDir::new().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    let refused = Sqlite::open(folder.path()).unwrap_err();
    let process = std::process::id();
    assert!(
        matches!(refused, OpenError::Locked { process: Some(holder), .. } if holder == process)
    );
    assert!(refused.to_string().contains(&format!("in use by process {process}")), "{refused}");
    store.close().await.unwrap();
    Sqlite::open(folder.path()).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("deep/data");
    let store = Sqlite::open(&folder).unwrap();
    put(&store, A, 0, &[("user", "x")]).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{file:?}");
    }
}

#[test]
fn a_foreign_file_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join(folder::DATABASE_FILE);
    for content in
        [&b"not a database, whatever its name says"[..], b"SQLite format 3\0 and no more"]
    {
        fs::write(&file, content).unwrap();
        let refused = Sqlite::open(folder.path()).unwrap_err();
        assert!(matches!(refused, OpenError::Foreign { .. }), "{refused}");
        assert_eq!(fs::read(&file).unwrap(), content);
    }
    fs::remove_file(&file).unwrap();
    let other = Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE theirs (x); CREATE TABLE more (x)").unwrap();
    other.close().unwrap();
    let before = fs::read(&file).unwrap();
    let refused = Sqlite::open(folder.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Foreign { .. }), "{refused}");
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn a_newer_layout_is_refused() {
    let folder = TempDir::new().unwrap();
    filled(folder.path()).await;
    let file = folder.path().join(folder::DATABASE_FILE);
    let newer = Connection::open(&file).unwrap();
    newer.pragma_update(None, "user_version", schema::VERSION + 1).unwrap();
    newer.close().unwrap();
    let kept = fs::read(&file).unwrap();
    let refused = Sqlite::open(folder.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 4, known: 3, .. }), "{refused}");
    assert!(refused.to_string().contains("layout 4, this one knows 3"), "{refused}");
    assert_eq!(fs::read(&file).unwrap(), kept, "nothing was changed");
}

/// Puts the tables of layout 2 into a file of today's, with the same content.
fn make_layout_2(file: &Path) {
    let connection = Connection::open(file).unwrap();
    connection
        .execute_batch(
            "CREATE TEMP TABLE kept AS SELECT account, number, checksum, bytes FROM records; \
             DROP TABLE records; \
             CREATE TABLE records (account INTEGER NOT NULL, number INTEGER NOT NULL, \
             checksum INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (account, number)) \
             STRICT, WITHOUT ROWID; \
             INSERT INTO records SELECT account, number, checksum, bytes FROM kept; \
             PRAGMA user_version = 2",
        )
        .unwrap();
    connection.close().unwrap();
}

/// The records of layout 2 are all there afterwards, and more follow them.
#[tokio::test]
async fn records_of_an_older_layout_are_kept() {
    let folder = TempDir::new().unwrap();
    let account = AccountId(7);
    {
        let store = Sqlite::open(folder.path()).unwrap();
        for number in 0..3_u64 {
            let mut commit = AccountCommit::new(account, Revision(number));
            commit.records = vec![vec![1; 1_200], number.to_be_bytes().to_vec()];
            store.commit(vec![commit]).await.unwrap();
        }
        store.close().await.unwrap();
    }
    make_layout_2(&folder.path().join(folder::DATABASE_FILE));
    let store = Sqlite::open(folder.path()).unwrap();
    let mut commit = AccountCommit::new(account, Revision(3));
    commit.records = vec![b"last".to_vec()];
    store.commit(vec![commit]).await.unwrap();
    let records = store.read_records(account, 0, 100).await.unwrap();
    assert_eq!(records.iter().map(|it| it.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(records[3].bytes, 1_u64.to_be_bytes());
    assert_eq!(records[6].bytes, b"last");
}

/// Puts the tables of layout 1 into a file of today's, with the same content.
fn make_layout_1(file: &Path) {
    let connection = Connection::open(file).unwrap();
    connection
        .execute_batch(
            "CREATE TEMP TABLE old AS SELECT account, revision, row_count, row_sum FROM accounts; \
             DROP TABLE accounts; DROP TABLE records; \
             CREATE TABLE accounts (account INTEGER PRIMARY KEY, revision INTEGER NOT NULL, \
             row_count INTEGER NOT NULL, row_sum INTEGER NOT NULL, checksum INTEGER NOT NULL) STRICT; \
             INSERT INTO accounts SELECT account, revision, row_count, row_sum, 0 FROM old; \
             PRAGMA user_version = 1",
        )
        .unwrap();
    connection.close().unwrap();
}

#[tokio::test]
async fn an_older_layout_is_migrated_whole() {
    let folder = TempDir::new().unwrap();
    let (before, cursor, _) = filled(folder.path()).await;
    let file = folder.path().join(folder::DATABASE_FILE);
    make_layout_1(&file);
    let store = Sqlite::open(folder.path()).unwrap();
    assert_eq!(load(&store).await.0, before);
    assert_eq!(store.changes(cursor).await, Ok(Changes::Lost));
    put(&store, AccountId(3), 2, &[("new", "row")]).await.unwrap();
    let after = load(&store).await.0;
    store.close().await.unwrap();
    drop(store);
    let store = Sqlite::open(folder.path()).unwrap();
    assert_eq!(load(&store).await.0, after);
}

/// A migration that fails or is cut off leaves the old layout, and the next one succeeds.
#[tokio::test]
async fn a_migration_happens_whole_or_not_at_all() {
    let folder = TempDir::new().unwrap();
    let (before, ..) = filled(folder.path()).await;
    let file = folder.path().join(folder::DATABASE_FILE);
    make_layout_1(&file);
    let connection = Connection::open(&file).unwrap();
    connection.execute_batch("CREATE TABLE records (x)").unwrap();
    connection.close().unwrap();
    Sqlite::open(folder.path()).unwrap_err();
    let connection = Connection::open(&file).unwrap();
    let version: i32 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 1);
    connection.execute_batch("DROP TABLE records").unwrap();
    connection.close().unwrap();
    assert_eq!(load(&Sqlite::open(folder.path()).unwrap()).await.0, before);
}

/// What is on the disk at any moment of a migration is the old layout or the new one, and opens.
#[tokio::test]
async fn a_migration_that_is_killed_at_any_moment_goes_on_from_there() {
    /// SQLite's own steps between two moments.
    const STEPS: i32 = 60;
    let folder = TempDir::new().unwrap();
    let (before, ..) = filled(folder.path()).await;
    make_layout_1(&folder.path().join(folder::DATABASE_FILE));
    let mut moments = 0;
    loop {
        let (broken_off, killed) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        copy_files(folder.path(), broken_off.path());
        let mut connection =
            schema::connect(&broken_off.path().join(folder::DATABASE_FILE)).unwrap();
        let (from, to) = (broken_off.path().to_owned(), killed.path().to_owned());
        let mut passed = 0;
        let at_the_moment = move || {
            passed += 1;
            if passed == moments + 1 {
                copy_files(&from, &to);
            }
            passed > moments
        };
        connection.progress_handler(STEPS, Some(at_the_moment)).unwrap();
        let outcome = migration::migrate(&mut connection, 1);
        drop(connection);
        assert_eq!(load(&Sqlite::open(broken_off.path()).unwrap()).await.0, before);
        if outcome.is_ok() {
            break;
        }
        assert_eq!(load(&Sqlite::open(killed.path()).unwrap()).await.0, before, "{moments}");
        moments += 1;
    }
    assert!(moments >= 5, "it was broken off at {moments} moments");
}

fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[tokio::test]
async fn a_changed_schema_is_refused() {
    let folder = TempDir::new().unwrap();
    filled(folder.path()).await;
    let other = Connection::open(folder.path().join(folder::DATABASE_FILE)).unwrap();
    other.execute_batch("CREATE TRIGGER t AFTER INSERT ON rows BEGIN SELECT 1; END").unwrap();
    other.close().unwrap();
    let refused = Sqlite::open(folder.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused}");
}

#[tokio::test]
async fn a_log_without_its_database_is_refused() {
    let folder = TempDir::new().unwrap();
    filled(folder.path()).await;
    let file = folder.path().join(folder::DATABASE_FILE);
    fs::rename(&file, folder::beside(&file, "-wal")).unwrap();
    let refused = Sqlite::open(folder.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused}");
}

#[tokio::test]
async fn a_truncated_file_is_refused() {
    let folder = TempDir::new().unwrap();
    filled(folder.path()).await;
    let file = folder.path().join(folder::DATABASE_FILE);
    let whole = fs::read(&file).unwrap();
    for length in [100, 4096, 8192, whole.len() / 2, whole.len() - 4096, whole.len() - 1] {
        fs::write(&file, &whole[..length]).unwrap();
        let refused = Sqlite::open(folder.path()).expect_err(&format!("cut to {length}"));
        assert!(matches!(refused, OpenError::Damaged { .. }), "{length}: {refused}");
        let _ = fs::remove_file(folder::beside(&file, "-wal"));
        let _ = fs::remove_file(folder::beside(&file, "-shm"));
    }
}

/// Flips one byte in many places. What is answered then is what was stored, or a refusal.
#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_is_never_served() {
    let folder = TempDir::new().unwrap();
    let (held, cursor, used) = filled(folder.path()).await;
    let file = folder.path().join(folder::DATABASE_FILE);
    let whole = fs::read(&file).unwrap();
    let (mut refused, mut harmless) = (0, 0);
    // A stride that is prime to the page size visits every part of pages.
    for place in (0..whole.len()).step_by(3001) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x40;
        fs::write(&file, &damaged).unwrap();
        let _ = fs::remove_file(folder::beside(&file, "-wal"));
        let _ = fs::remove_file(folder::beside(&file, "-shm"));
        let Ok(store) = Sqlite::open(folder.path()) else {
            refused += 1;
            continue;
        };
        let mut everything = Everything::default();
        match store.load_all(&mut everything).await {
            Ok(found) => {
                assert_eq!(everything.held, held, "flipped at {place}");
                assert_eq!(found, cursor, "flipped at {place}");
                harmless += 1;
            }
            Err(StoreError::Damaged { .. }) => {
                refused += 1;
                let after = store.read_account(AccountId(0)).await;
                assert!(matches!(after, Err(StoreError::Damaged { .. })), "damage is remembered");
                let write = put(&store, A, 0, &[("user", "x")]).await.unwrap_err();
                assert!(matches!(write, CommitError::Store(StoreError::Damaged { .. })));
                continue;
            }
            Err(other) => panic!("flipped at {place}: {other}"),
        }
        let mut all = Facts(Vec::new());
        match store.read_facts(&mut all).await {
            Ok(()) => assert_eq!(all.0, used, "flipped at {place}"),
            Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "{error}"),
        }
    }
    assert!(refused > 50 && harmless > 0, "{refused} refused, {harmless} harmless");
}

struct Facts(Vec<Fact>);

impl crate::FactVisitor for Facts {
    fn fact(&mut self, fact: crate::FactRef<'_>) -> std::ops::ControlFlow<()> {
        self.0.push(fact.to_fact());
        std::ops::ControlFlow::Continue(())
    }
}

/// A page of an earlier time in the place of the present one is sound in itself.
#[tokio::test]
async fn a_row_that_is_older_or_missing_is_noticed() {
    for tampering in [
        "DELETE FROM rows WHERE account = 3 AND id = 'late'",
        "DELETE FROM accounts WHERE account = 3",
        "UPDATE rows SET account = 30 WHERE account = 3 AND id = 'late'",
        "UPDATE rows SET bytes = x'00' WHERE account = 3 AND id = 'late'",
        "UPDATE accounts SET revision = 1 WHERE account = 3",
        "INSERT INTO rows SELECT account, 9, 'copy', checksum, bytes FROM rows WHERE account = 3 LIMIT 1",
    ] {
        let folder = TempDir::new().unwrap();
        filled(folder.path()).await;
        let other = Connection::open(folder.path().join(folder::DATABASE_FILE)).unwrap();
        assert_eq!(other.execute(tampering, []).unwrap(), 1);
        other.close().unwrap();
        let store = Sqlite::open(folder.path()).unwrap();
        let found = store.load_all(&mut Everything::default()).await;
        assert!(matches!(found, Err(StoreError::Damaged { .. })), "{tampering}");
    }
}

/// A log whose end was torn off by a power failure: what was complete is there, nothing half.
#[tokio::test]
async fn a_torn_log_recovers_to_a_commit() {
    let folder = TempDir::new().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    for revision in 0..20 {
        let list = vec![
            commit(A, revision, &[("user", &revision.to_string())]),
            commit(AccountId(2), revision, &[("user", &revision.to_string())]),
        ];
        store.commit(list).await.unwrap();
    }
    let file = folder.path().join(folder::DATABASE_FILE);
    let (database, log) =
        (fs::read(&file).unwrap(), fs::read(folder::beside(&file, "-wal")).unwrap());
    drop(store);
    let mut revisions = Vec::new();
    for length in (0..=log.len()).step_by(log.len() / 37) {
        let torn = TempDir::new().unwrap();
        let file = torn.path().join(folder::DATABASE_FILE);
        fs::write(&file, &database).unwrap();
        fs::write(folder::beside(&file, "-wal"), &log[..length]).unwrap();
        let store = Sqlite::open(torn.path()).unwrap();
        let (held, _) = load(&store).await;
        assert_eq!(held.get(&A), held.get(&AccountId(2)), "a list is whole");
        revisions.push(held.get(&A).map_or(0, |(revision, _)| revision.0));
    }
    assert!(revisions.is_sorted(), "{revisions:?}");
    assert!(revisions.first() < revisions.last(), "{revisions:?}");
}

#[tokio::test]
async fn a_full_disk_refuses_whole_commits_and_recovers() {
    let folder = TempDir::new().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    put(&store, A, 0, &[("user", "x")]).await.unwrap();
    let before = load(&store).await;
    store.shared.pages_max.store(20, Ordering::Relaxed);
    let large = Row::new(RowKey::new(1, "large"), vec![1; 500_000]);
    let list = || {
        let large = AccountCommit { puts: vec![large.clone()], ..commit(A, 1, &[]) };
        vec![commit(AccountId(2), 0, &[("user", "y")]), large]
    };
    let refused = store.commit(list()).await.unwrap_err();
    assert!(matches!(refused, CommitError::Store(StoreError::Unavailable { .. })), "{refused}");
    assert_eq!(load(&store).await, before, "nothing is half applied, and reading goes on");
    store.shared.pages_max.store(u32::MAX - 1, Ordering::Relaxed);
    let committed = store.commit(list()).await.unwrap();
    assert_eq!(committed.revisions, [(AccountId(2), Revision(1)), (A, Revision(2))]);
    assert_eq!(feed(&store, before.1).await.len(), 1);
}

/// Writes in the same transaction as one that fails are not drawn in.
#[tokio::test(flavor = "multi_thread")]
async fn conflicts_and_failures_stay_alone_in_a_group() {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(Sqlite::open(folder.path()).unwrap());
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let expected = u64::from(number % 3 == 0);
                put(&*store, AccountId(number), expected, &[("user", "x")]).await.is_ok()
            })
        })
        .collect();
    for (number, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), number % 3 != 0);
    }
    assert_eq!(load(&*store).await.0.len(), 133);
}

#[tokio::test]
async fn the_change_log_stays_within_its_bounds() {
    let folder = TempDir::new().unwrap();
    let options = Options { change_log_commits: 100, change_log_bytes: 50_000 };
    let store = Sqlite::open_with(folder.path(), &options).unwrap();
    let content = "x".repeat(1000);
    for revision in 0..120 {
        put(&store, A, revision, &[("user", &content)]).await.unwrap();
    }
    let (_, cursor) = load(&store).await;
    store.close().await.unwrap();
    let file = folder.path().join(folder::DATABASE_FILE);
    let bytes: i64 = Connection::open(file)
        .unwrap()
        .query_row("SELECT sum(length(payload)) FROM changes", [], |row| row.get(0))
        .unwrap();
    assert!((40_000..=53_000).contains(&bytes), "{bytes}");
    let store = Sqlite::open_with(folder.path(), &options).unwrap();
    assert_eq!(store.changes(cursor).await, Ok(Changes::List(vec![])));
    let next = put(&store, A, 120, &[("user", "y")]).await.unwrap();
    assert_eq!(feed(&store, cursor).await[0].cursor, next.cursor);
}

#[tokio::test]
async fn a_path_that_cannot_be_a_folder_is_explained() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let refused = Sqlite::open(&file).unwrap_err();
    assert!(refused.to_string().contains("cannot be used"), "{refused}");
}

/// A creation that is cut off at any point is taken up again.
#[tokio::test]
async fn an_empty_file_is_no_foreign_file() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(folder::DATABASE_FILE), "").unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    put(&store, A, 0, &[("user", "x")]).await.unwrap();
}

/// Kills a process that writes, again and again: what it had acknowledged is there.
#[test]
fn acknowledged_commits_survive_a_killed_process() {
    let folder = TempDir::new().unwrap();
    let mut acknowledged = 0;
    for round in 0..6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sqlite::tests::child_that_commits", "--ignored", "--nocapture"])
            .env("IAMD_STORE_TEST_FOLDER", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        for line in lines {
            let line = line.unwrap();
            let Some(revision) = line.strip_prefix("acknowledged ") else {
                continue;
            };
            acknowledged = revision.parse().unwrap();
            seen += 1;
            if seen >= 20 + round * 13 {
                break;
            }
        }
        assert!(seen > 0, "the child commits");
        child.kill().unwrap();
        child.wait().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = Sqlite::open(folder.path()).unwrap();
            let (held, _) = load(&store).await;
            let (revision, rows) = &held[&A];
            assert!(revision.0 >= acknowledged, "{} < {acknowledged}", revision.0);
            assert_eq!(rows.len() as u64, revision.0, "one row a commit");
            assert_eq!(held[&A], held[&AccountId(2)], "none is half applied");
        });
    }
}

#[tokio::test]
#[ignore = "run by acknowledged_commits_survive_a_killed_process, which kills it"]
async fn child_that_commits() {
    let Some(folder) = std::env::var_os("IAMD_STORE_TEST_FOLDER") else {
        return;
    };
    let store = Sqlite::open(folder).unwrap();
    let (mut revision, _) = held(&store, A).await;
    for _ in 0..100_000 {
        let name = format!("row {}", revision.0);
        let list = [A, AccountId(2)].map(|account| commit(account, revision.0, &[(&name, "x")]));
        revision = store.commit(list.into()).await.unwrap().revisions[0].1;
        println!("acknowledged {}", revision.0);
    }
}

/// The kernel lets go of a lock whose process is gone; the file it leaves behind means nothing.
#[test]
fn a_lock_file_left_behind_does_not_lock() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(folder::LOCK_FILE);
    fs::write(&path, "4194304\n").unwrap();
    let _store = Sqlite::open(folder.path()).unwrap();
    let mut file = OpenOptions::new().read(true).open(path).unwrap();
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text.trim(), std::process::id().to_string());
}

/// Bytes that no other test writes, long enough for pages of their own.
fn marked(word: &str) -> Vec<u8> {
    word.repeat(200).into_bytes()
}

#[tokio::test]
async fn what_was_replaced_or_removed_is_in_no_file_once_the_changes_are_forgotten() {
    let folder = TempDir::new().unwrap();
    let is_there = |word: &str| {
        let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
        files.into_iter().any(|file| {
            let bytes = fs::read(file).unwrap();
            bytes.windows(word.len()).any(|part| part == word.as_bytes())
        })
    };
    let store = Sqlite::open(folder.path()).unwrap();
    let row = |id: &str, word: &str| Row::new(RowKey::new(1, id), marked(word));
    let puts = vec![row("a", "first-secret"), row("b", "second-secret")];
    store.commit(vec![AccountCommit { puts, ..commit(A, 0, &[]) }]).await.unwrap();
    let puts = vec![row("a", "third-secret")];
    let removes = vec![RowKey::new(1, "b")];
    store.commit(vec![AccountCommit { puts, removes, ..commit(A, 1, &[]) }]).await.unwrap();
    assert!(is_there("first-secret") && is_there("second-secret"), "the feed has them");
    store.forget_changes().await.unwrap();
    assert!(!is_there("first-secret") && !is_there("second-secret"));
    assert!(is_there("third-secret"));
}
