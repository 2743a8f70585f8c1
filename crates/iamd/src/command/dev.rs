//! `iamd dev`: one process, nothing to configure.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use iamd_core::account_id::AccountId;
use iamd_core::quota::Quotas;
use iamd_core::state::{Account, KeyOwner};
use iamd_core::unique_id::AccessKeyId;
use iamd_wire::Secret;
use tokio::net::TcpListener;

use super::folder;
use super::gateway::{GatewayOptions, Guard};
use super::printout::{self, DevFacts};
use crate::config::{AuditSettings, Config, ServerSettings};
use crate::doors::{DevDoor, Doors};
use crate::fault::Fault;
use crate::founder::{self, Order};
use crate::limits::Limits;
use crate::log::{self, LogFormat};
use crate::node::{self, Node, Snapshot, upkeep};
use crate::server::{Reception, Versions};
use crate::{operator, server};

/// How often the facts of last use go to the store.
const FACTS_INTERVAL: Duration = Duration::from_secs(60);
/// The user whom the first access key belongs to when nothing is said.
const ADMINISTRATOR: &str = "admin";

#[derive(Args)]
pub(super) struct Options {
    /// The loopback address to listen on; port 0 picks a free one.
    #[arg(long, env = "IAMD_LISTEN", default_value = "127.0.0.1:4260")]
    listen: SocketAddr,
    /// The data folder; it is created, or reopened with its contents.
    #[arg(long, env = "IAMD_DATA", default_value = "./iamd-data")]
    data: PathBuf,
    /// Keeps everything in memory only.
    #[arg(long, conflicts_with = "data")]
    ephemeral: bool,
    /// The number of the account, 12 digits; drawn if absent.
    #[arg(long)]
    account_id: Option<String>,
    /// A predictable access key id, for tests.
    #[arg(long, requires = "secret_access_key")]
    access_key_id: Option<String>,
    /// Its secret.
    #[arg(long, requires = "access_key_id")]
    secret_access_key: Option<Secret>,
    /// Whose the predictable key is: `root`, or a user who is created as administrator.
    #[arg(long, requires = "access_key_id")]
    key_owner: Option<String>,
    /// Root's e-mail address.
    #[arg(long)]
    root_email: Option<String>,
    /// Root's password; drawn if absent.
    #[arg(long, env = "IAMD_ROOT_PASSWORD", hide_env_values = true)]
    root_password: Option<Secret>,
    /// Another quota than AWS's default, such as `users=20000`; may be given several times.
    #[arg(long = "quota", value_name = "NAME=NUMBER")]
    quotas: Vec<String>,
    /// Keeps no audit trail; for measurements.
    #[arg(long)]
    no_audit: bool,
    #[command(flatten)]
    gateway: GatewayOptions,
    /// Prints the facts as one line of JSON.
    #[arg(long)]
    json: bool,
    /// How log lines look.
    #[arg(long, env = "IAMD_LOG_FORMAT", value_enum, default_value = "text")]
    log_format: LogFormat,
    /// What is logged, such as `warn`, `info` or `debug`.
    #[arg(long, env = "IAMD_LOG", default_value = "info")]
    log: String,
}

/// The address when nothing is said.
const ROOT_EMAIL_DEFAULT: &str = "root@example.com";

pub(super) async fn run(options: Options) -> Result<(), Fault> {
    log::start(options.log_format, &options.log);
    [Some(options.listen), options.gateway.listen]
        .into_iter()
        .flatten()
        .try_for_each(refuse_outside)?;
    let quotas = quotas(&options.quotas)?;
    let place = Place::of(&options)?;
    let node = match &place {
        Place::Folder(folder) => {
            folder::refuse_production(folder)?;
            folder::open(folder, quotas).await?
        }
        Place::Memory(_) => folder::ephemeral(quotas).await?,
    };
    node.start_audit(place.folder(), &audit_settings(&options))?;
    let outcome = serve(&options, &place, &node).await;
    // What was accepted is finished whatever went wrong.
    node.flush_facts().await?;
    node.close().await?;
    outcome
}

fn audit_settings(options: &Options) -> AuditSettings {
    AuditSettings { enabled: !options.no_audit, ..Config::default().audit }
}

/// AWS's default quotas, with those that the options set.
fn quotas(settings: &[String]) -> Result<Quotas, Fault> {
    let mut quotas = Quotas::default();
    for setting in settings {
        let parts = setting.split_once('=');
        let parts = parts.and_then(|(name, number)| {
            Some((quotas.named_mut(name.trim())?, number.trim().parse().ok()?))
        });
        let Some((quota, number)) = parts else {
            return Err(Fault::Refused(format!(
                "`{setting}` is not a quota: NAME=NUMBER, with one of the names {}",
                Quotas::NAMES.join(", ")
            )));
        };
        *quota = number;
    }
    Ok(quotas)
}

