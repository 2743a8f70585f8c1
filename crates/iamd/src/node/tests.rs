//! The node over the memory engine: races, outages, bugs, altered rows.

use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::caller::Caller;
use iamd_core::operation::{Environment, Facts, Operation};
use iamd_core::perform::perform;
use iamd_core::preparation::{CodeOutcome, CodeUse};
use iamd_core::quota::Quotas;
use iamd_core::state::MfaDeviceId;
use iamd_store::{AccountRows, Memory, Row, RowKey, Store};
use iamd_wire::iam::{CreateUserRequest, DeleteUserRequest, UpdateUserRequest};
use iamd_wire::{ErrorCode, Timestamp};

use super::*;
use crate::founder::{self, NewAccountFacts, Order};
use crate::keys::{LogReader, MasterKey};

mod keys;

struct World {
    store: Arc<Memory>,
    master: MasterKey,
    node: Arc<Node>,
    account: AccountId,
    facts: NewAccountFacts,
}

async fn world() -> World {
    let store = Arc::new(Memory::new());
    let master = MasterKey::fresh().unwrap();
    let node = another_node(&store, &master).await;
    let order = Order {
        account_id: Some("111122223333".to_owned()),
        root_email: "root@example.com".to_owned(),
        key_owner: Some("admin".to_owned()),
        ..Order::default()
    };
    let facts = founder::found(&node, order).await.unwrap();
    World { store, master, node, account: AccountId::from_number(111_122_223_333).unwrap(), facts }
}

async fn another_node(store: &Arc<Memory>, master: &MasterKey) -> Arc<Node> {
    let store: Arc<dyn Store> = Arc::clone(store) as Arc<dyn Store>;
    Node::open(store, Arc::new(master.sealing().unwrap()), Quotas::default()).await.unwrap()
}

fn deed() -> Event {
    Event::operator("Test", &(), "request-id")
}

impl World {
    async fn rows(&self) -> AccountRows {
        let account = iamd_store::AccountId(self.account.number());
        self.store.read_account(account).await.unwrap()
    }

    /// The row of a user as it was before the last change of his.
    async fn older_user_row(&self, name: &str) -> Row {
        let before = self.rows().await;
        let other = format!("{name}2");
        self.node.write(self.account, deed(), self.rename_user(name, &other)).await.unwrap();
        self.node.write(self.account, deed(), self.rename_user(&other, name)).await.unwrap();
        let after = self.rows().await;
        let differs =
            |row: &&Row| after.rows.iter().any(|it| it.key == row.key && it.bytes != row.bytes);
        before.rows.iter().find(differs).unwrap().clone()
    }

    async fn opens(&self) -> Result<Arc<Node>, Fault> {
        let store: Arc<dyn Store> = Arc::clone(&self.store) as Arc<dyn Store>;
        Node::open(store, Arc::new(self.master.sealing().unwrap()), Quotas::default()).await
    }

    /// Expects that a change of the account's rows behind our back is noticed, and takes it back.
    async fn refuses(&self, expected: &str, change: impl FnOnce(&mut AccountRows)) {
        let account = iamd_store::AccountId(self.account.number());
        let kept = self.rows().await;
        self.store.tamper(account, change);
        let Err(fault) = self.opens().await else { panic!("{expected}: it opens") };
        assert!(fault.to_string().contains(expected), "{expected}: {fault}");
        self.store.tamper(account, |rows| *rows = kept);
    }

    fn create_user(&self, name: &str) -> Plan<()> {
        self.plan::<CreateUserRequest>(&format!("Action=CreateUser&UserName={name}"))
    }

    fn delete_user(&self, name: &str) -> Plan<()> {
        self.plan::<DeleteUserRequest>(&format!("Action=DeleteUser&UserName={name}"))
    }

    fn rename_user(&self, name: &str, new: &str) -> Plan<()> {
        let body = format!("Action=UpdateUser&UserName={name}&NewUserName={new}");
        self.plan::<UpdateUserRequest>(&body)
    }

