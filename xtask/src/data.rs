//! The task `data`.

/// Command line of the task.
#[derive(clap::Args)]
pub(crate) struct Arguments {}

/// Runs the task.
pub(crate) fn run(_arguments: &Arguments) -> Result<(), String> {
    Err("not built yet".to_owned())
}
