//! MFA devices: whose they are, when their codes count, and what is answered.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iamd_wire::{ErrorCode, Secret, Timestamp};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::operation::Scene;
use crate::perform::perform;
use crate::preparation::{CodeOutcome, Prepared};
use crate::quota::MFA_DEVICES_PER_USER;
use crate::state::{AccountChanges, Change, Entity, MfaDevice, MfaKind};
use crate::test_support::{ACCOUNT, ALLOW_ALL, NOW, World, marked};
use crate::totp::{Seed, Step, step_at};

const SERIAL: &str = "arn:aws:iam::111122223333:mfa/phone";
const WRONG_CODES: &str = "InvalidAuthenticationCode: Authentication code for device is not valid.";
const WRONG_CODE: &str =
    "AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code. ";
const NOT_HIS: &str = "AccessDenied: MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.";
const INVALID_FOR_USER: &str = "NoSuchEntity: MFA Device invalid for user.";
const TRUST_WITH_MFA: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"},"NumericLessThan":{"aws:MultiFactorAuthAge":"60"}}}}"#;

/// What a person sees on a device.
struct Phone(Seed);

impl Phone {
    fn of(answer: &Value) -> Phone {
        let seed = answer["VirtualMFADevice"]["Base32StringSeed"].as_str().unwrap();
        let seed = String::from_utf8(STANDARD.decode(seed).unwrap()).unwrap();
        assert_eq!(seed.len(), 64);
        Phone(Seed::of_base32(&Secret::from(seed)).unwrap())
    }

    fn code(&self, step: Step) -> String {
        self.0.shown_at(step)
    }

    /// Both codes around the present moment, as members of a request.
    fn pair(&self, now: Timestamp, steps_ahead: Step) -> String {
        let last = step_at(now) + steps_ahead;
        let (first, second) = (self.code(last - 1), self.code(last));
        format!("AuthenticationCode1={first}&AuthenticationCode2={second}")
    }
}

/// Bob, who may do everything, and his phone, which is not his yet.
fn world_with_phone() -> (World, Caller, Phone) {
    let mut world = World::with(&[
        "CreateUser&UserName=bob",
        &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={ALLOW_ALL}"),
    ]);
    let root = world.root();
    let phone = Phone::of(&world.ok(&root, "CreateVirtualMFADevice&VirtualMFADeviceName=phone"));
    let bob = world.user("bob");
    (world, bob, phone)
}

fn enable(world: &mut World, phone: &Phone) {
    let pair = phone.pair(world.now, 0);
    let request = format!("EnableMFADevice&UserName=bob&SerialNumber={SERIAL}&{pair}");
    let root = world.root();
    world.ok(&root, &request);
}

fn pass(world: &mut World, steps: Step) {
    world.now = Timestamp::from_seconds(world.now.seconds() + steps * 30);
}

fn get_session(code: &str) -> String {
    format!("GetSessionToken&SerialNumber={SERIAL}&TokenCode={code}")
}

fn device(world: &World) -> MfaDevice {
    let account = world.state.account(ACCOUNT.parse().unwrap()).unwrap();
    MfaDevice::clone(account.mfa_devices().with_serial(SERIAL).unwrap())
}

