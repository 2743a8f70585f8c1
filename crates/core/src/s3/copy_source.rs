//! The header `x-amz-copy-source`.

use iamd_wire::route::{self, RestRequest, S3Error, S3Request};

use super::invalid;

/// What is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopySource {
    /// The bucket.
    pub bucket: String,
    /// The key of the object.
    pub key: String,
    /// The version, if one is named.
    pub version_id: Option<String>,
    header: String,
}

impl CopySource {
    /// Reads `/bucket/key?versionId=...`, percent-encoded, the first slash optional; the path
    /// follows the rules of all paths.
    ///
    /// # Errors
    /// [`S3Error`] for whatever is no object of a bucket; access points are not known here.
    pub fn parse(header: &str) -> Result<CopySource, S3Error> {
        let (path, query) = match header.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (header, None),
        };
        let path = format!("/{}", path.strip_prefix('/').unwrap_or(path));
        // A source is an object that is read: it has the form of a GetObject.
        let read =
            RestRequest { method: "GET", path: &path, query, headers: &[], host_bucket: None };
        let found = route::s3(&read)?;
        let header = written(&found);
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
        Ok(CopySource { bucket, key, version_id, header })
    }

    /// The header for a store: of what was recognised, not of what came. A `+` that came as it is
    /// would be a space for some.
    pub fn header(&self) -> &str {
        &self.header
    }
}

fn written(found: &S3Request) -> String {
    let path = found.path();
    let path = path.strip_prefix('/').unwrap_or(&path);
    match found.parameters.canonical() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

fn refused() -> S3Error {
    invalid("Copy Source must mention the source bucket and key: sourcebucket/sourcekey".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_written_in_one_way() {
        for (came, written) in [
            ("bucket/a b+c", "bucket/a%20b%2Bc"),
            ("/bucket/a%2Fb#c", "bucket/a/b%23c"),
            ("%62ucket/%61?versionId=x%2Fy", "bucket/a?versionId=x%2Fy"),
        ] {
            assert_eq!(CopySource::parse(came).unwrap().header(), written, "{came}");
        }
    }
}
