//! Reports of last access: what they list, whom they name, and who may read them.

use serde_json::{Value, json};

use crate::caller::Caller;
use crate::operation::Access;
use crate::test_support::{ALLOW_ALL, NOW, TRUST_EC2, World};

const BOB: &str = "arn:aws:iam::111122223333:user/x/bob";
const ANA: &str = "arn:aws:iam::111122223333:user/ana";
const TEAM: &str = "arn:aws:iam::111122223333:group/team";
const READER: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";

fn policy(action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":["{action}"],"Resource":"*"}}}}"#
    )
}

/// Two users in a group; bob may use S3 and IAM, and his group CodeCommit.
fn world() -> World {
    let mut world = World::with(&[
        "CreateUser&UserName=bob&Path=/x/",
        "CreateUser&UserName=ana",
        "CreateGroup&GroupName=team",
        "AddUserToGroup&GroupName=team&UserName=bob",
        "AddUserToGroup&GroupName=team&UserName=ana",
        &format!("CreateRole&RoleName=app&AssumeRolePolicyDocument={TRUST_EC2}"),
        &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={}", policy("iam:*")),
        &format!(
            "PutGroupPolicy&GroupName=team&PolicyName=p&PolicyDocument={}",
            policy("codecommit:*")
        ),
        &format!("AttachUserPolicy&UserName=bob&PolicyArn={READER}"),
        &format!("AttachRolePolicy&RoleName=app&PolicyArn={READER}"),
    ]);
    let (bob, ana) = (world.user("bob"), world.user("ana"));
    for (caller, action, seconds_ago, region) in [
        (&bob, "s3:GetObject", 100, "eu-west-1"),
        (&bob, "s3:ListBucket", 50, "eu-west-2"),
        (&bob, "codecommit", 300, "eu-west-1"),
        (&bob, "ec2:RunInstances", 1, "eu-west-1"),
        (&bob, "iam:GetUser", 401 * 24 * 60 * 60, "us-east-1"),
        (&ana, "codecommit:GetFile", 200, "us-east-1"),
    ] {
        note(&mut world, caller, action, seconds_ago, region);
    }
    world
}

fn note(world: &mut World, caller: &Caller, action: &str, seconds_ago: i64, region: &str) {
    let id = caller.identity.access_id().to_owned();
    let access = Access { action: action.into(), time: ago(seconds_ago), region: region.into() };
    world.facts.accesses.entry((caller.account, id)).or_default().push(access);
}

fn ago(seconds: i64) -> iamd_wire::Timestamp {
    iamd_wire::Timestamp::from_seconds(NOW.seconds() - seconds)
}

fn job(world: &mut World, caller: &Caller, arn: &str, more: &str) -> String {
    let request = format!("GenerateServiceLastAccessedDetails&Arn={arn}{more}");
    let id = world.ok(caller, &request)["JobId"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 36);
    id
}

fn report(world: &mut World, arn: &str, more: &str) -> Value {
    let root = world.root();
    let id = job(world, &root, arn, more);
    world.ok(&root, &format!("GetServiceLastAccessedDetails&JobId={id}&MaxItems=1000"))
}

/// The services of a report by namespace.
fn services(report: &Value) -> Vec<(&str, &Value)> {
    let services = report["ServicesLastAccessed"].as_array().unwrap();
    services.iter().map(|it| (it["ServiceNamespace"].as_str().unwrap(), it)).collect()
}

#[test]
fn a_report_lists_what_a_user_may_use_and_when_he_did() {
    let mut world = world();
    let report = report(&mut world, BOB, "");
    assert_eq!(report["JobStatus"], "COMPLETED");
    assert_eq!(report["JobType"], "SERVICE_LEVEL");
    assert_eq!(report["JobCreationDate"], NOW.seconds());
    let services = services(&report);
    let names: Vec<&str> = services.iter().map(|(name, _)| *name).collect();
    assert!(names.is_sorted());
    assert!(["codecommit", "iam", "s3"].iter().all(|it| names.contains(it)), "{names:?}");
    assert!(!names.contains(&"ec2"), "he has tried what he may not use");
    let of = |name: &str| services.iter().find(|(known, _)| *known == name).unwrap().1.clone();
    assert_eq!(
        of("s3"),
        json!({
            "ServiceName": "Amazon S3", "ServiceNamespace": "s3",
            "LastAuthenticated": ago(50).seconds(), "LastAuthenticatedEntity": BOB,
            "LastAuthenticatedRegion": "eu-west-2", "TotalAuthenticatedEntities": 1,
        })
    );
    let unused = json!({
        "ServiceName": "AWS Identity and Access Management (IAM)", "ServiceNamespace": "iam",
        "TotalAuthenticatedEntities": 0,
    });
    assert_eq!(of("iam"), unused, "400 days are tracked");
}

