//! The header `x-amz-copy-source`.

use iamd_wire::route::{self, RestRequest, S3Error};

use super::invalid;

/// What is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CopySource {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) version_id: Option<String>,
}

impl CopySource {
    /// Reads `/bucket/key?versionId=...`, percent-encoded, the first slash optional; the path
    /// follows the rules of all paths.
    ///
    /// # Errors
    /// [`S3Error`] for whatever is no object of a bucket; access points are not known here.
    pub(super) fn parse(header: &str) -> Result<CopySource, S3Error> {
        let (path, query) = match header.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (header, None),
        };
        let path = format!("/{}", path.strip_prefix('/').unwrap_or(path));
        // A source is an object that is read: it has the form of a GetObject.
        let read =
            RestRequest { method: "GET", path: &path, query, headers: &[], host_bucket: None };
        let found = route::s3(&read)?;
        let (Some(bucket), Some(key), "GetObject") = (found.bucket, found.key, found.operation)
        else {
            return Err(refused());
        };
        let version_id = found.parameters.get("versionId").map(str::to_owned);
        let has_more =
            query.is_some_and(|query| !query.starts_with("versionId=") || query.contains('&'));
        if has_more {
            return Err(refused());
        }
        Ok(CopySource { bucket, key, version_id })
    }
}

fn refused() -> S3Error {
    invalid("Copy Source must mention the source bucket and key: sourcebucket/sourcekey".to_owned())
}
