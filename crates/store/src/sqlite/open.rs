//! Opening a data folder: ours and whole, or a refusal that says what to do.

use std::{
    error::Error,
    fmt,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, ErrorCode};

use super::{folder, migration, schema};
use crate::StoreError;

/// Files up to this size are checked page by page at every start. Larger ones are not, to start
/// quickly: there the checksums speak when the rows are loaded.
const FULL_CHECK_BYTES_MAX: u64 = 64 << 20;

/// Why a data folder was not opened. The message says what it is and what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process uses the folder.
    Locked {
        /// The folder.
        folder: PathBuf,
        /// The other process, if it is known.
        process: Option<u32>,
    },
    /// The file is not a database of ours.
    Foreign {
        /// The file.
        file: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// A newer build has written the file.
    Newer {
        /// The file.
        file: PathBuf,
        /// The version of its layout.
        found: u32,
        /// The newest version that this build knows.
        known: u32,
    },
    /// The file is ours and damaged.
    Damaged {
        /// The file.
        file: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The folder or a file in it cannot be written.
    ReadOnly {
        /// The folder or file.
        path: PathBuf,
    },
    /// There is no room on the disk.
    Full {
        /// The folder or file.
        path: PathBuf,
    },
    /// The folder or a file in it cannot be used for another reason.
    Inaccessible {
        /// The folder or file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { folder, process } => {
                write!(f, "the data folder `{}` is in use by ", folder.display())?;
                match process {
                    Some(process) => write!(f, "process {process}; stop it")?,
                    None => f.write_str("another process; stop it")?,
                }
                f.write_str(" or choose another folder")
            }
            Self::Foreign { file, found } => write!(
                f,
                "`{}` is not a database of iamd but {found}; choose another data folder or, if \
                 it was one, restore a backup",
                file.display()
            ),
            Self::Newer { file, found, known } => write!(
                f,
                "`{}` was written by a newer iamd (layout {found}, this one knows {known}); \
                 use that version or restore a backup made with this one",
                file.display()
            ),
            Self::Damaged { file, detail } => write!(
                f,
                "`{}` is damaged ({detail}); keep a copy of the folder and restore a backup",
                file.display()
            ),
            Self::ReadOnly { path } => write!(
                f,
                "`{}` cannot be written; give this user the right to, or mount the disk \
                 writable",
                path.display()
            ),
            Self::Full { path } => {
                write!(f, "there is no room on the disk for `{}`; free some", path.display())
            }
            Self::Inaccessible { path, reason } => {
                write!(f, "`{}` cannot be used: {reason}", path.display())
            }
        }
    }
}

impl Error for OpenError {}

impl OpenError {
    pub(super) fn from_io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Inaccessible { path, reason: error.to_string() },
        }
    }

    pub(super) fn from_sqlite(file: &Path, error: rusqlite::Error) -> Self {
        let path = file.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { path },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Locked { folder: path, process: None }
            }
            Some(_) | None => Self::from_store(file, StoreError::from(error)),
        }
    }

    pub(super) fn from_store(file: &Path, error: StoreError) -> Self {
        match error {
            StoreError::Damaged { detail } => Self::Damaged { file: file.to_owned(), detail },
            StoreError::Unavailable { .. }
            | StoreError::Invalid { .. }
            | StoreError::Stopped
            | StoreError::Closed => {
                Self::Inaccessible { path: file.to_owned(), reason: error.to_string() }
            }
        }
    }
}

/// Opens the database for its writer: created if there is none, checked if there is one.
pub(super) fn open_database(file: &Path) -> Result<Connection, OpenError> {
    let failed = |error| OpenError::from_sqlite(file, error);
    let header = read_header(file)?;
    let mut connection = schema::connect(file).map_err(failed)?;
    match (header, schema::is_empty(&connection).map_err(failed)?) {
        (Header::Unmarked, true) => schema::create(&mut connection).map_err(failed)?,
        (Header::Unmarked | Header::Ours, false) => {}
        // SQLite takes a file that is shorter than a page for a new one.
        (Header::Ours, true) => {
            let detail = "all of it but its first bytes is gone".into();
            return Err(OpenError::Damaged { file: file.to_owned(), detail });
        }
    }
    bring_to_our_layout(file, &mut connection)?;
    let mode = schema::make_durable(&connection).map_err(failed)?;
    if mode != "wal" {
        let reason = format!("SQLite keeps its journal as `{mode}` instead of a log there");
        return Err(OpenError::Inaccessible { path: file.to_owned(), reason });
    }
    refuse_damage(file, &connection)?;
    Ok(connection)
}

