//! The data folder: its files, who may read them, and the lock that makes it one process's own.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

use super::OpenError;

/// The database within the data folder.
pub(super) const DATABASE_FILE: &str = "store.sqlite3";

/// The file whose lock says that a process uses the folder.
pub(super) const LOCK_FILE: &str = "store.lock";

/// All files: database, log, its index, journal of a creation or migration, lock.
pub(super) const FILES: [&str; 5] =
    [DATABASE_FILE, "store.sqlite3-wal", "store.sqlite3-shm", "store.sqlite3-journal", LOCK_FILE];

/// Proof that this process owns the folder. The system lets go of the lock when the last handle
/// is dropped, however the process ends.
#[derive(Debug)]
pub(super) struct FolderLock {
    _file: File,
}

/// Creates the folder, readable by its owner only, unless it is there.
pub(super) fn create(folder: &Path) -> Result<(), OpenError> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| OpenError::from_io(folder, &error))?;
    match folder.parent() {
        Some(parent) => sync_folder(parent),
        None => Ok(()),
    }
}

/// Locks the folder for this process.
pub(super) fn lock(folder: &Path) -> Result<FolderLock, OpenError> {
    let path = folder.join(LOCK_FILE);
    let failed = |error: io::Error| OpenError::from_io(&path, &error);
    let mut options = private();
    let mut file = options.create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(OpenError::Locked { folder: folder.into(), process: holder(&mut file) });
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    // Only a help for whoever is locked out: the lock itself does not depend on it.
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
    Ok(FolderLock { _file: file })
}

/// The database file, created empty and private if it is not there.
pub(super) fn database_file(folder: &Path) -> Result<PathBuf, OpenError> {
    let path = folder.join(DATABASE_FILE);
    let length = match fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(OpenError::from_io(&path, &error)),
    };
    if length > 0 {
        return Ok(path);
    }
    // SQLite would quietly discard a log whose database is gone, and acknowledged writes with it.
    let log = beside(&path, "-wal");
    if fs::metadata(&log).is_ok_and(|metadata| metadata.len() > 0) {
        return Err(OpenError::Damaged {
            file: path,
            detail: format!("it is missing or empty, but its log `{}` is there", log.display()),
        });
    }
    let created = private().create(true).truncate(false).open(&path);
    created.map_err(|error| OpenError::from_io(&path, &error))?;
    sync_folder(folder)?;
    Ok(path)
}

/// The name of a file that SQLite keeps beside its database.
pub(super) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The process id that the holder of the lock wrote down, if it can be read.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Options to open a file for reading and writing that is created readable by its owner only.
/// SQLite gives its log the same mode as its database.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the names of new files survive a power failure.
fn sync_folder(folder: &Path) -> Result<(), OpenError> {
    if cfg!(windows) {
        return Ok(());
    }
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let synced = File::open(folder).and_then(|opened| opened.sync_all());
    synced.map_err(|error| OpenError::from_io(folder, &error))
}
