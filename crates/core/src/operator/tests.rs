//! What operators' commands do to accounts, and what they leave alone.

use iamd_wire::{Secret, Timestamp};

use super::*;
use crate::caller::{Caller, Credential};
use crate::founding::{self, FirstKey, FirstKeyOwner, NewAccount};
use crate::state::{
    AccessKeyStatus, AccountChanges, KeyOwner, MfaAssignment, MfaDevice, RevokedSession,
};
use crate::test_support::{ACCOUNT, ALLOW_ALL, NOW, OTHER_ACCOUNT, World, rebuilt};
use crate::unique_id::{AccessKeyId, IdPrefix};

const APP: &str = "AssumeRole&RoleArn=arn:aws:iam::111122223333:role/app&RoleSessionName=one";

fn id() -> AccountId {
    ACCOUNT.parse().unwrap()
}

/// A user `bob` who may do everything, and a role `app` that trusts both accounts.
fn world() -> (World, Caller) {
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":["{ACCOUNT}","{OTHER_ACCOUNT}"]}},"Action":"sts:AssumeRole"}}}}"#
    );
    let mut world = World::with(&[
        "CreateUser&UserName=bob",
        &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={ALLOW_ALL}"),
        &format!("CreateRole&RoleName=app&AssumeRolePolicyDocument={trust}"),
    ]);
    let bob = world.user("bob");
    (world, bob)
}

/// Carries out a command of whoever is on the machine.
fn carry_out<C: Command>(world: &mut World, command: &C) -> Result<C::Output, String> {
    let seed = u8::try_from(world.state.operators().iter().len()).unwrap();
    let mut draw = Draw::new(world.now, [seed; 32]);
    let planned = perform(command, &Operator::Machine, &world.state, &mut draw)
        .map_err(|refusal| refusal.to_string())?;
    world.commit(&planned.changes);
    Ok(planned.output)
}

fn later(world: &mut World, seconds: i64) {
    world.now = Timestamp::from_seconds(world.now.seconds() + seconds);
}

/// The caller as the present state knows him; none if his credential is good no longer.
fn again(world: &World, caller: &Caller) -> Option<Caller> {
    match &caller.credential {
        Credential::LongTerm(id) => {
            let (account, key) = world.state.access_key(id)?;
            let caller = Caller::of_access_key(account, key)?;
            (key.status == AccessKeyStatus::Active).then_some(caller)
        }
        Credential::Temporary(id, session) => Caller::of_session(&world.state, id, session),
    }
}

fn session_id(caller: &Caller) -> String {
    match &caller.credential {
        Credential::Temporary(id, _) => id.to_string(),
        Credential::LongTerm(_) => panic!("no session"),
    }
}

#[test]
fn a_closed_account_refuses_every_credential_and_keeps_its_names() {
    let (mut world, bob) = world();
    let session = world.ok(&bob, APP);
    let session = world.holder(&session);
    let other_root = world.root_of(OTHER_ACCOUNT);
    world.ok(&other_root, "CreateUser&UserName=eve");
    world.ok(
        &other_root,
        &format!("PutUserPolicy&UserName=eve&PolicyName=p&PolicyDocument={ALLOW_ALL}"),
    );
    let eve = world.user_of(OTHER_ACCOUNT, "eve");
    world.ok(&eve, APP);

    let until = carry_out(&mut world, &CloseAccount { account: id() }).unwrap();
    assert_eq!(until.seconds(), NOW.seconds() + REOPEN_SECONDS_MAX);
    assert!(again(&world, &bob).is_none() && again(&world, &session).is_none());
    assert!(again(&world, &eve).is_some(), "another account goes on");
    assert!(world.refusal(&eve, APP).starts_with("AccessDenied: "), "its roles trust nobody");
    let email = format!("root@{ACCOUNT}.example");
    let new = NewAccount {
        id: None,
        root_email: email,
        root_password_hash: "hash".to_owned(),
        first_key: None,
    };
    let taken = founding::found(&world.state, &new, &mut Draw::new(NOW, [1; 32]));
    assert!(taken.unwrap_err().to_string().starts_with("EntityAlreadyExists"));
    let twice = carry_out(&mut world, &CloseAccount { account: id() });
    assert!(twice.unwrap_err().contains("is closed already, since 2026-01-31T12:00:00Z"));
}