#[test]
fn actions_are_told_when_they_are_asked_for() {
    let mut world = world();
    let report = report(&mut world, BOB, "&Granularity=ACTION_LEVEL");
    assert_eq!(report["JobType"], "ACTION_LEVEL");
    let services = services(&report);
    let of = |name: &str| services.iter().find(|(known, _)| *known == name).unwrap().1;
    let action = |name: &str, seconds: i64, region: &str| {
        json!({
            "ActionName": name, "LastAccessedEntity": BOB,
            "LastAccessedTime": ago(seconds).seconds(), "LastAccessedRegion": region,
        })
    };
    assert_eq!(
        of("s3")["TrackedActionsLastAccessed"],
        json!([action("GetObject", 100, "eu-west-1"), action("ListBucket", 50, "eu-west-2")])
    );
    assert_eq!(of("codecommit")["TrackedActionsLastAccessed"], Value::Null);
    assert!(of("codecommit")["LastAuthenticated"].is_number());
}

#[test]
fn reports_on_groups_and_policies_name_the_last_who_used_them() {
    let mut world = world();
    let report_on_group = report(&mut world, TEAM, "");
    let found = services(&report_on_group);
    let [("codecommit", service)] = found[..] else { panic!("{found:?}") };
    assert_eq!(service["LastAuthenticatedEntity"], ANA);
    assert_eq!(service["LastAuthenticated"], ago(200).seconds());
    assert_eq!(service["TotalAuthenticatedEntities"], 2);
    let report_on_policy = report(&mut world, READER, "");
    let found = services(&report_on_policy);
    let s3 = found.iter().find(|(name, _)| *name == "s3").unwrap().1;
    assert_eq!(
        (&s3["LastAuthenticatedEntity"], &s3["TotalAuthenticatedEntities"]),
        (&json!(BOB), &json!(1))
    );
}

#[test]
fn entities_come_with_the_last_first() {
    let mut world = world();
    let root = world.root();
    let id = job(&mut world, &root, TEAM, "");
    let ask = |more: &str| format!("GetServiceLastAccessedDetailsWithEntities&JobId={id}{more}");
    let answer = world.ok(&root, &ask("&ServiceNamespace=codecommit"));
    let list = answer["EntityDetailsList"].as_array().unwrap();
    let arns: Vec<&Value> = list.iter().map(|it| &it["EntityInfo"]["Arn"]).collect();
    assert_eq!(arns, [ANA, BOB]);
    assert_eq!(list[1]["EntityInfo"]["Path"], "/x/");
    assert_eq!(list[1]["EntityInfo"]["Type"], "USER");
    assert_eq!(list[1]["LastAuthenticated"], ago(300).seconds());
    let page = world.ok(&root, &ask("&ServiceNamespace=codecommit&MaxItems=1"));
    let marker = page["Marker"].as_str().unwrap();
    let next = world.ok(&root, &ask(&format!("&ServiceNamespace=codecommit&Marker={marker}")));
    assert_eq!(next["EntityDetailsList"][0]["EntityInfo"]["Arn"], BOB);
    let other = world.ok(&root, &ask("&ServiceNamespace=ec2"));
    assert_eq!(other["EntityDetailsList"], json!([]), "nobody may use it");
    let id = job(&mut world, &root, READER, "");
    let ask = format!("GetServiceLastAccessedDetailsWithEntities&JobId={id}&ServiceNamespace=s3");
    let answer = world.ok(&root, &ask);
    let list = answer["EntityDetailsList"].as_array().unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(list[1]["EntityInfo"]["Type"], "ROLE");
    assert_eq!(list[1]["LastAuthenticated"], Value::Null);
}

#[test]
fn pages_join_up() {
    let mut world = world();
    let root = world.root();
    world.ok(&root, &format!("PutUserPolicy&UserName=ana&PolicyName=p&PolicyDocument={ALLOW_ALL}"));
    let id = job(&mut world, &root, ANA, "");
    let (mut names, mut marker) = (Vec::new(), String::new());
    loop {
        let ask = format!("GetServiceLastAccessedDetails&JobId={id}&MaxItems=150{marker}");
        let page = world.ok(&root, &ask);
        names.extend(services(&page).iter().map(|(name, _)| (*name).to_owned()));
        match page["Marker"].as_str() {
            Some(next) => marker = format!("&Marker={next}"),
            None => break,
        }
    }
    assert!(names.len() > 400 && names.is_sorted());
    names.dedup();
    assert_eq!(names.len(), iamd_policy::service_data::prefixes().count());
}

