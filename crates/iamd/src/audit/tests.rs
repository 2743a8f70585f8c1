//! The trail of a whole node, over the memory engine.

use std::path::Path;
use std::sync::Arc;

use iamd_core::quota::Quotas;
use iamd_store::{Memory, Store};

use super::end::FileKey;
use super::ring::Entry;
use super::writer::Writer;
use super::*;
use crate::config::{Config, WhenFull};
use crate::keys::MasterKey;
use crate::node::{Drafted, Node};

struct World {
    store: Arc<Memory>,
    master: MasterKey,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let (store, master) = (Arc::new(Memory::new()), MasterKey::fresh().unwrap());
        World { store, master, folder: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> &Path {
        self.folder.path()
    }

    async fn node(&self) -> Arc<Node> {
        let store = Arc::clone(&self.store) as Arc<dyn iamd_store::Store>;
        let master = Arc::new(self.master.sealing().unwrap());
        Node::open(store, master, Quotas::default()).await.unwrap()
    }

    fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(files::path(&self.data().join(files::FOLDER), 1));
        text.unwrap_or_default().lines().skip(1).map(str::to_owned).collect()
    }
}

async fn proven(world: &World, node: &Arc<Node>) -> Report {
    let (progress, steps) = crate::operator::Progress::channel();
    let report = verify(node, world.data(), &progress).await.unwrap();
    let last = (*steps.borrow()).unwrap();
    assert_eq!(last.done, last.total, "the last step is the last");
    report
}

fn account() -> AccountId {
    AccountId::from_number(111_122_223_333).unwrap()
}

async fn write(node: &Arc<Node>, name: &'static str) {
    let event = Event::operator(name, &(), "request-id");
    let plan = Box::new(|_: &crate::node::Snapshot, _: &Node| Ok(Drafted::new(Vec::new(), ())));
    node.write(account(), event, plan).await.unwrap();
}

fn made(name: &'static str) -> Recorded {
    let event = Event::operator(name, &(), "request-id");
    let (outcome, time) = (Outcome::Done(None), Timestamp::from_seconds(1_769_860_800));
    recorded(&event, &outcome, account(), time).unwrap()
}

fn note(node: &Node, name: &'static str) {
    let event = &Event::operator(name, &(), "request-id");
    let (outcome, time) = (&Outcome::Done(None), Timestamp::from_seconds(1_769_860_800));
    assert!(node.audit().note(&Note { event, outcome, account: account(), time }).is_ok());
}

#[tokio::test]
async fn records_of_a_time_without_the_trail_come_into_the_files_once() {
    let world = World::new();
    let settings = Config::default().audit;
    let node = world.node().await;
    for _ in 0..300 {
        write(&node, "Before").await;
    }
    node.start_audit(world.data(), &settings).unwrap();
    write(&node, "After").await;
    while node.audit().trail.get().unwrap().shared.exported(account()) < 301 {
        tokio::task::yield_now().await;
    }
    assert_eq!(proven(&world, &node).await.breaks, []);
    node.audit().close().await;
    let lines = world.lines();
    assert_eq!(lines.len(), 301);
    assert!(lines[300].contains("After") && lines[300].contains("\"record\":301,"));
    // Another life brings nothing twice.
    let node = world.node().await;
    node.start_audit(world.data(), &settings).unwrap();
    write(&node, "Later").await;
    node.audit().flush().await.unwrap();
    node.audit().close().await;
    assert_eq!(world.lines().len(), 302);
    assert_eq!(proven(&world, &node).await.breaks, []);
}

#[tokio::test]
async fn old_records_are_forgotten_in_the_store_and_not_missed() {
    let world = World::new();
    let node = world.node().await;
    node.start_audit(world.data(), &Config::default().audit).unwrap();
    for _ in 0..5 {
        write(&node, "Old").await;
    }
    node.audit().flush().await.unwrap();
    node.clock().advance(91 * 86_400);
    write(&node, "New").await;
    node.audit().flush().await.unwrap();
    export::forget_old(&node, 92).await;
    assert_eq!(node.stored_records(account(), 0, 10).await.unwrap().len(), 6);
    export::forget_old(&node, 90).await;
    let kept = node.stored_records(account(), 0, 10).await.unwrap();
    assert_eq!(kept.iter().map(|record| record.number).collect::<Vec<_>>(), [6]);
    assert_eq!(proven(&world, &node).await.breaks, []);
    // What the ledger says is there must be there, also for the next node.
    write(&node, "Newer").await;
    assert_eq!(proven(&world, &world.node().await).await.breaks, []);
    node.audit().close().await;
}

