//! The task `simulate`: the whole node in virtual time, from seeds.
//!
//! The simulation is a test of the crate `iamd`, under `node/simulation`; this runs it on as many
//! seeds as one likes, or on the one that failed.

use crate::command;

/// Command line of the task.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many seeds, beginning with 0.
    #[arg(long, default_value_t = SEEDS)]
    seeds: u64,
    /// Runs this seed alone, and prints what happens.
    #[arg(long, value_name = "SEED", conflicts_with = "seeds")]
    seed: Option<u64>,
}

/// Seeds of a test run.
const SEEDS: u64 = 1_000;

/// Runs the task.
pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let test = "node::simulation::seeds";
    let mut command = command::cargo(
        &crate::workspace_root()?,
        ["test", "-p", "iamd", "--quiet", "--", test, "--exact", "--ignored", "--nocapture"],
    );
    // What a run says of itself is its trace, not where a check stands in the source.
    command.env("RUST_BACKTRACE", "0");
    match arguments.seed {
        Some(seed) => command.env("IAMD_SIMULATE_SEED", seed.to_string()),
        None => command.env("IAMD_SIMULATE_SEEDS", arguments.seeds.to_string()),
    };
    command::run(command)
}