/// Where the data is, and the operator's socket.
enum Place {
    Folder(PathBuf),
    /// Only the socket is in the folder, which ends with the process.
    Memory(SocketFolder),
}

impl Place {
    fn of(options: &Options) -> Result<Place, Fault> {
        if options.ephemeral {
            return SocketFolder::make().map(Place::Memory);
        }
        Ok(Place::Folder(options.data.clone()))
    }

    fn folder(&self) -> &Path {
        match self {
            Place::Folder(folder) => folder,
            Place::Memory(folder) => &folder.0,
        }
    }
}

/// A private folder for the socket of a process without data.
struct SocketFolder(PathBuf);

impl SocketFolder {
    fn make() -> Result<SocketFolder, Fault> {
        use std::os::unix::fs::DirBuilderExt;
        let path = std::env::temp_dir().join(format!("iamd-{}", crate::entropy::request_id()?));
        std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(|error| {
            Fault::Folder(format!("the folder {} cannot be made: {error}", path.display()))
        })?;
        Ok(SocketFolder(path))
    }
}

impl Drop for SocketFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn serve(options: &Options, place: &Place, node: &Arc<Node>) -> Result<(), Fault> {
    let listener = server::bind(options.listen).await?;
    let address = address_of(&listener)?;
    // Before anything is said: whoever reads that it runs may tell it to stop at once.
    let stop = server::stop_signal()?;
    let here = (node, place.folder());
    let guard = options.gateway.open(here, Limits::generous(), &Config::default()).await?;
    let opened = open_account(options, node).await?;
    let _operator = operator::open(node, place.folder())?;
    let start = node.remember();
    let doors = Doors::new(Arc::clone(node)).with_dev(DevDoor { address, start });
    let doors = Arc::new(doors.with_operators(place.folder()));
    let facts = DevFacts {
        account_id: opened.account_id,
        endpoint: url_of(&listener)?,
        console: None,
        root_email: opened.root_email,
        root_password: opened.root_password,
        access_key_id: opened.access_key_id,
        secret_access_key: opened.secret_access_key,
        gateway: guard.as_ref().map(Guard::url).transpose()?,
        metadata: None,
        data: place.folder().display().to_string(),
    };
    node.set_external_url(&facts.endpoint);
    if options.json {
        printout::json(&facts)?;
    } else {
        let kept_in = match place {
            Place::Folder(folder) => folder.display().to_string(),
            Place::Memory(_) => "in memory only".to_owned(),
        };
        printout::dev(&facts, &opened.key_owner, &kept_in)?;
    }
    tracing::info!(%address, account = facts.account_id, "iamd dev is listening");
    let flusher = tokio::spawn(flush_facts(Arc::clone(node)));
    let follower = tokio::spawn(node::follow(Arc::clone(node)));
    let upkeep = tokio::spawn(upkeep::run(Arc::clone(node), Config::default().keys));
    let guarding = guard.map(|guard| guard.serve(connections())).transpose()?;
    let reception = Reception { settings: connections(), tls: None, versions: Versions::One };
    server::serve(listener, doors, reception, stop).await;
    if let Some(guarding) = guarding {
        // It heard the same signal.
        let _ = guarding.await;
    }
    flusher.abort();
    follower.abort();
    upkeep.abort();
    tracing::info!("iamd dev has stopped");
    Ok(())
}

/// Refuses addresses that others can reach.
fn refuse_outside(address: SocketAddr) -> Result<(), Fault> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    Err(Fault::Refused(format!(
        "`iamd dev` listens on loopback only, and {} is another address",
        address.ip()
    )))
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, Fault> {
    listener
        .local_addr()
        .map_err(|error| Fault::Unavailable(format!("the address is unknown: {error}")))
}

fn url_of(listener: &TcpListener) -> Result<String, Fault> {
    Ok(format!("http://{}", address_of(listener)?))
}

/// One address may have all connections: it is the developer's own.
fn connections() -> ServerSettings {
    let settings = Config::default().server;
    ServerSettings {
        connections_per_address_max: settings.connections_max,
        requests_per_connection_max: u32::MAX,
        ..settings
    }
}

/// Writes the facts of last use to the store, now and then.
pub(super) async fn flush_facts(node: Arc<Node>) {
    loop {
        tokio::time::sleep(FACTS_INTERVAL).await;
        if let Err(fault) = node.flush_facts().await {
            tracing::warn!("times of last use were not written: {fault}");
        }
    }
}

