//! Forms that upload a file, S3's "POST Object": read here, proven by the policy that they carry, and
//! handed on as a plain PutObject.
//!
//! How long the file is, its form does not say. A short form is held until its end is there. Of a long
//! one, the file is taken to be the last field, and its length worked out from that of the form; its
//! last piece leaves only once the form has ended just there.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HOST, HeaderValue, LOCATION,
};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Uri};
use iamd_core::s3::{BodyFacts, S3Call};
use iamd_wire::form::{
    self, Boundary, FIELDS_LENGTH_MAX, FileReader, Form, FormReader, Opened, PostPolicy,
};
use iamd_wire::query::percent_encoded;
use iamd_wire::route::{self, S3Error, S3Request};

use super::answer::{self, GatewayBody, element};
use super::payload::{BodyOutcome, FormFile, Proof, Proven};
use super::record::Call;
use super::upstream::StoreBody;
use super::{Arrived, Gateway, Received, admission, facts, form_fields, headers, own, text};
use crate::limits::{Bodies, Held};
use crate::server::Line;

/// The operation, as records name it.
const OPERATION: &str = "PostObject";
/// Longest rest of a form, from its file on, that is held until its end is there.
// CHOICE: a photograph fits, whose form may have its button behind it.
const HELD_LENGTH_MAX: usize = 8 * 1024 * 1024;
/// A header that is one of the request, and no field.
const EXPECTED_OWNER: &str = "x-amz-expected-bucket-owner";

/// Answers the upload of a form to a bucket.
pub(super) async fn answered(
    gateway: &Gateway,
    call: &mut Call,
    parts: &Parts,
    line: Line,
    bucket: String,
) -> Result<Response<GatewayBody>, S3Error> {
    call.operation = Some(OPERATION);
    call.bucket = Some(bucket.clone());
    call.environment = admission::environment(gateway, parts, line)?;
    refuse_signed_headers(parts)?;
    let content_type = text(parts, CONTENT_TYPE.as_str()).unwrap_or_default();
    let boundary = Boundary::of_content_type(&content_type)?;
    let whole = length(parts)?;
    let (opened, first) = opened(&gateway.limits.bodies, call, &boundary).await?;
    let Opened { form, file, length, .. } = opened;
    let (policy, admitted) = admission::admit_form(gateway, call, &form).await?;
    call.mode = gateway.modes.of(call.requester.as_ref());
    if let Some(policy) = &policy {
        policy.check(&form, &bucket, gateway.node.clock().now())?;
    }
    let key = key(&form)?;
    call.key = Some(key.clone());
    let put = put_object(parts, &form)?;
    let uploaded = Uploaded::new(parts, call.environment.secure_transport, &bucket, &key);
    let rest = whole.saturating_sub(length as u64);
    let upload = Box::new(Upload { policy, file, first, rest });
    let asked = S3Request {
        operation: OPERATION,
        bucket: Some(bucket),
        key: Some(key),
        parameters: Default::default(),
    };
    let targets = S3Call {
        request: &asked,
        headers: &super::headers(&put),
        body: &BodyFacts::default(),
        signature: admitted.signature,
    }
    .targets()?;
    own::refuse_acls(OPERATION, &put.headers)?;
    headers::refuse_orders(&put.headers)?;
    let received = Received { asked, admitted, body: Arrived::OfForm(upload) };
    let response = gateway.decided(call, &put, received, targets).await?;
    Ok(uploaded.answer(response, &form))
}

/// Refuses a form beside which headers say who asks, too.
fn refuse_signed_headers(parts: &Parts) -> Result<(), S3Error> {
    let is_signed = parts.headers.contains_key(AUTHORIZATION)
        || parts.headers.contains_key("x-amz-security-token");
    if is_signed {
        let message = "Only one auth mechanism allowed; a form is signed in its fields.";
        return Err(S3Error::new("InvalidArgument", message));
    }
    Ok(())
}

