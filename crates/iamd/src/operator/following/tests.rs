//! A node that follows another one through its socket, and what is said there.

use std::sync::Arc;
use std::time::Duration;

use iamd_core::account_id::AccountId;
use iamd_core::caller::Caller;
use iamd_core::operator::{Operator, Revocable, Revocation};
use iamd_core::quota::Quotas;
use iamd_core::session::{Session, Subject};
use iamd_core::state::State;
use iamd_store::Memory;
use iamd_wire::sigv4::{Outgoing, Signer, basic_time};
use iamd_wire::{Secret, Timestamp};
use serde_json::json;

use super::super::door::OperatorDoor;
use super::*;
use crate::follower::{FollowersStore, Leader, Way, begin, follow};
use crate::founder::{self, NewAccountFacts, Order};
use crate::keys::MasterKey;
use crate::node::Node;
use crate::operator::{Granted, Output, Progress, Wish, carry_out, grant, open};

const ACCOUNT: &str = "111122223333";
const HOST: &str = "127.0.0.1:4261";
/// The hash of nothing.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct World {
    node: Arc<Node>,
    folder: tempfile::TempDir,
    facts: NewAccountFacts,
    _door: OperatorDoor,
}

impl World {
    async fn new() -> World {
        let master = Arc::new(MasterKey::fresh().unwrap().sealing().unwrap());
        let node = Node::open(Arc::new(Memory::new()), master, Quotas::default()).await.unwrap();
        let order = Order {
            account_id: Some(ACCOUNT.to_owned()),
            root_email: "canary@example.com".to_owned(),
            key_owner: Some("admin".to_owned()),
            ..Order::default()
        };
        let facts = founder::found(&node, order).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let door = open(&node, folder.path()).unwrap();
        World { node, folder, facts, _door: door }
    }

    async fn asked(&self, operator: &Operator, wish: FollowWish) -> Result<FollowAnswer, Fault> {
        let (progress, _steps) = Progress::channel();
        let (node, folder, progress, output) =
            (&self.node, self.folder.path(), &progress, &Output::none());
        match grant(&Site { node, folder, progress, output, operator }, Wish::Follow(wish)).await? {
            Granted::Followed(answer) => Ok(answer),
            other => panic!("{other:?}"),
        }
    }

    async fn portion(&self, order: PortionOrder) -> Option<Portion> {
        match self.asked(&Operator::Machine, FollowWish::Changes(order)).await.unwrap() {
            FollowAnswer::Changes(Told::Portion(portion)) => Some(*portion),
            FollowAnswer::Changes(Told::Gone) => None,
            other => panic!("{other:?}"),
        }
    }

    async fn key(&self, question: &KeyQuestion) -> Option<KeyFacts> {
        let wish = FollowWish::SigningKey(question.clone());
        match self.asked(&Operator::Machine, wish).await.unwrap() {
            FollowAnswer::SigningKey(facts) => facts,
            other => panic!("{other:?}"),
        }
    }

    async fn written(&self, request: serde_json::Value) -> Result<(), String> {
        let wish = FollowWish::Write(serde_json::from_value(request).unwrap());
        match self.asked(&Operator::Machine, wish).await.unwrap() {
            FollowAnswer::Written(Written::Done { .. }) => Ok(()),
            FollowAnswer::Written(Written::Refused { code, .. }) => Err(code),
            other => panic!("{other:?}"),
        }
    }

    fn key_id(&self) -> &str {
        self.facts.access_key_id.as_deref().unwrap()
    }

    fn secret(&self) -> &Secret {
        self.facts.secret_access_key.as_ref().unwrap()
    }

    async fn revoke_key(&self) {
        let what = Revocable::AccessKey(self.key_id().parse().unwrap());
        let account = ACCOUNT.parse().unwrap();
        let revocation = Revocation { account, what, at: self.node.clock().now() };
        carry_out(&self.node, &Operator::Machine, revocation).await.unwrap();
    }

    fn question(&self) -> KeyQuestion {
        KeyQuestion {
            access_key_id: self.key_id().to_owned(),
            session_token: None,
            date: self.day(0),
            region: "eu-central-1".to_owned(),
            service: "s3".to_owned(),
        }
    }

