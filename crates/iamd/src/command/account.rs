//! `iamd account`: creating and listing accounts, on a running node or on a folder at rest.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use iamd_wire::Secret;

use super::{OutputFormat, errand, printout};
use crate::fault::Fault;
use crate::founder::Order;
use crate::operator::{Granted, Wish};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Creates an account with a root user and a first access key; prints its secrets once.
    Create(Create),
    /// Lists the accounts.
    List(Place),
}

#[derive(Args)]
pub(super) struct Place {
    /// The data folder of the node, which may be running.
    #[arg(long, env = "IAMD_DATA", default_value = "./iamd-data")]
    data: PathBuf,
    /// How to print; a table on a terminal, JSON otherwise.
    #[arg(short, long)]
    output: Option<OutputFormat>,
}

#[derive(Args)]
pub(super) struct Create {
    #[command(flatten)]
    place: Place,
    /// Root's e-mail address; no other account may have it.
    #[arg(long)]
    root_email: String,
    /// Root's password; drawn if absent.
    #[arg(long, env = "IAMD_ROOT_PASSWORD", hide_env_values = true)]
    root_password: Option<Secret>,
    /// The number, 12 digits; drawn if absent.
    #[arg(long)]
    account_id: Option<String>,
    /// A predictable access key id, for tests.
    #[arg(long, requires = "secret_access_key")]
    access_key_id: Option<String>,
    /// Its secret.
    #[arg(long, requires = "access_key_id")]
    secret_access_key: Option<Secret>,
    /// Whose the first access key is: `root`, or a user who is created as administrator.
    #[arg(long, default_value = "admin")]
    key_owner: String,
}

pub(super) async fn run(command: Command) -> Result<(), Fault> {
    match command {
        Command::Create(create) => {
            let order = Order {
                account_id: create.account_id,
                root_email: create.root_email,
                root_password: create.root_password,
                access_key_id: create.access_key_id,
                secret_access_key: create.secret_access_key,
                key_owner: Some(create.key_owner),
            };
            let granted = errand::carry_out(&create.place.data, Wish::CreateAccount(order)).await?;
            show(&granted, create.place.output)
        }
        Command::List(place) => {
            let granted = errand::carry_out(&place.data, Wish::ListAccounts).await?;
            show(&granted, place.output)
        }
    }
}

fn show(granted: &Granted, output: Option<OutputFormat>) -> Result<(), Fault> {
    match (OutputFormat::or_what_fits(output), granted) {
        (OutputFormat::Json, Granted::Account(facts)) => printout::json(facts),
        (OutputFormat::Json, Granted::Accounts(accounts)) => printout::json(accounts),
        (OutputFormat::Table, Granted::Account(facts)) => printout::account(facts),
        (OutputFormat::Table, Granted::Accounts(accounts)) => printout::accounts(accounts),
        (_, Granted::Keys(_) | Granted::Rotation(_)) => {
            Err(Fault::Bug("the node has granted something else".to_owned()))
        }
    }
}
