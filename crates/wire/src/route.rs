//! Requests of REST services: which operation a request is, and on what.
//!
//! A service behind a gateway reads the request once more. So that both come to the same operation
//! and the same object, a request is recognised only if nothing in it could make it another one:
//! selectors and parameters that the operation does not have are refused, and so is whatever stands
//! twice, and a path that a store could read in two ways.

mod body;
mod path;
mod query;

use std::fmt;

use crate::generated::s3_routes::ROUTES;
use crate::query::percent_encoded;
pub use body::{
    CorsRule, NamedVersion, cors_rules, listed_buckets, location_constraint, malformed_xml,
    object_ownership, objects_to_delete, public_access_block, tags_to_put,
};
pub use query::RouteParameters;

/// What an operation acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The whole service: `/`.
    Service,
    /// A bucket.
    Bucket,
    /// An object in a bucket.
    Object,
    /// Something that a gateway does not pass on.
    Other,
}

/// How a request of one operation looks.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    pub(crate) place: Place,
    /// Parameters that stand in the model's path, such as `tagging` or `list-type=2`.
    pub(crate) selectors: &'static [&'static str],
    /// Parameters that must be there.
    pub(crate) required: &'static [&'static str],
    /// Parameters that may be there.
    pub(crate) parameters: &'static [&'static str],
    /// Headers that must be there.
    pub(crate) headers: &'static [&'static str],
}

/// Operations that have another of the same form, and operations of other hosts: directory buckets
/// and Object Lambda.
const NOT_ROUTED: [&str; 7] = [
    "CreateSession",
    "GetBucketLifecycle",
    "GetBucketNotification",
    "ListDirectoryBuckets",
    "PutBucketLifecycle",
    "PutBucketNotification",
    "RenameObject",
];

/// Headers that make an operation another one.
const TELLING_HEADERS: [&str; 2] = ["x-amz-copy-source", "x-amz-rename-source"];

/// A request as it came in, with nothing decoded.
#[derive(Debug, Clone, Copy)]
pub struct RestRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, percent-encoded.
    pub path: &'a str,
    /// The query, percent-encoded, without `?`.
    pub query: Option<&'a str>,
    /// Header names in lower case.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The bucket that the host names, in the virtual-hosted form.
    pub host_bucket: Option<&'a str>,
}

/// A request of S3 that was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Request {
    /// The operation, such as `GetObject`.
    pub operation: &'static str,
    /// The bucket.
    pub bucket: Option<String>,
    /// The key of the object.
    pub key: Option<String>,
    /// The parameters, without those of the signature.
    pub parameters: RouteParameters,
}

impl S3Request {
    /// The path, in the path-style form and escaped once: of what was recognised, not of what came.
    pub fn path(&self) -> String {
        let mut path = String::from("/");
        if let Some(bucket) = &self.bucket {
            path.push_str(bucket);
        }
        if let Some(key) = &self.key {
            for part in key.split('/') {
                path.push('/');
                path.push_str(&percent_encoded(part));
            }
        }
        path
    }
}

/// An answer of S3 that refuses a request: its code, status and words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Error {
    /// The code, such as `InvalidURI`.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong.
    pub message: String,
}

impl S3Error {
    /// An error of this code, with the status that S3 gives it.
    ///
    /// Source: S3 API Reference, "Error responses".
    pub fn new(code: &'static str, message: impl Into<String>) -> S3Error {
        let status = match code {
            "AccessDenied"
            | "AccessForbidden"
            | "AllAccessDisabled"
            | "InvalidAccessKeyId"
            | "RequestTimeTooSkewed"
            | "SignatureDoesNotMatch" => 403,
            "NoSuchBucket"
            | "NoSuchBucketPolicy"
            | "NoSuchCORSConfiguration"
            | "NoSuchPublicAccessBlockConfiguration" => 404,
            "MethodNotAllowed" => 405,
            "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" | "OperationAborted" => 409,
            "MissingContentLength" => 411,
            "PreconditionFailed" => 412,
            "InternalError" => 500,
            "NotImplemented" => 501,
            "BadGateway" => 502,
            "ServiceUnavailable" | "SlowDown" => 503,
            _ => 400,
        };
        S3Error { code, status, message: message.into() }
    }
}

impl fmt::Display for S3Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for S3Error {}