    fn day(&self, offset: i64) -> String {
        let at = self.node.clock().now().seconds() + offset * 86_400;
        basic_time(Timestamp::from_seconds(at)).chars().take(8).collect()
    }

    /// A request as the administrator, or whoever has this secret, signs it.
    fn request(
        &self,
        step: &str,
        method: &str,
        target: &str,
        secret: &Secret,
    ) -> serde_json::Value {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;
        let signer = Signer {
            access_key_id: self.key_id(),
            secret_access_key: secret,
            region: "eu-central-1",
            service: "s3",
        };
        let time = basic_time(self.node.clock().now());
        let headers =
            [("host", HOST), ("x-amz-content-sha256", EMPTY_SHA256), ("x-amz-date", &*time)];
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let outgoing = Outgoing { method, path, query, headers: &headers, payload: EMPTY_SHA256 };
        let key = signer.key(time.get(..8).unwrap());
        let authorization = signer.authorization(&outgoing, &key, &time);
        let headers = headers.into_iter().chain([("authorization", &*authorization)]);
        let headers = headers.map(|(name, value)| json!([name, STANDARD.encode(value)]));
        let headers: Vec<_> = headers.collect();
        json!({
            "request_id": "1", "step": step, "method": method, "target": target,
            "headers": headers, "host_bucket": null, "body": "", "source_ip": "127.0.0.1",
            "is_secure": false, "observe": false,
        })
    }
}

/// Whether the administrator's key is good in a state.
fn is_good(state: &State, id: &str) -> bool {
    let Some((account, key)) = state.access_key(&id.parse().unwrap()) else { return false };
    let is_active = key.status == iamd_core::state::AccessKeyStatus::Active;
    is_active && Caller::of_access_key(account, key).is_some()
}

#[tokio::test]
async fn a_node_that_follows_has_the_same_rules_and_no_secret() {
    let world = World::new().await;
    let way = Way::Socket(world.folder.path().to_owned());
    let leader = Leader::new(way, Duration::from_secs(60));
    let master = Arc::new(MasterKey::fresh().unwrap().sealing().unwrap());
    let store = Arc::new(FollowersStore::new(&leader));
    let node = Node::open(store, master, Quotas::default()).await.unwrap();
    node.set_leader(&leader);
    let copy = begin(&node, &leader).await.unwrap();
    assert_eq!(copy.audit, None, "this node keeps no trail");

    let snapshot = node.snapshot();
    assert!(is_good(&snapshot.state, world.key_id()));
    let id = world.key_id().parse().unwrap();
    let (account, key) = snapshot.state.access_key(&id).unwrap();
    assert_ne!(key.secret.expose(), world.secret().expose());
    assert!(!key.secret.expose().is_empty(), "an empty secret is one that anybody has");
    let settings = account.settings().unwrap();
    assert!(settings.root_password_hash.is_none() && settings.root_email.is_empty());
    assert!(snapshot.state.operators().iter().len() == 0);

    let forget = || {};
    let following = tokio::spawn(follow(Arc::clone(&node), Arc::clone(&leader), copy, forget));
    world.revoke_key().await;
    let account: AccountId = ACCOUNT.parse().unwrap();
    let revision = world.node.snapshot().revision(account);
    let mut snapshot = node.snapshot();
    while snapshot.revision(account) < revision {
        snapshot = node.snapshot_after(&snapshot, Duration::from_secs(10)).await;
    }
    assert!(!is_good(&snapshot.state, world.key_id()));
    assert!(!leader.is_too_old(&node));
    following.abort();
}