#[test]
fn a_closed_account_can_be_reopened_for_90_days() {
    let (mut world, bob) = world();
    let session = world.ok(&bob, APP);
    let session = world.holder(&session);
    let reopen = ReopenAccount { account: id() };
    assert!(carry_out(&mut world, &reopen).unwrap_err().contains("is not closed"));
    carry_out(&mut world, &CloseAccount { account: id() }).unwrap();
    let mut late = world.fork();
    late.now = Timestamp::from_seconds(NOW.seconds() + REOPEN_SECONDS_MAX + 1);
    assert!(carry_out(&mut late, &reopen).unwrap_err().contains("stays closed"));
    world.now = Timestamp::from_seconds(NOW.seconds() + REOPEN_SECONDS_MAX);
    carry_out(&mut world, &reopen).unwrap();
    assert!(again(&world, &bob).is_some());
    assert!(again(&world, &session).is_none(), "old sessions do not come back");
    let fresh = world.ok(&bob, APP);
    assert!(again(&world, &world.holder(&fresh)).is_some());
}

#[test]
fn a_reset_password_ends_roots_sessions_and_nothing_else() {
    let (mut world, bob) = world();
    let root = world.root();
    let of_root = world.ok(&root, "GetSessionToken");
    let of_root = world.holder(&of_root);
    let of_bob = world.ok(&bob, "GetSessionToken");
    let of_bob = world.holder(&of_bob);
    let reset = ResetRootPassword { account: id(), password_hash: "new".to_owned() };
    let done = carry_out(&mut world, &reset).unwrap();
    assert_eq!(done.root_email, format!("root@{ACCOUNT}.example"));
    let settings = world.state.account(id()).unwrap().settings().unwrap().clone();
    assert_eq!(settings.root_password_hash.as_deref(), Some("new"));
    assert!(again(&world, &of_root).is_none());
    assert!(again(&world, &of_bob).is_some());
    let fresh = world.ok(&root, "GetSessionToken");
    assert!(again(&world, &world.holder(&fresh)).is_some());
    let absent = ResetRootPassword { account: "999999999999".parse().unwrap(), ..reset };
    assert!(carry_out(&mut world, &absent).unwrap_err().contains("no account 999999999999"));
}

#[test]
fn lost_devices_are_taken_away_from_their_owner_and_nobody_else() {
    let (mut world, bob) = world();
    let root = world.root();
    let owners = [("of-root", KeyOwner::Root), ("of-bob", world_owner(&world, "bob"))];
    for (name, owner) in owners {
        world.ok(&root, &format!("CreateVirtualMFADevice&VirtualMFADeviceName={name}"));
        let account = world.state.account(id()).unwrap();
        let serial = format!("arn:aws:iam::{}:mfa/{name}", id());
        let device = MfaDevice::clone(account.mfa_devices().with_serial(&serial).unwrap());
        let assignment = Some(MfaAssignment { owner, enabled: world.now, drift: 0 });
        let changes = vec![Change::Put(Entity::MfaDevice(MfaDevice { assignment, ..device }))];
        world.commit(&[AccountChanges { account: id(), changes }]);
    }
    let devices = |world: &mut World, caller: &Caller| {
        let answer = world.ok(caller, "ListMFADevices");
        answer["MFADevices"].as_array().unwrap().len()
    };
    assert_eq!((devices(&mut world, &root), devices(&mut world, &bob)), (1, 1));
    let recover = RecoverMfa { account: id(), owner: MfaOwner::User("bob".to_owned()) };
    let removed = carry_out(&mut world, &recover).unwrap();
    assert_eq!(removed, [format!("arn:aws:iam::{}:mfa/of-bob", id())]);
    assert_eq!((devices(&mut world, &root), devices(&mut world, &bob)), (1, 0));
    let recover = RecoverMfa { account: id(), owner: MfaOwner::Root };
    assert_eq!(carry_out(&mut world, &recover).unwrap().len(), 1);
    assert_eq!(devices(&mut world, &root), 0);
}

