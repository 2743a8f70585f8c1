//! What SQLite's errors mean to us, and the memory of having seen damage.

use std::sync::OnceLock;

use rusqlite::{Error, ErrorCode, types::FromSqlError};

use crate::StoreError;

/// Remembers damage: once seen, nothing is served and nothing is written any more.
#[derive(Debug, Default)]
pub(super) struct Health {
    damage: OnceLock<StoreError>,
}

impl Health {
    /// Refuses if damage has been seen.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.damage.get().map_or(Ok(()), |damage| Err(damage.clone()))
    }

    /// Takes note of an error on its way out.
    pub(super) fn note(&self, error: StoreError) -> StoreError {
        if matches!(error, StoreError::Damaged { .. }) {
            return self.damage.get_or_init(|| error).clone();
        }
        error
    }
}

/// Shorthand for damage found by our own checks.
pub(super) fn damaged(detail: impl Into<String>) -> StoreError {
    StoreError::Damaged { detail: detail.into() }
}

impl From<Error> for StoreError {
    /// Our statements are fixed and known to work, so what is not a known outside cause means
    /// that the file is not what we wrote.
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(code) if is_outside_cause(code) => Self::Unavailable { reason: text },
            Some(_) | None => Self::Damaged { detail: text },
        }
    }
}

impl From<FromSqlError> for StoreError {
    fn from(error: FromSqlError) -> Self {
        damaged(error.to_string())
    }
}

/// Whether the cause may go away by itself or by the operator's doing, without a restore.
pub(super) fn is_outside_cause(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::PermissionDenied
            | ErrorCode::OperationAborted
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::OutOfMemory
            | ErrorCode::ReadOnly
            | ErrorCode::OperationInterrupted
            | ErrorCode::SystemIoFailure
            | ErrorCode::DiskFull
            | ErrorCode::CannotOpen
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::NoLargeFileSupport
            | ErrorCode::TooBig
    )
}
