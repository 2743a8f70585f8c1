//! The node over the memory engine: races, outages, bugs, altered rows.

use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::caller::Caller;
use iamd_core::operation::Environment;
use iamd_core::perform::perform;
use iamd_core::quota::Quotas;
use iamd_store::{AccountCommit, Memory, Row, RowKey, Store};
use iamd_wire::ErrorCode;
use iamd_wire::iam::CreateUserRequest;

use super::*;
use crate::founder::{self, NewAccountFacts, Order};
use crate::keys::MasterKey;

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
    Node::open(store, master.keyring().unwrap(), Quotas::default()).await.unwrap()
}

impl World {
    fn create_user(&self, name: &str) -> Plan<()> {
        let id = self.facts.access_key_id.as_deref().unwrap().parse().unwrap();
        let request: CreateUserRequest = {
            let body = format!("Action=CreateUser&Version=2010-05-08&UserName={name}");
            iamd_wire::query::Parameters::parse(body.as_bytes()).unwrap().decode().unwrap()
        };
        Box::new(move |snapshot: &Snapshot, node: &Node| {
            let (account, key) = snapshot.state.access_key(&id).unwrap();
            let caller = Caller::of_access_key(account, key).unwrap();
            let environment = Environment::default();
            let scene = node.scene(snapshot, account, &caller, &environment);
            let planned = perform(&request, &scene, &mut node.draw()?)?;
            Ok((planned.changes, ()))
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
        tasks.push(tokio::spawn(async move { node.write(account, plan).await }));
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
            tasks.push(tokio::spawn(async move { node.write(account, plan).await.is_ok() }));
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
    let refused = world.node.write(world.account, world.create_user("ana")).await;
    assert!(matches!(refused, Err(Failure::Fault(Fault::Unavailable(_)))));
    assert!(!world.has_user(&world.node, "ana"), "what is not durable is not visible");
    assert!(world.has_user(&world.node, "admin"), "what is known stays known");
    assert!(world.node.store_answers().await.is_err());
    world.store.end_outage();
    world.node.write(world.account, world.create_user("ana")).await.unwrap();
    assert!(world.has_user(&world.node, "ana"), "a client reads what it has written");
    assert!(world.has_user(&*another_node(&world.store, &world.master).await, "ana"));
}

#[tokio::test]
async fn a_bug_in_one_command_does_not_stop_the_next() {
    let world = world().await;
    let bug: Plan<()> = Box::new(|_: &Snapshot, _: &Node| panic!("a bug, on purpose"));
    let failed = world.node.write(world.account, bug).await;
    assert!(matches!(failed, Err(Failure::Fault(_))));
    world.node.write(world.account, world.create_user("ana")).await.unwrap();
}

#[tokio::test]
async fn a_row_that_somebody_moved_or_altered_is_named_and_not_served() {
    let world = world().await;
    let account = iamd_store::AccountId(world.account.number());
    let (revision, rows) = world.store.read_account(account).await.unwrap();
    let user = rows.iter().find(|row| row.key.kind == iamd_core::record::kind::USER).unwrap();
    let forged = Row::new(RowKey::new(user.key.kind, "AIDAFORGEDFORGEDFORGE"), user.bytes.to_vec());
    let commit =
        AccountCommit { account, expected: revision, puts: vec![forged], removes: Vec::new() };
    world.store.commit(vec![commit]).await.unwrap();
    let store: Arc<dyn Store> = Arc::clone(&world.store) as Arc<dyn Store>;
    let opened = Node::open(store, world.master.keyring().unwrap(), Quotas::default()).await;
    let Err(Fault::Damaged(reason)) = opened else { panic!("a forged row was taken") };
    assert!(reason.contains("AIDAFORGEDFORGEDFORGE"), "{reason}");
}

#[tokio::test]
async fn a_reset_puts_everything_back_and_keeps_working() {
    let world = world().await;
    let start = world.node.remember().await.unwrap();
    world.node.write(world.account, world.create_user("ana")).await.unwrap();
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
    world.node.write(world.account, world.create_user("ana")).await.unwrap();
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
