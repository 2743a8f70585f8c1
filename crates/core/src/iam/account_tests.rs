//! Access keys, tags, aliases and the account summary.

use serde_json::{Value, json};

use crate::operation::LastUse;
use crate::test_support::{ALLOW_ALL, OTHER_ACCOUNT, TRUST_EC2, World, marked};

fn key_of(answer: &Value) -> String {
    answer["AccessKey"]["AccessKeyId"].as_str().unwrap().to_owned()
}

#[test]
fn access_keys_are_created_listed_changed_and_deleted() {
    let mut world = World::with(&["CreateUser&UserName=bob", "CreateUser&UserName=ana"]);
    let root = world.root();
    let created = world.ok(&root, "CreateAccessKey&UserName=bob");
    let key = key_of(&created);
    assert_eq!(
        marked(&created),
        json!({"AccessKey": {"UserName": "bob", "AccessKeyId": "<AKIA>", "Status": "Active", "SecretAccessKey": "<secret>", "CreateDate": "<now>"}})
    );
    assert_eq!(created["AccessKey"]["SecretAccessKey"].as_str().unwrap().len(), 40);
    let listed = |status: &str| {
        json!({"AccessKeyMetadata": [{"UserName": "bob", "AccessKeyId": "<AKIA>", "Status": status, "CreateDate": "<now>"}], "IsTruncated": false}).to_string()
    };
    let nobody = "NoSuchEntity: The user with name none cannot be found.";
    let missing = format!("NoSuchEntity: The Access Key with id {key} cannot be found.");
    world.expect(
        &root,
        &[
            ("ListAccessKeys&UserName=ana", r#"{"AccessKeyMetadata":[],"IsTruncated":false}"#),
            ("ListAccessKeys&UserName=bob", &listed("Active")),
            (&format!("UpdateAccessKey&UserName=bob&AccessKeyId={key}&Status=Inactive"), "null"),
            ("ListAccessKeys&UserName=bob", &listed("Inactive")),
            // A permission on one user reaches no other one's key.
            (&format!("UpdateAccessKey&UserName=ana&AccessKeyId={key}&Status=Active"), &missing),
            (&format!("DeleteAccessKey&UserName=ana&AccessKeyId={key}"), &missing),
            (
                "UpdateAccessKey&UserName=bob&AccessKeyId=AKIAIOSFODNN7EXAMPLE&Status=Active",
                "NoSuchEntity: The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found.",
            ),
            (
                &format!("UpdateAccessKey&UserName=bob&AccessKeyId={key}&Status=Expired"),
                "ValidationError",
            ),
            ("CreateAccessKey&UserName=none", nobody),
            ("ListAccessKeys&UserName=none", nobody),
            (&format!("DeleteAccessKey&UserName=none&AccessKeyId={key}"), nobody),
            (&format!("UpdateAccessKey&UserName=none&AccessKeyId={key}&Status=Active"), nobody),
        ],
    );
    world.ok(&root, "CreateAccessKey&UserName=bob");
    let refusal = world.refusal(&root, "CreateAccessKey&UserName=bob");
    assert_eq!(refusal, "LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2");
    let page = world.ok(&root, "ListAccessKeys&UserName=bob&MaxItems=1");
    let marker = page["Marker"].as_str().unwrap();
    let next = world.ok(&root, &format!("ListAccessKeys&UserName=bob&Marker={marker}"));
    assert_eq!(next["AccessKeyMetadata"].as_array().unwrap().len(), 1);
    assert_ne!(next["AccessKeyMetadata"], page["AccessKeyMetadata"]);
    // The page goes on even when the key it stands behind is gone.
    let first = page["AccessKeyMetadata"][0]["AccessKeyId"].as_str().unwrap();
    world.ok(&root, &format!("DeleteAccessKey&UserName=bob&AccessKeyId={first}"));
    let again = world.ok(&root, &format!("ListAccessKeys&UserName=bob&Marker={marker}"));
    assert_eq!(again, next);
}

#[test]
fn keys_are_listed_oldest_first() {
    let mut world = World::with(&["CreateUser&UserName=bob"]);
    let root = world.root();
    let keys: Vec<String> = (0..2)
        .map(|_| {
            world.now = iamd_wire::Timestamp::from_seconds(world.now.seconds() - 60);
            key_of(&world.ok(&root, "CreateAccessKey&UserName=bob"))
        })
        .collect();
    let listed = world.ok(&root, "ListAccessKeys&UserName=bob");
    let listed =
        listed["AccessKeyMetadata"].as_array().unwrap().iter().map(|it| &it["AccessKeyId"]);
    assert!(listed.eq(keys.iter().rev()));
}

#[test]
fn a_user_name_left_out_means_the_caller() {
    let mut world = World::with(&[
        "CreateUser&UserName=bob",
        &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={ALLOW_ALL}"),
        &format!(
            "CreateRole&RoleName=app&AssumeRolePolicyDocument={}",
            TRUST_EC2.replace(r#""Service":"ec2.amazonaws.com""#, r#""AWS":"111122223333""#)
        ),
        &format!("PutRolePolicy&RoleName=app&PolicyName=p&PolicyDocument={ALLOW_ALL}"),
    ]);
    let (root, bob) = (world.root(), world.user("bob"));
    let own = world.ok(&bob, "ListAccessKeys");
    let key = own["AccessKeyMetadata"][0]["AccessKeyId"].as_str().unwrap().to_owned();
    let session =
        world.ok(&bob, "AssumeRole&RoleArn=arn:aws:iam::111122223333:role/app&RoleSessionName=one");
    let session = world.holder(&session);
    let required = "ValidationError: Must specify userName when calling with non-User credentials";
    for request in ["GetUser", "ListAccessKeys", "CreateAccessKey"] {
        assert_eq!(world.refusal(&session, request), required);
    }
    for request in ["DeleteAccessKey", "UpdateAccessKey&Status=Active"] {
        assert_eq!(world.refusal(&session, &format!("{request}&AccessKeyId={key}")), required);
    }
    world.ok(&session, "ListAccessKeys&UserName=bob");
    let root_key = key_of(&world.ok(&root, "CreateAccessKey"));
    let listed = world.ok(&root, "ListAccessKeys");
    assert_eq!(listed["AccessKeyMetadata"][0]["AccessKeyId"], json!(root_key));
    // Root's keys are not the user's to touch, however much he is allowed.
    let refusal = world.refusal(&bob, &format!("DeleteAccessKey&AccessKeyId={root_key}"));
    assert_eq!(
        refusal,
        format!("NoSuchEntity: The Access Key with id {root_key} cannot be found.")
    );
    world.ok(&root, &format!("DeleteAccessKey&AccessKeyId={root_key}"));
    world.ok(&bob, &format!("DeleteAccessKey&AccessKeyId={key}"));
}

#[test]
fn the_last_use_of_a_key() {
    let mut world = World::with(&["CreateUser&UserName=bob"]);
    let root = world.root();
    let key = key_of(&world.ok(&root, "CreateAccessKey&UserName=bob"));
    let get = format!("GetAccessKeyLastUsed&AccessKeyId={key}");
    world.expect(&root, &[
        (&get, r#"{"UserName":"bob","AccessKeyLastUsed":{"ServiceName":"N/A","Region":"N/A"}}"#),
        (
            "GetAccessKeyLastUsed&AccessKeyId=AKIAIOSFODNN7EXAMPLE",
            "AccessDenied: User: arn:aws:iam::111122223333:root is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key AKIAIOSFODNN7EXAMPLE",
        ),
    ]);
    let last = LastUse { time: world.now, region: "us-east-1".into(), service: "iam".into() };
    world.facts.keys.insert(key.parse().unwrap(), last);
    world.expect(&root, &[(
        &get,
        r#"{"UserName":"bob","AccessKeyLastUsed":{"LastUsedDate":"<now>","ServiceName":"iam","Region":"us-east-1"}}"#,
    )]);
    let stranger = world.root_of(OTHER_ACCOUNT);
    assert!(world.refusal(&stranger, &get).starts_with("AccessDenied: "));
}

#[test]
fn tags_are_set_replaced_and_removed() {
    for (kind, target, folds) in [
        ("User", "UserName=bob", true),
        ("Role", "RoleName=app", true),
        ("InstanceProfile", "InstanceProfileName=web", false),
        ("Policy", "PolicyArn=arn:aws:iam::111122223333:policy/p", false),
    ] {
        let mut world = World::with(&[
            "CreateUser&UserName=bob",
            &format!("CreateRole&RoleName=app&AssumeRolePolicyDocument={TRUST_EC2}"),
            "CreateInstanceProfile&InstanceProfileName=web",
            &format!("CreatePolicy&PolicyName=p&PolicyDocument={ALLOW_ALL}"),
        ]);
        let root = world.root();
        let tag = |tags: &[(&str, &str)]| {
            let tags = tags.iter().enumerate().map(|(place, (key, value))| {
                format!("&Tags.member.{0}.Key={key}&Tags.member.{0}.Value={value}", place + 1)
            });
            format!("Tag{kind}&{target}{}", tags.collect::<String>())
        };
        let list = format!("List{kind}Tags&{target}");
        let listed = |tags: Value| json!({"Tags": tags, "IsTruncated": false}).to_string();
        let pair = |key: &str, value: &str| json!({"Key": key, "Value": value});
        world.expect(&root, &[
            (&list, &listed(json!([]))),
            (&tag(&[("b", "2"), ("a", "1")]), "null"),
            (&list, &listed(json!([pair("a", "1"), pair("b", "2")]))),
            (&tag(&[("b", "3")]), "null"),
            (&list, &listed(json!([pair("a", "1"), pair("b", "3")]))),
            (&tag(&[("x", "1"), ("x", "2")]), "InvalidInput: Duplicate tag keys found. Please note that Tag keys are case insensitive."),
            (&tag(&[("aws:x", "1")]), "InvalidInput"),
            (&format!("Untag{kind}&{target}&TagKeys.member.1=a&TagKeys.member.2=none"), "null"),
            (&list, &listed(json!([pair("b", "3")]))),
            (&tag(&[("B", "4")]), "null"),
        ]);
        let both =
            if folds { json!([pair("B", "4")]) } else { json!([pair("B", "4"), pair("b", "3")]) };
        world.expect(&root, &[(&list, &listed(both))]);
        let mixed = tag(&[("x", "1"), ("X", "2")]);
        match folds {
            true => assert!(
                world.refusal(&root, &mixed).starts_with("InvalidInput: Duplicate tag keys")
            ),
            false => assert_eq!(world.ok(&root, &mixed), Value::Null),
        }
        let page = world.ok(&root, &format!("{list}&MaxItems=1"));
        assert_eq!(page["Tags"].as_array().unwrap().len(), 1);
        let keys: Vec<String> = (0..50).map(|number| format!("k{number}")).collect();
        let many: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "")).collect();
        assert_eq!(
            world.refusal(&root, &tag(&many)),
            "LimitExceeded: The number of tags has reached the maximum limit."
        );
        let missing = match kind {
            "User" => "The user with name none cannot be found.".to_owned(),
            "Role" => "The role with name none cannot be found.".to_owned(),
            "InstanceProfile" => "Instance Profile none cannot be found.".to_owned(),
            _ => "Policy arn:aws:iam::111122223333:policy/none was not found.".to_owned(),
        };
        let none = match kind {
            "Policy" => "PolicyArn=arn:aws:iam::111122223333:policy/none".to_owned(),
            _ => format!("{kind}Name=none"),
        };
        for request in
            [tag(&[("a", "1")]), list, format!("Untag{kind}&{target}&TagKeys.member.1=a")]
        {
            let refusal = world.refusal(&root, &request.replace(target, &none));
            assert_eq!(refusal, format!("NoSuchEntity: {missing}"));
        }
    }
}

#[test]
fn reserved_and_repeated_tags_fail_the_whole_creation() {
    let mut world = World::new();
    let root = world.root();
    let create = "CreateUser&UserName=bob&Tags.member.1.Key=a&Tags.member.1.Value=1&Tags.member.2.Value=2&Tags.member.2.Key";
    world.expect(&root, &[
        (&format!("{create}=A"), "InvalidInput: Duplicate tag keys found. Please note that Tag keys are case insensitive."),
        (&format!("{create}=AWS:x"), "InvalidInput"),
        ("GetUser&UserName=bob", "NoSuchEntity: The user with name bob cannot be found."),
    ]);
}

#[test]
fn request_and_resource_tags_are_condition_keys() {
    let mut world = World::with(&[
        "CreateUser&UserName=bob",
        "CreateUser&UserName=blue&Tags.member.1.Key=team&Tags.member.1.Value=blue",
        "CreateUser&UserName=red&Tags.member.1.Key=team&Tags.member.1.Value=red",
    ]);
    let (root, bob) = (world.root(), world.user("bob"));
    let tagged = |name: &str, key: &str, value: &str| {
        format!("TagUser&UserName={name}&Tags.member.1.Key={key}&Tags.member.1.Value={value}")
    };
    for (key, value, fine, refused) in [
        ("aws:ResourceTag/team", "blue", tagged("blue", "a", "b"), tagged("red", "a", "b")),
        ("iam:ResourceTag/team", "blue", tagged("blue", "a", "b"), tagged("bob", "a", "b")),
        ("aws:RequestTag/Owner", "me", tagged("red", "owner", "me"), tagged("red", "owner", "you")),
        ("aws:RequestedRegion", "us-east-1", tagged("red", "a", "b"), "ListUsers".to_owned()),
    ] {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"iam:TagUser","Resource":"*","Condition":{{"StringEquals":{{"{key}":"{value}"}}}}}}}}"#
        );
        world
            .ok(&root, &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={policy}"));
        world.fork().ok(&bob, &fine);
        assert!(world.refusal(&bob, &refused).starts_with("AccessDenied: "), "{key} {refused}");
    }
}

