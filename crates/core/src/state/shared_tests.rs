//! What is told of a state and what is not, and that steps come to what the whole is.

use std::collections::{BTreeMap, BTreeSet};

use iamd_wire::Secret;
use proptest::prelude::*;

use super::tests::{any_command, with_codes};
use super::{
    AccountChanges, Bucket, BucketName, Change, Entity, OperatorCredential, PublicAccessBlock,
    RevokedSession, State,
};
use crate::account_id::AccountId;
use crate::record::{RecordKey, kind};
use crate::test_support::{ACCOUNT, NOW, World};

/// The kinds that are told of; whoever adds one asks himself what is in it.
const TOLD: [u16; 9] = [
    kind::SETTINGS,
    kind::USER,
    kind::GROUP,
    kind::ROLE,
    kind::POLICY,
    kind::ACCESS_KEY,
    kind::REVOKED_SESSION,
    kind::BUCKET_NAME,
    kind::BUCKET,
];

type Rows = BTreeMap<(AccountId, u16, String), Vec<u8>>;

/// Everything that is told of a state, as it is written down.
fn told(state: &State) -> Rows {
    let mut rows = Rows::new();
    take(&mut rows, state, &State::default());
    rows
}

/// Brings what was told of an older state up to a newer one.
fn take(rows: &mut Rows, newer: &State, older: &State) {
    for (account, difference) in newer.differences(older) {
        match difference.to_change() {
            Change::Put(entity) => {
                let RecordKey { kind, id } = entity.key().to_record();
                rows.insert((account, kind, id), entity.to_bytes());
            }
            Change::Remove(key) => {
                let RecordKey { kind, id } = key.to_record();
                assert!(rows.remove(&(account, kind, id)).is_some(), "it was never told of");
            }
        }
    }
}

/// What of a row nobody but the node may know.
fn secrets(entity: &Entity) -> Vec<String> {
    let texts = |secrets: &[&Secret]| secrets.iter().map(|it| it.expose().to_owned()).collect();
    match entity {
        Entity::Settings(settings) => {
            let mut texts = vec![settings.root_email.to_string()];
            texts.extend(settings.root_password_hash.as_ref().map(|hash| format!("{hash}:root")));
            texts
        }
        Entity::AccessKey(key) => texts(&[&key.secret]),
        Entity::LoginProfile(profile) => {
            let mut texts: Vec<String> = texts(&[&profile.hash]);
            texts.extend(profile.earlier.iter().map(|hash| hash.expose().to_owned()));
            texts
        }
        Entity::MfaDevice(device) => texts(&[&device.seed]),
        Entity::ServerCertificate(certificate) => texts(&[&certificate.private_key]),
        Entity::OperatorCredential(credential) => texts(&[&credential.secret]),
        _ => Vec::new(),
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn what_is_not_an_entity_of_decisions_is_not_told_of() {
    let mut world = World::with(&[
        "CreateUser&UserName=a",
        "CreateAccessKey&UserName=a",
        "CreateLoginProfile&UserName=a&Password=Hunter22",
        "CreateVirtualMFADevice&VirtualMFADeviceName=a",
        "CreateServiceSpecificCredential&UserName=a&ServiceName=codecommit.amazonaws.com",
        "CreateAccountAlias&AccountAlias=name",
        "GenerateCredentialReport",
    ]);
    let account: AccountId = ACCOUNT.parse().unwrap();
    let bucket = Bucket {
        name: "photos".into(),
        created: NOW,
        is_made: true,
        policy: None,
        public_access_block: PublicAccessBlock::ALL,
        cors: None,
    };
    let session = RevokedSession { id: "ASIAREVOKEDSESSION1".parse().unwrap(), expires: NOW };
    let changes =
        vec![Change::Put(Entity::Bucket(bucket)), Change::Put(Entity::RevokedSession(session))];
    world.commit(&[AccountChanges { account, changes }]);
    let name = BucketName { name: "photos".into(), account };
    let changes = vec![Change::Put(Entity::BucketName(name))];
    world.commit(&[AccountChanges { account: AccountId::DIRECTORY, changes }]);
    let credential = OperatorCredential {
        id: "OPEROPEROPEROPER1".parse().unwrap(),
        name: "ana".into(),
        secret: Secret::from("the secret of an operator".to_owned()),
        purpose: None,
        created: NOW,
    };
    let changes = vec![Change::Put(Entity::OperatorCredential(credential))];
    world.commit(&[AccountChanges { account: AccountId::OPERATORS, changes }]);

    let rows = told(&world.state);
    let kinds: BTreeSet<u16> = rows.keys().map(|(_, kind, _)| *kind).collect();
    let mut expected: BTreeSet<u16> = TOLD.into();
    // None of these was made.
    expected.retain(|kind| ![kind::GROUP, kind::ROLE, kind::POLICY].contains(kind));
    assert_eq!(kinds, expected);
    let mut count = 0;
    for ((account, kind, id), bytes) in &world.rows {
        let entity = Entity::from_bytes(&RecordKey { kind: *kind, id: id.clone() }, bytes).unwrap();
        for secret in secrets(&entity) {
            count += 1;
            let leak = rows.iter().find(|(_, bytes)| contains(bytes, &secret));
            assert!(leak.is_none(), "of {account} {kind}/{id}: {leak:?}");
        }
    }
    assert!(count >= 6, "there were secrets to be told: {count}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Step by step or at once, a follower comes to the same; nothing secret is in it.
    #[test]
    fn steps_come_to_what_the_whole_is(
        commands in prop::collection::vec(any_command(), 1..40),
        strides in prop::collection::vec(1..6_usize, 1..40),
    ) {
        let mut world = World::new();
        let root = world.root();
        let mut known = World::new().state;
        let mut rows = told(&known);
        let mut commands = commands.iter();
        for stride in strides {
            for command in commands.by_ref().take(stride) {
                let command = with_codes(&world, command);
                let _ = world.send(&root, &command);
            }
            take(&mut rows, &world.state, &known);
            known = world.state.clone();
            prop_assert_eq!(&rows, &told(&world.state));
        }
        prop_assert_eq!(world.state.differences(&known).count(), 0);
        let kinds: BTreeSet<u16> = rows.keys().map(|(_, kind, _)| *kind).collect();
        prop_assert!(kinds.iter().all(|kind| TOLD.contains(kind)), "{:?}", kinds);
        for ((_, kind, id), bytes) in &world.rows {
            let key = RecordKey { kind: *kind, id: id.clone() };
            for secret in secrets(&Entity::from_bytes(&key, bytes).unwrap()) {
                prop_assert!(!rows.values().any(|bytes| contains(bytes, &secret)));
            }
        }
    }
}
