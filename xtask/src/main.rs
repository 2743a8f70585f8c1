//! Development tasks: `cargo xtask <task>`.

mod bench;
mod codegen;
mod command;
mod data;
mod dist;
mod fuzz;
mod simulate;
mod status;
mod suite;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Development tasks of iamd")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Generates wire types and tables from the reduced service models under models/.
    Codegen(codegen::Arguments),
    /// Regenerates the data packs (AWS managed policies) from registry packages.
    Data(data::Arguments),
    /// Checks house rules that the compiler does not: function length, leftovers, freshness.
    Tidy(tidy::Arguments),
    /// Sets up what the tests need and runs all of them.
    Test(suite::Arguments),
    /// Runs the whole node on a store that fails, from seeds, and checks what must hold.
    Simulate(simulate::Arguments),
    /// Searches for inputs that break what strangers can send to.
    Fuzz(fuzz::Arguments),
    /// Builds the release: an archive, and a Debian package where dpkg-deb is installed.
    Dist(dist::Arguments),
    /// Measures the ratios of docs/performance.md.
    Bench(bench::Arguments),
    /// Counts the operations that there are, and lists what differs from AWS on purpose.
    Status(status::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Codegen(arguments) => codegen::run(&arguments),
        Task::Data(arguments) => data::run(&arguments),
        Task::Tidy(arguments) => tidy::run(&arguments),
        Task::Test(arguments) => suite::run(&arguments),
        Task::Simulate(arguments) => simulate::run(&arguments),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Dist(arguments) => dist::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Status(arguments) => status::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace, wherever the task was called.
fn workspace_root() -> Result<PathBuf, String> {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map(PathBuf::from).ok_or_else(|| "the workspace has no root".to_owned())
}