#[test]
fn boundaries_are_condition_keys_of_delegated_administration() {
    let bound = "arn:aws:iam::111122223333:policy/bound";
    let mut world = World::with(&[
        &format!("CreatePolicy&PolicyName=bound&PolicyDocument={ALLOW_ALL}"),
        "CreateUser&UserName=bob",
        "CreateUser&UserName=free",
        &format!("CreateUser&UserName=kept&PermissionsBoundary={bound}"),
    ]);
    let (root, bob) = (world.root(), world.user("bob"));
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"iam:*","Resource":"*","Condition":{{"StringEquals":{{"iam:PermissionsBoundary":"{bound}"}}}}}}}}"#
    );
    world.ok(&root, &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={policy}"));
    let trust = format!("AssumeRolePolicyDocument={TRUST_EC2}");
    let other = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    for (fine, refused) in [
        (
            format!("CreateUser&UserName=x&PermissionsBoundary={bound}"),
            "CreateUser&UserName=x".to_owned(),
        ),
        (
            format!("CreateRole&RoleName=x&{trust}&PermissionsBoundary={bound}"),
            format!("CreateRole&RoleName=x&{trust}"),
        ),
        (
            format!("PutUserPermissionsBoundary&UserName=free&PermissionsBoundary={bound}"),
            format!("PutUserPermissionsBoundary&UserName=kept&PermissionsBoundary={other}"),
        ),
        (
            format!("AttachUserPolicy&UserName=kept&PolicyArn={other}"),
            format!("AttachUserPolicy&UserName=free&PolicyArn={other}"),
        ),
        (
            format!("PutUserPolicy&UserName=kept&PolicyName=q&PolicyDocument={ALLOW_ALL}"),
            format!("PutUserPolicy&UserName=free&PolicyName=q&PolicyDocument={ALLOW_ALL}"),
        ),
        (
            "DeleteUserPermissionsBoundary&UserName=kept".to_owned(),
            "DeleteUserPermissionsBoundary&UserName=free".to_owned(),
        ),
    ] {
        world.fork().ok(&bob, &fine);
        assert!(world.refusal(&bob, &refused).starts_with("AccessDenied: "), "{refused}");
    }
}

