//! Condition keys of S3.
//!
//! Source: Service Authorization Reference, "Condition keys for Amazon S3"; S3 User Guide, "Bucket
//! policy examples using condition keys".

use super::{S3Call, S3Target};

/// Parameters of lists that are condition keys of the same name.
const LIST_PARAMETERS: [&str; 3] = ["delimiter", "max-keys", "prefix"];

/// Headers that are condition keys, and the names of these.
const HEADERS: [(&str, &str); 22] = [
    ("if-match", "s3:if-match"),
    ("if-none-match", "s3:if-none-match"),
    ("x-amz-acl", "s3:x-amz-acl"),
    ("x-amz-bucket-namespace", "s3:x-amz-bucket-namespace"),
    ("x-amz-content-sha256", "s3:x-amz-content-sha256"),
    ("x-amz-copy-source", "s3:x-amz-copy-source"),
    ("x-amz-grant-full-control", "s3:x-amz-grant-full-control"),
    ("x-amz-grant-read", "s3:x-amz-grant-read"),
    ("x-amz-grant-read-acp", "s3:x-amz-grant-read-acp"),
    ("x-amz-grant-write", "s3:x-amz-grant-write"),
    ("x-amz-grant-write-acp", "s3:x-amz-grant-write-acp"),
    ("x-amz-metadata-directive", "s3:x-amz-metadata-directive"),
    ("x-amz-object-if-match", "s3:x-amz-object-if-match"),
    ("x-amz-object-lock-legal-hold", "s3:object-lock-legal-hold"),
    ("x-amz-object-lock-mode", "s3:object-lock-mode"),
    ("x-amz-object-lock-retain-until-date", "s3:object-lock-retain-until-date"),
    ("x-amz-object-ownership", "s3:x-amz-object-ownership"),
    ("x-amz-server-side-encryption", "s3:x-amz-server-side-encryption"),
    (
        "x-amz-server-side-encryption-aws-kms-key-id",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    ),
    (
        "x-amz-server-side-encryption-customer-algorithm",
        "s3:x-amz-server-side-encryption-customer-algorithm",
    ),
    ("x-amz-storage-class", "s3:x-amz-storage-class"),
    ("x-amz-website-redirect-location", "s3:x-amz-website-redirect-location"),
];

/// Adds the keys of a request to one of its targets.
pub(super) fn add(call: &S3Call<'_>, tags: &[(String, String)], needed: &mut S3Target) {
    signature(call, needed);
    parameters(call, needed);
    headers(call, needed);
    request_tags(tags, needed);
    let context = &mut needed.target.context;
    if let Some(location) = &call.body.location {
        context.set("s3:locationconstraint", location.as_str());
    }
    if matches!(
        call.request.operation,
        "CompleteMultipartUpload" | "CopyObject" | "PostObject" | "PutObject"
    ) {
        context.set("s3:ObjectCreationOperation", "true");
    } else if matches!(
        call.request.operation,
        "CreateMultipartUpload" | "UploadPart" | "UploadPartCopy"
    ) {
        context.set("s3:ObjectCreationOperation", "false");
    }
}

fn signature(call: &S3Call<'_>, needed: &mut S3Target) {
    let Some(signature) = call.signature else { return };
    let context = &mut needed.target.context;
    context.set("s3:authType", signature.form);
    context.set("s3:signatureversion", "AWS4-HMAC-SHA256");
    if let Some(age) = signature.age_milliseconds {
        context.set("s3:signatureAge", age.to_string());
    }
}

fn parameters(call: &S3Call<'_>, needed: &mut S3Target) {
    let is_list = matches!(
        call.request.operation,
        "ListMultipartUploads" | "ListObjectVersions" | "ListObjects" | "ListObjectsV2"
    );
    let context = &mut needed.target.context;
    for name in LIST_PARAMETERS.iter().filter(|_| is_list) {
        if let Some(value) = call.parameter(name) {
            context.set(format!("s3:{name}"), value);
        }
    }
    if let Some(version) = call.parameter("versionId")
        && call.request.operation != "DeleteObjects"
    {
        context.set("s3:versionid", version);
    }
}

fn headers(call: &S3Call<'_>, needed: &mut S3Target) {
    let context = &mut needed.target.context;
    // A request has fewer headers than there are keys.
    for (header, _) in call.headers {
        let known = HEADERS.iter().find(|(name, _)| name == header);
        let Some((name, key)) = known else { continue };
        if let Some(value) = call.fact(name) {
            context.set(key, value);
        }
    }
}

/// Tags that an object is to have.
fn request_tags(tags: &[(String, String)], needed: &mut S3Target) {
    if tags.is_empty() {
        return;
    }
    let context = &mut needed.target.context;
    for (name, value) in tags {
        context.set(format!("s3:RequestObjectTag/{name}"), value.as_str());
    }
    context.set_list("s3:RequestObjectTagKeys", tags.iter().map(|(name, _)| name.as_str()));
}
