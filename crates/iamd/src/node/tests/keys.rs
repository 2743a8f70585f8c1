//! Rotating keys: nothing is lost, nothing that was tampered with is sealed anew, no request waits.

use std::collections::BTreeSet;

use super::super::key_change::KeyChange;
use super::super::rotation::{DATA_STAY_SECONDS, SESSION_STAY_SECONDS};
use super::*;
use crate::keys::{DataKey, KeyRow, KnownKey, anchor, key_version};

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

    /// Adds a data key as a rotation does first, and nothing else.
    async fn begin_rotation(&self) {
        let add = |_: &[KeyRow]| {
            let puts = vec![KeyRow::Data(DataKey::fresh(2, 0)?)];
            Ok(Some(KeyChange { puts, ..KeyChange::default() }))
        };
        assert!(self.node.change_keys(add).await.unwrap());
    }
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
    let done = world.node.rotate_data_key(&report).await.unwrap();
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

#[tokio::test]
async fn an_old_data_key_goes_after_a_while_and_not_before() {
    let world = world().await;
    world.node.rotate_data_key(QUIET).await.unwrap();
    assert!(world.node.removable().is_empty());
    world.node.clock().advance(DATA_STAY_SECONDS);
    assert_eq!(world.node.removable(), BTreeSet::from([1]));
    // The records of what was done before are under it.
    assert_eq!(world.node.remove_data_keys().await, Ok(BTreeSet::from([1])));
    world.node.write(world.account, deed(), world.create_user("later")).await.unwrap();
    let last = world.node.ledgers.log(world.account).last;
    world.node.forget_records(world.account, last - 1).await.unwrap();
    assert_eq!(world.node.remove_data_keys().await, Ok(BTreeSet::new()));
    assert_eq!(world.data_keys(), [2]);
    assert!(world.opens().await.is_ok());
    assert_eq!(world.node.rotate_data_key(QUIET).await.unwrap().version, 3);
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

    world.node.rotate_data_key(QUIET).await.unwrap();
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
    let done = again.rotate_data_key(QUIET).await.unwrap();
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
    assert!(matches!(world.node.rotate_data_key(QUIET).await, Err(Fault::Unavailable(_))));
    world.store.end_outage();
    assert!(world.node.rotate_data_key(QUIET).await.unwrap().is_resumed);
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
    let refused = world.node.rotate_data_key(QUIET).await;
    assert!(matches!(refused, Err(Fault::Damaged(_))), "{refused:?}");
    let Err(fault) = world.opens().await else { panic!("it opens") };
    assert!(fault.to_string().contains(&older.key.id.to_string()), "{fault}");
}

#[tokio::test]
async fn another_node_takes_in_keys_from_their_rows() {
    let world = world().await;
    let other = another_node(&world.store, &world.master).await;
    world.node.rotate_data_key(QUIET).await.unwrap();
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
    world.node.rotate_data_key(QUIET).await.unwrap();
    assert_eq!(other.rotate_data_key(QUIET).await.unwrap().version, 3);
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
    let fingerprint = world.node.rotate_master_key(new.sealing().unwrap()).await.unwrap();
    let again = world.node.rotate_master_key(new.sealing().unwrap()).await;
    assert!(matches!(again, Err(Fault::Refused(_))), "{again:?}");
    let Err(fault) = world.opens().await else { panic!("it opens under the old key") };
    let said = fault.to_string();
    assert!(said.contains(&format!("{fingerprint:08x}")), "{said}");
    assert!(said.contains(&format!("{old:08x}")), "{said}");
    // The node goes on under the new one, and so does the next.
    world.node.write(world.account, deed(), world.create_user("ana")).await.unwrap();
    world.node.reload().await.unwrap();
    world.node.rotate_data_key(QUIET).await.unwrap();
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
    opened.rotate_master_key(new.sealing().unwrap()).await.unwrap();
    let next = another_node(&world.store, &new).await;
    assert_eq!(next.keep_anchor(folder.path()).await, Ok(()));
    world.store.tamper(account, |rows| *rows = before);
    let next = another_node(&world.store, &new).await;
    assert!(next.keep_anchor(folder.path()).await.is_err());
    anchor::forget(folder.path()).unwrap();
    assert_eq!(next.keep_anchor(folder.path()).await, Ok(()));
}
