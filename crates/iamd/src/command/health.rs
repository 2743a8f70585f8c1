//! `iamd health`: asks the server of this machine whether it is ready.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::printout;
use super::settings::Settings;
use crate::config::Config;
use crate::fault::Fault;
use crate::tls::{self, Pinned, authority};

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest answer that is read, in bytes.
const LENGTH_MAX: u64 = 16 * 1024;

#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    settings: Settings,
}

pub(super) async fn run(options: Options) -> Result<(), Fault> {
    let config = options.settings.load(Vec::new())?.config;
    let asked = tokio::time::timeout(PATIENCE, ask(&config)).await;
    let seconds = PATIENCE.as_secs();
    let answer = asked.map_err(|_| sick(&format!("no answer within {seconds} s")))??;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.split(' ').nth(1) == Some("200") {
        return printout::text(body);
    }
    Err(sick(head.lines().next().unwrap_or_default()))
}

async fn ask(config: &Config) -> Result<String, Fault> {
    let address = reachable(config.server.listen);
    let stream = TcpStream::connect(address).await;
    let stream = stream.map_err(|error| sick(&format!("{address}: {error}")))?;
    if !config.tls.enabled {
        return exchange(stream).await;
    }
    let path = if config.tls.certificate.as_os_str().is_empty() {
        authority::server_certificate_path(&config.data)
    } else {
        config.tls.certificate.clone()
    };
    let pinned = Arc::new(Pinned(tls::first_certificate(&path)?));
    let client = ClientConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::Bug(format!("TLS versions: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(pinned)
        .with_no_client_auth();
    let name = ServerName::IpAddress(address.ip().into());
    let stream = TlsConnector::from(Arc::new(client)).connect(name, stream).await;
    exchange(stream.map_err(|error| sick(&error.to_string()))?).await
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<String, Fault> {
    let request = b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let mut answer = Vec::new();
    let talk = async {
        stream.write_all(request).await?;
        stream.take(LENGTH_MAX).read_to_end(&mut answer).await
    };
    match talk.await {
        // Some close without a word; what came before counts.
        Ok(_) | Err(_) if !answer.is_empty() => Ok(String::from_utf8_lossy(&answer).into_owned()),
        Ok(_) => Err(sick("the connection was closed")),
        Err(error) => Err(sick(&error.to_string())),
    }
}

/// An address under which the machine itself reaches a listening address.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}

fn sick(reason: &str) -> Fault {
    Fault::Refused(format!("the server is not ready: {reason}"))
}