fn world_owner(world: &World, user: &str) -> KeyOwner {
    KeyOwner::User(world.state.account(id()).unwrap().users().named(user).unwrap().id)
}

#[test]
fn nobody_has_a_device_and_only_who_exists_is_told_so() {
    let (mut world, _) = world();
    let recover = |owner| RecoverMfa { account: id(), owner };
    for owner in [MfaOwner::Root, MfaOwner::User("bob".to_owned())] {
        assert_eq!(carry_out(&mut world, &recover(owner)), Ok(Vec::new()));
    }
    let nobody = carry_out(&mut world, &recover(MfaOwner::User("eve".to_owned())));
    assert!(nobody.unwrap_err().contains("has no user eve"));
}

#[test]
fn revoking_a_principal_ends_its_sessions_and_those_of_no_other() {
    let (mut world, bob) = world();
    let root = world.root();
    let [app, own, roots] = [(&bob, APP), (&bob, "GetSessionToken"), (&root, "GetSessionToken")]
        .map(|(caller, request)| {
            let answer = world.ok(caller, request);
            world.holder(&answer)
        });
    for (place, arn) in [
        "arn:aws:iam::111122223333:role/app",
        "arn:aws:iam::111122223333:user/bob",
        "arn:aws:iam::111122223333:root",
    ]
    .into_iter()
    .enumerate()
    {
        let mut world = world.fork();
        let revocation = Revocation::of_principal(&world.state, arn, world.now).unwrap();
        carry_out(&mut world, &revocation).unwrap();
        let good: Vec<bool> =
            [&app, &own, &roots].map(|session| again(&world, session).is_some()).to_vec();
        let expected: Vec<bool> = (0..3).map(|other| other != place).collect();
        assert_eq!(good, expected, "{arn}");
        assert!(again(&world, &bob).is_some(), "the access key is as good as before");
        // A session of the same second is a new one, and good.
        let fresh = world.ok(&bob, APP);
        assert!(again(&world, &world.holder(&fresh)).is_some());
    }
}

#[test]
fn revoking_twice_or_later_never_goes_back() {
    let (mut world, _) = world();
    let arn = "arn:aws:iam::111122223333:role/app";
    let early = Revocation::of_principal(&world.state, arn, world.now).unwrap();
    later(&mut world, 100);
    let late = Revocation::of_principal(&world.state, arn, world.now).unwrap();
    let not_before = |world: &World| {
        let account = world.state.account(id()).unwrap();
        account.roles().named("app").unwrap().sessions_not_before.unwrap().seconds()
    };
    carry_out(&mut world, &late).unwrap();
    assert_eq!(not_before(&world), NOW.seconds() + 101);
    let mut draw = Draw::new(world.now, [7; 32]);
    let planned = perform(&early, &Operator::Machine, &world.state, &mut draw).unwrap();
    assert_eq!(planned.changes[0].changes.len(), 1, "it is written though it says nothing new");
    world.commit(&planned.changes);
    assert_eq!(not_before(&world), NOW.seconds() + 101);
}