fn length(parts: &Parts) -> Result<u64, S3Error> {
    let length = text(parts, CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
    length.ok_or_else(|| {
        let message = "You must provide the Content-Length HTTP header.";
        S3Error::new("MissingContentLength", message)
    })
}

/// Reads up to the file; gives the beginning of the file with it.
async fn opened(
    bodies: &Bodies,
    call: &mut Call,
    boundary: &Boundary,
) -> Result<(Opened, Bytes), S3Error> {
    let mut pieces = bodies.pieces(FIELDS_LENGTH_MAX).map_err(facts::of_problem)?;
    let mut reader = FormReader::new(boundary);
    while let Some(incoming) = &mut call.incoming {
        let piece = pieces.next(incoming).await.map_err(facts::of_problem)?;
        let Some(mut piece) = piece else { break };
        match reader.push(&piece)? {
            None => call.body.arrived(piece.len(), 0),
            Some(opened) => {
                call.body.arrived(opened.taken, 0);
                let first = piece.split_off(opened.taken.min(piece.len()));
                return Ok((opened, first));
            }
        }
    }
    Err(form::malformed())
}

fn key(form: &Form) -> Result<String, S3Error> {
    let key = form.field("key").ok_or_else(|| admission::missing_field("key"))?;
    if key.is_empty() {
        let message = "User key must have a length greater than 0.";
        return Err(S3Error::new("InvalidArgument", message));
    }
    route::plain_key(key)?;
    Ok(key.to_owned())
}

/// The request of PutObject that a form stands for. Headers of the form's own request say nothing of
/// the object.
fn put_object(parts: &Parts, form: &Form) -> Result<Parts, S3Error> {
    let (mut put, ()) = Request::new(()).into_parts();
    put.method = Method::PUT;
    put.uri = parts.uri.clone();
    put.headers = form_fields::headers(form)?;
    if let Some(expected) = parts.headers.get(EXPECTED_OWNER) {
        put.headers.insert(EXPECTED_OWNER, expected.clone());
    }
    Ok(put)
}

/// The file of a form that may be uploaded.
pub(super) struct Upload {
    policy: Option<PostPolicy>,
    file: FileReader,
    /// The beginning of the file, and of what follows it.
    first: Bytes,
    /// How many bytes the form has from the beginning of the file on.
    rest: u64,
}

/// A file as the body of a request to the store.
pub(super) struct Sendable<'b> {
    pub(super) length: u64,
    pub(super) body: StoreBody,
    /// The memory that the file takes until the store has it.
    pub(super) held: Option<Held<'b>>,
}

impl Upload {
    /// The file, of a length that is known.
    ///
    /// # Errors
    /// S3's answer to a form that does not end as it should, and to a file whose length the policy
    /// does not let pass.
    pub(super) async fn into_body(
        self,
        bodies: &Bodies,
        incoming: Option<Incoming>,
        outcome: BodyOutcome,
    ) -> Result<Sendable<'_>, S3Error> {
        let closing = self.file.closing_length() as u64;
        match incoming {
            Some(incoming) if self.rest > HELD_LENGTH_MAX as u64 => {
                let length = self.rest.saturating_sub(closing);
                self.check_length(length)?;
                let proof = Proof::Form(Box::new(FormFile::new(self.file, length)));
                let body = Proven::new(incoming, proof, outcome).after(self.first);
                Ok(Sendable { length, body: Either::Left(body), held: None })
            }
            incoming => {
                let held = self.held(bodies, incoming, &outcome).await?;
                let (length, body) = (held.bytes.len() as u64, Full::new(held.bytes.clone()));
                Ok(Sendable { length, body: Either::Right(body), held: Some(held) })
            }
        }
    }

    /// All of the file.
    async fn held<'b>(
        mut self,
        bodies: &'b Bodies,
        incoming: Option<Incoming>,
        outcome: &BodyOutcome,
    ) -> Result<Held<'b>, S3Error> {
        let first = std::mem::take(&mut self.first);
        let mut rest = Rest { first: Some(first).filter(|first| !first.is_empty()), incoming };
        let held = bodies.whole(&mut rest, HELD_LENGTH_MAX).await;
        let mut held = held.map_err(facts::of_problem)?;
        let mut data = 0;
        let pushed = self.file.push(&held.bytes, |part| data += part.len());
        outcome.arrived(held.bytes.len(), data);
        pushed?;
        self.file.finish()?;
        self.check_length(self.file.length())?;
        let end = usize::try_from(self.file.length()).unwrap_or(usize::MAX);
        held.bytes.truncate(end);
        Ok(held)
    }

    fn check_length(&self, length: u64) -> Result<(), S3Error> {
        self.policy.as_ref().map_or(Ok(()), |policy| policy.check_length(length))
    }
}

/// The rest of a body of which the first piece was read.
struct Rest {
    first: Option<Bytes>,
    incoming: Option<Incoming>,
}

impl Body for Rest {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match (self.first.take(), &mut self.incoming) {
            (Some(first), _) => Poll::Ready(Some(Ok(Frame::data(first)))),
            (None, Some(incoming)) => Pin::new(incoming).poll_frame(context),
            (None, None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().map_or(0, Bytes::len) as u64;
        let rest = self.incoming.as_ref().map(Body::size_hint).unwrap_or_default();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(first));
        hint
    }
}

/// Where an object is, for the answer to the form that made it.
struct Uploaded {
    bucket: String,
    key: String,
    /// Its address.
    location: String,
}

impl Uploaded {
    /// In the form that the request had: with the bucket in the path or in the host.
    fn new(parts: &Parts, is_secure: bool, bucket: &str, key: &str) -> Uploaded {
        let scheme = if is_secure { "https" } else { "http" };
        let host = text(parts, HOST.as_str());
        let host = host.or_else(|| parts.uri.authority().map(ToString::to_string));
        let host = host.unwrap_or_default();
        let base = parts.uri.path().trim_end_matches('/');
        let path: Vec<String> = key.split('/').map(percent_encoded).collect();
        let location = format!("{scheme}://{host}{base}/{}", path.join("/"));
        Uploaded { bucket: bucket.to_owned(), key: key.to_owned(), location }
    }

