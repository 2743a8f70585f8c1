//! Operators' wishes on a node whose store can be away.

use std::path::Path;
use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::audit::Event;
use iamd_core::caller::{Caller, Credential};
use iamd_core::operator::Operator;
use iamd_core::quota::Quotas;
use iamd_core::state::{
    AccessKeyStatus, AccountChanges, Change, Entity, KeyOwner, MfaAssignment, MfaDevice,
    MfaDeviceId, MfaKind,
};
use iamd_core::unique_id::{AccessKeyId, IdPrefix};
use iamd_store::{Memory, Store};

use super::*;
use crate::authenticate::again;
use crate::founder::{self, NewAccountFacts, Order};
use crate::keys::{MasterKey, open_record};
use crate::node::{Drafted, JOURNAL_FILE, Plan};

const ACCOUNT: &str = "111122223333";

struct World {
    store: Arc<Memory>,
    master: MasterKey,
    node: Arc<Node>,
    folder: tempfile::TempDir,
    facts: NewAccountFacts,
}

impl World {
    async fn new() -> World {
        let (store, master) = (Arc::new(Memory::new()), MasterKey::fresh().unwrap());
        let node = opened(&store, &master).await;
        let order = Order {
            account_id: Some(ACCOUNT.to_owned()),
            root_email: "root@example.com".to_owned(),
            key_owner: Some("admin".to_owned()),
            ..Order::default()
        };
        let facts = founder::found(&node, order).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        node.open_journal(folder.path()).unwrap();
        World { store, master, node, folder, facts }
    }

    async fn wish(&self, wish: Wish) -> Result<Granted, Fault> {
        wish_of(&self.node, self.folder.path(), &Operator::Machine, wish).await
    }

    async fn revoke(&self, what: RevokeOrder) -> RevocationFacts {
        match self.wish(Wish::Revoke { what }).await {
            Ok(Granted::Revocation(facts)) => facts,
            other => panic!("{other:?}"),
        }
    }

    fn key(&self) -> RevokeOrder {
        RevokeOrder::AccessKey(self.facts.access_key_id.clone().unwrap())
    }

    /// The administrator on a node; none if his key is not good there.
    fn admin(&self, node: &Node) -> Option<Caller> {
        let id = self.facts.access_key_id.as_deref().unwrap().parse().unwrap();
        let snapshot = node.snapshot();
        let (account, key) = snapshot.state.access_key(&id)?;
        let caller = Caller::of_access_key(account, key)?;
        again(&snapshot.state, &caller)
    }

    async fn another_node(&self) -> Arc<Node> {
        opened(&self.store, &self.master).await
    }

    fn journal(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join(JOURNAL_FILE)).unwrap()
    }
}

/// The records of the account that the store has.
async fn records(node: &Node) -> Vec<serde_json::Value> {
    let account = ACCOUNT.parse().unwrap();
    let stored = node.stored_records(account, 0, 100).await.unwrap();
    let keys = &node.snapshot().keys;
    let opened = stored.iter().map(|it| open_record(keys, account, it.number, &it.bytes).unwrap());
    opened.map(|text| serde_json::from_str(&text).unwrap()).collect()
}

/// What the trail has of operators: name, error code, parameters, and whether it only read.
fn noted(world: &World) -> Vec<(String, serde_json::Value, serde_json::Value, bool)> {
    let text = std::fs::read_to_string(world.folder.path().join("audit/trail-0000000001.jsonl"));
    let text = text.unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines
        .filter(|line| line["eventSource"] == "operator.iamd")
        .map(|line| {
            assert_eq!(line["userIdentity"]["invokedBy"], "iamd operator");
            let name = line["eventName"].as_str().unwrap().to_owned();
            let is_read = line["readOnly"].as_bool().unwrap();
            (name, line["errorCode"].clone(), line["requestParameters"].clone(), is_read)
        })
        .collect()
}

async fn opened(store: &Arc<Memory>, master: &MasterKey) -> Arc<Node> {
    let store: Arc<dyn Store> = Arc::clone(store) as Arc<dyn Store>;
    Node::open(store, Arc::new(master.sealing().unwrap()), Quotas::default()).await.unwrap()
}

