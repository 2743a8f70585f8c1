//! The table of keys: the file, the variables, the printed defaults and the checks come from it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use iamd_core::quota::Quotas;
use iamd_wire::query::BODY_LENGTH_MAX;
use ipnet::IpNet;

use super::gateway::{self, GatewayConfig};
use super::slot::{Slot, Value};
use super::{
    AuditSettings, BodySettings, Config, KeySettings, LogSettings, MetricsSettings,
    PasswordSettings, RateSetting, RateSettings, ServerSettings, TlsSettings, TraceSettings,
    WhenFull,
};
use crate::log::LogFormat;
use crate::node::SESSION_DELAY_SECONDS;

/// What all variables begin with.
pub const VARIABLE_PREFIX: &str = "IAMD_";

/// A key.
pub struct Key {
    /// The section that it is in; empty for the top.
    pub section: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// The least and the greatest number.
    pub range: Option<(u64, u64)>,
    place: Place,
}

/// Where the value of a key is.
enum Place {
    Member(fn(&mut Config) -> &mut dyn Slot),
    Quota,
}

impl Key {
    /// All keys, in the order in which they are printed.
    pub fn all() -> Vec<Key> {
        let mut keys = top();
        keys.extend(server());
        keys.extend(tls());
        keys.extend(body());
        keys.extend(rates());
        keys.extend(passwords());
        keys.extend(key_rotation());
        keys.extend(quotas());
        keys.extend(gateway::keys());
        keys.extend(audit());
        keys.extend(metrics());
        keys.extend(traces());
        keys.extend(log());
        keys
    }

    /// The whole name, such as `server.listen`.
    pub fn path(&self) -> String {
        if self.section.is_empty() {
            return self.name.to_owned();
        }
        format!("{}.{}", self.section, self.name)
    }

    /// The variable, such as `IAMD_SERVER_LISTEN`.
    pub fn variable(&self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.path().replace('.', "_").to_uppercase())
    }

    /// Puts a value in its place.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that begins with the key.
    pub fn set(&self, config: &mut Config, value: &Value) -> Result<(), String> {
        let slot = self.slot(config)?;
        slot.set(value)?;
        match (self.range, slot.number()) {
            (Some((least, most)), Some(number)) if !(least..=most).contains(&number) => {
                Err(format!("is from {least} to {most}, and not {number}"))
            }
            _ => Ok(()),
        }
    }

    /// The value as TOML has it.
    pub fn toml(&self, config: &mut Config) -> String {
        self.slot(config).map(|slot| slot.toml()).unwrap_or_default()
    }

    fn slot<'a>(&self, config: &'a mut Config) -> Result<&'a mut dyn Slot, String> {
        match self.place {
            Place::Member(member) => Ok(member(config)),
            Place::Quota => match config.quotas.named_mut(self.name) {
                Some(quota) => Ok(quota),
                None => Err("is no quota".to_owned()),
            },
        }
    }
}

pub(super) fn key(
    (section, name): (&'static str, &'static str),
    about: &'static str,
    member: fn(&mut Config) -> &mut dyn Slot,
) -> Key {
    Key { section, name, about, range: None, place: Place::Member(member) }
}

fn number(
    path: (&'static str, &'static str),
    range: (u64, u64),
    about: &'static str,
    member: fn(&mut Config) -> &mut dyn Slot,
) -> Key {
    Key { range: Some(range), ..key(path, about, member) }
}

/// A day, in seconds: whatever takes longer is as good as no limit.
const DAY: u64 = 86_400;
const MILLION: u64 = 1_000_000;

fn top() -> Vec<Key> {
    vec![
        key(("", "data"), "The data folder, which `iamd init` makes.", |config| &mut config.data),
        key(
            ("", "master_key"),
            "Where the master key comes from: `file:PATH`, `env:NAME`, or `exec:PROGRAM ARGUMENT...`,\n\
             which prints its 64 hexadecimal digits. Empty: the file master.key in the data folder.",
            |config| &mut config.master_key,
        ),
        key(("", "external_url"), "Where clients reach iamd; empty: where it listens.", |config| {
            &mut config.external_url
        }),
    ]
}

