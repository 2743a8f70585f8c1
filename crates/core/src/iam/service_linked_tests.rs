//! Service-linked roles: made, protected, described and deleted.

use serde_json::{Value, json};

use crate::test_support::{ALLOW_ALL, TRUST_EC2, World, unescaped};

const ECS: &str = "CreateServiceLinkedRole&AWSServiceName=ecs.amazonaws.com";
const ROLE: &str = "AWSServiceRoleForECS";
const ARN: &str =
    "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";

fn refuses(world: &mut World, request: &str, refusal: &str) {
    let before = world.rows.clone();
    let root = world.root();
    let refused = world.refusal(&root, request);
    assert!(refused.starts_with(refusal), "{request}\n  {refused}");
    assert_eq!(world.rows, before);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn a_role_is_what_its_service_says() {
    let mut world = World::new();
    let root = world.root();
    let made = world.ok(&root, &format!("{ECS}&Description=for tests"));
    let role = &made["Role"];
    let facts = ["RoleName", "Path", "Arn", "Description"].map(|member| text(&role[member]));
    assert_eq!(facts, [ROLE, "/aws-service-role/ecs.amazonaws.com/", ARN, "for tests"]);
    let trust: Value =
        serde_json::from_str(&unescaped(text(&role["AssumeRolePolicyDocument"]))).unwrap();
    let statement = &trust["Statement"][0];
    assert_eq!(statement["Principal"], json!({"Service": ["ecs.amazonaws.com"]}));
    let attached = world.ok(&root, &format!("ListAttachedRolePolicies&RoleName={ROLE}"));
    assert_eq!(
        attached["AttachedPolicies"],
        json!([{"PolicyName": "AmazonECSServiceRolePolicy",
            "PolicyArn": "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy"}])
    );
}

#[test]
fn names_and_suffixes_are_the_services() {
    let mut world = World::with(&[ECS]);
    let root = world.root();
    let taken = "has been taken in this account, please try a different suffix.";
    refuses(&mut world, ECS, &format!("InvalidInput: Service role name {ROLE} {taken}"));
    let suffix = "InvalidInput: Custom suffix is not allowed for ecs.amazonaws.com";
    refuses(&mut world, &format!("{ECS}&CustomSuffix=a"), suffix);
    for service in ["s3.amazonaws.com", "ecs.amazonaws.com.evil.example", "AWSServiceRoleForECS"] {
        let request = format!("CreateServiceLinkedRole&AWSServiceName={service}");
        refuses(&mut world, &request, "InvalidInput: No service-linked role is known");
    }
    let scaling = "CreateServiceLinkedRole&AWSServiceName=autoscaling.amazonaws.com";
    for (more, name) in [("", ""), ("&CustomSuffix=web", "_web"), ("&CustomSuffix=db", "_db")] {
        let made = world.ok(&root, &format!("{scaling}{more}"));
        assert_eq!(text(&made["Role"]["RoleName"]), format!("AWSServiceRoleForAutoScaling{name}"));
    }
    let long = format!("{scaling}&CustomSuffix={}", "a".repeat(40));
    refuses(&mut world, &long, "ValidationError: 1 validation error detected");
    world.quotas.roles = 4;
    let full = "LimitExceeded: Cannot exceed quota for RolesPerAccount: 4";
    refuses(&mut world, &format!("{scaling}&CustomSuffix=more"), full);
}

/// Source: IAM User Guide, "Service-linked roles".
#[test]
fn nobody_changes_a_role_of_a_service() {
    let mut world = World::with(&[ECS, "CreateUser&UserName=bob"]);
    let root = world.root();
    let read_only = "PolicyArn=arn:aws:iam::aws:policy/ReadOnlyAccess";
    let changes = [
        format!("AttachRolePolicy&{read_only}"),
        format!("DetachRolePolicy&{read_only}"),
        format!("PutRolePolicy&PolicyName=p&PolicyDocument={ALLOW_ALL}"),
        "DeleteRolePolicy&PolicyName=p".to_owned(),
        "PutRolePermissionsBoundary&PermissionsBoundary=arn:aws:iam::aws:policy/ReadOnlyAccess"
            .to_owned(),
        "DeleteRolePermissionsBoundary".to_owned(),
        format!("UpdateAssumeRolePolicy&PolicyDocument={TRUST_EC2}"),
        "TagRole&Tags.member.1.Key=a&Tags.member.1.Value=b".to_owned(),
        "UntagRole&TagKeys.member.1=a".to_owned(),
        "DeleteRole".to_owned(),
        "UpdateRole&MaxSessionDuration=7200".to_owned(),
    ];
    let protected = "UnmodifiableEntity: Cannot perform the operation on the protected role 'AWSServiceRoleForECS' - this role is only modifiable by AWS";
    let bob = world.user("bob");
    for change in &changes {
        let request = format!("{change}&RoleName={ROLE}");
        refuses(&mut world, &request, protected);
        // Who would not be allowed anyway learns nothing.
        assert!(world.refusal(&bob, &request).starts_with("AccessDenied: "), "{change}");
    }
    let deny = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*"}},{{"Effect":"Deny","Action":"iam:DeleteRole","Resource":"{ARN}"}}]}}"#
    );
    world.ok(&root, &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={deny}"));
    let delete = format!("DeleteRole&RoleName={ROLE}");
    assert!(world.refusal(&bob, &delete).contains("with an explicit deny"));
    assert_eq!(
        world.refusal(&bob, &format!("UntagRole&TagKeys.member.1=a&RoleName={ROLE}")),
        protected
    );
    // A role beside it is an ordinary one.
    world.ok(&root, &format!("CreateRole&RoleName=Other&AssumeRolePolicyDocument={TRUST_EC2}"));
    world.ok(&bob, "UntagRole&TagKeys.member.1=a&RoleName=Other");
}

#[test]
fn its_description_is_free() {
    let mut world = World::with(&[ECS]);
    let root = world.root();
    for request in ["UpdateRoleDescription", "UpdateRole"] {
        world.ok(&root, &format!("{request}&RoleName={ROLE}&Description={request}"));
        let shown = world.ok(&root, &format!("GetRole&RoleName={ROLE}"));
        assert_eq!(text(&shown["Role"]["Description"]), request);
    }
}

/// Sessions carry the names of roles without their paths.
#[test]
fn nobody_else_has_a_name_of_a_service() {
    let mut world = World::new();
    let root = world.root();
    let create =
        |name: &str| format!("CreateRole&RoleName={name}&AssumeRolePolicyDocument={TRUST_EC2}");
    refuses(&mut world, &create("AWSServiceRoleForMe"), "InvalidInput: Names that begin with");
    world.ok(&root, &create("AWSServiceRole"));
}

#[test]
fn a_deletion_is_a_task() {
    let mut world = World::with(&[ECS]);
    let root = world.root();
    let delete = format!("DeleteServiceLinkedRole&RoleName={ROLE}");
    let status = |world: &mut World, task: &Value| {
        let id = text(&task["DeletionTaskId"]).to_owned();
        world.ok(&root, &format!("GetServiceLinkedRoleDeletionStatus&DeletionTaskId={id}"))
    };
    // In use: the task fails, and the role stays.
    world.ok(&root, "CreateInstanceProfile&InstanceProfileName=p");
    world.ok(&root, &format!("AddRoleToInstanceProfile&InstanceProfileName=p&RoleName={ROLE}"));
    let failed = world.ok(&root, &delete);
    assert_eq!(
        status(&mut world, &failed),
        json!({"Status": "FAILED", "Reason": {
            "Reason": "The role is in instance profiles.",
            "RoleUsageList": [{"Region": "us-east-1",
                "Resources": ["arn:aws:iam::111122223333:instance-profile/p"]}]}})
    );
    world.ok(&root, &format!("GetRole&RoleName={ROLE}"));
    world
        .ok(&root, &format!("RemoveRoleFromInstanceProfile&InstanceProfileName=p&RoleName={ROLE}"));
    let task = world.ok(&root, &delete);
    let id = text(&task["DeletionTaskId"]);
    let beginning = format!("task/aws-service-role/ecs.amazonaws.com/{ROLE}/");
    let uuid = id.strip_prefix(&*beginning).unwrap();
    let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12]);
    assert!(uuid.as_bytes()[14] == b'4' && b"89ab".contains(&uuid.as_bytes()[19]), "{uuid}");
    assert_eq!(status(&mut world, &task), json!({"Status": "SUCCEEDED"}));
    let missing = format!("NoSuchEntity: The role with name {ROLE} cannot be found.");
    refuses(&mut world, &format!("GetRole&RoleName={ROLE}"), &missing);
    refuses(&mut world, &delete, &missing);
    // The name is free again.
    world.ok(&root, ECS);
}

