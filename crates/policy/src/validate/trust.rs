//! What only trust policies have to keep.
//!
//! Source: IAM User Guide, "Roles terms and concepts", trust policy.

use super::complaint::{self, Complaint};
use super::syntax::{Element, Policy, Sense};

/// # Errors
/// Actions that do not start a session of the role, or a resource.
pub(super) fn check(policy: &Policy<'_>) -> Result<(), Complaint> {
    let statements = || policy.statements.iter();
    statements().filter_map(|statement| statement.actions.as_ref()).try_for_each(check_actions)?;
    // CHOICE: the same text for `NotResource`.
    match statements().find_map(|statement| statement.resources.as_ref()) {
        Some(resources) => {
            let reason = "the resource of a trust policy is its role";
            Err(Complaint::new(complaint::RESOURCE_PROHIBITED, resources.offset, reason))
        }
        None => Ok(()),
    }
}

// CHOICE: `NotAction` means every action but a few, and is refused like any other wrong action.
fn check_actions(actions: &Element<'_>) -> Result<(), Complaint> {
    let complain =
        |offset, reason: String| Err(Complaint::new(complaint::TRUST_ACTIONS, offset, reason));
    if actions.sense == Sense::Excluded {
        return complain(actions.offset, "a trust policy cannot have `NotAction`".to_owned());
    }
    match actions.values.iter().find(|action| !is_trust_action(action.value)) {
        Some(action) => {
            let reason = format!("`{}` is no action of a trust policy", action.value);
            complain(action.offset, reason)
        }
        None => Ok(()),
    }
}

// CHOICE: besides the actions in AWS's text, AWS takes those that are needed along with them, and
// patterns that cover nothing but STS. Source: IAM User Guide, "Pass session tags in AWS STS".
fn is_trust_action(action: &str) -> bool {
    let Some((vendor, name)) = action.split_once(':') else { return false };
    let is_named = TRUST_ACTIONS.iter().any(|known| name.eq_ignore_ascii_case(known));
    vendor.eq_ignore_ascii_case("sts") && (is_named || name.contains(['*', '?']))
}

const TRUST_ACTIONS: [&str; 6] = [
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "TagSession",
    "SetSourceIdentity",
    "SetContext",
];