#[tokio::test]
async fn what_finds_no_place_is_counted_in_the_trail() {
    let world = World::new();
    let node = world.node().await;
    let settings = crate::config::AuditSettings {
        waiting_max: 4,
        when_full: WhenFull::Count,
        ..Config::default().audit
    };
    let shared = Arc::new(Shared::new(&settings));
    let snapshot = node.snapshot();
    let keys = |version| trail_key(&snapshot.keys, version);
    let with = FileKey { version: 1, key: keys(1).unwrap() };
    let folder = world.data().join(files::FOLDER);
    let writer = Writer::open(folder, settings, with, &keys, Arc::clone(&shared)).unwrap();
    for _ in 0..10 {
        assert!(shared.ring.offer_or_count(Entry::Recorded(made("Flood"))).is_ok());
    }
    shared.ring.close();
    writer.run();
    let lines = world.lines();
    assert_eq!(lines.len(), 5);
    let gap: serde_json::Value = serde_json::from_str(&lines[4]).unwrap();
    assert_eq!(gap["eventName"], "LostAuditRecords");
    assert_eq!(gap["requestParameters"]["lost"], 6);
    assert_eq!(gap["userIdentity"]["invokedBy"], "iamd");
    assert_eq!(proven(&world, &node).await.breaks, []);
}

#[tokio::test(start_paused = true)]
async fn who_is_to_wait_is_refused_when_the_disk_takes_nothing() {
    let settings = crate::config::AuditSettings {
        waiting_max: 1,
        when_full: WhenFull::Wait,
        ..Config::default().audit
    };
    let shared = Shared::new(&settings);
    assert!(shared.ring.offer_or_count(Entry::Recorded(made("First"))).is_ok());
    let second = shared.ring.offer_or_count(Entry::Recorded(made("Second")));
    let Err(second) = second else { panic!("there was a place") };
    let refused = shared.ring.put(second).await;
    assert!(matches!(refused, Err(Fault::Unavailable(_))));
}

#[tokio::test]
async fn a_search_goes_back_through_blocks_and_files_page_by_page() {
    let world = World::new();
    let node = world.node().await;
    // Whole batches come between two files.
    let settings =
        crate::config::AuditSettings { file_bytes_max: 65_536, ..Config::default().audit };
    node.start_audit(world.data(), &settings).unwrap();
    for number in 0..1_000 {
        let name = if number % 100 == 7 { "Rare" } else { "Common" };
        note(&node, name);
        if number % 50 == 0 {
            node.audit().flush().await.unwrap();
        }
    }
    node.audit().flush().await.unwrap();
    let numbers = files::numbers(&world.data().join(files::FOLDER)).unwrap();
    assert!(numbers.len() > 3, "{numbers:?}");
    for (wanted, expected) in [("Rare", 10), ("Common", 990), ("Never", 0)] {
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let query = Query {
                account: account().to_string(),
                since: i64::MIN,
                until: i64::MAX,
                wanted: Some((Attribute::EventName, wanted.to_owned())),
                most: 7,
                before,
            };
            let page = node.audit().lookup(query).await.unwrap();
            assert!(page.records.len() <= 7);
            found.extend(page.records);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(found.len(), expected, "{wanted}");
        let ids: std::collections::HashSet<&String> = found.iter().collect();
        assert_eq!(ids.len(), expected, "nothing comes twice");
    }
    assert_eq!(proven(&world, &node).await.breaks, []);
    node.audit().close().await;
}

