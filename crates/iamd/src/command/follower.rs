//! `iamd gateway`: a gateway as a process of its own, which follows a running node.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;

use super::gateway::{self, Guard, UpstreamOptions};
use super::printout::{self, GatewayFacts};
use super::settings::{self, Settings};
use super::{OutputFormat, dev};
use crate::config::Config;
use crate::doors::Doors;
use crate::doors::gateway::Gateway;
use crate::entropy;
use crate::fault::Fault;
use crate::follower::{self, Copy, FollowersStore, Leader, Way};
use crate::keys::MasterKey;
use crate::log;
use crate::node::{self, Node};
use crate::operator::Remote;
use crate::server::{self, Reception, Versions, notify};
use crate::tls::Tls;

/// Where the gateway listens when nothing is said.
const LISTEN_DEFAULT: &str = "127.0.0.1:4261";
/// How long decisions go on without the node when nothing is said, in seconds.
// CHOICE: long enough to restart a node, short enough that a revocation is not waited for for long.
const AGE_SECONDS_DEFAULT: u32 = 300;

#[derive(Args)]
pub(super) struct Options {
    /// The node to follow, such as `https://iam.example.com:4260`, asked with the credential in
    /// IAMD_OPERATOR_ACCESS_KEY_ID and IAMD_OPERATOR_SECRET_ACCESS_KEY, which `iamd operator create
    /// NAME --for follower` makes. Without it, the node that runs on the data folder.
    #[arg(long, env = "IAMD_ENDPOINT", value_name = "URL", conflicts_with = "data")]
    iam: Option<String>,
    /// The authorities to trust for it, in PEM; those of the system if absent.
    #[arg(long, env = "IAMD_CA_BUNDLE", value_name = "FILE")]
    ca_bundle: Option<std::path::PathBuf>,
    /// A store of nodes: cannot be shared by processes yet.
    #[arg(long, value_name = "URL", hide = true)]
    store: Option<String>,
    #[command(flatten)]
    settings: Settings,
    /// The address of the gateway (key `gateway.listen`); 127.0.0.1:4261 if absent, port 0 picks a free
    /// one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// The store behind it (key `gateway.upstream`): SERVICE=URL, such as `s3=http://127.0.0.1:9000`.
    #[arg(long, env = "IAMD_UPSTREAM", value_name = "SERVICE=URL")]
    upstream: Option<String>,
    #[command(flatten)]
    credentials: UpstreamOptions,
    /// What becomes of what policies do not allow (key `gateway.mode`): `enforce` refuses it, `observe`
    /// notes it and lets it pass.
    #[arg(long, value_name = "[SERVICE=]MODE", value_delimiter = ',')]
    mode: Vec<String>,
    /// A host below which bucket names may stand (key `gateway.domains`); may be given several times.
    #[arg(long = "domain", value_name = "NAME")]
    domains: Vec<String>,
    /// How many seconds decisions go on while the node does not answer; then requests are refused.
    #[arg(long, env = "IAMD_MAX_STALENESS", value_name = "SECONDS",
        default_value_t = AGE_SECONDS_DEFAULT, value_parser = clap::value_parser!(u32).range(2..))]
    max_staleness: u32,
    /// Answers /livez, /readyz and /metrics at this address, in plain HTTP.
    #[arg(long, env = "IAMD_HEALTH", value_name = "ADDRESS:PORT")]
    health: Option<SocketAddr>,
    /// How to print the address; lines for a shell on a terminal, JSON otherwise.
    #[arg(short, long)]
    output: Option<OutputFormat>,
}

pub(super) async fn run(options: Options) -> Result<(), Fault> {
    if options.store.is_some() {
        return Err(Fault::Refused(
            "--store: the store of a node cannot be shared with another process yet; follow the node with --iam URL, or with --data DIR on its machine".to_owned(),
        ));
    }
    let config = config(&options)?;
    log::start(config.log.format, &config.log.filter);
    let way = match &options.iam {
        Some(url) => Way::Network(Box::new(Remote::new(url, options.ca_bundle.clone())?)),
        None => Way::Socket(config.data.clone()),
    };
    let leader = Leader::new(way, Duration::from_secs(options.max_staleness.into()));
    let node = node(&config, &leader).await?;
    let outcome = serve(&options, &config, &node, &leader).await;
    // A node that is away does not keep the process.
    if let Err(fault) = node.flush_facts().await {
        tracing::warn!("when things were used was not told: {fault}");
    }
    outcome
}

