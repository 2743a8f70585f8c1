//! The two MFA parameters of AssumeRole and GetSessionToken.
//!
//! Source: IAM User Guide, "Secure API access with MFA".

use iamd_wire::ErrorCode;

use crate::caller::Identity;
use crate::mfa;
use crate::operation::Scene;
use crate::preparation::CodeUse;
use crate::refusal::Refusal;
use crate::state::KeyOwner;

/// The one-time code of the request; none if it carries none.
///
/// # Errors
/// `AccessDenied` when one of the two parameters is missing, or the device is not the caller's.
pub(super) fn shown_code(
    scene: &Scene<'_>,
    serial_number: Option<&str>,
    token_code: Option<&str>,
) -> Result<Option<CodeUse>, Refusal> {
    let (serial, code) = match (serial_number, token_code) {
        (None, None) => return Ok(None),
        (Some(serial), Some(code)) => (serial, code),
        (Some(_), None) | (None, Some(_)) => {
            return Err(denied(
                "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
            ));
        }
    };
    let own = match &scene.caller.identity {
        Identity::User(id) => Some(KeyOwner::User(*id)),
        // Root shows his device in the console alone, and roles have none.
        Identity::Root | Identity::RoleSession { .. } => None,
    };
    let device = scene.account.mfa_devices().with_serial(serial).filter(|device| {
        own.is_some() && device.assignment.map(|assignment| assignment.owner) == own
    });
    let device = device.ok_or_else(|| {
        denied(
            "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.",
        )
    })?;
    Ok(Some(mfa::shown(scene, device, code)))
}

/// `AccessDenied` for a code that is wrong, or was used before; the space at the end is AWS's.
pub(super) fn wrong_code() -> Refusal {
    denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
}

/// Refuses a code that was not used up for this request.
///
/// # Errors
/// `AccessDenied`
pub(super) fn require_claimed(scene: &Scene<'_>, code: &CodeUse) -> Result<(), Refusal> {
    if mfa::is_claimed(scene, code) { Ok(()) } else { Err(wrong_code()) }
}

fn denied(message: &str) -> Refusal {
    Refusal::new(ErrorCode::AccessDenied, message)
}
