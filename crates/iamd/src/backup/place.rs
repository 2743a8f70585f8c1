//! The folder that a backup is restored into: empty before, whole after, and marked in between.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use iamd_store::Sqlite;

use super::format::{FILES, INITIALIZED_FILE};
use crate::fault::Fault;

/// The file that says that a restore has begun here and not ended.
const MARK_FILE: &str = "restoring";
/// Names of what may be in the folder before: the key that opens the backup.
const ALLOWED: &str = "master.key";

/// Refuses a folder that a restore was broken off in.
///
/// # Errors
/// [`Fault::Folder`] that says what to do.
pub fn refuse_unfinished(folder: &Path) -> Result<(), Fault> {
    if !folder.join(MARK_FILE).exists() {
        return Ok(());
    }
    Err(Fault::Folder(format!(
        "a restore into the data folder `{}` did not come to its end, or goes on now; wait for it or run `iamd restore` again",
        folder.display()
    )))
}

/// A folder that a restore is at work in; nobody else is as long as this lives.
pub(super) struct Place {
    folder: PathBuf,
    mark: File,
}

impl Place {
    /// Takes an empty folder, or clears one that a restore was broken off in. Only what a restore
    /// makes is removed.
    ///
    /// # Errors
    /// [`Fault::Folder`] when there is anything else in it, and then nothing was changed.
    pub(super) fn take(folder: &Path) -> Result<Place, Fault> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| unusable(folder, &error))?;
        let path = folder.join(MARK_FILE);
        let was_begun = path.exists();
        if !was_begun {
            refuse_content(folder)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let mark = options.open(&path).map_err(|error| unusable(&path, &error))?;
        match mark.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Fault::Folder(format!(
                    "another restore into `{}` goes on now",
                    folder.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(unusable(&path, &error)),
        }
        let place = Place { folder: folder.to_owned(), mark };
        place.mark.sync_all().map_err(|error| unusable(&path, &error))?;
        place.sync(folder)?;
        if was_begun {
            place.clear()?;
        }
        Ok(place)
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts a file as it was, for its owner only.
    ///
    /// # Errors
    /// [`Fault::Folder`]
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        let path = self.folder.join(name);
        let write = || {
            if let Some(parent) = path.parent().filter(|parent| *parent != self.folder) {
                DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
            }
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
        };
        write().map_err(|error| unusable(&path, &error))
    }

    /// Says that everything is there: takes the mark away.
    ///
    /// # Errors
    /// [`Fault::Folder`]; the folder is then one in which a restore was broken off.
    pub(super) fn complete(self) -> Result<(), Fault> {
        self.sync(&self.folder)?;
        let path = self.folder.join(MARK_FILE);
        std::fs::remove_file(&path).map_err(|error| unusable(&path, &error))?;
        self.sync(&self.folder)
    }

    /// Removes what was put, and then the mark. What cannot be removed stays, and with it the mark.
    pub(super) fn abandon(self) {
        if self.clear().is_ok() {
            let _ = std::fs::remove_file(self.folder.join(MARK_FILE));
        }
    }

    fn clear(&self) -> Result<(), Fault> {
        let files = Sqlite::FILES.into_iter().chain(FILES);
        for path in files.map(|name| self.folder.join(name)) {
            match std::fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(unusable(&path, &error)),
            }
        }
        // Only if it is empty.
        let _ = std::fs::remove_dir(self.folder.join("tls"));
        self.sync(&self.folder)
    }

    fn sync(&self, folder: &Path) -> Result<(), Fault> {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| unusable(folder, &error))
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn refuse_content(folder: &Path) -> Result<(), Fault> {
    let entries = std::fs::read_dir(folder).map_err(|error| unusable(folder, &error))?;
    for entry in entries {
        let name = entry.map_err(|error| unusable(folder, &error))?.file_name();
        if name != ALLOWED {
            let what = if name == INITIALIZED_FILE || name == "store.sqlite3" {
                "holds data already".to_owned()
            } else {
                format!("is not empty: `{}` is in it", name.to_string_lossy().escape_debug())
            };
            return Err(Fault::Folder(format!(
                "the data folder `{}` {what}; a backup is restored into an empty folder; nothing was changed",
                folder.display()
            )));
        }
    }
    Ok(())
}

fn unusable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::Folder(format!("{} cannot be used: {error}", path.display()))
}