#[tokio::test]
async fn a_store_that_went_back_is_told_of_and_its_new_records_are_kept() {
    let mut world = World::new();
    let node = world.node().await;
    node.start_audit(world.data(), &Config::default().audit).unwrap();
    for _ in 0..3 {
        write(&node, "Before").await;
    }
    node.audit().flush().await.unwrap();
    node.audit().close().await;
    // As if an older version of the whole store had been put back. Only the keys are the same.
    let keys = iamd_store::AccountId(AccountId::KEYS.number());
    let kept = world.store.read_account(keys).await.unwrap();
    world.store = Arc::new(Memory::new());
    let commit = iamd_store::AccountCommit {
        puts: kept.rows,
        seal: kept.head.seal,
        ..iamd_store::AccountCommit::new(keys, iamd_store::Revision::ABSENT)
    };
    world.store.commit(vec![commit]).await.unwrap();
    let node = world.node().await;
    let broken = proven(&world, &node).await.breaks;
    assert!(broken[0].reason.contains("the store ends at record 0, the files at 3"), "{broken:?}");
    node.start_audit(world.data(), &Config::default().audit).unwrap();
    write(&node, "After").await;
    node.audit().flush().await.unwrap();
    node.audit().close().await;
    let lines = world.lines();
    assert!(lines[3].contains("StoreWentBack") && lines[4].contains("After"));
    assert_eq!(proven(&world, &node).await.breaks, []);
}

/// The versions of the keys that files of the trail are under, by file.
fn keys_of_files(world: &World) -> Vec<u32> {
    let folder = world.data().join(files::FOLDER);
    let numbers = files::numbers(&folder).unwrap();
    let header = |number: &u64| files::header(&files::path(&folder, *number)).unwrap().unwrap();
    numbers.iter().map(|number| header(number).key).collect()
}

#[tokio::test]
async fn a_new_data_key_is_taken_up_at_once_and_lines_go_on() {
    let world = World::new();
    let node = world.node().await;
    node.start_audit(world.data(), &Config::default().audit).unwrap();
    write(&node, "Before").await;
    node.audit().flush().await.unwrap();
    assert_eq!(keys_of_files(&world), [1]);
    let rotate = Event::operator("RotateKey", &(), "request-id");
    node.rotate_data_key(&rotate, &|_, _| {}).await.unwrap();
    write(&node, "After").await;
    // The second answer comes when all is done that the first one's batch has led to.
    node.audit().flush().await.unwrap();
    node.audit().flush().await.unwrap();
    assert_eq!(keys_of_files(&world), [1, 2]);
    note(&node, "Later");
    let report = proven(&world, &node).await;
    // Before, the order, the end of both logs under the new key, After, Later.
    assert_eq!((report.breaks, report.lines), (vec![], 6));
    let both = BTreeSet::from([1, 2]);
    assert_eq!(node.audit().needed(&both).await.unwrap(), both);
    node.audit().close().await;
}

#[tokio::test]
async fn a_data_key_of_a_rotation_at_rest_is_taken_up_at_the_next_start() {
    let world = World::new();
    let node = world.node().await;
    node.start_audit(world.data(), &Config::default().audit).unwrap();
    write(&node, "Before").await;
    node.audit().flush().await.unwrap();
    node.audit().close().await;
    let rotate = Event::operator("RotateKey", &(), "request-id");
    world.node().await.rotate_data_key(&rotate, &|_, _| {}).await.unwrap();
    let node = world.node().await;
    let forgetful = AuditSettings { retention_days: 0, ..Config::default().audit };
    node.start_audit(world.data(), &forgetful).unwrap();
    // With its file went the need of the old key.
    assert_eq!(keys_of_files(&world), [2]);
    assert_eq!(node.audit().needed(&BTreeSet::from([1, 2])).await.unwrap(), BTreeSet::from([2]));
    assert_eq!(proven(&world, &node).await.breaks, []);
    node.audit().close().await;
    // Without a trail, files of before are not forgotten.
    let node = world.node().await;
    let off = AuditSettings { enabled: false, ..Config::default().audit };
    node.start_audit(world.data(), &off).unwrap();
    assert_eq!(node.audit().needed(&BTreeSet::from([1, 2])).await.unwrap(), BTreeSet::from([2]));
    // A file that does not say which key it needs keeps all.
    std::fs::write(files::path(&world.data().join(files::FOLDER), 9), "{").unwrap();
    let both = BTreeSet::from([1, 2]);
    assert_eq!(node.audit().needed(&both).await.unwrap(), both);
}
