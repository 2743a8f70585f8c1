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
    if node.leader().is_some_and(|leader| leader.is_too_old(node)) {
        let seconds = node.snapshot_age().as_secs();
        let text = format!("not ready: the node has not answered for {seconds} s\n");
        return plain(StatusCode::SERVICE_UNAVAILABLE, TEXT, text);
    }
    match node.store_answers().await {
        Ok(()) => plain(StatusCode::OK, TEXT, "ok\n"),
        Err(fault) => plain(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("not ready: {fault}\n")),
    }
}
