//! What only the policies of an organization have to keep.
//!
//! Source: Organizations User Guide, "SCP syntax" and "RCP syntax".

use super::Grammar;
use super::complaint::{self, Complaint};
use super::syntax::{Policy, Principals, Sense, Statement, Who};

/// # Errors
/// An element, effect or action that service or resource control policies cannot have.
pub(super) fn check(policy: &Policy<'_>, grammar: Grammar) -> Result<(), Complaint> {
    match grammar {
        Grammar::Scp | Grammar::Rcp => {}
        Grammar::Identity | Grammar::Trust | Grammar::Session | Grammar::Resource => return Ok(()),
    }
    if let Some(id) = policy.id {
        return Err(refused(id.offset, "`Id` is not supported"));
    }
    if grammar == Grammar::Rcp {
        policy.statements.iter().try_for_each(check_resource_control)?;
    }
    Ok(())
}

/// The one resource control policy that allows is made by AWS and not written by anybody.
fn check_resource_control(statement: &Statement<'_>) -> Result<(), Complaint> {
    if statement.effect.value != "Deny" {
        return Err(refused(statement.effect.offset, "`Effect` must be `Deny`"));
    }
    if let Some(actions) = &statement.actions {
        if actions.sense == Sense::Excluded {
            return Err(refused(actions.offset, "`NotAction` is not supported"));
        }
        if let Some(all) = actions.values.iter().find(|action| action.value == "*") {
            return Err(refused(all.offset, "`Action` must name a service"));
        }
    }
    match &statement.principals {
        Some(Principals { sense: Sense::Listed, who: Who::Everyone, .. }) => Ok(()),
        Some(Principals { offset, .. }) => Err(refused(*offset, "the principal must be `\"*\"`")),
        None => Err(refused(statement.offset, "the statement has no `Principal`")),
    }
}

fn refused(offset: usize, reason: &str) -> Complaint {
    Complaint::new(complaint::ORGANIZATIONS, offset, reason)
}