fn server() -> Vec<Key> {
    vec![
        key(("server", "listen"), "The listening address; port 0 picks a free one.", |config| {
            &mut config.server.listen
        }),
        key(
            ("server", "proxies"),
            "Addresses and ranges of the proxies in front of iamd. Their X-Forwarded-For and\n\
             X-Forwarded-Proto headers are believed, and nobody else's.",
            |config| &mut config.server.proxies,
        ),
        number(
            ("server", "connections_max"),
            (1, MILLION),
            "Connections at one time. Beyond them only health checks are answered.",
            |config| &mut config.server.connections_max,
        ),
        number(
            ("server", "connections_per_address_max"),
            (1, MILLION),
            "Connections of one address (of one /64 network in IPv6). Proxies are not counted.",
            |config| &mut config.server.connections_per_address_max,
        ),
        number(
            ("server", "requests_per_connection_max"),
            (1, u64::from(u32::MAX)),
            "Requests on one connection; the last of them closes it.",
            |config| &mut config.server.requests_per_connection_max,
        ),
        number(
            ("server", "head_bytes_max"),
            (8_192, 1_048_576),
            "Bytes of the head of a request.",
            |config| &mut config.server.head_bytes_max,
        ),
        number(
            ("server", "head_seconds_max"),
            (1, DAY),
            "Seconds that the head of a request may take to arrive, from its first byte.",
            |config| &mut config.server.head_seconds_max,
        ),
        number(
            ("server", "idle_seconds_max"),
            (1, DAY),
            "Seconds that a connection may wait for its next request.",
            |config| &mut config.server.idle_seconds_max,
        ),
        number(
            ("server", "write_seconds_max"),
            (1, DAY),
            "Seconds that a client may take nothing of its answer.",
            |config| &mut config.server.write_seconds_max,
        ),
        number(
            ("server", "stop_seconds_max"),
            (0, DAY),
            "Seconds that requests under way may take once iamd is told to stop.",
            |config| &mut config.server.stop_seconds_max,
        ),
    ]
}

fn tls() -> Vec<Key> {
    vec![
        key(
            ("tls", "enabled"),
            "Whether TLS is spoken. Plain HTTP is for loopback and for named proxies only.",
            |config| &mut config.tls.enabled,
        ),
        key(
            ("tls", "hostnames"),
            "Names and addresses in the certificate that iamd makes, beside localhost, 127.0.0.1,\n\
             ::1 and the listening address.",
            |config| &mut config.tls.hostnames,
        ),
        key(
            ("tls", "certificate"),
            "A certificate of your own, with its chain, in PEM; read again when it changes.\n\
             Empty: iamd's own authority in the data folder issues one.",
            |config| &mut config.tls.certificate,
        ),
        key(("tls", "key"), "The key of that certificate, in PEM.", |config| &mut config.tls.key),
        number(
            ("tls", "handshake_seconds_max"),
            (1, DAY),
            "Seconds that a handshake may take.",
            |config| &mut config.tls.handshake_seconds_max,
        ),
    ]
}

fn body() -> Vec<Key> {
    vec![
        number(
            ("body", "bytes_max"),
            (65_536, BODY_LENGTH_MAX as u64),
            "Bytes of the body of a request.",
            |config| &mut config.body.bytes_max,
        ),
        number(
            ("body", "memory_bytes_max"),
            (1_048_576, 1 << 40),
            "Bytes of all bodies together. A quarter is for those of at most 64 KiB, which others\n\
             cannot use up.",
            |config| &mut config.body.memory_bytes_max,
        ),
        number(
            ("body", "grace_seconds"),
            (1, DAY),
            "Seconds that a body may take before its rate counts.",
            |config| &mut config.body.grace_seconds,
        ),
        number(
            ("body", "bytes_per_second_min"),
            (1, 1 << 30),
            "Bytes a second at which a body must arrive after that.",
            |config| &mut config.body.bytes_per_second_min,
        ),
    ]
}