#[test]
fn virtual_devices_live_from_creation_to_deletion() {
    let mut world =
        World::with(&["CreateUser&UserName=bob", "CreateAccountAlias&AccountAlias=acme"]);
    let root = world.root();
    let created = world.ok(
        &root,
        "CreateVirtualMFADevice&VirtualMFADeviceName=phone&Path=/x/&Tags.member.1.Key=b&Tags.member.1.Value=2&Tags.member.2.Key=a&Tags.member.2.Value=1",
    );
    let created = &created["VirtualMFADevice"];
    let serial = "arn:aws:iam::111122223333:mfa/x/phone";
    assert_eq!(created["SerialNumber"], serial);
    assert_eq!(created["Tags"], json!([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]));
    let image = STANDARD.decode(created["QRCodePNG"].as_str().unwrap()).unwrap();
    let seed = STANDARD.decode(created["Base32StringSeed"].as_str().unwrap()).unwrap();
    let seed = String::from_utf8(seed).unwrap();
    let read = super::qr_code::tests::read(&image);
    assert_eq!(read, format!("otpauth://totp/phone@acme?secret={seed}"));
    let plain = world.ok(&root, "CreateVirtualMFADevice&VirtualMFADeviceName=phone");
    let members: BTreeSet<&str> =
        plain["VirtualMFADevice"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, BTreeSet::from(["Base32StringSeed", "QRCodePNG", "SerialNumber"]));
    let list =
        |devices: Value| json!({"VirtualMFADevices": devices, "IsTruncated": false}).to_string();
    let (one, other) = (json!({"SerialNumber": SERIAL}), json!({"SerialNumber": serial}));
    let tags = |tags: Value| json!({"Tags": tags, "IsTruncated": false}).to_string();
    let gone = |serial: &str| {
        format!("NoSuchEntity: VirtualMFADevice with serial number {serial} doesn't exist.")
    };
    world.expect(
        &root,
        &[
            (
                "CreateVirtualMFADevice&VirtualMFADeviceName=phone",
                "EntityAlreadyExists: MFADevice entity at the same path and name already exists.",
            ),
            (
                &format!("CreateVirtualMFADevice&VirtualMFADeviceName={}", "a".repeat(230)),
                "InvalidInput",
            ),
            ("CreateVirtualMFADevice&VirtualMFADeviceName=a%20b", "ValidationError"),
            ("ListVirtualMFADevices", &list(json!([one, other]))),
            ("ListVirtualMFADevices&AssignmentStatus=Unassigned", &list(json!([one, other]))),
            ("ListVirtualMFADevices&AssignmentStatus=Assigned", &list(json!([]))),
            ("ListVirtualMFADevices&Marker=x", "ValidationError: Invalid Marker."),
            (
                &format!(
                    "TagMFADevice&SerialNumber={serial}&Tags.member.1.Key=A&Tags.member.1.Value=3"
                ),
                "null",
            ),
            (&format!("UntagMFADevice&SerialNumber={serial}&TagKeys.member.1=b"), "null"),
            (
                &format!("ListMFADeviceTags&SerialNumber={serial}"),
                &tags(json!([{"Key": "A", "Value": "3"}, {"Key": "a", "Value": "1"}])),
            ),
            (&format!("ListMFADeviceTags&SerialNumber={SERIAL}"), &tags(json!([]))),
            (&format!("DeleteVirtualMFADevice&SerialNumber={serial}"), "null"),
            (&format!("DeleteVirtualMFADevice&SerialNumber={serial}"), &gone(serial)),
            (&format!("ListMFADeviceTags&SerialNumber={serial}"), &gone(serial)),
            (
                &format!(
                    "TagMFADevice&SerialNumber={serial}&Tags.member.1.Key=A&Tags.member.1.Value=3"
                ),
                &gone(serial),
            ),
            (&format!("UntagMFADevice&SerialNumber={serial}&TagKeys.member.1=b"), &gone(serial)),
            ("ListVirtualMFADevices", &list(json!([one]))),
        ],
    );
}

#[test]
fn pages_of_virtual_devices_join_up() {
    let mut world = World::new();
    let root = world.root();
    for number in 0..7 {
        let name = format!("CreateVirtualMFADevice&VirtualMFADeviceName=phone{number}");
        world.ok(&root, &name);
    }
    for size in [1, 3, 7] {
        let (mut serials, mut marker) = (Vec::new(), String::new());
        loop {
            let page = world.ok(&root, &format!("ListVirtualMFADevices&MaxItems={size}{marker}"));
            for device in page["VirtualMFADevices"].as_array().unwrap() {
                serials.push(device["SerialNumber"].as_str().unwrap().to_owned());
            }
            let Some(next) = page["Marker"].as_str() else { break };
            marker = format!("&Marker={next}");
        }
        assert_eq!(serials.len(), 7);
        assert!(serials.is_sorted());
    }
}

