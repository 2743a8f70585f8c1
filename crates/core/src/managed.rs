//! Managed policies, whether a customer's or AWS's, found by ARN.

use std::sync::{Arc, OnceLock};

use iamd_policy::{Document, PolicySet};

use crate::arn::IamArn;
use crate::managed_policies;
use crate::refusal::Refusal;
use crate::state::{Account, AttachedPolicy, Policy};
use crate::text;

/// Adds the sets of these policies to a caller's identity side.
pub fn collect<'a>(
    account: &'a Account,
    policies: &[AttachedPolicy],
    sets: &mut Vec<&'a PolicySet>,
) {
    sets.extend(policies.iter().filter_map(|policy| set(account, policy.arn())));
}

/// The document in force of the managed policy of this ARN, as a set of one.
pub fn set<'a>(account: &'a Account, arn: &str) -> Option<&'a PolicySet> {
    if IamArn::parse(arn)?.account == "aws" {
        aws_set(arn)
    } else {
        account.policy_set(customer_policy(account, arn)?.id)
    }
}

/// The customer managed policy of this ARN, letter case and path included.
pub fn customer_policy<'a>(account: &'a Account, arn: &str) -> Option<&'a Arc<Policy>> {
    let parts = IamArn::parse(arn)?;
    if parts.resource_type != "policy" || parts.account != account.id().to_string() {
        return None;
    }
    let policy = account.policies().named(parts.name)?;
    (*policy.name == *parts.name && *policy.path == *parts.path).then_some(policy)
}

/// Whether a managed policy of this ARN exists and may be attached.
///
/// # Errors
/// `NoSuchEntity` when there is none, `PolicyNotAttachable` when it is for service-linked roles.
pub fn require_attachable(account: &Account, arn: &str) -> Result<(), Refusal> {
    // A bare name finds a policy of AWS too; only an ARN may be stored.
    let Some(parts) = IamArn::parse(arn) else { return Err(text::no_such_policy(arn)) };
    if parts.account != "aws" {
        let found = customer_policy(account, arn).map(|_| ());
        return found.ok_or_else(|| text::no_such_policy(arn));
    }
    match managed_policies::find(arn) {
        Some(record) if record.attachable => Ok(()),
        Some(_) => Err(text::policy_not_attachable()),
        None => Err(text::no_such_policy(arn)),
    }
}

/// Compiled documents of AWS managed policies, each made when first used and kept for good.
///
/// This is memory of a pure function of the data pack, not state: the same ARN always gives the
/// same document.
fn aws_set(arn: &str) -> Option<&'static PolicySet> {
    static SETS: OnceLock<Box<[OnceLock<Option<PolicySet>>]>> = OnceLock::new();
    let index = managed_policies::index_of(arn)?;
    let sets =
        SETS.get_or_init(|| (0..managed_policies::count()).map(|_| OnceLock::new()).collect());
    let set = sets.get(index)?.get_or_init(|| {
        let document = Document::parse(managed_policies::find(arn)?.document()).ok()?;
        Some([(Arc::from(arn), document)].into_iter().collect())
    });
    set.as_ref()
}
