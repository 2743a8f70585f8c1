//! What holds after every sequence of commands.

use std::collections::{BTreeMap, BTreeSet};

use iamd_wire::Timestamp;
use proptest::prelude::*;

use super::{Account, Change, Collection, Entity, EntityKey, KeyOwner, Named, PolicyUse, State};
use crate::account_id::AccountId;
use crate::quota::{self, Quotas};
use crate::record::RecordKey;
use crate::test_support::{
    ACCOUNT, ALLOW_ALL, NOW, OTHER_ACCOUNT, Rows, TRUST_EC2, World, rebuilt,
};
use crate::totp::{Seed, step_at};

#[test]
fn a_swap_of_names_in_one_batch_loses_nobody() {
    let mut world = World::with(&["CreateUser&UserName=a", "CreateUser&UserName=b"]);
    let account = world.state.account(ACCOUNT.parse().unwrap()).unwrap();
    let mut swapped: Vec<_> = account.users().iter().map(|user| super::User::clone(user)).collect();
    swapped[0].name = "b".into();
    swapped[1].name = "a".into();
    let changes = swapped.into_iter().map(|user| Change::Put(Entity::User(user))).collect();
    let account = account.id();
    world.commit(&[super::AccountChanges { account, changes }]);
    check(&world);
}

#[test]
fn a_row_under_a_wrong_key_is_not_read() {
    let world = World::with(&["CreateUser&UserName=a", "CreateUser&UserName=b"]);
    let users: Vec<_> =
        world.rows.iter().filter(|((_, kind, _), _)| *kind == crate::record::kind::USER).collect();
    let [((_, kind, first), bytes), ((_, _, second), _)] = users[..] else { panic!("two users") };
    let key = |id: &str| RecordKey { kind: *kind, id: id.to_owned() };
    assert!(Entity::from_bytes(&key(first), bytes).is_ok());
    assert!(Entity::from_bytes(&key(second), bytes).is_err());
    assert!(Entity::from_bytes(&RecordKey { kind: 999, id: first.clone() }, bytes).is_err());
    for length in 0..bytes.len() {
        assert!(Entity::from_bytes(&key(first), &bytes[..length]).is_err(), "{length}");
    }
}

#[test]
fn an_account_ends_with_its_settings() {
    let mut world = World::with(&["CreateUser&UserName=a"]);
    let account = ACCOUNT.parse().unwrap();
    let changes = vec![Change::Remove(EntityKey::Settings)];
    world.commit(&[super::AccountChanges { account, changes }]);
    assert!(world.state.account(account).is_none());
}