#[test]
fn a_device_becomes_a_users_with_two_consecutive_codes() {
    let (mut world, bob, phone) = world_with_phone();
    let root = world.root();
    let step = step_at(world.now);
    let request = |first: &str, second: &str| {
        format!(
            "EnableMFADevice&UserName=bob&SerialNumber={SERIAL}&AuthenticationCode1={first}&AuthenticationCode2={second}"
        )
    };
    let (before, first, second) = (phone.code(step - 2), phone.code(step - 1), phone.code(step));
    for (one, other) in [
        (&first, &first),
        (&second, &first),
        (&before, &second),
        (&"000000".to_owned(), &second),
        (&first, &"000000".to_owned()),
    ] {
        assert_eq!(world.fork().refusal(&root, &request(one, other)), WRONG_CODES);
    }
    let listed = json!({"MFADevices": [
        {"UserName": "bob", "SerialNumber": SERIAL, "EnableDate": "<now>"},
    ], "IsTruncated": false});
    let none = json!({"MFADevices": [], "IsTruncated": false}).to_string();
    let nobody = "NoSuchEntity: The user with name nobody cannot be found.";
    world.expect(
        &root,
        &[
            ("ListMFADevices&UserName=bob", &none),
            ("ListMFADevices&UserName=nobody", nobody),
            (&request(&first, &second), "null"),
            ("ListMFADevices&UserName=bob", &listed.to_string()),
            ("ListMFADevices", &none),
            (&request(&first, &second), "EntityAlreadyExists: MFA Device is already in use."),
            (
                &format!("GetMFADevice&UserName=bob&SerialNumber={SERIAL}"),
                &listed["MFADevices"][0].to_string(),
            ),
            (&format!("GetMFADevice&SerialNumber={SERIAL}"), INVALID_FOR_USER),
            (
                &format!("DeleteVirtualMFADevice&SerialNumber={SERIAL}"),
                "DeleteConflict: MFA VirtualDevice in use. Must deactivate first.",
            ),
            (
                "DeleteUser&UserName=bob",
                "DeleteConflict: Cannot delete entity, must delete policies first.",
            ),
        ],
    );
    world.expect(&bob, &[("ListMFADevices", &listed.to_string())]);
    let shown = world.ok(&root, "ListVirtualMFADevices&AssignmentStatus=Assigned");
    let user = world.ok(&root, "GetUser&UserName=bob");
    let expected = json!([{"SerialNumber": SERIAL, "User": user["User"], "EnableDate": "<now>"}]);
    assert_eq!(marked(&shown)["VirtualMFADevices"], marked(&expected));
    // A new name does not change whose it is, nor its serial number.
    world.ok(&root, "UpdateUser&UserName=bob&NewUserName=rob");
    let renamed = listed.to_string().replace("bob", "rob");
    world.expect(&root, &[("ListMFADevices&UserName=rob", &renamed)]);
}

#[test]
fn a_device_is_given_back_and_a_user_goes_without() {
    let (mut world, _, phone) = world_with_phone();
    let root = world.root();
    enable(&mut world, &phone);
    world.ok(&root, "CreateUser&UserName=ana");
    let deactivate =
        |user: &str| format!("DeactivateMFADevice&UserName={user}&SerialNumber={SERIAL}");
    let keys = world.ok(&root, "ListAccessKeys&UserName=bob");
    let key = keys["AccessKeyMetadata"][0]["AccessKeyId"].as_str().unwrap();
    world.expect(
        &root,
        &[
            ("DeleteUserPolicy&UserName=bob&PolicyName=p", "null"),
            (&format!("DeleteAccessKey&UserName=bob&AccessKeyId={key}"), "null"),
            (
                "DeleteUser&UserName=bob",
                "DeleteConflict: Cannot delete entity, must delete MFA device first.",
            ),
            (&deactivate("ana"), INVALID_FOR_USER),
            (&deactivate("nobody"), "NoSuchEntity: The user with name nobody cannot be found."),
            (&deactivate("bob"), "null"),
            (&deactivate("bob"), INVALID_FOR_USER),
            ("DeleteUser&UserName=bob", "null"),
            (&format!("DeleteVirtualMFADevice&SerialNumber={SERIAL}"), "null"),
        ],
    );
}

