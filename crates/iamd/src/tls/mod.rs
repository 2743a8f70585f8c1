//! Transport Layer Security: the certificate in force, and keeping it fresh.

pub mod authority;
mod first_byte;
mod given;
mod pinned;
mod served;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use iamd_wire::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::config::Config;
use crate::fault::Fault;
use crate::node::Node;
use authority::Authority;
use given::Given;
pub use pinned::Pinned;
pub use served::{ServedCertificates, ServedFacts};

/// How often given files are looked at, and the age of an own certificate.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Versions of HTTP in ALPN. RFC 7301, section 6; RFC 9113, section 3.2.
const HTTP_1: &[u8] = b"http/1.1";
const HTTP_2: &[u8] = b"h2";

/// When the certificate of this process ends, in seconds since 1970; before any, the least number.
static ENDS: AtomicI64 = AtomicI64::new(i64::MIN);

/// When the certificate in force in this process ends; none without one.
pub fn in_force_until() -> Option<Timestamp> {
    let seconds = ENDS.load(Ordering::Relaxed);
    (seconds != i64::MIN).then(|| Timestamp::from_seconds(seconds))
}

/// A certificate with its chain and its key, in PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// The certificate, then those that issued it.
    pub chain: String,
    /// The key of the first.
    pub key: Zeroizing<String>,
}

/// The one provider of cryptography.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Takes TLS connections, with whatever certificate is in force.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    handshake_time_max: Duration,
}

impl Tls {
    /// Reads or issues the certificate that the settings ask for, and keeps it fresh from now on.
    ///
    /// # Errors
    /// [`Fault::Folder`] and [`Fault::Refused`] that say what is wrong with it.
    pub fn start(config: &Config, listening: IpAddr) -> Result<Tls, Fault> {
        let mut source = Source::of(config, listening)?;
        let pair = source.first()?;
        let certified = certified(&pair).map_err(|reason| source.unusable(&reason))?;
        note_end(&certified);
        let in_force = Arc::new(InForce(ArcSwap::from_pointee(certified)));
        let tls = Tls::with(Arc::clone(&in_force) as Arc<dyn ResolvesServerCert>, config)?;
        tokio::spawn(async move { keep_fresh(source, &in_force).await });
        Ok(tls)
    }

    /// Serves certificates of IAM, which `node` keeps, and takes up new ones from now on.
    ///
    /// # Errors
    /// [`Fault::Bug`]
    pub fn serving(
        node: &Arc<Node>,
        served: Arc<ServedCertificates>,
        config: &Config,
    ) -> Result<Tls, Fault> {
        node.facts().serve_certificates(Arc::clone(&served));
        let chooser = Chooser { node: Arc::clone(node), served };
        chooser.refresh();
        let chooser = Arc::new(chooser);
        let tls = Tls::with(Arc::clone(&chooser) as Arc<dyn ResolvesServerCert>, config)?;
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_INTERVAL).await;
                chooser.refresh();
            }
        });
        Ok(tls)
    }

    fn with(resolver: Arc<dyn ResolvesServerCert>, config: &Config) -> Result<Tls, Fault> {
        let mut server = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| Fault::Bug(format!("TLS versions: {error}")))?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        server.alpn_protocols = vec![HTTP_1.to_vec()];
        Ok(Tls {
            acceptor: TlsAcceptor::from(Arc::new(server)),
            handshake_time_max: Duration::from_secs(u64::from(config.tls.handshake_seconds_max)),
        })
    }

    /// The same, where HTTP/2 is spoken too.
    #[must_use]
    pub fn with_http_2(&self) -> Tls {
        let mut server = ServerConfig::clone(self.acceptor.config());
        server.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1.to_vec()];
        Tls { acceptor: TlsAcceptor::from(Arc::new(server)), ..*self }
    }

    /// Shakes hands; none if the client did not, in time. Whoever speaks plain HTTP is told so.
    pub async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let handshake = async {
            if first_byte::is_plain_http(&stream).await {
                first_byte::tell_of_tls(stream).await;
                return None;
            }
            match self.acceptor.accept(stream).await {
                Ok(stream) => Some(stream),
                Err(error) => {
                    tracing::debug!("a handshake failed: {error}");
                    None
                }
            }
        };
        tokio::time::timeout(self.handshake_time_max, handshake).await.ok().flatten()
    }
}

/// The certificate in force.
#[derive(Debug)]
struct InForce(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for InForce {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// Chooses among the certificates that accounts have now.
struct Chooser {
    node: Arc<Node>,
    served: Arc<ServedCertificates>,
}

impl Chooser {
    fn refresh(&self) {
        self.served.refresh(&self.node.snapshot().state, self.node.clock().now());
    }
}

impl std::fmt::Debug for Chooser {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.served.fmt(formatter)
    }
}

impl ResolvesServerCert for Chooser {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Whoever shakes hands after a change sees it.
        self.refresh();
        let now = self.node.clock().now();
        self.served.choose(hello.server_name(), hello.signature_schemes(), now)
    }
}

/// Where certificates come from.
enum Source {
    Own { authority: Box<Authority>, names: Vec<String>, issued: Timestamp },
    Given(Given),
}