#[test]
fn one_session_ends_alone() {
    let (mut world, bob) = world();
    let one = world.ok(&bob, APP);
    let token = one["Credentials"]["SessionToken"].as_str().unwrap().to_owned();
    let one = world.holder(&one);
    let other = world.ok(&bob, APP);
    let other = world.holder(&other);
    let by_id = Revocation::of_session(&world.state, &session_id(&one), world.now).unwrap();
    let scene = world.scene(&bob);
    let by_token =
        Revocation::of_token(&world.state, scene.session_keys, &token, world.now).unwrap();
    let wrong = Revocation::of_token(&world.state, scene.session_keys, &token[1..], world.now);
    assert!(wrong.is_err());
    for (revocation, seconds) in [(by_id, 129_600), (by_token, 3_600)] {
        let mut world = world.fork();
        carry_out(&mut world, &revocation).unwrap();
        assert!(again(&world, &one).is_none());
        assert!(again(&world, &other).is_some());
        let account = world.state.account(id()).unwrap();
        let expires: Vec<i64> =
            account.revoked_sessions().values().map(|expires| expires.seconds()).collect();
        assert_eq!(expires, [NOW.seconds() + seconds]);
        // What is over is forgotten when the next is added.
        later(&mut world, seconds + 3_601);
        let next = Revocation::of_session(&world.state, &session_id(&other), world.now).unwrap();
        carry_out(&mut world, &next).unwrap();
        let account = world.state.account(id()).unwrap();
        assert_eq!(account.revoked_sessions().len(), 1);
    }
}

#[test]
fn what_is_in_force_takes_nothing_away() {
    let (mut world, bob) = world();
    let session = world.ok(&bob, APP);
    let one = world.holder(&session);
    let revocation = Revocation::of_session(&world.state, &session_id(&one), world.now).unwrap();
    carry_out(&mut world, &revocation).unwrap();
    later(&mut world, 129_600 + 3_601);
    let arn = "arn:aws:iam::111122223333:user/bob";
    let next = Revocation::of_principal(&world.state, arn, world.now).unwrap();
    let removes = |planned: Planned<Revoked>| {
        let is_remove = |change: &&Change| matches!(change, Change::Remove(_));
        planned.changes[0].changes.iter().filter(is_remove).count()
    };
    assert_eq!(removes(next.in_force(&world.state).unwrap()), 0);
    // What is over goes from the store, whatever is revoked.
    assert_eq!(removes(next.planned(&world.state).unwrap()), 1);
}

/// There is room for so many; what is in force already is never refused afterwards.
#[test]
fn sessions_are_refused_before_they_are_revoked_and_not_after() {
    let (mut world, bob) = world();
    let session = world.ok(&bob, APP);
    let holder = world.holder(&session);
    let last = Revocation::of_session(&world.state, &session_id(&holder), world.now).unwrap();
    let revoked = |number: u128| {
        let revoked = AccessKeyId::from_entropy(IdPrefix::TemporaryKey, id(), number << 5);
        let expires = Timestamp::from_seconds(NOW.seconds() + 3_600);
        Change::Put(Entity::RevokedSession(RevokedSession { id: revoked, expires }))
    };
    let changes = (1..10_000).map(revoked).collect();
    world.commit(&[AccountChanges { account: id(), changes }]);
    assert!(last.permit(&world.state).is_ok());
    world.commit(&[AccountChanges { account: id(), changes: vec![revoked(10_000)] }]);
    assert_eq!(last.permit(&world.state).unwrap_err().code, ErrorCode::LimitExceeded);
    for planned in [last.in_force(&world.state), last.planned(&world.state)] {
        let mut world = world.fork();
        world.commit(&planned.unwrap().changes);
        assert!(again(&world, &holder).is_none());
    }
    // Once they are over there is room again.
    let later = Revocation { at: Timestamp::from_seconds(NOW.seconds() + 3_601), ..last };
    assert!(later.permit(&world.state).is_ok());
}

#[test]
fn everything_of_an_account_ends_with_its_keys_if_asked() {
    let (mut world, bob) = world();
    let session = world.ok(&bob, APP);
    let session = world.holder(&session);
    world.ok(&world.root_of(OTHER_ACCOUNT), "CreateUser&UserName=eve");
    let eve = world.user_of(OTHER_ACCOUNT, "eve");
    for (what, keys) in [(Revocable::Sessions, 0), (Revocable::SessionsAndKeys, 1)] {
        let mut world = world.fork();
        let of_all = Revocation::of_account(&world.state, id(), what, world.now).unwrap();
        let revoked = carry_out(&mut world, &of_all).unwrap();
        assert_eq!(revoked.access_keys.len(), keys);
        assert!(again(&world, &session).is_none());
        assert_eq!(again(&world, &bob).is_some(), keys == 0);
        assert!(again(&world, &eve).is_some());
    }
}