/// Security: a code counts once, and codes that were shown to enable a device count no more.
#[test]
fn a_code_is_used_once() {
    let (mut world, bob, phone) = world_with_phone();
    enable(&mut world, &phone);
    let step = step_at(world.now);
    for used in [step - 1, step] {
        assert_eq!(world.refusal(&bob, &get_session(&phone.code(used))), WRONG_CODE);
    }
    pass(&mut world, 1);
    let code = phone.code(step + 1);
    world.ok(&bob, &get_session(&code));
    assert_eq!(world.refusal(&bob, &get_session(&code)), WRONG_CODE);
    // Not by another operation either, nor by a change of the device.
    let role = format!(
        "AssumeRole&RoleArn=arn:aws:iam::111122223333:role/r&RoleSessionName=one&SerialNumber={SERIAL}&TokenCode={code}"
    );
    let root = world.root();
    world.ok(&root, &format!("CreateRole&RoleName=r&AssumeRolePolicyDocument={TRUST_WITH_MFA}"));
    assert_eq!(world.refusal(&bob, &role), WRONG_CODE);
    pass(&mut world, 1);
    let resync =
        format!("ResyncMFADevice&UserName=bob&SerialNumber={SERIAL}&{}", phone.pair(world.now, 0));
    assert_eq!(world.refusal(&root, &resync), WRONG_CODES);
    // A device that is given away and comes back has not forgotten.
    world.ok(&root, &format!("DeactivateMFADevice&UserName=bob&SerialNumber={SERIAL}"));
    let again = format!("EnableMFADevice&UserName=bob&SerialNumber={SERIAL}&");
    assert_eq!(world.refusal(&root, &format!("{again}{}", phone.pair(world.now, -2))), WRONG_CODES);
    world.ok(&root, &format!("{again}{}", phone.pair(world.now, 2)));
}

/// Security: once a later code was used, an earlier one that the window still holds counts no more.
#[test]
fn used_steps_only_grow() {
    let (mut world, bob, phone) = world_with_phone();
    enable(&mut world, &phone);
    pass(&mut world, 10);
    let step = step_at(world.now);
    world.fork().ok(&bob, &get_session(&phone.code(step - 1)));
    world.ok(&bob, &get_session(&phone.code(step + 1)));
    for earlier in [step - 1, step] {
        assert_eq!(world.refusal(&bob, &get_session(&phone.code(earlier))), WRONG_CODE);
    }
    pass(&mut world, 1);
    assert_eq!(world.refusal(&bob, &get_session(&phone.code(step + 1))), WRONG_CODE);
    world.ok(&bob, &get_session(&phone.code(step + 2)));
}

/// Security: what a device's row says of its last step holds by itself, whatever became of claims.
#[test]
fn the_counter_of_a_device_only_grows() {
    let (mut world, bob, phone) = world_with_phone();
    let root = world.root();
    let step = step_at(world.now);
    let enable = format!("EnableMFADevice&UserName=bob&SerialNumber={SERIAL}&");
    world.ok(&root, &format!("{enable}{}", phone.pair(world.now, 1)));
    assert_eq!(device(&world).last_step, Some(step + 1));
    world.forget_claims();
    for earlier in [step - 1, step, step + 1] {
        assert_eq!(world.refusal(&bob, &get_session(&phone.code(earlier))), WRONG_CODE);
    }
    let resync = format!("ResyncMFADevice&UserName=bob&SerialNumber={SERIAL}&");
    for earlier in [0, 1, 2] {
        let request = format!("{resync}{}", phone.pair(world.now, earlier));
        assert_eq!(world.refusal(&root, &request), WRONG_CODES, "{earlier}");
    }
    world.ok(&root, &format!("{resync}{}", phone.pair(world.now, 3)));
    assert_eq!(device(&world).last_step, Some(step + 3));
}