/// What the first bytes of a file that is not foreign say.
enum Header {
    /// Nothing yet: new, or its creation was cut off.
    Unmarked,
    Ours,
}

/// Looks at the first bytes of the file before SQLite does, so that a database that is not ours
/// is left as it is, down to its journal.
fn read_header(file: &Path) -> Result<Header, OpenError> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    let opened = File::open(file).map_err(|error| OpenError::from_io(file, &error))?;
    let length = opened.metadata().map_err(|error| OpenError::from_io(file, &error))?.len();
    let read = opened.take(HEADER_BYTES as u64).read_to_end(&mut header);
    read.map_err(|error| OpenError::from_io(file, &error))?;
    if header.is_empty() {
        return Ok(Header::Unmarked);
    }
    let foreign = |found: &str| OpenError::Foreign { file: file.to_owned(), found: found.into() };
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(foreign("something that SQLite does not know"));
    }
    let Some(application) = header.get(68..72) else {
        return Err(foreign("the first bytes of a SQLite database"));
    };
    if application == schema::APPLICATION_ID.to_be_bytes() {
        // A log may still hold the rest of a page that was being written.
        let log = fs::metadata(folder::beside(file, "-wal"));
        let log_is_empty = log.map_or(true, |log| log.len() == 0);
        if log_is_empty && !length.is_multiple_of(ONE_PAGE_BYTES) {
            let detail = format!("its {length} bytes are not a whole number of pages");
            return Err(OpenError::Damaged { file: file.to_owned(), detail });
        }
        return Ok(Header::Ours);
    }
    // A creation that was cut off has no mark yet: a single page, or a journal to roll back.
    let journal = fs::metadata(folder::beside(file, "-journal"));
    let cut_off = length <= ONE_PAGE_BYTES || journal.is_ok_and(|journal| journal.len() > 0);
    if application == [0; 4] && cut_off {
        Ok(Header::Unmarked)
    } else {
        Err(foreign("a SQLite database of another program"))
    }
}

/// Refuses what another program or a newer build has written, and migrates what an older one has.
fn bring_to_our_layout(file: &Path, connection: &mut Connection) -> Result<(), OpenError> {
    let failed = |error| OpenError::from_sqlite(file, error);
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    if number("application_id").map_err(failed)? != schema::APPLICATION_ID {
        let found = "a SQLite database of another program".into();
        return Err(OpenError::Foreign { file: file.to_owned(), found });
    }
    let found = number("user_version").map_err(failed)?;
    match u32::try_from(found) {
        Ok(found) if found > schema::VERSION => {
            Err(OpenError::Newer { file: file.to_owned(), found, known: schema::VERSION })
        }
        Ok(found) if migration::leads_from(found) => {
            migration::migrate(connection, found).map_err(failed)
        }
        Ok(_) | Err(_) => Err(OpenError::Damaged {
            file: file.to_owned(),
            detail: format!("there was never a layout {found}"),
        }),
    }
}

fn refuse_damage(file: &Path, connection: &Connection) -> Result<(), OpenError> {
    let failed = |error| OpenError::from_sqlite(file, error);
    let damaged = |detail| Err(OpenError::Damaged { file: file.to_owned(), detail });
    if !schema::is_intact(connection).map_err(failed)? {
        return damaged("its tables are not the ones that iamd creates".to_owned());
    }
    let length = fs::metadata(file).map_err(|error| OpenError::from_io(file, &error))?.len();
    if length > FULL_CHECK_BYTES_MAX {
        return Ok(());
    }
    let finding: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if finding == "ok" { Ok(()) } else { damaged(finding) }
}

/// The length of SQLite's file header. SQLite documentation, "Database File Format", section 1.3.
const HEADER_BYTES: usize = 100;

/// The default page size, which we do not change.
const ONE_PAGE_BYTES: u64 = 4096;
