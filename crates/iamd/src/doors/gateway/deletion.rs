//! DeleteObjects: each object is decided by itself; the store sees those that may go.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use iamd_core::s3::{Ruling, Verdict};
use iamd_wire::route::{self, NamedVersion, S3Error};

use super::answer::{self, GatewayBody, element};
use super::record::Call;
use super::{Arrived, Gateway, Received, judgement};

/// Headers that speak of the body as it was.
const OF_BODY: [&str; 2] = ["content-md5", "x-amz-sdk-checksum-algorithm"];
/// Longest answer of the store, in bytes: 1,000 keys, each with an error.
const ANSWER_LENGTH_MAX: usize = 8 * 1024 * 1024;

/// Deletes what may be deleted, and says of the rest that it may not.
pub(super) async fn answered(
    gateway: &Gateway,
    call: &mut Call,
    parts: &Parts,
    received: Received,
) -> Result<Response<GatewayBody>, S3Error> {
    if let Some(ruling) = call.rulings.iter().find(|ruling| is_of_bucket(ruling)) {
        return Err(judgement::error_of(call, ruling));
    }
    let body = received.body.whole().cloned().unwrap_or_default();
    let (objects, is_quiet) = route::objects_to_delete(&body)?;
    // As many rulings for each object as for every other.
    let each = (call.rulings.len() / objects.len().max(1)).max(1);
    let rulings = call.rulings.chunks(each);
    let (mut allowed, mut errors) = (Vec::new(), String::new());
    for (object, rulings) in objects.iter().zip(rulings) {
        match rulings.iter().find(|ruling| !ruling.is_allowed()) {
            None => allowed.push(object),
            Some(denied) => errors.push_str(&error(object, &judgement::error_of(call, denied))),
        }
    }
    if errors.is_empty() {
        return gateway.sent(call, parts, received).await;
    }
    if allowed.is_empty() {
        return Ok(answer::xml("DeleteResult", &errors, &call.request_id));
    }
    let body = Arrived::Whole(rewritten(&allowed, is_quiet));
    let mut parts = parts.clone();
    for name in OF_BODY {
        parts.headers.remove(name);
    }
    let checksums: Vec<_> = parts
        .headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-amz-checksum-"))
        .cloned()
        .collect();
    checksums.iter().for_each(|name| drop(parts.headers.remove(name)));
    let response = gateway.sent(call, &parts, Received { body, ..received }).await?;
    if let Some(bucket) = &call.bucket {
        gateway.tags.forget(bucket);
    }
    with_errors(response, &errors).await
}

/// Whether a ruling is about the bucket and not about one of its objects.
fn is_of_bucket(ruling: &Ruling) -> bool {
    matches!(ruling.verdict, Verdict::NoSuchBucket | Verdict::OwnerClosed)
}

fn error((key, version): &NamedVersion, error: &S3Error) -> String {
    let version = version.as_deref().map(|version| element("VersionId", version));
    format!(
        "<Error>{}{}{}{}</Error>",
        element("Key", key),
        version.unwrap_or_default(),
        element("Code", error.code),
        element("Message", &error.message)
    )
}

fn rewritten(objects: &[&NamedVersion], is_quiet: bool) -> Bytes {
    let mut text = String::from("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (key, version) in objects {
        let version = version.as_deref().map(|version| element("VersionId", version));
        text.push_str("<Object>");
        text.push_str(&element("Key", key));
        text.push_str(&version.unwrap_or_default());
        text.push_str("</Object>");
    }
    if is_quiet {
        text.push_str("<Quiet>true</Quiet>");
    }
    text.push_str("</Delete>");
    text.into()
}

/// The store's answer with what did not reach it.
async fn with_errors(
    response: Response<GatewayBody>,
    errors: &str,
) -> Result<Response<GatewayBody>, S3Error> {
    if response.status() != StatusCode::OK {
        return Ok(response);
    }
    let unreadable = || S3Error::new("InternalError", "We encountered an internal error.");
    let (mut head, body) = response.into_parts();
    let limited = http_body_util::Limited::new(body, ANSWER_LENGTH_MAX);
    let body = limited.collect().await.map_err(|_| unreadable())?.to_bytes();
    let text = std::str::from_utf8(&body).map_err(|_| unreadable())?;
    let merged = match text.rsplit_once("</DeleteResult>") {
        Some((before, _)) => format!("{before}{errors}</DeleteResult>"),
        // An element without content.
        None => match text.rsplit_once("/>") {
            Some((before, _)) if before.contains("<DeleteResult") => {
                format!("{before}>{errors}</DeleteResult>")
            }
            Some(_) | None => return Err(unreadable()),
        },
    };
    head.headers.remove(hyper::header::CONTENT_LENGTH);
    Ok(Response::from_parts(head, GatewayBody::own(merged)))
}
