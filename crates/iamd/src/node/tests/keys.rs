//! Rotating keys: nothing is lost, nothing that was tampered with is sealed anew, no request waits.

use std::collections::BTreeSet;

use super::super::key_change::KeyChange;
use super::super::rotation::{DATA_STAY_SECONDS, SESSION_STAY_SECONDS};
use super::*;
use crate::keys::{DataKey, KeyRow, KnownKey, anchor, key_version, open_record};

/// More than fit into one commit.
const USERS: u32 = 600;
const DAY: i64 = 86_400;

const QUIET: super::super::reseal::Report<'static> = &|_, _| {};

impl World {
    async fn create_users(&self) {
        let create = |number| {
            let (node, plan) = (Arc::clone(&self.node), self.create_user(&format!("user{number}")));
            let account = self.account;
            tokio::spawn(async move { node.write(account, deed(), plan).await.map(|_| ()) })
        };
        for task in (0..USERS).map(create).collect::<Vec<_>>() {
            task.await.unwrap().unwrap();
        }
    }

    /// The versions of the keys that rows and ledger of the account are under.
    async fn key_versions(&self) -> BTreeSet<u32> {
        let rows = self.rows().await;
        let sealed = rows.rows.iter().map(|row| &row.bytes).chain([&rows.head.seal]);
        sealed.map(|bytes| key_version(bytes).unwrap()).collect()
    }

    fn data_keys(&self) -> Vec<u32> {
        let known = self.node.snapshot().keys.known().to_vec();
        let version = |key: KnownKey| match key {
            KnownKey::Data { version, .. } => Some(version),
            KnownKey::Session { .. } | KnownKey::Marker => None,
        };
        known.into_iter().filter_map(version).collect()
    }

    fn session_keys(&self) -> Vec<u32> {
        let known = self.node.snapshot().keys.known().to_vec();
        let id = |key: KnownKey| match key {
            KnownKey::Session { id, .. } => Some(id),
            KnownKey::Data { .. } | KnownKey::Marker => None,
        };
        known.into_iter().filter_map(id).collect()
    }

    /// The records of what operators did to no account.
    async fn deeds(&self) -> Vec<serde_json::Value> {
        let (account, keys) = (AccountId::OPERATORS, &self.node.snapshot().keys);
        let stored = iamd_store::AccountId(account.number());
        let stored = self.store.read_records(stored, 0, 100).await.unwrap();
        let text = |it: &iamd_store::Record| open_record(keys, account, it.number, &it.bytes);
        let parsed = |text: String| serde_json::from_str(&text).unwrap();
        stored.iter().map(|record| parsed(text(record).unwrap())).collect()
    }

    /// Adds a data key as a rotation does first, and nothing else.
    async fn begin_rotation(&self) {
        let add = |_: &[KeyRow]| {
            let puts = vec![KeyRow::Data(DataKey::fresh(2, 0)?)];
            Ok(Some(KeyChange { puts, ..KeyChange::default() }))
        };
        assert!(self.node.change_keys(add).await.unwrap());
    }
}

/// Which kind of key was rotated, and to which.
fn rotation(record: &serde_json::Value) -> (String, String) {
    assert_eq!(record["eventName"], "RotateKey");
    assert_eq!(record["userIdentity"]["invokedBy"], "iamd operator");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    (text(&record["requestParameters"]["kind"]), text(&record["responseElements"]["id"]))
}

