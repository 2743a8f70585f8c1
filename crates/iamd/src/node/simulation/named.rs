//! Faults by name, each with what it may do and what it may not.

use std::sync::Arc;
use std::time::Duration;

use iamd_core::account_id::AccountId;
use iamd_core::audit::Event;
use iamd_core::quota::Quotas;
use iamd_core::unique_id::AccessKeyId;
use iamd_store::{Memory, Revision, Store};
use iamd_wire::{ErrorCode, Service, Timestamp};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::client::{self, Credential, Findings, Heard};
use super::command::Command;
use super::faults::{FaultyStore, Odds};
use crate::clock::Clock;
use crate::fault::Fault;
use crate::keys::{MasterKey, SealingKey};
use crate::node::{Failure, Node, follow};

const NOW: i64 = 1_769_860_800;
const TRUST: &str = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22AWS%22%3A%22111111111111%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%7D";

/// A store that nodes share, and the key of the data.
struct Shared {
    durable: Arc<Memory>,
    master: Arc<SealingKey>,
    account: AccountId,
    key: AccessKeyId,
}

/// A node, and the store as it sees it.
struct Server {
    node: Arc<Node>,
    store: Arc<FaultyStore>,
    account: AccountId,
    key: AccessKeyId,
}

impl Shared {
    /// A store with an account, and a first node on it.
    async fn new() -> (Shared, Server) {
        let account = AccountId::from_number(111_111_111_111).unwrap();
        let shared = Shared {
            durable: Arc::new(Memory::new()),
            master: Arc::new(MasterKey::fresh().unwrap().sealing().unwrap()),
            account,
            key: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
        };
        let server = shared.server().await;
        client::found(Arc::clone(&server.node), account, shared.key.clone()).await.unwrap();
        server
            .ask("CreateRole", &format!("RoleName=reader&AssumeRolePolicyDocument={TRUST}"))
            .await
            .unwrap();
        (shared, server)
    }

    async fn server(&self) -> Server {
        let store = Arc::new(FaultyStore::new(Arc::clone(&self.durable), 1));
        let seen: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
        let clock = Clock::of_timers((Instant::now(), NOW));
        let master = Arc::clone(&self.master);
        let node = Node::open_with_clock(seen, master, Quotas::default(), clock).await.unwrap();
        Server { node, store, account: self.account, key: self.key.clone() }
    }
}

impl Server {
    fn command(&self, operation: &'static str, parameters: &str) -> Command {
        let service = match operation {
            "AssumeRole" | "GetCallerIdentity" => Service::Sts,
            _ => Service::Iam,
        };
        let version = service.version();
        let body = format!("Action={operation}&Version={version}&{parameters}");
        Command { account: self.account, service, operation, body, effects: Vec::new() }
    }

    async fn ask(&self, operation: &'static str, parameters: &str) -> Heard {
        self.ask_as(Credential::Key(self.key.clone()), operation, parameters).await
    }

    async fn ask_as(
        &self,
        credential: Credential,
        operation: &'static str,
        parameters: &str,
    ) -> Heard {
        let command = self.command(operation, parameters);
        let findings = Findings::default();
        let heard =
            client::send(Arc::clone(&self.node), command, credential, findings.clone()).await;
        assert_eq!(findings.take(), Vec::<String>::new());
        heard
    }

    /// The same while something else happens.
    fn asking(&self, operation: &'static str, parameters: &str) -> JoinHandle<Heard> {
        let command = self.command(operation, parameters);
        let credential = Credential::Key(self.key.clone());
        tokio::spawn(client::send(Arc::clone(&self.node), command, credential, Findings::default()))
    }

    fn has_user(&self, name: &str) -> bool {
        let snapshot = self.node.snapshot();
        snapshot.state.account(self.account).unwrap().users().named(name).is_some()
    }

    /// What goes on whatever becomes of the store; a session of a role.
    async fn answers(&self) -> Credential {
        self.ask("GetUser", "UserName=admin").await.unwrap();
        let role = "RoleArn=arn:aws:iam::111111111111:role/reader&RoleSessionName=s";
        let (answer, _) = self.ask("AssumeRole", role).await.unwrap();
        let text = |name: &str| answer["Credentials"][name].as_str().unwrap().to_owned();
        let session = Credential::Session {
            id: text("AccessKeyId").parse().unwrap(),
            token: text("SessionToken"),
            expires: Timestamp::from_seconds(i64::MAX),
            keys: Revision::ABSENT,
        };
        self.ask_as(session.clone(), "GetCallerIdentity", "").await.unwrap();
        let denied = self.ask_as(session.clone(), "GetUser", "UserName=admin").await;
        assert_eq!(code(&denied), Some(ErrorCode::AccessDenied), "a role without policies");
        session
    }
}

