//! Buckets that are made and deleted: their names belong to accounts here, and their content lies in
//! the store.

use http_body_util::Full;
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use iamd_core::s3::bucket;
use iamd_wire::route::S3Error;

use super::answer::GatewayBody;
use super::record::Call;
use super::upstream::{StoreBody, ToStore};
use super::{Gateway, Received, judgement, own};

/// Makes a bucket for the caller's account: first the name is his, then the store makes it.
pub(super) async fn create(
    gateway: &Gateway,
    call: &mut Call,
    parts: &Parts,
    received: Received,
) -> Result<Response<GatewayBody>, S3Error> {
    let node = &gateway.node;
    let name = received.asked.bucket.clone().unwrap_or_default();
    let is_resumed = is_reserved(gateway, call, &name)?;
    if !is_resumed && exists(gateway, call, &name).await? {
        // Whoever made a bucket of this name would have what is in it.
        tracing::warn!(
            bucket = name,
            "the store has a bucket that no account owns; an operator can import it"
        );
        return Err(bucket::taken());
    }
    own::reserve(node, call, node.clock().now()).await?;
    let response = gateway.sent(call, parts, received).await;
    let status = response.as_ref().map(Response::status);
    match status {
        Ok(status) if status.is_success() => own::made(node, call).await?,
        // It made it the time before.
        Ok(StatusCode::CONFLICT) if is_resumed => own::made(node, call).await?,
        Ok(status) if status.is_client_error() => {
            own::release(node, call, "BucketNotCreated").await?
        }
        // Whether it was made is unknown: the name stays reserved for another try.
        Ok(_) | Err(_) => {}
    }
    response
}

/// Whether an earlier try of the same account got half way.
fn is_reserved(gateway: &Gateway, call: &Call, name: &str) -> Result<bool, S3Error> {
    let snapshot = gateway.node.snapshot();
    let account = call.requester.as_ref().map(|requester| requester.caller.account);
    let account = account.ok_or_else(judgement::plain_denial)?;
    match bucket::find(&snapshot.state, name) {
        Ok((owner, found)) if owner == account && !found.is_made => Ok(true),
        Ok(_) => {
            let now = gateway.node.clock().now();
            bucket::reserve(&snapshot.state, account, name, now).map(|_| false)
        }
        Err(_) => Ok(false),
    }
}

/// Whether the store has a bucket of this name.
async fn exists(gateway: &Gateway, call: &mut Call, name: &str) -> Result<bool, S3Error> {
    let request = ToStore {
        method: Method::HEAD,
        path: format!("/{name}"),
        query: String::new(),
        headers: http::HeaderMap::new(),
        length: None,
    };
    let response = gateway.exchange(call, request, StoreBody::Right(Full::default())).await?;
    Ok(response.status() != StatusCode::NOT_FOUND)
}

/// Deletes a bucket; its name is free, and its policy gone, once the store has deleted it.
pub(super) async fn delete(
    gateway: &Gateway,
    call: &mut Call,
    parts: &Parts,
    received: Received,
) -> Result<Response<GatewayBody>, S3Error> {
    let response = gateway.sent(call, parts, received).await?;
    let is_gone = response.status().is_success() || response.status() == StatusCode::NOT_FOUND;
    if is_gone {
        own::release(&gateway.node, call, "DeleteBucket").await?;
    }
    Ok(response)
}
