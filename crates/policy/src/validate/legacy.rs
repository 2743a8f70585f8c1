//! What AWS's older parser refuses: `The policy failed legacy parsing`.

use super::complaint::Complaint;
use super::resource::fields;
use super::syntax::{Policy, Statement};
use crate::condition::Date;

/// # Errors
/// `The policy failed legacy parsing`, for effects in the wrong letter case, bad dates and
/// resources that are too short.
pub(super) fn check(policy: &Policy<'_>) -> Result<(), Complaint> {
    policy.statements.iter().try_for_each(check_statement)
}

fn check_statement(statement: &Statement<'_>) -> Result<(), Complaint> {
    let effect = statement.effect;
    if !matches!(effect.value, "Allow" | "Deny") {
        return Err(Complaint::legacy(effect.offset, "`Effect` must be `Allow` or `Deny`"));
    }
    if let Some(date) = statement.dates.iter().find(|date| Date::parse(date.value).is_none()) {
        return Err(Complaint::legacy(date.offset, format!("`{}` is not a date", date.value)));
    }
    let mut resources = statement.resources.iter().flat_map(|element| &element.values);
    match resources.find(|resource| is_too_short(resource.value)) {
        Some(short) => {
            let reason = format!("the resource `{}` has fewer than six fields", short.value);
            Err(Complaint::legacy(short.offset, reason))
        }
        None => Ok(()),
    }
}

/// Whether a resource lacks fields that cannot be padded.
// CHOICE: the User Guide pads incomplete ARNs, so what is too short must be something else. An
// ARN that leaves a field empty and has fewer than six, such as `arn:aws:s3::bucket`, has lost a
// colon; padding it would name something that its writer did not mean.
fn is_too_short(resource: &str) -> bool {
    let fields = fields(resource);
    (2..6).contains(&fields.len()) && fields.contains(&"")
}