#[tokio::test]
async fn a_rotation_seals_everything_anew_while_writes_go_on() {
    let world = world().await;
    world.create_users().await;
    let reports = Mutex::new(Vec::new());
    let report = |done, total| reports.lock().unwrap().push((done, total));
    let (node, account) = (Arc::clone(&world.node), world.account);
    let plans: Vec<Plan<()>> =
        (0..50).map(|number| world.create_user(&format!("meanwhile{number}"))).collect();
    let writer = tokio::spawn(async move {
        for plan in plans {
            node.write(account, deed(), plan).await.unwrap();
        }
    });
    let done = world.node.rotate_data_key(&deed(), &report).await.unwrap();
    writer.await.unwrap();
    assert_eq!((done.version, done.is_resumed), (2, false));
    assert!(done.rows >= u64::from(USERS), "{done:?}");
    assert!(reports.lock().unwrap().iter().all(|(done, total)| done <= total));
    assert_eq!(world.key_versions().await, BTreeSet::from([2]));
    let survey = world.node.survey().await.unwrap();
    assert_eq!(survey.rows.keys().chain(survey.ledgers.keys()).max(), Some(&2));
    assert!(!survey.needs(1));
    world.node.write(world.account, deed(), world.create_user("later")).await.unwrap();
    let fresh = world.opens().await.unwrap();
    for name in ["user0", "user599", "meanwhile49", "later", "admin"] {
        assert!(world.has_user(&fresh, name), "{name}");
    }
}

/// A key and the record of who wanted it are in one commit.
#[tokio::test]
async fn a_rotation_is_recorded_with_the_keys_that_it_changes() {
    let world = world().await;
    let event =
        |kind: &str| Event::operator("RotateKey", &serde_json::json!({"kind": kind}), "request-id");
    let before = world.store.read_account(super::super::key_store::account()).await.unwrap();
    world.store.begin_outage("the disk is full");
    assert!(world.node.rotate_session_key(&event("session"), 0).await.is_err());
    world.store.end_outage();
    let after = world.store.read_account(super::super::key_store::account()).await.unwrap();
    assert_eq!((before.head, world.deeds().await.len()), (after.head, 0), "neither or both");

    let node = &world.node;
    node.rotate_session_key(&event("session"), 0).await.unwrap();
    node.rotate_data_key(&event("data"), QUIET).await.unwrap();
    let new = MasterKey::fresh().unwrap();
    let fingerprint = node.rotate_master_key(&event("master"), new.sealing().unwrap()).await;
    let fingerprint = format!("{:08x}", fingerprint.unwrap());
    // What the node does by itself has no record.
    node.clock().advance(DAY);
    node.tend_ring(DAY, 600).await.unwrap();
    let (own, others): (Vec<_>, Vec<_>) =
        world.deeds().await.into_iter().partition(|record| record["eventSource"] == "iamd");
    let found: Vec<(String, String)> = others.iter().map(rotation).collect();
    let expected = [("session", "2"), ("data", "2"), ("master", fingerprint.as_str())];
    assert_eq!(own.len(), 1, "everything is under the new data key");
    assert!(found.iter().map(|(kind, id)| (&**kind, &**id)).eq(expected), "{found:?}");
    // Whoever opens the store next finds the ledger that fits them.
    another_node(&world.store, &new).await;
}

#[tokio::test]
async fn a_rotation_that_is_resumed_is_recorded_with_its_end() {
    let world = world().await;
    world.begin_rotation().await;
    assert!(world.node.rotate_data_key(&deed(), QUIET).await.unwrap().is_resumed);
    let records = world.deeds().await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["responseElements"]["id"], "2");
}

/// Another node that writes to the log meanwhile does not lose the record, nor the key.
#[tokio::test]
async fn a_rotation_that_loses_a_race_for_the_log_is_tried_again() {
    let world = world().await;
    let other = another_node(&world.store, &world.master).await;
    let plan = Box::new(|_: &Snapshot, _: &Node| Ok(Drafted::new(Vec::new(), ())));
    other.write(AccountId::OPERATORS, deed(), plan).await.unwrap();
    world.node.rotate_session_key(&deed(), 0).await.unwrap();
    assert_eq!(world.session_keys(), [1, 2]);
    assert_eq!(world.deeds().await.len(), 2);
    world.opens().await.unwrap();
}