/// Tokens and buckets: 0 switches a limit off.
const TOKENS: (u64, u64) = (0, MILLION);
const BURST: (u64, u64) = (1, MILLION);

fn rates() -> Vec<Key> {
    vec![
        number(
            ("rates", "principal_requests_per_second"),
            TOKENS,
            "Requests a second of one user, role or root, reads and writes together; 0 for no limit.",
            |config| &mut config.rates.principal_requests.per_second,
        ),
        number(
            ("rates", "principal_requests_burst"),
            BURST,
            "How many may come at once after a pause.",
            |config| &mut config.rates.principal_requests.burst,
        ),
        number(
            ("rates", "principal_writes_per_second"),
            TOKENS,
            "Writes a second of one user, role or root; 0 for no limit.",
            |config| &mut config.rates.principal_writes.per_second,
        ),
        number(
            ("rates", "principal_writes_burst"),
            BURST,
            "How many may come at once after a pause.",
            |config| &mut config.rates.principal_writes.burst,
        ),
        number(
            ("rates", "account_requests_per_second"),
            TOKENS,
            "Requests a second of a whole account, reads and writes together; 0 for no limit.",
            |config| &mut config.rates.account_requests.per_second,
        ),
        number(
            ("rates", "account_requests_burst"),
            BURST,
            "How many may come at once after a pause.",
            |config| &mut config.rates.account_requests.burst,
        ),
        number(
            ("rates", "account_writes_per_second"),
            TOKENS,
            "Writes a second of a whole account; 0 for no limit.",
            |config| &mut config.rates.account_writes.per_second,
        ),
        number(
            ("rates", "account_writes_burst"),
            BURST,
            "How many may come at once after a pause.",
            |config| &mut config.rates.account_writes.burst,
        ),
    ]
}

fn passwords() -> Vec<Key> {
    vec![
        number(
            ("passwords", "hashing_max"),
            (1, 1_024),
            "Passwords that are hashed at one time; each takes a thread and 19 MiB.",
            |config| &mut config.passwords.hashing_max,
        ),
        number(
            ("passwords", "waiting_max"),
            (0, 100_000),
            "Passwords that wait for that; more are answered with 503.",
            |config| &mut config.passwords.waiting_max,
        ),
    ]
}

fn key_rotation() -> Vec<Key> {
    vec![
        number(
            ("keys", "session_seconds"),
            (3_600, 366 * DAY),
            "Seconds after which another key seals session tokens.",
            |config| &mut config.keys.session_seconds,
        ),
        number(
            ("keys", "session_delay_seconds"),
            (0, DAY),
            "Seconds that such a key waits before it is used, so that every node knows it by then.",
            |config| &mut config.keys.session_delay_seconds,
        ),
    ]
}

fn quotas() -> Vec<Key> {
    let quota = |name| Key {
        section: "quotas",
        name,
        about: match name {
            "trust_policy_size" => "Characters in a role trust policy.",
            name if name.starts_with("attached_") => "Managed policies attached to one of these.",
            _ => "How many of these an account may have.",
        },
        range: Some((0, u64::from(u32::MAX))),
        place: Place::Quota,
    };
    Quotas::NAMES.into_iter().map(quota).collect()
}

fn metrics() -> Vec<Key> {
    vec![key(
        ("metrics", "readers"),
        "Addresses and ranges that may read the page /metrics.",
        |config| &mut config.metrics.readers,
    )]
}

fn traces() -> Vec<Key> {
    vec![key(
        ("traces", "endpoint"),
        "A collector of OpenTelemetry that takes OTLP over HTTP, such as http://127.0.0.1:4318.\n\
         Empty: no traces. Only in programs that are built with the feature otlp.",
        |config| &mut config.traces.endpoint,
    )]
}

