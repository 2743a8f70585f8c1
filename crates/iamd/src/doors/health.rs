//! Whether the process lives, and whether it can serve.

use hyper::{Response, StatusCode};

use super::TEXT;
use super::answer::{Body, plain};
use crate::node::Node;

pub(super) fn live() -> Response<Body> {
    plain(StatusCode::OK, TEXT, "ok\n")
}

/// Ready as long as the store answers; decisions go on without it, writes do not.
pub(super) async fn ready(node: &Node) -> Response<Body> {
    match node.store_answers().await {
        Ok(()) => plain(StatusCode::OK, TEXT, "ok\n"),
        Err(fault) => plain(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("not ready: {fault}\n")),
    }
}
