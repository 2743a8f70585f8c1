//! Asking a node on another machine, with an operator's credential.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use iamd_wire::Secret;
use iamd_wire::sigv4::Signer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::wish::{Granted, Wish};
use super::{ANSWER_LENGTH_MAX, OPERATOR_PATH, OPERATOR_SERVICE, Reply};
use crate::clock::Clock;
use crate::fault::Fault;
use crate::follower::Unanswered;
use crate::tls;

/// How long a connection may take to be made.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// Most connections that wait for the next question.
const IDLE_MAX: usize = 16;
/// How long the answer may take.
// CHOICE: some work goes through all data.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(600);
/// The region of the scope; any is accepted.
const REGION: &str = "us-east-1";
/// The variables that hold the credential, so that it stands on no command line.
const KEY_ID_VARIABLE: &str = "IAMD_OPERATOR_ACCESS_KEY_ID";
const SECRET_VARIABLE: &str = "IAMD_OPERATOR_SECRET_ACCESS_KEY";

/// A node on another machine.
pub struct Remote {
    endpoint: Endpoint,
    ca_bundle: Option<PathBuf>,
    access_key_id: String,
    secret_access_key: Secret,
    /// Connections that wait for the next question.
    idle: Mutex<Vec<Sender>>,
}

type Sender = http1::SendRequest<Full<Bytes>>;

/// Why a question has no answer on this connection.
enum Broken {
    /// It has not left.
    Unsent(String),
    /// The node may have seen it.
    Lost(String),
}

impl Remote {
    /// The node at an endpoint, asked with the credential in the environment.
    ///
    /// # Errors
    /// [`Fault::Refused`] for an endpoint that cannot be used, or without a credential.
    pub fn new(endpoint: &str, ca_bundle: Option<PathBuf>) -> Result<Remote, Fault> {
        let variable = |name: &str| {
            std::env::var(name).map_err(|_| {
                Fault::Refused(format!(
                    "the variable {name} is not set: an operator's credential is needed for --endpoint; make one on the machine itself with `iamd operator create NAME`"
                ))
            })
        };
        Ok(Remote {
            endpoint: Endpoint::parse(endpoint)?,
            ca_bundle,
            access_key_id: variable(KEY_ID_VARIABLE)?,
            secret_access_key: Secret::from(variable(SECRET_VARIABLE)?),
            idle: Mutex::default(),
        })
    }

    /// Has a wish carried out there.
    ///
    /// # Errors
    /// [`Fault::Refused`] with the node's words, or with what is wrong on the way.
    pub async fn ask(&self, wish: &Wish) -> Result<Granted, Fault> {
        self.try_ask(wish).await.map_err(Fault::from)
    }

    /// The same for whoever tries again when the node is away.
    ///
    /// # Errors
    /// [`Unanswered`]
    pub async fn try_ask(&self, wish: &Wish) -> Result<Granted, Unanswered> {
        let body = serde_json::to_vec(wish).map_err(|error| self.failed(&error.to_string()))?;
        let answer = async {
            loop {
                let (sender, is_used) = match self.idle() {
                    Some(sender) => (sender, true),
                    None => (self.connected().await?, false),
                };
                match self.exchange(sender, &body).await {
                    // The node has closed it meanwhile, and has not seen the request.
                    Err(Broken::Unsent(_)) if is_used => {}
                    Err(Broken::Unsent(reason) | Broken::Lost(reason)) => {
                        return Err(self.failed(&reason));
                    }
                    Ok((status, body)) => return self.understood(status, &body),
                }
            }
        };
        let answer = tokio::time::timeout(ANSWER_TIME_MAX, answer).await;
        answer.map_err(|_| self.failed("no answer in time"))?
    }