async fn wish_of(
    node: &Arc<Node>,
    folder: &Path,
    operator: &Operator,
    wish: Wish,
) -> Result<Granted, Fault> {
    let (progress, _steps) = Progress::channel();
    let (progress, output) = (&progress, &Output::none());
    grant(&Site { node, folder, progress, output, operator }, wish).await
}

#[tokio::test]
async fn a_revocation_is_stored_and_leaves_no_line() {
    let world = World::new().await;
    assert!(world.admin(&world.node).is_some());
    let facts = world.revoke(world.key()).await;
    assert!(facts.stored && facts.journalled && facts.problem.is_none());
    assert_eq!(facts.access_keys, [world.facts.access_key_id.clone().unwrap()]);
    assert_eq!(facts.sessions_ended, None);
    assert!(world.admin(&world.node).is_none());
    assert!(world.admin(&*world.another_node().await).is_none());
    assert!(world.journal().iter().all(|byte| *byte == 0));
    assert!(world.node.pending_revocations().is_empty());
}

#[tokio::test]
async fn with_the_store_away_it_is_in_force_at_once_and_stored_later() {
    let world = World::new().await;
    world.store.begin_outage("the disk is full");
    let facts = world.revoke(world.key()).await;
    assert!(!facts.stored && facts.journalled);
    assert!(facts.problem.unwrap().contains("the disk is full"));
    assert!(world.admin(&world.node).is_none(), "in force here");
    assert_eq!(world.journal().iter().filter(|byte| **byte == b'\n').count(), 1);
    revoke::replay(&world.node).await;
    assert_eq!(world.node.pending_revocations().len(), 1, "the store is still away");

    world.store.end_outage();
    assert!(world.admin(&*world.another_node().await).is_some(), "the store knows nothing of it");
    // What the store holds is read anew, and the revocation stays in force.
    world.node.reload().await.unwrap();
    assert!(world.admin(&world.node).is_none());
    revoke::replay(&world.node).await;
    assert!(world.node.pending_revocations().is_empty());
    assert!(world.admin(&*world.another_node().await).is_none());
    assert!(world.journal().iter().all(|byte| *byte == 0));
}

#[tokio::test]
async fn the_next_start_takes_up_what_the_journal_holds() {
    let world = World::new().await;
    world.store.begin_outage("gone");
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    for what in [world.key(), RevokeOrder::Principal(root)] {
        assert!(!world.revoke(what).await.stored);
    }
    world.store.end_outage();
    // The process ends, and another begins.
    let next = world.another_node().await;
    assert!(world.admin(&next).is_some());
    take_up(&next, world.folder.path()).await.unwrap();
    assert!(world.admin(&next).is_none() && next.pending_revocations().is_empty());
    let last = world.another_node().await;
    assert!(world.admin(&last).is_none());
    let snapshot = last.snapshot();
    let account = snapshot.state.account(ACCOUNT.parse().unwrap()).unwrap();
    assert!(account.settings().unwrap().root_sessions_not_before.is_some());
    assert!(account.keys_of(KeyOwner::Root).all(|key| key.status == AccessKeyStatus::Active));
}

#[tokio::test]
async fn the_record_of_a_revocation_that_waited_names_who_ordered_it() {
    let world = World::new().await;
    let ana = Operator::Named("ana".into());
    world.store.begin_outage("gone");
    let wish = Wish::Revoke { what: world.key() };
    let granted = wish_of(&world.node, world.folder.path(), &ana, wish).await;
    assert!(matches!(granted, Ok(Granted::Revocation(facts)) if !facts.stored));
    world.store.end_outage();
    let next = world.another_node().await;
    take_up(&next, world.folder.path()).await.unwrap();
    let record = records(&next).await.pop().unwrap();
    assert_eq!(record["eventName"], "Revoke");
    assert_eq!(record["requestParameters"]["operator"], "ana");
}

