//! What must hold between settings.

use std::path::Path;

use super::{Config, Origin, Problem, gateway};
use crate::keys::MasterKeySource;
use crate::traces;

/// Everything that does not fit together. `origin` says who set a key.
pub fn whole(config: &Config, origin: impl Fn(&str) -> Origin) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut found = |key: &str, message: String| {
        problems.push(Problem { origin: origin(key), message: format!("`{key}` {message}") });
    };
    plain_http(config, &mut found);
    certificate(config, &mut found);
    hostnames(config, &mut found);
    external_url(config, &mut found);
    if let Err(message) = MasterKeySource::parse(&config.master_key, &config.data) {
        found("master_key", message);
    }
    if config.body.memory_bytes_max < 4 * u64::from(config.body.bytes_max) {
        let least = 4 * u64::from(config.body.bytes_max);
        let message = format!("is at least four times `body.bytes_max`, here {least}");
        found("body.memory_bytes_max", message);
    }
    gateway::check(config, &mut found);
    traces(config, &mut found);
    problems
}

fn traces(config: &Config, found: &mut impl FnMut(&str, String)) {
    let endpoint = &config.traces.endpoint;
    if endpoint.is_empty() {
        return;
    }
    if !traces::ARE_BUILT {
        let message = "is set, and this program was built without the feature `otlp`: build it with `cargo build --release --features otlp`";
        found("traces.endpoint", message.to_owned());
    }
    if !endpoint.starts_with("http://") {
        let message = format!(
            "is an address such as http://127.0.0.1:4318, and not `{endpoint}`; a collector elsewhere is reached through one on this machine"
        );
        found("traces.endpoint", message);
    }
}

/// Others fetch what verifies tokens from below it, so it is one that names a server and no more.
fn external_url(config: &Config, found: &mut impl FnMut(&str, String)) {
    /// Longest address; it is a part of identifiers that have 2,048 characters at most.
    const LENGTH_MAX: usize = 1_024;
    let url = config.external_url.as_str();
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_address = rest.is_some_and(|rest| {
        let is_legal = |byte: u8| byte.is_ascii_graphic() && !br#"?#"<>\^`{|}@"#.contains(&byte);
        !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(is_legal)
    });
    let is_fine = url.is_empty() || is_address && url.len() <= LENGTH_MAX;
    if !is_fine {
        let message = format!(
            "is an address such as https://iam.example.com, without a query, and not `{url}`"
        );
        found("external_url", message);
    }
}

/// Passwords and session tokens do not cross a network in the clear.
fn plain_http(config: &Config, found: &mut impl FnMut(&str, String)) {
    let listen = config.server.listen;
    if config.tls.enabled || listen.ip().is_loopback() || !config.server.proxies.is_empty() {
        return;
    }
    found(
        "tls.enabled",
        format!(
            "is false, and {} is reached from other machines: leave TLS on, listen on a loopback address, or name the proxies that speak TLS for iamd in `server.proxies`",
            listen.ip()
        ),
    );
}

fn certificate(config: &Config, found: &mut impl FnMut(&str, String)) {
    let is_set = |path: &Path| !path.as_os_str().is_empty();
    match (is_set(&config.tls.certificate), is_set(&config.tls.key)) {
        (true, false) => found("tls.certificate", "needs its key in `tls.key`".to_owned()),
        (false, true) => found("tls.key", "needs its certificate in `tls.certificate`".to_owned()),
        (true, true) | (false, false) => {}
    }
}

fn hostnames(config: &Config, found: &mut impl FnMut(&str, String)) {
    /// Longest name. RFC 1035, section 2.3.4.
    const LENGTH_MAX: usize = 253;
    let is_name = |name: &str| {
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        let name = name.strip_prefix("*.").unwrap_or(name);
        (1..=LENGTH_MAX).contains(&name.len()) && name.bytes().all(is_legal)
    };
    for name in &config.tls.hostnames {
        if !is_name(name) && name.parse::<std::net::IpAddr>().is_err() {
            found("tls.hostnames", format!("has host names and addresses, and not `{name}`"));
        }
    }
}