#[test]
fn a_code_counts_one_step_early_or_late() {
    let (mut world, bob, phone) = world_with_phone();
    enable(&mut world, &phone);
    pass(&mut world, 100);
    let step = step_at(world.now);
    for (code, counts) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
        let outcome = world.fork().send(&bob, &get_session(&phone.code(step + code)));
        assert_eq!(outcome.is_ok(), counts, "{code}");
    }
}

/// Security: format variants of a code are none.
#[test]
fn only_six_ascii_digits_are_taken() {
    let (mut world, bob, phone) = world_with_phone();
    enable(&mut world, &phone);
    pass(&mut world, 5);
    let code = phone.code(step_at(world.now));
    for variant in [
        format!("%20{code}"),
        format!("{code}%20"),
        format!("{}%20{}", &code[..3], &code[3..]),
        format!("{}-{}", &code[..3], &code[3..]),
        format!("%2B{code}"),
        format!("0{code}"),
        format!("{code}%00"),
        format!("{code}%0A"),
        code[..5].to_owned(),
        code.chars().map(|digit| char::from_u32(digit as u32 - 0x30 + 0xff10).unwrap()).collect(),
    ] {
        let refusal = world.refusal(&bob, &get_session(&variant));
        assert!(refusal.starts_with("ValidationError: "), "{variant} {refusal}");
    }
    world.ok(&bob, &get_session(&code));
}

#[test]
fn the_drift_of_a_clock_is_found_out() {
    let (world, bob, phone) = world_with_phone();
    let root = world.root();
    for (ahead, counts) in [
        (0, true),
        (1, true),
        (-1, true),
        (40, true),
        (-40, true),
        (119, true),
        (-119, true),
        (122, false),
        (-122, false),
    ] {
        let mut world = world.fork();
        let request = format!(
            "EnableMFADevice&UserName=bob&SerialNumber={SERIAL}&{}",
            phone.pair(world.now, ahead)
        );
        let outcome = world.send(&root, &request);
        assert_eq!(outcome.is_ok(), counts, "{ahead} {outcome:?}");
        if !counts {
            continue;
        }
        pass(&mut world, 3);
        let step = step_at(world.now) + ahead;
        world.fork().ok(&bob, &get_session(&phone.code(step)));
        if ahead.abs() > 10 {
            // The right time is the wrong one to this device, until it is looked at again.
            let code = phone.code(step - ahead);
            assert_eq!(world.refusal(&bob, &get_session(&code)), WRONG_CODE);
        }
        if ahead < -10 {
            let resync = format!(
                "ResyncMFADevice&UserName=bob&SerialNumber={SERIAL}&{}",
                phone.pair(world.now, 0)
            );
            world.ok(&root, &resync);
            assert_eq!(device(&world).assignment.unwrap().drift, 0);
            pass(&mut world, 1);
            world.ok(&bob, &get_session(&phone.code(step_at(world.now))));
        }
    }
}

