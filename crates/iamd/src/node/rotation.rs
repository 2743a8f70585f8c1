//! Rotating data keys, session ring keys and the master key.

use std::collections::BTreeSet;
use std::sync::Arc;

use iamd_core::audit::{Event, Outcome};
use iamd_wire::shown::Shown;

use super::Node;
use super::key_change::{KeyChange, KeyRecord};
use super::load::store_fault;
use super::reseal::Report;
use crate::fault::Fault;
use crate::keys::{DataKey, KeyRow, KnownKey, SealingKey, SessionKey};

/// How long after it was made a session ring key seals, if nothing else is said.
pub const SESSION_DELAY_SECONDS: u32 = 600;

/// How long a session ring key stays past its last use: the longest session, 36 hours
/// (`GetSessionToken`, STS API Reference), and an hour for clocks that disagree.
pub(super) const SESSION_STAY_SECONDS: i64 = (36 + 1) * 3_600;

/// How long a data key stays after the last row that needed it: for nodes that are behind.
pub(super) const DATA_STAY_SECONDS: i64 = 3_600;

/// What a rotation of data keys came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataRotation {
    /// The version of the key that seals now.
    pub version: u32,
    /// Whether an earlier rotation was brought to its end, instead of making another key.
    pub is_resumed: bool,
    /// How many rows were sealed anew.
    pub rows: u64,
}

impl Node {
    /// Makes a new data key and seals everything under it, while requests go on. A rotation that did
    /// not come to its end is brought there instead. The event is recorded with the key that is made,
    /// or with the end of that rotation.
    ///
    /// # Errors
    /// What the store answers; [`Fault::Damaged`]. What was done stays done.
    pub async fn rotate_data_key(
        self: &Arc<Node>,
        event: &Event,
        report: Report<'_>,
    ) -> Result<DataRotation, Fault> {
        let _rotating = self.rotating.lock().await;
        let is_resumed = self.has_unfinished_rotation();
        if !is_resumed {
            let now = self.clock.now().seconds();
            self.change_keys(|keys| {
                let newest = data_keys(keys).map(|key| key.version).max().unwrap_or_default();
                let fresh = DataKey::fresh(newest.saturating_add(1), now)?;
                let record = Some(record(event, &fresh.version.to_string()));
                let puts = vec![KeyRow::Data(fresh)];
                Ok(Some(KeyChange { puts, record, ..KeyChange::default() }))
            })
            .await?;
        }
        let rows = self.reseal_and_retire(report, is_resumed.then_some(event)).await?;
        Ok(DataRotation { version: self.snapshot().keys.newest(), is_resumed, rows })
    }

    /// Brings a rotation to its end that was broken off, if there is one.
    ///
    /// # Errors
    /// As [`Node::rotate_data_key`].
    pub(super) async fn finish_rotation(self: &Arc<Node>) -> Result<(), Fault> {
        if !self.has_unfinished_rotation() {
            return Ok(());
        }
        // Whoever rotates now brings it to its end.
        let Ok(_rotating) = self.rotating.try_lock() else { return Ok(()) };
        if self.has_unfinished_rotation() {
            let rows = self.reseal_and_retire(&|_, _| {}, None).await?;
            tracing::info!(rows, "a rotation of the data key was brought to its end");
        }
        Ok(())
    }

    /// Whether there is an older data key that may still be needed.
    pub(super) fn has_unfinished_rotation(&self) -> bool {
        let keys = &self.snapshot().keys;
        keys.known().iter().any(|key| match key {
            KnownKey::Data { version, retired, .. } => {
                *version != keys.newest() && retired.is_none()
            }
            KnownKey::Session { .. } | KnownKey::Marker => false,
        })
    }

    async fn reseal_and_retire(
        self: &Arc<Node>,
        report: Report<'_>,
        event: Option<&Event>,
    ) -> Result<u64, Fault> {
        let newest = self.snapshot().keys.newest();
        let rows = self.reseal(report).await?;
        let now = self.clock.now().seconds();
        self.change_keys(|keys| {
            let old = data_keys(keys).filter(|key| key.version < newest && key.retired.is_none());
            let puts: Vec<KeyRow> = old.map(|key| KeyRow::Data(key.retired(now))).collect();
            let record = event.map(|event| record(event, &newest.to_string()));
            let is_nothing = puts.is_empty() && record.is_none();
            Ok((!is_nothing).then_some(KeyChange { puts, record, ..KeyChange::default() }))
        })
        .await?;
        Ok(rows)
    }

