//! `iamd key`: the keys of a node, listed and rotated, on a running node or on a folder at rest.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{OutputFormat, errand, printout};
use crate::fault::Fault;
use crate::keys::MasterKeySource;
use crate::node::SESSION_DELAY_SECONDS;
use crate::operator::{Granted, KeyLine, KeyOrder, RotationFacts, Wish};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Lists the keys, and how much is sealed under each; never the keys themselves.
    List(Place),
    /// Puts a new key in the place of one, while requests go on.
    Rotate(Rotate),
}

#[derive(Args)]
pub(super) struct Place {
    /// The data folder of the node, which may be running.
    #[arg(long, env = "IAMD_DATA", default_value = "./iamd-data")]
    data: PathBuf,
    /// Where the master key of a node that is not running comes from, as in its settings.
    #[arg(long, env = "IAMD_MASTER_KEY", value_name = "SOURCE", default_value = "")]
    master_key: String,
    /// How to print; a table on a terminal, JSON otherwise.
    #[arg(short, long)]
    output: Option<OutputFormat>,
}

#[derive(Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    place: Place,
    /// The key that seals session tokens, instead of the one that seals rows.
    #[arg(long, conflicts_with = "master")]
    session: bool,
    /// After how many seconds the new session key is used, so that every node knows it by then.
    #[arg(long, requires = "session", value_name = "SECONDS", default_value_t = SESSION_DELAY_SECONDS)]
    delay_seconds: u32,
    /// The master key, which seals the others.
    #[arg(long, requires = "new_master_key")]
    master: bool,
    /// Where the new master key comes from: `file:PATH` (made if it is not there), `env:NAME`, or
    /// `exec:PROGRAM ARGUMENT...`.
    #[arg(long, requires = "master", value_name = "SOURCE")]
    new_master_key: Option<String>,
}

pub(super) async fn run(command: Command) -> Result<(), Fault> {
    match command {
        Command::List(place) => show(&carry_out(&place, Wish::ListKeys).await?, place.output),
        Command::Rotate(rotate) => {
            let order = order(&rotate)?;
            let granted = carry_out(&rotate.place, Wish::RotateKey(order)).await?;
            show(&granted, rotate.place.output)
        }
    }
}

async fn carry_out(place: &Place, wish: Wish) -> Result<Granted, Fault> {
    errand::carry_out_with(&place.data, &place.master_key, wish).await
}

fn order(rotate: &Rotate) -> Result<KeyOrder, Fault> {
    match &rotate.new_master_key {
        Some(setting) => {
            let forms = || "`--new-master-key` is empty".to_owned();
            let source = match setting.as_str() {
                "" => Err(forms()),
                setting => MasterKeySource::parse(setting, &rotate.place.data)
                    .map_err(|message| format!("`--new-master-key` {message}")),
            };
            let key = source.map_err(Fault::Refused)?.open_or_create()?;
            Ok(KeyOrder::Master { key: key.digits() })
        }
        None if rotate.session => Ok(KeyOrder::Session { delay_seconds: rotate.delay_seconds }),
        None => Ok(KeyOrder::Data),
    }
}

fn show(granted: &Granted, output: Option<OutputFormat>) -> Result<(), Fault> {
    match (OutputFormat::or_what_fits(output), granted) {
        (OutputFormat::Json, Granted::Keys(keys)) => printout::json(keys),
        (OutputFormat::Json, Granted::Rotation(facts)) => printout::json(facts),
        (OutputFormat::Table, Granted::Keys(keys)) => printout::text(&table(keys)),
        (OutputFormat::Table, Granted::Rotation(facts)) => printout::text(&sentence(facts)),
        (_, other) => Err(Fault::Bug(format!("the node has granted {other:?}"))),
    }
}

fn table(keys: &[KeyLine]) -> String {
    let mut text = format!(
        "{:<8} {:<9} {:<10} {:<20} {:<20} {:<20} {:>9} {:>9}\n",
        "KIND", "ID", "STATE", "CREATED", "ACTIVE FROM", "RETIRED", "ROWS", "LEDGERS"
    );
    let time = |time: &Option<String>| time.clone().unwrap_or_else(|| "-".to_owned());
    let count = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |it| it.to_string());
    for key in keys {
        text.push_str(&format!(
            "{:<8} {:<9} {:<10} {:<20} {:<20} {:<20} {:>9} {:>9}\n",
            key.kind,
            key.id,
            key.state,
            time(&key.created),
            time(&key.active_from),
            time(&key.retired),
            count(key.rows),
            count(key.ledgers)
        ));
    }
    text
}

fn sentence(facts: &RotationFacts) -> String {
    let rows = facts.rows.unwrap_or_default();
    match (facts.kind.as_str(), &facts.active_from) {
        ("master", _) => format!(
            "The stored keys are under the master key {} now. Name the new key in the settings before the next start.\n",
            facts.id
        ),
        (_, Some(from)) => format!("Session key {} seals from {from} on.\n", facts.id),
        (_, None) if facts.resumed => format!(
            "The rotation to data key {} came to its end: {rows} rows were sealed anew. No other key was made.\n",
            facts.id
        ),
        (_, None) => {
            format!("Data key {} seals everything now: {rows} rows were sealed anew.\n", facts.id)
        }
    }
}
