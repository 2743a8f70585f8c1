//! The `Action` and `NotAction` elements.
//!
//! Source: IAM User Guide, "IAM JSON policy elements: Action". Only the form is judged; whether an
//! action exists is not.

use super::complaint::{self, Complaint};
use super::syntax::{Policy, Text};

/// # Errors
/// `Policy statement must contain actions.`
pub(super) fn check_presence(policy: &Policy<'_>) -> Result<(), Complaint> {
    for statement in &policy.statements {
        if statement.actions.as_ref().is_none_or(|actions| actions.values.is_empty()) {
            let offset =
                statement.actions.as_ref().map_or(statement.offset, |actions| actions.offset);
            let reason = "the statement has neither `Action` nor `NotAction`, or an empty one";
            return Err(Complaint::new(complaint::ACTIONS_NONE, offset, reason));
        }
    }
    Ok(())
}

/// # Errors
/// An action without a vendor, with more than one colon, or of a vendor that cannot be.
pub(super) fn check_form(policy: &Policy<'_>) -> Result<(), Complaint> {
    let elements = policy.statements.iter().filter_map(|statement| statement.actions.as_ref());
    elements.flat_map(|element| &element.values).try_for_each(check_action)
}

// CHOICE: an action with an empty name, such as `s3:`, is stored; it matches nothing.
fn check_action(action: &Text<'_>) -> Result<(), Complaint> {
    let Text { value, offset } = *action;
    if value == "*" {
        return Ok(());
    }
    let Some((vendor, name)) = value.split_once(':') else {
        let reason = format!("the action `{value}` has no colon");
        return Err(Complaint::new(complaint::ACTION_VENDOR_MISSING, offset, reason));
    };
    if name.contains(':') {
        let reason = format!("the action `{value}` has more than one colon");
        return Err(Complaint::new(complaint::ACTION_COLONS, offset, reason));
    }
    let is_vendor = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    if vendor.is_empty() || !vendor.bytes().all(is_vendor) {
        let reason = format!("`{vendor}` is no service prefix, and wildcards may not stand in it");
        return Err(Complaint::new(format!("Vendor {vendor} is not valid"), offset, reason));
    }
    Ok(())
}