fn audit() -> Vec<Key> {
    vec![
        key(
            ("audit", "enabled"),
            "Whether an audit trail is kept. Switch it off for measurements only.",
            |config| &mut config.audit.enabled,
        ),
        key(
            ("audit", "when_full"),
            "What happens when records come faster than the disk takes them: `wait`, and requests wait\n\
             for at most 30 seconds, or `count`, and the trail says how many are missing. Writes that\n\
             were carried out are never missing.",
            |config| &mut config.audit.when_full,
        ),
        number(
            ("audit", "waiting_max"),
            (16, MILLION),
            "Records that may wait for the disk.",
            |config| &mut config.audit.waiting_max,
        ),
        number(
            ("audit", "file_bytes_max"),
            (65_536, 1 << 30),
            "Bytes of a file of the trail before the next one is begun.",
            |config| &mut config.audit.file_bytes_max,
        ),
        number(
            ("audit", "file_hours_max"),
            (1, 24 * 366),
            "Hours of a file of the trail before the next one is begun.",
            |config| &mut config.audit.file_hours_max,
        ),
        number(
            ("audit", "retention_days"),
            (1, 36_600),
            "Days that the trail is kept, and that `aws cloudtrail lookup-events` sees.",
            |config| &mut config.audit.retention_days,
        ),
    ]
}

fn log() -> Vec<Key> {
    vec![
        key(("log", "format"), "How log lines look: text or json.", |config| {
            &mut config.log.format
        }),
        key(("log", "filter"), "What is logged, such as warn, info or debug.", |config| {
            &mut config.log.filter
        }),
    ]
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data: PathBuf::from("./iamd-data"),
            master_key: String::new(),
            external_url: String::new(),
            server: ServerSettings {
                listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4260)),
                proxies: Vec::new(),
                connections_max: 10_000,
                connections_per_address_max: 512,
                requests_per_connection_max: 100_000,
                head_bytes_max: 192 * 1024,
                head_seconds_max: 30,
                idle_seconds_max: 60,
                write_seconds_max: 30,
                stop_seconds_max: 10,
            },
            tls: TlsSettings {
                enabled: true,
                hostnames: Vec::new(),
                certificate: PathBuf::new(),
                key: PathBuf::new(),
                handshake_seconds_max: 10,
            },
            body: BodySettings {
                bytes_max: BODY_LENGTH_MAX as u32,
                memory_bytes_max: 256 * 1024 * 1024,
                grace_seconds: 10,
                bytes_per_second_min: 10_000,
            },
            rates: RateSettings {
                principal_requests: RateSetting { per_second: 500, burst: 1_000 },
                principal_writes: RateSetting { per_second: 20, burst: 200 },
                account_requests: RateSetting { per_second: 5_000, burst: 10_000 },
                account_writes: RateSetting { per_second: 100, burst: 1_000 },
            },
            passwords: PasswordSettings { hashing_max: 4, waiting_max: 64 },
            keys: KeySettings {
                session_seconds: DAY as u32,
                session_delay_seconds: SESSION_DELAY_SECONDS,
            },
            quotas: Quotas::default(),
            gateway: GatewayConfig::default(),
            audit: AuditSettings {
                enabled: true,
                when_full: WhenFull::Wait,
                waiting_max: 16_384,
                file_bytes_max: 64 * 1024 * 1024,
                file_hours_max: 24,
                retention_days: 90,
            },
            metrics: MetricsSettings {
                readers: vec![
                    IpNet::from(IpAddr::from(Ipv4Addr::LOCALHOST)),
                    IpNet::from(IpAddr::from(Ipv6Addr::LOCALHOST)),
                ],
            },
            traces: TraceSettings { endpoint: String::new() },
            log: LogSettings { format: LogFormat::Text, filter: "info".to_owned() },
        }
    }
}
