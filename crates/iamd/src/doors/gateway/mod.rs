//! The gateway: a door in front of an S3 store that lets pass what policies allow.
//!
//! A request is recognised, its signature proven, and everything that it needs decided, before the
//! store sees anything of it. What the store gets is what was recognised, written anew, and not what
//! came.

mod admission;
mod answer;
mod checksum;
mod cors;
mod creation;
mod deletion;
mod facts;
mod form;
mod form_fields;
pub mod forwarded;
mod headers;
mod http_2;
mod judgement;
mod mode;
mod own;
mod payload;
mod record;
mod tags;
mod upstream;
mod usage;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, EXPECT, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};
use iamd_core::s3::{S3Call, S3Target};
use iamd_wire::route::{self, RestRequest, S3Error, S3Request};

pub use answer::GatewayBody;
pub use mode::{Mode, Modes};
pub use record::DECISIONS_MAX;
pub use upstream::{UpstreamCredentials, UpstreamSettings, buckets_of};

use super::api::headers;
use crate::config::Config;
use crate::entropy;
use crate::fault::Fault;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::node::Node;
use crate::proxies::Proxies;
use crate::server::{Answerer, Line};
use crate::signing_keys::SigningKeys;
use admission::Admitted;
use form::Upload;
use forwarded::ForwardedRequest;
use payload::Proven;
use record::Call;
use tags::KnownTags;
use upstream::{StoreBody, ToStore, Upstream};

/// Longest frames of chunks around no data, in bytes.
// CHOICE: the last chunk and its trailers have a tenth of it.
const EMPTY_FRAMES_LENGTH_MAX: usize = 4 * 1024;

/// How the gateway is set.
#[derive(Debug, Clone)]
pub struct GatewaySettings {
    /// The store.
    pub upstream: UpstreamSettings,
    /// For whom denials are only noted.
    pub modes: Modes,
    /// Hosts below which bucket names may stand, such as `s3.example.com`.
    pub domains: Vec<String>,
}

/// The door.
pub struct Gateway {
    node: Arc<Node>,
    keys: SigningKeys,
    limits: Limits,
    proxies: Proxies,
    modes: Modes,
    domains: Vec<String>,
    upstream: Upstream,
    tags: KnownTags,
}

impl Gateway {
    /// A gateway on the state of a node.
    ///
    /// # Errors
    /// [`Fault::Refused`] for settings that cannot be.
    pub fn new(
        node: Arc<Node>,
        settings: GatewaySettings,
        limits: Limits,
        config: &Config,
    ) -> Result<Gateway, Fault> {
        if settings.modes.observe_anybody() {
            tracing::warn!("the gateway lets some pass what policies do not allow, and notes it");
        }
        Ok(Gateway {
            node,
            keys: SigningKeys::default(),
            limits,
            proxies: Proxies::new(config.server.proxies.clone()),
            modes: settings.modes,
            domains: settings.domains,
            upstream: Upstream::new(settings.upstream)?,
            tags: KnownTags::default(),
        })
    }

    /// Forgets the signing keys and sessions of recent callers.
    pub fn forget_keys(&self) {
        self.keys.clear();
    }