/// INVARIANT: a job is its caller's, and nobody makes one up.
#[test]
fn a_job_is_for_whom_it_was_made() {
    let mut world = world();
    let root = world.root();
    world.ok(&root, &format!("PutUserPolicy&UserName=ana&PolicyName=p&PolicyDocument={ALLOW_ALL}"));
    let ana = world.user("ana");
    let id = job(&mut world, &root, BOB, "");
    let ask = |id: &str| format!("GetServiceLastAccessedDetails&JobId={id}");
    let refusal = |id: &str| format!("NoSuchEntity: The job with id {id} cannot be found.");
    assert_eq!(world.refusal(&ana, &ask(&id)), refusal(&id));
    let other = world.root_of("444455556666");
    assert_eq!(world.refusal(&other, &ask(&id)), refusal(&id));
    for place in 0..id.len() {
        let mut forged = id.clone().into_bytes();
        forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        assert_eq!(world.refusal(&root, &ask(&forged)), refusal(&forged));
    }
    world.ok(&root, &ask(&id));
    for request in [
        "RemoveUserFromGroup&GroupName=team&UserName=bob",
        &format!("DetachUserPolicy&UserName=bob&PolicyArn={READER}"),
        "DeleteUserPolicy&UserName=bob&PolicyName=p",
    ] {
        world.ok(&root, request);
    }
    let keys = world.ok(&root, "ListAccessKeys&UserName=bob");
    let key = keys["AccessKeyMetadata"][0]["AccessKeyId"].as_str().unwrap().to_owned();
    world.ok(&root, &format!("DeleteAccessKey&UserName=bob&AccessKeyId={key}"));
    world.ok(&root, "DeleteUser&UserName=bob");
    assert_eq!(world.refusal(&root, &ask(&id)), refusal(&id));
}

#[test]
fn what_is_no_subject_is_refused() {
    let mut world = world();
    let root = world.root();
    for (arn, refusal) in [
        (
            "arn:aws:iam::111122223333:root",
            "InvalidInput: Invalid Entity Arn: arn:aws:iam::111122223333:root does not clearly define entity type and name.",
        ),
        (
            "arn:aws:iam::111122223333:role/none",
            "NoSuchEntity: The role with name none cannot be found.",
        ),
        (
            "arn:aws:iam::111122223333:policy/none",
            "NoSuchEntity: Policy arn:aws:iam::111122223333:policy/none was not found.",
        ),
    ] {
        let request = format!("GenerateServiceLastAccessedDetails&Arn={arn}");
        assert_eq!(world.refusal(&root, &request), refusal);
    }
}

#[test]
fn a_report_that_would_take_too_long_fails() {
    let mut world = world();
    let root = world.root();
    let actions: Vec<String> = (0..501).map(|number| format!("s3:A{number}")).collect();
    let wide = policy(&actions.join("\",\"")).replace("Action", "NotAction");
    for name in ["a", "b"] {
        world.ok(&root, &format!("CreatePolicy&PolicyName={name}&PolicyDocument={wide}"));
        let arn = format!("PolicyArn=arn:aws:iam::111122223333:policy/{name}");
        world.ok(&root, &format!("AttachUserPolicy&UserName=ana&{arn}"));
    }
    let report = report(&mut world, ANA, "");
    assert_eq!(report["JobStatus"], "FAILED");
    assert_eq!(report["Error"]["Code"], "PolicyEvaluation");
    assert_eq!(report["ServicesLastAccessed"], json!([]));
}

#[test]
fn organizations_are_told_that_there_is_none() {
    let mut world = World::new();
    let root = world.root();
    assert_eq!(
        world.refusal(&root, "GenerateOrganizationsAccessReport&EntityPath=o-abcdefghij/r-abcd"),
        "OrganizationNotFoundException: The request was rejected because no organization is associated with your account."
    );
    let id = "00000000-0000-0000-0000-000000000000";
    let request = format!("GetOrganizationsAccessReport&JobId={id}");
    let refusal = format!("NoSuchEntity: The job with id {id} cannot be found.");
    assert_eq!(world.refusal(&root, &request), refusal);
}
