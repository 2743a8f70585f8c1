//! Users, groups and memberships: answers and refusals, as recorded from AWS where they were.

use serde_json::json;

use crate::test_support::{ALLOW_ALL, TRUST_EC2, World, marked};

const BOB: &str = r#"{"User":{"Path":"/","UserName":"bob","UserId":"<AIDA>","Arn":"arn:aws:iam::111122223333:user/bob","CreateDate":"<now>"}}"#;
const STAFF: &str = r#"{"Group":{"Path":"/","GroupName":"staff","GroupId":"<AGPA>","Arn":"arn:aws:iam::111122223333:group/staff","CreateDate":"<now>"}}"#;

#[test]
fn users_are_created_shown_and_listed() {
    let mut world = World::new();
    let root = world.root();
    world.expect(&root, &[
        ("CreateUser&UserName=bob", BOB),
        ("GetUser&UserName=bob", BOB),
        ("CreateUser&UserName=bob", "EntityAlreadyExists: User with name bob already exists."),
        ("CreateUser&UserName=BOB&Path=/x/", "EntityAlreadyExists: User with name BOB already exists."),
        (
            "CreateUser&UserName=Ana&Path=/team/&Tags.member.1.Key=b&Tags.member.1.Value=2&Tags.member.2.Key=a&Tags.member.2.Value=",
            r#"{"User":{"Path":"/team/","UserName":"Ana","UserId":"<AIDA>","Arn":"arn:aws:iam::111122223333:user/team/Ana","CreateDate":"<now>","Tags":[{"Key":"a","Value":""},{"Key":"b","Value":"2"}]}}"#,
        ),
        (
            "ListUsers",
            r#"{"Users":[{"Path":"/team/","UserName":"Ana","UserId":"<AIDA>","Arn":"arn:aws:iam::111122223333:user/team/Ana","CreateDate":"<now>"},{"Path":"/","UserName":"bob","UserId":"<AIDA>","Arn":"arn:aws:iam::111122223333:user/bob","CreateDate":"<now>"}],"IsTruncated":false}"#,
        ),
        (
            "ListUsers&PathPrefix=/te",
            r#"{"Users":[{"Path":"/team/","UserName":"Ana","UserId":"<AIDA>","Arn":"arn:aws:iam::111122223333:user/team/Ana","CreateDate":"<now>"}],"IsTruncated":false}"#,
        ),
        ("ListUsers&PathPrefix=/none/", r#"{"Users":[],"IsTruncated":false}"#),
        ("ListUsers&Marker=bob", "ValidationError: Invalid Marker."),
        ("GetUser&UserName=nobody", "NoSuchEntity: The user with name nobody cannot be found."),
        ("DeleteUser&UserName=nobody", "NoSuchEntity: The user with name nobody cannot be found."),
        ("UpdateUser&UserName=nobody", "NoSuchEntity: The user with name nobody cannot be found."),
    ]);
}

#[test]
fn a_user_without_a_name_is_the_caller() {
    let mut world =
        World::with(&["CreateUser&UserName=bob", "CreateAccountAlias&AccountAlias=acme"]);
    let root = world.root();
    let shown = world.ok(&root, "GetUser");
    assert_eq!(shown["User"]["Arn"], "arn:aws:iam::111122223333:root");
    assert_eq!(shown["User"]["UserId"], "111122223333");
    let allow = format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={ALLOW_ALL}");
    world.ok(&root, &allow);
    let bob = world.user("bob");
    world.expect(&bob, &[("GetUser", BOB)]);
}

#[test]
fn a_user_is_renamed_and_moved_with_all_he_has() {
    let mut world = World::with(&[
        "CreateUser&UserName=bob",
        "CreateUser&UserName=ana",
        "CreateGroup&GroupName=staff",
        "AddUserToGroup&UserName=bob&GroupName=staff",
    ]);
    let root = world.root();
    let before = world.ok(&root, "GetUser&UserName=bob");
    let bob = world.user("bob");
    let identity = world.ok(&bob, "GetCallerIdentity");
    assert_eq!(identity["Arn"], "arn:aws:iam::111122223333:user/bob");
    world.expect(
        &root,
        &[
            (
                "UpdateUser&UserName=bob&NewUserName=ANA",
                "EntityAlreadyExists: User with name ANA already exists.",
            ),
            ("UpdateUser&UserName=bob&NewUserName=rob&NewPath=/x/", "null"),
            ("GetUser&UserName=bob", "NoSuchEntity: The user with name bob cannot be found."),
        ],
    );
    let after = world.ok(&root, "GetUser&UserName=rob");
    assert_eq!(after["User"]["UserId"], before["User"]["UserId"]);
    assert_eq!(after["User"]["Arn"], "arn:aws:iam::111122223333:user/x/rob");
    let keys = world.ok(&root, "ListAccessKeys&UserName=rob");
    assert_eq!(keys["AccessKeyMetadata"][0]["UserName"], "rob");
    let members = world.ok(&root, "GetGroup&GroupName=staff");
    assert_eq!(members["Users"][0]["UserName"], "rob");
    assert_eq!(members["Users"].as_array().unwrap().len(), 1);
    let renamed = world.user("rob");
    let shown = world.ok(&renamed, "GetCallerIdentity");
    assert_eq!(shown["Arn"], "arn:aws:iam::111122223333:user/x/rob");
    assert_eq!(shown["UserId"], identity["UserId"]);
    // Another letter case of his own name is free to him.
    world.expect(&root, &[("UpdateUser&UserName=rob&NewUserName=Rob", "null")]);
    assert_eq!(world.ok(&root, "GetUser&UserName=rob")["User"]["UserName"], "Rob");
}

#[test]
fn keys_of_one_second_are_listed_as_they_were_made() {
    let mut world = World::with(&["CreateUser&UserName=bob"]);
    let root = world.root();
    let create = |world: &mut World| {
        let answer = world.ok(&root, "CreateAccessKey&UserName=bob");
        answer["AccessKey"]["AccessKeyId"].as_str().unwrap().to_owned()
    };
    let mut kept = create(&mut world);
    // Ids are drawn: in twenty rounds some come before those of older keys.
    for _ in 0..20 {
        let newer = create(&mut world);
        let all = world.ok(&root, "ListAccessKeys&UserName=bob");
        let first = world.ok(&root, "ListAccessKeys&UserName=bob&MaxItems=1");
        let marker = first["Marker"].as_str().unwrap();
        let next = format!("ListAccessKeys&UserName=bob&MaxItems=1&Marker={marker}");
        let second = world.ok(&root, &next);
        let id = |answer: &serde_json::Value, place: usize| {
            answer["AccessKeyMetadata"][place]["AccessKeyId"].as_str().unwrap().to_owned()
        };
        assert_eq!([id(&all, 0), id(&all, 1)], [kept.clone(), newer.clone()]);
        assert_eq!([id(&first, 0), id(&second, 0)], [kept.clone(), newer.clone()]);
        world.ok(&root, &format!("DeleteAccessKey&UserName=bob&AccessKeyId={kept}"));
        kept = newer;
    }
}

#[test]
fn a_user_is_deleted_when_nothing_is_left() {
    let read_only = "PolicyArn=arn:aws:iam::aws:policy/ReadOnlyAccess";
    let mut world = World::with(&[
        "CreateUser&UserName=bob",
        "CreateGroup&GroupName=staff",
        "AddUserToGroup&UserName=bob&GroupName=staff",
        &format!("AttachUserPolicy&UserName=bob&{read_only}"),
        &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={ALLOW_ALL}"),
    ]);
    let root = world.root();
    let key = world.ok(&root, "CreateAccessKey&UserName=bob");
    let key = key["AccessKey"]["AccessKeyId"].as_str().unwrap().to_owned();
    let delete = "DeleteUser&UserName=bob";
    world.expect(
        &root,
        &[
            (delete, "DeleteConflict: Cannot delete entity, must delete policies first."),
            ("DeleteUserPolicy&UserName=bob&PolicyName=p", "null"),
            (delete, "DeleteConflict: Cannot delete entity, must detach all policies first."),
            (&format!("DetachUserPolicy&UserName=bob&{read_only}"), "null"),
            (delete, "DeleteConflict: Cannot delete entity, must remove users from group first."),
            ("RemoveUserFromGroup&UserName=bob&GroupName=staff", "null"),
            (delete, "DeleteConflict: Cannot delete entity, must delete access keys first."),
            (&format!("DeleteAccessKey&UserName=bob&AccessKeyId={key}"), "null"),
            (delete, "null"),
            (delete, "NoSuchEntity: The user with name bob cannot be found."),
            ("CreateUser&UserName=bob", BOB),
        ],
    );
}

#[test]
fn a_recreated_user_has_another_id() {
    let mut world = World::with(&["CreateUser&UserName=bob"]);
    let root = world.root();
    let first = world.ok(&root, "GetUser&UserName=bob");
    world.ok(&root, "DeleteUser&UserName=bob");
    let second = world.ok(&root, "CreateUser&UserName=bob");
    assert_ne!(first["User"]["UserId"], second["User"]["UserId"]);
    let id = second["User"]["UserId"].as_str().unwrap();
    assert_eq!(crate::unique_id::carried_account(id).unwrap().to_string(), "111122223333");
}

#[test]
fn quotas_of_users_and_groups() {
    let mut world = World::new();
    world.quotas.users = 1;
    world.quotas.groups = 1;
    let root = world.root();
    world.expect(
        &root,
        &[
            ("CreateUser&UserName=bob", BOB),
            (
                "CreateUser&UserName=ana",
                "LimitExceeded: Cannot exceed quota for UsersPerAccount: 1",
            ),
            ("CreateGroup&GroupName=staff", STAFF),
            (
                "CreateGroup&GroupName=crew",
                "LimitExceeded: Cannot exceed quota for GroupsPerAccount: 1",
            ),
        ],
    );
    world.quotas.groups = 20;
    for number in 0..10 {
        world.ok(&root, &format!("CreateGroup&GroupName=g{number}"));
        world.ok(&root, &format!("AddUserToGroup&UserName=bob&GroupName=g{number}"));
    }
    world.expect(
        &root,
        &[
            (
                "AddUserToGroup&UserName=bob&GroupName=staff",
                "LimitExceeded: Cannot exceed quota for GroupsPerUser: 10",
            ),
            ("AddUserToGroup&UserName=bob&GroupName=g3", "null"),
        ],
    );
}

#[test]
fn groups_are_created_renamed_and_deleted() {
    let read_only = "PolicyArn=arn:aws:iam::aws:policy/ReadOnlyAccess";
    let mut world = World::with(&["CreateUser&UserName=bob"]);
    let root = world.root();
    let delete = "DeleteGroup&GroupName=crew";
    world.expect(&root, &[
        ("CreateGroup&GroupName=staff", STAFF),
        ("CreateGroup&GroupName=Staff", "EntityAlreadyExists: Group with name Staff already exists."),
        (
            "GetGroup&GroupName=staff",
            r#"{"Group":{"Path":"/","GroupName":"staff","GroupId":"<AGPA>","Arn":"arn:aws:iam::111122223333:group/staff","CreateDate":"<now>"},"Users":[],"IsTruncated":false}"#,
        ),
        ("CreateGroup&GroupName=ops", r#"{"Group":{"Path":"/","GroupName":"ops","GroupId":"<AGPA>","Arn":"arn:aws:iam::111122223333:group/ops","CreateDate":"<now>"}}"#),
        ("UpdateGroup&GroupName=staff&NewGroupName=ops", "EntityAlreadyExists: Group with name ops already exists."),
        ("UpdateGroup&GroupName=none&NewGroupName=x", "NoSuchEntity: The group with name none cannot be found."),
        ("UpdateGroup&GroupName=staff&NewGroupName=crew&NewPath=/new/", "null"),
        ("GetGroup&GroupName=staff", "NoSuchEntity: The group with name staff cannot be found."),
        (
            "ListGroups&PathPrefix=/new/",
            r#"{"Groups":[{"Path":"/new/","GroupName":"crew","GroupId":"<AGPA>","Arn":"arn:aws:iam::111122223333:group/new/crew","CreateDate":"<now>"}],"IsTruncated":false}"#,
        ),
        (&format!("PutGroupPolicy&GroupName=crew&PolicyName=p&PolicyDocument={ALLOW_ALL}"), "null"),
        (&format!("AttachGroupPolicy&GroupName=crew&{read_only}"), "null"),
        ("AddUserToGroup&GroupName=crew&UserName=bob", "null"),
        (delete, "DeleteConflict: Cannot delete entity, must delete policies first."),
        ("DeleteGroupPolicy&GroupName=crew&PolicyName=p", "null"),
        (delete, "DeleteConflict: Cannot delete entity, must detach all policies first."),
        (&format!("DetachGroupPolicy&GroupName=crew&{read_only}"), "null"),
        (delete, "DeleteConflict: Cannot delete entity, must remove users from group first."),
        ("RemoveUserFromGroup&GroupName=crew&UserName=bob", "null"),
        (delete, "null"),
        (delete, "NoSuchEntity: The group with name crew cannot be found."),
    ]);
}

#[test]
fn members_come_and_go_without_complaint() {
    let mut world = World::with(&["CreateUser&UserName=bob", "CreateGroup&GroupName=staff"]);
    let root = world.root();
    world.expect(&root, &[
        ("RemoveUserFromGroup&GroupName=staff&UserName=bob", "null"),
        ("AddUserToGroup&GroupName=staff&UserName=bob", "null"),
        ("AddUserToGroup&GroupName=staff&UserName=bob", "null"),
        (
            "ListGroupsForUser&UserName=bob",
            r#"{"Groups":[{"Path":"/","GroupName":"staff","GroupId":"<AGPA>","Arn":"arn:aws:iam::111122223333:group/staff","CreateDate":"<now>"}],"IsTruncated":false}"#,
        ),
        ("RemoveUserFromGroup&GroupName=staff&UserName=bob", "null"),
        ("ListGroupsForUser&UserName=bob", r#"{"Groups":[],"IsTruncated":false}"#),
        ("AddUserToGroup&GroupName=staff&UserName=none", "NoSuchEntity: The user with name none cannot be found."),
        ("AddUserToGroup&GroupName=none&UserName=bob", "NoSuchEntity: The group with name none cannot be found."),
        ("RemoveUserFromGroup&GroupName=none&UserName=any-user", "NoSuchEntity: The user with name any-user cannot be found."),
        ("RemoveUserFromGroup&GroupName=none&UserName=bob", "NoSuchEntity: The group with name none cannot be found."),
        ("ListGroupsForUser&UserName=none", "NoSuchEntity: The user with name none cannot be found."),
        ("GetGroup&GroupName=none", "NoSuchEntity: The group with name none cannot be found."),
    ]);
}

#[test]
fn pages_of_users_and_members_join_up() {
    let mut world = World::with(&["CreateGroup&GroupName=staff"]);
    let root = world.root();
    for number in 0..25 {
        world.ok(&root, &format!("CreateUser&UserName=User{number}&Path=/{}/", number % 2));
        world.ok(&root, &format!("AddUserToGroup&UserName=user{number}&GroupName=staff"));
    }
    for (request, all) in
        [("ListUsers", 25), ("ListUsers&PathPrefix=/1/", 12), ("GetGroup&GroupName=staff", 25)]
    {
        let whole = world.ok(&root, request);
        assert_eq!(whole["Users"].as_array().unwrap().len(), all);
        let (mut seen, mut marker) = (Vec::new(), String::new());
        loop {
            let page = world.ok(&root, &format!("{request}&MaxItems=4{marker}"));
            seen.extend(page["Users"].as_array().unwrap().clone());
            let Some(next) = page["Marker"].as_str() else {
                assert_eq!(page["IsTruncated"], false);
                break;
            };
            assert!(page["IsTruncated"] == true && next.len() <= 320);
            marker = format!("&Marker={next}");
        }
        assert_eq!(json!(seen), whole["Users"], "{request}");
        // A marker belongs to its list.
        let page = world.ok(&root, &format!("{request}&MaxItems=4"));
        let marker = page["Marker"].as_str().unwrap();
        let elsewhere = format!("ListUsers&PathPrefix=/0/&Marker={marker}");
        assert_eq!(world.refusal(&root, &elsewhere), "ValidationError: Invalid Marker.");
    }
}

#[test]
fn a_page_goes_on_where_a_deleted_user_was() {
    let mut world = World::new();
    let root = world.root();
    for name in ["a", "b", "c", "d"] {
        world.ok(&root, &format!("CreateUser&UserName={name}"));
    }
    let page = world.ok(&root, "ListUsers&MaxItems=2");
    let marker = page["Marker"].as_str().unwrap();
    world.ok(&root, "DeleteUser&UserName=b");
    let next = world.ok(&root, &format!("ListUsers&Marker={marker}"));
    let names: Vec<_> =
        next["Users"].as_array().unwrap().iter().map(|it| &it["UserName"]).collect();
    assert_eq!(names, ["c", "d"]);
}

#[test]
fn a_boundary_is_shown_and_must_exist() {
    let mut world = World::with(&[
        &format!("CreatePolicy&PolicyName=bound&PolicyDocument={ALLOW_ALL}"),
        "CreateUser&UserName=bob",
        &format!("CreateRole&RoleName=app&AssumeRolePolicyDocument={TRUST_EC2}"),
    ]);
    let root = world.root();
    let bound = "arn:aws:iam::111122223333:policy/bound";
    let shown = json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": bound});
    for (kind, name) in [("User", "bob"), ("Role", "app")] {
        let put = format!("Put{kind}PermissionsBoundary&{kind}Name={name}&PermissionsBoundary=");
        world.expect(&root, &[
            (&format!("{put}arn:aws:iam::111122223333:role/app"), "InvalidParameterValue: Value (arn:aws:iam::111122223333:role/app) for parameter PermissionsBoundary is invalid."),
            (&format!("{put}arn:aws:iam::111122223333:policy/none"), "NoSuchEntity: Policy arn:aws:iam::111122223333:policy/none does not exist or is not attachable."),
            (&format!("{put}{bound}"), "null"),
        ]);
        let got = world.ok(&root, &format!("Get{kind}&{kind}Name={name}"));
        assert_eq!(got[kind]["PermissionsBoundary"], shown);
        let listed = world.ok(&root, &format!("List{kind}s"));
        assert_eq!(listed[format!("{kind}s")][0].get("PermissionsBoundary"), None);
        let delete = format!("DeletePolicy&PolicyArn={bound}");
        assert_eq!(
            world.refusal(&root, &delete),
            "DeleteConflict: Cannot delete a policy attached to entities."
        );
        world.ok(&root, &format!("Delete{kind}PermissionsBoundary&{kind}Name={name}"));
        let got = world.ok(&root, &format!("Get{kind}&{kind}Name={name}"));
        assert_eq!(got[kind].get("PermissionsBoundary"), None);
        let absent = format!("Delete{kind}PermissionsBoundary&{kind}Name=none");
        assert!(world.refusal(&root, &absent).starts_with("NoSuchEntity: The "));
    }
    let created = world.ok(&root, &format!("CreateUser&UserName=ana&PermissionsBoundary={bound}"));
    assert_eq!(marked(&created)["User"]["PermissionsBoundary"], shown);
}
