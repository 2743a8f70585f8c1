//! Judging what a node says of itself.

use super::finding::Finding;
use crate::operator::{Named, NodeFacts};

/// By how many seconds a clock may be set while a node runs.
// CHOICE: leap seconds and slow adjustments stay below it.
const CLOCK_SET_MAX: f64 = 5.0;
/// By how many seconds the clock may be behind the newest time in the data.
const CLOCK_BEHIND_MAX: i64 = 5;
/// How old the picture in memory may be, in seconds.
const SNAPSHOT_AGE_MAX: u64 = 300;
/// How long a read of the store may take, in milliseconds.
const READ_MILLISECONDS_MAX: f64 = 100.0;

/// From how many seconds before its end on a certificate is worth a warning.
const CERTIFICATE_SECONDS_MIN: i64 = 30 * 24 * 60 * 60;

type Check = fn(&NodeFacts) -> Option<Finding>;

/// The checks.
const CHECKS: [Check; 12] = [
    clock_set,
    clock_behind,
    store_away,
    store_slow,
    rows,
    revocations,
    forwarded,
    certificates_end,
    certificates_gone,
    weak_hashes,
    root_keys,
    root_mfa,
];

/// What is wrong with a node.
pub(super) fn findings(facts: &NodeFacts) -> Vec<Finding> {
    CHECKS.iter().filter_map(|check| check(facts)).collect()
}

fn clock_set(facts: &NodeFacts) -> Option<Finding> {
    let set = facts.clock_set_seconds;
    (set.abs() > CLOCK_SET_MAX).then(|| {
        Finding::warning(
            "clock",
            format!("the machine's clock was set by {set:.0} s since the node started"),
            "signatures are good for 15 minutes around their time, sessions and one-time codes depend on it",
            "keep the clock with NTP, such as chrony or systemd-timesyncd, so that it is not set in jumps",
        )
    })
}

fn clock_behind(facts: &NodeFacts) -> Option<Finding> {
    let behind = facts.newest?.saturating_sub(facts.now);
    (behind > CLOCK_BEHIND_MAX).then(|| {
        Finding::error(
            "clock",
            format!("the clock is {behind} s behind the newest time in the data"),
            "sessions that have ended are good again, and clients with the right time are refused",
            "set the clock, and keep it with NTP",
        )
    })
}

fn store_away(facts: &NodeFacts) -> Option<Finding> {
    let store = &facts.status.store;
    let (problem, age) = (store.problem.as_ref(), store.snapshot_age_seconds);
    if problem.is_none() && age <= SNAPSHOT_AGE_MAX {
        return None;
    }
    let what = problem.map_or_else(|| "the store said nothing".to_owned(), Clone::clone);
    Some(Finding::error(
        "store",
        format!("{what}; the picture in memory may be {age} s old"),
        "reads and sessions go on, writes are refused",
        "see what the disk or the database has; `iamd revoke` works meanwhile",
    ))
}

fn store_slow(facts: &NodeFacts) -> Option<Finding> {
    let store = &facts.status.store;
    let is_slow = store.problem.is_none() && store.latency_milliseconds > READ_MILLISECONDS_MAX;
    is_slow.then(|| {
        Finding::warning(
            "store",
            format!("a small read of the store takes {:.0} ms", store.latency_milliseconds),
            "writes and starts are slow",
            "see what else uses the disk; local flash is what it is meant for",
        )
    })
}

fn rows(facts: &NodeFacts) -> Option<Finding> {
    let problem = facts.rows_problem.as_ref()?;
    Some(Finding::error(
        "rows",
        problem.clone(),
        "what was altered is not served after the next start, which would fail",
        "find out who can write to the data folder, and restore a backup",
    ))
}

fn revocations(facts: &NodeFacts) -> Option<Finding> {
    let count = facts.status.revocations_waiting;
    (count > 0).then(|| {
        Finding::warning(
            "revocations",
            format!("{count} revocations are in force on this node and not stored yet"),
            "other nodes do not know of them",
            "see why the store takes no writes; they are stored by themselves once it does",
        )
    })
}

fn forwarded(facts: &NodeFacts) -> Option<Finding> {
    let count = facts.forwarded_by_strangers;
    (count > 0).then(|| {
        Finding::warning(
            "proxies",
            format!("{count} requests with X-Forwarded-For came from addresses that are no named proxies"),
            "aws:SourceIp is the address of the proxy then; or somebody tries to make one up",
            "name your proxies in `server.proxies`; without any, leave it as it is",
        )
    })
}

fn certificates_end(facts: &NodeFacts) -> Option<Finding> {
    let served = facts.status.gateway_certificates.iter();
    let first = served.min_by_key(|served| served.seconds_left)?;
    let (arn, ends, left) = (&first.arn, &first.ends, first.seconds_left);
    let why = "clients refuse to connect to the gateway with a certificate that has ended";
    let todo = "upload the next one with `aws iam upload-server-certificate`, and give it the name of this one with `aws iam update-server-certificate`";
    if left < 0 {
        let what = format!("the gateway's certificate {arn} ended at {ends}");
        return Some(Finding::error("gateway certificates", what, why, todo));
    }
    (left < CERTIFICATE_SECONDS_MIN).then(|| {
        let what = format!("the gateway's certificate {arn} ends at {ends}");
        Finding::warning("gateway certificates", what, why, todo)
    })
}

fn certificates_gone(facts: &NodeFacts) -> Option<Finding> {
    let mut served = facts.status.gateway_certificates.iter();
    let gone = served.find(|served| !served.is_there)?;
    Some(Finding::error(
        "gateway certificates",
        format!("no account has the gateway's certificate {} any more", gone.arn),
        "the gateway serves the last one until it ends, and would not start again",
        "upload one of this name and path, or name another in `gateway.tls_certificates`",
    ))
}

