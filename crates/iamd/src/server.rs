//! Listening, connections, and a graceful end.

mod joined;
pub mod notify;
mod patience;
mod places;
mod watched;

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::config::ServerSettings;
use crate::fault::Fault;
use crate::metrics::Metrics;
use crate::proxies::Proxies;
use crate::tls::Tls;
use joined::Joined;
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

/// Most requests that share a connection of HTTP/2.
// Source: RFC 9113, section 6.5.2: no fewer than 100.
const STREAMS_MAX: u32 = 100;
/// How much of one request may arrive before anybody reads it, in bytes.
// CHOICE: four times what HTTP/2 begins with, for uploads over a distance.
const STREAM_WINDOW: u32 = 256 * 1024;
/// How much of all requests of a connection, in bytes: what strangers may fill.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// How much of one answer waits for the client's window, in bytes.
const SEND_BUFFER: usize = 64 * 1024;
/// Most requests that wait to be taken and were reset already; one more ends the connection.
const RESET_WAITING_MAX: usize = 20;
/// Most requests that this side may have to reset for what is wrong with them.
const FAULTY_MAX: usize = 64;

/// How connections are treated.
pub struct Reception {
    /// Their limits.
    pub settings: ServerSettings,
    /// TLS, if it is spoken.
    pub tls: Option<Tls>,
    /// The versions of HTTP that are spoken.
    pub versions: Versions,
}

/// Versions of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    /// HTTP/1.1 alone.
    One,
    /// HTTP/2 as well: by ALPN on TLS, else for clients that begin with it.
    OneAndTwo,
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
    let (stopping, _) = watch::channel(());
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
        let (answerer, reception) = (Arc::clone(&answerer), Arc::clone(&reception));
        let stopped = stopping.subscribe();
        tokio::spawn(receive(stream, peer.ip(), place, answerer, reception, stopped));
    }
    drop(listener);
    // Nobody may be listening.
    let _ = stopping.send(());
    if tokio::time::timeout(stop_time_max, stopping.closed()).await.is_err() {
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
    stopped: watch::Receiver<()>,
) {
    let _open = answerer.metrics().connection();
    let line = Line { peer, is_tls: reception.tls.is_some(), is_spare: place.is_spare };
    match &reception.tls {
        None => talk(stream, line, answerer, &reception, stopped).await,
        Some(tls) => {
            if let Some(stream) = tls.accept(stream).await {
                talk(stream, line, answerer, &reception, stopped).await;
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
    reception: &Reception,
    mut stopped: watch::Receiver<()>,
) where
    A: Answerer,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let settings = &reception.settings;
    let activity = Activity::new();
    let requests_max = u64::from(settings.requests_per_connection_max);
    // One count for both, which no other connection has a part in.
    let seen = Arc::new((answerer, activity.clone()));
    let service = service_fn(move |request: Request<Incoming>| {
        let seen = Arc::clone(&seen);
        async move {
            let (answerer, activity) = &*seen;
            let is_shared = request.version() == Version::HTTP_2;
            let exchange = activity.request_begins(is_shared);
            let is_last = exchange.number() >= requests_max || line.is_spare;
            let response = answerer.answer(request, line).await;
            let mut response = response.map(|body| Watched::new(body, exchange));
            match (is_last, is_shared) {
                (true, true) => activity.is_enough(),
                (true, false) => {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(CONNECTION, close);
                }
                (false, _) => {}
            }
            Ok::<_, Infallible>(response)
        }
    });
    let stream = Patient::new(Joined::new(stream), patience(settings), activity.clone());
    let stream = TokioIo::new(stream);
    let builder = builder(reception);
    let mut connection = pin!(builder.serve_connection(stream, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = activity.enough() => None,
        _ = stopped.changed() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended: {error}");
    }
}

fn patience(settings: &ServerSettings) -> Patience {
    let seconds = |count: u32| Duration::from_secs(u64::from(count));
    Patience {
        idle: seconds(settings.idle_seconds_max),
        head: seconds(settings.head_seconds_max),
        write: seconds(settings.write_seconds_max),
    }
}

fn builder(reception: &Reception) -> auto::Builder<TokioExecutor> {
    let head_bytes_max = reception.settings.head_bytes_max;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().header_read_timeout(None).max_buf_size(head_bytes_max as usize);
    builder
        .http2()
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(head_bytes_max)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(RESET_WAITING_MAX)
        .max_local_error_reset_streams(FAULTY_MAX);
    match reception.versions {
        Versions::One => builder.http1_only(),
        Versions::OneAndTwo => builder,
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
