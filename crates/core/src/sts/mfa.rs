//! The two MFA parameters of AssumeRole and GetSessionToken.
//!
//! Source: IAM User Guide, "Secure API access with MFA".

use iamd_wire::{ErrorCode, Timestamp};

use crate::refusal::Refusal;

/// When the second factor of the request was shown; none if it carries none.
///
/// # Errors
/// `AccessDenied` when one of the two parameters is missing, or the device is not the caller's:
/// iamd keeps no MFA devices yet, so no device is anybody's.
pub(super) fn shown_factor(
    serial_number: Option<&str>,
    token_code: Option<&str>,
) -> Result<Option<Timestamp>, Refusal> {
    let message = match (serial_number, token_code) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
        }
        (Some(_), None) | (None, Some(_)) => {
            "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."
        }
    };
    Err(Refusal::new(ErrorCode::AccessDenied, message))
}
