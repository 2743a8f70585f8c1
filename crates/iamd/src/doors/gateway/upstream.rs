//! The store behind the gateway: requests to it carry its own credentials and nothing of the
//! client's signature.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use iamd_wire::route::{self, S3Error};
use iamd_wire::sigv4::{Outgoing, Signer, SigningKey, basic_time};
use iamd_wire::{Secret, Timestamp};

use super::payload::Proven;
use crate::clock::Clock;
use crate::fault::Fault;

/// How long a connection to the store may take.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long the store may take until its answer begins.
// CHOICE: completing a large multipart upload takes minutes.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(600);
/// How long an idle connection to the store is kept.
const IDLE_TIME_MAX: Duration = Duration::from_secs(30);
/// What stands for bodies: they were proven here.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// How a store is reached.
#[derive(Debug, Clone)]
pub struct UpstreamSettings {
    /// Its address: `http://host:port` or `https://host`.
    pub url: Uri,
    /// What requests to it are signed with; none for a store that asks for nothing.
    pub credentials: Option<UpstreamCredentials>,
    /// The region that they are signed for.
    pub region: String,
}

/// The credentials that the gateway has at a store.
#[derive(Debug, Clone)]
pub struct UpstreamCredentials {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
}

/// A request to the store.
pub(super) struct ToStore {
    pub(super) method: Method,
    /// Escaped once.
    pub(super) path: String,
    /// In its canonical form.
    pub(super) query: String,
    /// Without those of connections and signatures.
    pub(super) headers: HeaderMap,
    /// How long the body is; none for a request without one.
    pub(super) length: Option<u64>,
}

/// Why a store has not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// It was not reached, or broke off.
    Unreachable,
    /// It took too long.
    TooSlow,
    /// It was asked nothing, for the request cannot be written.
    Unsendable,
}

impl From<Silence> for S3Error {
    fn from(_: Silence) -> S3Error {
        unavailable()
    }
}

/// The store.
pub(super) struct Upstream {
    scheme: Scheme,
    authority: Authority,
    host: HeaderValue,
    credentials: Option<UpstreamCredentials>,
    region: String,
    client: Client<HttpsConnector<HttpConnector>, StoreBody>,
    /// The signing key of a day.
    key: Mutex<Option<(String, SigningKey)>>,
}

/// The body of a request to the store.
pub(super) type StoreBody = http_body_util::Either<Proven, http_body_util::Full<bytes::Bytes>>;

