//! Scripts of other origins: the preflights of browsers, and what lets a script read an answer.
//!
//! Both come from what iamd keeps of a bucket; the store hears of no preflight, and what it says of
//! origins itself is left out. Neither opens anything: the request after a preflight is decided like
//! any other.
//! Source: S3 User Guide, "Using cross-origin resource sharing (CORS)"; the Fetch standard, "HTTP-CORS
//! protocol".

use hyper::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName,
    HeaderValue, ORIGIN, VARY,
};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use iamd_core::s3::{bucket, cors};
use iamd_core::state::CorsRule;
use iamd_wire::route::{self, S3Error};

use super::answer::{self, GatewayBody};
use super::record::Call;
use super::rest;
use crate::node::Node;

/// What calls whoever watches sees, as CloudTrail names it.
const OPERATION: &str = "PreflightRequest";
/// What an answer depends on, for caches between.
const DEPENDS_ON: HeaderValue = HeaderValue::from_static(
    "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
);

/// Answers a preflight. Nobody signs it, and nothing but rules of buckets counts.
///
/// # Errors
/// `AccessForbidden` where no rule allows what is asked, `BadRequest` for what is no preflight,
/// `NoSuchBucket`.
pub(super) fn preflight(
    node: &Node,
    call: &mut Call,
    parts: &Parts,
    headers: &[(&str, &[u8])],
    host_bucket: Option<&str>,
) -> Result<Response<GatewayBody>, S3Error> {
    call.operation = Some(OPERATION);
    call.bucket = route::preflight(&rest(parts, headers, host_bucket))?;
    let origin = one(&parts.headers, &ORIGIN)?
        .ok_or_else(|| no_preflight("Insufficient information. Origin request header needed."))?;
    let method = one(&parts.headers, &ACCESS_CONTROL_REQUEST_METHOD)?.unwrap_or("null");
    if !cors::is_method(method) {
        return Err(no_preflight(&format!("Invalid Access-Control-Request-Method: {method}")));
    }
    let requested = one(&parts.headers, &ACCESS_CONTROL_REQUEST_HEADERS)?;
    let name = call.bucket.as_deref().ok_or_else(|| forbidden("Bucket not found"))?;
    let snapshot = node.snapshot();
    let (_, found) = bucket::find(&snapshot.state, name)?;
    let rules = found.cors.as_deref();
    let rules = rules.ok_or_else(|| forbidden("CORS is not enabled for this bucket."))?;
    let crossing = cors::Crossing { origin, method, headers: requested };
    let rule = cors::rule_for(rules, &crossing).ok_or_else(|| forbidden(NOT_ALLOWED))?;
    let mut response = answer::empty(StatusCode::OK, &call.request_id);
    let headers = response.headers_mut();
    allow(headers, rule, origin);
    if let Some(requested) = requested.filter(|requested| !requested.is_empty()) {
        set(headers, ACCESS_CONTROL_ALLOW_HEADERS, &requested.to_ascii_lowercase());
    }
    headers.append(VARY, DEPENDS_ON);
    Ok(response)
}

/// Lets the script that asked read an answer, where a rule of the bucket allows it; denials, too.
pub(super) fn open_answer(
    node: &Node,
    call: &Call,
    parts: &Parts,
    response: &mut Response<GatewayBody>,
) {
    if parts.method == Method::OPTIONS {
        return;
    }
    let Some(name) = &call.bucket else { return };
    let snapshot = node.snapshot();
    let Ok(rules) = cors::rules(&snapshot.state, name) else { return };
    let headers = response.headers_mut();
    headers.append(VARY, DEPENDS_ON);
    let Ok(Some(origin)) = one(&parts.headers, &ORIGIN) else { return };
    let crossing = cors::Crossing { origin, method: parts.method.as_str(), headers: None };
    if let Some(rule) = cors::rule_for(rules, &crossing) {
        allow(headers, rule, origin);
    }
}

/// Says what a rule allows an origin.
fn allow(headers: &mut HeaderMap, rule: &CorsRule, origin: &str) {
    if cors::allowed_origin(rule, origin) == Some("*") {
        set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    } else {
        set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        set(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    set(headers, ACCESS_CONTROL_ALLOW_METHODS, &rule.allowed_methods.join(", "));
    if !rule.expose_headers.is_empty() {
        set(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &rule.expose_headers.join(", "));
    }
    if let Some(seconds) = rule.max_age_seconds {
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

/// The text of a header that browsers send once; none without it.
///
/// # Errors
/// `BadRequest` where it stands twice or is no text.
fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, S3Error> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            value.to_str().map(Some).map_err(|_| no_preflight(&format!("{name} is no text.")))
        }
        (Some(_), Some(_)) => Err(no_preflight(&format!("{name} is there twice."))),
    }
}

/// Source: S3 User Guide, "Troubleshooting CORS".
const NOT_ALLOWED: &str = "This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.";

fn forbidden(why: &str) -> S3Error {
    S3Error::new("AccessForbidden", format!("CORSResponse: {why}"))
}

fn no_preflight(why: &str) -> S3Error {
    S3Error::new("BadRequest", why)
}