#[test]
fn an_account_has_one_alias_that_no_other_has() {
    let mut world = World::new();
    let (root, other) = (world.root(), world.root_of(OTHER_ACCOUNT));
    let aliases = |names: Value| json!({"AccountAliases": names, "IsTruncated": false}).to_string();
    world.expect(
        &root,
        &[
            ("ListAccountAliases", &aliases(json!([]))),
            ("CreateAccountAlias&AccountAlias=acme", "null"),
            ("CreateAccountAlias&AccountAlias=acme", "null"),
            ("ListAccountAliases", &aliases(json!(["acme"]))),
            ("CreateAccountAlias&AccountAlias=123456789012", "InvalidInput"),
            ("ListAccountAliases&Marker=x", "ValidationError: Invalid Marker."),
        ],
    );
    let taken = "EntityAlreadyExists: The account alias acme already exists.";
    world.expect(&other, &[("CreateAccountAlias&AccountAlias=acme", taken)]);
    world.expect(
        &root,
        &[
            ("CreateAccountAlias&AccountAlias=umbrella", "null"),
            ("ListAccountAliases", &aliases(json!(["umbrella"]))),
            (
                "DeleteAccountAlias&AccountAlias=acme",
                "NoSuchEntity: The account alias with name acme cannot be found.",
            ),
        ],
    );
    world.expect(&other, &[("CreateAccountAlias&AccountAlias=acme", "null")]);
    world.expect(
        &root,
        &[
            ("DeleteAccountAlias&AccountAlias=umbrella", "null"),
            ("ListAccountAliases", &aliases(json!([]))),
        ],
    );
}

