//! HTTP answers.

use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use iamd_core::refusal::Refusal;
use iamd_store::Revision;
use iamd_wire::{ErrorCode, OperationInfo, Service, cloudtrail, json, xml};

use crate::fault::Fault;
use crate::metrics::Metrics;
use crate::node::Failure;
use crate::traces;

/// The body of an answer, always whole.
pub type Body = Full<Bytes>;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// What led to a denial, for sts:DecodeAuthorizationMessage.
const AUTHORIZATION_MESSAGE: HeaderName = HeaderName::from_static("x-iamd-authorization-message");
const REVISION: HeaderName = HeaderName::from_static("x-iamd-revision");

/// Which form an answer of the API has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Xml,
    Json,
    /// Of operations that the header `X-Amz-Target` names.
    Target,
}

impl Form {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Form::Xml => xml::CONTENT_TYPE,
            Form::Json => json::CONTENT_TYPE,
            Form::Target => cloudtrail::CONTENT_TYPE,
        }
    }
}

/// What an answer of the API depends on beside its content.
pub(super) struct Frame<'a> {
    pub(super) request_id: String,
    /// The operation, once it is known.
    pub(super) operation: Option<&'static OperationInfo>,
    pub(super) form: Form,
    metrics: &'a Metrics,
    start: Instant,
}

impl<'a> Frame<'a> {
    /// The frame of a request that begins now; what is answered is counted.
    pub(super) fn new(metrics: &'a Metrics, request_id: String) -> Frame<'a> {
        Frame { request_id, operation: None, form: Form::Xml, metrics, start: Instant::now() }
    }

    pub(super) fn success(&self, text: String, revision: Option<Revision>) -> Response<Body> {
        let mut response = self.framed(StatusCode::OK, None, text);
        if let Some(revision) = revision {
            response.headers_mut().insert(REVISION, HeaderValue::from(revision.0));
        }
        response
    }

    pub(super) fn error(&self, code: ErrorCode, message: Option<&str>) -> Response<Body> {
        let service = self.operation.map_or(Service::Iam, |operation| operation.service);
        let text = match self.form {
            Form::Xml => xml::error(service, code, message, &self.request_id),
            Form::Json => json::error(code, message, &self.request_id),
            Form::Target => {
                let name = cloudtrail::exception(code);
                return self.exception(code, name, message.unwrap_or_default());
            }
        };
        let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::BAD_REQUEST);
        self.framed(status, Some(code), text)
    }

    /// An error of an operation that `X-Amz-Target` names; `like` is the code that is counted.
    pub(super) fn exception(&self, like: ErrorCode, name: &str, message: &str) -> Response<Body> {
        // These services answer 400 to whatever is the client's fault.
        let status = match like.status() {
            status @ 500.. => StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
            _ => StatusCode::BAD_REQUEST,
        };
        self.framed(status, Some(like), cloudtrail::error(name, message))
    }

    /// A refusal; with one that policies decided, the encoded authorization message.
    pub(super) fn refusal(&self, refusal: &Refusal, encoded: Option<String>) -> Response<Body> {
        let mut response = self.error(refusal.code, refusal.message.as_deref());
        if let Some(encoded) = encoded.and_then(|encoded| HeaderValue::try_from(encoded).ok()) {
            response.headers_mut().insert(AUTHORIZATION_MESSAGE, encoded);
        }
        response
    }

    pub(super) fn failure(&self, failure: &Failure) -> Response<Body> {
        match failure {
            Failure::Refused(refusal) => self.refusal(refusal, None),
            Failure::Fault(fault) => self.fault(fault),
        }
    }

    /// A fault says nothing of iamd's insides to clients; the log has it under the request id.
    pub(super) fn fault(&self, fault: &Fault) -> Response<Body> {
        tracing::error!(request_id = self.request_id, "{fault}");
        match fault {
            Fault::Unavailable(_) | Fault::Busy(_) => {
                let message = "The request has failed due to a temporary failure of the server.";
                self.error(ErrorCode::ServiceUnavailable, Some(message))
            }
            Fault::Folder(_) | Fault::Damaged(_) | Fault::Refused(_) | Fault::Bug(_) => {
                let message = "The request processing has failed because of an unknown error, exception or failure.";
                self.error(ErrorCode::InternalFailure, Some(message))
            }
        }
    }

    /// Says in the span of the request how it ended.
    fn trace(&self, status: StatusCode, code: Option<ErrorCode>) {
        let span = tracing::Span::current();
        if span.is_disabled() {
            return;
        }
        if let Some(operation) = self.operation {
            let service = operation.service.signing_name();
            traces::name(&span, format!("{service}.{}", operation.name));
            span.record("rpc.service", service);
            span.record("rpc.method", operation.name);
        }
        span.record("aws.request_id", &self.request_id);
        span.record("http.response.status_code", i64::from(status.as_u16()));
        if let Some(code) = code {
            span.record("error.type", code.code());
        }
    }

    fn framed(&self, status: StatusCode, code: Option<ErrorCode>, text: String) -> Response<Body> {
        self.metrics.answered(self.operation, code, self.start.elapsed());
        self.trace(status, code);
        let mut response = plain(status, self.form.content_type(), text);
        if let Ok(id) = HeaderValue::from_str(&self.request_id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }
}

/// Tells the client that the connection ends here: the rest of his request is not read.
pub(super) fn closing(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// An answer outside of the API.
pub(super) fn plain(
    status: StatusCode,
    content_type: &'static str,
    text: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