#[tokio::test]
async fn what_is_said_to_followers_has_no_secret() {
    let world = World::new().await;
    let whole = world.portion(PortionOrder::default()).await.unwrap();
    assert!(whole.is_whole && whole.is_last);
    let known = Some(whole.toward.clone());
    world.revoke_key().await;
    let step = world.portion(PortionOrder { known, ..PortionOrder::default() }).await.unwrap();
    assert!(!step.is_whole);
    let key = |line: &&Line| line.id == world.key_id() && line.content.is_some();
    assert_eq!(step.lines.iter().filter(key).count(), 1, "and not what is as it was");
    let text = serde_json::to_string(&(&whole, &step)).unwrap();
    assert!(text.contains(world.key_id()));
    let contents = [&whole, &step].into_iter().flat_map(|portion| &portion.lines);
    let contents: Vec<u8> = contents
        .filter_map(|line| {
            use base64::Engine;
            let content = line.content.as_ref()?;
            base64::engine::general_purpose::STANDARD.decode(content).ok()
        })
        .flatten()
        .collect();
    let hash = {
        let snapshot = world.node.snapshot();
        let account = snapshot.state.account(ACCOUNT.parse().unwrap()).unwrap();
        account.settings().unwrap().root_password_hash.clone().unwrap().to_string()
    };
    for canary in [world.secret().expose(), &hash, "canary@example.com"] {
        let is_in = |bytes: &[u8]| bytes.windows(canary.len()).any(|it| it == canary.as_bytes());
        assert!(!is_in(text.as_bytes()) && !is_in(&contents), "{canary}");
    }
    assert!(contents.windows(5).any(|it| it == b"admin"), "the user is there");
}

#[tokio::test]
async fn a_picture_of_another_life_is_none_and_one_that_is_gone_is_said_to_be() {
    let world = World::new().await;
    let whole = world.portion(PortionOrder::default()).await.unwrap();
    let place = |life: &str, number| Some(Place { life: life.to_owned(), number });
    let life = whole.toward.life.clone();
    let known = |known| PortionOrder { known, ..PortionOrder::default() };
    let nothing = world.portion(known(place(&life, whole.toward.number))).await.unwrap();
    assert!(!nothing.is_whole && nothing.is_last && nothing.lines.is_empty());
    assert_eq!(nothing.toward, whole.toward);
    assert!(world.portion(known(place("other", whole.toward.number))).await.unwrap().is_whole);
    assert!(world.portion(known(place(&life, 999))).await.unwrap().is_whole);
    for (known, toward) in [
        (None, place(&life, 999)),
        (None, place("other", whole.toward.number)),
        (place(&life, 999), place(&life, whole.toward.number)),
    ] {
        let order = PortionOrder { known, toward, ..PortionOrder::default() };
        assert!(world.portion(order).await.is_none());
    }
    let skip = whole.lines.len() as u64 - 1;
    let order =
        PortionOrder { toward: place(&life, whole.toward.number), skip, ..PortionOrder::default() };
    let rest = world.portion(order).await.unwrap();
    assert_eq!((rest.lines.len(), rest.is_whole, rest.is_last), (1, true, true));
}

#[tokio::test]
async fn keys_are_for_one_service_and_for_days_that_count() {
    let world = World::new().await;
    let good = world.question();
    assert!(world.key(&good).await.is_some());
    for day in [-8, -7, 1] {
        assert!(world.key(&KeyQuestion { date: world.day(day), ..good.clone() }).await.is_some());
    }
    let session = Session {
        account: ACCOUNT.parse().unwrap(),
        subject: Subject::Root,
        issued: world.node.clock().now(),
        expires: Timestamp::from_seconds(world.node.clock().now().seconds() + 3_600),
        policies: None,
        tags: Vec::new(),
        source_identity: None,
        mfa: None,
    };
    let mut draw = world.node.draw().unwrap();
    let issued = world.node.snapshot().keys.sessions.seal(&session, 0, &mut draw).unwrap();
    let temporary = KeyQuestion {
        access_key_id: issued.access_key_id.to_string(),
        session_token: Some(issued.session_token.clone()),
        ..good.clone()
    };
    assert!(world.key(&temporary).await.unwrap().session.is_some());

    let text = |value: &str| Some(Secret::from(value.to_owned()));
    for bad in [
        KeyQuestion { service: "iam".to_owned(), ..good.clone() },
        KeyQuestion { service: "sts".to_owned(), ..good.clone() },
        KeyQuestion { service: "iamd-operator".to_owned(), ..good.clone() },
        KeyQuestion { date: world.day(-9), ..good.clone() },
        KeyQuestion { date: world.day(2), ..good.clone() },
        KeyQuestion { date: String::new(), ..good.clone() },
        KeyQuestion { region: "x".repeat(65), ..good.clone() },
        KeyQuestion { access_key_id: "AKIA3XFRBF535PLBIFPI".to_owned(), ..good.clone() },
        KeyQuestion { session_token: text("AAAA"), ..good.clone() },
        KeyQuestion { access_key_id: good.access_key_id.clone(), ..temporary.clone() },
        KeyQuestion { session_token: None, ..temporary.clone() },
    ] {
        assert!(world.key(&bad).await.is_none(), "{bad:?}");
    }
    world.revoke_key().await;
    assert!(world.key(&good).await.is_none(), "the key is inactive");
}