#[test]
fn an_access_key_is_made_inactive() {
    let (mut world, bob) = world();
    let Credential::LongTerm(id) = &bob.credential else { panic!("a key") };
    let revocation = Revocation::of_access_key(&world.state, id.as_str(), world.now).unwrap();
    let revoked = carry_out(&mut world, &revocation).unwrap();
    assert_eq!(revoked.access_keys, std::slice::from_ref(id));
    assert!(again(&world, &bob).is_none());
}

#[test]
fn service_credentials_are_made_inactive_one_by_one_and_with_the_account() {
    let (mut world, bob) = world();
    let create = |user: &str| {
        format!(
            "CreateServiceSpecificCredential&UserName={user}&ServiceName=codecommit.amazonaws.com"
        )
    };
    let [one, other] = [(); 2].map(|()| {
        let answer = world.ok(&bob, &create("bob"));
        let id = &answer["ServiceSpecificCredential"]["ServiceSpecificCredentialId"];
        id.as_str().unwrap().to_owned()
    });
    let active = |world: &World| {
        let account = world.state.account(id()).unwrap();
        [&one, &other].map(|it| {
            let credential = account.service_credentials().with_id(it).unwrap();
            credential.status == AccessKeyStatus::Active
        })
    };
    let (state, now) = (&world.state, world.now);
    let by_id = Revocation::of_service_credential(state, &one, now).unwrap();
    let sessions = Revocation::of_account(state, id(), Revocable::Sessions, now).unwrap();
    let all = Revocation::of_account(state, id(), Revocable::SessionsAndKeys, now).unwrap();
    for (revocation, ids, left) in [
        (by_id, vec![&one], [false, true]),
        (sessions, vec![], [true, true]),
        (all, vec![&one, &other], [false, false]),
    ] {
        let mut world = world.fork();
        let revoked = carry_out(&mut world, &revocation).unwrap();
        let mut named: Vec<String> =
            revoked.service_credentials.iter().map(ToString::to_string).collect();
        let mut expected: Vec<String> = ids.into_iter().cloned().collect();
        named.sort();
        expected.sort();
        assert_eq!((named, active(&world)), (expected, left), "{revocation:?}");
        // The access key is another credential.
        let keeps_key = revocation.what != Revocable::SessionsAndKeys;
        assert_eq!(again(&world, &bob).is_some(), keeps_key);
    }
    for (wrong, expected) in [
        ("ACCAQAAAAAAAAAAAAAAAA", "NoSuchEntity: there is no service-specific credential"),
        ("ACCA", "InvalidInput: `ACCA` is not the id of a service-specific credential"),
    ] {
        let refusal = Revocation::of_service_credential(&world.state, wrong, now).unwrap_err();
        assert!(refusal.to_string().starts_with(expected), "{refusal}");
    }
}

#[test]
fn what_names_nobody_is_refused() {
    let (world, _) = world();
    let (state, now) = (&world.state, world.now);
    for (arn, expected) in [
        ("arn:aws:iam::111122223333:user/eve", "NoSuchEntity: "),
        ("arn:aws:iam::111122223333:user/path/bob", "NoSuchEntity: "),
        ("arn:aws:iam::999999999999:root", "NoSuchEntity: "),
        ("arn:aws:iam::999999999999:user/bob", "NoSuchEntity: "),
        ("arn:aws:iam::111122223333:group/g", "InvalidInput: "),
        ("bob", "InvalidInput: "),
        ("arn:aws:sts::111122223333:assumed-role/app/one", "InvalidInput: "),
        ("arn:aws:sts::111122223333:federated-user/bob", "InvalidInput: "),
    ] {
        let refusal = Revocation::of_principal(state, arn, now).unwrap_err().to_string();
        assert!(refusal.starts_with(expected), "{arn}: {refusal}");
    }
    for id in ["AKIAQAAAAAAAAAAAAAAA", "ASIA", "ASIAAAAAAAAAAAAAAAAA"] {
        assert!(Revocation::of_session(state, id, now).is_err(), "{id}");
    }
    assert!(Revocation::of_access_key(state, "AKIAQAAAAAAAAAAAAAAA", now).is_err());
}