#[tokio::test]
async fn an_old_data_key_goes_after_a_while_and_not_before() {
    let world = world().await;
    world.node.rotate_data_key(&deed(), QUIET).await.unwrap();
    assert!(world.node.removable().is_empty());
    world.node.clock().advance(DATA_STAY_SECONDS);
    assert_eq!(world.node.removable(), BTreeSet::from([1]));
    // The records of what was done before are under it.
    assert_eq!(world.node.remove_data_keys().await, Ok(BTreeSet::from([1])));
    // Each log ends with one under the new key, so that they can all be forgotten in time.
    for (account, log) in world.node.logs() {
        world.node.forget_records(account, log.last.saturating_sub(1)).await.unwrap();
    }
    assert_eq!(world.node.remove_data_keys().await, Ok(BTreeSet::new()));
    assert_eq!(world.data_keys(), [2]);
    assert!(world.opens().await.is_ok());
    assert_eq!(world.node.rotate_data_key(&deed(), QUIET).await.unwrap().version, 3);
}

#[tokio::test]
async fn a_data_key_goes_with_the_last_file_of_the_trail_that_is_under_it() {
    let world = world().await;
    let folder = tempfile::tempdir().unwrap();
    let settings = crate::config::Config::default().audit;
    world.node.start_audit(folder.path(), &settings).unwrap();
    world.node.rotate_data_key(&deed(), QUIET).await.unwrap();
    world.node.clock().advance(DATA_STAY_SECONDS);
    world.node.audit().close().await;
    for (account, log) in world.node.logs() {
        world.node.forget_records(account, log.last.saturating_sub(1)).await.unwrap();
    }
    assert_eq!(world.node.remove_data_keys().await, Ok(BTreeSet::from([1])), "its file is there");
    assert_eq!(world.data_keys(), [1, 2]);

    let next = world.opens().await.unwrap();
    let forgetful = crate::config::AuditSettings { retention_days: 0, ..settings };
    next.start_audit(folder.path(), &forgetful).unwrap();
    next.clock().advance(DATA_STAY_SECONDS);
    assert_eq!(next.remove_data_keys().await, Ok(BTreeSet::new()));
    world.node.reload().await.unwrap();
    assert_eq!(world.data_keys(), [2]);
    next.audit().close().await;
}