#[tokio::test]
async fn credentials_of_followers_are_for_following_and_others_are_not() {
    let world = World::new().await;
    let follower = Operator::Follower("gateway".into());
    let wish = || FollowWish::Changes(PortionOrder::default());
    assert!(world.asked(&follower, wish()).await.is_ok());
    let refused = world.asked(&Operator::Named("ana".into()), wish()).await.unwrap_err();
    assert!(refused.to_string().contains("not authorized to perform iamd:Follow"), "{refused}");
    let key = FollowWish::SigningKey(world.question());
    assert!(world.asked(&Operator::Named("ana".into()), key).await.is_err());
    let (progress, _steps) = Progress::channel();
    let (node, folder, progress, output) =
        (&world.node, world.folder.path(), &progress, &Output::none());
    let site = Site { node, folder, progress, output, operator: &follower };
    for other in [Wish::ListAccounts, Wish::Status, Wish::ListOperators, Wish::Backup] {
        let refused = grant(&site, other).await.unwrap_err().to_string();
        assert!(refused.contains("for following only"), "{refused}");
    }
}

#[tokio::test]
async fn a_write_is_proven_and_decided_by_the_node_again() {
    let world = World::new().await;
    let secret = world.secret();
    let create = |step: &str| world.request(step, "PUT", "/photos", secret);
    let wrong = Secret::from("another secret".to_owned());
    let mut altered = create("CreateBucket");
    altered["target"] = json!("/others");
    let mut unsigned = create("CreateBucket");
    unsigned["headers"] = json!([["host", "MTI3LjAuMC4x"]]);
    for (request, code) in [
        (altered, "SignatureDoesNotMatch"),
        (world.request("CreateBucket", "PUT", "/photos", &wrong), "SignatureDoesNotMatch"),
        (unsigned, "AccessDenied"),
        // What a client did not ask for is not done, whoever says so.
        (create("DeleteBucket"), "AccessDenied"),
        (create("PutBucketPolicy"), "AccessDenied"),
        (world.request("GetObject", "GET", "/photos/a", secret), "AccessDenied"),
        (world.request("PutObject", "PUT", "/photos/a", secret), "AccessDenied"),
        (create("BucketCreated"), "NoSuchBucket"),
    ] {
        assert_eq!(world.written(request.clone()).await, Err(code.to_owned()), "{request}");
    }
    assert_eq!(world.written(create("CreateBucket")).await, Ok(()));
    assert_eq!(world.written(create("BucketCreated")).await, Ok(()));
    for step in ["BucketCreated", "BucketNotCreated"] {
        assert_eq!(world.written(create(step)).await, Err("AccessDenied".to_owned()), "in use");
    }
    let block = |secret| {
        let target = "/photos?publicAccessBlock=";
        world.request("DeletePublicAccessBlock", "DELETE", target, secret)
    };
    assert_eq!(world.written(block(&wrong)).await, Err("SignatureDoesNotMatch".to_owned()));
    assert_eq!(world.written(block(secret)).await, Ok(()));
    world.revoke_key().await;
    let delete = world.request("DeleteBucket", "DELETE", "/photos", secret);
    assert_eq!(world.written(delete).await, Err("InvalidAccessKeyId".to_owned()));
}
