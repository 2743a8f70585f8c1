//! The list of accounts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::node::Node;

/// An account in a list.
#[derive(Debug, Deserialize, Serialize)]
pub struct AccountLine {
    /// Its number.
    pub account_id: String,
    /// Its alias, if it has one.
    pub alias: Option<String>,
    /// Root's e-mail address.
    pub root_email: String,
    /// When it was created.
    pub created: String,
    /// How many users it has.
    pub users: usize,
    /// How many roles it has.
    pub roles: usize,
}

/// All accounts, by number.
pub(super) fn lines(node: &Node) -> Vec<AccountLine> {
    let snapshot = node.snapshot();
    let line = |account: &Arc<iamd_core::state::Account>| {
        let settings = account.settings()?;
        Some(AccountLine {
            account_id: account.id().to_string(),
            alias: settings.alias.as_deref().map(str::to_owned),
            root_email: settings.root_email.to_string(),
            created: settings.created.to_string(),
            users: account.users().len(),
            roles: account.roles().len(),
        })
    };
    snapshot.state.accounts().filter_map(line).collect()
}
