//! Headers that need an action of their own: whoever sets an ACL, tags or a lock with an object
//! must be allowed to set these.

use iamd_wire::route::S3Error;

use super::S3Call;

/// Operations that make an object.
const MAKERS: [&str; 4] = ["CopyObject", "CreateMultipartUpload", "PostObject", "PutObject"];
/// Headers that grant something.
const GRANTS: [&str; 6] = [
    "x-amz-acl",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
];

/// Further actions on the object of a request.
pub(super) fn of_object(call: &S3Call<'_>) -> Result<Vec<&'static str>, S3Error> {
    let mut actions = Vec::new();
    if MAKERS.contains(&call.request.operation) {
        if has_any(call, &GRANTS)? {
            actions.push("s3:PutObjectAcl");
        }
        if has_any(call, &["x-amz-tagging"])? {
            actions.push("s3:PutObjectTagging");
        }
        if has_any(call, &["x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"])? {
            actions.push("s3:PutObjectRetention");
        }
        if has_any(call, &["x-amz-object-lock-legal-hold"])? {
            actions.push("s3:PutObjectLegalHold");
        }
    }
    actions.extend(bypass(call)?);
    Ok(actions)
}

/// Further actions on a bucket that is made.
pub(super) fn of_new_bucket(call: &S3Call<'_>) -> Result<Vec<&'static str>, S3Error> {
    let mut actions = Vec::new();
    if has_any(call, &GRANTS)? {
        actions.push("s3:PutBucketAcl");
    }
    if call.header("x-amz-bucket-object-lock-enabled")?.is_some_and(is_true) {
        actions.extend(["s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"]);
    }
    if has_any(call, &["x-amz-object-ownership"])? {
        actions.push("s3:PutBucketOwnershipControls");
    }
    Ok(actions)
}

/// The action that lifts governance mode, where a request asks for that.
pub(super) fn bypass(call: &S3Call<'_>) -> Result<Option<&'static str>, S3Error> {
    let asked = call.header("x-amz-bypass-governance-retention")?.is_some_and(is_true);
    Ok(asked.then_some("s3:BypassGovernanceRetention"))
}

/// Anything but a plain no counts as yes: a store may be generous.
fn is_true(value: &str) -> bool {
    !value.eq_ignore_ascii_case("false")
}

fn has_any(call: &S3Call<'_>, names: &[&str]) -> Result<bool, S3Error> {
    for name in names {
        if call.header(name)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
