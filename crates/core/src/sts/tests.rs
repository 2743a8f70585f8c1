//! Sessions: who gets one, what it carries, and what it may do.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::session::Session;
use crate::state::{AccountChanges, Change, Entity, Role, State};
use crate::test_support::{ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, TRUST_EC2, World, marked};

const ALL_SESSION_ACTIONS: &str = r#"["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]"#;
const APP: &str = "AssumeRole&RoleArn=arn:aws:iam::111122223333:role/app&RoleSessionName=one";
const NEXT: &str = "AssumeRole&RoleArn=arn:aws:iam::111122223333:role/next&RoleSessionName=two";

fn trust(principal: &str, actions: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":{actions}{condition}}}}}"#
    )
}

fn allow(actions: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":{actions},"Resource":"*"}}}}"#
    )
}

/// Whoever holds a session, by an access key id that nobody revoked.
fn of_session(state: &State, session: &Arc<Session>) -> Option<Caller> {
    Caller::of_session(state, &"ASIAQAAAAAAAAAAAAAAA".parse().unwrap(), session)
}

/// A user `bob` who may do everything, roles `app` and `next` that trust the account.
fn world() -> (World, Caller) {
    let trust = trust(ACCOUNT, ALL_SESSION_ACTIONS, "");
    let mut world = World::with(&[
        "CreateUser&UserName=bob",
        &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={ALLOW_ALL}"),
        &format!("CreateRole&RoleName=app&AssumeRolePolicyDocument={trust}"),
        &format!("CreateRole&RoleName=next&AssumeRolePolicyDocument={trust}"),
        &format!("PutRolePolicy&RoleName=app&PolicyName=p&PolicyDocument={ALLOW_ALL}"),
        &format!("PutRolePolicy&RoleName=next&PolicyName=p&PolicyDocument={ALLOW_ALL}"),
    ]);
    let bob = world.user("bob");
    (world, bob)
}

fn denied(who: &str, action: &str, role: &str, reason: &str) -> String {
    format!(
        "AccessDenied: User: {who} is not authorized to perform: {action} on resource: {role}{reason}"
    )
}

#[test]
fn a_role_is_assumed() {
    let (mut world, bob) = world();
    let answer = world.ok(&bob, APP);
    assert_eq!(
        marked(&answer),
        json!({
            "Credentials": {"AccessKeyId": "<ASIA>", "SecretAccessKey": "<secret>", "SessionToken": "<secret>", "Expiration": world.now.seconds() + 3_600},
            "AssumedRoleUser": {
                "AssumedRoleId": answer["AssumedRoleUser"]["AssumedRoleId"],
                "Arn": "arn:aws:sts::111122223333:assumed-role/app/one",
            },
            "SessionTokenSize": "<size>", "SessionTokenUtilization": "<size>",
        })
    );
    let token = answer["Credentials"]["SessionToken"].as_str().unwrap();
    assert_eq!(answer["SessionTokenSize"], json!(token.len()));
    let root = world.root();
    let role = world.ok(&root, "GetRole&RoleName=app");
    let id = format!("{}:one", role["Role"]["RoleId"].as_str().unwrap());
    assert_eq!(answer["AssumedRoleUser"]["AssumedRoleId"], json!(id));
    let session = world.holder(&answer);
    let identity = world.ok(&session, "GetCallerIdentity");
    assert_eq!(
        identity,
        json!({"UserId": id, "Account": ACCOUNT, "Arn": "arn:aws:sts::111122223333:assumed-role/app/one"})
    );
    let padded = world.ok(&bob, &format!("{APP}&MinimumSessionTokenSize=4000"));
    assert!(padded["SessionTokenSize"].as_i64().unwrap() >= 4_000);
}

