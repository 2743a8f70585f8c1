//! Passwords and the rules for them: answers and refusals, as recorded from AWS where they were.

use iamd_wire::{ErrorCode, Secret};
use serde_json::json;

use super::password_rules::{Standing, expiry, standing};
use crate::operation::Scene;
use crate::perform::{perform, prepare};
use crate::preparation::{PasswordOutcome, Preparation, Prepared};
use crate::state::{AccountChanges, Change, Entity, EntityKey, LoginProfile};
use crate::test_support::{ACCOUNT, ALLOW_ALL, NOW, TRUST_EC2, World};

const VIOLATION: &str =
    "PasswordPolicyViolation: Password does not conform to the account password policy.";
const MISMATCH: &str = "AccessDenied: The old password was incorrect";

/// Bob with this password, and with a policy that allows everything.
fn world_of_bob(password: &str) -> World {
    World::with(&[
        "CreateUser&UserName=bob",
        &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={ALLOW_ALL}"),
        &format!("CreateLoginProfile&UserName=bob&Password={password}"),
    ])
}

fn profile(world: &World) -> LoginProfile {
    let account = world.state.account(ACCOUNT.parse().unwrap()).unwrap();
    let user = account.users().named("bob").unwrap();
    LoginProfile::clone(account.login_profile(user.id).unwrap())
}

fn bob_stands(world: &World) -> Standing {
    let account = world.state.account(ACCOUNT.parse().unwrap()).unwrap();
    standing(account, &profile(world), world.now)
}

fn later(world: &mut World, days: i64) {
    world.now = iamd_wire::Timestamp::from_seconds(world.now.seconds() + days * 86_400);
}

fn policy(members: &str) -> String {
    format!("UpdateAccountPasswordPolicy{members}")
}

#[test]
fn a_policy_is_replaced_whole_and_shows_what_was_set() {
    let mut world = World::new();
    let root = world.root();
    let none = "NoSuchEntity: The Password Policy with domain name 111122223333 cannot be found.";
    let defaults = json!({"PasswordPolicy": {
        "MinimumPasswordLength": 6, "RequireSymbols": false, "RequireNumbers": false,
        "RequireUppercaseCharacters": false, "RequireLowercaseCharacters": false,
        "AllowUsersToChangePassword": false, "ExpirePasswords": false,
    }});
    let all = "&MinimumPasswordLength=10&RequireSymbols=true&RequireNumbers=true&RequireUppercaseCharacters=true&RequireLowercaseCharacters=true&AllowUsersToChangePassword=true&MaxPasswordAge=60&PasswordReusePrevention=3&HardExpiry=true";
    let set = json!({"PasswordPolicy": {
        "MinimumPasswordLength": 10, "RequireSymbols": true, "RequireNumbers": true,
        "RequireUppercaseCharacters": true, "RequireLowercaseCharacters": true,
        "AllowUsersToChangePassword": true, "ExpirePasswords": true, "MaxPasswordAge": 60,
        "PasswordReusePrevention": 3, "HardExpiry": true,
    }});
    world.expect(
        &root,
        &[
            ("GetAccountPasswordPolicy", none),
            (
                "DeleteAccountPasswordPolicy",
                "NoSuchEntity: The account policy with name PasswordPolicy cannot be found.",
            ),
            (&policy(all), "null"),
            ("GetAccountPasswordPolicy", &set.to_string()),
            (&policy(""), "null"),
            ("GetAccountPasswordPolicy", &defaults.to_string()),
            (
                &policy(
                    "&MinimumPasswordLength=129&PasswordReusePrevention=25&MaxPasswordAge=1096",
                ),
                "ValidationError",
            ),
            (&policy("&MinimumPasswordLength=5"), "ValidationError"),
            (&policy("&MaxPasswordAge=0"), "ValidationError"),
            ("DeleteAccountPasswordPolicy", "null"),
            ("GetAccountPasswordPolicy", none),
        ],
    );
}

