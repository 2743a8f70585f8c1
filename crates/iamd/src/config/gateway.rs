//! The settings of the gateway.

use std::net::SocketAddr;
use std::path::PathBuf;

use iamd_core::arn::IamArn;

use super::Config;
use super::keys::{Key, key};
use crate::doors::gateway::Modes;

/// The gateway in front of an S3 store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayConfig {
    /// Its listening address; empty for no gateway.
    pub listen: String,
    /// The store: `s3=http://127.0.0.1:9000`.
    pub upstream: String,
    /// The region that the store is asked in.
    pub upstream_region: String,
    /// The access key id that the gateway has at the store; empty to sign nothing.
    pub upstream_access_key_id: String,
    /// A file with its secret.
    pub upstream_secret_access_key_file: PathBuf,
    /// What becomes of denials: `enforce`, `observe`, or `SERVICE=` and one of both.
    pub mode: Vec<String>,
    /// ARNs of principals whose denials are only noted.
    pub observe: Vec<String>,
    /// ARNs of principals whose denials are denials, whatever is said of others.
    pub enforce: Vec<String>,
    /// Hosts below which bucket names may stand.
    pub domains: Vec<String>,
    /// ARNs of the server certificates of IAM that it serves; empty to speak TLS as the API does.
    pub tls_certificates: Vec<String>,
}

impl Default for GatewayConfig {
    fn default() -> GatewayConfig {
        GatewayConfig {
            listen: String::new(),
            upstream: String::new(),
            upstream_region: "us-east-1".to_owned(),
            upstream_access_key_id: String::new(),
            upstream_secret_access_key_file: PathBuf::new(),
            mode: Vec::new(),
            observe: Vec::new(),
            enforce: Vec::new(),
            domains: Vec::new(),
            tls_certificates: Vec::new(),
        }
    }
}

impl GatewayConfig {
    /// The listening address; none for no gateway.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listen.parse().ok()
    }
}

pub(super) fn keys() -> Vec<Key> {
    vec![
        key(
            ("gateway", "listen"),
            "The address of the gateway in front of an S3 store, such as 0.0.0.0:4261; it speaks TLS \
             as the API does. Empty: no gateway.",
            |config| &mut config.gateway.listen,
        ),
        key(
            ("gateway", "upstream"),
            "The store behind it, such as s3=http://127.0.0.1:9000. Nobody else should reach it.",
            |config| &mut config.gateway.upstream,
        ),
        key(("gateway", "upstream_region"), "The region that the store is asked in.", |config| {
            &mut config.gateway.upstream_region
        }),
        key(
            ("gateway", "upstream_access_key_id"),
            "The access key id that the gateway has at the store. Empty: it signs nothing.",
            |config| &mut config.gateway.upstream_access_key_id,
        ),
        key(
            ("gateway", "upstream_secret_access_key_file"),
            "A file with the secret of that key, which only iamd can read.",
            |config| &mut config.gateway.upstream_secret_access_key_file,
        ),
        key(
            ("gateway", "mode"),
            "What becomes of what policies do not allow: enforce refuses it, observe notes it and lets it\n\
             pass, s3=observe says so for one service. Empty: enforce. Signatures are proven all the same,\n\
             and requests without one are never let pass.",
            |config| &mut config.gateway.mode,
        ),
        key(
            ("gateway", "observe"),
            "ARNs of principals who are only observed, such as arn:aws:iam::111122223333:user/ci*, in which\n\
             * stands for any characters. The closest ARN counts, of this list and the next.",
            |config| &mut config.gateway.observe,
        ),
        key(
            ("gateway", "enforce"),
            "ARNs of principals who are refused what policies do not allow, whatever is said of others.",
            |config| &mut config.gateway.enforce,
        ),
        key(
            ("gateway", "domains"),
            "Hosts below which bucket names may stand, such as s3.example.com.",
            |config| &mut config.gateway.domains,
        ),
        key(
            ("gateway", "tls_certificates"),
            "ARNs of server certificates that were uploaded to IAM, for the gateway's address: clients\n\
             get the one for the name that they ask for, others the first. Empty: as the API.",
            |config| &mut config.gateway.tls_certificates,
        ),
    ]
}

/// What does not fit together.
pub(super) fn check(config: &Config, found: &mut impl FnMut(&str, String)) {
    let gateway = &config.gateway;
    if gateway.listen.is_empty() {
        return;
    }
    let Some(address) = gateway.address() else {
        let message = format!("is an address such as 0.0.0.0:4261, and not `{}`", gateway.listen);
        return found("gateway.listen", message);
    };
    if gateway.upstream.is_empty() {
        found("gateway.upstream", "must name the store behind the gateway".to_owned());
    }
    if let Err(fault) = Modes::read(&gateway.mode, &gateway.observe, &gateway.enforce) {
        found("gateway.mode", format!("cannot be: {fault}"));
    }
    for arn in &gateway.tls_certificates {
        let parsed = IamArn::parse(arn);
        if parsed.is_none_or(|parsed| parsed.resource_type != "server-certificate") {
            let message = format!("has ARNs of server certificates, and not `{arn}`");
            found("gateway.tls_certificates", message);
        }
    }
    let has_id = !gateway.upstream_access_key_id.is_empty();
    let has_secret = !gateway.upstream_secret_access_key_file.as_os_str().is_empty();
    if has_id != has_secret {
        found(
            "gateway.upstream_secret_access_key_file",
            "and `gateway.upstream_access_key_id` are given together, or neither".to_owned(),
        );
    }
    let is_open = !address.ip().is_loopback() && config.server.proxies.is_empty();
    if !config.tls.enabled && gateway.tls_certificates.is_empty() && is_open {
        let message = format!("is {address}, which is reached from other machines without TLS");
        found("gateway.listen", message);
    }
}
