//! The API of all services: `POST /`, or `GET /` with the parameters in the query.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use hyper::body::{Body as _, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE, EXPECT, HeaderMap, REFERER, USER_AGENT};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response};
use iamd_core::account_id::AccountId;
use iamd_core::audit::{self, Event, Requester};
use iamd_core::caller::{Caller, Credential, Identity};
use iamd_core::operation::{Effect, Environment, Operation};
use iamd_core::perform::{Visitor, with_operation};
use iamd_core::refusal::Refusal;
use iamd_wire::query::Parameters;
use iamd_wire::sigv4::{self, Claim, Rejection, RequestParts, Rules};
use iamd_wire::{ErrorCode, OperationInfo, Service, Timestamp, constraint};
use tracing::Instrument;
use tracing::field::Empty;

use super::answer::{Body, Form, Frame, closing};
use super::call::{Call, Called, Outcome, throttled};
use super::trail;
use crate::audit::Note;
use crate::authenticate::{Authenticated, authenticate};
use crate::entropy;
use crate::fault::Fault;
use crate::limits::{BodyProblem, Held, Limits};
use crate::node::{Failure, Node, Snapshot};
use crate::proxies::Source;
use crate::signing_keys::SigningKeys;
use crate::traces;

/// Longest body of a request whose signature could not be right whatever the body is, in bytes.
// CHOICE: unsigned operations carry an assertion of at most 100,000 characters, escaped.
const UNSIGNED_LENGTH_MAX: usize = 512 * 1024;

/// What every request is answered with.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) node: &'a Arc<Node>,
    pub(super) keys: &'a SigningKeys,
    pub(super) limits: &'a Limits,
}

/// Names the operation of services without the Query protocol.
const TARGET: &str = "x-amz-target";

/// A refusal before any operation runs.
pub(super) struct Refused {
    pub(super) code: ErrorCode,
    pub(super) message: String,
}

impl Refused {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Refused {
        Refused { code, message: message.into() }
    }
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Refused {
        Refused { code: rejection.code, message: rejection.message }
    }
}

/// Answers a request to the API.
pub(super) fn answer<'d>(
    desk: Desk<'d>,
    request: Request<Incoming>,
    source: Source,
) -> impl Future<Output = Response<Body>> + Send + use<'d> {
    let span = tracing::info_span!(
        target: traces::TARGET,
        "request",
        otel.kind = "server",
        rpc.system = "aws-api",
        rpc.service = Empty,
        rpc.method = Empty,
        aws.request_id = Empty,
        client.address = %source.ip,
        http.response.status_code = Empty,
        error.type = Empty,
    );
    if !span.is_disabled() {
        traces::adopt(&span, request.headers());
    }
    answered(desk, request, source).instrument(span)
}

async fn answered(desk: Desk<'_>, request: Request<Incoming>, source: Source) -> Response<Body> {
    let request_id = match entropy::request_id() {
        Ok(id) => id,
        Err(fault) => {
            return Frame::new(desk.node.metrics(), String::new()).fault(&fault);
        }
    };
    let (parts, body) = request.into_parts();
    let mut frame = Frame::new(desk.node.metrics(), request_id);
    // Its memory is given back with the answer.
    let held = match whole(desk, &parts, body).await {
        Ok(held) => held,
        Err(refused) => {
            tracing::info!(request_id = frame.request_id, code = refused.code.code(), "refused");
            return closing(frame.error(refused.code, Some(&refused.message)));
        }
    };
    let body = &held.bytes;
    if let Some(target) = parts.headers.get(TARGET) {
        frame.form = Form::Target;
        let received = Received { parts: &parts, body, source };
        return Box::pin(trail::answer(desk, &frame, received, target.as_bytes())).await;
    }
    let text = match form_text(&parts, body) {
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
    frame.operation = Some(operation);
    if operation.service == Service::Sts && wants_json(&parts.headers) {
        frame.form = Form::Json;
    }
    let received = Received { parts: &parts, body, source };
    perform(desk, &frame, received, operation, &parameters).await
}

/// A request as it came in.
pub(super) struct Received<'a> {
    parts: &'a Parts,
    pub(super) body: &'a Bytes,
    source: Source,
}