impl Source {
    fn of(config: &Config, listening: IpAddr) -> Result<Source, Fault> {
        if !config.tls.certificate.as_os_str().is_empty() {
            let (certificate, key) = (&config.tls.certificate, &config.tls.key);
            return Ok(Source::Given(Given::new(certificate.clone(), key.clone())));
        }
        let mut names = config.tls.hostnames.clone();
        names.extend(authority::listening_names(listening));
        let authority = Box::new(Authority::open(&config.data)?);
        Ok(Source::Own { authority, names, issued: Timestamp::from_seconds(0) })
    }

    fn first(&mut self) -> Result<Pair, Fault> {
        match self {
            Source::Own { authority, names, issued } => {
                *issued = Clock::default().now();
                authority.issue(names, *issued)
            }
            Source::Given(given) => given.first(),
        }
    }

    /// A new pair, if it is time for one.
    fn next(&mut self) -> Result<Option<Pair>, Fault> {
        match self {
            Source::Own { issued, .. } => {
                let is_due = Clock::default().now() >= Authority::renewal(*issued);
                if is_due { self.first().map(Some) } else { Ok(None) }
            }
            Source::Given(given) => given.changed(),
        }
    }

    fn unusable(&self, reason: &str) -> Fault {
        match self {
            Source::Own { .. } => Fault::Bug(format!("an own certificate is unusable: {reason}")),
            Source::Given(given) => given.unusable(reason),
        }
    }
}

/// Looks for a new certificate for as long as the process lives. A bad one changes nothing.
async fn keep_fresh(mut source: Source, in_force: &InForce) {
    loop {
        tokio::time::sleep(LOOK_INTERVAL).await;
        let next = source.next().and_then(|pair| {
            let Some(pair) = pair else { return Ok(None) };
            certified(&pair).map(Some).map_err(|reason| source.unusable(&reason))
        });
        match next {
            Ok(Some(certified)) => {
                note_end(&certified);
                in_force.0.store(Arc::new(certified));
                tracing::info!("a new TLS certificate is in force");
            }
            Ok(None) => {}
            Err(fault) => {
                tracing::error!(
                    "the TLS certificate in force stays, for the new one is not usable: {fault}"
                );
            }
        }
    }
}

/// The pair as rustls wants it, if the certificate has not ended.
///
/// # Errors
/// What is wrong with it.
fn certified(pair: &Pair) -> Result<CertifiedKey, String> {
    let certified = loaded(pair)?;
    if let Some(first) = certified.cert.first() {
        check_validity(first)?;
    }
    Ok(certified)
}

/// The pair as rustls wants it.
///
/// # Errors
/// What is wrong with it.
fn loaded(pair: &Pair) -> Result<CertifiedKey, String> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pair.chain.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("the certificate is not PEM: {error}"))?;
    if chain.is_empty() {
        return Err("there is no certificate".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes())
        .map_err(|error| format!("the key is not a private key in PEM: {error}"))?;
    let key = provider()
        .key_provider
        .load_private_key(key)
        .map_err(|error| format!("the key cannot be used: {error}"))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) => Ok(certified),
        Err(error) => Err(format!("certificate and key do not belong together: {error}")),
    }
}

fn note_end(certified: &CertifiedKey) {
    let end = certified.cert.first().and_then(|first| validity(first).ok());
    if let Some(validity) = end {
        ENDS.store(validity.end.seconds(), Ordering::Relaxed);
    }
}

/// From when to when a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// From when.
    pub start: Timestamp,
    /// To when.
    pub end: Timestamp,
}

/// From when to when a certificate is good.
///
/// # Errors
/// Why it cannot be read.
pub fn validity(certificate: &CertificateDer<'_>) -> Result<Validity, String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate)
        .map_err(|error| format!("the certificate cannot be read: {error}"))?;
    let at = |time: &x509_parser::time::ASN1Time| Timestamp::from_seconds(time.timestamp());
    let validity = parsed.validity();
    Ok(Validity { start: at(&validity.not_before), end: at(&validity.not_after) })
}

/// Whether a certificate and a key in PEM belong together and can be used.
///
/// # Errors
/// What is wrong with them.
pub fn check_pair(chain: &str, key: &str) -> Result<(), String> {
    let pair = Pair { chain: chain.to_owned(), key: Zeroizing::new(key.to_owned()) };
    certified(&pair).map(|_| ())
}

fn check_validity(certificate: &CertificateDer<'_>) -> Result<(), String> {
    let end = validity(certificate)?.end;
    if end < Clock::default().now() {
        return Err(format!("the certificate ended at {end}"));
    }
    Ok(())
}

/// The first certificate of a PEM file.
///
/// # Errors
/// [`Fault::Folder`] that says why there is none.
pub fn first_certificate(path: &Path) -> Result<CertificateDer<'static>, Fault> {
    CertificateDer::from_pem_file(path).map_err(|error| {
        Fault::Folder(format!("the certificate {} cannot be read: {error}", path.display()))
    })
}

#[cfg(test)]
mod tests;
