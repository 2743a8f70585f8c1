//! What an operator can ask for, and what he gets.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::accounts::{self, AccountLine};
use super::keys::{self, KeyLine, KeyOrder, RotationFacts};
use super::progress::Progress;
use crate::fault::Fault;
use crate::founder::{self, NewAccountFacts, Order};
use crate::node::Node;

/// What an operator asks for.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Wish {
    /// Found an account.
    CreateAccount(Order),
    /// List the accounts.
    ListAccounts,
    /// List the keys.
    ListKeys,
    /// Rotate a key.
    RotateKey(KeyOrder),
}

/// What he gets.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Granted {
    /// The account that was founded.
    Account(NewAccountFacts),
    /// The accounts, by number.
    Accounts(Vec<AccountLine>),
    /// The keys.
    Keys(Vec<KeyLine>),
    /// What a rotation came to.
    Rotation(RotationFacts),
}

/// Where a wish is carried out.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// The node.
    pub node: &'a Arc<Node>,
    /// Its data folder.
    pub folder: &'a Path,
    /// Where long work says how far it is.
    pub progress: &'a Progress,
}

/// Carries out a wish on a node.
///
/// # Errors
/// [`Fault::Refused`] and what the node answers.
pub async fn grant(site: &Site<'_>, wish: Wish) -> Result<Granted, Fault> {
    match wish {
        Wish::CreateAccount(order) => founder::found(site.node, order).await.map(Granted::Account),
        Wish::ListAccounts => Ok(Granted::Accounts(accounts::lines(site.node))),
        Wish::ListKeys => keys::lines(site.node).await.map(Granted::Keys),
        Wish::RotateKey(order) => keys::rotate(site, order).await.map(Granted::Rotation),
    }
}