#[tokio::test]
async fn a_journal_that_was_altered_is_refused_and_a_torn_line_is_not() {
    let world = World::new().await;
    world.store.begin_outage("gone");
    world.revoke(world.key()).await;
    world.revoke(world.key()).await;
    world.store.end_outage();
    let path = world.folder.path().join(JOURNAL_FILE);
    let kept = world.journal();
    let line_ends: Vec<usize> =
        kept.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect();

    let mut torn = kept.clone();
    torn[line_ends[1]] = 0;
    std::fs::write(&path, torn).unwrap();
    let next = world.another_node().await;
    next.open_journal(world.folder.path()).unwrap();
    let waiting = next.pending_revocations();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].operator, Operator::Machine, "who said so is kept");

    let mut altered = kept.clone();
    altered[60] ^= 1;
    let mut swapped = kept[line_ends[0] + 1..=line_ends[1]].to_vec();
    swapped.resize(kept.len(), 0);
    for wrong in [altered, swapped] {
        std::fs::write(&path, wrong).unwrap();
        let refused = world.another_node().await.open_journal(world.folder.path());
        assert!(matches!(&refused, Err(Fault::Damaged(reason)) if reason.contains("line 1 of")));
    }
}

/// What memory forgets the store would keep for ever.
#[tokio::test]
async fn sessions_that_ended_by_themselves_go_from_the_store() {
    let world = World::new().await;
    let account: iamd_core::account_id::AccountId = ACCOUNT.parse().unwrap();
    for entropy in 1..4 {
        let id = AccessKeyId::from_entropy(IdPrefix::TemporaryKey, account, entropy);
        assert!(world.revoke(RevokeOrder::Session(id.to_string())).await.stored);
        world.node.clock().advance(37 * 3_600 + 1);
    }
    let held = |node: &Node| {
        let snapshot = node.snapshot();
        snapshot.state.account(account).unwrap().revoked_sessions().len()
    };
    assert_eq!(held(&*world.another_node().await), 1);
    assert_eq!(held(&world.node), 1);
}

#[tokio::test]
async fn a_write_that_was_planned_before_does_not_undo_a_revocation() {
    let world = World::new().await;
    let account = ACCOUNT.parse().unwrap();
    world.store.begin_outage("gone");
    let what = RevokeOrder::Account { account_id: ACCOUNT.to_owned(), with_access_keys: true };
    world.revoke(what).await;
    world.store.end_outage();
    let reset = Wish::ResetRootPassword {
        account_id: ACCOUNT.to_owned(),
        root_password: Some("another password".to_owned().into()),
    };
    assert!(matches!(world.wish(reset).await, Ok(Granted::Password(_))));
    assert!(world.admin(&world.node).is_none());
    let snapshot = world.node.snapshot();
    let settings = snapshot.state.account(account).unwrap().settings().unwrap();
    assert!(settings.sessions_not_before.is_some());
}

#[tokio::test]
async fn what_is_read_denied_or_fails_is_noted_in_the_trail() {
    let world = World::new().await;
    let settings = crate::config::Config::default().audit;
    world.node.start_audit(world.folder.path(), &settings).unwrap();
    let ana = Operator::Named("ana".into());
    let wish = |wish| wish_of(&world.node, world.folder.path(), &ana, wish);
    wish(Wish::ListAccounts).await.unwrap();
    wish(Wish::Backup).await.unwrap_err();
    world.wish(Wish::VerifyAudit).await.unwrap();
    let key = world.master.digits();
    world.wish(Wish::RotateKey(KeyOrder::Master { key: key.clone() })).await.unwrap_err();
    world.store.begin_outage("gone");
    let session = || Wish::RotateKey(KeyOrder::Session { delay_seconds: 9 });
    world.wish(session()).await.unwrap_err();
    world.store.end_outage();
    world.wish(session()).await.unwrap();
    world.node.audit().close().await;
    let none = serde_json::Value::Null;
    let code = |code: &str| serde_json::Value::from(code);
    let by_ana = serde_json::json!({"operator": "ana"});
    let ring = serde_json::json!({"kind": "session", "delaySeconds": 9});
    let expected = [
        ("ListAccounts", none.clone(), by_ana.clone(), true),
        ("Backup", code("AccessDenied"), by_ana, true),
        ("VerifyAudit", none.clone(), none.clone(), true),
        ("RotateKey", code("InvalidInput"), serde_json::json!({"kind": "master"}), false),
        ("RotateKey", code("ServiceUnavailable"), ring.clone(), false),
        ("RotateKey", none, ring, false),
    ];
    let found = noted(&world);
    let found = found.iter().filter(|(name, ..)| name != "CreateAccount");
    let found = found
        .map(|(name, code, shown, is_read)| (name.as_str(), code.clone(), shown.clone(), *is_read));
    assert_eq!(found.collect::<Vec<_>>(), expected);
    let text = std::fs::read_to_string(world.folder.path().join("audit/trail-0000000001.jsonl"));
    assert!(!text.unwrap().contains(key.expose()));
}

