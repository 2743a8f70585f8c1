//! `iamd serve`: a production server on a data folder that `iamd init` has made.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;

use super::dev::flush_facts;
use super::printout::{self, ServeFacts};
use super::settings::{self, Settings};
use super::{OutputFormat, folder, gateway, init};
use crate::config::{Config, KeySettings};
use crate::doors::Doors;
use crate::fault::Fault;
use crate::node::{self, Node, upkeep};
use crate::server::{self, Reception, Versions, notify};
use crate::tls::{Tls, authority};
use crate::{log, operator, password};

#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    settings: Settings,
    /// The listening address (key `server.listen`).
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// A name in the certificate that iamd makes (key `tls.hostnames`); may be given several times.
    #[arg(long = "hostname", value_name = "NAME")]
    hostnames: Vec<String>,
    /// How to print the address; lines for a shell on a terminal, JSON otherwise.
    #[arg(short, long)]
    output: Option<OutputFormat>,
}

pub(super) async fn run(options: Options) -> Result<(), Fault> {
    let mut flags = Vec::new();
    let listen = options.listen.as_deref();
    flags.extend(listen.map(|listen| settings::flag("--listen", "server.listen", listen)));
    if !options.hostnames.is_empty() {
        let names = options.hostnames.join(",");
        flags.push(settings::flag("--hostname", "tls.hostnames", &names));
    }
    let loaded = options.settings.load(flags)?;
    let config = loaded.config;
    let traces =
        log::start_with_traces(config.log.format, &config.log.filter, &config.traces.endpoint)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    password::limit(&config.passwords);
    let node =
        folder::open_production(&config.data, &config.master_key, config.quotas.clone()).await?;
    node.start_audit(&config.data, &config.audit)?;
    let outcome = serve(&options, &config, &node).await;
    // What was accepted is finished whatever went wrong.
    node.flush_facts().await?;
    node.close().await?;
    if let Some(traces) = traces {
        traces.finish().await;
    }
    outcome
}

async fn serve(options: &Options, config: &Config, node: &Arc<Node>) -> Result<(), Fault> {
    let listener = server::bind(config.server.listen).await?;
    let address = listener
        .local_addr()
        .map_err(|error| Fault::Unavailable(format!("the address is unknown: {error}")))?;
    // Before anything is said: whoever reads that it runs may tell it to stop at once.
    let stop = server::stop_signal()?;
    let tls = config.tls.enabled.then(|| Tls::start(config, address.ip())).transpose()?;
    let _operator = operator::open(node, &config.data)?;
    let guard = gateway::open_configured(config, node, tls.as_ref()).await?;
    let doors = Doors::new(Arc::clone(node)).configured(config);
    let doors = Arc::new(doors.with_operators(&config.data));
    let facts = facts(config, address);
    let is_set = !config.external_url.is_empty();
    node.set_external_url(if is_set { &config.external_url } else { &facts.endpoint });
    match OutputFormat::or_what_fits(options.output) {
        OutputFormat::Json => printout::json(&facts)?,
        OutputFormat::Table => printout::serve(&facts)?,
    }
    tracing::info!(%address, tls = config.tls.enabled, "iamd is listening");
    let guarding = guard.map(|guard| guard.serve(config.server.clone())).transpose()?;
    let reception = Reception { settings: config.server.clone(), tls, versions: Versions::One };
    until_stopped((node, config.keys), listener, doors, reception, stop).await;
    if let Some(guarding) = guarding {
        // It heard the same signal.
        let _ = guarding.await;
    }
    tracing::info!("iamd has stopped");
    Ok(())
}

async fn until_stopped(
    (node, keys): (&Arc<Node>, KeySettings),
    listener: TcpListener,
    doors: Arc<Doors>,
    reception: Reception,
    stop: impl Future<Output = ()>,
) {
    let flusher = tokio::spawn(flush_facts(Arc::clone(node)));
    let follower = tokio::spawn(node::follow(Arc::clone(node)));
    let upkeep = tokio::spawn(upkeep::run(Arc::clone(node), keys));
    notify::ready();
    let stop = async {
        stop.await;
        notify::stopping();
    };
    server::serve(listener, doors, reception, stop).await;
    flusher.abort();
    follower.abort();
    upkeep.abort();
}

fn facts(config: &Config, address: SocketAddr) -> ServeFacts {
    let data = init::absolute(&config.data);
    let is_own = config.tls.enabled && config.tls.certificate.as_os_str().is_empty();
    let bundle = is_own.then(|| authority::certificate_path(&data).display().to_string());
    let scheme = if config.tls.enabled { "https" } else { "http" };
    // Where all addresses are listened on, the first name is the one to use.
    let host = match (config.tls.hostnames.first(), address.ip().is_unspecified()) {
        (Some(name), _) => format!("{name}:{}", address.port()),
        (None, true) => format!("localhost:{}", address.port()),
        (None, false) => address.to_string(),
    };
    ServeFacts {
        endpoint: format!("{scheme}://{host}"),
        ca_bundle: bundle,
        data: data.display().to_string(),
    }
}
