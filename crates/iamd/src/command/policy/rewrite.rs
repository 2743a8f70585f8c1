//! Commands that turn documents into other documents: print them, write them, or only check.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use iamd_policy::ParseError;

use super::super::printout;
use super::lint::read;
use crate::fault::Fault;

/// What becomes of documents.
#[derive(Args)]
pub(in crate::command) struct Options {
    /// Policy documents; `-` reads standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Writes nothing and names the files that would change.
    #[arg(long, conflicts_with = "write")]
    check: bool,
    /// Writes the files instead of printing; of standard input, prints.
    #[arg(long)]
    write: bool,
}

/// A document made anew.
pub(super) struct Rewritten {
    pub(super) text: String,
    /// Whether there was a reason to make it anew.
    pub(super) is_changed: bool,
    /// What to tell beside it, if anything.
    pub(super) note: Option<String>,
}

impl Options {
    /// Rewrites every document.
    ///
    /// # Errors
    /// A document that cannot be read, with its file, line and column, or a file that cannot be written.
    pub(super) fn run(
        &self,
        rewrite: impl Fn(&str) -> Result<Rewritten, ParseError>,
    ) -> Result<ExitCode, Fault> {
        let mut any_changed = false;
        for file in &self.files {
            let name = file.display();
            let rewritten = rewrite(&read(file)?).map_err(|error| {
                let ParseError { line, column, message, .. } = error;
                Fault::Refused(format!("{name}:{line}:{column}: {message}"))
            })?;
            any_changed |= rewritten.is_changed;
            if let Some(note) = &rewritten.note {
                eprintln!("{name}: {note}");
            }
            match (self.check, self.write && file.as_os_str() != "-", rewritten.is_changed) {
                (true, _, true) => printout::text(&format!("{name}\n"))?,
                (false, true, true) => std::fs::write(file, &rewritten.text).map_err(|error| {
                    Fault::Refused(format!("`{name}` cannot be written: {error}"))
                })?,
                (true, _, false) | (false, true, false) => {}
                (false, false, _) => printout::text(&rewritten.text)?,
            }
        }
        let fails = self.check && any_changed;
        Ok(if fails { ExitCode::from(super::super::EXIT_FAILED) } else { ExitCode::SUCCESS })
    }
}
