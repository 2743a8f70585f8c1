//! Roles, trust policies and instance profiles.

use serde_json::{Value, json};

use crate::test_support::{ALLOW_ALL, OTHER_ACCOUNT, TRUST_EC2, World, marked, unescaped};

fn brief(name: &str) -> Value {
    json!({
        "Path": "/", "RoleName": name, "RoleId": "<AROA>",
        "Arn": format!("arn:aws:iam::111122223333:role/{name}"), "CreateDate": "<now>",
        "AssumeRolePolicyDocument": TRUST_EC2,
    })
}

fn trusting(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}}}"#
    )
}

#[test]
fn roles_are_created_shown_listed_and_changed() {
    let mut world = World::new();
    let root = world.root();
    let create = format!("CreateRole&RoleName=app&AssumeRolePolicyDocument={TRUST_EC2}");
    let mut detailed = brief("app");
    detailed["MaxSessionDuration"] = json!(3600);
    let listed = detailed.clone();
    detailed["RoleLastUsed"] = json!({});
    world.expect(
        &root,
        &[
            (&create, &json!({"Role": brief("app")}).to_string()),
            (&create, "EntityAlreadyExists: Role with name app already exists."),
            (
                &create.replace("app", "APP"),
                "EntityAlreadyExists: Role with name APP already exists.",
            ),
            ("GetRole&RoleName=app", &json!({"Role": detailed}).to_string()),
            ("ListRoles", &json!({"Roles": [listed], "IsTruncated": false}).to_string()),
            ("ListRoles&PathPrefix=/none/", r#"{"Roles":[],"IsTruncated":false}"#),
            ("GetRole&RoleName=none", "NoSuchEntity: The role with name none cannot be found."),
            ("UpdateRole&RoleName=none", "NoSuchEntity: The role with name none cannot be found."),
            ("UpdateRole&RoleName=app&Description=text&MaxSessionDuration=7200", "{}"),
        ],
    );
    let role = world.ok(&root, "GetRole&RoleName=app");
    assert_eq!(
        (&role["Role"]["Description"], &role["Role"]["MaxSessionDuration"]),
        (&json!("text"), &json!(7200))
    );
    let described = world.ok(&root, "UpdateRoleDescription&RoleName=app&Description=other");
    assert_eq!(described["Role"]["Description"], "other");
    let absent = world.refusal(&root, "UpdateRoleDescription&RoleName=none&Description=x");
    assert_eq!(absent, "NoSuchEntity: The role with name none cannot be found.");
    let full = "CreateRole&RoleName=full&Path=/x/&Description=d&MaxSessionDuration=43200&Tags.member.1.Key=k&Tags.member.1.Value=v";
    let created = world.ok(&root, &format!("{full}&AssumeRolePolicyDocument={TRUST_EC2}"));
    let mut expected = brief("full");
    expected["Path"] = json!("/x/");
    expected["Arn"] = json!("arn:aws:iam::111122223333:role/x/full");
    expected["Description"] = json!("d");
    expected["MaxSessionDuration"] = json!(43200);
    expected["Tags"] = json!([{"Key": "k", "Value": "v"}]);
    assert_eq!(marked(&created)["Role"], expected);
    world.quotas.roles = 2;
    let third = format!("CreateRole&RoleName=third&AssumeRolePolicyDocument={TRUST_EC2}");
    let refusal = world.refusal(&root, &third);
    assert_eq!(refusal, "LimitExceeded: Cannot exceed quota for RolesPerAccount: 2");
}

#[test]
fn the_last_use_of_a_role_is_shown() {
    let mut world =
        World::with(&[&format!("CreateRole&RoleName=app&AssumeRolePolicyDocument={TRUST_EC2}")]);
    let root = world.root();
    let id = world.ok(&root, "GetRole&RoleName=app")["Role"]["RoleId"].as_str().unwrap().to_owned();
    let last = crate::operation::LastUse {
        time: world.now,
        region: "eu-west-1".into(),
        service: "s3".into(),
    };
    world.facts.roles.insert(id.parse().unwrap(), last);
    let role = marked(&world.ok(&root, "GetRole&RoleName=app"));
    assert_eq!(
        role["Role"]["RoleLastUsed"],
        json!({"LastUsedDate": "<now>", "Region": "eu-west-1"})
    );
}

#[test]
fn a_role_is_deleted_when_nothing_is_left() {
    let read_only = "PolicyArn=arn:aws:iam::aws:policy/ReadOnlyAccess";
    let mut world = World::with(&[
        &format!("CreateRole&RoleName=app&AssumeRolePolicyDocument={TRUST_EC2}"),
        "CreateInstanceProfile&InstanceProfileName=web",
        "AddRoleToInstanceProfile&InstanceProfileName=web&RoleName=app",
        &format!("AttachRolePolicy&RoleName=app&{read_only}"),
        &format!("PutRolePolicy&RoleName=app&PolicyName=p&PolicyDocument={ALLOW_ALL}"),
    ]);
    let root = world.root();
    let delete = "DeleteRole&RoleName=app";
    world.expect(&root, &[
        (delete, "DeleteConflict: Cannot delete entity, must delete policies first."),
        ("DeleteRolePolicy&RoleName=app&PolicyName=p", "null"),
        (delete, "DeleteConflict: Cannot delete entity, must detach all policies first."),
        (&format!("DetachRolePolicy&RoleName=app&{read_only}"), "null"),
        (delete, "DeleteConflict: Cannot delete entity, must remove roles from instance profile first."),
        ("RemoveRoleFromInstanceProfile&InstanceProfileName=web&RoleName=app", "null"),
        (delete, "null"),
        (delete, "NoSuchEntity: The role with name app cannot be found."),
    ]);
}

#[test]
fn trust_policies_are_stored_with_unique_ids() {
    let mut world = World::with(&["CreateUser&UserName=bob&Path=/x/"]);
    let root = world.root();
    let arn = "arn:aws:iam::111122223333:user/x/bob";
    let trust = trusting(&format!(r#"{{"AWS":"{arn}"}}"#));
    world.ok(&root, &format!("CreateRole&RoleName=app&AssumeRolePolicyDocument={trust}"));
    let id = world.ok(&root, "GetUser&UserName=bob")["User"]["UserId"].as_str().unwrap().to_owned();
    let stored = |world: &World| {
        let account = world.state.account("111122223333".parse().unwrap()).unwrap();
        account.roles().named("app").unwrap().trust.text().to_owned()
    };
    let shown = |world: &mut World| {
        let role = world.ok(&root, "GetRole&RoleName=app");
        unescaped(role["Role"]["AssumeRolePolicyDocument"].as_str().unwrap())
    };
    assert!(stored(&world).contains(&format!("\"{id}\"")) && !stored(&world).contains(arn));
    assert_eq!(shown(&mut world), trust);
    // A renamed user is still trusted; a recreated one is not.
    world.ok(&root, "UpdateUser&UserName=bob&NewUserName=rob");
    assert_eq!(shown(&mut world), trust.replace("bob", "rob"));
    world.ok(&root, "DeleteUser&UserName=rob");
    world.ok(&root, "CreateUser&UserName=rob&Path=/x/");
    assert_eq!(shown(&mut world), trust.replace(arn, &id));
}

#[test]
fn trust_policies_name_only_principals_that_exist() {
    let mut world = World::with(&[
        "CreateUser&UserName=bob&Path=/x/",
        &format!("CreateRole&RoleName=app&AssumeRolePolicyDocument={TRUST_EC2}"),
    ]);
    let root = world.root();
    let other = world.root_of(OTHER_ACCOUNT);
    world.ok(&other, "CreateUser&UserName=eve");
    let update = |principal: &str| {
        let trust = trusting(principal);
        format!("UpdateAssumeRolePolicy&RoleName=app&PolicyDocument={trust}")
    };
    for fine in [
        r#""*""#,
        r#"{"AWS":"*"}"#,
        r#"{"AWS":"111122223333"}"#,
        r#"{"AWS":"arn:aws:iam::444455556666:root"}"#,
        r#"{"AWS":["arn:aws:iam::111122223333:user/x/bob","arn:aws:iam::444455556666:user/eve"]}"#,
        r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/app/one"}"#,
        r#"{"Service":"lambda.amazonaws.com"}"#,
    ] {
        world.ok(&root, &update(fine));
    }
    for wrong in [
        "arn:aws:iam::111122223333:user/bob",
        "arn:aws:iam::111122223333:user/x/BOB",
        "arn:aws:iam::111122223333:user/x/*",
        "arn:aws:iam::111122223333:group/staff",
        "arn:aws:iam::444455556666:user/bob",
        "AIDAQNZGKIQY56JQ7WMLA",
        "bob",
    ] {
        let refusal = world.refusal(&root, &update(&format!(r#"{{"AWS":"{wrong}"}}"#)));
        assert!(refusal.starts_with("MalformedPolicyDocument: "), "{refusal}");
    }
    let missing = update(r#"{"AWS":"arn:aws:iam::111122223333:user/none"}"#);
    let refusal = world.refusal(&root, &missing);
    assert_eq!(
        refusal,
        "MalformedPolicyDocument: Invalid principal in policy: \"AWS\":\"arn:aws:iam::111122223333:user/none\""
    );
    let update = "UpdateAssumeRolePolicy&RoleName=app&PolicyDocument=";
    let resource = TRUST_EC2.replace(r#""Action""#, r#""Resource":"*","Action""#);
    let action = TRUST_EC2.replace("sts:AssumeRole", "s3:GetObject");
    world.expect(&root, &[
        (&format!("{update}text"), "MalformedPolicyDocument: This policy contains invalid Json"),
        (
            &format!("{update}{resource}"),
            "MalformedPolicyDocument: Has prohibited field Resource.",
        ),
        (
            &format!("{update}{action}"),
            "MalformedPolicyDocument: Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  and sts:AssumeRoleWithWebIdentity",
        ),
    ]);
    let absent = missing.replace("RoleName=app", "RoleName=none");
    assert_eq!(
        world.refusal(&root, &absent),
        "NoSuchEntity: The role with name none cannot be found."
    );
}

#[test]
fn a_trust_policy_has_a_limit() {
    let mut world = World::new();
    let root = world.root();
    let services: Vec<String> =
        (0..80).map(|number| format!("\"service{number:03}.amazonaws.com\"")).collect();
    let trust = trusting(&format!(r#"{{"Service":[{}]}}"#, services.join(",")));
    assert!(trust.len() > 2_048);
    let create = format!("CreateRole&RoleName=app&AssumeRolePolicyDocument={trust}");
    let refusal = world.refusal(&root, &create);
    assert_eq!(refusal, "LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048");
    world.quotas.trust_policy_size = 4_096;
    world.ok(&root, &create);
}

#[test]
fn instance_profiles_hold_one_role() {
    let mut world = World::with(&[
        &format!("CreateRole&RoleName=app&AssumeRolePolicyDocument={TRUST_EC2}"),
        &format!("CreateRole&RoleName=other&AssumeRolePolicyDocument={TRUST_EC2}"),
    ]);
    let root = world.root();
    let profile = |roles: Value| {
        json!({
            "Path": "/p/", "InstanceProfileName": "web", "InstanceProfileId": "<AIPA>",
            "Arn": "arn:aws:iam::111122223333:instance-profile/p/web", "CreateDate": "<now>",
            "Roles": roles,
        })
    };
    let got = |roles: Value| {
        let mut profile = profile(roles);
        profile["Tags"] = json!([]);
        json!({"InstanceProfile": profile}).to_string()
    };
    let full = profile(json!([brief("app")]));
    let missing_profile = "NoSuchEntity: Instance Profile none cannot be found.";
    let missing_role = "NoSuchEntity: The role with name none cannot be found.";
    let create = "CreateInstanceProfile&InstanceProfileName=web&Path=/p/";
    world.expect(&root, &[
        (create, &json!({"InstanceProfile": profile(json!([]))}).to_string()),
        (create, "EntityAlreadyExists: Instance Profile web already exists."),
        ("CreateInstanceProfile&InstanceProfileName=WEB", "EntityAlreadyExists: Instance Profile WEB already exists."),
        ("GetInstanceProfile&InstanceProfileName=web", &got(json!([]))),
        ("ListInstanceProfilesForRole&RoleName=app", r#"{"InstanceProfiles":[],"IsTruncated":false}"#),
        ("RemoveRoleFromInstanceProfile&InstanceProfileName=web&RoleName=app", "NoSuchEntity: Role app in Instance Profile web cannot be found."),
        ("AddRoleToInstanceProfile&InstanceProfileName=web&RoleName=app", "null"),
        ("AddRoleToInstanceProfile&InstanceProfileName=web&RoleName=other", "LimitExceeded: Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"),
        ("GetInstanceProfile&InstanceProfileName=web", &got(json!([brief("app")]))),
        ("ListInstanceProfiles", &json!({"InstanceProfiles": [full], "IsTruncated": false}).to_string()),
        ("ListInstanceProfiles&PathPrefix=/q/", r#"{"InstanceProfiles":[],"IsTruncated":false}"#),
        ("ListInstanceProfilesForRole&RoleName=app", &json!({"InstanceProfiles": [full], "IsTruncated": false}).to_string()),
        ("DeleteInstanceProfile&InstanceProfileName=web", "DeleteConflict: Cannot delete entity, must remove roles from instance profile first."),
        ("RemoveRoleFromInstanceProfile&InstanceProfileName=web&RoleName=other", "NoSuchEntity: Role other in Instance Profile web cannot be found."),
        ("RemoveRoleFromInstanceProfile&InstanceProfileName=web&RoleName=app", "null"),
        ("DeleteInstanceProfile&InstanceProfileName=web", "null"),
        ("DeleteInstanceProfile&InstanceProfileName=none", missing_profile),
        ("GetInstanceProfile&InstanceProfileName=none", missing_profile),
        ("AddRoleToInstanceProfile&InstanceProfileName=none&RoleName=app", missing_profile),
        ("RemoveRoleFromInstanceProfile&InstanceProfileName=none&RoleName=app", missing_profile),
        ("ListInstanceProfilesForRole&RoleName=none", missing_role),
        ("CreateInstanceProfile&InstanceProfileName=web&Path=/p/", &json!({"InstanceProfile": profile(json!([]))}).to_string()),
        ("AddRoleToInstanceProfile&InstanceProfileName=web&RoleName=none", missing_role),
        ("RemoveRoleFromInstanceProfile&InstanceProfileName=web&RoleName=none", missing_role),
    ]);
    world.quotas.instance_profiles = 1;
    let refusal = world.refusal(&root, "CreateInstanceProfile&InstanceProfileName=more");
    assert_eq!(refusal, "LimitExceeded: Cannot exceed quota for InstanceProfilesPerAccount: 1");
}

/// Handing a role to EC2 takes PassRole on it, for that service.
#[test]
fn putting_a_role_into_a_profile_needs_pass_role_for_ec2() {
    let mut world = World::with(&[
        "CreateUser&UserName=bob",
        &format!("CreateRole&RoleName=app&AssumeRolePolicyDocument={TRUST_EC2}"),
        "CreateInstanceProfile&InstanceProfileName=web",
    ]);
    let root = world.root();
    let bob = world.user("bob");
    let add = "AddRoleToInstanceProfile&InstanceProfileName=web&RoleName=app";
    for (key, value, allowed) in [
        ("iam:PassedToService", "ec2.amazonaws.com", true),
        ("iam:PassedToService", "lambda.amazonaws.com", false),
        ("iam:AssociatedResourceArn", "arn:aws:ec2:*:111122223333:instance/*", true),
    ] {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"iam:AddRoleToInstanceProfile","Resource":"*"}},{{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{{"StringEquals":{{"{key}":"{value}"}}}}}}]}}"#
        );
        world
            .ok(&root, &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={policy}"));
        let mut world = world.fork();
        match allowed {
            true => assert_eq!(world.send(&bob, add), Ok(Value::Null), "{key} {value}"),
            false => assert_eq!(
                world.refusal(&bob, add),
                "AccessDenied: User: arn:aws:iam::111122223333:user/bob is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/app because no identity-based policy allows the iam:PassRole action"
            ),
        }
    }
}

/// Roles that belong to AWS are beyond every policy, root's power included.
#[test]
fn nobody_creates_a_service_linked_role_this_way() {
    let mut world = World::new();
    let root = world.root();
    let path = "/aws-service-role/ec2.amazonaws.com/";
    let create = format!(
        "CreateRole&RoleName=AWSServiceRoleForX&Path={path}&AssumeRolePolicyDocument={TRUST_EC2}"
    );
    assert!(world.refusal(&root, &create).starts_with("AccessDenied: "));
}
