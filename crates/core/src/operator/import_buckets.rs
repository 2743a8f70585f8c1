//! Giving buckets that a store has already to an account.

use iamd_wire::route::S3Error;
use iamd_wire::{ErrorCode, Timestamp};

use super::{Command, Queue, Reach, settings};
use crate::account_id::AccountId;
use crate::draw::Draw;
use crate::operation::Planned;
use crate::refusal::Refusal;
use crate::s3::bucket;
use crate::state::{AccountChanges, State};

/// Most buckets of one command.
const COUNT_MAX: usize = 10_000;

/// Gives buckets that a store has already to an account, all or none.
#[derive(Debug, Clone)]
pub struct ImportBuckets {
    /// The account.
    pub account: AccountId,
    /// Names, and when the store says that each was made; each name once.
    pub buckets: Vec<(String, Option<Timestamp>)>,
}

impl Command for ImportBuckets {
    const ACTION: &'static str = "iamd:ImportBuckets";
    const REACH: Reach = Reach::Anywhere;
    /// How many it has now that it had not.
    type Output = usize;

    fn queue(&self) -> Queue {
        Queue::WithDirectory(self.account)
    }

    fn shown(&self) -> serde_json::Value {
        let names: Vec<&str> = self.buckets.iter().map(|(name, _)| name.as_str()).collect();
        serde_json::json!({ "accountId": self.account.to_string(), "bucketNames": names })
    }

    fn plan(&self, state: &State, draw: &mut Draw) -> Result<Planned<usize>, Refusal> {
        settings(state, self.account)?;
        if self.buckets.len() > COUNT_MAX {
            return Err(refused(format!("at most {COUNT_MAX} buckets are imported at once")));
        }
        let mut after = state.clone();
        let mut changes = Vec::new();
        let mut count = 0;
        for (name, created) in &self.buckets {
            let created = created.unwrap_or(draw.now());
            match bucket::import(&after, self.account, name, created) {
                Ok(new) => {
                    new.iter().for_each(|changes| after.apply(changes));
                    changes.extend(new);
                    count += 1;
                }
                // It has this one already.
                Err(S3Error { code: "BucketAlreadyOwnedByYou", .. }) => {}
                Err(error) => {
                    return Err(refused(format!("the bucket {name} cannot be imported: {error}")));
                }
            }
        }
        Ok(Planned { changes: merged(changes), output: count })
    }
}

/// One list of changes for each account, which is what a commit takes.
fn merged(changes: Vec<AccountChanges>) -> Vec<AccountChanges> {
    let mut merged: Vec<AccountChanges> = Vec::new();
    for change in changes {
        match merged.iter_mut().find(|known| known.account == change.account) {
            Some(known) => known.changes.extend(change.changes),
            None => merged.push(change),
        }
    }
    merged
}

fn refused(message: String) -> Refusal {
    Refusal::new(ErrorCode::InvalidInput, message)
}
