//! The settings of `iamd serve`: one table of keys, which a file, the environment and the command
//! line fill in that order; the later one wins.

mod check;
mod file;
mod gateway;
mod keys;
mod printed;
mod slot;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use iamd_core::quota::Quotas;
use ipnet::IpNet;

pub use gateway::GatewayConfig;
pub use keys::Key;
pub use printed::defaults;

use crate::log::LogFormat;
use slot::Value;

/// Everything that can be set. The keys, with what they mean, are in `keys.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// Where the master key comes from; empty for the file in the data folder.
    pub master_key: String,
    /// The address under which clients reach iamd; empty for the listening address.
    pub external_url: String,
    /// Listening and connections.
    pub server: ServerSettings,
    /// Transport Layer Security.
    pub tls: TlsSettings,
    /// Bodies of requests.
    pub body: BodySettings,
    /// How many requests callers may make.
    pub rates: RateSettings,
    /// Hashing of passwords.
    pub passwords: PasswordSettings,
    /// Rotation of keys.
    pub keys: KeySettings,
    /// Quotas of accounts.
    pub quotas: Quotas,
    /// The gateway in front of an S3 store.
    pub gateway: GatewayConfig,
    /// The audit trail.
    pub audit: AuditSettings,
    /// The metrics.
    pub metrics: MetricsSettings,
    /// Traces.
    pub traces: TraceSettings,
    /// The log.
    pub log: LogSettings,
}

/// Listening and connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// The listening address.
    pub listen: SocketAddr,
    /// Proxies whose `X-Forwarded-*` headers are believed.
    pub proxies: Vec<IpNet>,
    /// Most connections.
    pub connections_max: u32,
    /// Most connections of one address.
    pub connections_per_address_max: u32,
    /// Most requests on one connection.
    pub requests_per_connection_max: u32,
    /// Longest head of a request, in bytes.
    pub head_bytes_max: u32,
    /// How long a head may take to arrive.
    pub head_seconds_max: u32,
    /// How long a connection may be idle.
    pub idle_seconds_max: u32,
    /// How long a client may refuse to take more of an answer.
    pub write_seconds_max: u32,
    /// How long requests may take once the server is told to stop.
    pub stop_seconds_max: u32,
}

/// Transport Layer Security.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// Whether it is spoken at all.
    pub enabled: bool,
    /// Names in the own certificate.
    pub hostnames: Vec<String>,
    /// A given certificate with its chain; empty for an own one.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// How long a handshake may take.
    pub handshake_seconds_max: u32,
}

/// Bodies of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodySettings {
    /// Longest body, in bytes.
    pub bytes_max: u32,
    /// Most bytes of all bodies together.
    pub memory_bytes_max: u64,
    /// How long a body may take before its rate counts.
    pub grace_seconds: u32,
    /// Least bytes a second.
    pub bytes_per_second_min: u32,
}

/// How many requests callers may make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateSettings {
    /// Requests of one principal.
    pub principal_requests: RateSetting,
    /// Those of them that write.
    pub principal_writes: RateSetting,
    /// Requests of one account.
    pub account_requests: RateSetting,
    /// Those of them that write.
    pub account_writes: RateSetting,
}

/// A token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSetting {
    /// Tokens that come back each second; 0 for no limit.
    pub per_second: u32,
    /// Most tokens.
    pub burst: u32,
}

/// Hashing of passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordSettings {
    /// How many are hashed at one time.
    pub hashing_max: u32,
    /// How many more may wait.
    pub waiting_max: u32,
}

/// The audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSettings {
    /// Whether records are kept.
    pub enabled: bool,
    /// What happens to requests whose records find no place.
    pub when_full: WhenFull,
    /// How many records may wait for the disk.
    pub waiting_max: u32,
    /// Bytes of a file before the next one is begun.
    pub file_bytes_max: u64,
    /// Hours of a file before the next one is begun.
    pub file_hours_max: u32,
    /// Days that files and records are kept.
    pub retention_days: u32,
}

/// What happens to requests whose records find no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WhenFull {
    /// They wait, and are refused if that takes long.
    Wait,
    /// They are answered, and the trail says how many records are missing.
    Count,
}

/// The metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsSettings {
    /// Addresses that may read them.
    pub readers: Vec<IpNet>,
}

/// Traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceSettings {
    /// The collector that they are sent to; empty for none.
    pub endpoint: String,
}

/// Rotation of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySettings {
    /// How long a session ring key seals, in seconds.
    pub session_seconds: u32,
    /// How long after it was made it begins to, in seconds.
    pub session_delay_seconds: u32,
}

/// The log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// How lines look.
    pub format: LogFormat,
    /// What is logged.
    pub filter: String,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A line of the file.
    Line(PathBuf, usize),
    /// A variable.
    Variable(String),
    /// An option of the command line.
    Flag(String),
    /// Nobody set it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Line(path, line) => write!(formatter, "{}:{line}", path.display()),
            Origin::Variable(name) | Origin::Flag(name) => formatter.write_str(name),
            Origin::Default => formatter.write_str("default"),
        }
    }
}

/// Something wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub origin: Origin,
    /// What, and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.origin, self.message)
    }
}

