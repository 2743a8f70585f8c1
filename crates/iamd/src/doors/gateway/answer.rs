//! Answers of the gateway: those of the store as they are, and our own in S3's form.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, Response, StatusCode};
use iamd_wire::route::S3Error;
use iamd_wire::xml::escape;

use super::record::Call;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
pub(super) const XML: HeaderValue = HeaderValue::from_static("application/xml");
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// The body of an answer. The call is over when it is gone.
pub struct GatewayBody {
    content: Content,
    /// What is known of the call, which takes note of what leaves.
    call: Option<Box<Call>>,
}

enum Content {
    Own(Option<Bytes>),
    OfStore(Incoming),
}

impl GatewayBody {
    /// An answer of our own.
    pub(super) fn own(text: impl Into<Bytes>) -> GatewayBody {
        let text: Bytes = text.into();
        GatewayBody { content: Content::Own((!text.is_empty()).then_some(text)), call: None }
    }

    /// An answer of the store, handed on as it comes.
    pub(super) fn of_store(body: Incoming) -> GatewayBody {
        GatewayBody { content: Content::OfStore(body), call: None }
    }

    /// The same; the call is noted once all of it has left.
    pub(super) fn of_call(self, call: Box<Call>) -> GatewayBody {
        GatewayBody { call: Some(call), ..self }
    }
}

impl Body for GatewayBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = match &mut self.content {
            Content::Own(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Content::OfStore(body) => Pin::new(body).poll_frame(context),
        };
        if let (Poll::Ready(Some(Ok(frame))), Some(call)) = (&frame, &mut self.call) {
            call.sent(frame.data_ref().map_or(0, Bytes::len));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Own(text) => text.is_none(),
            Content::OfStore(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Own(text) => SizeHint::with_exact(text.as_ref().map_or(0, Bytes::len) as u64),
            Content::OfStore(body) => body.size_hint(),
        }
    }
}

/// The answer to a request that is refused.
pub(super) fn error(
    error: &S3Error,
    method: &Method,
    resource: &str,
    request_id: &str,
) -> Response<GatewayBody> {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>");
    text.push_str(error.code);
    text.push_str("</Code><Message>");
    escape(&mut text, &error.message);
    text.push_str("</Message><Resource>");
    escape(&mut text, resource);
    text.push_str("</Resource><RequestId>");
    escape(&mut text, request_id);
    text.push_str("</RequestId></Error>");
    // The answer to HEAD is its status.
    let text = if method == Method::HEAD { String::new() } else { text };
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    answer(status, XML, text, request_id)
}

/// An XML answer; `content` is well-formed.
pub(super) fn xml(root: &str, content: &str, request_id: &str) -> Response<GatewayBody> {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{NAMESPACE}\">{content}</{root}>"
    );
    answer(StatusCode::OK, XML, text, request_id)
}

/// An answer with a JSON document.
pub(super) fn json(text: String, request_id: &str) -> Response<GatewayBody> {
    answer(StatusCode::OK, HeaderValue::from_static("application/json"), text, request_id)
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode, request_id: &str) -> Response<GatewayBody> {
    let mut response = answer(status, XML, String::new(), request_id);
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

fn answer(
    status: StatusCode,
    content_type: HeaderValue,
    text: String,
    request_id: &str,
) -> Response<GatewayBody> {
    let mut response = Response::new(GatewayBody::own(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// An element with a text.
pub(super) fn element(name: &str, text: &str) -> String {
    let mut element = format!("<{name}>");
    escape(&mut element, text);
    element.extend(["</", name, ">"]);
    element
}
