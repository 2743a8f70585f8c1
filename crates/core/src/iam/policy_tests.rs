//! Managed policies, their versions and attachments, and inline policies.

use serde_json::{Value, json};

use crate::test_support::{ALLOW_ALL, TRUST_EC2, World, marked};

const READER: &str = "arn:aws:iam::111122223333:policy/reader";
const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

fn reader(version: &str, attachments: u32) -> Value {
    json!({
        "PolicyName": "reader", "PolicyId": "<ANPA>", "Arn": READER, "Path": "/",
        "DefaultVersionId": version, "AttachmentCount": attachments,
        "PermissionsBoundaryUsageCount": 0, "IsAttachable": true,
        "CreateDate": "<now>", "UpdateDate": "<now>",
    })
}

fn world() -> World {
    World::with(&[
        &format!("CreatePolicy&PolicyName=reader&PolicyDocument={ALLOW_ALL}"),
        "CreateUser&UserName=bob",
        "CreateGroup&GroupName=staff",
        &format!("CreateRole&RoleName=app&AssumeRolePolicyDocument={TRUST_EC2}"),
    ])
}

#[test]
fn policies_are_created_shown_and_deleted() {
    let mut world = World::new();
    let root = world.root();
    let create = format!("CreatePolicy&PolicyName=reader&Description=d&PolicyDocument={ALLOW_ALL}");
    let mut got = reader("v1", 0);
    got["Description"] = json!("d");
    got["Tags"] = json!([]);
    world.expect(&root, &[
        (&create, &json!({"Policy": reader("v1", 0)}).to_string()),
        (&create, "EntityAlreadyExists: A policy called reader already exists. Duplicate names are not allowed."),
        (&create.replace("reader", "Reader"), "EntityAlreadyExists: A policy called Reader already exists. Duplicate names are not allowed."),
        (&format!("GetPolicy&PolicyArn={READER}"), &json!({"Policy": got}).to_string()),
        ("ListPolicies&Scope=Local", &json!({"Policies": [reader("v1", 0)], "IsTruncated": false}).to_string()),
        ("ListPolicies&Scope=Local&OnlyAttached=true", r#"{"Policies":[],"IsTruncated":false}"#),
        ("GetPolicy&PolicyArn=arn:aws:iam::111122223333:policy/READER", "NoSuchEntity: Policy arn:aws:iam::111122223333:policy/READER was not found."),
        ("GetPolicy&PolicyArn=ReadOnlyAccessReadOnlyAccess", "ValidationError: Invalid ARN:  Could not be parsed!"),
        ("CreatePolicy&PolicyName=x&PolicyDocument=text", "MalformedPolicyDocument: Syntax errors in policy."),
        (&format!("DeletePolicy&PolicyArn={READER}"), "null"),
        (&format!("DeletePolicy&PolicyArn={READER}"), &format!("NoSuchEntity: Policy {READER} was not found.")),
    ]);
    world.quotas.policies = 0;
    assert_eq!(
        world.refusal(&root, &create),
        "LimitExceeded: Cannot exceed quota for PoliciesPerAccount: 0"
    );
}

#[test]
fn versions_are_numbered_once() {
    let mut world = world();
    let root = world.root();
    let create = format!("CreatePolicyVersion&PolicyArn={READER}&PolicyDocument={ALLOW_ALL}");
    let of = |operation: &str, version: &str| {
        format!("{operation}&PolicyArn={READER}&VersionId={version}")
    };
    let version = |number: u32, default: bool| json!({"VersionId": format!("v{number}"), "IsDefaultVersion": default, "CreateDate": "<now>"});
    let mut shown = version(2, false);
    shown["Document"] = json!(ALLOW_ALL);
    let absent =
        format!("NoSuchEntity: Policy {READER} version v9 does not exist or is not attachable.");
    let limit = "LimitExceeded: A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.";
    let many = "DeleteConflict: This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.";
    world.expect(&root, &[
        (&create, &json!({"PolicyVersion": version(2, false)}).to_string()),
        (&format!("{create}&SetAsDefault=true"), &json!({"PolicyVersion": version(3, true)}).to_string()),
        (&of("GetPolicyVersion", "v2"), &json!({"PolicyVersion": shown}).to_string()),
        (
            &format!("ListPolicyVersions&PolicyArn={READER}"),
            &json!({"Versions": [version(3, true), version(2, false), version(1, false)], "IsTruncated": false}).to_string(),
        ),
        (&of("DeletePolicyVersion", "v3"), "DeleteConflict: Cannot delete the default version of a policy."),
        (&of("DeletePolicyVersion", "v2"), "null"),
        (&create, &json!({"PolicyVersion": version(4, false)}).to_string()),
        (&of("SetDefaultPolicyVersion", "v4"), "null"),
        (&create, &json!({"PolicyVersion": version(5, false)}).to_string()),
        (&create, &json!({"PolicyVersion": version(6, false)}).to_string()),
        (&create, limit),
        (&of("GetPolicyVersion", "v9"), &absent),
        (&of("DeletePolicyVersion", "v9"), &absent),
        (&of("SetDefaultPolicyVersion", "v9"), &absent),
        (&of("GetPolicyVersion", "v2"), &absent.replace("v9", "v2")),
        (&format!("DeletePolicy&PolicyArn={READER}"), many),
    ]);
    let policy = world.ok(&root, &format!("GetPolicy&PolicyArn={READER}"));
    assert_eq!(policy["Policy"]["DefaultVersionId"], "v4");
    let (mut seen, mut marker) = (Vec::new(), String::new());
    loop {
        let list = format!("ListPolicyVersions&PolicyArn={READER}&MaxItems=2{marker}");
        let page = world.ok(&root, &list);
        seen.extend(page["Versions"].as_array().unwrap().iter().map(|it| it["VersionId"].clone()));
        let Some(next) = page["Marker"].as_str() else { break };
        marker = format!("&Marker={next}");
    }
    assert_eq!(seen, ["v6", "v5", "v4", "v3", "v1"]);
}

#[test]
fn the_update_date_is_that_of_the_newest_version() {
    let mut world = world();
    let root = world.root();
    world.now = iamd_wire::Timestamp::from_seconds(world.now.seconds() + 60);
    world.ok(&root, &format!("CreatePolicyVersion&PolicyArn={READER}&PolicyDocument={ALLOW_ALL}"));
    let policy = world.ok(&root, &format!("GetPolicy&PolicyArn={READER}"));
    assert_eq!(policy["Policy"]["CreateDate"], 1_769_860_800);
    assert_eq!(policy["Policy"]["UpdateDate"], 1_769_860_860);
}

#[test]
fn managed_policies_are_attached_and_detached() {
    for (kind, name) in [("User", "bob"), ("Group", "staff"), ("Role", "app")] {
        let mut world = world();
        let root = world.root();
        let request =
            |verb: &str, arn: &str| format!("{verb}{kind}Policy&{kind}Name={name}&PolicyArn={arn}");
        let list = format!("ListAttached{kind}Policies&{kind}Name={name}");
        let listed = |policies: Value| {
            json!({"AttachedPolicies": policies, "IsTruncated": false}).to_string()
        };
        let none = "arn:aws:iam::111122223333:policy/nonexistent";
        let word = kind.to_lowercase();
        let missing = format!("NoSuchEntity: The {word} with name none cannot be found.");
        world.expect(&root, &[
            (&list, &listed(json!([]))),
            (&request("Attach", none), &format!("NoSuchEntity: Policy {none} does not exist or is not attachable.")),
            (&request("Attach", "arn:aws:iam::aws:policy/nonexistent"), "NoSuchEntity: Policy arn:aws:iam::aws:policy/nonexistent does not exist or is not attachable."),
            (&request("Attach", "ReadOnlyAccessReadOnlyAccess"), "ValidationError: Invalid ARN:  Could not be parsed!"),
            (&request("Attach", "arn:aws:iam::aws:policy/aws-service-role/AWSSupportServiceRolePolicy"), "PolicyNotAttachable: Cannot attach a Service Role Policy to a Customer Role."),
            (&request("Detach", READER), &format!("NoSuchEntity: Policy {READER} was not found.")),
            (&request("Detach", "ReadOnlyAccessReadOnlyAccess"), "ValidationError: Invalid ARN:  Could not be parsed!"),
            (&request("Attach", READER), "null"),
            (&request("Attach", READER), "null"),
            (&request("Attach", READ_ONLY), "null"),
            (&list, &listed(json!([{"PolicyName": "ReadOnlyAccess", "PolicyArn": READ_ONLY}, {"PolicyName": "reader", "PolicyArn": READER}]))),
            (&format!("{list}&PathPrefix=/service-role/"), &listed(json!([]))),
            (&format!("DeletePolicy&PolicyArn={READER}"), "DeleteConflict: Cannot delete a policy attached to entities."),
            (&request("Detach", READER), "null"),
            (&request("Detach", READER), &format!("NoSuchEntity: Policy {READER} was not found.")),
            (&format!("DeletePolicy&PolicyArn={READER}"), "null"),
            (&request("Attach", READ_ONLY).replace(name, "none"), &missing),
            (&request("Detach", READ_ONLY).replace(name, "none"), &missing),
            (&list.replace(name, "none"), &missing),
        ]);
        match kind {
            "User" => world.quotas.attached_policies_per_user = 1,
            "Group" => world.quotas.attached_policies_per_group = 1,
            _ => world.quotas.attached_policies_per_role = 1,
        }
        let refusal =
            world.refusal(&root, &request("Attach", "arn:aws:iam::aws:policy/PowerUserAccess"));
        assert_eq!(refusal, format!("LimitExceeded: Cannot exceed quota for PoliciesPer{kind}: 1"));
    }
}

#[test]
fn the_users_of_a_policy_are_listed_in_pages() {
    let mut world = world();
    let root = world.root();
    for request in [
        "CreateUser&UserName=ana&Path=/x/",
        "PutUserPermissionsBoundary&UserName=ana&PermissionsBoundary={}",
        "PutUserPermissionsBoundary&UserName=bob&PermissionsBoundary={}",
        "PutRolePermissionsBoundary&RoleName=app&PermissionsBoundary={}",
        "AttachUserPolicy&UserName=bob&PolicyArn={}",
        "AttachGroupPolicy&GroupName=staff&PolicyArn={}",
    ] {
        world.ok(&root, &request.replace("{}", READER));
    }
    let policy = world.ok(&root, &format!("GetPolicy&PolicyArn={READER}"));
    let counts =
        (&policy["Policy"]["AttachmentCount"], &policy["Policy"]["PermissionsBoundaryUsageCount"]);
    assert_eq!(counts, (&json!(2), &json!(3)));
    let list = format!("ListEntitiesForPolicy&PolicyArn={READER}");
    let names = |answer: &Value| {
        let all = [
            ("PolicyGroups", "GroupName"),
            ("PolicyUsers", "UserName"),
            ("PolicyRoles", "RoleName"),
        ];
        let names = all.iter().flat_map(|(list, name)| {
            answer[list]
                .as_array()
                .unwrap()
                .iter()
                .map(move |it| it[*name].as_str().unwrap().to_owned())
        });
        names.collect::<Vec<_>>().join(" ")
    };
    for (filter, expected) in [
        ("", "staff ana bob app"),
        ("&EntityFilter=User", "ana bob"),
        ("&EntityFilter=Role", "app"),
        ("&EntityFilter=Group", "staff"),
        ("&EntityFilter=LocalManagedPolicy", ""),
        ("&PolicyUsageFilter=PermissionsPolicy", "staff bob"),
        ("&PolicyUsageFilter=PermissionsBoundary", "ana bob app"),
        ("&PathPrefix=/x/", "ana"),
        ("&EntityFilter=User&PolicyUsageFilter=PermissionsPolicy&PathPrefix=/x/", ""),
    ] {
        let whole = world.ok(&root, &format!("{list}{filter}"));
        assert_eq!(names(&whole), expected, "{filter}");
        let (mut seen, mut marker) = (Vec::new(), String::new());
        loop {
            let page = world.ok(&root, &format!("{list}{filter}&MaxItems=1{marker}"));
            seen.push(names(&page));
            let Some(next) = page["Marker"].as_str() else { break };
            marker = format!("&Marker={next}");
        }
        assert_eq!(seen.join(" "), expected, "{filter}");
    }
    let group = marked(&world.ok(&root, &list));
    assert_eq!(group["PolicyGroups"], json!([{"GroupName": "staff", "GroupId": "<AGPA>"}]));
    let refusal = world
        .refusal(&root, "ListEntitiesForPolicy&PolicyArn=arn:aws:iam::111122223333:policy/none");
    assert_eq!(
        refusal,
        "NoSuchEntity: Policy arn:aws:iam::111122223333:policy/none was not found."
    );
}

#[test]
fn policies_of_both_owners_are_listed_in_pages() {
    let mut world = world();
    let root = world.root();
    world.ok(&root, &format!("CreatePolicy&PolicyName=Alpha&Path=/x/&PolicyDocument={ALLOW_ALL}"));
    world.ok(&root, &format!("AttachUserPolicy&UserName=bob&PolicyArn={READ_ONLY}"));
    let (mut seen, mut marker) = (Vec::new(), String::new());
    loop {
        let page = world.ok(&root, &format!("ListPolicies&MaxItems=300{marker}"));
        let policies = page["Policies"].as_array().unwrap();
        assert!(policies.iter().all(|policy| policy.get("Tags").is_none()));
        seen.extend(policies.iter().map(|it| it["PolicyName"].as_str().unwrap().to_owned()));
        let Some(next) = page["Marker"].as_str() else { break };
        assert!(next.len() <= 320);
        marker = format!("&Marker={next}");
    }
    assert_eq!(seen[..2], ["Alpha", "reader"]);
    assert_eq!(seen.len(), 2 + crate::managed_policies::count());
    let names = |world: &mut World, filter: &str| {
        let answer = world.ok(&root, &format!("ListPolicies{filter}"));
        let policies = answer["Policies"].as_array().unwrap().clone();
        policies.iter().map(|it| it["PolicyName"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&mut world, "&OnlyAttached=true"), ["ReadOnlyAccess"]);
    assert_eq!(names(&mut world, "&OnlyAttached=true&Scope=Local"), [""; 0]);
    assert_eq!(names(&mut world, "&PathPrefix=/x/"), ["Alpha"]);
    world.ok(
        &root,
        &format!("PutUserPermissionsBoundary&UserName=bob&PermissionsBoundary={READER}"),
    );
    assert_eq!(names(&mut world, "&PolicyUsageFilter=PermissionsBoundary"), ["reader"]);
    assert_eq!(names(&mut world, "&PolicyUsageFilter=PermissionsPolicy"), ["ReadOnlyAccess"]);
}

#[test]
fn aws_managed_policies_are_read_but_never_changed() {
    let mut world = world();
    let root = world.root();
    let policy = world.ok(&root, &format!("GetPolicy&PolicyArn={READ_ONLY}"));
    assert_eq!(
        (&policy["Policy"]["PolicyName"], &policy["Policy"]["Arn"]),
        (&json!("ReadOnlyAccess"), &json!(READ_ONLY))
    );
    let version = policy["Policy"]["DefaultVersionId"].as_str().unwrap();
    let shown =
        world.ok(&root, &format!("GetPolicyVersion&PolicyArn={READ_ONLY}&VersionId={version}"));
    assert_eq!(shown["PolicyVersion"]["IsDefaultVersion"], true);
    for write in [
        format!("DeletePolicy&PolicyArn={READ_ONLY}"),
        format!("CreatePolicyVersion&PolicyArn={READ_ONLY}&PolicyDocument={ALLOW_ALL}"),
        format!("DeletePolicyVersion&PolicyArn={READ_ONLY}&VersionId={version}"),
        format!("SetDefaultPolicyVersion&PolicyArn={READ_ONLY}&VersionId={version}"),
        format!("TagPolicy&PolicyArn={READ_ONLY}&Tags.member.1.Key=a&Tags.member.1.Value=b"),
        format!("UntagPolicy&PolicyArn={READ_ONLY}&TagKeys.member.1=a"),
    ] {
        assert!(world.refusal(&root, &write).starts_with("AccessDenied: "), "{write}");
    }
}

#[test]
fn inline_policies_are_put_shown_listed_and_deleted() {
    for (kind, name, size) in
        [("User", "bob", 2_048), ("Group", "staff", 5_120), ("Role", "app", 10_240)]
    {
        let mut world = world();
        let root = world.root();
        let word = kind.to_lowercase();
        let put = |policy: &str, document: &str| {
            format!(
                "Put{kind}Policy&{kind}Name={name}&PolicyName={policy}&PolicyDocument={document}"
            )
        };
        let get = format!("Get{kind}Policy&{kind}Name={name}&PolicyName=p");
        let delete = format!("Delete{kind}Policy&{kind}Name={name}&PolicyName=p");
        let list = format!("List{kind}Policies&{kind}Name={name}");
        let missing = format!("NoSuchEntity: The {word} policy with name p cannot be found.");
        let nobody = format!("NoSuchEntity: The {word} with name none cannot be found.");
        let name_member = format!("{kind}Name");
        let spaced = ALLOW_ALL.replace(",", ",+");
        let shown = json!({name_member: name, "PolicyName": "p", "PolicyDocument": ALLOW_ALL.replace(",", ", ")});
        world.expect(
            &root,
            &[
                (&get, &missing),
                (&delete, &missing),
                (&list, r#"{"PolicyNames":[],"IsTruncated":false}"#),
                (&put("p", ALLOW_ALL), "null"),
                (&put("p", &spaced), "null"),
                (&get, &shown.to_string()),
                (&put("o", ALLOW_ALL), "null"),
                (&list, r#"{"PolicyNames":["o","p"],"IsTruncated":false}"#),
                (&put("q", "text"), "MalformedPolicyDocument: Syntax errors in policy."),
                (&delete, "null"),
                (&get, &missing),
                (&put("p", ALLOW_ALL).replace(&format!("={name}&"), "=none&"), &nobody),
                (&get.replace(&format!("={name}&"), "=none&"), &nobody),
                (&delete.replace(&format!("={name}&"), "=none&"), &nobody),
                (&list.replace(name, "none"), &nobody),
            ],
        );
        // All policies of a holder count together, white space does not.
        let filler = "x".repeat(size - 2 * ALLOW_ALL.len() - r#""Sid":"","#.len());
        let fits = ALLOW_ALL.replace(r#""Effect""#, &format!(r#""Sid":"{filler}",++"Effect""#));
        let exceeds = fits.replace("xx", "xxx");
        let refusal = world.refusal(&root, &put("p", &exceeds));
        assert_eq!(
            refusal,
            format!(
                "LimitExceeded: Maximum policy size of {size} bytes exceeded for {word} {name}"
            )
        );
        world.ok(&root, &put("p", &fits));
    }
}

#[test]
fn a_managed_policy_has_a_limit() {
    let mut world = world();
    let root = world.root();
    let filler = "x".repeat(6_144 - ALLOW_ALL.len() - r#""Sid":"","#.len());
    let fits = ALLOW_ALL.replace(r#""Effect""#, &format!(r#""Sid":"{filler}","Effect""#));
    let exceeds = fits.replacen('x', "xx", 1);
    let refusal = "LimitExceeded: Cannot exceed quota for PolicySize: 6144";
    world.expect(
        &root,
        &[
            (&format!("CreatePolicy&PolicyName=big&PolicyDocument={exceeds}"), refusal),
            (&format!("CreatePolicyVersion&PolicyArn={READER}&PolicyDocument={exceeds}"), refusal),
        ],
    );
    world.ok(&root, &format!("CreatePolicy&PolicyName=big&PolicyDocument={fits}"));
}
