//! What only `iamd dev` offers: putting the state back, and moving the clock.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{HOST, ORIGIN};
use hyper::{Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::answer::{Body, plain};
use crate::fault::Fault;
use crate::node::{Node, Start};
use crate::signing_keys::SigningKeys;

const JSON: &str = "application/json";
/// Longest body of a request here, in bytes.
const BODY_LENGTH_MAX: usize = 1024;

/// The door.
pub struct DevDoor {
    /// The address that the door listens on.
    pub address: SocketAddr,
    /// What a reset puts back.
    pub start: Start,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: i64,
}

#[derive(Serialize)]
struct Now {
    now: String,
    offset_seconds: i64,
}

impl DevDoor {
    pub(super) async fn answer(
        &self,
        node: &Node,
        keys: &SigningKeys,
        request: Request<Incoming>,
    ) -> Response<Body> {
        if let Some(reason) = self.refusal(&request) {
            return error(StatusCode::FORBIDDEN, reason);
        }
        let path = request.uri().path().to_owned();
        match (request.method(), path.as_str()) {
            (&Method::POST, "/_dev/reset") => match node.put_back(&self.start).await {
                Ok(()) => {
                    keys.clear();
                    plain(StatusCode::OK, JSON, "{}\n")
                }
                Err(fault) => failed(&fault),
            },
            (&Method::POST, "/_dev/clock") => advance(node, request).await,
            (_, "/_dev/reset" | "/_dev/clock") => error(StatusCode::METHOD_NOT_ALLOWED, "use POST"),
            _ => error(StatusCode::NOT_FOUND, "there are POST /_dev/reset and POST /_dev/clock"),
        }
    }

    /// Web pages must not reach this door, whatever name of theirs they let point here.
    fn refusal(&self, request: &Request<Incoming>) -> Option<&'static str> {
        if request.headers().contains_key(ORIGIN) {
            return Some("requests of web pages are refused: they carry an Origin header");
        }
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        if host.is_some_and(|host| self.is_own(host)) {
            return None;
        }
        Some("the Host header names another host than the one this server listens on")
    }

    fn is_own(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, port),
            _ => (host, "80"),
        };
        let ip = self.address.ip();
        let own_names = [ip.to_string(), format!("[{ip}]"), "localhost".to_owned()];
        port.parse() == Ok(self.address.port()) && own_names.iter().any(|own| own == name)
    }
}

async fn advance(node: &Node, request: Request<Incoming>) -> Response<Body> {
    let body = match Limited::new(request.into_body(), BODY_LENGTH_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return error(StatusCode::BAD_REQUEST, "the body is too long or broke off"),
    };
    let Ok(wanted) = serde_json::from_slice::<Advance>(&body) else {
        return error(StatusCode::BAD_REQUEST, "the body must be {\"advance_seconds\":N}");
    };
    let offset_seconds = node.clock().advance(wanted.advance_seconds);
    let now = Now { now: node.clock().now().to_string(), offset_seconds };
    match serde_json::to_string(&now) {
        Ok(text) => plain(StatusCode::OK, JSON, text + "\n"),
        Err(problem) => failed(&Fault::Bug(problem.to_string())),
    }
}

fn failed(fault: &Fault) -> Response<Body> {
    tracing::error!("{fault}");
    error(StatusCode::SERVICE_UNAVAILABLE, &fault.to_string())
}

fn error(status: StatusCode, message: &str) -> Response<Body> {
    plain(status, JSON, serde_json::json!({ "error": message }).to_string() + "\n")
}