impl Upstream {
    /// # Errors
    /// [`Fault::Refused`] for an address that cannot be one.
    pub(super) fn new(settings: UpstreamSettings) -> Result<Upstream, Fault> {
        let refused = |what: &str| Fault::Refused(format!("{} {what}", settings.url));
        let scheme = settings.url.scheme().cloned().ok_or_else(|| refused("has no scheme"))?;
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(refused("is neither http: nor https:"));
        }
        let authority = settings.url.authority().cloned();
        let authority = authority.ok_or_else(|| refused("names no host"))?;
        if settings.url.path() != "/" || settings.url.query().is_some() {
            return Err(refused("has a path; a store stands at the root of its host"));
        }
        let host = HeaderValue::from_str(authority.as_str())
            .map_err(|_| refused("has a host that is none"))?;
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIME_MAX));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(|error| Fault::Unavailable(format!("no root certificates: {error}")))?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIME_MAX)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Upstream {
            scheme,
            authority,
            host,
            credentials: settings.credentials,
            region: settings.region,
            client,
            key: Mutex::new(None),
        })
    }

    /// Sends a request, and gives the store's answer once it begins.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn send(
        &self,
        request: ToStore,
        body: StoreBody,
        now: Timestamp,
    ) -> Result<Response<Incoming>, Silence> {
        let request = self.signed(request, body, now).map_err(|_| Silence::Unsendable)?;
        match tokio::time::timeout(ANSWER_TIME_MAX, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                tracing::warn!(store = %self.authority, "the store did not answer: {error:?}");
                Err(Silence::Unreachable)
            }
            Err(_) => {
                tracing::warn!(store = %self.authority, "the store took too long to answer");
                Err(Silence::TooSlow)
            }
        }
    }

    fn signed(
        &self,
        request: ToStore,
        body: StoreBody,
        now: Timestamp,
    ) -> Result<Request<StoreBody>, S3Error> {
        let ToStore { method, path, query, mut headers, length } = request;
        headers.insert(HOST, self.host.clone());
        if let Some(credentials) = &self.credentials {
            let time = basic_time(now);
            headers.insert(DATE, value(&time)?);
            headers.insert(CONTENT_SHA256, HeaderValue::from_static(UNSIGNED));
            let authorization =
                self.authorization(credentials, &method, &path, &query, &headers, &time);
            headers.insert(AUTHORIZATION, value(&authorization)?);
        }
        if let Some(length) = length {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        let target = if query.is_empty() { path } else { format!("{path}?{query}") };
        let target = PathAndQuery::try_from(target).map_err(|_| unavailable())?;
        let uri = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(target);
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri.build().map_err(|_| unavailable())?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn authorization(
        &self,
        credentials: &UpstreamCredentials,
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
        time: &str,
    ) -> String {
        let is_signed = |name: &str| name == "host" || name.starts_with("x-amz-");
        let mut signed: Vec<(&str, &str)> = headers
            .iter()
            .filter(|(name, _)| is_signed(name.as_str()))
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?.trim())))
            .collect();
        signed.sort_unstable();
        let signer = Signer {
            access_key_id: &credentials.access_key_id,
            secret_access_key: &credentials.secret_access_key,
            region: &self.region,
            service: "s3",
        };
        let outgoing =
            Outgoing { method: method.as_str(), path, query, headers: &signed, payload: UNSIGNED };
        signer.authorization(&outgoing, &self.key_of(&signer, time), time)
    }

    fn key_of(&self, signer: &Signer<'_>, time: &str) -> SigningKey {
        let day = time.get(..8).unwrap_or_default();
        let mut kept = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((known, key)) if known == day => key.clone(),
            Some(_) | None => {
                let key = signer.key(day);
                *kept = Some((day.to_owned(), key.clone()));
                key
            }
        }
    }
}

/// The buckets of a store: names, and when it made each, in seconds since 1970.
///
/// # Errors
/// [`Fault::Unavailable`] when the store does not answer, or answers something else.
pub async fn buckets_of(settings: UpstreamSettings) -> Result<Vec<(String, Option<i64>)>, Fault> {
    let failed = |reason: String| {
        Fault::Unavailable(format!("the store does not say which buckets it has: {reason}"))
    };
    let request = ToStore {
        method: Method::GET,
        path: "/".to_owned(),
        query: String::new(),
        headers: HeaderMap::new(),
        length: None,
    };
    let now = Clock::default().now();
    let body = StoreBody::Right(http_body_util::Full::default());
    let response = Upstream::new(settings)?.send(request, body, now).await;
    let response = response.map_err(|silence| failed(S3Error::from(silence).to_string()))?;
    let status = response.status();
    let body = http_body_util::Limited::new(response.into_body(), LIST_LENGTH_MAX);
    let body = body.collect().await.map_err(|error| failed(error.to_string()))?.to_bytes();
    if !status.is_success() {
        return Err(failed(format!("{status}: {}", String::from_utf8_lossy(&body))));
    }
    let listed = route::listed_buckets(&body).map_err(|error| failed(error.to_string()))?;
    let seconds = |created: Option<String>| {
        created.and_then(|created| created.parse().ok()).map(Timestamp::seconds)
    };
    Ok(listed.into_iter().map(|(name, created)| (name, seconds(created))).collect())
}

/// Longest list of buckets, in bytes: 10,000 with names of 63 bytes.
const LIST_LENGTH_MAX: usize = 4 * 1024 * 1024;

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

fn value(text: &str) -> Result<HeaderValue, S3Error> {
    HeaderValue::from_str(text).map_err(|_| unavailable())
}

fn unavailable() -> S3Error {
    S3Error::new("ServiceUnavailable", "The store behind the gateway does not answer.")
}
