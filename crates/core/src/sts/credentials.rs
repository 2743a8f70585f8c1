//! Temporary credentials in answers.

use iamd_wire::ErrorCode;
use iamd_wire::sts::Credentials;

use crate::draw::Draw;
use crate::operation::Scene;
use crate::refusal::Refusal;
use crate::session::Session;

/// Largest session token that is issued, in bytes.
// CHOICE: AWS publishes no figure. Two such tokens fit into the headers that HTTP servers accept.
const TOKEN_SIZE_MAX: usize = 8_192;

/// A sealed credential with the facts about its size.
pub(super) struct Issued {
    pub(super) credentials: Credentials,
    /// Bytes of the session token.
    pub(super) token_size: Option<i32>,
    /// Percentage of the greatest size.
    pub(super) token_utilization: Option<i32>,
}

/// Seals a session; its token has at least `size_min` bytes.
///
/// # Errors
/// `PackedPolicyTooLarge` when policies and tags make the token too large.
pub(super) fn issue(
    scene: &Scene<'_>,
    session: &Session,
    size_min: Option<i32>,
    draw: &mut Draw,
) -> Result<Issued, Refusal> {
    let size_min = size_min.and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
    let issued = scene.session_keys.seal(session, size_min, draw).ok_or_else(no_key)?;
    let size = issued.session_token.expose().len();
    if size > TOKEN_SIZE_MAX {
        return Err(Refusal::new(
            ErrorCode::PackedPolicyTooLarge,
            "Serialized token too large for session",
        ));
    }
    Ok(Issued {
        credentials: Credentials {
            access_key_id: issued.access_key_id.to_string(),
            secret_access_key: issued.secret_access_key,
            session_token: issued.session_token.expose().to_owned(),
            expiration: session.expires,
        },
        token_size: i32::try_from(size).ok(),
        token_utilization: i32::try_from(size * 100 / TOKEN_SIZE_MAX).ok(),
    })
}

fn no_key() -> Refusal {
    Refusal::new(ErrorCode::ServiceUnavailable, "No session key is available.")
}
