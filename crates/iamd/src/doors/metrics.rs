//! The page of metrics, for whoever may read it.

use hyper::body::Incoming;
use hyper::header::{FORWARDED, HeaderMap, VIA};
use hyper::{Request, Response, StatusCode};

use super::answer::{Body, plain};
use super::{Doors, TEXT};
use crate::metrics;
use crate::server::Line;

/// The page, or why not.
pub(super) fn answer(doors: &Doors, request: &Request<Incoming>, line: Line) -> Response<Body> {
    if !may_read(doors, request.headers(), line) {
        let text = "Who may read the metrics says the setting metrics.readers.\n";
        return plain(StatusCode::FORBIDDEN, TEXT, text);
    }
    match doors.metrics().page(&doors.node) {
        Ok(page) => plain(StatusCode::OK, metrics::CONTENT_TYPE, page),
        Err(fault) => {
            tracing::error!("{fault}");
            plain(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "The metrics cannot be written.\n")
        }
    }
}

fn may_read(doors: &Doors, headers: &HeaderMap, line: Line) -> bool {
    // A proxy that nobody named speaks for others from its own address, which proves nothing then.
    let is_passed_on = [FORWARDED.as_str(), VIA.as_str(), "x-forwarded-for", "x-real-ip"]
        .iter()
        .any(|name| headers.contains_key(*name));
    if is_passed_on && !doors.proxies.include(line.peer) {
        return false;
    }
    let source = doors.proxies.source(line.peer, line.is_tls, headers);
    source.is_ok_and(|source| {
        doors.metrics_readers.iter().any(|readers| readers.contains(&source.ip))
    })
}