#[test]
fn operators_are_no_keys_of_accounts() {
    let (mut world, _) = world();
    let create = |name: &str| CreateOperator { name: name.to_owned(), purpose: None };
    let ana = carry_out(&mut world, &create("ana")).unwrap();
    assert!(ana.id.as_str().starts_with("OPER"));
    assert!(world.state.access_key(&ana.id).is_none());
    assert_eq!(world.state.operators().credential(&ana.id), Some(&ana));
    assert!(carry_out(&mut world, &create("ANA")).unwrap_err().contains("already exists"));
    for wrong in ["", "a b", "ä", &"a".repeat(65)] {
        assert!(carry_out(&mut world, &create(wrong)).is_err(), "{wrong}");
    }
    let delete = DeleteOperator { name: "ana".to_owned() };
    assert_eq!(carry_out(&mut world, &delete), Ok(ana.id.clone()));
    assert!(world.state.operators().credential(&ana.id).is_none());
    assert!(carry_out(&mut world, &delete).unwrap_err().contains("no operator ana"));
    for number in 0..100 {
        carry_out(&mut world, &create(&format!("o{number}"))).unwrap();
    }
    assert!(carry_out(&mut world, &create("one-more")).unwrap_err().contains("LimitExceeded"));
}

#[test]
fn a_credential_makes_no_other() {
    let (world, _) = world();
    let named = Operator::Named("ana".into());
    let plan = |operator: &Operator| {
        let create = CreateOperator { name: "ben".to_owned(), purpose: None };
        perform(&create, operator, &world.state, &mut Draw::new(NOW, [1; 32])).map(|_| ())
    };
    assert_eq!(plan(&Operator::Machine), Ok(()));
    assert!(plan(&named).unwrap_err().to_string().starts_with("AccessDenied: operator ana"));
    let close = CloseAccount { account: id() };
    assert!(perform(&close, &named, &world.state, &mut Draw::new(NOW, [1; 32])).is_ok());
}

#[test]
fn predictable_keys_of_operators_cannot_be_made_for_accounts() {
    let world = World::new();
    let first_key = FirstKey {
        owner: FirstKeyOwner::Root,
        predictable: Some((
            "OPERAAAAAAAAAAAAAAAA".parse().unwrap(),
            Secret::from("secret".to_owned()),
        )),
    };
    let new = NewAccount {
        id: None,
        root_email: "new@example.com".to_owned(),
        root_password_hash: "hash".to_owned(),
        first_key: Some(first_key),
    };
    let refused = founding::found(&world.state, &new, &mut Draw::new(NOW, [1; 32]));
    assert!(refused.unwrap_err().to_string().starts_with("InvalidInput: "));
}

#[test]
fn what_operators_leave_behind_is_read_from_its_rows() {
    let (mut world, bob) = world();
    let session = world.ok(&bob, APP);
    let id = session_id(&world.holder(&session));
    let revocation = Revocation::of_session(&world.state, &id, world.now).unwrap();
    carry_out(&mut world, &revocation).unwrap();
    carry_out(&mut world, &CreateOperator { name: "ana".to_owned(), purpose: None }).unwrap();
    carry_out(&mut world, &CloseAccount { account: self::id() }).unwrap();
    let read = rebuilt(&world.rows);
    let accounts = [&read, &world.state].map(|state| state.account(self::id()).unwrap());
    assert_eq!(accounts[0].settings(), accounts[1].settings());
    assert!(!accounts[0].is_open());
    assert_eq!(accounts[0].revoked_sessions(), accounts[1].revoked_sessions());
    assert_eq!(accounts[0].revoked_sessions().len(), 1);
    assert!(read.operators().iter().eq(world.state.operators().iter()));
    assert_eq!(read.operators().iter().len(), 1);
}
