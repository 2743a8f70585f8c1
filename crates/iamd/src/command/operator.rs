//! `iamd operator`: credentials of operators who are on other machines.

use clap::{Args, Subcommand};

use super::place::Place;
use crate::fault::Fault;
use crate::operator::{Purpose, Wish};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Makes a credential; prints its secret once.
    Create(New),
    /// Lists the operators.
    List(Place),
    /// Deletes a credential: what is signed with it is refused at once.
    Delete(One),
}

#[derive(Args)]
pub(super) struct One {
    #[command(flatten)]
    place: Place,
    /// The name of the operator: 1 to 64 letters, digits or any of _+=,.@-
    name: String,
}

#[derive(Args)]
pub(super) struct New {
    #[command(flatten)]
    one: One,
    /// Makes a credential that is good for this alone: `follower` is for `iamd gateway`.
    #[arg(long = "for", value_enum, value_name = "PURPOSE")]
    purpose: Option<Purpose>,
}

pub(super) async fn run(command: Command) -> Result<(), Fault> {
    match command {
        Command::Create(New { one: One { place, name }, purpose }) => {
            place.run(Wish::CreateOperator { name, purpose }).await
        }
        Command::List(place) => place.run(Wish::ListOperators).await,
        Command::Delete(One { place, name }) => place.run(Wish::DeleteOperator { name }).await,
    }
}