    fn plan<O: Operation>(&self, body: &str) -> Plan<()> {
        let id = self.facts.access_key_id.as_deref().unwrap().parse().unwrap();
        let request: O = {
            let body = format!("{body}&Version=2010-05-08");
            iamd_wire::query::Parameters::parse(body.as_bytes()).unwrap().decode().unwrap()
        };
        Box::new(move |snapshot: &Snapshot, node: &Node| {
            let (account, key) = snapshot.state.access_key(&id).unwrap();
            let caller = Caller::of_access_key(account, key).unwrap();
            let environment = Environment::default();
            let scene = node.scene(snapshot, account, &caller, &environment);
            let planned = perform(&request, &scene, &mut node.draw()?)?;
            Ok(Drafted::new(planned.changes, ()))
        })
    }

    fn has_user(&self, node: &Node, name: &str) -> bool {
        let snapshot = node.snapshot();
        snapshot.state.account(self.account).unwrap().users().named(name).is_some()
    }
}

#[tokio::test]
async fn racing_creates_of_one_name_give_one_success() {
    let world = world().await;
    let mut tasks = Vec::new();
    for number in 0..64 {
        let name = if number % 2 == 0 { "Race" } else { "race" };
        let (node, plan) = (Arc::clone(&world.node), world.create_user(name));
        let account = world.account;
        tasks.push(tokio::spawn(async move { node.write(account, deed(), plan).await }));
    }
    let mut successes = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => successes += 1,
            Err(Failure::Refused(refusal)) => {
                assert_eq!(refusal.code, ErrorCode::EntityAlreadyExists);
            }
            Err(Failure::Fault(fault)) => panic!("{fault}"),
        }
    }
    assert_eq!(successes, 1);
}

#[tokio::test]
async fn two_nodes_on_one_store_never_give_one_name_twice() {
    let world = world().await;
    let other = another_node(&world.store, &world.master).await;
    let mut tasks = Vec::new();
    for number in 0..40 {
        for node in [&world.node, &other] {
            let (node, plan) = (Arc::clone(node), world.create_user(&format!("user{number}")));
            let account = world.account;
            tasks
                .push(tokio::spawn(async move { node.write(account, deed(), plan).await.is_ok() }));
        }
    }
    let mut successes = 0;
    for task in tasks {
        successes += usize::from(task.await.unwrap());
    }
    assert_eq!(successes, 40);
    let fresh = another_node(&world.store, &world.master).await;
    assert!((0..40).all(|number| world.has_user(&fresh, &format!("user{number}"))));
}

#[tokio::test]
async fn an_outage_of_the_store_refuses_writes_and_nothing_else() {
    let world = world().await;
    world.store.begin_outage("the disk is full");
    let refused = world.node.write(world.account, deed(), world.create_user("ana")).await;
    assert!(matches!(refused, Err(Failure::Fault(Fault::Unavailable(_)))));
    assert!(!world.has_user(&world.node, "ana"), "what is not durable is not visible");
    assert!(world.has_user(&world.node, "admin"), "what is known stays known");
    assert!(world.node.store_answers().await.is_err());
    world.store.end_outage();
    world.node.write(world.account, deed(), world.create_user("ana")).await.unwrap();
    assert!(world.has_user(&world.node, "ana"), "a client reads what it has written");
    assert!(world.has_user(&*another_node(&world.store, &world.master).await, "ana"));
}

#[tokio::test]
async fn the_last_use_of_what_is_no_more_is_forgotten() {
    let world = world().await;
    let admin = world.facts.access_key_id.clone().unwrap();
    let gone = ["AKIAIOSFODNN7EXAMPLE", "AROA3XFRBF535PLBIFPI4"];
    for id in gone.into_iter().chain([&*admin]) {
        world.node.facts().note(world.account, id, world.node.clock().now(), "us-east-1", "iam");
    }
    world.node.flush_facts().await.unwrap();
    let [key, role] = gone;
    let known = |node: &Node| {
        let facts = node.facts();
        let key_use = |id: &str| facts.access_key_last_use(&id.parse().unwrap()).is_some();
        [key_use(key), facts.role_last_use(role.parse().unwrap()).is_some(), key_use(&admin)]
    };
    world.store.begin_outage("gone");
    assert!(world.node.forget_facts().await.is_err());
    assert_eq!(known(&world.node), [true, true, true]);
    world.store.end_outage();
    world.node.forget_facts().await.unwrap();
    assert_eq!(known(&world.node), [false, false, true]);
    assert_eq!(known(&*another_node(&world.store, &world.master).await), [false, false, true]);
}

