//! The API of all services: `POST /`, or `GET /` with the parameters in the query.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, REFERER, USER_AGENT};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response};
use iamd_core::caller::{Caller, Credential, Identity};
use iamd_core::operation::Environment;
use iamd_core::perform::with_operation;
use iamd_core::refusal::Refusal;
use iamd_wire::query::{BODY_LENGTH_MAX, Parameters};
use iamd_wire::sigv4::{Rejection, RequestParts, Rules};
use iamd_wire::{ErrorCode, OperationInfo, Service, constraint};

use super::answer::{Body, Form, Frame, closing};
use super::call::{Call, Outcome};
use crate::authenticate::{Authenticated, authenticate};
use crate::entropy;
use crate::node::{Failure, Node, Snapshot};
use crate::signing_keys::SigningKeys;

/// How long a body may take to arrive.
// CHOICE: the largest body at 300 kB/s; whoever is slower ties up a connection.
const BODY_TIME_MAX: Duration = Duration::from_secs(60);

/// A refusal before any operation runs.
struct Refused {
    code: ErrorCode,
    message: String,
}

impl Refused {
    fn new(code: ErrorCode, message: impl Into<String>) -> Refused {
        Refused { code, message: message.into() }
    }
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Refused {
        Refused { code: rejection.code, message: rejection.message }
    }
}

/// Answers a request to the API.
pub(super) async fn answer(
    node: &Arc<Node>,
    keys: &SigningKeys,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Response<Body> {
    let request_id = match entropy::request_id() {
        Ok(id) => id,
        Err(fault) => {
            let frame = Frame { request_id: String::new(), service: Service::Iam, form: Form::Xml };
            return frame.fault(&fault);
        }
    };
    let (parts, body) = request.into_parts();
    let mut frame = Frame { request_id, service: Service::Iam, form: Form::Xml };
    let body = match whole(body).await {
        Ok(body) => body,
        Err(refused) => return closing(frame.error(refused.code, Some(&refused.message))),
    };
    let text = match form_text(&parts, &body) {
        Ok(text) => text,
        Err(refused) => return refuse(&frame, "", &refused),
    };
    let parameters = match Parameters::parse(text) {
        Ok(parameters) => parameters,
        Err(error) => return frame.error(error.code, Some(&error.message)),
    };
    let operation = match operation(&parameters) {
        Ok(operation) => operation,
        Err(refused) => return refuse(&frame, parameters.action().unwrap_or_default(), &refused),
    };
    frame.service = operation.service;
    if operation.service == Service::Sts && wants_json(&parts.headers) {
        frame.form = Form::Json;
    }
    perform(
        node,
        keys,
        &frame,
        Received { parts: &parts, body: &body, peer },
        operation,
        &parameters,
    )
    .await
}

/// A request as it came in.
struct Received<'a> {
    parts: &'a Parts,
    body: &'a Bytes,
    peer: SocketAddr,
}

async fn perform(
    node: &Arc<Node>,
    keys: &SigningKeys,
    frame: &Frame,
    received: Received<'_>,
    operation: &'static OperationInfo,
    parameters: &Parameters<'_>,
) -> Response<Body> {
    if operation.unsigned {
        // The unsigned operations are those of sign-in for outsiders.
        let message = format!("{operation} is not implemented by iamd yet");
        return refuse(frame, operation.name, &Refused::new(ErrorCode::InvalidAction, message));
    }
    let snapshot = node.snapshot();
    let (caller, environment) = match admitted(node, keys, &snapshot, &received, operation) {
        Ok(admitted) => admitted,
        Err(refused) => return refuse(frame, operation.name, &refused),
    };
    if let Err(message) = constraint::validate(parameters, operation) {
        let refused = Refused::new(ErrorCode::ValidationError, message);
        return refuse(frame, operation.name, &refused);
    }
    let call = Call {
        node,
        snapshot: &snapshot,
        operation,
        parameters,
        caller: &caller,
        environment: &environment,
        request_id: &frame.request_id,
        form: frame.form,
    };
    let (result, revision) = match with_operation(operation.service, operation.name, call) {
        Some(Outcome::Read(result)) => (result, None),
        Some(Outcome::Write(pending)) => match pending.await {
            Ok((text, revision)) => (Ok(text), Some(revision)),
            Err(failure) => (Err(failure), None),
        },
        None => return refuse(frame, operation.name, &unknown_action(operation.name, None)),
    };
    match result {
        Ok(text) => {
            tracing::debug!(request_id = frame.request_id, %operation, caller = %caller.arn(), "done");
            frame.success(text, revision)
        }
        Err(failure) => {
            if let Failure::Refused(refusal) = &failure {
                tracing::info!(request_id = frame.request_id, %operation, caller = %caller.arn(), code = refusal.code.code(), "refused");
                return frame.refusal(refusal, encoded(node, &snapshot, refusal));
            }
            frame.failure(&failure)
        }
    }
}

