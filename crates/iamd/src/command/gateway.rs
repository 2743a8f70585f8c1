//! The gateway's place on the command line.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use hyper::Uri;
use iamd_wire::Secret;

use crate::config::Config;
use crate::doors::gateway::{Gateway, GatewaySettings, UpstreamCredentials, UpstreamSettings};
use crate::fault::Fault;
use crate::limits::Limits;
use crate::node::Node;

/// The region that stores are asked in when nothing is said; most know no other.
const REGION_DEFAULT: &str = "us-east-1";

/// What becomes of what policies do not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// It is refused.
    Enforce,
    /// It is noted, and passes. Signatures are proven all the same.
    Observe,
}

/// A gateway in front of a store.
#[derive(Debug, Args)]
pub(super) struct GatewayOptions {
    /// The address of the gateway; port 0 picks a free one.
    #[arg(id = "gateway", long, env = "IAMD_GATEWAY", requires = "upstream")]
    pub(super) listen: Option<SocketAddr>,
    /// The store behind it: SERVICE=URL, such as `s3=http://127.0.0.1:9000`.
    #[arg(long, env = "IAMD_UPSTREAM", requires = "gateway", value_name = "SERVICE=URL")]
    upstream: Option<String>,
    /// The access key id that the gateway has at the store; without one it signs nothing.
    #[arg(long, env = "IAMD_UPSTREAM_ACCESS_KEY_ID", requires = "upstream_secret_access_key")]
    upstream_access_key_id: Option<String>,
    /// Its secret.
    #[arg(
        long,
        env = "IAMD_UPSTREAM_SECRET_ACCESS_KEY",
        hide_env_values = true,
        requires = "upstream_access_key_id"
    )]
    upstream_secret_access_key: Option<Secret>,
    /// The region that the store is asked in.
    #[arg(long, env = "IAMD_UPSTREAM_REGION", default_value = REGION_DEFAULT)]
    upstream_region: String,
    /// What becomes of what policies do not allow.
    #[arg(long, env = "IAMD_GATEWAY_MODE", value_enum, default_value = "enforce")]
    gateway_mode: Mode,
    /// A host below which bucket names may stand, such as `s3.example.com`; may be given several
    /// times.
    #[arg(long, env = "IAMD_GATEWAY_DOMAIN", value_delimiter = ',', default_value = "localhost")]
    gateway_domain: Vec<String>,
}

impl GatewayOptions {
    /// The gateway that the options ask for, on the state of a node.
    ///
    /// # Errors
    /// [`Fault::Refused`] that says which option cannot be.
    pub(super) fn gateway(
        &self,
        node: &Arc<Node>,
        limits: Limits,
        config: &Config,
    ) -> Result<Option<(SocketAddr, Gateway)>, Fault> {
        let (Some(listen), Some(upstream)) = (self.listen, &self.upstream) else {
            return Ok(None);
        };
        let settings = GatewaySettings {
            upstream: self.upstream_settings(upstream)?,
            observe: self.gateway_mode == Mode::Observe,
            domains: self.gateway_domain.iter().map(|name| name.to_ascii_lowercase()).collect(),
        };
        let gateway = Gateway::new(Arc::clone(node), settings, limits, config)?;
        Ok(Some((listen, gateway)))
    }

    fn upstream_settings(&self, upstream: &str) -> Result<UpstreamSettings, Fault> {
        let refused = |what: &str| {
            Fault::Refused(format!(
                "--upstream {upstream} {what}; write it as s3=http://127.0.0.1:9000"
            ))
        };
        let (service, url) = upstream.split_once('=').ok_or_else(|| refused("names no service"))?;
        if service != "s3" {
            return Err(refused("names a service that the gateway does not know: it knows s3"));
        }
        let url: Uri = url.parse().map_err(|_| refused("has an address that is none"))?;
        let credentials = match (&self.upstream_access_key_id, &self.upstream_secret_access_key) {
            (Some(id), Some(secret)) => Some(UpstreamCredentials {
                access_key_id: id.clone(),
                secret_access_key: secret.clone(),
            }),
            _ => None,
        };
        Ok(UpstreamSettings { url, credentials, region: self.upstream_region.clone() })
    }
}
