//! The options by which operators' commands find their node.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{OutputFormat, errand, granted};
use crate::fault::Fault;
use crate::operator::{Granted, Wish};

#[derive(Args)]
pub(super) struct Place {
    /// The data folder of the node, which may be running.
    #[arg(long, env = "IAMD_DATA", default_value = "./iamd-data")]
    data: PathBuf,
    /// How to print; a table on a terminal, JSON otherwise.
    #[arg(short, long)]
    output: Option<OutputFormat>,
}

impl Place {
    /// The data folder.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// Has a wish carried out.
    ///
    /// # Errors
    /// [`Fault::Refused`] with the reason; [`Fault::Folder`] without a folder.
    pub(super) async fn ask(&self, wish: Wish) -> Result<Granted, Fault> {
        errand::carry_out(&self.data, wish).await
    }

    /// Prints what was granted.
    ///
    /// # Errors
    /// [`Fault`] when nothing can be printed.
    pub(super) fn show(&self, granted: &Granted) -> Result<(), Fault> {
        granted::show(granted, OutputFormat::or_what_fits(self.output))
    }

    /// Has a wish carried out, and prints what comes of it.
    ///
    /// # Errors
    /// As [`Place::ask`].
    pub(super) async fn run(&self, wish: Wish) -> Result<(), Fault> {
        self.show(&self.ask(wish).await?)
    }
}
