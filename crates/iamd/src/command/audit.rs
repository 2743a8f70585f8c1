//! `iamd audit`: proving and reading the audit trail.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use iamd_wire::Timestamp;

use super::{EXIT_FAILED, OutputFormat, errand, folder, printout};
use crate::audit::{Attribute, Filter, Report, show};
use crate::fault::Fault;
use crate::operator::{Granted, Wish};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Proves that the trail is what was written; names the first thing in each file that is not.
    Verify(Verify),
    /// Shows records, the oldest first.
    Show(Show),
}

#[derive(Args)]
pub(super) struct Verify {
    /// The data folder of the node, which may be running.
    #[arg(long, env = "IAMD_DATA", default_value = "./iamd-data")]
    data: PathBuf,
    /// Where the master key of a node that is not running comes from, as in its settings.
    #[arg(long, env = "IAMD_MASTER_KEY", value_name = "SOURCE", default_value = "")]
    master_key: String,
    /// How to print; lines on a terminal, JSON otherwise.
    #[arg(short, long)]
    output: Option<OutputFormat>,
}

#[derive(Args)]
pub(super) struct Show {
    /// The data folder of the node, which may be running.
    #[arg(long, env = "IAMD_DATA", default_value = "./iamd-data")]
    data: PathBuf,
    /// Not before this time, such as 2026-01-31T12:00:00Z.
    #[arg(long)]
    since: Option<Timestamp>,
    /// Not after this time.
    #[arg(long)]
    until: Option<Timestamp>,
    /// Only records of this account.
    #[arg(long, value_name = "ACCOUNT")]
    account_id: Option<String>,
    /// Only records of this user, or session.
    #[arg(long)]
    user: Option<String>,
    /// Only records of this operation, such as CreateUser.
    #[arg(long)]
    event: Option<String>,
    /// How to print; lines on a terminal, JSON records, one a line, otherwise.
    #[arg(short, long)]
    output: Option<OutputFormat>,
}

pub(super) async fn run(command: Command) -> Result<ExitCode, Fault> {
    match command {
        Command::Verify(options) => run_verify(&options).await,
        Command::Show(options) => run_show(options).map(|()| ExitCode::SUCCESS),
    }
}

async fn run_verify(options: &Verify) -> Result<ExitCode, Fault> {
    let report = report(options).await?;
    match OutputFormat::or_what_fits(options.output) {
        OutputFormat::Json => printout::json(&report)?,
        OutputFormat::Table => printout::text(&told(&report))?,
    }
    Ok(if report.breaks.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FAILED) })
}

/// By the running node, if there is one; else by the folder itself.
async fn report(options: &Verify) -> Result<Report, Fault> {
    match errand::carry_out_with(&options.data, &options.master_key, Wish::VerifyAudit).await? {
        Granted::Audit(report) => Ok(report),
        _ => Err(Fault::Bug("the node answers something else".to_owned())),
    }
}

fn told(report: &Report) -> String {
    let Report { accounts, stored, files, lines, breaks } = report;
    let mut text = format!(
        "{stored} records in the store ({accounts} logs) and {lines} in {files} files were read.\n"
    );
    if breaks.is_empty() {
        text.push_str("The audit trail is what was written.\n");
    }
    breaks.iter().for_each(|broken| text.push_str(&format!("{broken}\n")));
    text
}

fn run_show(options: Show) -> Result<(), Fault> {
    folder::check_exists(&options.data)?;
    let user = options.user.map(|user| (Attribute::Username, user));
    let event = options.event.map(|event| (Attribute::EventName, event));
    let filter = Filter {
        since: options.since,
        until: options.until,
        account: options.account_id,
        values: user.into_iter().chain(event).collect(),
    };
    let output = OutputFormat::or_what_fits(options.output);
    let mut stdout = std::io::stdout().lock();
    let shown = show(&options.data, &filter, &mut |record, facts| match output {
        OutputFormat::Json => writeln!(stdout, "{record}"),
        OutputFormat::Table => writeln!(
            stdout,
            "{}  {:12}  {:20}  {:32}  {}",
            facts.time, facts.account, facts.user_name, facts.event_name, facts.error_code
        ),
    });
    match shown {
        // Whoever reads has enough, such as `head`.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        shown => shown.map_err(|error| {
            Fault::Folder(format!(
                "the trail in {} cannot be read: {error}",
                options.data.display()
            ))
        }),
    }
}
