//! Listening, connections, and a graceful end.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::doors::Doors;
use crate::fault::Fault;

/// Most connections at one time; more wait in the listening queue.
const CONNECTIONS_MAX: usize = 10_000;
/// How long the head of a request may take to arrive.
const HEAD_TIME_MAX: Duration = Duration::from_secs(30);
/// Longest head of a request, in bytes.
// CHOICE: room for the largest presigned query and a session token in the headers.
const HEAD_LENGTH_MAX: usize = 192 * 1024;
/// How long requests under way may take once the server is told to stop.
const STOP_TIME_MAX: Duration = Duration::from_secs(10);

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

/// Serves until `stop` comes, then lets requests under way finish.
pub async fn serve(listener: TcpListener, doors: Arc<Doors>, stop: impl Future<Output = ()>) {
    let connections = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    tokio::pin!(stop);
    loop {
        let accepted = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let Ok(permit) = permit else { break };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Such as no file handles left: wait for some to come back.
                tracing::warn!("a connection was not accepted: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Answers are small and whole; waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let doors = Arc::clone(&doors);
        let service = service_fn(move |request| {
            let doors = Arc::clone(&doors);
            async move { Ok::<_, Infallible>(doors.answer(request, peer).await) }
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME_MAX)
            .max_buf_size(HEAD_LENGTH_MAX);
        let connection = connections.watch(builder.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("a connection ended: {error}");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(STOP_TIME_MAX, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish within {} s", STOP_TIME_MAX.as_secs());
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
