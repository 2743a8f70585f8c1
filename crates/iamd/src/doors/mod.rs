//! The doors: every way in builds the same request and calls the same `perform`.

mod answer;
mod api;
mod call;
mod dev;
mod health;

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Method, Request, Response};

pub use answer::Body;
pub use dev::DevDoor;

use crate::node::Node;
use crate::signing_keys::SigningKeys;

/// Everything behind one listening address.
pub struct Doors {
    node: Arc<Node>,
    keys: SigningKeys,
    dev: Option<DevDoor>,
}

impl Doors {
    /// The doors of a node; `dev` only in `iamd dev`.
    pub fn new(node: Arc<Node>, dev: Option<DevDoor>) -> Doors {
        Doors { node, keys: SigningKeys::default(), dev }
    }

    /// Answers a request.
    pub async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let is_get = request.method() == Method::GET;
        match (request.uri().path(), &self.dev) {
            ("/livez", _) if is_get => health::live(),
            ("/readyz", _) if is_get => health::ready(&self.node).await,
            (path, Some(dev)) if path.starts_with("/_dev/") => {
                dev.answer(&self.node, &self.keys, request).await
            }
            _ => api::answer(&self.node, &self.keys, request, peer).await,
        }
    }
}
