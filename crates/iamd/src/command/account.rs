//! `iamd account`: operators' work on accounts, on a running node or on a folder at rest.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use iamd_wire::Secret;

use super::confirm::confirm;
use super::place::Place;
use super::secret_file;
use crate::fault::Fault;
use crate::founder::Order;
use crate::operator::Wish;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Creates an account with a root user and a first access key; prints its secrets once.
    Create(Create),
    /// Lists the accounts.
    List(Place),
    /// Closes an account: all its credentials are refused at once. It can be reopened for 90 days.
    Close(Close),
    /// Opens a closed account again.
    Reopen(One),
    /// Gives root a new password and ends root's sessions.
    ResetRootPassword(ResetRootPassword),
    /// Removes the MFA devices of root or of a user who has lost them.
    RecoverMfa(RecoverMfa),
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

#[derive(Args)]
pub(super) struct One {
    #[command(flatten)]
    place: Place,
    /// The number of the account.
    account: String,
}

#[derive(Args)]
pub(super) struct Close {
    #[command(flatten)]
    one: One,
    /// Does not ask for the number again.
    #[arg(long)]
    yes: bool,
}

#[derive(Args)]
pub(super) struct ResetRootPassword {
    #[command(flatten)]
    one: One,
    /// A file with the new password, or `-` for standard input; drawn and printed if absent.
    #[arg(long, value_name = "FILE", conflicts_with = "root_password")]
    root_password_file: Option<PathBuf>,
    /// The new password. On the command line others can read it: better in the variable.
    #[arg(long, env = "IAMD_ROOT_PASSWORD", hide_env_values = true)]
    root_password: Option<Secret>,
}

#[derive(Args)]
pub(super) struct RecoverMfa {
    #[command(flatten)]
    one: One,
    /// The name of the user; root if absent.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Does not ask again.
    #[arg(long)]
    yes: bool,
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
            create.place.run(Wish::CreateAccount(order)).await
        }
        Command::List(place) => place.run(Wish::ListAccounts).await,
        Command::Close(Close { one, yes }) => {
            let what = format!("All credentials of account {} will be refused", one.account);
            confirm(yes, &what, &one.account)?;
            one.place.run(Wish::CloseAccount { account_id: one.account }).await
        }
        Command::Reopen(One { place, account: account_id }) => {
            place.run(Wish::ReopenAccount { account_id }).await
        }
        Command::ResetRootPassword(reset) => {
            let from_file =
                reset.root_password_file.as_deref().map(secret_file::password).transpose()?;
            let root_password = from_file.or(reset.root_password);
            let account_id = reset.one.account;
            reset.one.place.run(Wish::ResetRootPassword { account_id, root_password }).await
        }
        Command::RecoverMfa(RecoverMfa { one, user, yes }) => {
            let whose = user.as_deref().unwrap_or("root");
            let what = format!("{whose} of account {} will have no MFA device", one.account);
            confirm(yes, &what, &one.account)?;
            one.place.run(Wish::RecoverMfa { account_id: one.account, user }).await
        }
    }
}
