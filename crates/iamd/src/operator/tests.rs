//! Operators' wishes on a node whose store can be away.

use std::path::Path;
use std::sync::Arc;

use iamd_core::caller::{Caller, Credential};
use iamd_core::operator::Operator;
use iamd_core::quota::Quotas;
use iamd_core::state::{AccessKeyStatus, KeyOwner};
use iamd_core::unique_id::{AccessKeyId, IdPrefix};
use iamd_store::{Memory, Store};

use super::*;
use crate::authenticate::again;
use crate::founder::{self, NewAccountFacts, Order};
use crate::keys::MasterKey;
use crate::node::JOURNAL_FILE;

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
    assert_eq!(next.pending_revocations().len(), 1);

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
async fn a_credential_may_do_all_but_make_and_delete_credentials() {
    let world = World::new().await;
    let ana = Operator::Named("ana".into());
    let wish = |wish| wish_of(&world.node, world.folder.path(), &ana, wish);
    assert!(wish(Wish::ListAccounts).await.is_ok());
    assert!(wish(Wish::CloseAccount { account_id: ACCOUNT.to_owned() }).await.is_ok());
    for denied in [
        Wish::CreateOperator { name: "ben".to_owned() },
        Wish::DeleteOperator { name: "ben".to_owned() },
    ] {
        let refused = wish(denied).await.unwrap_err().to_string();
        assert!(refused.contains("operator ana is not authorized to perform iamd:"), "{refused}");
    }
}
