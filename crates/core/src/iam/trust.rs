//! Trust policies: stored with unique ids, so that a recreated principal is not trusted.
//!
//! Source: IAM User Guide, "AWS JSON policy elements: Principal".

use iamd_policy::{Grammar, NamedPrincipal};
use iamd_wire::ErrorCode;

use super::document;
use crate::named_principals;
use crate::operation::Scene;
use crate::refusal::Refusal;
use crate::state::{PolicyDocument, State};
use crate::text;

/// A trust policy as it is stored: checked, and users and roles named by unique id.
///
/// # Errors
/// `MalformedPolicyDocument` for what AWS would not store, a principal that does not exist
/// included; `LimitExceeded` past the quota.
pub(super) fn checked_trust(scene: &Scene<'_>, text: &str) -> Result<PolicyDocument, Refusal> {
    let document = document::checked(text, Grammar::Trust)?;
    let limit = scene.quotas.trust_policy_size;
    if iamd_policy::size_without_white_space(text) > limit as usize {
        return Err(text::quota_exceeded("ACLSizePerRole", limit));
    }
    let stored = named_principals::stored(scene.state, document.compiled())
        .map_err(|unknown| invalid_principal(&unknown))?;
    document::checked(&stored, Grammar::Trust)
}

/// A trust policy as answers show it.
pub(super) fn shown_trust(state: &State, trust: &PolicyDocument) -> String {
    document::encoded(&shown_trust_text(state, trust))
}

/// The same before it is encoded.
pub(crate) fn shown_trust_text(state: &State, trust: &PolicyDocument) -> String {
    named_principals::shown(state, trust.compiled())
}

fn invalid_principal(principal: &NamedPrincipal) -> Refusal {
    Refusal::new(
        ErrorCode::MalformedPolicyDocument,
        format!(
            "Invalid principal in policy: \"{}\":\"{}\"",
            principal.kind.as_str(),
            principal.value
        ),
    )
}