/// What led to a denial, sealed; none if nothing did, or if it cannot be sealed now: the denial
/// itself does not wait for that.
fn encoded(node: &Node, snapshot: &Snapshot, refusal: &Refusal) -> Option<String> {
    let message = refusal.authorization.as_deref()?.clone();
    snapshot.keys.sessions.seal_message(message, &mut node.draw().ok()?)
}

/// Proves who asks, and notes that his credential was used.
fn admitted(
    node: &Arc<Node>,
    keys: &SigningKeys,
    snapshot: &Snapshot,
    received: &Received<'_>,
    operation: &OperationInfo,
) -> Result<(Caller, Environment), Refused> {
    let headers: Vec<(&str, &[u8])> = received
        .parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let request = RequestParts {
        method: received.parts.method.as_str(),
        path: received.parts.uri.path(),
        query: received.parts.uri.query(),
        headers: &headers,
        body: received.body,
    };
    let now = node.clock().now();
    let rules = Rules::of(operation.service);
    let Authenticated { caller, region } = authenticate(snapshot, keys, &request, &rules, now)?;
    let note = |id: &str| {
        node.facts().note(caller.account, id, now, &region, operation.service.signing_name());
    };
    match (&caller.credential, &caller.identity) {
        (Credential::LongTerm(id), _) => note(id.as_str()),
        (Credential::Temporary(_), Identity::RoleSession { role, .. }) => note(role.as_str()),
        (Credential::Temporary(_), Identity::Root | Identity::User(_)) => {}
    }
    let text = |name| {
        let value = received.parts.headers.get(name).and_then(|value| value.to_str().ok());
        value.map(Box::from)
    };
    let environment = Environment {
        source_ip: Some(received.peer.ip()),
        secure_transport: false,
        user_agent: text(USER_AGENT),
        referer: text(REFERER),
        region,
    };
    Ok((caller, environment))
}

fn refuse(frame: &Frame, action: &str, refused: &Refused) -> Response<Body> {
    let (request_id, code) = (&frame.request_id, refused.code.code());
    tracing::info!(request_id, action, code, "refused");
    frame.error(refused.code, Some(&refused.message))
}

/// Reads the body, up to the limit and for a bounded time.
async fn whole(body: Incoming) -> Result<Bytes, Refused> {
    let too_large = || {
        let message = format!("A request has at most {BODY_LENGTH_MAX} bytes.");
        Refused::new(ErrorCode::RequestEntityTooLargeException, message)
    };
    if body.size_hint().lower() > BODY_LENGTH_MAX as u64 {
        return Err(too_large());
    }
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let collected = Limited::new(body, BODY_LENGTH_MAX).collect();
    match tokio::time::timeout(BODY_TIME_MAX, collected).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Refused::new(
            ErrorCode::RequestAbortedException,
            "The request was aborted before its body had arrived.",
        )),
        Err(_) => Err(Refused::new(
            ErrorCode::RequestTimeoutException,
            "The body of the request took too long to arrive.",
        )),
    }
}

/// Where the parameters of a request stand.
fn form_text<'a>(parts: &'a Parts, body: &'a Bytes) -> Result<&'a [u8], Refused> {
    if parts.uri.path() != "/" {
        let message = format!("There is nothing at {}.", parts.uri.path());
        return Err(Refused::new(ErrorCode::UnknownOperationException, message));
    }
    match parts.method {
        Method::GET => Ok(parts.uri.query().unwrap_or_default().as_bytes()),
        Method::POST if is_form(&parts.headers) => Ok(body),
        Method::POST => Err(Refused::new(
            ErrorCode::MalformedHttpRequestException,
            "The content type of a request must be application/x-www-form-urlencoded.",
        )),
        _ => Err(Refused::new(
            ErrorCode::MalformedHttpRequestException,
            format!("The method {} is not supported; use POST or GET.", parts.method),
        )),
    }
}

/// Whether the body is a form; without a content type it is taken for one.
fn is_form(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| {
        let mut kinds = accept.split(',').map(|kind| kind.split(';').next().unwrap_or_default());
        kinds.any(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    })
}

/// The operation that `Action` and `Version` name.
fn operation(parameters: &Parameters<'_>) -> Result<&'static OperationInfo, Refused> {
    let Some(action) = parameters.action() else {
        let message = "The request is missing an action or a required parameter.";
        return Err(Refused::new(ErrorCode::MissingAction, message));
    };
    let version = parameters.version();
    let mut services = Service::ALL.iter().filter(|service| Some(service.version()) == version);
    let operation = services.find_map(|service| service.operation(action));
    operation.ok_or_else(|| unknown_action(action, version))
}

fn unknown_action(action: &str, version: Option<&str>) -> Refused {
    let version = version.unwrap_or("NO_VERSION_SPECIFIED");
    let message = format!("Could not find operation {action} for version {version}");
    Refused::new(ErrorCode::InvalidAction, message)
}
