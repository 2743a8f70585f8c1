//! The options by which commands find their settings.

use std::path::PathBuf;

use clap::Args;

use crate::config::{self, Flag, Loaded, Problem, Said};
use crate::fault::Fault;

#[derive(Args)]
pub(super) struct Settings {
    /// The file of settings; `iamd config print-defaults` prints one.
    #[arg(long, env = "IAMD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder (key `data`).
    #[arg(long, value_name = "FOLDER")]
    data: Option<String>,
    /// Sets any key of the file, such as `server.listen=0.0.0.0:4260`; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
}

impl Settings {
    /// The settings in force, with those that the command has options for.
    ///
    /// # Errors
    /// [`Fault::Refused`] with a line for everything that is wrong.
    pub(super) fn load(&self, more: Vec<Flag>) -> Result<Loaded, Fault> {
        let mut flags = Vec::new();
        for set in &self.sets {
            let Some((key, value)) = set.split_once('=') else {
                return Err(Fault::Refused("--set needs KEY=VALUE".to_owned()));
            };
            let key = key.trim().to_owned();
            flags.push(Flag { option: format!("--set {key}"), key, value: value.to_owned() });
        }
        flags.extend(self.data.as_deref().map(|data| flag("--data", "data", data)));
        flags.extend(more);
        let said = Said { file: self.config.clone(), flags };
        // Variables that are no text are none of ours.
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        config::load(&said, environment).map_err(|problems| refused(&problems))
    }
}

/// A key that an option sets.
pub(super) fn flag(option: &str, key: &str, value: &str) -> Flag {
    Flag { option: option.to_owned(), key: key.to_owned(), value: value.to_owned() }
}

fn refused(problems: &[Problem]) -> Fault {
    let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
    Fault::Refused(format!("the settings are wrong:\n{}", lines.join("\n")))
}
