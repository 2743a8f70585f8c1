//! Buckets of standing stores, given to accounts.

use iamd_core::operator::ImportBuckets;
use iamd_wire::Timestamp;
use serde::{Deserialize, Serialize};

use super::carry::carry_out;
use super::wish::Site;
use crate::fault::Fault;
use crate::founder::parse_account_id;

/// Which buckets an account is given.
#[derive(Debug, Deserialize, Serialize)]
pub struct BucketOrder {
    /// The account.
    pub account_id: String,
    /// The buckets: names, and when the store made each, in seconds since 1970.
    pub buckets: Vec<(String, Option<i64>)>,
}

/// The buckets that an account was given.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct BucketsImported {
    /// The account.
    pub account_id: String,
    /// How many it has now that it had not.
    pub imported: usize,
    /// How many of them it had already.
    pub already: usize,
}

pub(super) async fn import(site: &Site<'_>, order: BucketOrder) -> Result<BucketsImported, Fault> {
    let account = parse_account_id(&order.account_id)?;
    let mut names: Vec<(String, Option<Timestamp>)> = order
        .buckets
        .into_iter()
        .map(|(name, seconds)| (name, seconds.map(Timestamp::from_seconds)))
        .collect();
    names.sort_by(|(one, _), (other, _)| one.cmp(other));
    names.dedup_by(|(one, _), (other, _)| one == other);
    let count = names.len();
    let command = ImportBuckets { account, buckets: names };
    let imported = carry_out(site.node, site.operator, command).await?;
    let already = count.saturating_sub(imported);
    Ok(BucketsImported { account_id: account.to_string(), imported, already })
}
