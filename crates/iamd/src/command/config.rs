//! `iamd config`: checking the settings of `iamd serve`, and printing their defaults.

use clap::Subcommand;

use super::printout;
use super::settings::Settings;
use crate::config::{self, Key};
use crate::fault::Fault;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Says whether the settings are right, and where each one that was set comes from.
    Validate(Settings),
    /// Prints a file with every key at its default, and what it is for.
    PrintDefaults,
}

pub(super) fn run(command: Command) -> Result<(), Fault> {
    match command {
        Command::PrintDefaults => printout::text(&config::defaults()),
        Command::Validate(settings) => {
            let mut loaded = settings.load(Vec::new())?;
            for warning in &loaded.warnings {
                eprintln!("iamd: {warning}");
            }
            let mut text =
                "The settings are right. What differs from the defaults, and why:\n".to_owned();
            for key in Key::all() {
                if let Some(origin) = loaded.origins.get(&key.path()) {
                    let value = key.toml(&mut loaded.config);
                    text.push_str(&format!("  {} = {value}  ({origin})\n", key.path()));
                }
            }
            printout::text(&text)
        }
    }
}