#[test]
fn login_profiles_live_from_creation_to_deletion() {
    let mut world = World::with(&["CreateUser&UserName=bob"]);
    let root = world.root();
    let shown = |reset: bool| {
        json!({"LoginProfile": {
            "UserName": "bob", "CreateDate": "<now>", "PasswordResetRequired": reset,
        }})
        .to_string()
    };
    let none = "NoSuchEntity: Login Profile for User bob cannot be found.";
    let nobody = "NoSuchEntity: The user with name nobody cannot be found.";
    world.expect(
        &root,
        &[
            ("GetLoginProfile&UserName=bob", none),
            ("DeleteLoginProfile&UserName=bob", none),
            ("UpdateLoginProfile&UserName=bob&PasswordResetRequired=true", none),
            ("CreateLoginProfile&UserName=nobody&Password=Hunter22", nobody),
            ("GetLoginProfile&UserName=nobody", nobody),
            ("UpdateLoginProfile&UserName=nobody&Password=Hunter22", nobody),
            ("DeleteLoginProfile&UserName=nobody", nobody),
            ("CreateLoginProfile&UserName=bob", "ValidationError"),
            ("CreateLoginProfile&Password=Hunter22", "ValidationError"),
            ("CreateLoginProfile&UserName=bob&Password=Hunter22", &shown(false)),
            ("GetLoginProfile&UserName=BOB", &shown(false)),
            (
                "CreateLoginProfile&UserName=bob&Password=Hunter22",
                "EntityAlreadyExists: Login Profile for user bob already exists.",
            ),
            ("UpdateLoginProfile&UserName=bob&PasswordResetRequired=true", "null"),
            ("GetLoginProfile&UserName=bob", &shown(true)),
            ("UpdateLoginProfile&UserName=bob&Password=Hunter23", "null"),
            ("GetLoginProfile&UserName=bob", &shown(true)),
            (
                "DeleteUser&UserName=bob",
                "DeleteConflict: Cannot delete entity, must delete login profile first.",
            ),
            ("UpdateUser&UserName=bob&NewUserName=rob", "null"),
            ("GetLoginProfile&UserName=rob", &shown(true).replace("bob", "rob")),
            ("DeleteLoginProfile&UserName=rob", "null"),
            ("DeleteUser&UserName=rob", "null"),
            // Who is created under the old name has no password.
            ("CreateUser&UserName=rob", &user("rob")),
            ("GetLoginProfile&UserName=rob", &none.replace("bob", "rob")),
        ],
    );
}

fn user(name: &str) -> String {
    json!({"User": {
        "Path": "/", "UserName": name, "UserId": "<AIDA>", "CreateDate": "<now>",
        "Arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
    }})
    .to_string()
}

/// The rules of AWS where the account has none: 8 characters, three classes, no name of the account.
#[test]
fn passwords_conform_to_aws_without_a_policy() {
    let create = "CreateLoginProfile&UserName=bob&Password=";
    let world =
        World::with(&["CreateUser&UserName=bob", "CreateAccountAlias&AccountAlias=acme-2026"]);
    let root = world.root();
    for (password, conforms) in [
        ("Hunter22", true),
        ("Hunter2", false),
        ("hunter22", false),
        ("hunter2!", true),
        ("HUNTER2!", true),
        ("Hunter!!", true),
        ("HunterHunter", false),
        ("12345678!", false),
        // Letters beyond ASCII are of no class.
        ("%C3%84hunter%C3%9F%C3%9F", false),
        // The account's names, whatever their letter case.
        ("Acme-2026", false),
        ("acme-2027", true),
        ("Root@111122223333.example", false),
    ] {
        let outcome = world.fork().send(&root, &format!("{create}{password}"));
        match conforms {
            true => assert!(outcome.is_ok(), "{password} {outcome:?}"),
            false => assert_eq!(outcome.unwrap_err(), VIOLATION, "{password}"),
        }
    }
}

#[test]
fn every_rule_of_a_policy_bites_alone() {
    for (members, fine, refused) in [
        ("&MinimumPasswordLength=10", "aaaaaaaaaa", "aaaaaaaaa"),
        (
            "&MinimumPasswordLength=6",
            "%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4",
            "%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4",
        ),
        ("&RequireSymbols=true", "aaaaa'", "aaaaa\""),
        ("&RequireSymbols=true", "aaaaa%7C", "aaaaa,"),
        ("&RequireNumbers=true", "aaaaa1", "aaaaaa"),
        ("&RequireUppercaseCharacters=true", "aaaaaA", "aaaaa%C3%84"),
        ("&RequireLowercaseCharacters=true", "AAAAAa", "AAAAA%C3%A4"),
        ("", "aaaaaa", "aaaaa"),
    ] {
        let mut world = World::with(&["CreateUser&UserName=bob", &policy(members)]);
        let root = world.root();
        let create =
            |password: &str| format!("CreateLoginProfile&UserName=bob&Password={password}");
        assert_eq!(world.refusal(&root, &create(refused)), VIOLATION, "{members}");
        world.ok(&root, &create(fine));
        let update =
            |password: &str| format!("UpdateLoginProfile&UserName=bob&Password={password}");
        assert_eq!(world.refusal(&root, &update(refused)), VIOLATION, "{members}");
        world.ok(&root, &update(fine));
    }
}