#[test]
fn a_resync_needs_the_right_user_and_codes() {
    let (mut world, _, phone) = world_with_phone();
    let root = world.root();
    let resync = |user: &str, pair: &str| {
        format!("ResyncMFADevice&UserName={user}&SerialNumber={SERIAL}&{pair}")
    };
    let pair = phone.pair(world.now, 5);
    assert_eq!(world.refusal(&root, &resync("bob", &pair)), INVALID_FOR_USER);
    enable(&mut world, &phone);
    world.ok(&root, "CreateUser&UserName=ana");
    assert_eq!(world.refusal(&root, &resync("ana", &pair)), INVALID_FOR_USER);
    assert_eq!(
        world.refusal(
            &root,
            &resync("bob", "AuthenticationCode1=000000&AuthenticationCode2=000000")
        ),
        WRONG_CODES
    );
    world.ok(&root, &resync("bob", &pair));
    // Drift never goes back to codes that were there before.
    let earlier = phone.pair(world.now, 3);
    assert_eq!(world.refusal(&root, &resync("bob", &earlier)), WRONG_CODES);
    let unknown = "ResyncMFADevice&UserName=bob&SerialNumber=GAHT12345678&AuthenticationCode1=000000&AuthenticationCode2=000000";
    assert!(world.refusal(&root, unknown).starts_with("NoSuchEntity: "));
}

#[test]
fn a_session_with_a_code_says_so_and_a_session_without_does_not() {
    let (mut world, bob, phone) = world_with_phone();
    enable(&mut world, &phone);
    pass(&mut world, 2);
    let root = world.root();
    let mfa_only = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"},"NumericLessThan":{"aws:MultiFactorAuthAge":"600"}}}}"#;
    world.ok(&root, &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={mfa_only}"));
    assert!(world.refusal(&bob, "ListUsers").starts_with("AccessDenied: "));
    let plain = world.ok(&bob, "GetSessionToken");
    let plain = world.holder(&plain);
    assert!(world.refusal(&plain, "ListUsers").starts_with("InvalidClientTokenId: "));
    let session = world.ok(&bob, &get_session(&phone.code(step_at(world.now))));
    let session = world.holder(&session);
    world.ok(&session, "ListUsers");
    pass(&mut world, 19);
    world.ok(&session, "ListUsers");
    pass(&mut world, 1);
    assert!(world.refusal(&session, "ListUsers").starts_with("AccessDenied: "));
    // A session cannot make itself younger.
    let again = get_session(&phone.code(step_at(world.now)));
    assert!(world.refusal(&session, &again).contains("Cannot call GetSessionToken"));
}

#[test]
fn a_role_may_ask_for_a_code() {
    let (mut world, bob, phone) = world_with_phone();
    enable(&mut world, &phone);
    pass(&mut world, 2);
    let root = world.root();
    world.ok(&root, &format!("CreateRole&RoleName=r&AssumeRolePolicyDocument={TRUST_WITH_MFA}"));
    let assume = "AssumeRole&RoleArn=arn:aws:iam::111122223333:role/r&RoleSessionName=one";
    assert!(world.refusal(&bob, assume).contains("is not authorized to perform: sts:AssumeRole"));
    let with_code = |code: &str| format!("{assume}&SerialNumber={SERIAL}&TokenCode={code}");
    assert_eq!(world.refusal(&bob, &with_code("000000")), WRONG_CODE);
    let session = world.ok(&bob, &with_code(&phone.code(step_at(world.now))));
    // The session of the role does not carry the code of who assumed it.
    assert_eq!(world.holder(&session).session().unwrap().mfa, None);
    // A session that was made with a code needs none.
    pass(&mut world, 2);
    let own = world.ok(&bob, &get_session(&phone.code(step_at(world.now))));
    let own = world.holder(&own);
    world.ok(&own, assume);
    pass(&mut world, 3);
    assert!(world.refusal(&own, assume).starts_with("AccessDenied: User: "), "it is too old now");
    // A denial uses the code up, so that it tells nobody whether it was right.
    let deny = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}}"#;
    world.ok(&root, &format!("PutUserPolicy&UserName=bob&PolicyName=d&PolicyDocument={deny}"));
    let code = phone.code(step_at(world.now));
    assert!(world.refusal(&bob, &with_code(&code)).contains("with an explicit deny"));
    assert_eq!(world.refusal(&bob, &get_session(&code)), WRONG_CODE);
}

