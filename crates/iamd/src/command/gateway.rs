//! `iamd gateway`, and the gateway's options of other commands.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use hyper::Uri;
use iamd_wire::Secret;

use super::place::Place;
use super::{OutputFormat, follower, printout, secret_file};
use crate::calls::CallFacts;
use crate::config::Config;
use crate::doors::gateway::{
    self, Gateway, GatewaySettings, UpstreamCredentials, UpstreamSettings,
};
use crate::fault::Fault;
use crate::limits::Limits;
use crate::node::Node;
use crate::operator::{self, BucketOrder, Output, Progress, Wish};

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

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: follower::Options,
}

#[derive(Subcommand)]
enum Command {
    /// Shows calls through the gateway of a node as they end.
    Tail(Tail),
    /// Gives buckets that a store has already to an account.
    ImportBuckets(ImportBuckets),
}

#[derive(Args)]
struct Tail {
    /// The data folder of the running node.
    #[arg(long, env = "IAMD_DATA", default_value = "./iamd-data")]
    data: PathBuf,
    /// Only what was denied, or would have been.
    #[arg(long)]
    denied: bool,
    /// How to print; readable on a terminal, a line of JSON for each call otherwise.
    #[arg(short, long)]
    output: Option<OutputFormat>,
}

#[derive(Args)]
struct ImportBuckets {
    #[command(flatten)]
    place: Place,
    /// The account that is to own them.
    #[arg(long)]
    account: String,
    /// Asks this store which buckets there are: SERVICE=URL.
    #[arg(long, env = "IAMD_UPSTREAM", value_name = "SERVICE=URL")]
    upstream: Option<String>,
    #[command(flatten)]
    credentials: UpstreamOptions,
    /// Names of buckets; all that the store has if absent.
    #[arg(required_unless_present = "upstream")]
    buckets: Vec<String>,
    /// Only says which ones.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Fault> {
    match arguments.command {
        Some(Command::Tail(tail)) => watch(tail).await,
        Some(Command::ImportBuckets(import)) => import_buckets(import).await,
        None => follower::run(arguments.options).await,
    }
}

async fn import_buckets(import: ImportBuckets) -> Result<(), Fault> {
    let named = import.buckets.iter().map(|name| (name.clone(), None));
    let buckets: Vec<(String, Option<i64>)> = match &import.upstream {
        None => named.collect(),
        Some(upstream) => {
            let listed = gateway::buckets_of(import.credentials.settings(upstream)?).await?;
            let is_wanted =
                |name: &String| import.buckets.is_empty() || import.buckets.contains(name);
            let missing = import.buckets.iter();
            let mut missing =
                missing.filter(|name| !listed.iter().any(|(known, _)| known == *name));
            if let Some(name) = missing.next() {
                return Err(Fault::Refused(format!("the store has no bucket {name}")));
            }
            listed.into_iter().filter(|(name, _)| is_wanted(name)).collect()
        }
    };
    if import.dry_run {
        let names: String = buckets.iter().map(|(name, _)| format!("{name}\n")).collect();
        return printout::text(&names);
    }
    let order = BucketOrder { account_id: import.account, buckets };
    import.place.run(Wish::ImportBuckets(order)).await
}

/// Shows calls until it is told to stop, or the node stops.
async fn watch(tail: Tail) -> Result<(), Fault> {
    let format = OutputFormat::or_what_fits(tail.output);
    let printer = Printer { format, only_denied: tail.denied, rest: Vec::new() };
    let (progress, _steps) = Progress::channel();
    let output = Output::to(Box::new(printer));
    match operator::ask(&tail.data, &Wish::WatchCalls, &progress, &output).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(Fault::Refused(format!(
            "no node is running on {}; name its folder with --data",
            tail.data.display()
        ))),
        Err(fault) => Err(fault),
    }
}

/// Prints lines of JSON as they come, in the form that was asked for.
struct Printer {
    format: OutputFormat,
    only_denied: bool,
    /// The start of a line whose end is still to come.
    rest: Vec<u8>,
}

impl Write for Printer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            self.print(&line)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stdout().flush()
    }
}

impl Printer {
    fn print(&self, line: &[u8]) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        let Ok(facts) = serde_json::from_slice::<CallFacts>(line) else {
            // What was lost is told whatever is left out.
            out.write_all(line)?;
            return out.flush();
        };
        if self.only_denied && facts.decisions.iter().all(|ruling| ruling.decision == "allowed") {
            return Ok(());
        }
        match self.format {
            OutputFormat::Json => out.write_all(line)?,
            OutputFormat::Table => out.write_all(readable(&facts).as_bytes())?,
        }
        out.flush()
    }
}

