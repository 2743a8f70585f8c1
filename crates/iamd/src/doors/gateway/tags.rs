//! Tags of objects that are there, for policies that ask for `s3:ExistingObjectTag`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, StatusCode};
use iamd_core::s3::{Ruling, S3Target};
use iamd_policy::ConditionKeys;
use iamd_wire::query::percent_encoded;
use iamd_wire::route::{self, S3Error};

use super::Gateway;
use super::record::Call;
use super::upstream::{StoreBody, ToStore};

/// How long tags are taken for what they were.
// CHOICE: changes through this gateway are seen at once; others after this time.
const KEPT: Duration = Duration::from_secs(5);
/// Most objects whose tags are kept; a full store of them starts anew.
const KEPT_MAX: usize = 10_000;
/// Longest answer of the store, in bytes: ten tags at their longest have a quarter of it.
const ANSWER_LENGTH_MAX: usize = 64 * 1024;

type Tags = Arc<[(String, String)]>;

/// Tags of objects, for a moment.
#[derive(Default)]
pub(super) struct KnownTags(Mutex<HashMap<String, (Instant, Tags)>>);

impl KnownTags {
    fn get(&self, object: &str) -> Option<Tags> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, tags) = known.get(object)?;
        (since.elapsed() < KEPT).then(|| Arc::clone(tags))
    }

    fn keep(&self, object: String, tags: &Tags) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT_MAX {
            known.clear();
        }
        known.insert(object, (Instant::now(), Arc::clone(tags)));
    }

    /// Whatever is known of a bucket may be otherwise now.
    pub(super) fn forget(&self, bucket: &str) {
        let start = format!("/{bucket}/");
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|object, _| !object.starts_with(&start));
    }
}

/// Adds the tags of objects where a policy asked for them.
///
/// # Errors
/// S3's answer when the store does not say: what is unknown decides nothing.
pub(super) async fn add(
    gateway: &Gateway,
    call: &mut Call,
    rulings: &[Ruling],
    targets: &mut [S3Target],
) -> Result<(), S3Error> {
    for (ruling, target) in rulings.iter().zip(targets) {
        if !ruling.asks_for_object_tags {
            continue;
        }
        let Some(object) = target.target.resource.strip_prefix("arn:aws:s3:::") else { continue };
        let Some((bucket, key)) = object.split_once('/') else { continue };
        let version = target.target.context.value("s3:versionid");
        let version = version.and_then(|value| value.iter().next().map(str::to_owned));
        let tags = fetched(gateway, call, bucket, key, version.as_deref()).await?;
        for (name, value) in tags.iter() {
            let key = format!("s3:ExistingObjectTag/{name}");
            target.target.context.set(key, value.as_str());
        }
    }
    Ok(())
}

async fn fetched(
    gateway: &Gateway,
    call: &mut Call,
    bucket: &str,
    key: &str,
    version: Option<&str>,
) -> Result<Tags, S3Error> {
    let parts: Vec<String> = key.split('/').map(percent_encoded).collect();
    let path = format!("/{bucket}/{}", parts.join("/"));
    let query = match version {
        Some(version) => format!("tagging=&versionId={}", percent_encoded(version)),
        None => "tagging=".to_owned(),
    };
    let object = format!("{path}?{query}");
    if let Some(known) = gateway.tags.get(&object) {
        return Ok(known);
    }
    let headers = http::HeaderMap::new();
    let request = ToStore { method: Method::GET, path, query, headers, length: None };
    let response = gateway.exchange(call, request, StoreBody::Right(Full::default())).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_LENGTH_MAX).collect().await;
    let body = body.map_err(|_| unknown())?.to_bytes();
    let tags: Tags = match status {
        StatusCode::OK => route::tags_to_put(&body)?.into(),
        // There is no such object, and so it has none.
        StatusCode::NOT_FOUND => Arc::new([]),
        _ => return Err(unknown()),
    };
    gateway.tags.keep(object, &tags);
    Ok(tags)
}

fn unknown() -> S3Error {
    S3Error::new("ServiceUnavailable", "The store does not say which tags the object has.")
}
