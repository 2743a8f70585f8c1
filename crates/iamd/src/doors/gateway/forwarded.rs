//! Requests that a gateway hands to the node that it follows, because they change what iamd keeps.
//!
//! The node gets them as the client signed them, and does all of it again: it recognises them, proves
//! the signature, and decides on its own state. Of the gateway it believes only where a request came
//! from, and what became of a bucket in the store.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::Request;
use hyper::header::{REFERER, USER_AGENT};
use hyper::http::request::Parts;
use iamd_core::account_id::AccountId;
use iamd_core::operation::Environment;
use iamd_core::s3::{S3Call, bucket};
use iamd_store::Revision;
use iamd_wire::route::{self, RestRequest, S3Error};
use serde::{Deserialize, Serialize};

use super::mode::Mode;
use super::record::Call;
use super::{admission, facts, headers, judgement, own, text};
use crate::doors::api::headers as header_list;
use crate::fault::Fault;
use crate::node::Node;
use crate::signing_keys::SigningKeys;

/// Longest body, in bytes: of a bucket policy, in Base64 and in frames of chunks.
const BODY_LENGTH_MAX: usize = 128 * 1024;

/// Whether an operation changes what iamd keeps.
pub(super) fn is_forwarded(operation: &str) -> bool {
    matches!(
        operation,
        "CreateBucket"
            | "DeleteBucket"
            | "DeleteBucketCors"
            | "DeleteBucketPolicy"
            | "DeletePublicAccessBlock"
            | "PutBucketCors"
            | "PutBucketPolicy"
            | "PutPublicAccessBlock"
    )
}

/// A request as a client signed it.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct ForwardedRequest {
    /// The id that the answer carries.
    request_id: String,
    /// What is to be done for it: its operation, or what has become of the bucket in the store.
    step: String,
    method: String,
    /// Path and query, as they came.
    target: String,
    /// The headers, each value in Base64.
    headers: Vec<(String, String)>,
    /// The bucket that the host names.
    host_bucket: Option<String>,
    /// The body in Base64, as it came.
    body: String,
    source_ip: Option<IpAddr>,
    is_secure: bool,
    /// Whether the gateway lets pass what policies deny.
    observe: bool,
}

/// What came of it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Written {
    /// It was done.
    Done {
        /// The account that it was about.
        account: u64,
        /// The revision of that account from which on it can be seen.
        revision: u64,
    },
    /// It was refused.
    Refused {
        /// S3's code.
        code: String,
        /// S3's words.
        message: String,
    },
}

impl ForwardedRequest {
    /// A request that is under way, whose surroundings are known.
    pub(super) fn of(
        call: &Call,
        parts: &Parts,
        host_bucket: Option<String>,
        body: &Bytes,
    ) -> ForwardedRequest {
        let target = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let headers = header_list(parts);
        let headers = headers.iter().map(|(name, value)| {
            let value = STANDARD.encode(value);
            ((*name).to_owned(), value)
        });
        ForwardedRequest {
            request_id: call.request_id.clone(),
            step: String::new(),
            method: parts.method.to_string(),
            target,
            headers: headers.collect(),
            host_bucket,
            body: STANDARD.encode(body),
            source_ip: call.environment.source_ip,
            is_secure: call.environment.secure_transport,
            observe: call.mode == Mode::Observe,
        }
    }

    /// The same for one step of it.
    #[must_use]
    pub fn for_step(&self, step: &str) -> ForwardedRequest {
        ForwardedRequest { step: step.to_owned(), ..self.clone() }
    }

    fn parts(&self) -> Option<Parts> {
        let mut request = Request::builder().method(&*self.method).uri(&self.target);
        for (name, value) in &self.headers {
            request = request.header(name, STANDARD.decode(value).ok()?);
        }
        Some(request.body(()).ok()?.into_parts().0)
    }
}

