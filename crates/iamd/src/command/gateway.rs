//! `iamd gateway`, and the gateway's options of other commands.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use hyper::Uri;
use iamd_wire::Secret;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::place::Place;
use super::{OutputFormat, follower, node_name, printout, secret_file};
use crate::calls::CallFacts;
use crate::config::{Config, ServerSettings};
use crate::doors::gateway::{
    self, Gateway, GatewaySettings, Mode, Modes, UpstreamCredentials, UpstreamSettings,
};
use crate::fault::Fault;
use crate::limits::Limits;
use crate::node::Node;
use crate::operator::{self, BucketOrder, Output, Progress, UsageOrder, Wish};
use crate::server::{self, Reception, Versions};
use crate::tls::{ServedCertificates, Tls};

/// The region that stores are asked in when nothing is said; most know no other.
const REGION_DEFAULT: &str = "us-east-1";

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
    /// Says what accounts have used: requests and bytes, by operation and day.
    Usage(Usage),
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
struct Usage {
    #[command(flatten)]
    place: Place,
    /// Only that of this account.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// From this day on, such as 2026-01-31, UTC.
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Up to this day.
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// Adds the days of each month up.
    #[arg(long)]
    by_month: bool,
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
        Some(Command::Usage(Usage { place, account, from, to, by_month })) => {
            let order = UsageOrder { account_id: account, from, to, by_month };
            place.run(Wish::ReadUsage(order)).await
        }
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
    let mode = if facts.mode == Mode::Observe.as_str() { " observe" } else { "" };
    let mut text = format!(
        "{time} {}{code} {what} {who} in {} out {} {:.1} ms{mode}\n",
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
    /// What becomes of what policies do not allow: `enforce` refuses it, `observe` notes it and lets it
    /// pass; `s3=observe` says so for one service.
    #[arg(long, env = "IAMD_GATEWAY_MODE", value_delimiter = ',', value_name = "[SERVICE=]MODE")]
    gateway_mode: Vec<String>,
    /// Only observes these principals: an ARN, in which `*` stands for any characters, such as
    /// `arn:aws:iam::111122223333:user/ci*`. May be given several times; the closest one counts.
    #[arg(long, env = "IAMD_GATEWAY_OBSERVE", value_delimiter = ',', value_name = "ARN")]
    observe: Vec<String>,
    /// Refuses these principals what policies do not allow, whatever is said of others.
    #[arg(long, env = "IAMD_GATEWAY_ENFORCE", value_delimiter = ',', value_name = "ARN")]
    enforce: Vec<String>,
    /// A host below which bucket names may stand, such as `s3.example.com`; may be given several
    /// times.
    #[arg(long, env = "IAMD_GATEWAY_DOMAIN", value_delimiter = ',', default_value = "localhost")]
    gateway_domain: Vec<String>,
    /// The ARN of a server certificate of IAM; the gateway then speaks TLS. May be given several
    /// times: clients get the one for the name that they ask for, others the first.
    #[arg(long, env = "IAMD_GATEWAY_TLS_CERTIFICATES", requires = "gateway", value_name = "ARN")]
    #[arg(value_delimiter = ',')]
    tls_certificate: Vec<String>,
}

/// A gateway that listens, and does not serve yet.
pub(super) struct Guard {
    listener: TcpListener,
    gateway: Arc<Gateway>,
    tls: Option<Tls>,
}

impl Guard {
    /// Listens, for a node that counts under this name. With `arns` of server certificates it speaks TLS with these, else as `tls` says.
    ///
    /// # Errors
    /// [`Fault::Refused`] that says which address or certificate cannot be used.
    pub(super) async fn open(
        (listen, gateway): (SocketAddr, Gateway),
        (node, name): (&Arc<Node>, &str),
        arns: &[String],
        tls: Option<&Tls>,
        config: &Config,
    ) -> Result<Guard, Fault> {
        let listener = server::bind(listen).await?;
        node.facts().usage().begin(name, node.clock().now())?;
        let tls = match arns.is_empty() {
            true => tls.cloned(),
            false => {
                let user = format!("gateway {}", address_of(&listener)?);
                let state = &node.snapshot().state;
                let served = ServedCertificates::find(arns, &user, state)?;
                Some(Tls::serving(node, Arc::new(served), config)?)
            }
        };
        let tls = tls.map(|tls| tls.with_http_2());
        Ok(Guard { listener, gateway: Arc::new(gateway), tls })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// [`Fault::Unavailable`]
    pub(super) fn url(&self) -> Result<String, Fault> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", address_of(&self.listener)?))
    }

    /// The gateway.
    pub(super) fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// Serves until the process is told to stop.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when signals cannot be caught.
    pub(super) fn serve(self, settings: ServerSettings) -> Result<JoinHandle<()>, Fault> {
        let stop = server::stop_signal()?;
        let reception = Reception { settings, tls: self.tls, versions: Versions::OneAndTwo };
        Ok(tokio::spawn(server::serve(self.listener, self.gateway, reception, stop)))
    }
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, Fault> {
    let address = listener.local_addr();
    address.map_err(|error| Fault::Unavailable(format!("the address is unknown: {error}")))
}

impl GatewayOptions {
    /// The gateway that the options ask for, on the state of a node.
    ///
    /// # Errors
    /// [`Fault::Refused`] that says which option cannot be.
    pub(super) async fn open(
        &self,
        (node, folder): (&Arc<Node>, &Path),
        limits: Limits,
        config: &Config,
    ) -> Result<Option<Guard>, Fault> {
        let Some(gateway) = self.gateway(node, limits, config)? else { return Ok(None) };
        let name = node_name::of(folder)?;
        Guard::open(gateway, (node, &name), &self.tls_certificate, None, config).await.map(Some)
    }

    fn gateway(
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
            modes: Modes::read(&self.gateway_mode, &self.observe, &self.enforce)?,
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

/// The gateway that the settings of a server ask for; `tls` is that of the API.
///
/// # Errors
/// [`Fault::Refused`] that says which setting cannot be.
pub(super) async fn open_configured(
    config: &Config,
    node: &Arc<Node>,
    tls: Option<&Tls>,
) -> Result<Option<Guard>, Fault> {
    let Some(gateway) = configured(config, node, None)? else { return Ok(None) };
    let arns = &config.gateway.tls_certificates;
    let name = node_name::of(&config.data)?;
    Guard::open(gateway, (node, &name), arns, tls, config).await.map(Some)
}

/// The gateway that the settings ask for; with credentials for the store that are given otherwise, if
/// they are.
///
/// # Errors
/// [`Fault::Refused`] that says which setting cannot be.
pub(super) fn configured(
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
        modes: Modes::read(&gateway.mode, &gateway.observe, &gateway.enforce)?,
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