fn code(heard: &Heard) -> Option<ErrorCode> {
    match heard {
        Err(Failure::Refused(refusal)) => Some(refusal.code),
        Ok(_) | Err(Failure::Fault(_)) => None,
    }
}

fn deed() -> Event {
    Event::operator("Test", &(), "request-id")
}

fn is_unavailable(heard: &Heard) -> bool {
    matches!(heard, Err(Failure::Fault(Fault::Unavailable(_))))
}

#[tokio::test(start_paused = true)]
async fn a_broken_disk_refuses_writes_and_nothing_else() {
    let (shared, server) = Shared::new().await;
    // "database or disk is full" and "disk I/O error", both in turn.
    server.store.set_odds(Odds { error: 100, ..Odds::default() });
    for _ in 0..20 {
        let refused = server.ask("CreateUser", "UserName=ana").await;
        assert!(is_unavailable(&refused), "{refused:?}");
        server.answers().await;
    }
    assert!(!server.has_user("ana"), "what is not durable is not visible");
    server.store.heal();
    server.ask("CreateUser", "UserName=ana").await.unwrap();
    assert!(server.has_user("ana") && shared.server().await.has_user("ana"));
}

#[tokio::test(start_paused = true)]
async fn thirty_minutes_without_a_store_stop_no_decision_and_no_session() {
    let (_shared, server) = Shared::new().await;
    let follower = tokio::spawn(follow(Arc::clone(&server.node)));
    server.store.go_away(Duration::from_secs(30 * 60));
    for minute in 1..30 {
        sleep(Duration::from_secs(60)).await;
        let asked = Instant::now();
        let refused = server.ask("CreateUser", "UserName=ana").await;
        assert!(is_unavailable(&refused), "{refused:?}");
        server.answers().await;
        assert!(asked.elapsed() < Duration::from_secs(1), "nobody waits for a store");
        let age = server.node.snapshot_age();
        assert!(age >= Duration::from_secs(60 * minute - 2), "{minute} min: {age:?}");
    }
    sleep(Duration::from_secs(120)).await;
    server.ask("CreateUser", "UserName=ana").await.unwrap();
    assert!(server.node.snapshot_age() < Duration::from_secs(2));
    follower.abort();
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_delays_writes_and_nothing_else() {
    let (_shared, server) = Shared::new().await;
    server.store.answer_late("commit", Duration::from_secs(90));
    let begun = Instant::now();
    let write = server.asking("CreateUser", "UserName=ana");
    sleep(Duration::from_secs(1)).await;
    let asked = Instant::now();
    server.answers().await;
    assert!(asked.elapsed().is_zero());
    assert!(!server.has_user("ana"), "nothing is shown before it is known to be durable");
    write.await.unwrap().unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(90) && server.has_user("ana"));
}