/// Rules for the form of a password hold at its next change, and not before.
#[test]
fn a_password_that_is_there_stays_under_a_stricter_policy() {
    let mut world = world_of_bob("Hunter22");
    let (root, bob) = (world.root(), world.user("bob"));
    world.ok(&root, &policy("&MinimumPasswordLength=12"));
    assert_eq!(bob_stands(&world), Standing::Good);
    let change = |new: &str| format!("ChangePassword&OldPassword=Hunter22&NewPassword={new}");
    assert_eq!(world.refusal(&bob, &change("Hunter23")), VIOLATION);
    world.ok(&bob, &change("Hunter234567"));
}

/// Expiry holds at once, for passwords that are older than the policy, too.
#[test]
fn passwords_expire_from_the_day_they_were_set() {
    let mut world = world_of_bob("Hunter22");
    let root = world.root();
    later(&mut world, 30);
    assert_eq!(bob_stands(&world), Standing::Good, "without a policy none expires");
    world.ok(&root, &policy("&MaxPasswordAge=31"));
    assert_eq!(bob_stands(&world), Standing::Good);
    world.ok(&root, &policy("&MaxPasswordAge=30"));
    assert_eq!(bob_stands(&world), Standing::MustChange);
    let account = world.state.account(ACCOUNT.parse().unwrap()).unwrap();
    let thirty_days = NOW.seconds() + 30 * 86_400;
    assert_eq!(expiry(account, &profile(&world)).unwrap().seconds(), thirty_days);
    world.ok(&root, &policy("&MaxPasswordAge=30&HardExpiry=true"));
    assert_eq!(bob_stands(&world), Standing::MustBeReset);
    // An administrator sets another one; it lives as long.
    world.ok(&root, "UpdateLoginProfile&UserName=bob&Password=Hunter23");
    assert_eq!(bob_stands(&world), Standing::Good);
    world.ok(&root, "UpdateLoginProfile&UserName=bob&PasswordResetRequired=true");
    assert_eq!(bob_stands(&world), Standing::MustChange);
    later(&mut world, 30);
    assert_eq!(bob_stands(&world), Standing::MustBeReset);
}

/// An expired password does not stop what access keys do, ChangePassword among it.
#[test]
fn an_expired_password_can_be_changed_with_a_key() {
    let mut world = world_of_bob("Hunter22");
    let (root, bob) = (world.root(), world.user("bob"));
    world.ok(&root, &policy("&MaxPasswordAge=1&HardExpiry=true"));
    later(&mut world, 2);
    assert_eq!(bob_stands(&world), Standing::MustBeReset);
    world.ok(&bob, "ListUsers");
    world.ok(&bob, "ChangePassword&OldPassword=Hunter22&NewPassword=Hunter23");
    assert_eq!(bob_stands(&world), Standing::Good);
}