/// Who waits for the directory waits in memory.
#[tokio::test]
async fn commands_for_the_directory_are_refused_when_too_many_wait() {
    let world = world().await;
    let queue = world.node.queue(AccountId::DIRECTORY);
    let turn = queue.turn().await;
    let places = Arc::clone(&world.node.directory_places);
    let taken = places.try_acquire_many_owned(QUEUE_COMMANDS_MAX as u32 - 1).unwrap();
    let write = |name: &str| {
        let (node, plan) = (Arc::clone(&world.node), world.create_user(name));
        let account = world.account;
        tokio::spawn(async move { node.write_directory(account, deed(), plan).await })
    };
    let waits = write("ana");
    while world.node.commands_waiting() < QUEUE_COMMANDS_MAX {
        tokio::task::yield_now().await;
    }
    let refused = write("ben").await.unwrap();
    assert!(matches!(refused, Err(Failure::Fault(Fault::Unavailable(_)))), "{refused:?}");
    drop((taken, turn));
    waits.await.unwrap().unwrap();
    assert_eq!(world.node.commands_waiting(), 0);
    write("ben").await.unwrap().unwrap();
}

#[tokio::test]
async fn a_bug_in_one_command_does_not_stop_the_next() {
    let world = world().await;
    let bug: Plan<()> = Box::new(|_: &Snapshot, _: &Node| panic!("a bug, on purpose"));
    let failed = world.node.write(world.account, deed(), bug).await;
    assert!(matches!(failed, Err(Failure::Fault(_))));
    world.node.write(world.account, deed(), world.create_user("ana")).await.unwrap();
}

/// What whoever can write to the database might do to an account, and what the refusal says.
#[tokio::test]
async fn rows_that_are_not_what_was_written_are_named_and_not_served() {
    let world = world().await;
    world.node.write(world.account, deed(), world.create_user("ana")).await.unwrap();
    let before = world.rows().await;
    world.node.write(world.account, deed(), world.delete_user("ana")).await.unwrap();
    world.node.write(world.account, deed(), world.create_user("bob")).await.unwrap();
    world.node.write(world.account, deed(), world.rename_user("bob", "rob")).await.unwrap();
    world.node.write(world.account, deed(), world.create_user("eve")).await.unwrap();
    let user = |rows: &AccountRows, place: usize| {
        let is_user = |row: &&Row| row.key.kind == iamd_core::record::kind::USER;
        rows.rows.iter().filter(is_user).nth(place).unwrap().clone()
    };
    let now = world.rows().await;
    let name = |row: &Row| format!("row 2/{} of account 111122223333", row.key.id);
    let ana = before.rows.iter().find(|row| now.rows.iter().all(|it| it.key != row.key)).unwrap();
    let older = world.older_user_row("rob").await;

    world.refuses(&name(&user(&now, 0)), |rows| rows.rows[1].bytes[40] ^= 1).await;
    world
        .refuses("row 2/AIDAFORGED", |rows| {
            let bytes = rows.rows[1].bytes.clone();
            rows.rows.push(Row::new(RowKey::new(2, "AIDAFORGED"), bytes));
        })
        .await;
    world
        .refuses(&name(&user(&now, 0)), |rows| {
            let bytes = rows.rows[2].bytes.clone();
            rows.rows[1].bytes = bytes;
        })
        .await;
    world
        .refuses(&format!("{} was removed and is there again", name(ana)), |rows| {
            rows.rows.push(ana.clone());
        })
        .await;
    world
        .refuses(&format!("{} is an older version", name(&older)), |rows| {
            let held = rows.rows.iter_mut().find(|row| row.key == older.key).unwrap();
            held.bytes = older.bytes.clone();
        })
        .await;
    world
        .refuses("account 111122223333 lacks rows", |rows| {
            rows.rows.remove(1);
        })
        .await;
    world
        .refuses("the revision or the seal of account 111122223333", |rows| {
            rows.head.revision = rows.head.revision.next();
        })
        .await;
    world
        .refuses("the revision or the seal of account 111122223333", |rows| {
            rows.head.seal[30] ^= 1;
        })
        .await;
    world
        .refuses("the revision or the seal of account 111122223333", |rows| {
            rows.head.seal.clear();
        })
        .await;
    world
        .refuses("account 111122223333 lacks rows", |rows| {
            rows.head = before.head.clone();
        })
        .await;
    assert!(world.opens().await.is_ok(), "what was not tampered with opens");
}

