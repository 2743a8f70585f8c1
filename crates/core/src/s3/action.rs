//! Actions and resources of an operation.
//!
//! Source: S3 User Guide, "Required permissions for Amazon S3 API operations"; Service Authorization
//! Reference, "Actions, resources, and condition keys for Amazon S3".

use iamd_wire::route::{self, S3Error};

use super::copy_source::CopySource;
use super::{S3Call, S3Target, bucket_arn, object_arn, object_headers};
use crate::operation::Target;

/// Operations on a bucket whose action has another name.
const BUCKET_ACTIONS: &[(&str, &str)] = &[
    ("CreateBucketMetadataConfiguration", "s3:CreateBucketMetadataTableConfiguration"),
    ("DeleteBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration"),
    ("DeleteBucketCors", "s3:PutBucketCORS"),
    ("DeleteBucketEncryption", "s3:PutEncryptionConfiguration"),
    ("DeleteBucketIntelligentTieringConfiguration", "s3:PutIntelligentTieringConfiguration"),
    ("DeleteBucketInventoryConfiguration", "s3:PutInventoryConfiguration"),
    ("DeleteBucketLifecycle", "s3:PutLifecycleConfiguration"),
    ("DeleteBucketMetadataConfiguration", "s3:DeleteBucketMetadataTableConfiguration"),
    ("DeleteBucketMetricsConfiguration", "s3:PutMetricsConfiguration"),
    ("DeleteBucketOwnershipControls", "s3:PutBucketOwnershipControls"),
    ("DeleteBucketReplication", "s3:PutReplicationConfiguration"),
    ("DeleteBucketTagging", "s3:PutBucketTagging"),
    ("DeletePublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
    ("GetBucketAccelerateConfiguration", "s3:GetAccelerateConfiguration"),
    ("GetBucketAnalyticsConfiguration", "s3:GetAnalyticsConfiguration"),
    ("GetBucketCors", "s3:GetBucketCORS"),
    ("GetBucketEncryption", "s3:GetEncryptionConfiguration"),
    ("GetBucketIntelligentTieringConfiguration", "s3:GetIntelligentTieringConfiguration"),
    ("GetBucketInventoryConfiguration", "s3:GetInventoryConfiguration"),
    ("GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration"),
    ("GetBucketMetadataConfiguration", "s3:GetBucketMetadataTableConfiguration"),
    ("GetBucketMetricsConfiguration", "s3:GetMetricsConfiguration"),
    ("GetBucketNotificationConfiguration", "s3:GetBucketNotification"),
    ("GetBucketReplication", "s3:GetReplicationConfiguration"),
    ("GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration"),
    ("GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
    ("HeadBucket", "s3:ListBucket"),
    ("ListBucketAnalyticsConfigurations", "s3:GetAnalyticsConfiguration"),
    ("ListBucketIntelligentTieringConfigurations", "s3:GetIntelligentTieringConfiguration"),
    ("ListBucketInventoryConfigurations", "s3:GetInventoryConfiguration"),
    ("ListBucketMetricsConfigurations", "s3:GetMetricsConfiguration"),
    ("ListMultipartUploads", "s3:ListBucketMultipartUploads"),
    ("ListObjectVersions", "s3:ListBucketVersions"),
    ("ListObjects", "s3:ListBucket"),
    ("ListObjectsV2", "s3:ListBucket"),
    ("PutBucketAccelerateConfiguration", "s3:PutAccelerateConfiguration"),
    ("PutBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration"),
    ("PutBucketCors", "s3:PutBucketCORS"),
    ("PutBucketEncryption", "s3:PutEncryptionConfiguration"),
    ("PutBucketIntelligentTieringConfiguration", "s3:PutIntelligentTieringConfiguration"),
    ("PutBucketInventoryConfiguration", "s3:PutInventoryConfiguration"),
    ("PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
    ("PutBucketMetricsConfiguration", "s3:PutMetricsConfiguration"),
    ("PutBucketNotificationConfiguration", "s3:PutBucketNotification"),
    ("PutBucketReplication", "s3:PutReplicationConfiguration"),
    ("PutObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration"),
    ("PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
];

/// Operations whose body names another bucket, which the store would read or write with its own
/// rights and not with those of whoever asks. They are refused until that is decided as well.
const BEYOND: [&str; 7] = [
    "CreateBucketMetadataConfiguration",
    "CreateBucketMetadataTableConfiguration",
    "PutBucketAnalyticsConfiguration",
    "PutBucketInventoryConfiguration",
    "PutBucketLogging",
    "PutBucketReplication",
    "RestoreObject",
];

/// Operations on a bucket whose action has their name.
const BUCKET_SAME: &[&str] = &[
    "s3:CreateBucket",
    "s3:CreateBucketMetadataTableConfiguration",
    "s3:DeleteBucket",
    "s3:DeleteBucketMetadataTableConfiguration",
    "s3:DeleteBucketPolicy",
    "s3:DeleteBucketWebsite",
    "s3:GetBucketAbac",
    "s3:GetBucketAcl",
    "s3:GetBucketLocation",
    "s3:GetBucketLogging",
    "s3:GetBucketMetadataTableConfiguration",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPolicyStatus",
    "s3:GetBucketRequestPayment",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetBucketWebsite",
    "s3:PutBucketAbac",
    "s3:PutBucketAcl",
    "s3:PutBucketLogging",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketRequestPayment",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutBucketWebsite",
    "s3:UpdateBucketMetadataAnnotationTableConfiguration",
    "s3:UpdateBucketMetadataInventoryTableConfiguration",
    "s3:UpdateBucketMetadataJournalTableConfiguration",
];

/// Operations on an object: the actions without a version, and with one where that differs.
const OBJECT_ACTIONS: &[(&str, &[&str], &[&str])] = &[
    ("AbortMultipartUpload", &["s3:AbortMultipartUpload"], &[]),
    ("CompleteMultipartUpload", &["s3:PutObject"], &[]),
    ("CopyObject", &["s3:PutObject"], &[]),
    ("CreateMultipartUpload", &["s3:PutObject"], &[]),
    ("DeleteObject", &["s3:DeleteObject"], &["s3:DeleteObjectVersion"]),
    (
        "DeleteObjectAnnotation",
        &["s3:DeleteObjectAnnotation"],
        &["s3:DeleteObjectVersionAnnotation"],
    ),
    ("DeleteObjectTagging", &["s3:DeleteObjectTagging"], &["s3:DeleteObjectVersionTagging"]),
    ("GetObject", &["s3:GetObject"], &["s3:GetObjectVersion"]),
    ("GetObjectAcl", &["s3:GetObjectAcl"], &["s3:GetObjectVersionAcl"]),
    ("GetObjectAnnotation", &["s3:GetObjectAnnotation"], &["s3:GetObjectVersionAnnotation"]),
    (
        "GetObjectAttributes",
        &["s3:GetObject", "s3:GetObjectAttributes"],
        &["s3:GetObjectVersion", "s3:GetObjectVersionAttributes"],
    ),
    ("GetObjectLegalHold", &["s3:GetObjectLegalHold"], &[]),
    ("GetObjectRetention", &["s3:GetObjectRetention"], &[]),
    ("GetObjectTagging", &["s3:GetObjectTagging"], &["s3:GetObjectVersionTagging"]),
    ("GetObjectTorrent", &["s3:GetObjectTorrent"], &["s3:GetObjectVersionTorrent"]),
    ("HeadObject", &["s3:GetObject"], &["s3:GetObjectVersion"]),
    ("ListObjectAnnotations", &["s3:ListObjectAnnotations"], &["s3:ListObjectVersionAnnotations"]),
    ("ListParts", &["s3:ListMultipartUploadParts"], &[]),
    ("PostObject", &["s3:PutObject"], &[]),
    ("PutObject", &["s3:PutObject"], &[]),
    ("PutObjectAcl", &["s3:PutObjectAcl"], &["s3:PutObjectVersionAcl"]),
    ("PutObjectAnnotation", &["s3:PutObjectAnnotation"], &["s3:PutObjectVersionAnnotation"]),
    ("PutObjectLegalHold", &["s3:PutObjectLegalHold"], &[]),
    ("PutObjectRetention", &["s3:PutObjectRetention"], &[]),
    ("PutObjectTagging", &["s3:PutObjectTagging"], &["s3:PutObjectVersionTagging"]),
    ("RestoreObject", &["s3:RestoreObject"], &[]),
    ("SelectObjectContent", &["s3:GetObject"], &[]),
    ("UpdateObjectEncryption", &["s3:UpdateObjectEncryption"], &[]),
    ("UploadPart", &["s3:PutObject"], &[]),
    ("UploadPartCopy", &["s3:PutObject"], &[]),
];

/// The actions that an operation needs by its name alone, on a bucket or an object; none if the
/// tables do not have it. Headers may ask for more.
pub(super) fn by_name(operation: &str, has_version: bool) -> Option<&'static [&'static str]> {
    match operation {
        "ListBuckets" => return Some(&["s3:ListAllMyBuckets"]),
        "DeleteObjects" if has_version => return Some(&["s3:DeleteObjectVersion"]),
        "DeleteObjects" => return Some(&["s3:DeleteObject"]),
        _ => {}
    }
    if let Some((_, action)) = BUCKET_ACTIONS.iter().find(|(name, _)| *name == operation) {
        return Some(std::slice::from_ref(action));
    }
    let (_, plain, versioned) = OBJECT_ACTIONS.iter().find(|(name, ..)| *name == operation)?;
    Some(if has_version && !versioned.is_empty() { versioned } else { plain })
}

/// Whether the body of an operation can name another bucket.
pub(super) fn reaches_beyond(operation: &str) -> bool {
    BEYOND.contains(&operation)
}

/// Everything that an operation needs.
pub(super) fn targets(call: &S3Call<'_>) -> Result<Vec<S3Target>, S3Error> {
    let operation = call.request.operation;
    if reaches_beyond(operation) {
        let message = format!("{operation} can name another bucket; the gateway refuses it.");
        return Err(S3Error::new("NotImplemented", message));
    }
    match (&call.request.bucket, &call.request.key) {
        (None, _) if operation == "ListBuckets" => {
            let target = Target::new("s3:ListAllMyBuckets", "*");
            Ok(vec![S3Target { bucket: None, target }])
        }
        (Some(bucket), None) if operation == "DeleteObjects" => deletions(call, bucket),
        (Some(bucket), None) => on_bucket(call, bucket),
        (Some(bucket), Some(key)) => on_object(call, bucket, key),
        (None, _) => Err(unknown(operation)),
    }
}

fn on_bucket(call: &S3Call<'_>, bucket: &str) -> Result<Vec<S3Target>, S3Error> {
    let operation = call.request.operation;
    let renamed = BUCKET_ACTIONS.iter().find(|(name, _)| *name == operation);
    let same = || BUCKET_SAME.iter().find(|action| action.strip_prefix("s3:") == Some(operation));
    let action = renamed.map(|(_, action)| action).or_else(same);
    let action = *action.ok_or_else(|| unknown(operation))?;
    let also = match operation {
        "CreateBucket" => object_headers::of_new_bucket(call)?,
        _ => Vec::new(),
    };
    let is_new = operation == "CreateBucket";
    let target = |action| S3Target {
        bucket: (!is_new).then(|| bucket.to_owned()),
        target: Target::new(action, bucket_arn(bucket)),
    };
    Ok([action].into_iter().chain(also).map(target).collect())
}

fn on_object(call: &S3Call<'_>, bucket: &str, key: &str) -> Result<Vec<S3Target>, S3Error> {
    let operation = call.request.operation;
    let entry = OBJECT_ACTIONS.iter().find(|(name, _, _)| *name == operation);
    let (_, plain, versioned) = entry.ok_or_else(|| unknown(operation))?;
    let has_version = call.parameter("versionId").is_some();
    let actions = if has_version && !versioned.is_empty() { versioned } else { plain };
    let mut targets: Vec<S3Target> =
        actions.iter().map(|action| object_target(bucket, key, action)).collect();
    for action in object_headers::of_object(call)? {
        targets.push(object_target(bucket, key, action));
    }
    if matches!(operation, "CopyObject" | "UploadPartCopy") {
        targets.extend(source(call)?);
    }
    Ok(targets)
}

/// What is copied must be readable.
fn source(call: &S3Call<'_>) -> Result<Vec<S3Target>, S3Error> {
    let header = call.header("x-amz-copy-source")?.unwrap_or_default();
    let source = CopySource::parse(header)?;
    let (read, tags) = match source.version_id {
        Some(_) => ("s3:GetObjectVersion", "s3:GetObjectVersionTagging"),
        None => ("s3:GetObject", "s3:GetObjectTagging"),
    };
    let mut targets = vec![object_target(&source.bucket, &source.key, read)];
    // Only what is asked for with a header of its own: whether a source has tags is the store's
    // knowledge, and copying them needs what reading them needs.
    if call.header("x-amz-tagging-directive")?.is_some_and(|word| word == "COPY") {
        targets.push(object_target(&source.bucket, &source.key, tags));
    }
    Ok(targets)
}

fn deletions(call: &S3Call<'_>, bucket: &str) -> Result<Vec<S3Target>, S3Error> {
    if call.body.objects.is_empty() {
        return Err(S3Error {
            code: "MalformedXML",
            status: 400,
            message: "The XML you provided was not well-formed or did not validate against our published schema".to_owned(),
        });
    }
    let mut targets = Vec::with_capacity(call.body.objects.len());
    let bypass = object_headers::bypass(call)?;
    for object in &call.body.objects {
        route::plain_key(&object.key)?;
        let action = match object.version_id {
            Some(_) => "s3:DeleteObjectVersion",
            None => "s3:DeleteObject",
        };
        for action in [action].into_iter().chain(bypass) {
            let mut needed = object_target(bucket, &object.key, action);
            if let Some(version) = &object.version_id {
                needed.target.context.set("s3:versionid", version.as_str());
            }
            targets.push(needed);
        }
    }
    Ok(targets)
}

fn object_target(bucket: &str, key: &str, action: &'static str) -> S3Target {
    S3Target {
        bucket: Some(bucket.to_owned()),
        target: Target::new(action, object_arn(bucket, key)),
    }
}

/// An operation without an entry in the tables.
fn unknown(operation: &str) -> S3Error {
    S3Error {
        code: "NotImplemented",
        status: 501,
        message: format!("{operation} has no action that policies could allow here."),
    }
}

/// The actions of all tables, for the test that compares them with the service's own list.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    let buckets =
        BUCKET_ACTIONS.iter().map(|(_, action)| *action).chain(BUCKET_SAME.iter().copied());
    let objects = OBJECT_ACTIONS
        .iter()
        .flat_map(|(_, plain, versioned)| plain.iter().copied().chain(versioned.iter().copied()));
    buckets.chain(objects)
}
