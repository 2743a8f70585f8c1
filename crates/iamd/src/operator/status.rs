//! How a node is.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use iamd_core::account_id::AccountId;
use iamd_core::state::{Account, State};
use serde::{Deserialize, Serialize};

use super::wish::Site;
use crate::metrics::resident_bytes;
use crate::node::Snapshot;
use crate::tls::{self, ServedFacts, authority};
use crate::{fault::Fault, password};

/// The file in which a backup says when it was made: one line, a time.
pub const LAST_BACKUP_FILE: &str = "last-backup";
/// Longest such file that is read, in bytes.
const LAST_BACKUP_LENGTH_MAX: u64 = 256;
/// How long the store may take to say something.
const STORE_TIME_MAX: Duration = Duration::from_secs(5);

/// How a node is.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct StatusFacts {
    /// The version of iamd.
    pub version: String,
    /// How long it has been running, in seconds; none for a folder at rest.
    pub uptime_seconds: Option<u64>,
    /// Its time.
    pub now: String,
    /// Its data folder.
    pub data: String,
    /// Its store.
    pub store: StoreFacts,
    /// How much there is.
    pub counts: Counts,
    /// Writes that wait in the queues of their accounts.
    pub writes_waiting: usize,
    /// Passwords that are hashed or wait for it.
    pub passwords_waiting: usize,
    /// Revocations that are in force here, and not stored yet.
    pub revocations_waiting: usize,
    /// Open connections.
    pub connections: i64,
    /// Memory of the process, in bytes, where the system tells.
    pub memory_bytes: Option<i64>,
    /// When the certificate in force ends, if there is one.
    pub tls_ends: Option<String>,
    /// The server certificates of IAM that the gateway serves.
    #[serde(default)]
    pub gateway_certificates: Vec<CertificateFacts>,
    /// When the last backup was made, as the folder says.
    pub last_backup: Option<String>,
}

/// A server certificate of IAM that the gateway serves.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct CertificateFacts {
    /// The ARN in the settings.
    pub arn: String,
    /// The unique id of the certificate that is served under it.
    pub id: String,
    /// When that one ends.
    pub ends: String,
    /// The same in seconds from now; below zero once it has.
    pub seconds_left: i64,
    /// Whether the account still has a certificate of this ARN.
    pub is_there: bool,
}

/// How the store is.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct StoreFacts {
    /// The engine.
    pub engine: String,
    /// The number of the layout in which it keeps its data, if it has one.
    pub layout: Option<u32>,
    /// What it answers instead, if it does not answer.
    pub problem: Option<String>,
    /// How long a read takes, in milliseconds.
    pub latency_milliseconds: f64,
    /// How old the picture in memory may be, in seconds: so long has the store said nothing.
    pub snapshot_age_seconds: u64,
    /// The revisions of all accounts together: it grows with every commit.
    pub revisions: u64,
}

/// How much there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Counts {
    /// Accounts.
    pub accounts: usize,
    /// Those of them that are closed.
    pub accounts_closed: usize,
    /// Users.
    pub users: usize,
    /// Groups.
    pub groups: usize,
    /// Roles.
    pub roles: usize,
    /// Customer managed policies.
    pub policies: usize,
    /// Access keys.
    pub access_keys: usize,
    /// Sessions that were revoked one by one.
    pub revoked_sessions: usize,
    /// Credentials of operators.
    pub operators: usize,
    /// Rows of accounts and operators, every one of them sealed.
    pub rows: usize,
}

/// How the node of a site is.
///
/// # Errors
/// None: a store that is away is an answer.
pub(super) async fn status(site: &Site<'_>) -> Result<StatusFacts, Fault> {
    let node = site.node;
    let store = store(site).await;
    let snapshot = node.snapshot();
    Ok(StatusFacts {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_seconds: Some(node.heard().uptime().as_secs()),
        now: node.clock().now().to_string(),
        data: absolute(site.folder).display().to_string(),
        store,
        counts: counts(&snapshot.state),
        writes_waiting: node.commands_waiting(),
        passwords_waiting: password::waiting(),
        revocations_waiting: node.pending_revocations().len(),
        connections: node.metrics().connections_open(),
        memory_bytes: resident_bytes(),
        tls_ends: tls_ends(site.folder),
        gateway_certificates: gateway_certificates(site),
        last_backup: last_backup(site.folder),
    })
}

