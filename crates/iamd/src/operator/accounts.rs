//! Accounts: their list, closing and reopening them, and helping their root users.

use std::sync::Arc;

use iamd_core::operator::{
    CloseAccount, MfaOwner, RecoverMfa, ReopenAccount, ResetRootPassword, Standing,
};
use iamd_wire::Secret;
use serde::{Deserialize, Serialize};

use super::carry::carry_out;
use super::wish::Site;
use crate::fault::Fault;
use crate::founder::parse_account_id;
use crate::node::Node;
use crate::password;

/// An account in a list.
#[derive(Debug, Deserialize, Serialize)]
pub struct AccountLine {
    /// Its number.
    pub account_id: String,
    /// `ACTIVE`, `SUSPENDED` while it is closed and can be reopened, `CLOSED` afterwards.
    pub state: String,
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
    let now = node.clock().now();
    let line = |account: &Arc<iamd_core::state::Account>| {
        let settings = account.settings()?;
        Some(AccountLine {
            account_id: account.id().to_string(),
            state: Standing::of(settings, now).as_str().to_owned(),
            alias: settings.alias.as_deref().map(str::to_owned),
            root_email: settings.root_email.to_string(),
            created: settings.created.to_string(),
            users: account.users().len(),
            roles: account.roles().len(),
        })
    };
    snapshot.state.accounts().filter_map(line).collect()
}

/// An account that was closed or reopened.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct StandingFacts {
    /// Its number.
    pub account_id: String,
    /// Its state now.
    pub state: String,
    /// Until when it can be reopened, if it is closed.
    pub reopen_until: Option<String>,
}

pub(super) async fn close(site: &Site<'_>, account_id: &str) -> Result<StandingFacts, Fault> {
    let account = parse_account_id(account_id)?;
    let until = carry_out(site.node, site.operator, CloseAccount { account }).await?;
    Ok(StandingFacts {
        account_id: account.to_string(),
        state: Standing::Suspended.as_str().to_owned(),
        reopen_until: Some(until.to_string()),
    })
}

pub(super) async fn reopen(site: &Site<'_>, account_id: &str) -> Result<StandingFacts, Fault> {
    let account = parse_account_id(account_id)?;
    carry_out(site.node, site.operator, ReopenAccount { account }).await?;
    Ok(StandingFacts {
        account_id: account.to_string(),
        state: Standing::Active.as_str().to_owned(),
        reopen_until: None,
    })
}

/// A password that was reset.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct PasswordFacts {
    /// The account.
    pub account_id: String,
    /// The address by which root signs in.
    pub root_email: String,
    /// The new password, if it was drawn; shown this once.
    pub root_password: Option<Secret>,
    /// Root's access keys, which a new password does not touch.
    pub root_access_keys: Vec<String>,
}

pub(super) async fn reset_root_password(
    site: &Site<'_>,
    account_id: &str,
    chosen: Option<Secret>,
) -> Result<PasswordFacts, Fault> {
    let account = parse_account_id(account_id)?;
    let drawn = if chosen.is_none() { Some(password::draw()?) } else { None };
    let new = chosen.or_else(|| drawn.clone()).unwrap_or_default();
    let password_hash = password::hash(new).await?;
    let command = ResetRootPassword { account, password_hash };
    let reset = carry_out(site.node, site.operator, command).await?;
    Ok(PasswordFacts {
        account_id: account.to_string(),
        root_email: reset.root_email,
        root_password: drawn,
        root_access_keys: reset.access_keys,
    })
}

/// MFA devices that were taken away.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct MfaFacts {
    /// The account.
    pub account_id: String,
    /// Whose they were: `root`, or the name of a user.
    pub owner: String,
    /// Their serial numbers.
    pub removed: Vec<String>,
}

pub(super) async fn recover_mfa(
    site: &Site<'_>,
    account_id: &str,
    user: Option<String>,
) -> Result<MfaFacts, Fault> {
    let account = parse_account_id(account_id)?;
    let name = user.clone().unwrap_or_else(|| "root".to_owned());
    let owner = user.map_or(MfaOwner::Root, MfaOwner::User);
    let removed = carry_out(site.node, site.operator, RecoverMfa { account, owner }).await?;
    Ok(MfaFacts { account_id: account.to_string(), owner: name, removed })
}