#[tokio::test]
async fn a_data_key_stays_while_a_record_is_under_it() {
    let world = world().await;
    let stored = iamd_store::AccountId(world.account.number());
    let snapshot = world.node.snapshot();
    // As a commit with a record does: the row of bytes begins with the form and the key's version.
    let record = snapshot.keys.sealing(world.account).unwrap();
    let record = record.seal_ledger(world.account, Revision(1), b"record".to_vec()).unwrap();
    let entries: [crate::keys::Entry<'_>; 0] = [];
    let expected = snapshot.revision(world.account);
    let log = world.node.ledgers.log(world.account);
    let step = world.node.ledgers.step(&snapshot.keys, world.account, expected, entries, log);
    let step = step.unwrap().unwrap();
    let mut commit = iamd_store::AccountCommit::new(stored, expected);
    commit.seal = step.seal.clone();
    commit.records = vec![record];
    world.store.commit(vec![commit]).await.unwrap();
    world.node.reload().await.unwrap();

    world.node.rotate_data_key(&deed(), QUIET).await.unwrap();
    world.node.clock().advance(DATA_STAY_SECONDS);
    assert_eq!(world.node.remove_data_keys().await, Ok(BTreeSet::from([1])));
    assert_eq!(world.data_keys(), [1, 2]);
}

#[tokio::test]
async fn a_rotation_that_was_broken_off_goes_on_with_the_same_key() {
    let world = world().await;
    world.create_users().await;
    world.begin_rotation().await;
    world.node.write(world.account, deed(), world.create_user("half")).await.unwrap();
    assert_eq!(world.key_versions().await, BTreeSet::from([1, 2]));
    let again = world.opens().await.unwrap();
    assert!(again.has_unfinished_rotation());
    let done = again.rotate_data_key(&deed(), QUIET).await.unwrap();
    assert_eq!((done.version, done.is_resumed), (2, true));
    assert_eq!(world.key_versions().await, BTreeSet::from([2]));
    assert!(!again.has_unfinished_rotation());
}

#[tokio::test]
async fn an_outage_in_a_rotation_loses_nothing() {
    let world = world().await;
    world.create_users().await;
    world.begin_rotation().await;
    world.store.begin_outage("the disk is full");
    assert!(matches!(world.node.rotate_data_key(&deed(), QUIET).await, Err(Fault::Unavailable(_))));
    world.store.end_outage();
    assert!(world.node.rotate_data_key(&deed(), QUIET).await.unwrap().is_resumed);
    assert!(world.has_user(&world.opens().await.unwrap(), "user599"));
}

/// A row that was put back must not become right by being sealed anew.
#[tokio::test]
async fn a_rotation_refuses_rows_that_are_not_what_was_written() {
    let world = world().await;
    world.create_users().await;
    let older = world.older_user_row("user500").await;
    let account = iamd_store::AccountId(world.account.number());
    world.store.tamper(account, |rows| {
        let now = rows.rows.iter_mut().find(|row| row.key == older.key).unwrap();
        *now = older.clone();
    });
    let refused = world.node.rotate_data_key(&deed(), QUIET).await;
    assert!(matches!(refused, Err(Fault::Damaged(_))), "{refused:?}");
    let Err(fault) = world.opens().await else { panic!("it opens") };
    assert!(fault.to_string().contains(&older.key.id.to_string()), "{fault}");
}

#[tokio::test]
async fn another_node_takes_in_keys_from_their_rows() {
    let world = world().await;
    let other = another_node(&world.store, &world.master).await;
    world.node.rotate_data_key(&deed(), QUIET).await.unwrap();
    let read = |_: &[KeyRow]| Ok(None);
    assert!(!other.change_keys(read).await.unwrap());
    assert_eq!(other.snapshot().keys.newest(), 2);
    other.write(world.account, deed(), world.create_user("ana")).await.unwrap();
    assert!(world.has_user(&world.opens().await.unwrap(), "ana"));
    let stored = iamd_store::AccountId(AccountId::KEYS.number());
    world.store.tamper(stored, |rows| rows.rows[0].bytes[40] ^= 1);
    assert!(matches!(other.change_keys(read).await, Err(Fault::Damaged(_))));
}

/// The operator of one node rotates, and then that of another that has not heard of it.
#[tokio::test]
async fn rotations_on_two_nodes_both_come_to_their_end() {
    let world = world().await;
    let other = another_node(&world.store, &world.master).await;
    world.node.rotate_data_key(&deed(), QUIET).await.unwrap();
    assert_eq!(other.rotate_data_key(&deed(), QUIET).await.unwrap().version, 3);
    // What the other has sealed is under a key that this node does not know yet.
    world.node.reseal(QUIET).await.unwrap();
    assert_eq!(world.node.snapshot().keys.newest(), 3);
    assert_eq!(world.key_versions().await, BTreeSet::from([3]));
    world.node.write(world.account, deed(), world.create_user("ana")).await.unwrap();
    assert!(world.has_user(&world.opens().await.unwrap(), "ana"));
}

/// While an operator rotates, which may take long, the ring is renewed and the anchor written.
#[tokio::test]
async fn upkeep_does_not_wait_for_a_rotation() {
    let world = world().await;
    world.begin_rotation().await;
    let rotating = world.node.rotating.lock().await;
    world.node.finish_rotation().await.unwrap();
    assert!(world.node.has_unfinished_rotation());
    assert_eq!(world.node.remove_data_keys().await, Ok(BTreeSet::new()));
    drop(rotating);
    world.node.finish_rotation().await.unwrap();
    assert!(!world.node.has_unfinished_rotation());
}

#[tokio::test]
async fn a_new_master_key_opens_and_the_old_one_is_refused_by_fingerprint() {
    let world = world().await;
    let new = MasterKey::fresh().unwrap();
    let old = world.master.sealing().unwrap().version();
    let fingerprint = world.node.rotate_master_key(&deed(), new.sealing().unwrap()).await.unwrap();
    let again = world.node.rotate_master_key(&deed(), new.sealing().unwrap()).await;
    assert!(matches!(again, Err(Fault::Refused(_))), "{again:?}");
    let Err(fault) = world.opens().await else { panic!("it opens under the old key") };
    let said = fault.to_string();
    assert!(said.contains(&format!("{fingerprint:08x}")), "{said}");
    assert!(said.contains(&format!("{old:08x}")), "{said}");
    // The node goes on under the new one, and so does the next.
    world.node.write(world.account, deed(), world.create_user("ana")).await.unwrap();
    world.node.reload().await.unwrap();
    world.node.rotate_data_key(&deed(), QUIET).await.unwrap();
    let next = another_node(&world.store, &new).await;
    assert!(world.has_user(&next, "ana"));
}

#[tokio::test]
async fn the_ring_is_renewed_in_time_and_old_keys_go_when_no_session_needs_them() {
    let world = world().await;
    let node = &world.node;
    let sealing = || node.snapshot().keys.sessions.sealing_id(node.clock().now().seconds());
    node.tend_ring(DAY, 600).await.unwrap();
    assert_eq!(world.session_keys(), [1], "nothing is due");
    let revision = node.snapshot().revision(AccountId::KEYS);
    node.clock().advance(DAY - 600);
    node.tend_ring(DAY, 600).await.unwrap();
    node.tend_ring(DAY, 600).await.unwrap();
    assert_eq!((world.session_keys(), sealing()), (vec![1, 2], Some(1)), "known before its use");
    assert_eq!(node.snapshot().revision(AccountId::KEYS), revision.next(), "once");
    node.clock().advance(600);
    assert_eq!(sealing(), Some(2));
    node.clock().advance(SESSION_STAY_SECONDS);
    node.tend_ring(DAY, 600).await.unwrap();
    assert_eq!(world.session_keys(), [2, 3]);
    // A clock that goes back finds keys that are all of the future.
    node.clock().reset();
    assert_eq!(sealing(), None);
    node.renew_ring().await.unwrap();
    assert_eq!((world.session_keys(), sealing()), (vec![2, 3, 4], Some(4)));
}

#[tokio::test]
async fn an_anchor_refuses_data_that_is_older_than_it_was() {
    let world = world().await;
    let folder = tempfile::tempdir().unwrap();
    world.node.keep_anchor(folder.path()).await.unwrap();
    let before = world.rows().await;
    world.node.write(world.account, deed(), world.create_user("ana")).await.unwrap();
    let opened = world.opens().await.unwrap();
    assert_eq!(opened.keep_anchor(folder.path()).await, Ok(()), "an older anchor is no reason");
    // One account with its ledger, as it was: right in itself.
    let account = iamd_store::AccountId(world.account.number());
    let now = world.rows().await;
    world.store.tamper(account, |rows| *rows = before.clone());
    let refused = world.opens().await.unwrap().keep_anchor(folder.path()).await;
    let Err(Fault::Damaged(said)) = refused else { panic!("{refused:?}") };
    let (older, newer) = (before.head.revision, now.head.revision);
    let expected = format!("account 111122223333 is at revision {older} and was at {newer}");
    assert!(said.contains(&expected), "{said}");
    world.store.tamper(account, |rows| *rows = now);
    assert_eq!(world.opens().await.unwrap().keep_anchor(folder.path()).await, Ok(()));
    // It goes with the master key, and a deliberate step back forgets it.
    let new = MasterKey::fresh().unwrap();
    opened.rotate_master_key(&deed(), new.sealing().unwrap()).await.unwrap();
    let next = another_node(&world.store, &new).await;
    assert_eq!(next.keep_anchor(folder.path()).await, Ok(()));
    world.store.tamper(account, |rows| *rows = before);
    let next = another_node(&world.store, &new).await;
    assert!(next.keep_anchor(folder.path()).await.is_err());
    anchor::forget(folder.path()).unwrap();
    assert_eq!(next.keep_anchor(folder.path()).await, Ok(()));
}
