//! `iamd doctor`: what is wrong, or soon will be, and what to do about it.
//!
//! What the node knows it says itself; files, certificates, disk and settings are looked at here.
//! Gathering facts and judging them are apart: every check is a function of facts.

mod finding;
mod folder;
mod node;
mod settings;
mod transport;

use std::process::ExitCode;

use clap::Args;
use iamd_store::Sqlite;

use super::init::absolute;
use super::place::Reach;
use super::settings::Settings;
use super::{EXIT_FAILED, OutputFormat, errand, printout};
use crate::clock::Clock;
use crate::config::Config;
use crate::fault::Fault;
use crate::operator::{Granted, NodeFacts, SOCKET_FILE, Wish};
use finding::{Finding, Severity};

#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    reach: Reach,
    /// How to print; a list on a terminal, JSON otherwise.
    #[arg(short, long)]
    output: Option<OutputFormat>,
}

pub(super) async fn run(options: Options) -> Result<ExitCode, Fault> {
    let mut findings = match options.reach.remote()? {
        // Files, disk and settings of another machine cannot be seen from here.
        Some(remote) => node::findings(&facts(remote.ask(&Wish::Examine).await?)?),
        None => here(&options.settings).await?,
    };
    findings.sort_by_key(|finding| finding.severity);
    match OutputFormat::or_what_fits(options.output) {
        OutputFormat::Json => printout::json(&findings)?,
        OutputFormat::Table => printout::text(&finding::text(&findings))?,
    }
    let is_sick = findings.iter().any(|finding| finding.severity == Severity::Error);
    Ok(if is_sick { ExitCode::from(EXIT_FAILED) } else { ExitCode::SUCCESS })
}

/// Everything about a node and its folder on this machine.
async fn here(settings: &Settings) -> Result<Vec<Finding>, Fault> {
    let loaded = settings.load(Vec::new())?;
    let config = loaded.config;
    // What is to be done is said with paths that hold everywhere.
    let config = Config { data: absolute(&config.data), ..config };
    let now = Clock::default().now();
    let mut findings = settings::findings(&config);
    findings.extend(loaded.warnings.iter().map(settings::odd));
    if !config.data.join(SOCKET_FILE).exists() && !Sqlite::exists(&config.data) {
        findings.push(no_data(&config));
        return Ok(findings);
    }
    findings.extend(folder::findings(&folder::Facts::gather(&config)));
    findings.extend(transport::findings(&transport::Facts::gather(&config), now));
    let examined = errand::carry_out_with(&config.data, &config.master_key, Wish::Examine).await;
    match examined.and_then(facts) {
        Ok(facts) => findings.extend(node::findings(&facts)),
        Err(fault) => findings.push(unopened(&fault)),
    }
    Ok(findings)
}

fn facts(granted: Granted) -> Result<NodeFacts, Fault> {
    match granted {
        Granted::Examination(facts) => Ok(facts),
        _ => Err(Fault::Bug("an examination was answered with something else".to_owned())),
    }
}

fn no_data(config: &Config) -> Finding {
    Finding::error(
        "data",
        format!("the data folder `{}` holds no data", config.data.display()),
        "nothing can be served from it",
        "name the folder of your node with --data or --config, or make one with `iamd init`",
    )
}

fn unopened(fault: &Fault) -> Finding {
    Finding::error(
        "data",
        format!("the data cannot be opened: {fault}"),
        "a node could not start on it",
        "do what the message says; if rows are damaged, restore a backup",
    )
}