#[test]
fn parameters_are_checked_first() {
    let (mut world, bob) = world();
    let root = world.root();
    let named = "AssumeRole&RoleSessionName=one&RoleArn=arn:a:::something/test-role";
    let mfa = "AccessDenied: MultiFactorAuthentication failed, ";
    let serial = "&SerialNumber=arn:aws:iam::111122223333:mfa/x";
    let tag = "&Tags.member.1.Key=team&Tags.member.1.Value=blue";
    world.expect(
        &root,
        &[
            (named, "ValidationError: arn:a:::something/test-role is invalid"),
            (APP, "AccessDenied: Roles may not be assumed by root accounts."),
        ],
    );
    world.expect(&bob, &[
        (named, "ValidationError: arn:a:::something/test-role is invalid"),
        (
            &APP.replace("=one", "=Session1:2"),
            "ValidationError: 1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
        ),
        (&format!("{APP}{serial}"), &format!("{mfa}must provide both MFA serial number and one time pass code.")),
        (&format!("{APP}&TokenCode=123456"), &format!("{mfa}must provide both MFA serial number and one time pass code.")),
        (
            &format!("{APP}{serial}&TokenCode=123456"),
            &format!("{mfa}unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."),
        ),
        (
            &format!("{APP}{tag}&Tags.member.2.Key=Team&Tags.member.2.Value=red"),
            "InvalidParameterValue: Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
        (&format!("{APP}&Tags.member.1.Key=aws:x&Tags.member.1.Value=1"), "InvalidParameterValue"),
        (
            &format!("{APP}{tag}&TransitiveTagKeys.member.1=other"),
            "InvalidParameterValue: The specified transitive tag key must be included in the requested tags.",
        ),
        (&format!("{APP}&SourceIdentity=aws:x"), "ValidationError"),
        (&format!("{APP}&Policy=text"), "MalformedPolicyDocument"),
        (
            &format!("{APP}&DurationSeconds=3601"),
            "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ),
    ]);
    world.ok(&root, "UpdateRole&RoleName=app&MaxSessionDuration=7200");
    let answer = world.ok(&bob, &format!("{APP}&DurationSeconds=7200"));
    assert_eq!(answer["Credentials"]["Expiration"], json!(world.now.seconds() + 7_200));
}

#[test]
fn trust_and_identity_must_fit_together() {
    let bob_arn = "arn:aws:iam::111122223333:user/bob";
    let app = "arn:aws:iam::111122223333:role/app";
    let no_trust = denied(
        bob_arn,
        "sts:AssumeRole",
        app,
        " because no role trust policy allows the sts:AssumeRole action",
    );
    let no_identity = denied(
        bob_arn,
        "sts:AssumeRole",
        app,
        " because no identity-based policy allows the sts:AssumeRole action",
    );
    let assume = r#""sts:AssumeRole""#;
    let other = trust(OTHER_ACCOUNT, assume, "");
    let account = trust(ACCOUNT, assume, "");
    let user = trust(bob_arn, assume, "");
    let everyone = trust("*", assume, "");
    for (trust, policy, refusal) in [
        (&*account, ALLOW_ALL, None),
        (&account, "", Some(&no_identity)),
        (&user, "", None),
        (&everyone, "", None),
        (&other, ALLOW_ALL, Some(&no_trust)),
        (TRUST_EC2, ALLOW_ALL, Some(&no_trust)),
    ] {
        let (mut world, bob) = world();
        let root = world.root();
        world.ok(&root, &format!("UpdateAssumeRolePolicy&RoleName=app&PolicyDocument={trust}"));
        if policy.is_empty() {
            world.ok(&root, "DeleteUserPolicy&UserName=bob&PolicyName=p");
        }
        match refusal {
            None => {
                world.ok(&bob, APP);
            }
            Some(refusal) => assert_eq!(&world.refusal(&bob, APP), refusal, "{trust}"),
        }
    }
    let (mut world, bob) = world();
    // A role that is not there answers like one that trusts nobody.
    let refusal = world.refusal(&bob, &APP.replace("role/app", "role/none"));
    assert_eq!(refusal, no_trust.replace("role/app", "role/none"));
    let refusal = world.refusal(&bob, &APP.replace("role/app", "role/APP"));
    assert_eq!(refusal, no_trust.replace("role/app", "role/APP"));
}

#[test]
fn across_accounts_both_sides_must_allow_and_nothing_is_told() {
    let (mut world, bob) = world();
    let root = world.root();
    let stranger_root = world.root_of(OTHER_ACCOUNT);
    world.ok(&stranger_root, "CreateUser&UserName=eve");
    let eve = world.user_of(OTHER_ACCOUNT, "eve");
    let eve_arn = "arn:aws:iam::444455556666:user/eve";
    let app = "arn:aws:iam::111122223333:role/app";
    let plain = denied(eve_arn, "sts:AssumeRole", app, "");
    assert_eq!(world.refusal(&eve, APP), plain);
    let trust = trust(eve_arn, r#""sts:AssumeRole""#, "");
    world.ok(&root, &format!("UpdateAssumeRolePolicy&RoleName=app&PolicyDocument={trust}"));
    assert_eq!(world.refusal(&eve, APP), plain);
    let put = format!("PutUserPolicy&UserName=eve&PolicyName=p&PolicyDocument={ALLOW_ALL}");
    world.ok(&stranger_root, &put);
    let answer = world.ok(&eve, APP);
    let session = world.holder(&answer);
    assert_eq!(session.account.to_string(), ACCOUNT);
    // Neither a missing role, nor one that trusts somebody else, nor a policy of it, shows.
    for role in ["role/none", "role/next"] {
        let request = APP.replace("role/app", role);
        for policy in ["", "&PolicyArns.member.1.arn=arn:aws:iam::111122223333:policy/guess"] {
            let refusal = world.refusal(&eve, &format!("{request}{policy}"));
            assert_eq!(refusal, plain.replace("role/app", role));
        }
    }
    assert!(world.refusal(&bob, APP).starts_with("AccessDenied: "));
}

#[test]
fn an_external_id_is_a_condition_key() {
    let (mut world, bob) = world();
    let root = world.root();
    let condition = r#","Condition":{"StringEquals":{"sts:ExternalId":"secret"}}"#;
    let trust = trust("arn:aws:iam::111122223333:user/bob", r#""sts:AssumeRole""#, condition);
    world.ok(&root, &format!("UpdateAssumeRolePolicy&RoleName=app&PolicyDocument={trust}"));
    world.ok(&bob, &format!("{APP}&ExternalId=secret"));
    for request in [APP.to_owned(), format!("{APP}&ExternalId=Secret")] {
        assert!(world.refusal(&bob, &request).starts_with("AccessDenied: "));
    }
}

#[test]
fn tags_and_source_identity_need_their_own_permission_on_both_sides() {
    let who = "arn:aws:iam::111122223333:user/bob";
    let app = "arn:aws:iam::111122223333:role/app";
    let tagged = format!("{APP}&Tags.member.1.Key=team&Tags.member.1.Value=blue");
    let identified = format!("{APP}&SourceIdentity=ana");
    for (request, action) in [(&tagged, "sts:TagSession"), (&identified, "sts:SetSourceIdentity")] {
        let (mut world, bob) = world();
        let root = world.root();
        world.fork().ok(&bob, request);
        let put = |actions: &str| {
            format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={}", allow(actions))
        };
        world.ok(&root, &put(r#""sts:AssumeRole""#));
        let reason = format!(" because no identity-based policy allows the {action} action");
        assert_eq!(world.refusal(&bob, request), denied(who, action, app, &reason));
        world.ok(&bob, APP);
        world.ok(&root, &put(&format!(r#"["sts:AssumeRole","{action}"]"#)));
        world.fork().ok(&bob, request);
        let trust = trust(ACCOUNT, r#""sts:AssumeRole""#, "");
        world.ok(&root, &format!("UpdateAssumeRolePolicy&RoleName=app&PolicyDocument={trust}"));
        let reason = format!(" because no role trust policy allows the {action} action");
        assert_eq!(world.refusal(&bob, request), denied(who, action, app, &reason));
        world.ok(&bob, APP);
    }
}

#[test]
fn session_tags_override_role_tags_and_pass_on_when_transitive() {
    let (mut world, bob) = world();
    let root = world.root();
    world.ok(&root, "TagRole&RoleName=app&Tags.member.1.Key=Team&Tags.member.1.Value=red&Tags.member.2.Key=kept&Tags.member.2.Value=1");
    let tags = "&Tags.member.1.Key=team&Tags.member.1.Value=blue&Tags.member.2.Key=own&Tags.member.2.Value=1&TransitiveTagKeys.member.1=TEAM";
    let answer = world.ok(&bob, &format!("{APP}{tags}"));
    let size = answer["PackedPolicySize"].as_i64().unwrap();
    assert!((1..=100).contains(&size));
    let first = world.holder(&answer);
    let shown = |world: &World, caller: &Caller| {
        let scene = world.scene(caller);
        let target = crate::operation::Target::new("iam:ListUsers", "*");
        let keys = crate::decision_keys::DecisionKeys::new(&scene, &target, caller.account);
        let tags = ["kept", "own", "team"].iter().filter_map(|tag| {
            let value =
                iamd_policy::ConditionKeys::value(&keys, &format!("aws:principaltag/{tag}"))?;
            Some(format!("{tag}={}", value.iter().collect::<String>()))
        });
        tags.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown(&world, &first), "kept=1 own=1 team=blue");
    let chained = world.ok(&first, NEXT);
    let second = world.holder(&chained);
    assert_eq!(shown(&world, &second), "team=blue");
    let third = world.ok(&second, &APP.replace("=one", "=three"));
    let third = world.holder(&third);
    assert_eq!(shown(&world, &third), "kept=1 team=blue");
    // An inherited key cannot be set again; one that was not passed on can.
    let again = "&Tags.member.1.Value=x&Tags.member.1.Key";
    assert_eq!(
        world.refusal(&first, &format!("{NEXT}{again}=Team")),
        "InvalidParameterValue: One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session."
    );
    world.ok(&first, &format!("{NEXT}{again}=own"));
}

/// While the next role's trust is judged, an inherited tag stands in the place of the role's own.
#[test]
fn inherited_tags_replace_resource_tags_of_the_next_role() {
    let (mut world, bob) = world();
    let root = world.root();
    world.ok(&root, "TagRole&RoleName=next&Tags.member.1.Key=team&Tags.member.1.Value=red");
    let condition = r#","Condition":{"StringEquals":{"aws:ResourceTag/team":"blue"}}"#;
    let trust = trust(ACCOUNT, ALL_SESSION_ACTIONS, condition);
    world.ok(&root, &format!("UpdateAssumeRolePolicy&RoleName=next&PolicyDocument={trust}"));
    let plain = world.ok(&bob, APP);
    let plain = world.holder(&plain);
    assert!(world.refusal(&plain, NEXT).starts_with("AccessDenied: "));
    let tag = "&Tags.member.1.Key=team&Tags.member.1.Value=blue&TransitiveTagKeys.member.1=team";
    let tagged = world.ok(&bob, &format!("{APP}{tag}"));
    let tagged = world.holder(&tagged);
    world.ok(&tagged, NEXT);
}

#[test]
fn a_source_identity_is_set_once_and_inherited() {
    let (mut world, bob) = world();
    let answer = world.ok(&bob, &format!("{APP}&SourceIdentity=ana"));
    assert_eq!(answer["SourceIdentity"], "ana");
    let first = world.holder(&answer);
    let chained = world.ok(&first, NEXT);
    assert_eq!(chained["SourceIdentity"], "ana");
    world.ok(&first, &format!("{NEXT}&SourceIdentity=ana"));
    let refusal = world.refusal(&first, &format!("{NEXT}&SourceIdentity=eve"));
    assert!(refusal.starts_with("AccessDenied: "), "{refusal}");
    let session = world.holder(&chained);
    assert_eq!(session.session().unwrap().source_identity.as_deref(), Some("ana"));
    let unset = world.ok(&bob, APP);
    assert_eq!(unset.get("SourceIdentity"), None);
}

#[test]
fn chained_sessions_last_an_hour_at_most() {
    let (mut world, bob) = world();
    let root = world.root();
    world.ok(&root, "UpdateRole&RoleName=next&MaxSessionDuration=43200");
    world.ok(&bob, &format!("{NEXT}&DurationSeconds=43200"));
    let first = world.ok(&bob, APP);
    let first = world.holder(&first);
    assert_eq!(
        world.refusal(&first, &format!("{NEXT}&DurationSeconds=3601")),
        "ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    );
    let chained = world.ok(&first, NEXT);
    assert_eq!(chained["Credentials"]["Expiration"], json!(world.now.seconds() + 3_600));
}

#[test]
fn a_role_does_not_trust_itself_by_nature() {
    let (mut world, bob) = world();
    let root = world.root();
    let first = world.ok(&bob, APP);
    let first = world.holder(&first);
    let trust = trust("arn:aws:iam::111122223333:user/bob", r#""sts:AssumeRole""#, "");
    world.ok(&root, &format!("UpdateAssumeRolePolicy&RoleName=app&PolicyDocument={trust}"));
    assert!(world.refusal(&first, APP).starts_with("AccessDenied: "));
}

#[test]
fn session_policies_narrow_and_must_exist() {
    let (mut world, bob) = world();
    let root = world.root();
    let list_users = allow(r#""iam:ListUsers""#);
    world.ok(
        &root,
        &format!("CreatePolicy&PolicyName=roles&PolicyDocument={}", allow(r#""iam:ListRoles""#)),
    );
    let managed = "&PolicyArns.member.1.arn=arn:aws:iam::111122223333:policy/roles";
    for (policies, users, roles) in [
        (format!("&Policy={list_users}"), true, false),
        (managed.to_owned(), false, true),
        (format!("&Policy={list_users}{managed}"), true, true),
    ] {
        let answer = world.ok(&bob, &format!("{APP}{policies}"));
        assert!(answer["PackedPolicySize"].as_i64().unwrap() > 0);
        let session = world.holder(&answer);
        let arn = "arn:aws:sts::111122223333:assumed-role/app/one";
        for (operation, word, allowed) in
            [("ListUsers", "user", users), ("ListRoles", "role", roles)]
        {
            if allowed {
                world.ok(&session, operation);
                continue;
            }
            let resource = format!("arn:aws:iam::111122223333:{word}/");
            let reason = format!(" because no session policy allows the iam:{operation} action");
            let refusal = world.refusal(&session, operation);
            assert_eq!(refusal, denied(arn, &format!("iam:{operation}"), &resource, &reason));
        }
    }
    for wrong in [
        "arn:aws:iam::111122223333:policy/none",
        "ReadOnlyAccessReadOnlyAccess",
        "PowerUserAccess00000",
    ] {
        let refusal = world.refusal(&bob, &format!("{APP}&PolicyArns.member.1.arn={wrong}"));
        assert!(refusal.starts_with("MalformedPolicyDocument: "), "{refusal}");
    }
    let long = list_users.replace("iam:ListUsers", &format!("iam:{}", "x".repeat(2_000)));
    let refusal = world.refusal(&bob, &format!("{APP}&Policy={long}"));
    assert!(refusal.starts_with("PackedPolicyTooLarge: "), "{refusal}");
}

#[test]
fn sessions_end_with_their_role_and_when_they_are_revoked() {
    let (mut world, bob) = world();
    let root = world.root();
    let answer = world.ok(&bob, APP);
    let session = world.holder(&answer).session().unwrap().clone();
    assert!(of_session(&world.state, &session).is_some());
    let mut revoked = world.fork();
    let account = revoked.state.account(session.account).unwrap();
    let role = Role {
        sessions_not_before: Some(iamd_wire::Timestamp::from_seconds(world.now.seconds() + 1)),
        ..Role::clone(account.roles().named("app").unwrap())
    };
    let changes = vec![Change::Put(Entity::Role(role))];
    revoked.commit(&[AccountChanges { account: session.account, changes }]);
    assert!(of_session(&revoked.state, &session).is_none());
    world.ok(&root, "DeleteRolePolicy&RoleName=app&PolicyName=p");
    world.ok(&root, "DeleteRole&RoleName=app");
    assert!(of_session(&world.state, &session).is_none());
    world.ok(&root, &format!("CreateRole&RoleName=app&AssumeRolePolicyDocument={TRUST_EC2}"));
    assert!(of_session(&world.state, &session).is_none());
}

/// IAM User Guide, "Revoke IAM role temporary security credentials".
#[test]
fn older_sessions_are_denied_by_their_issue_time() {
    let (mut world, bob) = world();
    let root = world.root();
    let old = world.ok(&bob, APP);
    let old = world.holder(&old);
    world.now = iamd_wire::Timestamp::from_seconds(world.now.seconds() + 60);
    let deny = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-01-31T12:00:30Z"}}}}"#;
    world.ok(
        &root,
        &format!(
            "PutRolePolicy&RoleName=app&PolicyName=AWSRevokeOlderSessions&PolicyDocument={deny}"
        ),
    );
    let new = world.ok(&bob, APP);
    let new = world.holder(&new);
    world.ok(&new, "ListUsers");
    assert!(
        world
            .refusal(&old, "ListUsers")
            .contains("with an explicit deny in an identity-based policy")
    );
}

#[test]
fn users_and_root_get_session_tokens() {
    let (mut world, bob) = world();
    let root = world.root();
    let now = world.now.seconds();
    for (caller, request, seconds) in [
        (&bob, "GetSessionToken", 43_200),
        (&bob, "GetSessionToken&DurationSeconds=900", 900),
        (&bob, "GetSessionToken&DurationSeconds=129600", 129_600),
        (&root, "GetSessionToken", 3_600),
        (&root, "GetSessionToken&DurationSeconds=7200", 3_600),
        (&root, "GetSessionToken&DurationSeconds=900", 900),
    ] {
        let answer = marked(&world.ok(caller, request));
        let credentials = json!({"AccessKeyId": "<ASIA>", "SecretAccessKey": "<secret>", "SessionToken": "<secret>", "Expiration": now + seconds});
        assert_eq!(
            answer,
            json!({"Credentials": credentials, "SessionTokenSize": "<size>", "SessionTokenUtilization": "<size>"})
        );
    }
    let answer = world.ok(&bob, "GetSessionToken");
    let session = world.holder(&answer);
    let identity = world.ok(&session, "GetCallerIdentity");
    assert_eq!(identity, world.ok(&bob, "GetCallerIdentity"));
    let refusals = [
        ("GetSessionToken", "AccessDenied: Cannot call GetSessionToken with session credentials"),
        (
            "GetAccessKeyInfo&AccessKeyId=AKIAIOSFODNN7EXAMPLE",
            "AccessDenied: Cannot call GetAccessKeyInfo with session credentials",
        ),
        (
            "ListUsers",
            "InvalidClientTokenId: The security token included in the request is invalid.",
        ),
    ];
    world.expect(&session, &refusals);
    world.ok(
        &session,
        &format!("{APP}&Tags.member.1.Key=a&Tags.member.1.Value=b&SourceIdentity=ana"),
    );
    let role_session = world.ok(&bob, APP);
    let role_session = world.holder(&role_session);
    world.expect(&role_session, &refusals[..1]);
    let both = "AccessDenied: MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.";
    world.expect(&bob, &[("GetSessionToken&TokenCode=123456", both)]);
    let root_session = world.ok(&root, "GetSessionToken");
    let root_session = world.holder(&root_session);
    world.expect(&root_session, &[
        ("GetCallerIdentity", r#"{"UserId":"111122223333","Account":"111122223333","Arn":"arn:aws:iam::111122223333:root"}"#),
        (APP, "AccessDenied: Roles may not be assumed by root accounts."),
        ("ListUsers", "InvalidClientTokenId"),
    ]);
}

/// With a second factor, a user's session is good for IAM; keys are then named by user.
#[test]
fn a_session_with_mfa_may_call_iam() {
    let (mut world, bob) = world();
    let answer = world.ok(&bob, "GetSessionToken");
    let mut session = (**world.holder(&answer).session().unwrap()).clone();
    session.mfa = Some(world.now);
    let session = of_session(&world.state, &Arc::new(session)).unwrap();
    world.ok(&session, "ListUsers");
    world.ok(&session, "GetUser");
    let required = "ValidationError: Must specify userName when calling with non-User credentials";
    assert_eq!(world.refusal(&session, "ListAccessKeys"), required);
    world.ok(&session, "ListAccessKeys&UserName=bob");
    let scene = world.scene(&session);
    let target = crate::operation::Target::new("iam:ListUsers", "*");
    let keys = crate::decision_keys::DecisionKeys::new(&scene, &target, session.account);
    for key in ["aws:multifactorauthpresent", "aws:multifactorauthage", "aws:tokenissuetime"] {
        assert!(iamd_policy::ConditionKeys::value(&keys, key).is_some(), "{key}");
    }
}

/// Long-term keys say nothing about MFA; sessions without it say `false`.
#[test]
fn mfa_is_absent_for_keys_and_false_for_sessions() {
    let (mut world, bob) = world();
    let root = world.root();
    let deny = |operator: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Action":"iam:*","Resource":"*","Condition":{{"{operator}":{{"aws:MultiFactorAuthPresent":"false"}}}}}}}}"#
        )
    };
    let session = world.ok(&bob, APP);
    let session = world.holder(&session);
    for (operator, bob_is_denied) in [("Bool", false), ("BoolIfExists", true)] {
        world.ok(
            &root,
            &format!("PutUserPolicy&UserName=bob&PolicyName=mfa&PolicyDocument={}", deny(operator)),
        );
        world.ok(
            &root,
            &format!("PutRolePolicy&RoleName=app&PolicyName=mfa&PolicyDocument={}", deny(operator)),
        );
        assert_eq!(world.send(&bob, "ListUsers").is_err(), bob_is_denied, "{operator}");
        assert!(world.send(&session, "ListUsers").is_err(), "{operator}");
    }
}

#[test]
fn the_account_of_a_key_is_told() {
    let (mut world, bob) = world();
    let root = world.root();
    let key = world.ok(&root, "CreateAccessKey");
    let key = key["AccessKey"]["AccessKeyId"].as_str().unwrap().to_owned();
    world.ok(&root, &format!("UpdateAccessKey&AccessKeyId={key}&Status=Inactive"));
    let info = |key: &str| format!("GetAccessKeyInfo&AccessKeyId={key}");
    world.expect(
        &bob,
        &[
            (&info(&key), r#"{"Account":"111122223333"}"#),
            (&info("AKIAIOSFODNN7EXAMPLE"), "ValidationError"),
        ],
    );
    let session = world.ok(&bob, APP);
    let id = session["Credentials"]["AccessKeyId"].as_str().unwrap();
    world.expect(&bob, &[(&info(id), r#"{"Account":"111122223333"}"#)]);
}

#[test]
fn everybody_may_ask_who_he_is() {
    let (mut world, bob) = world();
    let root = world.root();
    let deny = ALLOW_ALL.replace("Allow", "Deny");
    world.ok(&root, &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={deny}"));
    let id = world.ok(&root, "GetUser&UserName=bob")["User"]["UserId"].clone();
    let expected =
        json!({"UserId": id, "Account": ACCOUNT, "Arn": "arn:aws:iam::111122223333:user/bob"});
    assert_eq!(world.ok(&bob, "GetCallerIdentity"), expected);
    assert!(
        world
            .refusal(&bob, "GetUser")
            .contains("with an explicit deny in an identity-based policy")
    );
}

/// Requests that any one of the random policies below may allow or deny.
const PROBES: [&str; 5] =
    ["ListUsers", "ListRoles", "GetUser&UserName=bob", "GetRole&RoleName=app", "GetAccountSummary"];

fn any_policy() -> impl Strategy<Value = String> {
    let action = prop::sample::select(vec![
        "iam:*",
        "iam:List*",
        "iam:Get*",
        "iam:ListUsers",
        "iam:GetRole",
        "sts:*",
    ]);
    let resource = prop::sample::select(vec![
        "*",
        "arn:aws:iam::111122223333:role/*",
        "arn:aws:iam::*:user/bob",
    ]);
    let effect = prop::sample::select(vec!["Allow", "Allow", "Deny"]);
    let statement = (effect, action, resource).prop_map(|(effect, action, resource)| {
        format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}"}}"#)
    });
    prop::collection::vec(statement, 1..4).prop_map(|statements| {
        format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// INVARIANT: a session with session policies may do nothing that one without may not.
    #[test]
    fn a_narrowed_session_may_do_less_or_the_same(role in any_policy(), narrow in any_policy()) {
        let (mut world, bob) = world();
        let root = world.root();
        world.ok(&root, &format!("PutRolePolicy&RoleName=app&PolicyName=p&PolicyDocument={role}"));
        let whole = world.ok(&bob, APP);
        let whole = world.holder(&whole);
        let narrowed = world.ok(&bob, &format!("{APP}&Policy={narrow}"));
        let narrowed = world.holder(&narrowed);
        for probe in PROBES {
            let child: Result<Value, String> = world.send(&narrowed, probe);
            let parent = world.send(&whole, probe);
            prop_assert!(child.is_err() || parent.is_ok(), "{probe}: {child:?}");
        }
    }
}

/// Nobody is root of another account; that no organization is there shows to none but the allowed.
#[test]
fn root_sessions_are_for_members_of_an_organization() {
    let (mut world, bob) = world();
    let (bob_arn, own) = ("arn:aws:iam::111122223333:user/bob", "arn:aws:iam::111122223333:root");
    let other = "arn:aws:iam::444455556666:root";
    let request = |target: &str, policy: &str| {
        let policy = format!("arn:aws:iam::aws:policy/{policy}");
        format!("AssumeRoot&TargetPrincipal={target}&TaskPolicyArn.arn={policy}")
    };
    let (audit, unlock) =
        ("root-task/IAMAuditRootUserCredentials", "root-task/S3UnlockBucketPolicy");
    let refused = |arn: &str, reason: &str| denied(bob_arn, "sts:AssumeRoot", arn, reason);
    for (target, arn) in [(ACCOUNT, own), (own, own), (OTHER_ACCOUNT, other), (other, other)] {
        assert_eq!(world.refusal(&bob, &request(target, audit)), refused(arn, ""));
    }
    let none = "arn:aws:iam::999999999999:root";
    assert_eq!(world.refusal(&bob, &request("999999999999", unlock)), refused(none, ""));
    for (target, policy) in [
        (ACCOUNT, "AdministratorAccess"),
        (ACCOUNT, "root-task/None"),
        ("arn:aws:iam::444455556666:user/eve", audit),
        ("arn:aws:iam::44445555666:root", audit),
        ("not-a-number", audit),
    ] {
        let refusal = world.refusal(&bob, &request(target, policy));
        assert!(refusal.starts_with("ValidationError: "), "{refusal}");
    }
    let root = world.root();
    let refusal = world.refusal(&root, &request(OTHER_ACCOUNT, audit));
    assert_eq!(refusal, denied(own, "sts:AssumeRoot", other, ""));
    // The task policy is a condition key: one that is not allowed is denied by the policy.
    let condition =
        format!(r#"{{"StringEquals":{{"sts:TaskPolicyArn":"arn:aws:iam::aws:policy/{audit}"}}}}"#);
    let allow = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"sts:AssumeRoot","Resource":"{other}","Condition":{condition}}}}}"#
    );
    world.ok(&root, &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={allow}"));
    let implicit = " because no identity-based policy allows the sts:AssumeRoot action";
    assert_eq!(world.refusal(&bob, &request(OTHER_ACCOUNT, audit)), refused(other, ""));
    assert_eq!(world.refusal(&bob, &request(OTHER_ACCOUNT, unlock)), refused(other, implicit));
    assert_eq!(world.refusal(&bob, &request(ACCOUNT, audit)), refused(own, implicit));
}
