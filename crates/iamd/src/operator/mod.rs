//! The operator's door: a socket in the data folder that only the owner of the process can open.
//!
//! A request is one line of JSON. The answer is one line as well; before it come lines of
//! progress while long work goes on, and lines that say how many bytes of output follow them.

mod accounts;
mod ask;
mod door;
mod output;
mod progress;
mod way;
mod wish;

use serde::{Deserialize, Serialize};

pub use accounts::AccountLine;
pub use ask::ask;
pub use door::open;
pub use output::Output;
pub use progress::{Progress, Step, Steps};
pub use wish::{Granted, Site, Wish, grant};

/// Name of the socket in the data folder.
pub const SOCKET_FILE: &str = "operator.sock";
/// Longest request, in bytes.
const REQUEST_LENGTH_MAX: u64 = 1024 * 1024;
/// Longest answer, in bytes, all its lines together but for bytes that are passed on.
const ANSWER_LENGTH_MAX: u64 = 256 * 1024 * 1024;
/// Most bytes behind one line that announces them.
const BYTES_LENGTH_MAX: usize = 64 * 1024;

/// A line of an answer.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Reply {
    /// How far the work has come; more lines follow.
    Progress(Step),
    /// So many bytes of output follow this line, and then more lines.
    Bytes(usize),
    /// The last line: what was asked for.
    Granted(Box<Granted>),
    /// The last line: why not.
    Error(String),
}