#[test]
fn only_roles_of_services_are_deleted_this_way() {
    let mut world =
        World::with(&[&format!("CreateRole&RoleName=mine&AssumeRolePolicyDocument={TRUST_EC2}")]);
    let missing = "NoSuchEntity: The role with name mine cannot be found.";
    refuses(&mut world, "DeleteServiceLinkedRole&RoleName=mine", missing);
    for id in ["a", "task/", "task/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS/1"] {
        let request = format!("GetServiceLinkedRoleDeletionStatus&DeletionTaskId={id}");
        refuses(&mut world, &request, "NoSuchEntity: Deletion task ");
    }
}

#[test]
fn the_last_deletions_are_remembered() {
    let mut world = World::new();
    let root = world.root();
    let mut ids = Vec::new();
    for second in 0..102 {
        world.now = iamd_wire::Timestamp::from_seconds(crate::test_support::NOW.seconds() + second);
        world.ok(&root, ECS);
        let task = world.ok(&root, &format!("DeleteServiceLinkedRole&RoleName={ROLE}"));
        ids.push(text(&task["DeletionTaskId"]).to_owned());
    }
    let status = |id: &String| format!("GetServiceLinkedRoleDeletionStatus&DeletionTaskId={id}");
    refuses(&mut world, &status(&ids[1]), "NoSuchEntity: ");
    world.ok(&root, &status(&ids[2]));
    world.ok(&root, &status(&ids[101]));
}