#[test]
fn a_device_proves_its_own_user_and_nobody_else() {
    let (mut world, bob, phone) = world_with_phone();
    world.ok(&world.root(), "CreateUser&UserName=ana");
    let (root, ana) = (world.root(), world.user("ana"));
    let code = |world: &World| phone.code(step_at(world.now));
    let now = code(&world);
    assert_eq!(world.refusal(&bob, &get_session(&now)), NOT_HIS, "it is nobody's yet");
    enable(&mut world, &phone);
    pass(&mut world, 2);
    let now = code(&world);
    for other in [&root, &ana] {
        assert_eq!(world.refusal(other, &get_session(&now)), NOT_HIS);
    }
    world.fork().ok(&bob, &get_session(&now));
    world.ok(&root, &format!("DeactivateMFADevice&UserName=bob&SerialNumber={SERIAL}"));
    assert_eq!(world.refusal(&bob, &get_session(&now)), NOT_HIS);
}

#[test]
fn users_and_root_have_eight_devices() {
    let (mut world, bob, _) = world_with_phone();
    let root = world.root();
    for (caller, name) in [(&bob, "bob"), (&root, ACCOUNT)] {
        for number in 0..=MFA_DEVICES_PER_USER {
            let create = format!("CreateVirtualMFADevice&VirtualMFADeviceName={name}-{number}");
            let created = world.ok(caller, &create);
            let phone = Phone::of(&created);
            let serial = format!("arn:aws:iam::111122223333:mfa/{name}-{number}");
            let pair = phone.pair(world.now, 0);
            let request = format!("EnableMFADevice&UserName={name}&SerialNumber={serial}&{pair}");
            let outcome = world.send(caller, &request);
            let full = "LimitExceeded: Cannot exceed quota for MFADevicesPerUser: 8";
            match number < MFA_DEVICES_PER_USER {
                true => assert!(outcome.is_ok(), "{outcome:?}"),
                false => assert_eq!(outcome.unwrap_err(), full),
            }
        }
        let listed = world.ok(caller, "ListMFADevices");
        assert_eq!(listed["MFADevices"].as_array().unwrap().len(), 8);
    }
    let summary = world.ok(&root, "GetAccountSummary");
    for (key, count) in [("MFADevices", 19), ("MFADevicesInUse", 16), ("AccountMFAEnabled", 1)] {
        assert_eq!(summary["SummaryMap"][key], count, "{key}");
    }
    let of_root = world.ok(&root, "ListVirtualMFADevices&AssignmentStatus=Assigned");
    assert_eq!(of_root["VirtualMFADevices"][0]["User"]["Arn"], "arn:aws:iam::111122223333:root");
    // Only root names himself by the number of the account.
    let request = format!(
        "EnableMFADevice&UserName={ACCOUNT}&SerialNumber={SERIAL}&AuthenticationCode1=000000&AuthenticationCode2=000000"
    );
    assert!(world.refusal(&bob, &request).starts_with("NoSuchEntity: The user with name"));
    world.ok(
        &root,
        &format!("DeactivateMFADevice&SerialNumber=arn:aws:iam::111122223333:mfa/{ACCOUNT}-0"),
    );
}

#[test]
fn there_are_as_many_virtual_devices_as_users() {
    let mut world = World::new();
    world.quotas.users = 2;
    let root = world.root();
    for name in ["a", "b"] {
        world.ok(&root, &format!("CreateVirtualMFADevice&VirtualMFADeviceName={name}"));
    }
    assert_eq!(
        world.refusal(&root, "CreateVirtualMFADevice&VirtualMFADeviceName=c"),
        "LimitExceeded: Cannot exceed quota for VirtualMFADevicesPerAccount: 2"
    );
}