#[test]
fn only_a_user_changes_his_password_and_only_with_the_old_one() {
    let mut world = world_of_bob("Hunter22");
    let (root, bob) = (world.root(), world.user("bob"));
    world.ok(&root, "UpdateLoginProfile&UserName=bob&PasswordResetRequired=true");
    let change =
        |old: &str, new: &str| format!("ChangePassword&OldPassword={old}&NewPassword={new}");
    for wrong in ["Hunter23", "hunter22", "Hunter22%20", "H"] {
        assert_eq!(world.refusal(&bob, &change(wrong, "Hunter24")), MISMATCH);
    }
    assert!(profile(&world).reset_required);
    world.ok(&bob, &change("Hunter22", "Hunter23"));
    assert!(!profile(&world).reset_required, "that was the change");
    assert_eq!(world.refusal(&bob, &change("Hunter22", "Hunter24")), MISMATCH);
    assert_eq!(
        world.refusal(&root, &change("Hunter23", "Hunter24")),
        "InvalidUserType: Only IAM users can change their own password."
    );
    let trust = TRUST_EC2.replace(r#""Service":"ec2.amazonaws.com""#, r#""AWS":"111122223333""#);
    world.ok(&root, &format!("CreateRole&RoleName=r&AssumeRolePolicyDocument={trust}"));
    let role = "AssumeRole&RoleArn=arn:aws:iam::111122223333:role/r&RoleSessionName=one";
    let session = world.ok(&bob, role);
    let session = world.holder(&session);
    assert!(
        world.refusal(&session, &change("Hunter23", "Hunter24")).starts_with("InvalidUserType")
    );
    world.ok(&root, "DeleteLoginProfile&UserName=bob");
    assert_eq!(
        world.refusal(&bob, &change("Hunter23", "Hunter24")),
        "NoSuchEntity: Login Profile for User bob cannot be found."
    );
}

/// The last passwords cannot be used again, be they older than the rule; an administrator may.
#[test]
fn remembered_passwords_are_refused_up_to_the_number() {
    let mut world = world_of_bob("Hunter00");
    let (root, bob) = (world.root(), world.user("bob"));
    let change = |old: u32, new: u32| {
        format!("ChangePassword&OldPassword=Hunter{old:02}&NewPassword=Hunter{new:02}")
    };
    world.ok(&bob, &change(0, 0));
    for number in 0..3 {
        world.ok(&bob, &change(number, number + 1));
    }
    world.ok(&root, &policy("&PasswordReusePrevention=3"));
    for remembered in [3, 2, 1] {
        assert_eq!(world.refusal(&bob, &change(3, remembered)), VIOLATION, "{remembered}");
    }
    world.fork().ok(&bob, &change(3, 0));
    world.ok(&root, "UpdateLoginProfile&UserName=bob&Password=Hunter03");
    world.ok(&root, &policy(""));
    world.ok(&bob, &change(3, 2));
}

#[test]
fn no_more_passwords_are_remembered_than_can_be_asked_for() {
    let mut world = world_of_bob("Hunter00");
    let (root, bob) = (world.root(), world.user("bob"));
    for number in 0..40 {
        let change = format!(
            "ChangePassword&OldPassword=Hunter{number:02}&NewPassword=Hunter{:02}",
            number + 1
        );
        world.ok(&bob, &change);
    }
    assert_eq!(profile(&world).earlier.len(), 23);
    world.ok(&root, &policy("&PasswordReusePrevention=24"));
    let change =
        |new: u32| format!("ChangePassword&OldPassword=Hunter40&NewPassword=Hunter{new:02}");
    assert_eq!(world.refusal(&bob, &change(17)), VIOLATION);
    world.ok(&bob, &change(16));
}

/// The setting stands for a policy that nobody attached; what denies and what bounds goes before it.
#[test]
fn an_account_may_let_its_users_change_their_password() {
    let bound =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
    let deny = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"iam:ChangePassword","Resource":"*"}}"#;
    let mut world = World::with(&[
        "CreateUser&UserName=bob&Path=/people/",
        "CreateLoginProfile&UserName=bob&Password=Hunter22",
        &format!("CreatePolicy&PolicyName=bound&PolicyDocument={bound}"),
    ]);
    let (root, bob) = (world.root(), world.user("bob"));
    let change = "ChangePassword&OldPassword=Hunter22&NewPassword=Hunter23";
    let denied = |world: &World, caller, request: &str| {
        let refusal = world.fork().refusal(caller, request);
        assert!(refusal.starts_with("AccessDenied: User: "), "{refusal}");
    };
    for members in ["", "&AllowUsersToChangePassword=false"] {
        world.ok(&root, &policy(members));
        denied(&world, &bob, change);
        denied(&world, &bob, "GetAccountPasswordPolicy");
    }
    world.ok(&root, &policy("&AllowUsersToChangePassword=true"));
    world.fork().ok(&bob, change);
    world.fork().ok(&bob, "GetAccountPasswordPolicy");
    // It grants nothing else.
    for other in
        ["GetLoginProfile", "UpdateLoginProfile&UserName=bob", "DeleteAccountPasswordPolicy"]
    {
        denied(&world, &bob, other);
    }
    let mut denying = world.fork();
    denying.ok(&root, &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={deny}"));
    assert!(denying.refusal(&bob, change).contains("with an explicit deny"));
    let boundary = format!("arn:aws:iam::{ACCOUNT}:policy/bound");
    let put = format!("PutUserPermissionsBoundary&UserName=bob&PermissionsBoundary={boundary}");
    world.ok(&root, &put);
    let bounded = world.user("bob");
    denied(&world, &bounded, change);
}

