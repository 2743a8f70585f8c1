//! The options by which operators' commands find their node.

use std::path::PathBuf;

use clap::Args;

use super::{OutputFormat, errand, granted};
use crate::fault::Fault;
use crate::operator::{Granted, Remote, Wish};

#[derive(Args)]
pub(super) struct Place {
    /// The data folder of the node, which may be running.
    #[arg(long, env = "IAMD_DATA", default_value = "./iamd-data")]
    data: PathBuf,
    #[command(flatten)]
    reach: Reach,
    /// How to print; a table on a terminal, JSON otherwise.
    #[arg(short, long)]
    output: Option<OutputFormat>,
}

#[derive(Args)]
pub(super) struct Reach {
    /// A node on another machine, such as `https://iam.example.com:4260`, asked with the operator's
    /// credential in IAMD_OPERATOR_ACCESS_KEY_ID and IAMD_OPERATOR_SECRET_ACCESS_KEY.
    #[arg(long, env = "IAMD_ENDPOINT", value_name = "URL", conflicts_with = "data")]
    endpoint: Option<String>,
    /// The authorities to trust for it, in PEM; those of the system if absent.
    #[arg(long, env = "IAMD_CA_BUNDLE", value_name = "FILE")]
    ca_bundle: Option<PathBuf>,
}

impl Reach {
    /// The node on another machine, if one is named.
    ///
    /// # Errors
    /// [`Fault::Refused`] for an endpoint that cannot be used, or without a credential.
    pub(super) fn remote(&self) -> Result<Option<Remote>, Fault> {
        let remote = |endpoint: &String| Remote::new(endpoint, self.ca_bundle.clone());
        self.endpoint.as_ref().map(remote).transpose()
    }
}

impl Place {
    /// Has a wish carried out.
    ///
    /// # Errors
    /// [`Fault::Refused`] with the reason; [`Fault::Folder`] without a folder.
    pub(super) async fn ask(&self, wish: Wish) -> Result<Granted, Fault> {
        match self.reach.remote()? {
            Some(remote) => remote.ask(&wish).await,
            None => errand::carry_out(&self.data, wish).await,
        }
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
