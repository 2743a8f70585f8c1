//! Backups: everything that a node keeps, in one sealed file, and back from there.
//!
//! A backup is a header in the clear and then a stream of items (`format`), cut into chunks that are
//! sealed one by one (`stream`) under a key which derives from the master key and the header. It
//! holds rows, ledgers and stored keys as the store has them, which are sealed as well. The master
//! key itself is never in it. docs/decisions/0010-backups.md says why it is so.

mod check;
mod format;
mod place;
mod read;
mod restore;
mod stream;
#[cfg(test)]
mod tests;
mod write;

pub use check::{Findings, verify};
pub use format::INITIALIZED_FILE;
pub use place::refuse_unfinished;
pub use restore::restore;
#[cfg(test)]
pub use restore::restore_into;
#[cfg(test)]
pub use write::copied;
pub use write::{Summary, write};