/// Nothing is prepared for whom it is not allowed: no work is done, and nothing is told.
#[test]
fn who_is_not_allowed_is_refused_before_anything_is_prepared() {
    let mut world =
        World::with(&["CreateUser&UserName=bob", "CreateVirtualMFADevice&VirtualMFADeviceName=x"]);
    let bob = world.user("bob");
    let codes = "AuthenticationCode1=000000&AuthenticationCode2=000000";
    let serial = "SerialNumber=arn:aws:iam::111122223333:mfa/x";
    for request in [
        "CreateLoginProfile&UserName=ghost&Password=Hunter22".to_owned(),
        "CreateLoginProfile&UserName=ghost&Password=x".to_owned(),
        "UpdateLoginProfile&UserName=ghost&Password=Hunter22".to_owned(),
        "ChangePassword&OldPassword=Hunter22&NewPassword=Hunter23".to_owned(),
        format!("EnableMFADevice&UserName=ghost&{serial}&{codes}"),
        format!("ResyncMFADevice&UserName=ghost&{serial}&{codes}"),
    ] {
        let refusal = world.refusal(&bob, &request);
        assert!(refusal.starts_with("AccessDenied: User: "), "{request} {refusal}");
    }
}

/// INVARIANT: what was found out about passwords counts only for the state that it was found on.
#[test]
fn what_was_prepared_on_another_state_does_not_count() {
    let mut world = world_of_bob("Hunter22");
    let bob = world.user("bob");
    let request: iamd_wire::iam::ChangePasswordRequest = {
        let (_, _, parameters) =
            crate::test_support::parsed("ChangePassword&OldPassword=Hunter22&NewPassword=Hunter23");
        parameters.decode().unwrap()
    };
    let planned = |world: &World, prepared: Option<&Prepared>| {
        let scene = Scene { prepared, ..world.scene(&bob) };
        let mut draw = crate::draw::Draw::new(world.now, [1; 32]);
        perform(&request, &scene, &mut draw).map(|planned| planned.changes)
    };
    let preparation = prepare(&request, &world.scene(&bob)).unwrap().unwrap();
    let Preparation::Passwords(work) = preparation else { panic!("no passwords") };
    let done = |hash: &str| PasswordOutcome::Hash(Secret::from(hash.to_owned()));
    let prepared = Prepared::Passwords(work.clone(), done("new"));
    assert!(planned(&world, Some(&prepared)).is_ok());
    // Unprepared, or prepared for another request, it is not carried out.
    let mut other = work;
    other.new = Secret::from("Hunter24".to_owned());
    let other = Prepared::Passwords(other, done("other"));
    for prepared in [None, Some(&other)] {
        let refusal = planned(&world, prepared).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::EntityTemporarilyUnmodifiable);
    }
    // Another password came first: the old one was right then, and is not now.
    let mut moved = world.fork();
    moved.ok(&moved.root(), "UpdateLoginProfile&UserName=bob&Password=Hunter25");
    let refusal = planned(&moved, Some(&prepared)).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::EntityTemporarilyUnmodifiable);
    // So did a rule.
    let mut moved = world.fork();
    moved.ok(&moved.root(), &policy("&PasswordReusePrevention=1"));
    let refusal = planned(&moved, Some(&prepared)).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::EntityTemporarilyUnmodifiable);
    // And a password that is gone is gone.
    let account = ACCOUNT.parse().unwrap();
    let changes = vec![Change::Remove(EntityKey::LoginProfile(profile(&world).user))];
    world.commit(&[AccountChanges { account, changes }]);
    assert_eq!(planned(&world, Some(&prepared)).unwrap_err().code, ErrorCode::NoSuchEntity);
}

#[test]
fn passwords_and_hashes_are_not_printed() {
    let world = world_of_bob("Hunter22");
    let profile = profile(&world);
    assert_eq!(profile.hash.expose(), "hash of Hunter22");
    let mut world = world;
    let bob = world.user("bob");
    world.ok(&bob, "ChangePassword&OldPassword=Hunter22&NewPassword=Hunter23");
    let printed = format!("{:?} {:?}", Entity::LoginProfile(profile), world.state);
    assert!(!printed.contains("Hunter2"), "{printed}");
}
