//! The doors: every way in builds the same request and calls the same `perform`.

mod answer;
mod api;
mod call;
mod dev;
pub mod gateway;
mod health;
mod metrics;
mod operator;
mod preparing;
mod trail;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use ipnet::IpNet;

pub use answer::Body;
use answer::{closing, plain};
pub use dev::DevDoor;
use operator::OperatorsDoor;

use crate::config::Config;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::node::Node;
use crate::operator::OPERATOR_PATH;
use crate::proxies::Proxies;
use crate::server::{Answerer, Line};
use crate::signing_keys::SigningKeys;

/// Everything behind one listening address.
pub struct Doors {
    node: Arc<Node>,
    keys: SigningKeys,
    limits: Limits,
    proxies: Proxies,
    /// Who may read the metrics.
    metrics_readers: Vec<IpNet>,
    dev: Option<DevDoor>,
    operators: Option<OperatorsDoor>,
    is_only_health: bool,
}

impl Doors {
    /// The doors of a node, with limits that nobody meets, for whoever is on this machine.
    pub fn new(node: Arc<Node>) -> Doors {
        Doors {
            node,
            keys: SigningKeys::default(),
            limits: Limits::generous(),
            proxies: Proxies::default(),
            metrics_readers: Config::default().metrics.readers,
            dev: None,
            operators: None,
            is_only_health: false,
        }
    }

    /// The same with the limits, proxies and readers of settings.
    #[must_use]
    pub fn configured(self, config: &Config) -> Doors {
        Doors {
            limits: Limits::new(&config.rates, &config.body),
            proxies: Proxies::new(config.server.proxies.clone()),
            metrics_readers: config.metrics.readers.clone(),
            ..self
        }
    }

    /// The same with the door of development, which only `iamd dev` has.
    #[must_use]
    pub fn with_dev(self, door: DevDoor) -> Doors {
        Doors { dev: Some(door), ..self }
    }

    /// The same with a door for operators on other machines, to the node on this folder.
    #[must_use]
    pub fn with_operators(self, folder: &Path) -> Doors {
        Doors { operators: Some(OperatorsDoor::new(folder)), ..self }
    }

    /// The same with nothing but health and metrics.
    #[must_use]
    pub fn only_health(self) -> Doors {
        Doors { is_only_health: true, ..self }
    }

    /// The numbers of what happens here.
    pub fn metrics(&self) -> &Metrics {
        self.node.metrics()
    }

    async fn answered(&self, request: Request<Incoming>, line: Line) -> Response<Body> {
        let is_get = request.method() == Method::GET;
        match (request.uri().path(), &self.dev) {
            ("/livez", _) if is_get => health::live(),
            ("/readyz", _) if is_get => health::ready(&self.node).await,
            ("/metrics", _) if is_get => metrics::answer(self, &request, line),
            _ if self.is_only_health => plain(StatusCode::NOT_FOUND, TEXT, "not found\n"),
            _ if line.is_spare => too_many_connections(),
            // What is seldom asked has a place of its own, so that all else is small.
            (path, Some(dev)) if path.starts_with("/_dev/") => {
                Box::pin(dev.answer(&self.node, &self.keys, request)).await
            }
            _ => self.answer_api(request, line).await,
        }
    }

    async fn answer_api(&self, request: Request<Incoming>, line: Line) -> Response<Body> {
        if self.proxies.is_forwarded_by_stranger(line.peer, request.headers()) {
            self.metrics().forwarded_by_stranger();
        }
        match self.proxies.source(line.peer, line.is_tls, request.headers()) {
            Ok(source) => {
                let (node, keys) = (&self.node, &self.keys);
                let desk = api::Desk { node, keys, limits: &self.limits };
                match &self.operators {
                    Some(door) if request.uri().path() == OPERATOR_PATH => {
                        Box::pin(door.answer(desk, request, source)).await
                    }
                    Some(_) | None => api::answer(desk, request, source).await,
                }
            }
            Err(malformed) => {
                let text = format!("The header {} of the proxy cannot be read.\n", malformed.0);
                tracing::warn!(peer = %line.peer, "{}", text.trim_end());
                closing(plain(StatusCode::BAD_REQUEST, TEXT, text))
            }
        }
    }
}

impl Answerer for Doors {
    type Body = Body;

    fn answer(
        &self,
        request: Request<Incoming>,
        line: Line,
    ) -> impl Future<Output = Response<Body>> + Send {
        self.answered(request, line)
    }

    fn metrics(&self) -> &Metrics {
        Doors::metrics(self)
    }
}

const TEXT: &str = "text/plain; charset=utf-8";

fn too_many_connections() -> Response<Body> {
    let text = "There are too many connections; try again.\n";
    closing(plain(StatusCode::SERVICE_UNAVAILABLE, TEXT, text))
}
