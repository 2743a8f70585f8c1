//! The credential report, and everything about permissions at once.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iamd_wire::Timestamp;
use serde_json::{Value, json};

use crate::operation::LastUse;
use crate::test_support::{ACCOUNT, ALLOW_ALL, NOW, OTHER_ACCOUNT, TRUST_EC2, World, marked};

const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated";
const NO_CERTIFICATES: &str = "false,N/A,false,N/A";
const NO_KEY: &str = "false,N/A,N/A,N/A,N/A";

fn pass(world: &mut World, seconds: i64) {
    world.now = Timestamp::from_seconds(world.now.seconds() + seconds);
}

fn report(world: &mut World) -> Vec<String> {
    let root = world.root();
    let answer = world.ok(&root, "GetCredentialReport");
    assert_eq!(answer["ReportFormat"], "text/csv");
    let content = STANDARD.decode(answer["Content"].as_str().unwrap()).unwrap();
    String::from_utf8(content).unwrap().split('\n').map(str::to_owned).collect()
}

fn generated(world: &mut World) -> Vec<String> {
    let root = world.root();
    pass(world, 4 * 60 * 60);
    world.ok(&root, "GenerateCredentialReport");
    report(world)
}

#[test]
fn a_report_is_made_kept_for_four_hours_and_made_anew() {
    let mut world = World::new();
    let root = world.root();
    let started = json!({
        "State": "STARTED", "Description": "No report exists. Starting a new report generation task",
    })
    .to_string();
    let complete = json!({"State": "COMPLETE"}).to_string();
    world.expect(
        &root,
        &[
            ("GetCredentialReport", "ReportNotPresent"),
            ("GenerateCredentialReport", &started),
            ("GenerateCredentialReport", &complete),
        ],
    );
    let refusal = world.root_of(OTHER_ACCOUNT);
    assert_eq!(world.refusal(&refusal, "GetCredentialReport"), "ReportNotPresent");
    world.ok(&root, "CreateUser&UserName=bob");
    pass(&mut world, 4 * 60 * 60 - 1);
    world.expect(&root, &[("GenerateCredentialReport", &complete)]);
    assert_eq!(report(&mut world).len(), 2, "bob came later");
    pass(&mut world, 1);
    assert_eq!(world.refusal(&root, "GetCredentialReport"), "ReportExpired");
    world.expect(&root, &[("GenerateCredentialReport", &started)]);
    assert_eq!(report(&mut world).len(), 3);
}

#[test]
fn a_report_says_of_every_credential_what_it_is() {
    let mut world = World::with(&["CreateUser&UserName=bob&Path=/x/", "CreateUser&UserName=Ana"]);
    let root = world.root();
    let made = NOW.to_string();
    let ana = |rest: &str| format!("Ana,arn:aws:iam::{ACCOUNT}:user/Ana,{made},{rest}");
    let nothing = format!("false,N/A,N/A,N/A,false,{NO_KEY},{NO_KEY},{NO_CERTIFICATES}");
    let of_root = format!(
        "<root_account>,arn:aws:iam::{ACCOUNT}:root,{made},true,no_information,not_supported,not_supported,false,{NO_KEY},{NO_KEY},{NO_CERTIFICATES}"
    );
    let of_bob = format!("bob,arn:aws:iam::{ACCOUNT}:user/x/bob,{made},{nothing}");
    let before = generated(&mut world);
    assert_eq!(before, [HEADER, &of_root, &ana(&nothing), &of_bob]);

    // A password, of which it is known when it expires; two keys, the older one used.
    world.ok(&root, "UpdateAccountPasswordPolicy&MaxPasswordAge=90");
    world.ok(&root, "CreateLoginProfile&UserName=Ana&Password=Hunter22");
    let set = world.now;
    let expiry = Timestamp::from_seconds(set.seconds() + 90 * 86_400);
    let mut keys = Vec::new();
    for _ in 0..2 {
        pass(&mut world, 60);
        let key = world.ok(&root, "CreateAccessKey&UserName=Ana");
        let id = key["AccessKey"]["AccessKeyId"].as_str().unwrap().to_owned();
        keys.push((id, world.now.to_string()));
    }
    let [(first, first_made), (second, second_made)] = &keys[..] else { panic!("two keys") };
    let last = LastUse { time: world.now, region: "eu-west-1".into(), service: "sts".into() };
    world.facts.keys.insert(first.parse().unwrap(), last.clone());
    let of_iam = LastUse { service: "iam".into(), ..last };
    world.facts.keys.insert(second.parse().unwrap(), of_iam);
    let used = world.now;
    world.ok(&root, &format!("UpdateAccessKey&UserName=Ana&AccessKeyId={second}&Status=Inactive"));
    let lines = generated(&mut world);
    let expected = ana(&format!(
        "true,no_information,{set},{expiry},false,true,{first_made},{used},eu-west-1,sts,false,{second_made},{used},N/A,iam,{NO_CERTIFICATES}"
    ));
    assert_eq!(lines[2], expected);
    // Without a policy the same password never expires.
    world.ok(&root, "DeleteAccountPasswordPolicy");
    assert!(generated(&mut world)[2].contains(&format!("{set},N/A,false")));
}