/// INVARIANT: a code that was not used up for this request counts for nothing.
#[test]
fn a_code_that_nobody_claimed_does_not_count() {
    let (mut world, bob, phone) = world_with_phone();
    enable(&mut world, &phone);
    pass(&mut world, 2);
    let request: iamd_wire::sts::GetSessionTokenRequest = {
        let request = get_session(&phone.code(step_at(world.now)));
        let (_, _, parameters) = crate::test_support::parsed(&request);
        parameters.decode().unwrap()
    };
    let code = {
        use crate::operation::Operation;
        request.shown_code(&world.scene(&bob)).unwrap().unwrap()
    };
    let outcome = |world: &World, prepared: Option<&Prepared>| {
        let scene = Scene { prepared, ..world.scene(&bob) };
        perform(&request, &scene, &mut crate::draw::Draw::new(world.now, [1; 32]))
    };
    let claimed = Prepared::Code(code.clone(), CodeOutcome::Claim);
    assert!(outcome(&world, Some(&claimed)).is_ok());
    let refused = Prepared::Code(code.clone(), CodeOutcome::Refuse);
    let mut other = code;
    other.steps[0] += 1;
    let other = Prepared::Code(other, CodeOutcome::Claim);
    for prepared in [None, Some(&refused), Some(&other)] {
        assert_eq!(outcome(&world, prepared).unwrap_err().code, ErrorCode::AccessDenied);
    }
    // The step may pass while the store is asked; the device may not.
    pass(&mut world, 5);
    assert!(outcome(&world, Some(&claimed)).is_ok());
    world.ok(&world.root(), &format!("DeactivateMFADevice&UserName=bob&SerialNumber={SERIAL}"));
    assert!(outcome(&world, Some(&claimed)).is_err());
}

#[test]
fn seeds_are_not_printed() {
    let (world, _, _) = world_with_phone();
    let device = device(&world);
    let seed = device.seed.expose().to_owned();
    let printed = format!("{:?} {:?}", Entity::MfaDevice(device), world.state);
    assert!(!printed.contains(&seed));
}

#[test]
fn a_hardware_device_is_neither_virtual_nor_tagged_nor_deleted() {
    let (mut world, bob, _) = world_with_phone();
    let root = world.root();
    let serial = "GAHT12345678";
    let seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let hardware = MfaDevice {
        serial: serial.into(),
        kind: MfaKind::Hardware,
        seed: Secret::from(seed.to_owned()),
        ..device(&world)
    };
    let account = ACCOUNT.parse().unwrap();
    let changes = vec![Change::Put(Entity::MfaDevice(hardware))];
    world.commit(&[AccountChanges { account, changes }]);
    let token = Phone(Seed::of_base32(&Secret::from(seed.to_owned())).unwrap());
    let enable =
        format!("EnableMFADevice&UserName=bob&SerialNumber={serial}&{}", token.pair(NOW, 0));
    world.ok(&root, &enable);
    pass(&mut world, 2);
    let code = token.code(step_at(world.now));
    world.ok(&bob, &format!("GetSessionToken&SerialNumber={serial}&TokenCode={code}"));
    for request in [
        format!("TagMFADevice&SerialNumber={serial}&Tags.member.1.Key=A&Tags.member.1.Value=3"),
        format!("ListMFADeviceTags&SerialNumber={serial}"),
        format!("DeleteVirtualMFADevice&SerialNumber={serial}"),
    ] {
        assert!(world.refusal(&root, &request).starts_with("NoSuchEntity: "), "{request}");
    }
    let listed = world.ok(&root, "ListVirtualMFADevices");
    assert_eq!(listed["VirtualMFADevices"].as_array().unwrap().len(), 1);
    let summary = world.ok(&root, "GetAccountSummary");
    assert_eq!(summary["SummaryMap"]["MFADevices"], 2);
    assert_eq!(summary["SummaryMap"]["MFADevicesInUse"], 1);
}
