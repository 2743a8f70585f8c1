//! Which headers pass the gateway: those that S3 knows, and no other.

use hyper::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, EXPIRES,
    HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE, RANGE,
};
use iamd_wire::route::S3Error;

/// Headers of requests that the store gets, beside `x-amz-*`.
const TO_STORE: [HeaderName; 12] = [
    CACHE_CONTROL,
    CONTENT_DISPOSITION,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    HeaderName::from_static("content-md5"),
    CONTENT_TYPE,
    EXPIRES,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE,
    RANGE,
];

/// What begins with `x-amz-` and is not for the store: it belongs to the client's signature or to
/// the frames of its body, or it is decided here.
const NOT_TO_STORE: [&str; 15] = [
    "x-amz-acl",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-expected-bucket-owner",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-object-ownership",
    "x-amz-request-payer",
    "x-amz-security-token",
    "x-amz-source-expected-bucket-owner",
    "x-amz-trailer",
];

/// What names of metadata begin with.
const METADATA: &str = "x-amz-meta-";

/// Headers of answers that belong to a connection, or say something that the gateway says itself.
const NOT_TO_CLIENT: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-amz-request-id",
];

/// The headers of a request that the store gets.
pub(super) fn to_store(headers: &HeaderMap, is_chunked: bool) -> HeaderMap {
    let mut passed = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let text = name.as_str();
        if (is_of_s3(text) && !NOT_TO_STORE.contains(&text)) || TO_STORE.contains(name) {
            passed.append(name.clone(), value.clone());
        }
    }
    if is_chunked {
        unframe(&mut passed);
    }
    passed
}

/// Whether a header can be one of S3's. For some stores `_` and `-` are the same, and only in names
/// of metadata that is harmless.
fn is_of_s3(name: &str) -> bool {
    name.starts_with(METADATA) || (name.starts_with("x-amz-") && !name.contains('_'))
}

/// Refuses metadata that makes some stores do more than they were asked: they unpack an archive into
/// objects that nobody has decided.
///
/// # Errors
/// `NotImplemented`.
// Source: Snowball Edge Developer Guide, "Batching small files to improve data transfer performance".
pub(super) fn refuse_orders(headers: &HeaderMap) -> Result<(), S3Error> {
    let is_order = |name: &HeaderName| {
        let name = name.as_str().strip_prefix(METADATA).unwrap_or_default();
        name.replace('_', "-") == "snowball-auto-extract"
    };
    if headers.keys().any(is_order) {
        let message = "A header you provided implies functionality that is not implemented.";
        return Err(S3Error::new("NotImplemented", message));
    }
    Ok(())
}

/// Takes the frames of chunks off the encodings of a body, which goes on without them.
fn unframe(headers: &mut HeaderMap) {
    let encodings = headers.get_all(CONTENT_ENCODING).iter();
    let others: Vec<String> = encodings
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|encoding| !encoding.is_empty() && !encoding.eq_ignore_ascii_case("aws-chunked"))
        .map(str::to_owned)
        .collect();
    headers.remove(CONTENT_ENCODING);
    if let Ok(value) = HeaderValue::from_str(&others.join(","))
        && !others.is_empty()
    {
        headers.insert(CONTENT_ENCODING, value);
    }
}

/// Takes away what is not for the client. Which origins may read an answer, the gateway says itself.
pub(super) fn to_client(headers: &mut HeaderMap) {
    let is_unwanted = |name: &&HeaderName| {
        let text = name.as_str();
        NOT_TO_CLIENT.contains(&text) || text.starts_with("access-control-")
    };
    let unwanted: Vec<HeaderName> = headers.keys().filter(is_unwanted).cloned().collect();
    for name in unwanted {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_s3_knows_passes() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "AWS4-HMAC-SHA256 secret"),
            ("connection", "x-amz-meta-a"),
            ("content-encoding", "aws-chunked,gzip"),
            ("content-type", "text/plain"),
            ("cookie", "a=b"),
            ("transfer-encoding", "chunked"),
            ("x-amz-acl", "public-read"),
            ("x-amz-copy_source", "other/secret"),
            ("x_amz_meta_b", "1"),
            ("x-amz-meta-a", "1"),
            ("x-amz-meta-a_b", "1"),
            ("x-amz-security-token", "secret"),
            ("x-forwarded-for", "192.0.2.1"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let passed = to_store(&headers, true);
        let mut names: Vec<&str> = passed.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-encoding", "content-type", "x-amz-meta-a", "x-amz-meta-a_b"]);
        assert_eq!(passed.get("content-encoding").unwrap(), "gzip");
        headers.insert("content-encoding", HeaderValue::from_static("aws-chunked"));
        assert!(!to_store(&headers, true).contains_key("content-encoding"));
    }

    #[test]
    fn the_client_gets_what_is_neither_of_the_connection_nor_said_by_the_gateway() {
        let mut headers = HeaderMap::new();
        for name in [
            "access-control-allow-origin",
            "access-control-expose-headers",
            "connection",
            "etag",
            "server",
            "x-amz-request-id",
            "x-amz-version-id",
        ] {
            headers.append(name, HeaderValue::from_static("x"));
        }
        headers.append("server", HeaderValue::from_static("y"));
        to_client(&mut headers);
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["etag", "x-amz-version-id"]);
    }

    #[test]
    fn an_archive_is_not_unpacked() {
        for name in ["x-amz-meta-snowball-auto-extract", "x-amz-meta-snowball_auto_extract"] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static("true"));
            assert_eq!(refuse_orders(&headers).unwrap_err().code, "NotImplemented", "{name}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-meta-snowball", HeaderValue::from_static("true"));
        assert_eq!(refuse_orders(&headers), Ok(()));
    }
}