/// A path that other processes can use.
fn absolute(folder: &Path) -> PathBuf {
    std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

async fn store(site: &Site<'_>) -> StoreFacts {
    let start = Instant::now();
    let answer = tokio::time::timeout(STORE_TIME_MAX, site.node.store_answers()).await;
    let latency = start.elapsed();
    let problem = match answer {
        Ok(Ok(())) => None,
        Ok(Err(fault)) => Some(fault.to_string()),
        Err(_) => Some(format!("no answer within {} s", STORE_TIME_MAX.as_secs())),
    };
    let snapshot = site.node.snapshot();
    let identity = site.node.store().identity();
    StoreFacts {
        engine: identity.engine.to_owned(),
        layout: identity.layout,
        problem,
        latency_milliseconds: latency.as_secs_f64() * 1_000.0,
        snapshot_age_seconds: site.node.heard().silence().as_secs(),
        revisions: revisions(&snapshot),
    }
}

fn revisions(snapshot: &Snapshot) -> u64 {
    let accounts = snapshot.state.accounts().map(|account| account.id());
    let all = accounts.chain([AccountId::DIRECTORY, AccountId::OPERATORS]);
    all.map(|account| snapshot.revision(account).0).fold(0, u64::saturating_add)
}

/// How much there is.
fn counts(state: &State) -> Counts {
    let operators = state.operators().iter().len();
    let start = Counts { operators, rows: operators, ..Counts::default() };
    state.accounts().fold(start, |mut counts, account| {
        let access_keys = account.access_keys().count();
        counts.accounts += 1;
        counts.accounts_closed += usize::from(!account.is_open());
        counts.users += account.users().len();
        counts.groups += account.groups().len();
        counts.roles += account.roles().len();
        counts.policies += account.policies().len();
        counts.access_keys += access_keys;
        counts.revoked_sessions += account.revoked_sessions().len();
        counts.rows += rows(account, access_keys);
        counts
    })
}

/// The rows of an account, with the two that it may have in the directory.
fn rows(account: &Account, access_keys: usize) -> usize {
    let has_alias = account.settings().is_some_and(|settings| settings.alias.is_some());
    let own = account.users().len()
        + account.groups().len()
        + account.roles().len()
        + account.policies().len()
        + account.instance_profiles().len()
        + access_keys
        + account.revoked_sessions().len();
    // Its settings and its e-mail address.
    own + 2 + usize::from(has_alias)
}

/// When the certificate in force ends: what this process uses, else what the last one has issued.
fn tls_ends(folder: &Path) -> Option<String> {
    let of_file = || {
        let first = tls::first_certificate(&authority::server_certificate_path(folder)).ok()?;
        tls::validity(&first).ok()
    };
    tls::in_force_until()
        .or_else(|| of_file().map(|validity| validity.end))
        .map(|end| end.to_string())
}

fn gateway_certificates(site: &Site<'_>) -> Vec<CertificateFacts> {
    let Some(served) = site.node.facts().served_certificates() else { return Vec::new() };
    let now = site.node.clock().now();
    let facts = served.facts(&site.node.snapshot().state).into_iter();
    let fact = |facts: ServedFacts| CertificateFacts {
        arn: facts.arn,
        id: facts.id,
        ends: facts.end.to_string(),
        seconds_left: facts.end.seconds().saturating_sub(now.seconds()),
        is_there: facts.is_there,
    };
    facts.map(fact).collect()
}

fn last_backup(folder: &Path) -> Option<String> {
    use std::io::Read;
    let file = std::fs::File::open(folder.join(LAST_BACKUP_FILE)).ok()?;
    let mut text = String::new();
    file.take(LAST_BACKUP_LENGTH_MAX).read_to_string(&mut text).ok()?;
    let line = text.lines().next()?.trim();
    (!line.is_empty() && line.chars().all(|character| !character.is_control()))
        .then(|| line.to_owned())
}