async fn perform(
    desk: Desk<'_>,
    frame: &Frame<'_>,
    received: Received<'_>,
    operation: &'static OperationInfo,
    parameters: &Parameters<'_>,
) -> Response<Body> {
    if operation.unsigned {
        // The unsigned operations are those of sign-in for outsiders.
        let message = format!("{operation} is not implemented by iamd yet");
        return refuse(frame, operation.name, &Refused::new(ErrorCode::InvalidAction, message));
    }
    let node = desk.node;
    let snapshot = node.snapshot();
    let Admitted { requester, environment } =
        match admitted(desk, &snapshot, &received, &Rules::of(operation.service)) {
            Ok(admitted) => admitted,
            Err(refused) => return refuse(frame, operation.name, &refused),
        };
    let call = Call {
        node,
        limits: desk.limits,
        snapshot: &snapshot,
        operation,
        parameters,
        requester: &requester,
        environment: &environment,
        request_id: &frame.request_id,
        form: frame.form,
    };
    let Called { result, revision, is_recorded } = called(desk, call).await;
    tell(frame, operation, &requester.caller, &result);
    if !is_recorded && node.audit().takes_notes() {
        let account = requester.caller.account;
        let is_read = is_read(operation);
        let asked = (operation, parameters);
        let noted = {
            let event = Event::request(requester, environment, asked, &frame.request_id, is_read);
            let outcome = match &result {
                Ok(_) => audit::Outcome::Done(None),
                Err(failure) => failure.outcome(),
            };
            noted(node, account, &event, &outcome)
        };
        if let Err(fault) = noted.await {
            return frame.fault(&fault);
        }
    }
    match result {
        Ok(text) => frame.success(text, revision),
        Err(Failure::Refused(refusal)) => {
            frame.refusal(&refusal, encoded(node, &snapshot, &refusal))
        }
        Err(failure) => frame.failure(&failure),
    }
}

async fn called(desk: Desk<'_>, call: Call<'_>) -> Called {
    if !desk.limits.admit_request(&call.requester.caller) {
        desk.node.metrics().throttled();
        return Called::unrecorded(Err(throttled().into()));
    }
    let operation = call.operation;
    if let Err(message) = constraint::validate(call.parameters, operation) {
        return Called::unrecorded(Err(Refusal::new(ErrorCode::ValidationError, message).into()));
    }
    match with_operation(operation.service, operation.name, call) {
        Some(Outcome::Now(result)) => Called::unrecorded(result),
        Some(Outcome::Later(pending)) => pending.await,
        None => {
            let Refused { code, message } = unknown_action(operation.name, None);
            Called::unrecorded(Err(Refusal::new(code, message).into()))
        }
    }
}

fn tell(
    frame: &Frame<'_>,
    operation: &OperationInfo,
    caller: &Caller,
    result: &Result<String, Failure>,
) {
    let request_id = &frame.request_id;
    match result {
        Ok(_) => {
            tracing::debug!(request_id, %operation, caller = %caller.arn(), "done");
        }
        Err(Failure::Refused(refusal)) => {
            let code = refusal.code.code();
            tracing::info!(request_id, %operation, caller = %caller.arn(), code, "refused");
        }
        // The answer tells of it.
        Err(Failure::Fault(_)) => {}
    }
}

/// Notes what came of a request that committed nothing, and waits where the trail has no place for
/// that.
///
/// # Errors
/// [`Fault::Unavailable`] when the trail is to have the record first, and cannot take it.
pub(super) fn noted<'n>(
    node: &'n Node,
    account: AccountId,
    event: &Event,
    outcome: &audit::Outcome,
) -> impl Future<Output = Result<(), Fault>> + Send + use<'n> {
    let time = node.clock().now();
    let noted = node.audit().note(&Note { event, outcome, account, time });
    async move {
        match noted {
            Ok(()) => Ok(()),
            // It is seldom so, and has a place of its own, so that requests are small.
            Err(record) => Box::pin(node.audit().wait(record)).await,
        }
    }
}

fn is_read(operation: &OperationInfo) -> bool {
    with_operation(operation.service, operation.name, IsRead).unwrap_or_default()
}

struct IsRead;

impl Visitor for IsRead {
    type Outcome = bool;

    fn visit<O: Operation>(self) -> bool {
        O::EFFECT == Effect::Read
    }
}

/// What led to a denial, sealed; none if nothing did, or if it cannot be sealed now: the denial
/// itself does not wait for that.
pub(super) fn encoded(node: &Node, snapshot: &Snapshot, refusal: &Refusal) -> Option<String> {
    let message = refusal.authorization.as_deref()?.clone();
    snapshot.keys.sessions.seal_message(message, &mut node.draw().ok()?)
}

/// Who asks, and from where.
pub(super) struct Admitted {
    pub(super) requester: Requester,
    pub(super) environment: Environment,
}

