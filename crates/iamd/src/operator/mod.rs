//! The operator's door: a socket in the data folder that only the owner of the process can open.
//!
//! A request is one line of JSON. The answer is one line as well; before it come lines of
//! progress while long work goes on.

mod accounts;
mod ask;
mod door;
mod keys;
mod progress;
mod way;
mod wish;

use serde::{Deserialize, Serialize};

pub use accounts::AccountLine;
pub use ask::ask;
pub use door::open;
pub use keys::{KeyLine, KeyOrder, RotationFacts};
pub use progress::{Progress, Step, Steps};
pub use wish::{Granted, Site, Wish, grant};

/// Name of the socket in the data folder.
pub const SOCKET_FILE: &str = "operator.sock";
/// Longest request, in bytes.
const REQUEST_LENGTH_MAX: u64 = 1024 * 1024;
/// Longest answer, in bytes, all its lines together.
const ANSWER_LENGTH_MAX: u64 = 256 * 1024 * 1024;

/// A line of an answer.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Reply {
    /// How far the work has come; more lines follow.
    Progress(Step),
    /// The last line: what was asked for.
    Granted(Box<Granted>),
    /// The last line: why not.
    Error(String),
}