/// Names may hold commas; a reader of CSV sees them as one value.
#[test]
fn names_with_commas_stay_one_value() {
    let mut world = World::with(&["CreateUser&UserName=a,b"]);
    let lines = generated(&mut world);
    assert!(lines[2].starts_with(&format!("\"a,b\",\"arn:aws:iam::{ACCOUNT}:user/a,b\",")));
}

/// Something of every kind, each with everything it can have.
fn full_world() -> World {
    let tag = "Tags.member.1.Key=team&Tags.member.1.Value=blue";
    let mut world = World::with(&[
        &format!("CreatePolicy&PolicyName=own&PolicyDocument={ALLOW_ALL}&Description=d&{tag}"),
        "CreateGroup&GroupName=staff",
        "CreateGroup&GroupName=Empty",
        &format!(
            "CreateUser&UserName=bob&Path=/x/&{tag}&PermissionsBoundary=arn:aws:iam::aws:policy/PowerUserAccess"
        ),
        "CreateUser&UserName=plain",
        &format!(
            "CreateRole&RoleName=app&Path=/x/&AssumeRolePolicyDocument={TRUST_EC2}&{tag}&Description=d"
        ),
        &format!("CreateRole&RoleName=plain&AssumeRolePolicyDocument={TRUST_EC2}"),
        "CreateInstanceProfile&InstanceProfileName=web",
        "AddRoleToInstanceProfile&InstanceProfileName=web&RoleName=app",
        "AddUserToGroup&GroupName=staff&UserName=bob",
    ]);
    let root = world.root();
    for (kind, name) in [("User", "bob"), ("Group", "staff"), ("Role", "app")] {
        let holder = format!("{kind}Name={name}");
        world.ok(
            &root,
            &format!("Put{kind}Policy&{holder}&PolicyName=in&PolicyDocument={ALLOW_ALL}"),
        );
        for arn in [
            format!("arn:aws:iam::{ACCOUNT}:policy/own"),
            "arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned(),
        ] {
            world.ok(&root, &format!("Attach{kind}Policy&{holder}&PolicyArn={arn}"));
        }
    }
    let version = format!(
        "CreatePolicyVersion&PolicyArn=arn:aws:iam::{ACCOUNT}:policy/own&PolicyDocument={ALLOW_ALL}"
    );
    world.ok(&root, &version);
    world
}

