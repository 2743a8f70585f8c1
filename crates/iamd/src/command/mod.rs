//! The command line.

mod account;
mod audit;
mod backup;
mod config;
mod confirm;
mod dev;
mod doctor;
mod errand;
mod export;
mod folder;
mod follower;
mod gateway;
mod granted;
mod health;
mod import_aws;
mod init;
mod key;
mod manual;
mod mfa;
mod node_name;
mod operator;
mod place;
mod policy;
mod printout;
mod restore;
mod revoke;
mod secret_file;
mod serve;
mod settings;
mod status;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::fault::Fault;

/// Exit code of a command that failed.
const EXIT_FAILED: u8 = 1;

#[derive(Parser)]
#[command(
    name = "iamd",
    version,
    about = "AWS IAM and STS that anyone can run",
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong use."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts one process with one account, nothing to configure; for development and tests.
    Dev(dev::Options),
    /// Makes the data folder of a production server, with its first account.
    Init(init::Options),
    /// Serves a data folder that `iamd init` has made.
    Serve(serve::Options),
    /// Checks and explains the settings of `iamd serve`.
    Config {
        #[command(subcommand)]
        command: config::Command,
    },
    /// Asks the server on this machine whether it is ready; for container health checks.
    Health(health::Options),
    /// Creates, lists, closes and helps accounts.
    Account {
        #[command(subcommand)]
        command: account::Command,
    },
    /// Writes everything that a node keeps into one sealed file, while it runs; or checks such a file.
    Backup(backup::Options),
    /// Restores a backup into an empty data folder; or checks it.
    Restore(restore::Options),
    /// Proves and shows the audit trail.
    Audit {
        #[command(subcommand)]
        command: audit::Command,
    },
    /// Guards an S3 store for a node that runs elsewhere; watches calls, says what was used, and gives
    /// buckets to accounts.
    Gateway(Box<gateway::Arguments>),
    /// Makes hardware MFA tokens known.
    Mfa {
        #[command(subcommand)]
        command: mfa::Command,
    },
    /// Lists and rotates keys.
    Key {
        #[command(subcommand)]
        command: key::Command,
    },
    /// Says how a node is, or a folder at rest.
    Status(place::Place),
    /// Says what is wrong with a node, its folder and its settings, and what to do.
    Doctor(doctor::Options),
    /// Ends credentials before their time: at once, also while the store is away.
    Revoke(revoke::Options),
    /// Brings users, groups, roles and policies of an account of AWS in: all of them, or none.
    ImportAws(import_aws::Options),
    /// Prints the users, groups, roles and policies of an account, for `import-aws` or Terraform.
    Export(export::Options),
    /// Makes, lists and deletes credentials for operators on other machines.
    Operator {
        #[command(subcommand)]
        command: operator::Command,
    },
    /// Decisions and checks of policies, without a server.
    Policy {
        #[command(subcommand)]
        command: policy::Command,
    },
    /// Writes the manual pages into a folder.
    Manual {
        /// The folder, which must exist.
        folder: std::path::PathBuf,
    },
    /// Prints the completions of a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// How a command prints what it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// For people.
    Table,
    /// One JSON document.
    Json,
}

impl OutputFormat {
    /// The one that was asked for; else a table on a terminal, and JSON for programs.
    fn or_what_fits(wanted: Option<OutputFormat>) -> OutputFormat {
        let is_terminal = std::io::stdout().is_terminal();
        wanted.unwrap_or(if is_terminal { OutputFormat::Table } else { OutputFormat::Json })
    }
}

/// Runs the command that the process was called with.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Dev(options) => served(dev::run(options)),
        Command::Init(options) => served(init::run(options)),
        Command::Serve(options) => served(serve::run(options)),
        Command::Config { command } => config::run(command).map(|()| ExitCode::SUCCESS),
        Command::Health(options) => served(health::run(options)),
        Command::Manual { folder } => {
            manual::write(Arguments::command(), &folder).map(|()| ExitCode::SUCCESS)
        }
        Command::Account { command } => served(account::run(command)),
        Command::Backup(options) => served(backup::run(options)),
        Command::Restore(options) => served(restore::run(options)),
        Command::Audit { command } => {
            runtime().and_then(|runtime| runtime.block_on(audit::run(command)))
        }
        Command::Gateway(arguments) => served(gateway::run(*arguments)),
        Command::Mfa { command } => served(mfa::run(command)),
        Command::Status(place) => served(status::run(place)),
        Command::Doctor(options) => {
            runtime().and_then(|runtime| runtime.block_on(doctor::run(options)))
        }
        Command::Revoke(options) => served(revoke::run(options)),
        Command::ImportAws(options) => served(import_aws::run(options)),
        Command::Export(options) => served(export::run(options)),
        Command::Operator { command } => served(operator::run(command)),
        Command::Key { command } => served(key::run(command)),
        Command::Policy { command } => policy::run(command),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Arguments::command(),
                "iamd",
                &mut std::io::stdout(),
            );
            Ok(ExitCode::SUCCESS)
        }
    };
    match outcome {
        Ok(code) => code,
        Err(fault) => {
            eprintln!("iamd: {fault}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

/// Runs what needs the network or a store.
fn served(work: impl Future<Output = Result<(), Fault>>) -> Result<ExitCode, Fault> {
    runtime()?.block_on(work).map(|()| ExitCode::SUCCESS)
}

fn runtime() -> Result<tokio::runtime::Runtime, Fault> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .enable_all()
        .build()
        .map_err(|error| Fault::Unavailable(format!("threads cannot be started: {error}")))
}
