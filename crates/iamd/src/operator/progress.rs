//! How far long work has come.

use serde::{Deserialize, Serialize};

/// How far work has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub struct Step {
    /// What is done, in the unit of the work, such as rows.
    pub done: u64,
    /// How much there is in all.
    pub total: u64,
}

/// Where work says how far it has come.
///
/// Only the latest step counts: a reader that is slow misses steps, and never holds up the work.
#[derive(Debug, Clone)]
pub struct Progress {
    latest: tokio::sync::watch::Sender<Option<Step>>,
}

/// Where steps are read.
pub type Steps = tokio::sync::watch::Receiver<Option<Step>>;

impl Progress {
    /// A place to say it, and one to read it.
    pub fn channel() -> (Progress, Steps) {
        let (latest, steps) = tokio::sync::watch::channel(None);
        (Progress { latest }, steps)
    }

    /// Says how far the work has come.
    pub fn report(&self, step: Step) {
        self.latest.send_replace(Some(step));
    }
}