#[test]
fn an_account_is_taken_over_with_its_keys_and_without_those_it_had() {
    let account: AccountId = ACCOUNT.parse().unwrap();
    // Ids of keys that an operator chose do not say whose they are.
    let with_key = |id: &str| {
        let mut world = World::with(&[]);
        let key = super::AccessKey {
            id: id.parse().unwrap(),
            owner: KeyOwner::Root,
            secret: "secret".to_owned().into(),
            status: super::AccessKeyStatus::Active,
            created: NOW,
            rank: None,
        };
        let changes = vec![Change::Put(Entity::AccessKey(key))];
        world.commit(&[super::AccountChanges { account, changes }]);
        world.state
    };
    let (old, new) = ("AKIAOPERATORSOLDKEY", "AKIAOPERATORSNEWKEY");
    let (mut state, newer) = (with_key(old), with_key(new));
    let other = state.account(OTHER_ACCOUNT.parse().unwrap()).unwrap().clone();
    state.take_over(account, &newer);
    assert!(state.access_key(&new.parse().unwrap()).is_some());
    assert!(state.access_key(&old.parse().unwrap()).is_none());
    let kept = state.account(OTHER_ACCOUNT.parse().unwrap()).unwrap();
    assert!(std::sync::Arc::ptr_eq(kept, &other), "others stay as they are");
    state.take_over(account, &State::default());
    assert!(state.account(account).is_none() && state.access_key(&new.parse().unwrap()).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// INVARIANT: names are unique, quotas hold, rows round-trip, and a state that was built step
    /// by step equals the one that is read from its rows.
    #[test]
    fn commands_in_any_order_keep_the_state_sound(
        commands in prop::collection::vec(any_command(), 1..300),
    ) {
        let mut world = World::new();
        world.quotas = small_quotas();
        let root = world.root();
        for (step, command) in commands.iter().enumerate() {
            // A refusal changes nothing, an answer must leave a sound state behind.
            let before = world.rows.clone();
            world.now = Timestamp::from_seconds(world.now.seconds() + 60);
            let command = with_codes(&world, command);
            if world.send(&root, &command).is_err() {
                prop_assert_eq!(&before, &world.rows);
            }
            if step % 16 == 0 {
                check(&world);
            }
        }
        check(&world);
    }
}

fn small_quotas() -> Quotas {
    Quotas {
        users: 2,
        groups: 2,
        roles: 2,
        instance_profiles: 2,
        policies: 2,
        attached_policies_per_user: 2,
        attached_policies_per_role: 1,
        attached_policies_per_group: 1,
        ..Quotas::default()
    }
}

/// Commands whose names and ARNs are filled in.
const TEMPLATES: &[&str] = &[
    "CreateUser&UserName={N}",
    "CreateUser&UserName={N}",
    "CreateUser&UserName={N}&Path=/x/&PermissionsBoundary={P}",
    "DeleteUser&UserName={N}",
    "UpdateUser&UserName={N}&NewUserName={M}",
    "UpdateUser&UserName={N}&NewPath=/y/",
    "CreateGroup&GroupName={N}",
    "CreateGroup&GroupName={M}",
    "DeleteGroup&GroupName={N}",
    "UpdateGroup&GroupName={N}&NewGroupName={M}",
    "AddUserToGroup&UserName={N}&GroupName={M}",
    "AddUserToGroup&UserName={M}&GroupName={N}",
    "RemoveUserFromGroup&UserName={N}&GroupName={M}",
    "CreateRole&RoleName={N}&AssumeRolePolicyDocument={TRUST}",
    "CreateRole&RoleName={N}&AssumeRolePolicyDocument={TRUST}",
    "DeleteRole&RoleName={N}",
    "CreatePolicy&PolicyName={N}&PolicyDocument={ALL}",
    "CreatePolicy&PolicyName=a&PolicyDocument={ALL}",
    "DeletePolicy&PolicyArn={P}",
    "CreatePolicyVersion&PolicyArn={P}&PolicyDocument={ALL}&SetAsDefault=true",
    "CreatePolicyVersion&PolicyArn={P}&PolicyDocument={ALL}",
    "DeletePolicyVersion&PolicyArn={P}&VersionId=v1",
    "SetDefaultPolicyVersion&PolicyArn={P}&VersionId=v2",
    "AttachUserPolicy&UserName={N}&PolicyArn={P}",
    "AttachGroupPolicy&GroupName={N}&PolicyArn={P}",
    "AttachRolePolicy&RoleName={N}&PolicyArn={P}",
    "AttachUserPolicy&UserName={N}&PolicyArn={AWS}",
    "DetachUserPolicy&UserName={N}&PolicyArn={P}",
    "DetachRolePolicy&RoleName={N}&PolicyArn={P}",
    "PutUserPermissionsBoundary&UserName={N}&PermissionsBoundary={P}",
    "DeleteUserPermissionsBoundary&UserName={N}",
    "PutRolePermissionsBoundary&RoleName={N}&PermissionsBoundary={AWS}",
    "DeleteRolePermissionsBoundary&RoleName={N}",
    "CreateInstanceProfile&InstanceProfileName={N}",
    "DeleteInstanceProfile&InstanceProfileName={N}",
    "AddRoleToInstanceProfile&InstanceProfileName={N}&RoleName={M}",
    "RemoveRoleFromInstanceProfile&InstanceProfileName={N}&RoleName={M}",
    "CreateAccessKey&UserName={N}",
    "CreateAccessKey&UserName={N}",
    "CreateAccessKey",
    "PutUserPolicy&UserName={N}&PolicyName={M}&PolicyDocument={ALL}",
    "DeleteUserPolicy&UserName={N}&PolicyName={M}",
    "PutGroupPolicy&GroupName={N}&PolicyName={M}&PolicyDocument={ALL}",
    "PutRolePolicy&RoleName={N}&PolicyName={M}&PolicyDocument={ALL}",
    "TagUser&UserName={N}&Tags.member.1.Key={M}&Tags.member.1.Value=1",
    "UntagUser&UserName={N}&TagKeys.member.1={M}",
    "TagPolicy&PolicyArn={P}&Tags.member.1.Key={M}&Tags.member.1.Value=1",
    "GenerateCredentialReport",
    "UpdateAccountPasswordPolicy&MinimumPasswordLength=8&PasswordReusePrevention=2",
    "DeleteAccountPasswordPolicy",
    "CreateLoginProfile&UserName={N}&Password=Hunter22",
    "UpdateLoginProfile&UserName={N}&Password=Hunter23",
    "DeleteLoginProfile&UserName={N}",
    "CreateVirtualMFADevice&VirtualMFADeviceName={N}",
    "CreateVirtualMFADevice&VirtualMFADeviceName={N}",
    "DeleteVirtualMFADevice&SerialNumber={D}",
    "EnableMFADevice&UserName={M}&SerialNumber={D}&{CODES}",
    "EnableMFADevice&UserName={N}&SerialNumber={D}&{CODES}",
    "ResyncMFADevice&UserName={M}&SerialNumber={D}&{CODES}",
    "DeactivateMFADevice&UserName={M}&SerialNumber={D}",
    "TagMFADevice&SerialNumber={D}&Tags.member.1.Key={M}&Tags.member.1.Value=1",
    "CreateAccountAlias&AccountAlias=name-{n}",
    "CreateOpenIDConnectProvider&Url=https://id{n}.example",
    "AddClientIDToOpenIDConnectProvider&OpenIDConnectProviderArn=arn:aws:iam::111122223333:oidc-provider/id{n}.example&ClientID={n}",
    "DeleteOpenIDConnectProvider&OpenIDConnectProviderArn=arn:aws:iam::111122223333:oidc-provider/id{n}.example",
    "CreateSAMLProvider&Name={N}&SAMLMetadataDocument={METADATA}",
    "TagSAMLProvider&SAMLProviderArn=arn:aws:iam::111122223333:saml-provider/{N}&Tags.member.1.Key={M}&Tags.member.1.Value=1",
    "DeleteSAMLProvider&SAMLProviderArn=arn:aws:iam::111122223333:saml-provider/{N}",
    "CreateServiceSpecificCredential&UserName={N}&ServiceName=codecommit.amazonaws.com",
    "DeleteServiceSpecificCredential&UserName={N}&ServiceSpecificCredentialId={S}",
    "CreateServiceLinkedRole&AWSServiceName=autoscaling.amazonaws.com&CustomSuffix={N}",
    "DeleteServiceLinkedRole&RoleName=AWSServiceRoleForAutoScaling_{N}",
    "EnableOutboundWebIdentityFederation",
    "DisableOutboundWebIdentityFederation",
    "SetSecurityTokenServicePreferences&GlobalEndpointTokenVersion=v2Token",
    "DeleteAccountAlias&AccountAlias=name-{n}",
];

/// A command with names out of a small pool, so that commands meet each other.
pub(super) fn any_command() -> impl Strategy<Value = String> {
    let name = || prop::sample::select(vec!["a", "b", "C", "c", "A"]);
    (prop::sample::select(TEMPLATES), name(), name()).prop_map(|(template, one, other)| {
        template
            .replace("{N}", one)
            .replace("{n}", &one.to_lowercase())
            .replace("{M}", other)
            .replace("{P}", &format!("arn:aws:iam::111122223333:policy/{one}"))
            .replace("{D}", &format!("arn:aws:iam::111122223333:mfa/{one}"))
            .replace("{AWS}", "arn:aws:iam::aws:policy/ReadOnlyAccess")
            .replace("{ALL}", ALLOW_ALL)
            .replace("{TRUST}", TRUST_EC2)
            .replace("{METADATA}", &crate::iam::saml_tests::metadata(""))
    })
}

/// The command with the codes that its device shows now, and the first credential of its user, if
/// there are such.
pub(super) fn with_codes(world: &World, command: &str) -> String {
    let serial = command.split('&').find_map(|member| member.strip_prefix("SerialNumber="));
    let account = world.state.account(ACCOUNT.parse().unwrap()).unwrap();
    let device = serial.and_then(|serial| account.mfa_devices().with_serial(serial));
    let codes = device.map_or("AuthenticationCode1=1&AuthenticationCode2=2".to_owned(), |device| {
        let (seed, step) = (Seed::of_base32(&device.seed).unwrap(), step_at(world.now));
        let (first, second) = (seed.shown_at(step - 1), seed.shown_at(step));
        format!("AuthenticationCode1={first}&AuthenticationCode2={second}")
    });
    let user = command.split('&').find_map(|member| member.strip_prefix("UserName="));
    let user = user.and_then(|name| account.users().named(name));
    let of_user = |user: &std::sync::Arc<super::User>| KeyOwner::User(user.id);
    let credential = user.and_then(|user| account.service_credentials().of(of_user(user)).next());
    let id = credential.map_or("ACCANONEAAAAAAAAAAAAA", |credential| credential.id.as_str());
    command.replace("{CODES}", &codes).replace("{S}", id)
}

fn check(world: &World) {
    for ((account, kind, id), bytes) in &world.rows {
        let key = RecordKey { kind: *kind, id: id.clone() };
        let entity = Entity::from_bytes(&key, bytes).unwrap();
        assert_eq!(&entity.to_bytes(), bytes, "{account} {key:?}");
        assert_eq!(EntityKey::from_record(&key).unwrap(), entity.key());
    }
    assert_eq!(picture(&world.state), picture(&rebuilt(&world.rows)));
    assert_eq!(rows_of(world), world.rows);
    for account in world.state.accounts() {
        check_quotas(account, &world.quotas);
    }
}

/// The rows that the entities of the state make.
fn rows_of(world: &World) -> Rows {
    let accounts: BTreeSet<AccountId> = world.rows.keys().map(|(account, ..)| *account).collect();
    let entities = accounts
        .into_iter()
        .flat_map(|account| world.state.entities(account).map(move |entity| (account, entity)));
    let row = |(account, entity): (AccountId, Entity)| {
        let RecordKey { kind, id } = entity.key().to_record();
        ((account, kind, id), entity.to_bytes())
    };
    entities.map(row).collect()
}

fn check_quotas(account: &Account, quotas: &Quotas) {
    let within = |count: usize, limit: u32| assert!(count <= limit as usize);
    within(account.users().len(), quotas.users);
    within(account.groups().len(), quotas.groups);
    within(account.roles().len(), quotas.roles);
    within(account.policies().len(), quotas.policies);
    within(account.instance_profiles().len(), quotas.instance_profiles);
    within(account.keys_of(KeyOwner::Root).count(), quota::ACCESS_KEYS_PER_USER);
    within(account.mfa_devices().virtual_count(), quotas.users);
    for user in account.users().iter() {
        within(
            account.mfa_devices().of(KeyOwner::User(user.id)).count(),
            quota::MFA_DEVICES_PER_USER,
        );
        within(account.keys_of(KeyOwner::User(user.id)).count(), quota::ACCESS_KEYS_PER_USER);
        within(user.groups.len(), quota::GROUPS_PER_USER);
        let credentials = account.service_credentials().of(KeyOwner::User(user.id));
        within(credentials.count(), quota::SERVICE_CREDENTIALS_PER_USER);
        within(user.attached.len(), quotas.attached_policies_per_user);
    }
    account
        .groups()
        .iter()
        .for_each(|it| within(it.attached.len(), quotas.attached_policies_per_group));
    account
        .roles()
        .iter()
        .for_each(|it| within(it.attached.len(), quotas.attached_policies_per_role));
    for policy in account.policies().iter() {
        within(policy.versions.len(), quota::VERSIONS_PER_POLICY);
        assert!(policy.version_in_force().is_some());
        assert!(policy.versions.iter().all(|version| version.number < policy.next_version));
    }
}

/// Everything that can be seen of a state, indices included.
fn picture(state: &State) -> Vec<String> {
    let mut lines = Vec::new();
    for account in state.accounts() {
        lines.push(format!("{} {:?}", account.id(), account.settings()));
        entities("user", account.users(), &mut lines);
        entities("group", account.groups(), &mut lines);
        entities("role", account.roles(), &mut lines);
        entities("policy", account.policies(), &mut lines);
        entities("profile", account.instance_profiles(), &mut lines);
        indices(account, &mut lines);
        let settings = account.settings().unwrap();
        let directory = state.directory();
        assert_eq!(directory.account_of_root_email(&settings.root_email), Some(account.id()));
        if let Some(alias) = &settings.alias {
            assert_eq!(directory.account_of_alias(alias), Some(account.id()));
        }
        lines.push(format!(
            "{:?}",
            ["name-a", "name-b", "name-c"].map(|it| directory.account_of_alias(it))
        ));
    }
    lines
}

/// INVARIANT: every entity is found by name and by id, and names differ in more than letter case.
fn entities<T: Named + std::fmt::Debug>(kind: &str, all: &Collection<T>, lines: &mut Vec<String>) {
    let names: BTreeSet<String> = all.iter().map(|it| it.name().to_ascii_lowercase()).collect();
    assert_eq!(names.len(), all.len());
    assert_eq!(all.after(None).count(), all.len());
    for entity in all.iter() {
        assert_eq!(all.with_id(entity.id()).unwrap().name(), entity.name());
        assert_eq!(all.named(&entity.name().to_uppercase()).unwrap().id(), entity.id());
        lines.push(format!("{kind} {entity:?}"));
    }
}

fn indices(account: &Account, lines: &mut Vec<String>) {
    let users = account.users().iter().map(|user| KeyOwner::User(user.id));
    for owner in users.chain([KeyOwner::Root]) {
        for key in account.keys_of(owner) {
            assert_eq!(account.access_key(&key.id).unwrap(), key);
            lines.push(format!("key {key:?}"));
        }
        assert_eq!(
            account.mfa_devices().has_any(owner),
            account.mfa_devices().of(owner).count() > 0
        );
        for credential in account.service_credentials().of(owner) {
            lines.push(format!("credential {credential:?}"));
        }
        for device in account.mfa_devices().of(owner) {
            assert_eq!(device.assignment.unwrap().owner, owner);
            lines.push(format!("device of {owner:?} {device:?}"));
        }
    }
    let devices: Vec<_> = account.mfa_devices().virtual_after(None).collect();
    let assigned = devices.iter().filter(|device| device.assignment.is_some()).count();
    assert_eq!(account.mfa_devices().assigned_counts(), (assigned, 0));
    lines.push(format!("devices {devices:?}"));
    for user in account.users().iter() {
        lines.push(format!("password {:?}", account.login_profile(user.id)));
    }
    lines.push(format!("passwords {:?}", account.password_policy()));
    lines.push(format!("report {:?}", account.credential_report()));
    lines.push(format!("providers {:?}", account.oidc_providers()));
    lines.push(format!("providers {:?}", account.saml_providers()));
    lines.push(format!("deletions {:?}", account.deletion_tasks()));
    lines.push(format!("preferences {:?}", account.preferences()));
    entities("server certificate", account.server_certificates(), lines);
    for group in account.groups().iter() {
        lines.push(format!("members {:?}", account.members(group.id)));
    }
    for role in account.roles().iter() {
        lines.push(format!("profiles {:?}", account.profiles_of_role(role.id)));
    }
    let uses: BTreeMap<_, &PolicyUse> = account.used_policies().collect();
    lines.push(format!("uses {uses:?}"));
    for policy in account.policies().iter() {
        let set = account.policy_set(policy.id).unwrap();
        lines.push(format!("set {set:?}"));
    }
    lines.push(format!("sizes {:?}", account.index_sizes()));
    lines.push(format!("sizes {:?}", account.service_credentials().index_sizes()));
}
