//! `iamd restore`: a backup into an empty data folder, or the proof that it could be.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::settings::Settings;
use super::{OutputFormat, errand, folder, printout};
use crate::backup;
use crate::config::Config;
use crate::fault::Fault;
use crate::keys::SealingKey;

/// What is read at once, in bytes.
const BUFFER_LENGTH: usize = 128 * 1024;

#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    settings: Settings,
    /// The backup, or `-` for standard input.
    file: PathBuf,
    /// Restores nothing: reads the file to its end, opens everything in it and says what it holds.
    #[arg(long)]
    verify: bool,
    /// How to print; a table on a terminal, JSON otherwise.
    #[arg(short, long)]
    output: Option<OutputFormat>,
}

pub(super) async fn run(options: Options) -> Result<(), Fault> {
    let config = options.settings.load(Vec::new())?.config;
    if options.verify {
        return verify(&config, &options.file, options.output).await;
    }
    let master = master_key(&config)?;
    let (input, length) = open(&options.file)?;
    let findings = errand::shown(async |progress| {
        backup::restore(input, length, master, &config.data, progress).await
    })
    .await?;
    match OutputFormat::or_what_fits(options.output) {
        OutputFormat::Json => printout::json(&findings),
        OutputFormat::Table => printout::restored(&findings, &config.data),
    }
}

/// Checks a backup and prints what it holds.
///
/// # Errors
/// What is wrong with it.
pub(super) async fn verify(
    config: &Config,
    file: &Path,
    output: Option<OutputFormat>,
) -> Result<(), Fault> {
    let master = master_key(config)?;
    let (input, length) = open(file)?;
    let findings =
        errand::shown(async |progress| backup::verify(input, length, master, progress).await)
            .await?;
    match OutputFormat::or_what_fits(output) {
        OutputFormat::Json => printout::json(&findings),
        OutputFormat::Table => printout::verified(&findings),
    }
}

/// The key that opens the backup; it is never made here.
fn master_key(config: &Config) -> Result<Arc<SealingKey>, Fault> {
    let source = folder::master_key_source(&config.data, &config.master_key)?;
    source.open()?.sealing().map(Arc::new)
}

fn open(path: &Path) -> Result<(Box<dyn BufRead + Send>, Option<u64>), Fault> {
    if path == Path::new("-") {
        return Ok((Box::new(BufReader::with_capacity(BUFFER_LENGTH, std::io::stdin())), None));
    }
    let unreadable = |error: std::io::Error| {
        Fault::Folder(format!("the backup `{}` cannot be read: {error}", path.display()))
    };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    // A pipe has no length.
    let length = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(BufReader::with_capacity(BUFFER_LENGTH, file)), length))
}