/// Proves who asks, and notes that his credential was used.
pub(super) fn admitted(
    Desk { node, keys, .. }: Desk<'_>,
    snapshot: &Snapshot,
    received: &Received<'_>,
    rules: &Rules,
) -> Result<Admitted, Refused> {
    let headers = headers(received.parts);
    let request = request_parts(received.parts, &headers, received.body);
    let now = node.clock().now();
    let Authenticated { caller, access_key_id, region, .. } =
        authenticate(snapshot, keys, &request, rules, now)?;
    let note = |id: &str| {
        node.facts().note(caller.account, id, now, &region, rules.service);
    };
    match (&caller.credential, &caller.identity) {
        (Credential::LongTerm(id), _) => note(id.as_str()),
        (Credential::Temporary(..), Identity::RoleSession { role, .. }) => note(role.as_str()),
        (Credential::Temporary(..), Identity::Root | Identity::User(_)) => {}
    }
    let text = |name| {
        let value = received.parts.headers.get(name).and_then(|value| value.to_str().ok());
        value.map(Box::from)
    };
    let environment = Environment {
        source_ip: Some(received.source.ip),
        secure_transport: received.source.is_secure,
        user_agent: text(USER_AGENT),
        referer: text(REFERER),
        region,
    };
    Ok(Admitted { requester: Requester { caller, access_key_id }, environment })
}

pub(super) fn refuse(frame: &Frame<'_>, action: &str, refused: &Refused) -> Response<Body> {
    let (request_id, code) = (&frame.request_id, refused.code.code());
    tracing::info!(request_id, action, code, "refused");
    frame.error(refused.code, Some(&refused.message))
}

pub(super) fn headers(parts: &Parts) -> Vec<(&str, &[u8])> {
    parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

pub(super) fn request_parts<'a>(
    parts: &'a Parts,
    headers: &'a [(&'a str, &'a [u8])],
    body: &'a [u8],
) -> RequestParts<'a> {
    RequestParts {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query(),
        headers,
        body,
    }
}

/// Reads the body. A long one is read only of those whose signature may be right.
async fn whole<'a>(desk: Desk<'a>, parts: &Parts, mut body: Incoming) -> Result<Held<'a>, Refused> {
    let bodies = &desk.limits.bodies;
    let hint = body.size_hint();
    let is_short = hint.upper().is_some_and(|length| length <= UNSIGNED_LENGTH_MAX as u64);
    let is_trusted = is_short || is_plausible(parts, desk.node.clock().now());
    let ceiling = if is_trusted { usize::MAX } else { UNSIGNED_LENGTH_MAX };
    let read = bodies.whole(&mut body, bodies.length_max().min(ceiling)).await;
    let is_sending = !parts.headers.contains_key(EXPECT);
    if is_sending && matches!(read, Err(BodyProblem::TooLarge(_) | BodyProblem::NoMemory)) {
        bodies.drain(&mut body).await;
    }
    read.map_err(|problem| match problem {
        BodyProblem::TooLarge(_) if !is_trusted => Refused::new(
            ErrorCode::RequestEntityTooLargeException,
            format!("A request without a valid signature has at most {UNSIGNED_LENGTH_MAX} bytes."),
        ),
        BodyProblem::TooLarge(length_max) => Refused::new(
            ErrorCode::RequestEntityTooLargeException,
            format!("A request has at most {length_max} bytes."),
        ),
        BodyProblem::Aborted => Refused::new(
            ErrorCode::RequestAbortedException,
            "The request was aborted before its body had arrived.",
        ),
        BodyProblem::TooSlow => Refused::new(
            ErrorCode::RequestTimeoutException,
            "The body of the request took too long to arrive.",
        ),
        BodyProblem::NoMemory => Refused::new(
            ErrorCode::ServiceUnavailable,
            "The request has failed due to a temporary failure of the server.",
        ),
    })
}

/// Whether there is one well-formed signature that is not out of date. Whose it is takes the body
/// to prove, and before that nothing is said of whether the access key exists.
pub(super) fn is_plausible(parts: &Parts, now: Timestamp) -> bool {
    let headers = headers(parts);
    let Ok(claim) = Claim::read(&request_parts(parts, &headers, &[])) else { return false };
    let tolerance = if claim.is_presigned() {
        sigv4::EXPIRES_SECONDS_MAX
    } else {
        sigv4::CLOCK_TOLERANCE_SECONDS
    };
    now.seconds().saturating_sub(claim.time().seconds()).saturating_abs() <= tolerance
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
