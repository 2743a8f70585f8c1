//! Making hardware tokens known to an account: the operator's part of the rules.

use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::audit::Event;
use iamd_core::mfa_import::{self, HardwareToken};
use iamd_wire::Secret;
use serde::{Deserialize, Serialize};

use crate::entropy;
use crate::fault::Fault;
use crate::founder::parse_account_id;
use crate::node::{Drafted, Failure, Node, Snapshot};
use crate::operator::refused;

/// Most tokens in one order: what a line of the operator's door holds.
pub const TOKENS_MAX: usize = 5_000;

/// What an operator says of hardware tokens.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TokenOrder {
    /// The account whose users may enable them; the only one, if absent.
    pub account_id: Option<String>,
    /// The tokens.
    pub tokens: Vec<TokenLine>,
}

/// A token in an order.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TokenLine {
    /// The serial number that is printed on it.
    pub serial: String,
    /// Its seed in Base32.
    pub seed: Secret,
}

/// What came of an order.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct TokensImported {
    /// The account.
    pub account_id: String,
    /// How many tokens it knows now that it did not know before.
    pub imported: usize,
}

/// Makes tokens known, all of them or none.
///
/// # Errors
/// [`Fault::Refused`] that names the serial number that cannot be taken.
pub async fn import(node: &Arc<Node>, order: TokenOrder) -> Result<TokensImported, Fault> {
    if order.tokens.len() > TOKENS_MAX {
        return Err(Fault::Refused(format!("one order has at most {TOKENS_MAX} tokens")));
    }
    let account = account(&node.snapshot(), order.account_id.as_deref())?;
    let tokens: Vec<HardwareToken> = order
        .tokens
        .into_iter()
        .map(|TokenLine { serial, seed }| HardwareToken { serial, seed })
        .collect();
    let imported = tokens.len();
    let serials: Vec<&str> = tokens.iter().map(|token| token.serial.as_str()).collect();
    let shown = serde_json::json!({"accountId": account.to_string(), "serialNumbers": serials});
    let event = Event::operator("ImportMfaTokens", &shown, &entropy::request_id()?);
    let plan = Box::new(move |snapshot: &Snapshot, node: &Node| {
        let account = snapshot.state.account(account).ok_or_else(|| no_account(account))?;
        let changes = mfa_import::import(account, &tokens, node.quotas(), &mut node.draw()?)?;
        let changes = if changes.changes.is_empty() { Vec::new() } else { vec![changes] };
        Ok(Drafted::new(changes, ()))
    });
    match node.write(account, event, plan).await {
        Ok(_) => Ok(TokensImported { account_id: account.to_string(), imported }),
        Err(Failure::Refused(refusal)) => Err(refused(refusal)),
        Err(Failure::Fault(fault)) => Err(fault),
    }
}

/// The account that is meant.
///
/// # Errors
/// [`Fault::Refused`] for one that is not there, or when none is named and there is not just one.
pub fn account(snapshot: &Snapshot, wanted: Option<&str>) -> Result<AccountId, Fault> {
    if let Some(wanted) = wanted {
        let id = parse_account_id(wanted)?;
        return snapshot.state.account(id).map(|_| id).ok_or_else(|| no_account(id));
    }
    let mut accounts = snapshot.state.accounts().map(|account| account.id());
    match (accounts.next(), accounts.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Fault::Refused("there is no account yet".to_owned())),
        (Some(_), Some(_)) => Err(Fault::Refused(
            "there is more than one account; name the one that is meant with --account-id"
                .to_owned(),
        )),
    }
}

fn no_account(id: AccountId) -> Fault {
    Fault::Refused(format!("there is no account {id}"))
}