/// Carries a request out that a gateway has handed over.
///
/// # Errors
/// [`Fault::Refused`] for what is no such request.
pub async fn carried_out(node: &Arc<Node>, request: ForwardedRequest) -> Result<Written, Fault> {
    let unreadable = || Fault::Refused("the request of a client cannot be read".to_owned());
    let parts = request.parts().ok_or_else(unreadable)?;
    let body = STANDARD.decode(&request.body).map_err(|_| unreadable())?;
    if body.len() > BODY_LENGTH_MAX {
        return Err(unreadable());
    }
    let mut call = Call::new(node, request.request_id.clone());
    call.is_elsewhere = true;
    call.environment = Environment {
        source_ip: request.source_ip,
        secure_transport: request.is_secure,
        user_agent: text(&parts, USER_AGENT.as_str()).map(Into::into),
        referer: text(&parts, REFERER.as_str()).map(Into::into),
        region: Box::default(),
    };
    match done(node, &mut call, &parts, &request, body.into()).await {
        Ok(account) => {
            call.status = 200;
            let revision = node.snapshot().revision(account);
            let (account, Revision(revision)) = (account.number(), revision);
            Ok(Written::Done { account, revision })
        }
        Err(error) => {
            (call.code, call.message) = (Some(error.code), Some(error.message.clone()));
            call.status = error.status;
            Ok(Written::Refused { code: error.code.to_owned(), message: error.message })
        }
    }
}

/// Does all that a gateway does at a node, but for the store; gives the account that it was about.
async fn done(
    node: &Arc<Node>,
    call: &mut Call,
    parts: &Parts,
    request: &ForwardedRequest,
    body: Bytes,
) -> Result<AccountId, S3Error> {
    let list = header_list(parts);
    admission::refuse_version_2(parts)?;
    let asked = route::s3(&RestRequest {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query(),
        headers: &list,
        host_bucket: request.host_bucket.as_deref(),
    })?;
    let operation = asked.operation;
    call.operation = Some(operation);
    call.bucket = asked.bucket.clone();
    if !is_step(&request.step, operation) {
        return Err(judgement::plain_denial());
    }
    // A key that is derived for one request is not worth keeping.
    let keys = SigningKeys::default();
    let mut admitted = admission::prove(node, &keys, call, parts, &list).await?;
    let body = facts::proven(&mut admitted, &body)?;
    let body_facts = facts::of_body(operation, Some(&body))?;
    let signature = admitted.signature;
    let targets =
        S3Call { request: &asked, headers: &list, body: &body_facts, signature }.targets()?;
    own::refuse_acls(operation, |name| text(parts, name))?;
    headers::refuse_orders(&parts.headers)?;
    judgement::check_expected_owner(node, call, parts)?;
    call.rulings = judgement::rulings(node, call, &targets)?;
    // A stranger is never merely observed, whatever a gateway says.
    if request.observe && call.requester.is_some() {
        call.mode = Mode::Observe;
    }
    judgement::let_pass(call)?;
    carry_out(node, call, &request.step, &body).await
}

async fn carry_out(
    node: &Arc<Node>,
    call: &mut Call,
    step: &str,
    body: &Bytes,
) -> Result<AccountId, S3Error> {
    let name = call.bucket.clone().unwrap_or_default();
    if step == "CreateBucket" {
        let account = call.requester.as_ref().map(|requester| requester.caller.account);
        own::reserve(node, call, node.clock().now()).await?;
        return account.ok_or_else(judgement::plain_denial);
    }
    let (owner, is_made) = {
        let snapshot = node.snapshot();
        let (owner, found) = bucket::find(&snapshot.state, &name)?;
        (owner, found.is_made)
    };
    let caller = call.requester.as_ref().map(|requester| requester.caller.account);
    match step {
        // Only who has reserved a name says what became of it, and nobody of a bucket in use.
        "BucketCreated" | "BucketNotCreated" if caller != Some(owner) || is_made => {
            return Err(judgement::plain_denial());
        }
        "BucketCreated" => own::made(node, call).await?,
        "BucketNotCreated" => own::release(node, call, "BucketNotCreated").await?,
        "DeleteBucket" => own::release(node, call, "DeleteBucket").await?,
        _ => {
            let operation = call.operation.unwrap_or_default();
            own::answered(node, call, operation, body).await?;
        }
    }
    Ok(owner)
}

/// Whether this is a step of carrying out such an operation.
fn is_step(step: &str, operation: &str) -> bool {
    match operation {
        "CreateBucket" => matches!(step, "CreateBucket" | "BucketCreated" | "BucketNotCreated"),
        operation => is_forwarded(operation) && step == operation,
    }
}