/// Recognises a request of S3.
///
/// # Errors
/// [`S3Error`] for whatever no operation or more than one could be.
pub fn s3(request: &RestRequest<'_>) -> Result<S3Request, S3Error> {
    let target = path::target(request.path, request.host_bucket)?;
    let parameters = RouteParameters::parse(request.query.unwrap_or_default())?;
    let place = match (&target.bucket, &target.key) {
        (None, _) => Place::Service,
        (Some(_), None) => Place::Bucket,
        (Some(_), Some(_)) => Place::Object,
    };
    let route = chosen(request, place, &parameters)?;
    Ok(S3Request { operation: route.name, bucket: target.bucket, key: target.key, parameters })
}

/// Recognises the upload of a form: its bucket; none of other requests. The key is in the form.
///
/// # Errors
/// As [`s3`] for a path that could be read in two ways.
pub fn form_upload(request: &RestRequest<'_>) -> Result<Option<String>, S3Error> {
    // A query makes it another operation.
    if request.method != "POST" || request.query.is_some_and(|query| !query.is_empty()) {
        return Ok(None);
    }
    let target = path::target(request.path, request.host_bucket)?;
    Ok(target.bucket.filter(|_| target.key.is_none()))
}

/// The bucket that a preflight of a browser asks about; none where it asks about the whole service.
///
/// # Errors
/// As [`s3`] for a path that could be read in two ways.
pub fn preflight(request: &RestRequest<'_>) -> Result<Option<String>, S3Error> {
    Ok(path::target(request.path, request.host_bucket)?.bucket)
}

/// The operations that [`s3`] recognises, and what each acts on.
pub fn operations_of_s3() -> impl Iterator<Item = (&'static str, Place)> {
    let known = |route: &&Route| !NOT_ROUTED.contains(&route.name) && route.place != Place::Other;
    ROUTES.iter().filter(known).map(|route| (route.name, route.place))
}

/// Tags in the form of a query, as the header `x-amz-tagging` has them.
///
/// # Errors
/// [`S3Error`] for what is no query, or could be read in two ways.
pub fn tags(text: &str) -> Result<Vec<(String, String)>, S3Error> {
    RouteParameters::pairs(text)
}

/// Whether stores read a key in one way only.
///
/// # Errors
/// [`S3Error`] for an empty part, `.`, `..`, NUL, and a key that is too long.
pub fn plain_key(key: &str) -> Result<(), S3Error> {
    path::plain_key(key)
}

fn chosen(
    request: &RestRequest<'_>,
    place: Place,
    parameters: &RouteParameters,
) -> Result<&'static Route, S3Error> {
    let mut methods = false;
    let mut fitting: Vec<&'static Route> = Vec::new();
    for route in ROUTES.iter().filter(|route| route.place == place) {
        if NOT_ROUTED.contains(&route.name) || route.method != request.method {
            continue;
        }
        methods = true;
        if route.fits(request, parameters) {
            fitting.push(route);
        }
    }
    if !methods {
        let message = "The specified method is not allowed against this resource.";
        return Err(S3Error::new("MethodNotAllowed", message));
    }
    let most = fitting.iter().map(|route| route.demands()).max();
    let mut best = fitting.iter().filter(|route| Some(route.demands()) == most);
    match (best.next(), best.next()) {
        (Some(route), None) => Ok(route),
        (None, _) => Err(S3Error::new(
            "NotImplemented",
            "A header or query parameter you provided implies functionality that is not implemented.",
        )),
        (Some(one), Some(other)) => Err(S3Error::new(
            "InvalidRequest",
            format!("The request could be {} and {}.", one.name, other.name),
        )),
    }
}

impl Route {
    /// Whether a request can be of this operation: it has all that the operation demands, and
    /// nothing that would make it another one.
    fn fits(&self, request: &RestRequest<'_>, parameters: &RouteParameters) -> bool {
        let has_header = |name: &str| request.headers.iter().any(|(header, _)| *header == name);
        let is_selected = |selector: &&str| match selector.split_once('=') {
            Some((name, value)) => parameters.get(name) == Some(value),
            // A value would be read as a value by one and as a mere mark by another.
            None => parameters.get(selector) == Some(""),
        };
        let is_known = |name: &str| {
            self.parameters.contains(&name)
                || self.selectors.iter().any(|known| known.split('=').next() == Some(name))
        };
        self.selectors.iter().all(is_selected)
            && self.required.iter().all(|name| parameters.get(name).is_some())
            && self.headers.iter().all(|name| has_header(name))
            && parameters.names().all(is_known)
            && TELLING_HEADERS.iter().all(|name| !has_header(name) || self.headers.contains(name))
    }

    /// How much a request must have to be of this operation.
    fn demands(&self) -> usize {
        self.selectors.len() + self.required.len() + self.headers.len()
    }
}

#[cfg(test)]
mod tests;
