//! Tables, and the marks by which a file is known as ours.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, config::DbConfig};

/// `PRAGMA application_id`: "iamd" in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x6961_6d64;

/// `PRAGMA user_version`: the layout that this build reads and writes.
pub(super) const VERSION: u32 = 3;

/// Numbers of 64 bits without sign are kept bit by bit in SQLite's signed ones.
///
/// `rows` and `facts` are kept in the order of their keys, so that a load is one sequential scan.
/// `records` are kept in the order in which they come, beside an index: in the pages of an index a
/// text of 1 kB would have a page of its own.
pub(super) const TABLES: [(&str, &str); 9] = [
    (
        "accounts",
        "CREATE TABLE accounts (account INTEGER PRIMARY KEY, revision INTEGER NOT NULL, \
         row_count INTEGER NOT NULL, row_sum INTEGER NOT NULL, record_count INTEGER NOT NULL, \
         seal BLOB NOT NULL, checksum INTEGER NOT NULL) STRICT",
    ),
    (
        "changes",
        "CREATE TABLE changes (sequence INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, \
         payload BLOB NOT NULL) STRICT",
    ),
    (
        "claims",
        "CREATE TABLE claims (key BLOB PRIMARY KEY, expiry INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    ),
    ("claims_by_expiry", "CREATE INDEX claims_by_expiry ON claims (expiry)"),
    (
        "facts",
        "CREATE TABLE facts (account INTEGER NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, \
         checksum INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (account, key)) \
         STRICT, WITHOUT ROWID",
    ),
    (
        "meta",
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    ),
    (
        "records",
        "CREATE TABLE records (place INTEGER PRIMARY KEY, account INTEGER NOT NULL, \
         number INTEGER NOT NULL, checksum INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT",
    ),
    ("records_by_number", "CREATE UNIQUE INDEX records_by_number ON records (account, number)"),
    (
        "rows",
        "CREATE TABLE rows (account INTEGER NOT NULL, kind INTEGER NOT NULL, id TEXT NOT NULL, \
         checksum INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (account, kind, id)) \
         STRICT, WITHOUT ROWID",
    ),
];

/// How long another connection is waited for.
pub(super) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// Opens the file and sets what holds for every connection. Changes nothing in the file.
pub(super) fn connect(file: &Path) -> rusqlite::Result<Connection> {
    // One thread owns each connection, so SQLite's own mutexes would only cost time.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// Sets what holds for the connection that writes: a commit is on disk when it returns.
pub(super) fn make_durable(connection: &Connection) -> rusqlite::Result<String> {
    let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Only Apple's systems tell a flush to the disk from a flush to the platter.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    // What is replaced or removed is overwritten: keys are, and what was sealed with them.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    connection.pragma_update(None, "cache_size", -8192)?;
    connection.pragma_update_and_check(None, "journal_size_limit", 64 << 20, |_| Ok(()))?;
    Ok(mode)
}

/// Whether nothing was ever created in the file.
pub(super) fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

/// Creates everything in one transaction of the rollback journal, so that the file itself, not
/// only its log, carries our marks from the first moment on.
pub(super) fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction()?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    for (_, definition) in TABLES {
        transaction.execute_batch(definition)?;
    }
    transaction.execute("INSERT INTO meta (name, value) VALUES ('incarnation', random())", [])?;
    transaction.commit()
}

/// What tells this life of the store from others.
pub(super) fn incarnation(connection: &Connection) -> rusqlite::Result<u64> {
    let query = "SELECT value FROM meta WHERE name = 'incarnation'";
    connection.query_row(query, [], |row| row.get(0)).map(i64::cast_unsigned)
}

/// Whether the file holds exactly the tables that this version creates.
pub(super) fn is_intact(connection: &Connection) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare(
        "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
    )?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found: Vec<(String, String)> = found.collect::<rusqlite::Result<_>>()?;
    Ok(found.iter().map(|(name, sql)| (name.as_str(), sql.as_str())).eq(TABLES))
}