/// What was said on the command line.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// The file.
    pub file: Option<PathBuf>,
    /// Keys with their values, and the options that said so.
    pub flags: Vec<Flag>,
}

/// A key that the command line sets.
#[derive(Debug, Clone)]
pub struct Flag {
    /// The option, as messages name it.
    pub option: String,
    /// The key, such as `server.listen`.
    pub key: String,
    /// The value as text.
    pub value: String,
}

/// The settings in force.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// What somebody set, and where.
    pub origins: BTreeMap<String, Origin>,
    /// What is odd, but stops nothing.
    pub warnings: Vec<Problem>,
}

/// Reads the settings. `environment` is what `std::env::vars` gives.
///
/// # Errors
/// Everything that is wrong, not only the first.
pub fn load(
    said: &Said,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, Vec<Problem>> {
    let mut draft = Draft::default();
    if let Some(path) = &said.file {
        draft.read_file(path);
    }
    draft.read_environment(environment);
    for flag in &said.flags {
        let origin = Origin::Flag(flag.option.clone());
        draft.set(&flag.key, &Value::Word(flag.value.clone()), origin);
    }
    draft.finish()
}

/// Settings that are being put together.
struct Draft {
    config: Config,
    keys: Vec<Key>,
    origins: BTreeMap<String, Origin>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Default for Draft {
    fn default() -> Draft {
        Draft {
            config: Config::default(),
            keys: Key::all(),
            origins: BTreeMap::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

impl Draft {
    fn read_file(&mut self, path: &Path) {
        match file::read(path) {
            Ok(entries) => {
                for entry in entries {
                    let origin = Origin::Line(path.to_owned(), entry.line);
                    self.set(&entry.key, &entry.value, origin);
                }
            }
            Err(problem) => self.problems.push(problem),
        }
    }

    fn read_environment(&mut self, environment: impl Iterator<Item = (String, String)>) {
        let mut variables: Vec<(String, String)> =
            environment.filter(|(name, _)| name.starts_with(keys::VARIABLE_PREFIX)).collect();
        variables.sort();
        for (name, value) in variables {
            let key = self.keys.iter().find(|key| key.variable() == name).map(Key::path);
            match key {
                Some(key) => self.set(&key, &Value::Word(value), Origin::Variable(name)),
                None => self.warn_of_variable(name),
            }
        }
    }

    /// Orchestrators invent variables such as `IAMD_SERVER_PORT`, so that this is no error.
    fn warn_of_variable(&mut self, name: String) {
        let in_a_section = self.keys.iter().any(|key| {
            !key.section.is_empty()
                && name.starts_with(&format!(
                    "{}{}_",
                    keys::VARIABLE_PREFIX,
                    key.section.to_uppercase()
                ))
        });
        if in_a_section {
            let variables: Vec<String> = self.keys.iter().map(Key::variable).collect();
            let message = match nearest(&name, variables.iter().map(String::as_str)) {
                Some(near) => format!("no key has this variable; did you mean `{near}`?"),
                None => "no key has this variable".to_owned(),
            };
            self.warnings.push(Problem { origin: Origin::Variable(name), message });
        }
    }

    fn set(&mut self, path: &str, value: &Value, origin: Origin) {
        let Some(key) = self.keys.iter().find(|key| key.path() == path) else {
            let message = unknown(path, &self.keys);
            self.problems.push(Problem { origin, message });
            return;
        };
        match key.set(&mut self.config, value) {
            Ok(()) => {
                self.origins.insert(path.to_owned(), origin);
            }
            Err(message) => {
                self.problems.push(Problem { origin, message: format!("`{path}` {message}") });
            }
        }
    }

    fn finish(mut self) -> Result<Loaded, Vec<Problem>> {
        // What does not fit together can be said only of values that are right by themselves.
        if self.problems.is_empty() {
            let origin = |key: &str| self.origins.get(key).cloned().unwrap_or(Origin::Default);
            self.problems = check::whole(&self.config, origin);
        }
        if self.problems.is_empty() {
            let Draft { config, origins, warnings, .. } = self;
            return Ok(Loaded { config, origins, warnings });
        }
        Err(self.problems)
    }
}

fn unknown(path: &str, keys: &[Key]) -> String {
    let paths: Vec<String> = keys.iter().map(Key::path).collect();
    match nearest(path, paths.iter().map(String::as_str)) {
        Some(near) => format!("there is no key `{path}`; did you mean `{near}`?"),
        None => {
            format!(
                "there is no key `{path}`; `iamd config print-defaults` shows all that there are"
            )
        }
    }
}

/// The name that is written most like another, if one is near.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// How alike two names must be; 1 for the same.
    const LIKENESS_MIN: f64 = 0.8;
    let likeness = |known: &str| strsim::jaro_winkler(name, known).max(last_parts(name, known));
    names
        .map(|known| (likeness(known), known))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        // The first of those that are as near.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, known)| known)
}

/// A right name in a wrong section is near, too.
fn last_parts(name: &str, known: &str) -> f64 {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    if last(name) == last(known) { 0.95 } else { 0.0 }
}

#[cfg(test)]
mod tests;
