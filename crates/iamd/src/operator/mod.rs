//! The operator's door: a socket in the data folder that only the owner of the process can open.
//!
//! A request is one line of JSON. The answer is one line as well; before it come lines of
//! progress while long work goes on, and lines that say how many bytes of output follow them.

mod accounts;
mod ask;
mod buckets;
mod calls;
mod carry;
mod credentials;
mod door;
mod examination;
mod following;
mod keys;
mod output;
mod policies;
mod progress;
mod remote;
mod revoke;
mod status;
#[cfg(test)]
mod tests;
mod traces;
mod transfer;
mod usage;
mod way;
mod wish;

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use accounts::{AccountLine, MfaFacts, PasswordFacts, StandingFacts};
pub use ask::ask;
pub use buckets::{BucketOrder, BucketsImported};
pub use carry::{carry_out, refused};
pub use credentials::{OperatorFacts, Purpose};
pub use door::open;
pub use examination::{Named, NodeFacts};
pub use following::{
    AuditTerms, FactLine, FollowAnswer, FollowWish, KeyFacts, KeyQuestion, Line, Place, Portion,
    PortionOrder, RecordBatch, Told,
};
pub use keys::{KeyLine, KeyOrder, RotationFacts};
pub use output::Output;
pub use progress::{Progress, Step, Steps};
pub use remote::Remote;
pub use revoke::{RevocationFacts, RevokeOrder};
#[cfg(test)]
pub use revoke::{keep_replaying, replay};
pub use status::StatusFacts;
#[cfg(test)]
pub use status::{CertificateFacts, Counts, StoreFacts};
pub use traces::permit;
pub use transfer::{ExportFacts, ImportFacts, ImportOrder};
pub use usage::{UsageLine, UsageOrder};
pub use wish::{Granted, Site, Wish, grant};

use crate::fault::Fault;
use crate::node::Node;

/// Takes up what was revoked while the store was away, on a folder that nobody serves: in force at
/// once, and stored if the store answers.
///
/// # Errors
/// [`Fault::Folder`] and [`Fault::Damaged`] of the journal.
pub async fn take_up(node: &Arc<Node>, folder: &Path) -> Result<(), Fault> {
    node.open_journal(folder)?;
    revoke::replay(node).await;
    Ok(())
}

/// Name of the socket in the data folder.
pub const SOCKET_FILE: &str = "operator.sock";
/// Where operators on other machines ask, on the port of the API.
pub const OPERATOR_PATH: &str = "/_operator";
/// The service in the scope of their signatures.
pub const OPERATOR_SERVICE: &str = "iamd-operator";
/// What is said of work that a bug has ended.
pub const BROKEN_OFF: &str = "the work ended before it was done: this is a bug";
/// Longest request, in bytes: a file to import with every character of it escaped.
const REQUEST_LENGTH_MAX: u64 = 2 * iamd_core::transfer::FILE_LENGTH_MAX as u64 + 64 * 1024;
/// Longest answer, in bytes, all its lines together but for bytes that are passed on.
const ANSWER_LENGTH_MAX: u64 = 256 * 1024 * 1024;
/// Most bytes behind one line that announces them.
const BYTES_LENGTH_MAX: usize = 64 * 1024;

/// A line of an answer.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// How far the work has come; more lines follow.
    Progress(Step),
    /// So many bytes of output follow this line, and then more lines.
    Bytes(usize),
    /// The last line: what was asked for.
    Granted(Box<Granted>),
    /// The last line: why not.
    Error(String),
}
