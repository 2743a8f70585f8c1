//! What an operator can ask for, and what he gets.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::accounts::{self, AccountLine};
use super::output::Output;
use super::progress::Progress;
use crate::audit;
use crate::backup;
use crate::fault::Fault;
use crate::founder::{self, NewAccountFacts, Order};
use crate::mfa_tokens::{self, TokenOrder, TokensImported};
use crate::node::Node;

/// What an operator asks for.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Wish {
    /// Found an account.
    CreateAccount(Order),
    /// List the accounts.
    ListAccounts,
    /// Prove the audit trail.
    VerifyAudit,
    /// Make hardware tokens known.
    ImportMfaTokens(TokenOrder),
    /// Write a backup into the output.
    Backup,
}

/// What he gets.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Granted {
    /// The account that was founded.
    Account(NewAccountFacts),
    /// The accounts, by number.
    Accounts(Vec<AccountLine>),
    /// What was proven of the audit trail.
    Audit(audit::Report),
    /// The hardware tokens that are known now.
    MfaTokens(TokensImported),
    /// The backup that was written.
    Backup(backup::Summary),
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
    /// Where bytes go that are asked for.
    pub output: &'a Output,
}

/// Carries out a wish on a node.
///
/// # Errors
/// [`Fault::Refused`] and what the node answers.
pub async fn grant(site: &Site<'_>, wish: Wish) -> Result<Granted, Fault> {
    match wish {
        Wish::CreateAccount(order) => founder::found(site.node, order).await.map(Granted::Account),
        Wish::ImportMfaTokens(order) => {
            mfa_tokens::import(site.node, order).await.map(Granted::MfaTokens)
        }
        Wish::VerifyAudit => {
            audit::verify(site.node, site.folder, site.progress).await.map(Granted::Audit)
        }
        Wish::ListAccounts => Ok(Granted::Accounts(accounts::lines(site.node))),
        Wish::Backup => {
            let out = site.output.take()?;
            backup::write(site.node, site.folder, site.progress, out).await.map(Granted::Backup)
        }
    }
}
