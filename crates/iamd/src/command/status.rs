//! `iamd status`: how a node is.

use super::granted::lines;
use super::place::Place;
use crate::fault::Fault;
use crate::operator::{StatusFacts, Wish};

pub(super) async fn run(place: Place) -> Result<(), Fault> {
    place.run(Wish::Status).await
}

/// The facts for people.
pub(super) fn text(facts: &StatusFacts) -> String {
    let counts = &facts.counts;
    let store = &facts.store;
    let layout = store.layout.map(|layout| format!(", layout {layout}")).unwrap_or_default();
    let memory = facts.memory_bytes.map(|bytes| format!("{} MiB", bytes / (1024 * 1024)));
    let unknown = || "not known".to_owned();
    let pairs = [
        ("Version", facts.version.clone()),
        ("Up", facts.uptime_seconds.map_or_else(|| "no, at rest".to_owned(), duration)),
        ("Time", facts.now.clone()),
        ("Data", facts.data.clone()),
        ("Store", format!("{}{layout}, revisions {}", store.engine, store.revisions)),
        (
            "Store answers",
            match &store.problem {
                None => format!("in {:.1} ms", store.latency_milliseconds),
                Some(problem) => format!("no: {problem}"),
            },
        ),
        ("Snapshot age", duration(store.snapshot_age_seconds)),
        (
            "Accounts",
            match counts.accounts_closed {
                0 => counts.accounts.to_string(),
                closed => format!("{} ({closed} closed)", counts.accounts),
            },
        ),
        ("Users", counts.users.to_string()),
        ("Groups", counts.groups.to_string()),
        ("Roles", counts.roles.to_string()),
        ("Policies", counts.policies.to_string()),
        ("Access keys", counts.access_keys.to_string()),
        ("Revoked sessions", counts.revoked_sessions.to_string()),
        ("Operators", counts.operators.to_string()),
        ("Rows, all sealed", counts.rows.to_string()),
        ("Writes waiting", facts.writes_waiting.to_string()),
        ("Passwords waiting", facts.passwords_waiting.to_string()),
        ("Revocations waiting", facts.revocations_waiting.to_string()),
        ("Connections", facts.connections.to_string()),
        ("Memory", memory.unwrap_or_else(unknown)),
        ("Certificate ends", facts.tls_ends.clone().unwrap_or_else(|| "no certificate".to_owned())),
        ("Gateway certificates", certificates(facts)),
        ("Last backup", facts.last_backup.clone().unwrap_or_else(unknown)),
    ];
    pairs.iter().map(|(name, value)| lines(&[(name, value)])).collect()
}

fn certificates(facts: &StatusFacts) -> String {
    let all = facts.gateway_certificates.iter();
    let all: Vec<String> =
        all.map(|served| format!("{} ends {}", served.arn, served.ends)).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

/// A length of time, in its two greatest units.
fn duration(seconds: u64) -> String {
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, _) => format!("{minutes} min {rest} s"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        (_, _, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_have_their_two_greatest_units() {
        let texts: Vec<String> = [0, 59, 61, 3_661, 90_061].map(duration).to_vec();
        assert_eq!(texts, ["0 s", "59 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
    }
}