#[tokio::test]
async fn a_backup_of_a_folder_at_rest_leaves_a_record_in_the_store() {
    let world = World::new().await;
    let backup = async |output: Output| {
        let (progress, _steps) = Progress::channel();
        let (node, folder, operator) = (&world.node, world.folder.path(), &Operator::Machine);
        let site = Site { node, folder, progress: &progress, output: &output, operator };
        grant(&site, Wish::Backup).await
    };
    let last = || world.node.logs().last().map(|(account, log)| (*account, log.last));
    backup(Output::none()).await.unwrap_err();
    assert_ne!(last().unwrap().0, AccountId::OPERATORS, "nothing was copied");
    backup(Output::to(Box::new(std::io::sink()))).await.unwrap();
    assert_eq!(last(), Some((AccountId::OPERATORS, 1)));
}

#[tokio::test]
async fn an_account_is_closed_and_reopened() {
    let world = World::new().await;
    let before = world.admin(&world.node).unwrap();
    let account_id = ACCOUNT.to_owned();
    let closed = world.wish(Wish::CloseAccount { account_id: account_id.clone() }).await.unwrap();
    let Granted::Standing(facts) = closed else { panic!("{closed:?}") };
    assert_eq!(facts.state, "SUSPENDED");
    assert!(world.admin(&world.node).is_none());
    assert!(again(&world.node.snapshot().state, &before).is_none(), "nor for what was begun");
    let Granted::Accounts(lines) = world.wish(Wish::ListAccounts).await.unwrap() else {
        panic!("a list")
    };
    assert_eq!(lines[0].state, "SUSPENDED");
    assert!(world.wish(Wish::CloseAccount { account_id: account_id.clone() }).await.is_err());
    world.wish(Wish::ReopenAccount { account_id }).await.unwrap();
    assert!(matches!(world.admin(&world.node).unwrap().credential, Credential::LongTerm(_)));
}

#[tokio::test]
async fn the_doctor_knows_whether_root_has_a_device() {
    let world = World::new().await;
    let without = async || match world.wish(Wish::Examine).await.unwrap() {
        Granted::Examination(facts) => facts.root_without_mfa.first,
        other => panic!("{other:?}"),
    };
    assert_eq!(without().await, [ACCOUNT]);
    let now = world.node.clock().now();
    let device = MfaDevice {
        serial: "GAHT1".into(),
        kind: MfaKind::Hardware,
        id: MfaDeviceId([1; 16]),
        seed: "JBSWY3DPEHPK3PXP".to_owned().into(),
        created: now,
        tags: Vec::new(),
        last_step: None,
        assignment: Some(MfaAssignment { owner: KeyOwner::Root, enabled: now, drift: 0 }),
    };
    let account = ACCOUNT.parse().unwrap();
    let plan: Plan<()> = Box::new(move |_, _| {
        let changes = vec![Change::Put(Entity::MfaDevice(device.clone()))];
        Ok(Drafted::new(vec![AccountChanges { account, changes }], ()))
    });
    let event = Event::operator("Test", &(), "request-id");
    world.node.write(account, event, plan).await.unwrap();
    assert!(without().await.is_empty());
}

#[tokio::test]
async fn a_credential_may_do_all_but_make_and_delete_credentials() {
    let world = World::new().await;
    let ana = Operator::Named("ana".into());
    let wish = |wish| wish_of(&world.node, world.folder.path(), &ana, wish);
    assert!(wish(Wish::ListAccounts).await.is_ok());
    assert!(wish(Wish::CloseAccount { account_id: ACCOUNT.to_owned() }).await.is_ok());
    for denied in [
        Wish::CreateOperator { name: "ben".to_owned(), purpose: None },
        Wish::DeleteOperator { name: "ben".to_owned() },
    ] {
        let refused = wish(denied).await.unwrap_err().to_string();
        assert!(refused.contains("operator ana is not authorized to perform iamd:"), "{refused}");
    }
}
