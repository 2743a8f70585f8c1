//! Tags that a new session gets. Source: IAM User Guide, "Pass session tags in AWS STS".

use iamd_wire::ErrorCode;
use iamd_wire::sts::Tag as WireTag;

use crate::caller::Caller;
use crate::iam::{KeyCase, check_tags};
use crate::refusal::Refusal;
use crate::session::SessionTag;
use crate::state::Tag;

/// The tags of a new session: those that the calling session passes on, and those of the request.
///
/// # Errors
/// `InvalidParameterValue` for repeated keys, for a transitive key that is not passed, and for a
/// key that the calling session passes on.
pub(super) fn session_tags(
    caller: &Caller,
    tags: &[WireTag],
    transitive_keys: &[String],
) -> Result<Vec<SessionTag>, Refusal> {
    let keys = tags.iter().map(|tag| tag.key.as_str());
    check_tags(keys, KeyCase::Ignored, ErrorCode::InvalidParameterValue)?;
    let passed = |key: &String| tags.iter().any(|tag| same_key(&tag.key, key));
    if !transitive_keys.iter().all(passed) {
        return Err(refused(
            "The specified transitive tag key must be included in the requested tags.",
        ));
    }
    let mut session_tags: Vec<SessionTag> = inherited_tags(caller).cloned().collect();
    let clashes =
        |tag: &WireTag| inherited_tags(caller).any(|old| same_key(&old.tag.key, &tag.key));
    if tags.iter().any(clashes) {
        return Err(refused(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
        ));
    }
    session_tags.extend(tags.iter().map(|tag| SessionTag {
        tag: Tag { key: tag.key.as_str().into(), value: tag.value.as_str().into() },
        transitive: transitive_keys.iter().any(|key| same_key(key, &tag.key)),
    }));
    Ok(session_tags)
}

/// The tags that sessions made by this caller inherit.
pub(super) fn inherited_tags(caller: &Caller) -> impl Iterator<Item = &SessionTag> {
    let tags = caller.session().map_or(&[][..], |session| &session.tags);
    tags.iter().filter(|tag| tag.transitive)
}

fn same_key(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn refused(message: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidParameterValue, message)
}