    /// The answer that the form wishes, made of the store's answer to PutObject.
    ///
    /// Source: S3 API Reference, "POST Object", `success_action_redirect`, `success_action_status`.
    fn answer(&self, stored: Response<GatewayBody>, form: &Form) -> Response<GatewayBody> {
        if !stored.status().is_success() {
            return stored;
        }
        let etag = stored.headers().get(ETAG).and_then(|etag| etag.to_str().ok());
        let etag = etag.unwrap_or_default().to_owned();
        let redirect = form.field("success_action_redirect").or_else(|| form.field("redirect"));
        let redirect = redirect.and_then(|url| self.redirect(url, &etag));
        let (status, content) = match (&redirect, form.field("success_action_status")) {
            (Some(_), _) => (StatusCode::SEE_OTHER, String::new()),
            (None, Some("200")) => (StatusCode::OK, String::new()),
            (None, Some("201")) => (StatusCode::CREATED, self.document(&etag)),
            (None, _) => (StatusCode::NO_CONTENT, String::new()),
        };
        let location = redirect.or_else(|| HeaderValue::from_str(&self.location).ok());
        let (mut head, _) = stored.into_parts();
        head.status = status;
        head.headers.remove(CONTENT_LENGTH);
        head.headers.remove(CONTENT_TYPE);
        if !content.is_empty() {
            head.headers.insert(CONTENT_TYPE, answer::XML);
        }
        head.headers.extend(location.map(|location| (LOCATION, location)));
        Response::from_parts(head, GatewayBody::own(content))
    }

    /// The address that the form wants the browser to be sent to, with what was made; none for an
    /// address that is none.
    fn redirect(&self, wanted: &str, etag: &str) -> Option<HeaderValue> {
        let (address, fragment) = match wanted.split_once('#') {
            Some((address, fragment)) => (address, format!("#{fragment}")),
            None => (wanted, String::new()),
        };
        let uri: Uri = address.parse().ok()?;
        let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"));
        uri.authority().and(scheme)?;
        let separator = if uri.query().is_some() { '&' } else { '?' };
        let [bucket, key, etag] = [&*self.bucket, &*self.key, etag].map(percent_encoded);
        let made = format!("bucket={bucket}&key={key}&etag={etag}");
        HeaderValue::try_from(format!("{address}{separator}{made}{fragment}")).ok()
    }

    fn document(&self, etag: &str) -> String {
        let elements = [
            ("Location", &*self.location),
            ("Bucket", &*self.bucket),
            ("Key", &*self.key),
            ("ETag", etag),
        ];
        let content = elements.map(|(name, text)| element(name, text)).concat();
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
        format!("{head}<PostResponse>{content}</PostResponse>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uploaded() -> Uploaded {
        let request = Request::post("/photos/").header("host", "s3.example.com:4261");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Uploaded::new(&parts, true, "photos", "a b/c&d")
    }

    #[test]
    fn the_address_of_the_object_is_that_of_the_form() {
        assert_eq!(uploaded().location, "https://s3.example.com:4261/photos/a%20b/c%26d");
        let request = Request::post("/").header("host", "photos.s3.example.com");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let location = Uploaded::new(&parts, false, "photos", "a").location;
        assert_eq!(location, "http://photos.s3.example.com/a");
        let request = Request::post("https://s3.example.com:4261/photos");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let location = Uploaded::new(&parts, true, "photos", "a").location;
        assert_eq!(location, "https://s3.example.com:4261/photos/a");
    }

    #[test]
    fn a_browser_is_sent_to_addresses_of_the_web_alone() {
        let made = "bucket=photos&key=a%20b%2Fc%26d&etag=%221%22";
        for (wanted, expected) in [
            ("https://example.com/done", format!("https://example.com/done?{made}")),
            ("http://example.com?a=b#c", format!("http://example.com?a=b&{made}#c")),
        ] {
            let location = uploaded().redirect(wanted, "\"1\"").unwrap();
            assert_eq!(location.to_str().unwrap(), expected);
        }
        for wanted in [
            "",
            "/done",
            "done",
            "//example.com/done",
            "javascript:alert(1)",
            "data:text/html,a",
            "ftp://example.com/",
            "https:///done",
            "https://example.com/\r\nset-cookie: a=b",
            "https://example.com/#\r\nset-cookie: a=b",
        ] {
            assert_eq!(uploaded().redirect(wanted, "\"1\""), None, "{wanted}");
        }
    }

    #[test]
    fn the_document_names_what_was_made() {
        assert_eq!(
            uploaded().document("\"1\""),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse>\
             <Location>https://s3.example.com:4261/photos/a%20b/c%26d</Location>\
             <Bucket>photos</Bucket><Key>a b/c&amp;d</Key><ETag>&quot;1&quot;</ETag></PostResponse>"
        );
    }
}
