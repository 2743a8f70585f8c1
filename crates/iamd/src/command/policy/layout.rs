//! `iamd policy fmt`: documents in one layout.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::super::printout;
use super::lint::read;
use crate::fault::Fault;

#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 done, 1 with --check some files have another layout, 2 wrong use."
)]
pub(in crate::command) struct Options {
    /// Policy documents; `-` reads standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Writes nothing and names the files that have another layout.
    #[arg(long, conflicts_with = "write")]
    check: bool,
    /// Writes the files instead of printing.
    #[arg(long)]
    write: bool,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, Fault> {
    let mut all_formatted = true;
    for file in &options.files {
        let text = read(file)?;
        let formatted = iamd_policy::format(&text)
            .map_err(|error| Fault::Refused(format!("{}: {error}", file.display())))?;
        let is_formatted = formatted == text;
        all_formatted &= is_formatted;
        if options.check {
            if !is_formatted {
                printout::text(&format!("{}\n", file.display()))?;
            }
        } else if options.write && file.as_os_str() != "-" {
            if !is_formatted {
                std::fs::write(file, &formatted).map_err(|error| {
                    Fault::Refused(format!("`{}` cannot be written: {error}", file.display()))
                })?;
            }
        } else {
            printout::text(&formatted)?;
        }
    }
    let fails = options.check && !all_formatted;
    Ok(if fails { ExitCode::from(super::super::EXIT_FAILED) } else { ExitCode::SUCCESS })
}
