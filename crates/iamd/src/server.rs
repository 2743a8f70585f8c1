//! Listening, connections, and a graceful end.

pub mod notify;
mod patience;
mod places;
mod watched;

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use crate::config::ServerSettings;
use crate::fault::Fault;
use crate::metrics::Metrics;
use crate::proxies::Proxies;
use crate::tls::Tls;
use patience::{Activity, Patience, Patient};
use places::{Place, Places};
use watched::Watched;

/// Binds an address.
///
/// # Errors
/// [`Fault::Refused`] that says why it cannot be bound.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Fault> {
    TcpListener::bind(address).await.map_err(|error| {
        Fault::Refused(format!(
            "{address} cannot be listened on: {error}; choose another with --listen"
        ))
    })
}

/// Whoever answers the requests of a listening address.
pub trait Answerer: Send + Sync + 'static {
    /// The body of an answer.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>
        + Send
        + Unpin
        + 'static;

    /// Answers a request.
    fn answer(
        &self,
        request: Request<Incoming>,
        line: Line,
    ) -> impl Future<Output = Response<Self::Body>> + Send;

    /// The numbers of what happens here.
    fn metrics(&self) -> &Metrics;
}

/// How connections are treated.
pub struct Reception {
    /// Their limits.
    pub settings: ServerSettings,
    /// TLS, if it is spoken.
    pub tls: Option<Tls>,
}

/// What is known of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// Its other end.
    pub peer: IpAddr,
    /// Whether TLS protects it.
    pub is_tls: bool,
    /// Whether it is one too many, and good for health checks only.
    pub is_spare: bool,
}

/// Serves until `stop` comes, then lets requests under way finish.
pub async fn serve<A: Answerer>(
    listener: TcpListener,
    answerer: Arc<A>,
    reception: Reception,
    stop: impl Future<Output = ()>,
) {
    let connections = GracefulShutdown::new();
    let settings = &reception.settings;
    let places = Places::new(settings.connections_max, settings.connections_per_address_max);
    let proxies = Proxies::new(settings.proxies.clone());
    let stop_time_max = Duration::from_secs(u64::from(settings.stop_seconds_max));
    let reception = Arc::new(reception);
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Such as no file handles left: wait for some to come back.
                tracing::warn!("a connection was not accepted: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Some(place) = places.take(peer.ip(), proxies.include(peer.ip())) else {
            tracing::debug!(%peer, "a connection is one too many");
            answerer.metrics().connection_refused();
            continue;
        };
        // Answers are small and whole; waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let watcher = connections.watcher();
        let (answerer, reception) = (Arc::clone(&answerer), Arc::clone(&reception));
        tokio::spawn(receive(stream, peer.ip(), place, answerer, reception, watcher));
    }
    drop(listener);
    if tokio::time::timeout(stop_time_max, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish within {} s", stop_time_max.as_secs());
    }
}

/// One connection, from its first byte to its end.
async fn receive<A: Answerer>(
    stream: TcpStream,
    peer: IpAddr,
    place: Place,
    answerer: Arc<A>,
    reception: Arc<Reception>,
    watcher: Watcher,
) {
    let _open = answerer.metrics().connection();
    let line = Line { peer, is_tls: reception.tls.is_some(), is_spare: place.is_spare };
    match &reception.tls {
        None => talk(stream, line, answerer, &reception.settings, watcher).await,
        Some(tls) => {
            if let Some(stream) = tls.accept(stream).await {
                talk(stream, line, answerer, &reception.settings, watcher).await;
            }
        }
    }
    drop(place);
}

/// Answers the requests of a connection.
async fn talk<A, S>(
    stream: S,
    line: Line,
    answerer: Arc<A>,
    settings: &ServerSettings,
    watcher: Watcher,
) where
    A: Answerer,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Activity::new();
    let requests = Arc::new(AtomicU32::new(0));
    let requests_max = settings.requests_per_connection_max;
    let seen = activity.clone();
    let service = service_fn(move |request| {
        let (answerer, requests) = (Arc::clone(&answerer), Arc::clone(&requests));
        let activity = seen.clone();
        async move {
            activity.request_begins();
            let response = answerer.answer(request, line).await;
            let mut response = response.map(|body| Watched::new(body, activity));
            if requests.fetch_add(1, Ordering::Relaxed) + 1 >= requests_max || line.is_spare {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let seconds = |count: u32| Duration::from_secs(u64::from(count));
    let patience = Patience {
        idle: seconds(settings.idle_seconds_max),
        head: seconds(settings.head_seconds_max),
        write: seconds(settings.write_seconds_max),
    };
    let stream = TokioIo::new(Patient::new(stream, patience, activity));
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(None).max_buf_size(settings.head_bytes_max as usize);
    if let Err(error) = watcher.watch(builder.serve_connection(stream, service)).await {
        tracing::debug!("a connection ended: {error}");
    }
}

/// Catches the signals to stop from now on; what is given back ends when one has come.
///
/// # Errors
/// [`Fault::Unavailable`] when signals cannot be caught.
pub fn stop_signal() -> Result<impl Future<Output = ()>, Fault> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error| Fault::Unavailable(format!("signals cannot be caught: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
