//! `iamd policy`: decisions without a server.

mod eval;
mod question;

use std::process::ExitCode;

use clap::Subcommand;

use crate::fault::Fault;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Answers decisions: one JSON request per line in, one JSON decision per line out.
    Eval(eval::Options),
}

pub(super) fn run(command: Command) -> Result<ExitCode, Fault> {
    match command {
        Command::Eval(options) => eval::run(&options),
    }
}