/// The settings, of the file, the environment and the options.
fn config(options: &Options) -> Result<Config, Fault> {
    let mut flags = Vec::new();
    let mut say = |option: &str, key: &str, value: Option<&str>| {
        flags.extend(value.map(|value| settings::flag(option, key, value)));
    };
    say("--listen", "gateway.listen", options.listen.as_deref());
    say("--upstream", "gateway.upstream", options.upstream.as_deref());
    let modes = options.mode.join(",");
    say("--mode", "gateway.mode", (!modes.is_empty()).then_some(&*modes));
    let domains = options.domains.join(",");
    say("--domain", "gateway.domains", (!domains.is_empty()).then_some(&*domains));
    let loaded = options.settings.load(flags)?;
    let mut config = loaded.config;
    if config.gateway.listen.is_empty() {
        config.gateway.listen = LISTEN_DEFAULT.to_owned();
    }
    if config.gateway.upstream.is_empty() {
        return Err(Fault::Refused(
            "name the store behind the gateway: --upstream s3=http://127.0.0.1:9000".to_owned(),
        ));
    }
    if !config.gateway.tls_certificates.is_empty() {
        return Err(Fault::Refused(
            "`gateway.tls_certificates` are secrets of the node, and stay there: set `tls.certificate` and `tls.key`".to_owned(),
        ));
    }
    // An authority of its own would be a secret on the disk: a certificate is given, or there is none.
    config.tls.enabled &= !config.tls.certificate.as_os_str().is_empty();
    let is_open = config.gateway.address().is_none_or(|address| !address.ip().is_loopback());
    if !config.tls.enabled && is_open && config.server.proxies.is_empty() {
        return Err(Fault::Refused(format!(
            "{} is reached from other machines without TLS: set `tls.certificate` and `tls.key`, listen on a loopback address, or name the proxies that speak TLS in `server.proxies`",
            config.gateway.listen
        )));
    }
    Ok(config)
}

/// A node without a store, with keys of its own that end with the process.
async fn node(config: &Config, leader: &Arc<Leader>) -> Result<Arc<Node>, Fault> {
    let store = Arc::new(FollowersStore::new(leader));
    let master = Arc::new(MasterKey::fresh()?.sealing()?);
    let node = Node::open(store, master, config.quotas.clone()).await?;
    node.set_leader(leader);
    Ok(node)
}

async fn serve(
    options: &Options,
    config: &Config,
    node: &Arc<Node>,
    leader: &Arc<Leader>,
) -> Result<(), Fault> {
    let stop = server::stop_signal()?;
    let gateway = gateway::configured(config, node, options.credentials.given())?
        .ok_or_else(|| Fault::Refused("`gateway.listen` is no address".to_owned()))?;
    let tls = config.tls.enabled.then(|| Tls::start(config, gateway.0.ip())).transpose()?;
    // Each life counts under a name of its own: nothing is kept that another could go on with.
    let name = node::follower_name(u64::from_be_bytes(entropy::bytes()?));
    let guard = Guard::open(gateway, (node, &name), &[], tls.as_ref(), config).await?;
    let health = match options.health {
        Some(address) => Some(server::bind(address).await?),
        None => None,
    };
    tokio::pin!(stop);
    let copy = tokio::select! {
        copy = follower::begin(node, leader) => copy?,
        () = &mut stop => return Ok(()),
    };
    let url = guard.url()?;
    let health_url = health.as_ref().map(health_url).transpose()?;
    let facts = GatewayFacts { gateway: url.clone(), health: health_url };
    match OutputFormat::or_what_fits(options.output) {
        OutputFormat::Json => printout::json(&facts)?,
        OutputFormat::Table => printout::gateway(&facts)?,
    }
    tracing::info!(%url, "the gateway is listening, and follows the node");
    let running = Running::start(config, node, leader, copy, Arc::clone(guard.gateway()));
    if let Some(listener) = health {
        running.answer_health(config, node, listener)?;
    }
    notify::ready();
    let serving = guard.serve(config.server.clone())?;
    stop.await;
    notify::stopping();
    // It heard the same signal.
    let _ = serving.await;
    running.end().await;
    tracing::info!("the gateway has stopped");
    Ok(())
}

/// What goes on beside the answering.
struct Running {
    tasks: Vec<tokio::task::JoinHandle<()>>,
    /// What hands records to the node, and what they wait in.
    records: Option<(crate::audit::Outbox, tokio::task::JoinHandle<()>)>,
}

impl Running {
    fn start(
        config: &Config,
        node: &Arc<Node>,
        leader: &Arc<Leader>,
        copy: Copy,
        gateway: Arc<Gateway>,
    ) -> Running {
        // Records are handed over from the first request on.
        let records = copy.audit.as_ref().map(|terms| {
            let outbox = node.audit().start_outbox(&terms.settings(config.audit.clone()));
            let handing = follower::hand_over(Arc::clone(leader), outbox.clone());
            (outbox, tokio::spawn(handing))
        });
        let forget = move || gateway.forget_keys();
        let following = follower::follow(Arc::clone(node), Arc::clone(leader), copy, forget);
        let facts = dev::flush_facts(Arc::clone(node));
        let tasks = vec![tokio::spawn(following), tokio::spawn(facts)];
        Running { tasks, records }
    }

    fn answer_health(
        &self,
        config: &Config,
        node: &Arc<Node>,
        listener: TcpListener,
    ) -> Result<(), Fault> {
        let doors = Arc::new(Doors::new(Arc::clone(node)).configured(config).only_health());
        let reception =
            Reception { settings: config.server.clone(), tls: None, versions: Versions::One };
        let stop = server::stop_signal()?;
        tokio::spawn(server::serve(listener, doors, reception, stop));
        Ok(())
    }

    async fn end(self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
        if let Some((outbox, handing)) = self.records {
            outbox.close();
            let _ = handing.await;
        }
    }
}

fn health_url(listener: &TcpListener) -> Result<String, Fault> {
    let address = listener
        .local_addr()
        .map_err(|error| Fault::Unavailable(format!("the address is unknown: {error}")))?;
    Ok(format!("http://{address}"))
}