    /// Removes data keys that nothing has needed for a while. Gives those that must stay because
    /// records of a log or files of the audit trail are under them.
    ///
    /// # Errors
    /// What the store and the data folder answer.
    pub(super) async fn remove_data_keys(self: &Arc<Node>) -> Result<BTreeSet<u32>, Fault> {
        // What is due stays due while somebody rotates.
        let Ok(_rotating) = self.rotating.try_lock() else { return Ok(BTreeSet::new()) };
        let due = self.removable();
        let mut kept = self.audit.needed(&due).await?;
        if due.is_subset(&kept) {
            return Ok(kept);
        }
        let survey = self.survey().await?;
        let (needed, free): (BTreeSet<u32>, BTreeSet<u32>) =
            due.into_iter().partition(|version| survey.needs(*version));
        if !needed.is_empty() {
            // A node that was behind has written with an old key.
            self.reseal(&|_, _| {}).await?;
        }
        kept.append(&mut self.of_records(&survey, &free).await?);
        let now = self.clock.now().seconds();
        let is_changed = self
            .change_keys(|keys| {
                let is_free =
                    |key: &&DataKey| free.contains(&key.version) && !kept.contains(&key.version);
                let removes = data_keys(keys).filter(is_free);
                let removes =
                    removes.map(|key| KeyRow::Data(key.clone()).key()).collect::<Vec<_>>();
                let again = data_keys(keys).filter(|key| needed.contains(&key.version));
                let again = again.map(|key| KeyRow::Data(key.retired(now)));
                let puts = again.collect::<Vec<_>>();
                let is_nothing = puts.is_empty() && removes.is_empty();
                let change = KeyChange { puts, removes, record: None };
                Ok((!is_nothing).then_some(change))
            })
            .await?;
        if is_changed {
            self.store.forget_changes().await.map_err(store_fault)?;
        }
        Ok(kept)
    }

    /// The data keys that nothing has needed for long enough.
    pub(super) fn removable(&self) -> BTreeSet<u32> {
        let keys = &self.snapshot().keys;
        let now = self.clock.now().seconds();
        let due = keys.known().iter().filter_map(|key| match key {
            KnownKey::Data { version, retired: Some(retired), .. } => {
                let is_due = retired.saturating_add(DATA_STAY_SECONDS) <= now;
                (*version != keys.newest() && is_due).then_some(*version)
            }
            KnownKey::Data { .. } | KnownKey::Session { .. } | KnownKey::Marker => None,
        });
        due.collect()
    }

    /// Makes a session ring key that seals after a delay, and records the event with it. Gives its
    /// number and that time.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn rotate_session_key(
        &self,
        event: &Event,
        delay_seconds: u32,
    ) -> Result<(u32, i64), Fault> {
        let now = self.clock.now().seconds();
        let active_from = now.saturating_add(i64::from(delay_seconds));
        let mut id = 0;
        self.change_keys(|keys| {
            id = next_session_id(keys);
            let puts = vec![KeyRow::Session(SessionKey::fresh(id, now, active_from)?)];
            let record = Some(record(event, &id.to_string()));
            Ok(Some(KeyChange { puts, record, ..KeyChange::default() }))
        })
        .await?;
        Ok((id, active_from))
    }

    /// Makes a session ring key at once if no key of the ring may seal, as after a clock was put
    /// back.
    ///
    /// # Errors
    /// What the store answers.
    pub(super) async fn renew_ring(&self) -> Result<(), Fault> {
        let now = self.clock.now().seconds();
        if self.snapshot().keys.sessions.sealing_id(now).is_some() {
            return Ok(());
        }
        self.change_keys(|keys| {
            if session_keys(keys).any(|key| key.active_from <= now) {
                return Ok(None);
            }
            let fresh = SessionKey::fresh(next_session_id(keys), now, now)?;
            Ok(Some(KeyChange { puts: vec![KeyRow::Session(fresh)], ..KeyChange::default() }))
        })
        .await
        .map(|_| ())
    }

    /// Makes the next session ring key if the newest will have been in use for this long when the
    /// next one begins, and removes keys that no session can need any more.
    ///
    /// # Errors
    /// What the store answers.
    pub(super) async fn tend_ring(&self, period: i64, delay: i64) -> Result<(), Fault> {
        let now = self.clock.now().seconds();
        let plan = |keys: &[KeyRow]| -> Result<Option<KeyChange>, Fault> {
            let known: Vec<KnownKey> = keys.iter().map(KeyRow::known).collect();
            let due = RingDue::of(&known, now, period, delay);
            let removes = session_keys(keys).filter(|key| due.ended.contains(&key.id));
            let removes = removes.map(|key| KeyRow::Session(key.clone()).key()).collect();
            let mut puts = Vec::new();
            if due.is_next_due {
                let active_from = now.saturating_add(delay);
                let fresh = SessionKey::fresh(next_session_id(keys), now, active_from)?;
                puts.push(KeyRow::Session(fresh));
            }
            Ok(due.is_any().then_some(KeyChange { puts, removes, record: None }))
        };
        if RingDue::of(self.snapshot().keys.known(), now, period, delay).is_any() {
            self.change_keys(plan).await?;
        }
        Ok(())
    }

    /// Seals the stored keys under another master key, in one commit with the record of the event.
    ///
    /// # Errors
    /// [`Fault::Refused`] when it is the one in use; as [`Node::replace_master`].
    pub async fn rotate_master_key(&self, event: &Event, new: SealingKey) -> Result<u32, Fault> {
        let _rotating = self.rotating.lock().await;
        let fingerprint = new.version();
        if fingerprint == self.snapshot().keys.master().version() {
            return Err(Fault::Refused("the new master key is the one in use".to_owned()));
        }
        let record = record(event, &format!("{fingerprint:08x}"));
        self.replace_master(&Arc::new(new), &record).await?;
        // The feed has the stored keys under the old key.
        self.store.forget_changes().await.map_err(store_fault)?;
        Ok(fingerprint)
    }
}

