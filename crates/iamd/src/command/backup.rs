//! `iamd backup`: a sealed copy of everything, of a running node or of a folder at rest.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, ErrorKind, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use iamd_store::Sqlite;

use super::settings::Settings;
use super::{OutputFormat, errand, printout, restore};
use crate::backup::Summary;
use crate::config::Config;
use crate::fault::Fault;
use crate::operator::{Granted, Output, Wish};

#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    settings: Settings,
    /// The file to write, or `-` for standard output.
    file: PathBuf,
    /// Replaces the file if it is there.
    #[arg(long)]
    force: bool,
    /// Writes nothing: reads the file to its end, opens everything in it and says what it holds.
    #[arg(long, conflicts_with = "force")]
    verify: bool,
    /// How to print; a table on a terminal, JSON otherwise.
    #[arg(short, long)]
    output: Option<OutputFormat>,
}

pub(super) async fn run(options: Options) -> Result<(), Fault> {
    let config = options.settings.load(Vec::new())?.config;
    if options.verify {
        return restore::verify(&config, &options.file, options.output).await;
    }
    if options.file == Path::new("-") {
        return to_output(&config).await;
    }
    let unfinished = Unfinished::new(&options.file, options.force)?;
    let (file, writer) = unfinished.open()?;
    let summary = written(&config, writer).await?;
    unfinished.finish(&file)?;
    match OutputFormat::or_what_fits(options.output) {
        OutputFormat::Json => printout::json(&summary),
        OutputFormat::Table => printout::backup(&summary, &options.file),
    }
}

/// What is said of it goes nowhere: standard output is the backup.
async fn to_output(config: &Config) -> Result<(), Fault> {
    let output = std::io::stdout();
    if output.is_terminal() {
        return Err(Fault::Refused(
            "standard output is a terminal; send the backup into a file or another program"
                .to_owned(),
        ));
    }
    written(config, Box::new(BufWriter::new(output))).await.map(|_| ())
}

async fn written(config: &Config, writer: Box<dyn Write + Send>) -> Result<Summary, Fault> {
    let (data, output) = (&config.data, Output::to(writer));
    if !Sqlite::exists(data) {
        return Err(Fault::Folder(format!(
            "the data folder `{}` holds no data; name the one of your node with --data",
            data.display()
        )));
    }
    match errand::carry_out_into(data, &config.master_key, Wish::Backup, &output).await? {
        Granted::Backup(summary) => Ok(summary),
        _ => Err(Fault::Bug("the node answers something else".to_owned())),
    }
}

/// A file under another name until it is whole.
struct Unfinished<'a> {
    path: &'a Path,
    working: PathBuf,
    may_replace: bool,
}

impl Unfinished<'_> {
    fn new(path: &Path, may_replace: bool) -> Result<Unfinished<'_>, Fault> {
        if !may_replace && path.symlink_metadata().is_ok() {
            return Err(is_there(path));
        }
        let mut working = path.as_os_str().to_owned();
        working.push(format!(".unfinished-{}", std::process::id()));
        Ok(Unfinished { path, working: working.into(), may_replace })
    }

    fn open(&self) -> Result<(File, Box<dyn Write + Send>), Fault> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = options.open(&self.working).map_err(|error| self.unwritable(&error))?;
        let writer = file.try_clone().map_err(|error| self.unwritable(&error))?;
        Ok((file, Box::new(BufWriter::new(writer))))
    }

    /// Gives the file its name once all of it is on the disk.
    fn finish(&self, file: &File) -> Result<(), Fault> {
        file.sync_all().map_err(|error| self.unwritable(&error))?;
        if self.may_replace {
            std::fs::rename(&self.working, self.path).map_err(|error| self.unwritable(&error))?;
        } else {
            // Unlike a new name, a second one never replaces anything.
            match std::fs::hard_link(&self.working, self.path) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    return Err(is_there(self.path));
                }
                Err(error) => return Err(self.unwritable(&error)),
            }
        }
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let synced =
            File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
        synced.map_err(|error| self.unwritable(&error))
    }

    fn unwritable(&self, error: &std::io::Error) -> Fault {
        Fault::Folder(format!("the backup `{}` cannot be written: {error}", self.path.display()))
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        // It has its name by now, or is of no use.
        let _ = std::fs::remove_file(&self.working);
    }
}

fn is_there(path: &Path) -> Fault {
    Fault::Refused(format!(
        "`{}` is there already, and was not changed; name another file, or replace it with --force",
        path.display()
    ))
}