    async fn answered(&self, request: Request<Incoming>, line: Line) -> Response<GatewayBody> {
        let (mut parts, body) = request.into_parts();
        let request_id = match entropy::request_id() {
            Ok(id) => id,
            Err(fault) => {
                tracing::error!("{fault}");
                let error = S3Error::new("InternalError", "We encountered an internal error.");
                return answer::error(&error, &parts.method, "", "");
            }
        };
        let mut call = Box::new(Call::new(&self.node, request_id));
        let has_body = !body.is_end_stream();
        call.incoming = Some(body);
        let handled = match http_2::name_host(&mut parts) {
            Ok(()) => self.handled(&mut call, &parts, line).await,
            Err(error) => Err(error),
        };
        let mut response = match handled {
            Ok(response) => response,
            Err(error) => {
                call.code = Some(error.code);
                call.message = Some(error.message.clone());
                self.refused(&mut call, &parts, &error).await
            }
        };
        let is_read = has_body && call.incoming.is_none() && response.status().is_success();
        if parts.headers.contains_key(EXPECT) && parts.version <= Version::HTTP_11 && !is_read {
            // Who was not told to continue may send his body or not, so nothing can follow it; and
            // botocore reads the answer after this one wrongly.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        cors::open_answer(&self.node, &call, &parts, &mut response);
        call.status = response.status().as_u16();
        response.map(|body| body.of_call(call))
    }

    /// The answer to a request that is refused. Who is sending hears it once he has sent.
    async fn refused(
        &self,
        call: &mut Call,
        parts: &Parts,
        error: &S3Error,
    ) -> Response<GatewayBody> {
        let (request_id, operation, code) = (&call.request_id, call.operation, error.code);
        tracing::info!(request_id, operation, code, "refused");
        if let Some(mut body) = call.incoming.take()
            && !body.is_end_stream()
            && !parts.headers.contains_key(EXPECT)
        {
            self.limits.bodies.drain(&mut body).await;
        }
        let resource = parts.uri.path();
        let mut response = answer::error(error, &parts.method, resource, &call.request_id);
        judgement::add_authorization_message(&self.node, call, &mut response);
        response
    }

    async fn handled(
        &self,
        call: &mut Call,
        parts: &Parts,
        line: Line,
    ) -> Result<Response<GatewayBody>, S3Error> {
        let headers = headers(parts);
        if let Some(leader) = self.node.leader() {
            leader.check_age(&self.node)?;
        }
        if parts.method == Method::OPTIONS {
            let bucket = self.host_bucket(parts);
            return cors::preflight(&self.node, call, parts, &headers, bucket.as_deref());
        }
        admission::refuse_version_2(parts)?;
        if let Some(bucket) = self.form_bucket(parts, &headers)? {
            return form::answered(self, call, parts, line, bucket).await;
        }
        let asked = self.recognised(call, parts, &headers)?;
        let admitted = admission::admit(self, call, parts, &headers, line).await?;
        let mut received = Received { asked, admitted, body: Arrived::Nothing };
        received.body = self.arrived(call, &mut received).await?;
        let facts = facts::of_body(received.asked.operation, received.body.whole())?;
        let targets = S3Call {
            request: &received.asked,
            headers: &headers,
            body: &facts,
            signature: received.admitted.signature,
        }
        .targets()?;
        own::refuse_acls(received.asked.operation, |name| text(parts, name))?;
        headers::refuse_orders(&parts.headers)?;
        self.decided(call, parts, received, targets).await
    }

    /// Which operation it is, on what.
    fn recognised(
        &self,
        call: &mut Call,
        parts: &Parts,
        headers: &[(&str, &[u8])],
    ) -> Result<S3Request, S3Error> {
        let asked = route::s3(&rest(parts, headers, self.host_bucket(parts).as_deref()))?;
        call.operation = Some(asked.operation);
        call.bucket = asked.bucket.clone();
        call.key = asked.key.clone();
        Ok(asked)
    }

    /// The bucket that a form is uploaded to; none of other requests.
    fn form_bucket(
        &self,
        parts: &Parts,
        headers: &[(&str, &[u8])],
    ) -> Result<Option<String>, S3Error> {
        route::form_upload(&rest(parts, headers, self.host_bucket(parts).as_deref()))
    }

    /// The bucket that the host names, in the virtual-hosted form.
    fn host_bucket(&self, parts: &Parts) -> Option<String> {
        let host = text(parts, "host").or_else(|| parts.uri.host().map(str::to_owned))?;
        let name = host.rsplit_once(':').map_or(&*host, |(name, _)| name).to_ascii_lowercase();
        self.domains.iter().find_map(|domain| {
            let bucket = name.strip_suffix(domain.as_str())?.strip_suffix('.')?;
            (!bucket.is_empty()).then(|| bucket.to_owned())
        })
    }

    /// The body, whole where something in it must be known before.
    async fn arrived(&self, call: &mut Call, received: &mut Received) -> Result<Arrived, S3Error> {
        let Some(length_max) = facts::whole_length_max(received.asked.operation) else {
            return Ok(Arrived::OnItsWay);
        };
        let Some(incoming) = &mut call.incoming else { return Ok(Arrived::Nothing) };
        let held = self.limits.bodies.whole(incoming, length_max).await;
        let held = held.map_err(facts::of_problem)?;
        call.incoming = None;
        if self.node.leader().is_some() {
            call.whole = held.bytes.clone();
        }
        let data = facts::proven(&mut received.admitted, &held.bytes)?;
        call.body.arrived(held.bytes.len(), data.len());
        Ok(Arrived::Whole(data))
    }

    /// Keeps what a followed node needs to carry out the request, if it is one of its.
    fn prepare_forwarding(&self, call: &mut Call, parts: &Parts) {
        if self.node.leader().is_some() && call.operation.is_some_and(forwarded::is_forwarded) {
            let host_bucket = self.host_bucket(parts);
            let body = std::mem::take(&mut call.whole);
            call.forwarded = Some(ForwardedRequest::of(call, parts, host_bucket, &body));
        }
    }

    async fn decided(
        &self,
        call: &mut Call,
        parts: &Parts,
        received: Received,
        mut targets: Vec<S3Target>,
    ) -> Result<Response<GatewayBody>, S3Error> {
        let operation = received.asked.operation;
        call.mode = self.modes.of(call.requester.as_ref());
        self.prepare_forwarding(call, parts);
        judgement::check_expected_owner(&self.node, call, parts)?;
        let rulings = self.rulings(call, &targets)?;
        let is_otherwise = tags::add(self, call, &rulings, &mut targets).await?;
        call.rulings = if is_otherwise { self.rulings(call, &targets)? } else { rulings };
        if operation == "DeleteObjects" && call.mode == Mode::Enforce {
            return deletion::answered(self, call, parts, received).await;
        }
        judgement::let_pass(call)?;
        match operation {
            _ if own::is_own(operation) => {
                let body = received.body.whole().cloned().unwrap_or_default();
                own::answered(&self.node, call, operation, &body).await
            }
            "CreateBucket" => creation::create(self, call, parts, received).await,
            "DeleteBucket" => creation::delete(self, call, parts, received).await,
            _ => self.passed(call, parts, received).await,
        }
    }

    /// Hands a request on, and the store's answer back.
    async fn passed(
        &self,
        call: &mut Call,
        parts: &Parts,
        received: Received,
    ) -> Result<Response<GatewayBody>, S3Error> {
        let is_change = !matches!(parts.method, Method::GET | Method::HEAD);
        let response = self.sent(call, parts, received).await;
        if let (true, Some(bucket)) = (is_change, &call.bucket) {
            self.tags.forget(bucket);
        }
        let response = response?;
        if response.status() == StatusCode::NOT_FOUND && call.mode == Mode::Enforce {
            judgement::hide_absence(self, call, parts)?;
        }
        Ok(response)
    }

    /// Sends a request to the store.
    async fn sent(
        &self,
        call: &mut Call,
        parts: &Parts,
        received: Received,
    ) -> Result<Response<GatewayBody>, S3Error> {
        let Received { asked, mut admitted, body } = received;
        let is_chunked = admitted.is_chunked();
        let mut to_store = ToStore {
            method: parts.method.clone(),
            path: asked.path(),
            query: asked.parameters.canonical(),
            headers: headers::to_store(&parts.headers, is_chunked),
            length: None,
        };
        if let Some(source) = judgement::copied(parts)? {
            let source = HeaderValue::try_from(source.header())
                .map_err(|_| S3Error::new("InvalidArgument", "The copy source is no header."))?;
            to_store.headers.insert(judgement::COPY_SOURCE, source);
        }
        let outcome = call.body.clone();
        let mut held = None;
        self.prove_empty_frames(call, parts, &mut admitted).await?;
        let incoming = call.incoming.take().filter(|body| !body.is_end_stream());
        let body = match (body, incoming) {
            (Arrived::Whole(bytes), _) => {
                to_store.length = Some(bytes.len() as u64);
                Either::Right(Full::new(bytes))
            }
            (Arrived::OfForm(upload), incoming) => {
                let file = upload.into_body(&self.limits.bodies, incoming, outcome).await?;
                to_store.length = Some(file.length);
                held = file.held;
                file.body
            }
            (Arrived::OnItsWay, Some(body)) => {
                to_store.length = Some(admitted.length(parts)?);
                Either::Left(Proven::new(body, admitted.take_proof(), outcome))
            }
            (Arrived::OnItsWay, None) | (Arrived::Nothing, _) => {
                admitted.check_empty()?;
                let has_length = matches!(parts.method, Method::PUT | Method::POST);
                to_store.length = has_length.then_some(0);
                Either::Right(Full::default())
            }
        };
        let response = self.exchange(call, to_store, body).await;
        drop(held);
        response
    }

    /// Proves the frames of chunks without data. Nobody asks for a body of no bytes once it is on its
    /// way, and so nothing would prove it there.
    async fn prove_empty_frames(
        &self,
        call: &mut Call,
        parts: &Parts,
        admitted: &mut Admitted,
    ) -> Result<(), S3Error> {
        let frames = call.incoming.as_mut().filter(|body| !body.is_end_stream());
        let is_empty = admitted.is_chunked() && admitted.length(parts)? == 0;
        let Some(frames) = frames.filter(|_| is_empty) else { return Ok(()) };
        let held = self.limits.bodies.whole(frames, EMPTY_FRAMES_LENGTH_MAX).await;
        let held = held.map_err(facts::of_problem)?;
        let data = facts::proven(admitted, &held.bytes)?;
        call.body.arrived(held.bytes.len(), data.len());
        call.incoming = None;
        Ok(())
    }

    async fn exchange(
        &self,
        call: &mut Call,
        to_store: ToStore,
        body: StoreBody,
    ) -> Result<Response<GatewayBody>, S3Error> {
        let start = Instant::now();
        let answered = self.upstream.send(to_store, body, self.node.clock().now()).await;
        let seconds = start.elapsed().as_secs_f64();
        call.store_seconds = Some(seconds);
        if let Some(problem) = call.body.problem() {
            // What broke off says nothing of the store.
            return Err(problem);
        }
        call.count_store(seconds, &answered);
        let mut response = answered?.map(GatewayBody::of_store);
        headers::to_client(response.headers_mut());
        if let Ok(id) = call.request_id.parse() {
            response.headers_mut().insert(answer::REQUEST_ID, id);
        }
        Ok(response)
    }
}

/// A request whose signer is known.
struct Received {
    asked: S3Request,
    admitted: Admitted,
    body: Arrived,
}

/// A body.
enum Arrived {
    Nothing,
    /// All of it, proven, without frames of chunks.
    Whole(Bytes),
    /// It is handed on as it comes.
    OnItsWay,
    /// The file of a form.
    OfForm(Box<Upload>),
}

impl Arrived {
    fn whole(&self) -> Option<&Bytes> {
        match self {
            Arrived::Whole(bytes) => Some(bytes),
            Arrived::Nothing | Arrived::OnItsWay | Arrived::OfForm(_) => None,
        }
    }
}

impl Answerer for Gateway {
    type Body = GatewayBody;

    async fn answer(&self, request: Request<Incoming>, line: Line) -> Response<GatewayBody> {
        self.answered(request, line).await
    }

    fn metrics(&self) -> &Metrics {
        self.node.metrics()
    }
}

fn text(parts: &Parts, name: &str) -> Option<String> {
    parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// A request as it is to be recognised.
fn rest<'r>(
    parts: &'r Parts,
    headers: &'r [(&'r str, &'r [u8])],
    host_bucket: Option<&'r str>,
) -> RestRequest<'r> {
    RestRequest {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query(),
        headers,
        host_bucket,
    }
}