/// The record of a rotation to the key of this number or fingerprint.
fn record(event: &Event, id: &str) -> KeyRecord {
    let elements = serde_json::json!({"id": id});
    (event.clone(), Outcome::Done(Shown::of_json(elements.to_string())))
}

/// What is due in the session ring.
#[derive(Debug, PartialEq, Eq)]
struct RingDue {
    is_next_due: bool,
    /// Keys that no session can need any more.
    ended: BTreeSet<u32>,
}

impl RingDue {
    fn of(known: &[KnownKey], now: i64, period: i64, delay: i64) -> RingDue {
        let ring = known.iter().filter_map(|key| match key {
            // The first key of all seals since always.
            KnownKey::Session { id, created, active_from } => {
                Some((*active_from.max(created), *id))
            }
            KnownKey::Data { .. } | KnownKey::Marker => None,
        });
        let mut ring: Vec<(i64, u32)> = ring.collect();
        ring.sort_unstable();
        let newest = ring.last().map_or(i64::MIN, |(from, _)| *from);
        let is_next_due = newest.saturating_add(period).saturating_sub(delay) <= now;
        let has_ended = |pair: &&[(i64, u32)]| match pair {
            // The last use of a key is the first of the next.
            [_, (next, _)] => next.saturating_add(SESSION_STAY_SECONDS) <= now,
            _ => false,
        };
        let ended = ring.windows(2).filter(has_ended);
        let ended = ended.filter_map(|pair| pair.first().map(|(_, id)| *id)).collect();
        RingDue { is_next_due, ended }
    }

    fn is_any(&self) -> bool {
        self.is_next_due || !self.ended.is_empty()
    }
}

fn data_keys(keys: &[KeyRow]) -> impl Iterator<Item = &DataKey> {
    keys.iter().filter_map(|key| match key {
        KeyRow::Data(key) => Some(key),
        KeyRow::Session(_) | KeyRow::Marker(_) => None,
    })
}

fn session_keys(keys: &[KeyRow]) -> impl Iterator<Item = &SessionKey> {
    keys.iter().filter_map(|key| match key {
        KeyRow::Session(key) => Some(key),
        KeyRow::Data(_) | KeyRow::Marker(_) => None,
    })
}

fn next_session_id(keys: &[KeyRow]) -> u32 {
    session_keys(keys).map(|key| key.id).max().unwrap_or_default().saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn session(id: u32, created: i64, active_from: i64) -> KnownKey {
        KnownKey::Session { id, created, active_from }
    }

    fn due(known: &[KnownKey], now: i64) -> (bool, Vec<u32>) {
        let due = RingDue::of(known, now, DAY, 600);
        (due.is_next_due, due.ended.into_iter().collect())
    }

    #[test]
    fn the_next_ring_key_is_made_in_time_to_be_known_when_it_is_due() {
        let first = [session(1, 1_000, i64::MIN)];
        assert_eq!(due(&first, 1_000 + DAY - 601), (false, vec![]));
        assert_eq!(due(&first, 1_000 + DAY - 600), (true, vec![]));
        let second = [first[0], session(2, 1_000 + DAY - 600, 1_000 + DAY)];
        assert_eq!(due(&second, 1_000 + DAY - 600), (false, vec![]));
        assert_eq!(due(&second, 1_000 + 2 * DAY - 600), (true, vec![]));
    }

    #[test]
    fn a_ring_key_goes_when_its_last_session_has_ended_and_the_newest_never() {
        let ring = [session(1, 0, i64::MIN), session(2, 5, 100), session(3, 6, 200)];
        assert_eq!(due(&ring, 100 + SESSION_STAY_SECONDS - 1).1, Vec::<u32>::new());
        assert_eq!(due(&ring, 100 + SESSION_STAY_SECONDS).1, [1]);
        assert_eq!(due(&ring, 200 + SESSION_STAY_SECONDS).1, [1, 2]);
        assert_eq!(due(&ring, i64::MAX).1, [1, 2]);
    }
}