    /// A connection that an earlier question has left open.
    fn idle(&self) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| idle.pop()).find(Sender::is_ready)
    }

    async fn connected(&self) -> Result<Sender, Unanswered> {
        let failed = |error: &dyn std::fmt::Display| self.failed(&error.to_string());
        let Endpoint { is_tls, host, port } = &self.endpoint;
        let host = host.trim_matches(['[', ']']);
        let made = async {
            let stream = TcpStream::connect((host, *port)).await.map_err(|error| failed(&error))?;
            if !is_tls {
                return self.begun(stream).await;
            }
            let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(&error))?;
            let connector = self.connector();
            let connector = connector.map_err(|fault| Unanswered::Refused(fault.to_string()))?;
            let stream = connector.connect(name, stream).await.map_err(|error| failed(&error))?;
            self.begun(stream).await
        };
        let made = tokio::time::timeout(CONNECT_TIME_MAX, made).await;
        made.map_err(|_| self.failed("no connection in time"))?
    }

    async fn begun<S>(&self, stream: S) -> Result<Sender, Unanswered>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let begun = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = begun.map_err(|error| self.failed(&error.to_string()))?;
        // It ends with the sender, or with the other side.
        tokio::spawn(connection);
        Ok(sender)
    }

    /// One question and its answer; the connection is kept for the next one.
    async fn exchange(
        &self,
        mut sender: Sender,
        body: &[u8],
    ) -> Result<(StatusCode, Bytes), Broken> {
        let lost = |error: &dyn std::fmt::Display| Broken::Lost(error.to_string());
        let request = self.request(body.to_vec()).map_err(|error| lost(&error))?;
        let response = sender.send_request(request).await.map_err(|error| {
            let reason = error.to_string();
            if error.is_canceled() { Broken::Unsent(reason) } else { Broken::Lost(reason) }
        })?;
        let status = response.status();
        let length_max = usize::try_from(ANSWER_LENGTH_MAX).unwrap_or(usize::MAX);
        let body = Limited::new(response.into_body(), length_max).collect().await;
        let body = body.map_err(|error| lost(&error))?.to_bytes();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(sender);
        }
        Ok((status, body))
    }

    fn understood(&self, status: StatusCode, body: &[u8]) -> Result<Granted, Unanswered> {
        match serde_json::from_slice(body) {
            Ok(Reply::Granted(granted)) => Ok(*granted),
            Ok(Reply::Error(reason)) if is_for_a_time(status) => Err(Unanswered::Away(reason)),
            Ok(Reply::Error(reason)) => Err(Unanswered::Refused(reason)),
            Ok(Reply::Progress(_) | Reply::Bytes(_)) | Err(_) => {
                Err(self.failed(&format!("it is not a node of iamd, or an older one: {status}")))
            }
        }
    }

    fn request(&self, body: Vec<u8>) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let host = self.endpoint.authority();
        let signer = Signer {
            access_key_id: &self.access_key_id,
            secret_access_key: &self.secret_access_key,
            region: REGION,
            service: OPERATOR_SERVICE,
        };
        let now = Clock::default().now();
        let signed = signer.sign("POST", OPERATOR_PATH, &host, &body, now);
        Request::post(OPERATOR_PATH)
            .header(HOST, host)
            .header(CONTENT_TYPE, "application/json")
            .header("x-amz-date", signed.date)
            .header("x-amz-content-sha256", signed.content_sha256)
            .header(AUTHORIZATION, signed.authorization)
            .body(Full::new(Bytes::from(body)))
    }

    /// Trusts the given authorities, else those of the system.
    fn connector(&self) -> Result<TlsConnector, Fault> {
        let mut roots = RootCertStore::empty();
        match &self.ca_bundle {
            Some(path) => {
                for certificate in bundle(path)? {
                    roots.add(certificate).map_err(|error| unusable(path, &error))?;
                }
            }
            None => {
                let found = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(found.certs);
            }
        }
        let client = ClientConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| Fault::Bug(format!("TLS versions: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(client)))
    }

    fn failed(&self, reason: &str) -> Unanswered {
        Unanswered::Away(format!("{} cannot be asked: {reason}", self.endpoint.authority()))
    }
}

/// Whether the same may be answered otherwise a little later.
fn is_for_a_time(status: StatusCode) -> bool {
    matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
}

fn bundle(path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| unusable(path, &error))?;
    certificates.map(|one| one.map_err(|error| unusable(path, &error))).collect()
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> Fault {
    Fault::Refused(format!("the authorities in {} cannot be used: {error}", path.display()))
}

/// Where a node is.
#[derive(Debug, PartialEq, Eq)]
struct Endpoint {
    is_tls: bool,
    host: String,
    port: u16,
}

impl Endpoint {
    fn parse(text: &str) -> Result<Endpoint, Fault> {
        let wrong = |what: &str| Fault::Refused(format!("the endpoint `{text}` {what}"));
        let uri: Uri = text.parse().map_err(|_| wrong("is not a URL"))?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => return Err(wrong("does not begin with https:// or http://")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
        if authority.as_str().contains('@') || !matches!(uri.path(), "" | "/") {
            return Err(wrong("is more than a scheme, a host and a port"));
        }
        let host = authority.host().to_owned();
        let bare = host.trim_matches(['[', ']']);
        let is_own = bare == "localhost"
            || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if !is_tls && !is_own {
            return Err(wrong("is plain HTTP to another machine: use https://"));
        }
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Endpoint { is_tls, host, port })
    }

    fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_https_or_on_this_machine() {
        for (text, is_tls, authority) in [
            ("https://iam.example.com:4260", true, "iam.example.com:4260"),
            ("https://iam.example.com/", true, "iam.example.com:443"),
            ("http://127.0.0.1:4260", false, "127.0.0.1:4260"),
            ("http://[::1]:4260", false, "[::1]:4260"),
            ("http://localhost", false, "localhost:80"),
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!((endpoint.is_tls, endpoint.authority().as_str()), (is_tls, authority));
        }
        for wrong in [
            "",
            "iam.example.com",
            "ftp://iam.example.com",
            "http://iam.example.com:4260",
            "http://10.0.0.1",
            "http://127.0.0.1.example.com",
            "https://user@iam.example.com",
            "https://iam.example.com/path",
        ] {
            assert!(matches!(Endpoint::parse(wrong), Err(Fault::Refused(_))), "{wrong}");
        }
    }
}
