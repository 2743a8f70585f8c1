//! `iamd export`: the permissions of an account, for another account or for Terraform.

mod hcl;
mod terraform;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use iamd_core::transfer::Content;

use super::errand::carry_out;
use super::printout;
use crate::fault::Fault;
use crate::founder::parse_account_id;
use crate::operator::{ExportFacts, Granted, Wish};

#[derive(Args)]
pub(super) struct Options {
    /// In which form.
    form: Form,
    /// The account; needed where there is more than one.
    #[arg(long)]
    account_id: Option<String>,
    /// The data folder of the node, which may be running.
    #[arg(long, env = "IAMD_DATA", default_value = "./iamd-data")]
    data: PathBuf,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// What `iamd import-aws` reads: the form of `aws iam get-account-authorization-details`.
    Json,
    /// Resources of Terraform's provider for AWS, each with an import block.
    Terraform,
}

pub(super) async fn run(options: Options) -> Result<(), Fault> {
    let wish = Wish::ExportAccount { account_id: options.account_id };
    let ExportFacts { account_id, file } = match carry_out(&options.data, wish).await? {
        Granted::Exported(facts) => facts,
        other => return Err(Fault::Bug(format!("the node has answered {other:?}"))),
    };
    match options.form {
        Form::Json => printout::text(&(file + "\n")),
        Form::Terraform => {
            let account = parse_account_id(&account_id)?;
            let content = Content::read(&file, account).map_err(Fault::Refused)?;
            printout::text(&terraform::written(&content, account))
        }
    }
}
