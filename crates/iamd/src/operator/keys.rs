//! The keys of a node: listed and rotated, never shown.

use iamd_core::audit::Event;
use iamd_wire::{Secret, Timestamp};
use serde::{Deserialize, Serialize};

use super::progress::Step;
use super::wish::Site;
use crate::fault::Fault;
use crate::keys::{KnownKey, MasterKey};
use crate::node::Node;

/// Which key is rotated.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyOrder {
    /// The key that seals rows.
    Data,
    /// The key that seals session tokens.
    Session {
        /// After how long the new one seals.
        delay_seconds: u32,
    },
    /// The key that seals the other keys.
    Master {
        /// The new one, in 64 hexadecimal digits.
        key: Secret,
    },
}

impl KeyOrder {
    /// What records show of it.
    pub(super) fn shown(&self) -> serde_json::Value {
        match self {
            KeyOrder::Data => serde_json::json!({"kind": "data"}),
            KeyOrder::Session { delay_seconds } => {
                serde_json::json!({"kind": "session", "delaySeconds": delay_seconds})
            }
            KeyOrder::Master { .. } => serde_json::json!({"kind": "master"}),
        }
    }
}

/// A key in a list.
#[derive(Debug, Deserialize, Serialize)]
pub struct KeyLine {
    /// `master`, `data`, `session` or `marker`.
    pub kind: String,
    /// Its number, or the fingerprint of the master key.
    pub id: String,
    /// `current`; `waiting` for its time; `unfinished`: what it has sealed is not all sealed anew;
    /// `retired`: only there for what it has sealed.
    pub state: String,
    /// When it was made, if that is known.
    pub created: Option<String>,
    /// From when on it seals, if not since it was made.
    pub active_from: Option<String>,
    /// Since when it seals nothing any more (session) or nothing is under it (data).
    pub retired: Option<String>,
    /// How many rows are under it; a master key's are the stored keys.
    pub rows: Option<u64>,
    /// How many ledgers of accounts are under it.
    pub ledgers: Option<u64>,
}

/// What a rotation came to.
#[derive(Debug, Deserialize, Serialize)]
pub struct RotationFacts {
    /// `master`, `data` or `session`.
    pub kind: String,
    /// The number of the new key, or its fingerprint.
    pub id: String,
    /// From when on it seals, if not at once.
    pub active_from: Option<String>,
    /// How many rows were sealed anew.
    pub rows: Option<u64>,
    /// Whether an earlier rotation was brought to its end, and no other key made.
    pub resumed: bool,
}

/// All keys.
pub(super) async fn lines(node: &Node) -> Result<Vec<KeyLine>, Fault> {
    let survey = node.survey().await?;
    let keys = &node.snapshot().keys;
    let now = node.clock().now().seconds();
    let starts = ring_starts(keys.known());
    let current = keys.sessions.sealing_id(now);
    let mut lines = vec![KeyLine {
        rows: Some(keys.known().len() as u64),
        ledgers: Some(1),
        ..line("master", format!("{:08x}", keys.master().version()), "current")
    }];
    for key in keys.known() {
        lines.push(match key {
            KnownKey::Data { version, created, retired } => {
                let state = match retired {
                    _ if *version == keys.newest() => "current",
                    Some(_) => "retired",
                    None => "unfinished",
                };
                let count = |counts: &std::collections::BTreeMap<u32, u64>| {
                    Some(counts.get(version).copied().unwrap_or_default())
                };
                KeyLine {
                    created: Some(time(*created)),
                    retired: retired.map(time),
                    rows: count(&survey.rows),
                    ledgers: count(&survey.ledgers),
                    ..line("data", version.to_string(), state)
                }
            }
            KnownKey::Session { id, created, active_from } => {
                // It has sealed until the next one began.
                let next = starts.iter().find(|start| **start > (*active_from, *id));
                let retired = next.map(|(from, _)| *from).filter(|from| *from <= now);
                let state = match () {
                    () if current == Some(*id) => "current",
                    () if *active_from > now => "waiting",
                    () => "retired",
                };
                KeyLine {
                    created: Some(time(*created)),
                    active_from: (*active_from > *created).then(|| time(*active_from)),
                    retired: retired.map(time),
                    ..line("session", id.to_string(), state)
                }
            }
            KnownKey::Marker => line("marker", "1".to_owned(), "current"),
        });
    }
    Ok(lines)
}

/// Rotates a key; the event is recorded with that.
///
/// # Errors
/// [`Fault::Refused`] for a master key that is none or the one in use; what the node answers.
pub(super) async fn rotate(
    site: &Site<'_>,
    order: KeyOrder,
    event: &Event,
) -> Result<RotationFacts, Fault> {
    let facts = |kind: &str, id: String| RotationFacts {
        kind: kind.to_owned(),
        id,
        active_from: None,
        rows: None,
        resumed: false,
    };
    let folder = site.folder.display();
    match order {
        KeyOrder::Data => {
            tracing::info!(%folder, "the data key is rotated");
            let report = |done, total| site.progress.report(Step { done, total });
            let done = site.node.rotate_data_key(event, &report).await?;
            let facts = facts("data", done.version.to_string());
            Ok(RotationFacts { rows: Some(done.rows), resumed: done.is_resumed, ..facts })
        }
        KeyOrder::Session { delay_seconds } => {
            tracing::info!(%folder, "the session key is rotated");
            let (id, active_from) = site.node.rotate_session_key(event, delay_seconds).await?;
            let active_from = Some(time(active_from));
            Ok(RotationFacts { active_from, ..facts("session", id.to_string()) })
        }
        KeyOrder::Master { key } => {
            tracing::info!(%folder, "the master key is replaced");
            let key = MasterKey::from_digits(&key)
                .ok_or_else(|| Fault::Refused("that is no master key".to_owned()))?;
            let fingerprint = site.node.rotate_master_key(event, key.sealing()?).await?;
            Ok(facts("master", format!("{fingerprint:08x}")))
        }
    }
}

fn line(kind: &str, id: String, state: &str) -> KeyLine {
    KeyLine {
        kind: kind.to_owned(),
        id,
        state: state.to_owned(),
        created: None,
        active_from: None,
        retired: None,
        rows: None,
        ledgers: None,
    }
}

/// Since when the keys of the ring seal, and their numbers, in that order.
fn ring_starts(known: &[KnownKey]) -> Vec<(i64, u32)> {
    let mut starts: Vec<(i64, u32)> = known
        .iter()
        .filter_map(|key| match key {
            KnownKey::Session { id, active_from, .. } => Some((*active_from, *id)),
            KnownKey::Data { .. } | KnownKey::Marker => None,
        })
        .collect();
    starts.sort_unstable();
    starts
}

fn time(seconds: i64) -> String {
    Timestamp::from_seconds(seconds).to_string()
}
