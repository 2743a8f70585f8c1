//! What a node knows of itself that `iamd doctor` judges.

use iamd_core::state::{Account, KeyOwner, State};
use serde::{Deserialize, Serialize};

use super::progress::Step;
use super::status::{self, StatusFacts};
use super::wish::Site;
use crate::fault::Fault;
use crate::password;

/// Most accounts that a finding names.
const NAMED_MAX: usize = 20;

/// What a node knows of itself.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct NodeFacts {
    /// How it is.
    pub status: StatusFacts,
    /// Its time, in seconds since 1970.
    pub now: i64,
    /// By how many seconds the machine's clock was set since the start.
    pub clock_set_seconds: f64,
    /// The newest time in the data, in seconds since 1970, if there is any.
    pub newest: Option<i64>,
    /// What is wrong with the rows, if anything is.
    pub rows_problem: Option<String>,
    /// Accounts whose root has access keys.
    pub root_keys: Named,
    /// Accounts whose root has no MFA device.
    pub root_without_mfa: Named,
    /// Accounts whose root has a password that is hashed with less work than is usual now.
    pub weak_hashes: Named,
    /// Requests that came with `X-Forwarded-For` from an address that is no named proxy.
    pub forwarded_by_strangers: u64,
}

/// Some accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Named {
    /// How many there are.
    pub count: usize,
    /// The first of them.
    pub first: Vec<String>,
}

impl Named {
    fn of<'a>(accounts: impl Iterator<Item = &'a Account>) -> Named {
        let mut named = Named::default();
        for account in accounts {
            named.count += 1;
            if named.first.len() < NAMED_MAX {
                named.first.push(account.id().to_string());
            }
        }
        named
    }
}

/// Looks at everything; with progress, for all rows are read and opened.
///
/// # Errors
/// None but bugs: what is wrong is a finding.
pub(super) async fn examine(site: &Site<'_>) -> Result<NodeFacts, Fault> {
    let node = site.node;
    let status = status::status(site).await?;
    // With those of the stored keys and of the pseudo-accounts.
    let total = (status.counts.accounts + 3) as u64;
    let progress = site.progress.clone();
    let rows =
        node.verify(move |done| progress.report(Step { done: done.min(total), total })).await;
    let snapshot = node.snapshot();
    let state = &snapshot.state;
    let open = || state.accounts().map(|account| &**account).filter(|account| account.is_open());
    let has_weak_hash = |account: &&Account| {
        let hash = account.settings().and_then(|settings| settings.root_password_hash.as_deref());
        hash.is_some_and(password::is_weak)
    };
    Ok(NodeFacts {
        now: node.clock().now().seconds(),
        clock_set_seconds: node.heard().clock_set_seconds(),
        newest: newest(state),
        // An outage is a finding of its own.
        rows_problem: match rows {
            Ok(()) | Err(Fault::Unavailable(_)) => None,
            Err(fault) => Some(fault.to_string()),
        },
        root_keys: Named::of(
            open().filter(|account| account.keys_of(KeyOwner::Root).next().is_some()),
        ),
        root_without_mfa: Named::of(
            open().filter(|account| !account.mfa_devices().has_any(KeyOwner::Root)),
        ),
        weak_hashes: Named::of(open().filter(has_weak_hash)),
        forwarded_by_strangers: node.metrics().forwarded_by_strangers(),
        status,
    })
}

/// The newest time at which anything was made.
fn newest(state: &State) -> Option<i64> {
    let of_account = |account: &Account| {
        let made = account.settings().map(|settings| settings.created.seconds()).into_iter();
        made.chain(account.users().iter().map(|user| user.created.seconds()))
            .chain(account.groups().iter().map(|group| group.created.seconds()))
            .chain(account.roles().iter().map(|role| role.created.seconds()))
            .chain(account.policies().iter().map(|policy| policy.updated.seconds()))
            .chain(account.access_keys().map(|key| key.created.seconds()))
            .max()
    };
    state.accounts().filter_map(|account| of_account(account)).max()
}
