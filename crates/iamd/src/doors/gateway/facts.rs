//! Bodies that must be known before anything is decided: small ones, read whole.

use bytes::Bytes;
use iamd_core::s3::{BUCKET_POLICY_LENGTH_MAX, BodyFacts, NamedObject};
use iamd_wire::route::{self, S3Error};

use super::admission::Admitted;
use crate::limits::BodyProblem;

/// Longest body of DeleteObjects, in bytes. S3 API Reference, DeleteObjects: 1,000 keys of 1,024
/// bytes, in XML.
const DELETE_LENGTH_MAX: usize = 2 * 1024 * 1024;
/// Longest of the other bodies, in bytes.
// Source: S3 API Reference, PutBucketCors; fifty tags at their longest have half of it.
const SMALL_LENGTH_MAX: usize = 64 * 1024;

/// How long a body may be that is read whole; none for operations whose body is handed on.
pub(super) fn whole_length_max(operation: &str) -> Option<usize> {
    match operation {
        "DeleteObjects" => Some(DELETE_LENGTH_MAX),
        // Frames of chunks and blanks may come on top.
        "PutBucketPolicy" => Some(2 * BUCKET_POLICY_LENGTH_MAX),
        "CreateBucket"
        | "PutBucketAcl"
        | "PutBucketCors"
        | "PutBucketOwnershipControls"
        | "PutBucketTagging"
        | "PutObjectAcl"
        | "PutObjectTagging"
        | "PutPublicAccessBlock" => Some(SMALL_LENGTH_MAX),
        _ => None,
    }
}

/// A body that is there, proven, and without the frames of chunks.
///
/// # Errors
/// S3's answer to a body that is another than was declared.
pub(super) fn proven(admitted: &mut Admitted, body: &Bytes) -> Result<Bytes, S3Error> {
    let data = admitted.take_proof().check_whole(body)?;
    Ok(data.map_or_else(|| body.clone(), Bytes::from))
}

/// What policies may ask of a body.
///
/// # Errors
/// `MalformedXML`.
pub(super) fn of_body(operation: &str, body: Option<&Bytes>) -> Result<BodyFacts, S3Error> {
    let body = body.map(|body| &body[..]).unwrap_or_default();
    let mut facts = BodyFacts::default();
    match operation {
        "DeleteObjects" => {
            let (objects, _) = route::objects_to_delete(body)?;
            let named = |(key, version_id)| NamedObject { key, version_id };
            facts.objects = objects.into_iter().map(named).collect();
        }
        "PutBucketTagging" | "PutObjectTagging" => facts.tags = route::tags_to_put(body)?,
        "CreateBucket" => facts.location = route::location_constraint(body)?,
        _ => {}
    }
    Ok(facts)
}

/// S3's words for a body that did not arrive.
pub(super) fn of_problem(problem: BodyProblem) -> S3Error {
    match problem {
        BodyProblem::TooLarge(_) => {
            let message = "Your request was too big.";
            S3Error::new("MaxMessageLengthExceeded", message)
        }
        BodyProblem::Aborted => S3Error::new(
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header.",
        ),
        BodyProblem::TooSlow => S3Error::new(
            "RequestTimeout",
            "Your socket connection to the server was not read from or written to within the timeout period.",
        ),
        BodyProblem::NoMemory => S3Error::new("SlowDown", "Please reduce your request rate."),
    }
}