#[tokio::test]
async fn stored_keys_that_are_not_what_was_written_are_refused() {
    let world = world().await;
    let keys = iamd_store::AccountId(AccountId::KEYS.number());
    let kept = world.store.read_account(keys).await.unwrap();
    type Change<'a> = &'a dyn Fn(&mut AccountRows);
    let changes: [(&str, Change<'_>); 4] = [
        ("stored key 1/0000000001 was altered", &|rows| rows.rows[0].bytes[50] ^= 1),
        ("the stored keys are not all", &|rows| drop(rows.rows.remove(0))),
        ("the stored keys are not all", &|rows| rows.head.revision = rows.head.revision.next()),
        ("no keys to open them with", &|rows| *rows = AccountRows::default()),
    ];
    for (expected, change) in changes {
        world.store.tamper(keys, change);
        let Err(fault) = world.opens().await else { panic!("{expected}: it opens") };
        assert!(fault.to_string().contains(expected), "{fault}");
        world.store.tamper(keys, |rows| *rows = kept.clone());
    }
    let other = Arc::new(MasterKey::fresh().unwrap().sealing().unwrap());
    let store: Arc<dyn Store> = Arc::clone(&world.store) as Arc<dyn Store>;
    let Err(fault) = Node::open(store, other, Quotas::default()).await else { panic!("it opens") };
    assert!(matches!(&fault, Fault::Folder(reason) if reason.contains("not the one")), "{fault}");
    assert!(world.opens().await.is_ok());
}

#[tokio::test]
async fn a_reset_puts_everything_back_and_keeps_working() {
    let world = world().await;
    let start = world.node.remember();
    world.node.write(world.account, deed(), world.create_user("ana")).await.unwrap();
    let order = Order {
        root_email: "other@example.com".to_owned(),
        key_owner: Some("root".to_owned()),
        ..Order::default()
    };
    founder::found(&world.node, order).await.unwrap();
    world.node.clock().advance(3_600);
    world.node.put_back(&start).await.unwrap();
    assert!(!world.has_user(&world.node, "ana") && world.has_user(&world.node, "admin"));
    assert_eq!(world.node.snapshot().state.accounts().count(), 1);
    world.node.write(world.account, deed(), world.create_user("ana")).await.unwrap();
    assert!(world.has_user(&*another_node(&world.store, &world.master).await, "ana"));
}

#[tokio::test]
async fn accounts_with_a_number_or_address_that_is_taken_are_refused() {
    let world = world().await;
    for (id, email) in [
        (Some("111122223333"), "new@example.com"),
        (None, "ROOT@example.com"),
        (Some("12"), "new@example.com"),
        (None, "nobody"),
    ] {
        let order = Order {
            account_id: id.map(str::to_owned),
            root_email: email.to_owned(),
            key_owner: Some("admin".to_owned()),
            ..Order::default()
        };
        let refused = founder::found(&world.node, order).await;
        assert!(matches!(refused, Err(Fault::Refused(_))), "{id:?} {email}");
    }
}

impl World {
    /// The records of the account, proven, with what they say.
    async fn records(&self) -> Vec<serde_json::Value> {
        let account = iamd_store::AccountId(self.account.number());
        let snapshot = self.node.snapshot();
        let head = self.node.ledgers.log(self.account);
        let mut reader = LogReader::new(&snapshot.keys, self.account, head);
        let stored = self.store.read_records(account, 0, usize::MAX).await.unwrap();
        let read = stored.iter().map(|record| reader.next(record.number, &record.bytes).unwrap());
        let read = read.map(|text| serde_json::from_str(&text).unwrap()).collect();
        reader.finish().unwrap();
        read
    }
}

#[tokio::test]
async fn a_write_and_its_record_are_committed_together() {
    let world = world().await;
    let names = |records: &[serde_json::Value]| {
        let name = |record: &serde_json::Value| record["eventName"].as_str().unwrap().to_owned();
        records.iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(names(&world.records().await), ["CreateAccount"]);
    world.node.write(world.account, deed(), world.create_user("ana")).await.unwrap();
    world.node.write(world.account, deed(), world.create_user("ana")).await.unwrap_err();
    world.store.begin_outage("the disk is full");
    world.node.write(world.account, deed(), world.create_user("bob")).await.unwrap_err();
    world.store.end_outage();
    assert_eq!(names(&world.records().await), ["CreateAccount", "Test"]);
    let other = another_node(&world.store, &world.master).await;
    other.write(world.account, deed(), world.create_user("bob")).await.unwrap();
    // This node loses the race, reads everything again, and makes its record anew.
    world.node.write(world.account, deed(), world.create_user("eve")).await.unwrap();
    let records = world.records().await;
    assert_eq!(names(&records), ["CreateAccount", "Test", "Test", "Test"]);
    let ids: std::collections::HashSet<_> = records.iter().map(|it| &it["eventID"]).collect();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn a_reset_keeps_the_records() {
    let world = world().await;
    let start = world.node.remember();
    world.node.write(world.account, deed(), world.create_user("ana")).await.unwrap();
    world.node.put_back(&start).await.unwrap();
    world.node.write(world.account, deed(), world.create_user("ana")).await.unwrap();
    assert_eq!(world.records().await.len(), 3);
}

#[tokio::test]
async fn a_code_counts_once_on_all_nodes_and_never_without_the_store() {
    let world = world().await;
    let other = another_node(&world.store, &world.master).await;
    let now = world.node.clock().now();
    let code = |steps: &[i64], passed: &[i64]| CodeUse {
        account: world.account,
        device: MfaDeviceId([7; 16]),
        steps: steps.to_vec(),
        passed: passed.to_vec(),
        expires: Timestamp::from_seconds(now.seconds() + 600),
        at: now,
    };
    let refused = CodeOutcome::Refuse;
    assert_eq!(world.node.use_up(&code(&[], &[])).await, Ok(refused), "a wrong code");
    assert_eq!(world.node.use_up(&code(&[10], &[8, 9])).await, Ok(CodeOutcome::Claim));
    for node in [&world.node, &other] {
        for step in 8..=10 {
            assert_eq!(node.use_up(&code(&[step], &[])).await, Ok(refused), "{step}");
        }
        // One of two is enough.
        assert_eq!(node.use_up(&code(&[10, 11], &[])).await, Ok(refused));
    }
    let another = CodeUse { device: MfaDeviceId([8; 16]), ..code(&[10], &[]) };
    assert_eq!(other.use_up(&another).await, Ok(CodeOutcome::Claim));
    world.store.begin_outage("the disk is full");
    let outcome = world.node.use_up(&code(&[12], &[])).await;
    assert!(matches!(outcome, Err(Fault::Unavailable(_))));
    world.store.end_outage();
    assert_eq!(world.node.use_up(&code(&[12], &[])).await, Ok(CodeOutcome::Claim));
}

/// Of many who show one code at once, one is let in.
#[tokio::test]
async fn racing_uses_of_one_code_give_one_claim() {
    let world = world().await;
    let now = world.node.clock().now();
    let mut tasks = Vec::new();
    for _ in 0..64 {
        let node = Arc::clone(&world.node);
        let code = CodeUse {
            account: world.account,
            device: MfaDeviceId([7; 16]),
            steps: vec![10],
            passed: vec![8, 9],
            expires: Timestamp::from_seconds(now.seconds() + 600),
            at: now,
        };
        tasks.push(tokio::spawn(async move { node.use_up(&code).await }));
    }
    let mut claims = 0;
    for task in tasks {
        claims += usize::from(task.await.unwrap() == Ok(CodeOutcome::Claim));
    }
    assert_eq!(claims, 1);
}