fn weak_hashes(facts: &NodeFacts) -> Option<Finding> {
    let names = named(&facts.weak_hashes)?;
    Some(Finding::warning(
        "passwords",
        format!("root's password is hashed with less work than is usual now: {names}"),
        "whoever gets hold of the hash guesses faster",
        "set the password anew, such as with `iamd account reset-root-password ACCOUNT`",
    ))
}

fn root_keys(facts: &NodeFacts) -> Option<Finding> {
    let names = named(&facts.root_keys)?;
    Some(Finding::warning(
        "root",
        format!("root has access keys: {names}"),
        "no policy limits root, and a key of his can be lost like any other",
        "give the work to a user or role, and delete root's keys with `aws iam delete-access-key` as root",
    ))
}

fn root_mfa(facts: &NodeFacts) -> Option<Finding> {
    let names = named(&facts.root_without_mfa)?;
    Some(Finding::info(
        "root",
        format!("root has no MFA device: {names}"),
        "the password alone opens the account",
        "as root, give root a device with `aws iam enable-mfa-device --user-name ACCOUNT`",
    ))
}

/// The accounts in words; none if there are none.
fn named(accounts: &Named) -> Option<String> {
    let more = accounts.count.saturating_sub(accounts.first.len());
    let names = accounts.first.join(", ");
    match (accounts.count, more) {
        (0, _) => None,
        (_, 0) => Some(names),
        (_, more) => Some(format!("{names} and {more} more")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::{CertificateFacts, Counts, StatusFacts, StoreFacts};

    fn healthy() -> NodeFacts {
        NodeFacts {
            status: StatusFacts {
                version: "1".to_owned(),
                uptime_seconds: Some(1),
                now: "2026-01-31T12:00:00Z".to_owned(),
                data: "/data".to_owned(),
                store: StoreFacts {
                    engine: "sqlite".to_owned(),
                    layout: Some(1),
                    problem: None,
                    latency_milliseconds: 1.0,
                    snapshot_age_seconds: 300,
                    revisions: 1,
                },
                counts: Counts::default(),
                writes_waiting: 0,
                passwords_waiting: 0,
                revocations_waiting: 0,
                connections: 0,
                memory_bytes: None,
                tls_ends: None,
                gateway_certificates: vec![certificate()],
                last_backup: None,
            },
            now: 1_000,
            clock_set_seconds: -5.0,
            newest: Some(1_005),
            rows_problem: None,
            root_keys: Named::default(),
            root_without_mfa: Named::default(),
            weak_hashes: Named::default(),
            forwarded_by_strangers: 0,
        }
    }

    fn certificate() -> CertificateFacts {
        CertificateFacts {
            arn: "arn:aws:iam::111122223333:server-certificate/www".to_owned(),
            id: "ASCAEXAMPLE".to_owned(),
            ends: "2026-03-02T12:00:00Z".to_owned(),
            seconds_left: CERTIFICATE_SECONDS_MIN,
            is_there: true,
        }
    }

    /// The one finding after a change, in words; the healthy node has none.
    fn found(change: impl FnOnce(&mut NodeFacts)) -> String {
        assert_eq!(findings(&healthy()), []);
        let mut facts = healthy();
        change(&mut facts);
        let findings = findings(&facts);
        let [finding] = &findings[..] else { panic!("{findings:?}") };
        assert!(!finding.why.is_empty() && !finding.todo.is_empty());
        format!("{:?} {} {}", finding.severity, finding.check, finding.what)
    }

    #[test]
    fn each_check_finds_its_own() {
        let one = || Named { count: 1, first: vec!["111122223333".to_owned()] };
        let many = Named { count: 3, ..one() };
        assert!(found(|facts| facts.clock_set_seconds = -5.1).starts_with("Warning clock"));
        assert!(found(|facts| facts.clock_set_seconds = 3_600.0).contains("set by 3600 s"));
        assert!(found(|facts| facts.newest = Some(1_006)).starts_with("Error clock"));
        let away = found(|facts| facts.status.store.problem = Some("gone".to_owned()));
        assert!(away.starts_with("Error store gone"), "{away}");
        let old = found(|facts| facts.status.store.snapshot_age_seconds = 301);
        assert!(old.contains("may be 301 s old"), "{old}");
        let slow = found(|facts| facts.status.store.latency_milliseconds = 100.1);
        assert!(slow.starts_with("Warning store"), "{slow}");
        assert!(found(|facts| facts.rows_problem = Some("row".to_owned())).starts_with("Error"));
        assert!(found(|facts| facts.status.revocations_waiting = 2).contains("2 revocations"));
        assert!(found(|facts| facts.forwarded_by_strangers = 1).starts_with("Warning proxies"));
        let served = |change: fn(&mut CertificateFacts)| {
            let mut later = certificate();
            change(&mut later);
            found(|facts| facts.status.gateway_certificates.push(later))
        };
        let near = served(|served| served.seconds_left -= 1);
        assert!(near.starts_with("Warning gateway certificates"), "{near}");
        assert!(served(|served| served.seconds_left = -1).starts_with("Error gateway"));
        let gone = served(|served| served.is_there = false);
        assert!(gone.contains("server-certificate/www any more"), "{gone}");
        assert!(found(|facts| facts.weak_hashes = one()).starts_with("Warning passwords"));
        assert!(found(|facts| facts.root_keys = many).ends_with("111122223333 and 2 more"));
        assert!(found(|facts| facts.root_without_mfa = one()).starts_with("Info root"));
    }
}