fn readable(facts: &CallFacts) -> String {
    let time = facts.time.get(11..19).unwrap_or(&facts.time);
    let who = facts.principal.as_deref().unwrap_or("anonymous");
    let what = facts.operation.as_deref().unwrap_or("-");
    let code = facts.code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
    let mut text = format!(
        "{time} {}{code} {what} {who} in {} out {} {:.1} ms\n",
        facts.status, facts.bytes_in, facts.bytes_out, facts.milliseconds
    );
    for ruling in &facts.decisions {
        let by = ruling.decided_by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
        let noted = if facts.observed && ruling.decision != "allowed" { " (observed)" } else { "" };
        let (decision, action) = (&ruling.decision, &ruling.action);
        text.push_str(&format!("  {decision}{by}{noted}: {action} {}\n", ruling.resource));
        if let Some(reason) = &ruling.reason {
            text.push_str(&format!("    {reason}\n"));
        }
    }
    text
}

/// What the gateway has at a store.
#[derive(Debug, Args)]
pub(super) struct UpstreamOptions {
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
    #[command(flatten)]
    credentials: UpstreamOptions,
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
            upstream: self.credentials.settings(upstream)?,
            observe: self.gateway_mode == Mode::Observe,
            domains: self.gateway_domain.iter().map(|name| name.to_ascii_lowercase()).collect(),
        };
        let gateway = Gateway::new(Arc::clone(node), settings, limits, config)?;
        Ok(Some((listen, gateway)))
    }
}

impl UpstreamOptions {
    /// # Errors
    /// [`Fault::Refused`] for what is no store.
    fn settings(&self, upstream: &str) -> Result<UpstreamSettings, Fault> {
        upstream_settings(upstream, self.given(), &self.upstream_region)
    }

    /// The credentials, if they are given.
    pub(super) fn given(&self) -> Option<UpstreamCredentials> {
        match (&self.upstream_access_key_id, &self.upstream_secret_access_key) {
            (Some(id), Some(secret)) => Some(UpstreamCredentials {
                access_key_id: id.clone(),
                secret_access_key: secret.clone(),
            }),
            _ => None,
        }
    }
}

/// The gateway that the settings of a server ask for.
///
/// # Errors
/// [`Fault::Refused`] that says which setting cannot be.
pub(super) fn configured(
    config: &Config,
    node: &Arc<Node>,
) -> Result<Option<(SocketAddr, Gateway)>, Fault> {
    configured_with(config, node, None)
}

/// The same with credentials for the store that are given otherwise, if they are.
///
/// # Errors
/// As [`configured`].
pub(super) fn configured_with(
    config: &Config,
    node: &Arc<Node>,
    given: Option<UpstreamCredentials>,
) -> Result<Option<(SocketAddr, Gateway)>, Fault> {
    let gateway = &config.gateway;
    let Some(listen) = gateway.address() else { return Ok(None) };
    let id = &gateway.upstream_access_key_id;
    let credentials = match (given, id.is_empty()) {
        (Some(given), _) => Some(given),
        (None, true) => None,
        (None, false) => Some(UpstreamCredentials {
            access_key_id: id.clone(),
            secret_access_key: secret_file::secret_access_key(
                &gateway.upstream_secret_access_key_file,
            )?,
        }),
    };
    let settings = GatewaySettings {
        upstream: upstream_settings(&gateway.upstream, credentials, &gateway.upstream_region)?,
        observe: gateway.observe,
        domains: gateway.domains.iter().map(|name| name.to_ascii_lowercase()).collect(),
    };
    // The rates of AWS's IAM are none for objects.
    let limits = Limits::without_rates(&config.body);
    Ok(Some((listen, Gateway::new(Arc::clone(node), settings, limits, config)?)))
}

/// # Errors
/// [`Fault::Refused`] for what is no store.
fn upstream_settings(
    upstream: &str,
    credentials: Option<UpstreamCredentials>,
    region: &str,
) -> Result<UpstreamSettings, Fault> {
    let refused = |what: &str| {
        Fault::Refused(format!(
            "the upstream `{upstream}` {what}; write it as s3=http://127.0.0.1:9000"
        ))
    };
    let (service, url) = upstream.split_once('=').ok_or_else(|| refused("names no service"))?;
    if service != "s3" {
        return Err(refused("names a service that the gateway does not know: it knows s3"));
    }
    let url: Uri = url.parse().map_err(|_| refused("has an address that is none"))?;
    Ok(UpstreamSettings { url, credentials, region: region.to_owned() })
}
