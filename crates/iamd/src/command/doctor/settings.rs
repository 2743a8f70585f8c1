//! Judging settings: what is allowed and still weak.

use super::finding::Finding;
use crate::config::{Config, Problem, RateSettings};

type Check = fn(&Config) -> Option<Finding>;

/// The checks.
const CHECKS: [Check; 3] = [plain_http, rates, log_filter];

/// What is weak in settings.
pub(super) fn findings(config: &Config) -> Vec<Finding> {
    CHECKS.iter().filter_map(|check| check(config)).collect()
}

/// What reading the settings already finds odd.
pub(super) fn odd(problem: &Problem) -> Finding {
    Finding::warning(
        "settings",
        problem.to_string(),
        "what was meant has no effect",
        "correct the name or take it away; `iamd config validate` says the same",
    )
}

fn plain_http(config: &Config) -> Option<Finding> {
    if config.tls.enabled {
        return None;
    }
    let listen = config.server.listen;
    let is_own = listen.ip().is_loopback();
    let finding = if is_own { Finding::info } else { Finding::warning };
    Some(finding(
        "tls",
        format!("plain HTTP is spoken on {listen}"),
        "session tokens and answers with secrets cross the way to the proxy in the clear",
        "set `tls.enabled = true`, and let the proxy speak TLS to iamd",
    ))
}

fn rates(config: &Config) -> Option<Finding> {
    let RateSettings { principal_requests, principal_writes, account_requests, account_writes } =
        &config.rates;
    let off: Vec<&str> = [
        ("rates.principal_requests_per_second", principal_requests),
        ("rates.principal_writes_per_second", principal_writes),
        ("rates.account_requests_per_second", account_requests),
        ("rates.account_writes_per_second", account_writes),
    ]
    .into_iter()
    .filter_map(|(name, rate)| (rate.per_second == 0).then_some(name))
    .collect();
    (!off.is_empty()).then(|| {
        Finding::warning(
            "rates",
            format!("there is no limit: {} is 0", off.join(", ")),
            "one runaway program can take the whole server",
            "set limits; `iamd config print-defaults` prints the usual ones",
        )
    })
}

fn log_filter(config: &Config) -> Option<Finding> {
    let filter = &config.log.filter;
    let is_loud = filter
        .split([',', '='])
        .any(|word| matches!(word.trim().to_ascii_lowercase().as_str(), "debug" | "trace"));
    is_loud.then(|| {
        Finding::warning(
            "log",
            format!("`log.filter` is `{filter}`"),
            "every request is logged, with who made it; the disk fills, and requests are slower",
            "set `log.filter = \"info\"` unless you are looking for something",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RateSetting;

    /// The one finding after a change; the defaults have none.
    fn found(change: impl FnOnce(&mut Config)) -> String {
        assert_eq!(findings(&Config::default()), []);
        let mut config = Config::default();
        change(&mut config);
        let findings = findings(&config);
        let [finding] = &findings[..] else { panic!("{findings:?}") };
        format!("{:?} {} {}", finding.severity, finding.check, finding.what)
    }

    #[test]
    fn each_check_finds_its_own() {
        assert!(found(|config| config.tls.enabled = false).starts_with("Info tls"));
        let open = found(|config| {
            config.tls.enabled = false;
            config.server.listen = "0.0.0.0:4260".parse().unwrap();
        });
        assert_eq!(open, "Warning tls plain HTTP is spoken on 0.0.0.0:4260");
        let unlimited = RateSetting { per_second: 0, burst: 1 };
        let rates = found(|config| config.rates.account_writes = unlimited);
        assert!(rates.contains("rates.account_writes_per_second is 0"), "{rates}");
        for filter in ["debug", "info,iamd=trace", "hyper=DEBUG"] {
            assert!(found(|config| config.log.filter = filter.to_owned()).contains(filter));
        }
        let mut quiet = Config::default();
        quiet.log.filter = "warn,debugger=info".to_owned();
        assert_eq!(findings(&quiet), []);
    }
}
