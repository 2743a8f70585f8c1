//! The `Sid` element.
//!
//! Source: IAM User Guide, "IAM JSON policy elements: Sid".

use std::collections::BTreeSet;

use super::Grammar;
use super::complaint::{self, Complaint};
use super::syntax::Policy;

/// # Errors
/// Two statements with the same id, or an id that is not alphanumeric.
pub(super) fn check(policy: &Policy<'_>, grammar: Grammar) -> Result<(), Complaint> {
    let mut seen = BTreeSet::new();
    let ids = || policy.statements.iter().filter_map(|statement| statement.sid);
    for sid in ids().filter(|sid| !sid.value.is_empty()) {
        if !seen.insert(sid.value) {
            let reason = format!("two statements have the id `{}`", sid.value);
            return Err(Complaint::new(complaint::SID_TWICE, sid.offset, reason));
        }
    }
    match grammar {
        Grammar::Identity | Grammar::Trust | Grammar::Session => {}
        // CHOICE: other services may allow more characters, the User Guide says; so they do here.
        Grammar::Resource | Grammar::Scp | Grammar::Rcp => return Ok(()),
    }
    match ids().find(|sid| !sid.value.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        Some(sid) => {
            let reason = format!("the statement id `{}` has other characters", sid.value);
            Err(Complaint::new(complaint::SID_FORM, sid.offset, reason))
        }
        None => Ok(()),
    }
}