#[test]
fn the_summary_has_34_keys_and_counts_what_there_is() {
    let mut world = World::new();
    let root = world.root();
    let expected = json!({
        "AccessKeysPerUserQuota": 2, "AccountAccessKeysPresent": 0, "AccountMFAEnabled": 0,
        "AccountPasswordPresent": 1, "AccountSigningCertificatesPresent": 0,
        "AssumeRolePolicySizeQuota": 2048, "AttachedPoliciesPerGroupQuota": 10,
        "AttachedPoliciesPerRoleQuota": 10, "AttachedPoliciesPerUserQuota": 10,
        "GlobalEndpointTokenVersion": 1, "GroupPolicySizeQuota": 5120, "Groups": 0,
        "GroupsPerUserQuota": 10, "GroupsQuota": 300, "InstanceProfiles": 0,
        "InstanceProfilesQuota": 1000, "MFADevices": 0, "MFADevicesInUse": 0, "Policies": 0,
        "PoliciesQuota": 1500, "PolicySizeQuota": 6144, "PolicyVersionsInUse": 0,
        "PolicyVersionsInUseQuota": 10000, "Providers": 0, "RolePolicySizeQuota": 10240,
        "Roles": 0, "RolesQuota": 1000, "ServerCertificates": 0, "ServerCertificatesQuota": 20,
        "SigningCertificatesPerUserQuota": 2, "UserPolicySizeQuota": 2048, "Users": 0,
        "UsersQuota": 5000, "VersionsPerPolicyQuota": 5,
    });
    let before = world.ok(&root, "GetAccountSummary");
    assert_eq!(before["SummaryMap"], expected);
    assert_eq!(before["SummaryMap"].as_object().unwrap().len(), 34);
    for request in [
        "CreateUser&UserName=bob".to_owned(),
        "CreateGroup&GroupName=staff".to_owned(),
        format!("CreateRole&RoleName=app&AssumeRolePolicyDocument={TRUST_EC2}"),
        format!("CreatePolicy&PolicyName=p&PolicyDocument={ALLOW_ALL}"),
        "CreateInstanceProfile&InstanceProfileName=web".to_owned(),
        "CreateAccessKey".to_owned(),
    ] {
        world.ok(&root, &request);
    }
    let mut expected = expected;
    for key in [
        "Users",
        "Groups",
        "Roles",
        "Policies",
        "PolicyVersionsInUse",
        "InstanceProfiles",
        "AccountAccessKeysPresent",
    ] {
        expected[key] = json!(1);
    }
    assert_eq!(world.ok(&root, "GetAccountSummary")["SummaryMap"], expected);
}
