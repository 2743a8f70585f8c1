//! `iamd policy`: decisions without a server.

mod eval;
mod explain;
mod generate;
mod layout;
mod lint;
mod question;
mod raw;
mod reader;
mod reduce;
mod rewrite;
mod story;
mod suite;

use std::process::ExitCode;

use clap::Subcommand;

use crate::fault::Fault;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Answers decisions: one JSON request per line in, one JSON decision per line out.
    Eval(eval::Options),
    /// Says why one request is allowed or denied.
    Explain(Box<explain::Options>),
    /// Brings policy documents into one layout.
    #[command(
        after_help = "Exit codes: 0 done, 1 with --check some files have another layout, 2 wrong use."
    )]
    Fmt(rewrite::Options),
    /// Makes the smallest policy that covers what a user or role has used, from an audit trail.
    Generate(generate::Options),
    /// Finds what is wrong, dangerous or useless in policy documents.
    Lint(lint::Options),
    /// Makes policy documents smaller that mean the same.
    #[command(
        after_help = "Exit codes: 0 done, 1 with --check some files can be smaller, 2 wrong use."
    )]
    Reduce(rewrite::Options),
    /// Runs tables of requests with the decisions that are expected of them.
    Test(suite::Options),
}

/// Exit code of wrong use: what was asked cannot be read.
const EXIT_WRONG_USE: u8 = 2;

pub(super) fn run(command: Command) -> Result<ExitCode, Fault> {
    let outcome = match command {
        Command::Eval(options) => eval::run(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Fmt(options) => layout::run(&options),
        Command::Generate(options) => generate::run(&options),
        Command::Lint(options) => lint::run(&options),
        Command::Reduce(options) => reduce::run(&options),
        Command::Test(options) => suite::run(&options),
    };
    // A denial and a failed test are exit code 1: an error must not look like one.
    Ok(outcome.unwrap_or_else(|fault| {
        eprintln!("iamd: {fault}");
        ExitCode::from(EXIT_WRONG_USE)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_fit_together() {
        Command::augment_subcommands(clap::Command::new("policy")).debug_assert();
    }
}