/// What is known of the account that `iamd dev` speaks of.
struct Opened {
    account_id: String,
    root_email: String,
    root_password: Option<Secret>,
    key_owner: String,
    access_key_id: Option<String>,
    secret_access_key: Option<Secret>,
}

async fn open_account(options: &Options, node: &Arc<Node>) -> Result<Opened, Fault> {
    let snapshot = node.snapshot();
    match oldest_account(&snapshot) {
        Some(account) => reopen(options, &snapshot, account),
        None => found(options, node).await,
    }
}

fn oldest_account(snapshot: &Snapshot) -> Option<&Arc<Account>> {
    let created = |account: &&Arc<Account>| {
        account.settings().map(|settings| (settings.created.seconds(), account.id()))
    };
    snapshot.state.accounts().min_by_key(created)
}

async fn found(options: &Options, node: &Arc<Node>) -> Result<Opened, Fault> {
    let default_owner = if options.access_key_id.is_some() { "root" } else { ADMINISTRATOR };
    let order = Order {
        account_id: options.account_id.clone(),
        root_email: options.root_email.clone().unwrap_or_else(|| ROOT_EMAIL_DEFAULT.to_owned()),
        root_password: options.root_password.clone(),
        access_key_id: options.access_key_id.clone(),
        secret_access_key: options.secret_access_key.clone(),
        key_owner: Some(options.key_owner.clone().unwrap_or_else(|| default_owner.to_owned())),
    };
    let facts = founder::found(node, order).await?;
    Ok(Opened {
        account_id: facts.account_id,
        root_email: facts.root_email,
        root_password: Some(facts.root_password),
        key_owner: facts.key_owner.unwrap_or_default(),
        access_key_id: facts.access_key_id,
        secret_access_key: facts.secret_access_key,
    })
}

/// An account that is there already keeps what it has: what the options say must agree with it.
fn reopen(options: &Options, snapshot: &Snapshot, oldest: &Arc<Account>) -> Result<Opened, Fault> {
    let account = match &options.account_id {
        Some(id) => existing(snapshot, founder::parse_account_id(id)?)?,
        None => oldest,
    };
    let settings =
        account.settings().ok_or_else(|| Fault::Bug("an account without settings".to_owned()))?;
    if options
        .root_email
        .as_ref()
        .is_some_and(|email| !email.eq_ignore_ascii_case(&settings.root_email))
    {
        return Err(differs(&format!("root e-mail address of account {}", account.id())));
    }
    let mut opened = Opened {
        account_id: account.id().to_string(),
        root_email: settings.root_email.to_string(),
        root_password: None,
        key_owner: String::new(),
        access_key_id: first_key(account).map(|id| id.to_string()),
        secret_access_key: None,
    };
    if let (Some(id), Some(secret)) = (&options.access_key_id, &options.secret_access_key) {
        let agrees = id.parse::<AccessKeyId>().ok().and_then(|id| {
            let (owner, key) = snapshot.state.access_key(&id)?;
            let same_secret = key.secret == *secret;
            let same_owner = options
                .key_owner
                .as_deref()
                .is_none_or(|name| name == owner_name(owner, key.owner));
            (owner.id() == account.id() && same_secret && same_owner).then_some(())
        });
        agrees.ok_or_else(|| differs("predictable credentials"))?;
        opened.access_key_id = Some(id.clone());
        opened.secret_access_key = Some(secret.clone());
    }
    Ok(opened)
}

fn existing(snapshot: &Snapshot, id: AccountId) -> Result<&Arc<Account>, Fault> {
    snapshot.state.account(id).ok_or_else(|| differs("account id"))
}

fn owner_name(account: &Account, owner: KeyOwner) -> String {
    match owner {
        KeyOwner::Root => "root".to_owned(),
        KeyOwner::User(id) => {
            account.users().with_id(id).map(|user| user.name.to_string()).unwrap_or_default()
        }
    }
}

/// A key to tell of: the administrator's, else root's.
fn first_key(account: &Account) -> Option<AccessKeyId> {
    let administrator = account.users().named(ADMINISTRATOR).map(|user| KeyOwner::User(user.id));
    let owners = administrator.into_iter().chain([KeyOwner::Root]);
    owners.flat_map(|owner| account.keys_of(owner)).map(|key| key.id.clone()).next()
}

fn differs(what: &str) -> Fault {
    Fault::Refused(format!(
        "the data folder exists and its {what} is not the one given; leave the option out, choose another --data, or remove the folder"
    ))
}