/// A process that stood still wakes up with a plan that is a minute old.
#[tokio::test(start_paused = true)]
async fn a_process_that_stood_still_writes_nothing_stale() {
    let (shared, server) = Shared::new().await;
    let other = shared.server().await;
    server.store.pause(Duration::from_secs(60));
    let create = server.asking("CreateUser", "UserName=Ana");
    sleep(Duration::from_secs(30)).await;
    other.ask("CreateUser", "UserName=ana").await.unwrap();
    let heard = create.await.unwrap();
    assert_eq!(code(&heard), Some(ErrorCode::EntityAlreadyExists), "{heard:?}");
    assert!(server.has_user("ana"), "and it has seen why");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_ends_sessions_and_loses_nothing() {
    let (_shared, server) = Shared::new().await;
    let early = server.answers().await;
    server.node.clock().advance(3_599);
    server.ask_as(early.clone(), "GetCallerIdentity", "").await.unwrap();
    server.node.clock().advance(1);
    let over = server.ask_as(early.clone(), "GetCallerIdentity", "").await;
    assert_eq!(code(&over), Some(ErrorCode::InvalidClientTokenId), "an hour is over");
    // Back before the store was made: sessions are issued and writes are taken all the same.
    server.node.clock().advance(-400 * 86_400);
    server.answers().await;
    server.ask("CreateUser", "UserName=ana").await.unwrap();
    server.ask("CreateAccessKey", "UserName=ana").await.unwrap();
    server.node.clock().advance(4_000 * 86_400);
    server.answers().await;
    server.ask("CreateAccessKey", "UserName=ana").await.unwrap();
    let third = server.ask("CreateAccessKey", "UserName=ana").await;
    assert_eq!(code(&third), Some(ErrorCode::LimitExceeded));
}

#[tokio::test(start_paused = true)]
async fn a_node_follows_what_another_commits() {
    let (shared, server) = Shared::new().await;
    let other = shared.server().await;
    let follower = tokio::spawn(follow(Arc::clone(&other.node)));
    sleep(Duration::from_millis(50)).await;
    for name in ["ana", "ben", "cid"] {
        server.ask("CreateUser", &format!("UserName={name}")).await.unwrap();
        sleep(Duration::from_millis(50)).await;
        assert!(other.has_user(name));
    }
    // Two users change their names, and a third gets a name that was just given up.
    server.ask("UpdateUser", "UserName=ana&NewUserName=dan").await.unwrap();
    server.ask("UpdateUser", "UserName=ben&NewUserName=ana").await.unwrap();
    server.ask("DeleteUser", "UserName=cid").await.unwrap();
    server.ask("CreateUser", "UserName=Cid").await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let held = |server: &Server| -> Vec<String> {
        let snapshot = server.node.snapshot();
        super::picture::portrait(&snapshot.state, server.account)
    };
    assert_eq!(held(&server), held(&other));
    assert!(other.node.snapshot_age() < Duration::from_secs(2));
    follower.abort();
}

/// A policy that is detached on one node allows nothing on it at once, and on others soon.
#[tokio::test(start_paused = true)]
async fn a_detached_policy_allows_nothing_where_it_was_acknowledged() {
    let (shared, server) = Shared::new().await;
    let other = shared.server().await;
    let follower = tokio::spawn(follow(Arc::clone(&other.node)));
    let policy = "PolicyArn=arn:aws:iam::aws:policy/IAMReadOnlyAccess";
    server.ask("CreateUser", "UserName=ana").await.unwrap();
    server.ask("AttachUserPolicy", &format!("UserName=ana&{policy}")).await.unwrap();
    let (answer, _) = server.ask("CreateAccessKey", "UserName=ana").await.unwrap();
    let id: &Value = &answer["AccessKey"]["AccessKeyId"];
    let ana = Credential::Key(id.as_str().unwrap().parse().unwrap());
    sleep(Duration::from_millis(50)).await;
    for server in [&server, &other] {
        server.ask_as(ana.clone(), "GetUser", "UserName=admin").await.unwrap();
    }
    server.ask("DetachUserPolicy", &format!("UserName=ana&{policy}")).await.unwrap();
    let denied = server.ask_as(ana.clone(), "GetUser", "UserName=admin").await;
    assert_eq!(code(&denied), Some(ErrorCode::AccessDenied));
    sleep(Duration::from_millis(50)).await;
    let denied = other.ask_as(ana, "GetUser", "UserName=admin").await;
    assert_eq!(code(&denied), Some(ErrorCode::AccessDenied));
    follower.abort();
}

#[tokio::test(start_paused = true)]
async fn changes_that_are_lost_repeated_reordered_or_late_are_made_good() {
    let all = Odds::default();
    for odds in [
        Odds { change_lost: 100, ..all.clone() },
        Odds { change_repeated: 100, ..all.clone() },
        Odds { changes_reordered: 100, ..all.clone() },
        Odds { changes_delayed: 70, ..all.clone() },
        Odds { feed_lost: 50, ..all.clone() },
    ] {
        let (shared, server) = Shared::new().await;
        let other = shared.server().await;
        let follower = tokio::spawn(follow(Arc::clone(&other.node)));
        other.store.set_odds(odds);
        for round in 0..20 {
            // What comes together can be told in a wrong order.
            for place in 0..3 {
                let user = format!("UserName=user-{round}-{place}");
                server.ask("CreateUser", &user).await.unwrap();
            }
            sleep(Duration::from_secs(1)).await;
            let late = other.ask("CreateUser", &format!("UserName=user-{round}-0")).await;
            assert_eq!(code(&late), Some(ErrorCode::EntityAlreadyExists), "{late:?}");
            other.ask("CreateUser", &format!("UserName=other-{round}")).await.unwrap();
            server.node.catch_up().await.unwrap();
        }
        // The last change may be the one that was lost: a comparison now and then finds it.
        sleep(Duration::from_secs(65 * 60)).await;
        for round in 0..20 {
            assert!((0..3).all(|place| other.has_user(&format!("user-{round}-{place}"))));
            assert!(server.has_user(&format!("other-{round}")));
        }
        follower.abort();
    }
}

/// INVARIANT: an account never goes back: a reload that began before a commit ends after it.
#[tokio::test(start_paused = true)]
async fn a_reload_takes_back_nothing_that_was_committed_meanwhile() {
    let (_shared, server) = Shared::new().await;
    server.store.answer_late("load_all", Duration::from_secs(10));
    let node = Arc::clone(&server.node);
    let reload = tokio::spawn(async move { node.reload().await });
    sleep(Duration::from_secs(1)).await;
    let (_, revision) = server.ask("CreateUser", "UserName=ana").await.unwrap();
    reload.await.unwrap().unwrap();
    assert!(server.has_user("ana"));
    assert_eq!(Some(server.node.snapshot().revision(server.account)), revision);
    server.ask("DeleteUser", "UserName=ana").await.unwrap();
}

/// Keys are read before what they open: a key that was made in between is there all the same.
#[tokio::test(start_paused = true)]
async fn a_reload_takes_back_no_key_that_was_made_meanwhile() {
    for is_own in [true, false] {
        let (shared, server) = Shared::new().await;
        let other = shared.server().await;
        server.store.answer_late("read_account", Duration::from_secs(10));
        let node = Arc::clone(&server.node);
        let reload = tokio::spawn(async move { node.reload().await });
        sleep(Duration::from_secs(1)).await;
        server.store.answer_late("read_account", Duration::ZERO);
        let maker = if is_own { &server } else { &other };
        let (id, _) = maker.node.rotate_session_key(&deed(), 0).await.unwrap();
        reload.await.unwrap().unwrap();
        let keys = Arc::clone(&server.node.snapshot().keys);
        assert_eq!(keys.sessions.sealing_id(i64::MAX), Some(id), "{is_own}");
    }
}

/// Whether a commit happened whose answer was lost nobody knows: the node goes on, and starts again,
/// under whichever master key it is.
#[tokio::test(start_paused = true)]
async fn a_master_key_whose_replacement_got_no_answer_is_found_out() {
    for is_repeated in [false, true] {
        let (shared, server) = Shared::new().await;
        let folder = tempfile::tempdir().unwrap();
        server.node.keep_anchor(folder.path()).await.unwrap();
        let new = MasterKey::fresh().unwrap();
        server.store.set_odds(Odds { lost_answer: 100, ..Odds::default() });
        let lost = server.node.rotate_master_key(&deed(), new.sealing().unwrap()).await;
        assert!(matches!(lost, Err(Fault::Unavailable(_))), "{lost:?}");
        server.store.heal();
        // Upkeep writes the anchor before anything is found out.
        server.ask("CreateUser", "UserName=ana").await.unwrap();
        server.node.write_anchor().await.unwrap();
        let another = MasterKey::fresh().unwrap().sealing().unwrap();
        let refused = server.node.rotate_master_key(&deed(), another).await;
        assert!(matches!(refused, Err(Fault::Refused(_))), "{refused:?}");

        let next = Shared { master: Arc::new(new.sealing().unwrap()), ..shared };
        next.server().await.node.keep_anchor(folder.path()).await.unwrap();
        if is_repeated {
            server.node.rotate_master_key(&deed(), new.sealing().unwrap()).await.unwrap();
        } else {
            server.node.catch_up().await.unwrap();
        }
        assert_eq!(server.node.master().version(), next.master.version());
        server.ask("CreateUser", "UserName=ben").await.unwrap();
        server.node.rotate_data_key(&deed(), &|_, _| {}).await.unwrap();
        server.node.write_anchor().await.unwrap();
        let server = next.server().await;
        server.node.keep_anchor(folder.path()).await.unwrap();
        assert!(server.has_user("ana") && server.has_user("ben"));
    }
}