fn attached() -> Value {
    json!([
        {"PolicyName": "ReadOnlyAccess", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
        {"PolicyName": "own", "PolicyArn": arn("policy/own")},
    ])
}

fn inline() -> Value {
    json!([{"PolicyName": "in", "PolicyDocument": ALLOW_ALL}])
}

fn tags() -> Value {
    json!([{"Key": "team", "Value": "blue"}])
}

fn arn(rest: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{rest}")
}

fn details() -> Value {
    let mut world = full_world();
    let root = world.root();
    marked(&world.ok(&root, "GetAccountAuthorizationDetails"))
}

#[test]
fn details_of_users_and_groups() {
    let details = details();
    let (attached, inline, tags) = (attached(), inline(), tags());
    assert_eq!(
        details["UserDetailList"],
        json!([
            {
                "Path": "/x/", "UserName": "bob", "UserId": "<AIDA>", "Arn": arn("user/x/bob"),
                "CreateDate": "<now>", "UserPolicyList": inline, "GroupList": ["staff"],
                "AttachedManagedPolicies": attached, "Tags": tags,
                "PermissionsBoundary": {
                    "PermissionsBoundaryType": "Policy",
                    "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/PowerUserAccess",
                },
            },
            {
                "Path": "/", "UserName": "plain", "UserId": "<AIDA>", "Arn": arn("user/plain"),
                "CreateDate": "<now>", "GroupList": [], "AttachedManagedPolicies": [], "Tags": [],
            },
        ])
    );
    assert_eq!(
        details["GroupDetailList"],
        json!([
            {
                "Path": "/", "GroupName": "Empty", "GroupId": "<AGPA>", "Arn": arn("group/Empty"),
                "CreateDate": "<now>", "GroupPolicyList": [], "AttachedManagedPolicies": [],
            },
            {
                "Path": "/", "GroupName": "staff", "GroupId": "<AGPA>", "Arn": arn("group/staff"),
                "CreateDate": "<now>", "GroupPolicyList": inline,
                "AttachedManagedPolicies": attached,
            },
        ])
    );
}

#[test]
fn details_of_roles() {
    let details = details();
    let (attached, inline, tags) = (attached(), inline(), tags());
    let role = |path: &str, name: &str, tags: &Value| {
        json!({
            "Path": path, "RoleName": name, "RoleId": "<AROA>", "Tags": tags,
            "Arn": arn(&format!("role{path}{name}")), "CreateDate": "<now>",
            "AssumeRolePolicyDocument": TRUST_EC2, "InstanceProfileList": [],
            "RolePolicyList": [], "AttachedManagedPolicies": [], "RoleLastUsed": {},
        })
    };
    let mut app = role("/x/", "app", &tags);
    app["RolePolicyList"] = inline;
    app["AttachedManagedPolicies"] = attached;
    app["InstanceProfileList"] = json!([{
        "Path": "/", "InstanceProfileName": "web", "InstanceProfileId": "<AIPA>",
        "Arn": arn("instance-profile/web"), "CreateDate": "<now>",
        "Roles": [{
            "Path": "/x/", "RoleName": "app", "RoleId": "<AROA>", "Arn": arn("role/x/app"),
            "CreateDate": "<now>", "AssumeRolePolicyDocument": TRUST_EC2,
        }],
    }]);
    assert_eq!(details["RoleDetailList"], json!([app, role("/", "plain", &json!([]))]));
}

#[test]
fn details_of_policies() {
    let details = details();
    let policies = details["Policies"].as_array().unwrap();
    let names: Vec<&str> =
        policies.iter().map(|policy| policy["PolicyName"].as_str().unwrap()).collect();
    assert_eq!(names, ["own", "PowerUserAccess", "ReadOnlyAccess"]);
    let version = |number: u32, is_default: bool| {
        json!({
            "VersionId": format!("v{number}"), "IsDefaultVersion": is_default,
            "CreateDate": "<now>", "Document": ALLOW_ALL,
        })
    };
    assert_eq!(
        policies[0],
        json!({
            "PolicyName": "own", "PolicyId": "<ANPA>", "Arn": arn("policy/own"), "Path": "/",
            "DefaultVersionId": "v1", "AttachmentCount": 3, "PermissionsBoundaryUsageCount": 0,
            "IsAttachable": true, "CreateDate": "<now>", "UpdateDate": "<now>",
            "PolicyVersionList": [version(2, false), version(1, true)],
        })
    );
    assert_eq!(policies[1]["PermissionsBoundaryUsageCount"], 1);
    assert_eq!(policies[2]["AttachmentCount"], 3);
    assert_eq!((&details["IsTruncated"], details.get("Marker")), (&json!(false), None));
}

/// Names of all that an answer holds, list after list.
fn names(answer: &Value) -> Vec<String> {
    let lists = [
        ("UserDetailList", "UserName"),
        ("GroupDetailList", "GroupName"),
        ("RoleDetailList", "RoleName"),
        ("Policies", "PolicyName"),
    ];
    let of = |(list, name): (&str, &str)| -> Vec<String> {
        let items = answer[list].as_array().unwrap();
        items.iter().map(|item| format!("{list}:{}", item[name].as_str().unwrap())).collect()
    };
    lists.into_iter().flat_map(of).collect()
}

#[test]
fn filters_leave_empty_lists_and_pages_join_up() {
    let mut world = full_world();
    let root = world.root();
    let all = names(&world.ok(&root, "GetAccountAuthorizationDetails"));
    assert_eq!(all.len(), 9);
    let mut parts = Vec::new();
    for (filter, count) in
        [("User", 2), ("Group", 2), ("Role", 2), ("LocalManagedPolicy", 1), ("AWSManagedPolicy", 2)]
    {
        let request = format!("GetAccountAuthorizationDetails&Filter.member.1={filter}");
        let part = names(&world.ok(&root, &request));
        assert_eq!(part.len(), count, "{filter}");
        parts.extend(part);
    }
    assert_eq!(parts, all);
    let unknown = "GetAccountAuthorizationDetails&Filter.member.1=Robot";
    assert!(world.refusal(&root, unknown).starts_with("ValidationError: "));
    for filter in ["", "&Filter.member.1=Role&Filter.member.2=User"] {
        let whole = names(&world.ok(&root, &format!("GetAccountAuthorizationDetails{filter}")));
        for size in 1..10 {
            let (mut seen, mut marker) = (Vec::new(), String::new());
            loop {
                let request =
                    format!("GetAccountAuthorizationDetails{filter}&MaxItems={size}{marker}");
                let page = world.ok(&root, &request);
                seen.extend(names(&page));
                assert_eq!(page["IsTruncated"], page.get("Marker").is_some());
                let Some(next) = page["Marker"].as_str() else { break };
                marker = format!("&Marker={next}");
            }
            assert_eq!(seen, whole, "{filter} {size}");
        }
    }
    let first = world.ok(&root, "GetAccountAuthorizationDetails&MaxItems=1");
    let marker = first["Marker"].as_str().unwrap();
    let other = format!("GetAccountAuthorizationDetails&Filter.member.1=User&Marker={marker}");
    assert_eq!(world.refusal(&root, &other), "ValidationError: Invalid Marker.");
}

/// A page is no larger than it must be, however many items were asked for.
#[test]
fn a_page_ends_when_its_documents_are_long() {
    let mut world = World::new();
    let root = world.root();
    let long = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::{}"}}}}"#,
        "{".repeat(6_000)
    );
    for number in 0..60 {
        world.ok(&root, &format!("CreatePolicy&PolicyName=p{number:02}&PolicyDocument={long}"));
        for _ in 0..4 {
            let arn = format!("arn:aws:iam::{ACCOUNT}:policy/p{number:02}");
            world.ok(&root, &format!("CreatePolicyVersion&PolicyArn={arn}&PolicyDocument={long}"));
        }
    }
    let page = world.ok(&root, "GetAccountAuthorizationDetails&MaxItems=1000");
    let count = page["Policies"].as_array().unwrap().len();
    assert!((40..50).contains(&count), "{count}");
    let marker = page["Marker"].as_str().unwrap();
    let rest = world.ok(&root, &format!("GetAccountAuthorizationDetails&Marker={marker}"));
    assert_eq!(rest["Policies"].as_array().unwrap().len(), 60 - count);
}
