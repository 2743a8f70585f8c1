//! What simulations answer, and that they answer what decisions do.

use serde_json::{Value, json};

use crate::test_support::{ALLOW_ALL, World};

fn document(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#)
}

fn allow(action: &str, resource: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#)
}

fn deny(action: &str, resource: &str) -> String {
    format!(r#"{{"Effect":"Deny","Action":"{action}","Resource":"{resource}"}}"#)
}

/// The members of lists in a request.
fn list(name: &str, members: &[&str]) -> String {
    let numbered = members.iter().enumerate();
    numbered.map(|(place, member)| format!("&{name}.member.{}={member}", place + 1)).collect()
}

fn custom(policies: &[&str], actions: &[&str], more: &str) -> String {
    let (policies, actions) = (list("PolicyInputList", policies), list("ActionNames", actions));
    format!("SimulateCustomPolicy{policies}{actions}{more}")
}

fn context(name: &str, kind: &str, values: &[&str]) -> String {
    let values: String = values
        .iter()
        .enumerate()
        .map(|(place, it)| {
            format!("&ContextEntries.member.1.ContextKeyValues.member.{}={it}", place + 1)
        })
        .collect();
    format!(
        "&ContextEntries.member.1.ContextKeyName={name}&ContextEntries.member.1.ContextKeyType={kind}{values}"
    )
}

/// The results of a request of root's.
fn results(world: &mut World, request: &str) -> Vec<Value> {
    let root = world.root();
    world.ok(&root, request)["EvaluationResults"].as_array().unwrap().clone()
}

fn result(world: &mut World, request: &str) -> Value {
    let results = results(world, request);
    assert_eq!(results.len(), 1);
    results[0].clone()
}

fn decision(world: &mut World, request: &str) -> String {
    result(world, request)["EvalDecision"].as_str().unwrap().to_owned()
}

/// The examples of the AWS CLI.
#[test]
fn an_allow_names_its_statement_and_a_denial_none() {
    let mut world = World::new();
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}"#;
    let at = |time: &str| {
        let context = context("aws:CurrentTime", "date", &[time]);
        custom(&[policy], &["dynamodb:CreateBackup"], &context)
    };
    let statement = json!({
        "SourcePolicyId": "PolicyInputList.1", "SourcePolicyType": "none",
        "StartPosition": {"Line": 1, "Column": 38}, "EndPosition": {"Line": 1, "Column": 167},
    });
    let mut expected = json!({
        "EvalActionName": "dynamodb:CreateBackup", "EvalResourceName": "*",
        "EvalDecision": "allowed", "MatchedStatements": [statement], "MissingContextValues": [],
    });
    assert_eq!(result(&mut world, &at("2019-04-25T11:00:00Z")), expected);
    expected["EvalDecision"] = "implicitDeny".into();
    expected["MatchedStatements"] = json!([]);
    assert_eq!(result(&mut world, &at("2014-04-25T11:00:00Z")), expected);
    expected["MissingContextValues"] = json!(["aws:CurrentTime"]);
    let without = custom(&[policy], &["dynamodb:CreateBackup"], "");
    assert_eq!(result(&mut world, &without), expected);
}

#[test]
fn a_deny_is_the_only_statement_of_its_result() {
    let mut world = World::new();
    let policy = document(&format!("[{},{}]", allow("s3:*", "*"), deny("s3:GetObject", "*")));
    let request = custom(&[ALLOW_ALL, &policy], &["s3:GetObject", "s3:PutObject"], "");
    let results = results(&mut world, &request);
    assert_eq!(results[0]["EvalDecision"], "explicitDeny");
    let statements = results[0]["MatchedStatements"].as_array().unwrap();
    let ids: Vec<&Value> = statements.iter().map(|it| &it["SourcePolicyId"]).collect();
    assert_eq!(ids, ["PolicyInputList.2"]);
    // Behind the statement before it.
    assert_eq!(statements[0]["StartPosition"]["Column"], 38 + allow("s3:*", "*").len());
    assert_eq!(results[1]["EvalDecision"], "allowed");
    assert_eq!(results[1]["MatchedStatements"].as_array().unwrap().len(), 2);
}

#[test]
fn every_resource_has_its_result_and_the_strictest_counts() {
    let mut world = World::new();
    let policy = document(&format!(
        "[{},{}]",
        allow("s3:*", "arn:aws:s3:::a/*"),
        deny("*", "arn:aws:s3:::c/*")
    ));
    let on = |resources: &[&str]| {
        custom(&[&policy], &["s3:GetObject"], &list("ResourceArns", resources))
    };
    let (a, b, c) = ("arn:aws:s3:::a/k", "arn:aws:s3:::b/k", "arn:aws:s3:::c/k");
    let answer = result(&mut world, &on(&[a, b]));
    assert_eq!(answer["EvalDecision"], "implicitDeny");
    assert_eq!(answer["MatchedStatements"], json!([]));
    assert_eq!(answer["EvalDecisionDetails"], json!({}));
    assert!(answer["EvalResourceName"].as_str().unwrap().starts_with("arn:${Partition}:s3:::"));
    let specific = answer["ResourceSpecificResults"].as_array().unwrap();
    let pairs: Vec<(&Value, &Value)> =
        specific.iter().map(|it| (&it["EvalResourceName"], &it["EvalResourceDecision"])).collect();
    assert_eq!(pairs, [(&json!(a), &json!("allowed")), (&json!(b), &json!("implicitDeny"))]);
    assert_eq!(specific[0]["MatchedStatements"].as_array().unwrap().len(), 1);
    assert_eq!(decision(&mut world, &on(&[a])), "allowed");
    assert_eq!(decision(&mut world, &on(&[a, b, c])), "explicitDeny");
    let everything = result(&mut world, &on(&[]));
    assert_eq!(everything["EvalDecision"], "implicitDeny", "`*` is not one bucket");
    assert_eq!(everything["ResourceSpecificResults"], Value::Null);
    assert_eq!(everything["EvalDecisionDetails"], Value::Null);
}

#[test]
fn context_entries_of_all_types_reach_conditions() {
    let mut world = World::new();
    for (operator, kind, policy_value, fits, misses) in [
        ("StringEquals", "string", "a", &["a"][..], &["b"][..]),
        ("ForAllValues:StringEquals", "stringList", "a", &["a", "a"], &["a", "b"]),
        ("NumericLessThan", "numeric", "10", &["9.5"], &["10"]),
        ("ForAnyValue:NumericEquals", "numericList", "10", &["1", "10"], &["1", "2"]),
        ("Bool", "boolean", "true", &["true"], &["false"]),
        ("ForAnyValue:Bool", "booleanList", "true", &["false", "true"], &["false"]),
        ("IpAddress", "ip", "10.0.0.0/8", &["10.1.1.1"], &["11.1.1.1"]),
        ("ForAnyValue:IpAddress", "ipList", "10.0.0.0/8", &["1.1.1.1", "10.1.1.1"], &["1.1.1.1"]),
        ("BinaryEquals", "binary", "AQI=", &["AQI="], &["AQM="]),
        ("ForAnyValue:BinaryEquals", "binaryList", "AQI=", &["AQM=", "AQI="], &["AQM="]),
        ("DateLessThan", "date", "2026-01-01T00:00:00Z", &["2025-01-01"], &["2026-01-01"]),
        (
            "ForAnyValue:DateLessThan",
            "dateList",
            "2026-01-01",
            &["2027-01-01", "2025-01-01"],
            &["2027-01-01"],
        ),
    ] {
        let policy = document(&format!(
            r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"{operator}":{{"my:Key":"{policy_value}"}}}}}}"#
        ));
        for (values, expected) in [(fits, "allowed"), (misses, "implicitDeny")] {
            let request = custom(&[&policy], &["a:b"], &context("MY:key", kind, values));
            let answer = result(&mut world, &request);
            assert_eq!(answer["EvalDecision"], expected, "{operator} {values:?}");
            assert_eq!(answer["MissingContextValues"], json!([]));
        }
    }
}

#[test]
fn boundaries_and_organizations_limit() {
    let mut world = World::new();
    let (reads, all) = (document(&allow("s3:Get*", "*")), ALLOW_ALL);
    let bounded = format!("&PermissionsBoundaryPolicyInputList.member.1={reads}");
    let request = custom(&[all], &["s3:GetObject", "s3:PutObject"], &bounded);
    let answers = results(&mut world, &request);
    let detail = |answer: &Value| answer["PermissionsBoundaryDecisionDetail"].clone();
    assert_eq!(answers[0]["EvalDecision"], "allowed");
    assert_eq!(detail(&answers[0]), json!({"AllowedByPermissionsBoundary": true}));
    assert_eq!(answers[1]["EvalDecision"], "implicitDeny");
    assert_eq!(detail(&answers[1]), json!({"AllowedByPermissionsBoundary": false}));
    assert_eq!(answers[1]["MatchedStatements"], json!([]));
    let level = "OrderedOrganizationPolicyInputList.member";
    let scp = |second: &str| {
        let list = "ServiceControlPolicyInputList.member.1";
        format!("&{level}.1.{list}={all}&{level}.2.{list}={second}")
    };
    let request = custom(&[all], &["s3:PutObject"], &scp(&reads));
    let answer = result(&mut world, &request);
    assert_eq!(answer["EvalDecision"], "implicitDeny");
    assert_eq!(answer["OrganizationsDecisionDetail"], json!({"AllowedByOrganizations": false}));
    let request = custom(&[all], &["s3:GetObject"], &scp(&reads));
    let answer = result(&mut world, &request);
    assert_eq!(answer["EvalDecision"], "allowed");
    assert_eq!(answer["OrganizationsDecisionDetail"], json!({"AllowedByOrganizations": true}));
    assert_eq!(answer["PermissionsBoundaryDecisionDetail"], Value::Null);
}

#[test]
fn a_resource_policy_needs_a_user_and_crosses_accounts() {
    let mut world = World::new();
    let ana = "arn:aws:iam::111122223333:user/ana";
    let bucket = document(&format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{ana}"}},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}"#
    ));
    let nothing = document(&allow("ec2:*", "*"));
    let resource = list("ResourceArns", &["arn:aws:s3:::b/k"]);
    let ask = |policy: &str, caller: &str, more: &str| {
        let more = format!("{resource}&ResourcePolicy={bucket}&CallerArn={caller}{more}");
        custom(&[policy], &["s3:GetObject"], &more)
    };
    let answer = result(&mut world, &ask(&nothing, ana, ""));
    assert_eq!(answer["EvalDecision"], "allowed");
    let statement = &answer["MatchedStatements"][0];
    assert_eq!(statement["SourcePolicyId"], "ResourcePolicy");
    assert_eq!(statement["SourcePolicyType"], "resource");
    let bob = "arn:aws:iam::111122223333:user/bob";
    assert_eq!(decision(&mut world, &ask(&nothing, bob, "")), "implicitDeny");
    let owner = "&ResourceOwner=arn:aws:iam::444455556666:root";
    let answer = result(&mut world, &ask(&nothing, ana, owner));
    assert_eq!(answer["EvalDecision"], "implicitDeny", "both accounts must allow");
    let details = json!({"IAM Policy": "implicitDeny", "Resource Policy": "allowed"});
    assert_eq!(answer["EvalDecisionDetails"], details);
    assert_eq!(answer["ResourceSpecificResults"][0]["EvalDecisionDetails"], details);
    assert_eq!(decision(&mut world, &ask(ALLOW_ALL, ana, owner)), "allowed");
    let root = world.root();
    let not_a_user = "InvalidInput: Invalid caller - Caller must be an IAM user in this context.";
    let role = ask(&nothing, "arn:aws:iam::111122223333:role/app", "");
    assert_eq!(world.refusal(&root, &role), not_a_user);
    let nobody = custom(&[&nothing], &["s3:GetObject"], &format!("&ResourcePolicy={bucket}"));
    assert_eq!(world.refusal(&root, &nobody), not_a_user);
}

/// Nobody's account is wherever the resource is; trust policies and key policies are not simulated.
#[test]
fn permissions_alone_are_simulated() {
    let mut world = World::new();
    for (action, resource) in [
        ("sts:AssumeRole", "arn:aws:iam::999999999999:role/app"),
        ("kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/1"),
        ("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:999999999999:table/t"),
    ] {
        let on = list("ResourceArns", &[resource]);
        let allowed = document(&allow(action, resource));
        assert_eq!(decision(&mut world, &custom(&[&allowed], &[action], &on)), "allowed");
        let other = document(&allow(action, &format!("{resource}x")));
        assert_eq!(decision(&mut world, &custom(&[&other], &[action], &on)), "implicitDeny");
    }
}

/// What the simulator says of a user is what happens when he asks.
#[test]
fn simulations_agree_with_decisions() {
    let mut world = World::with(&[
        "CreateUser&UserName=bob&Tags.member.1.Key=team&Tags.member.1.Value=blue",
        "CreateGroup&GroupName=team",
        "AddUserToGroup&GroupName=team&UserName=bob",
    ]);
    let (root, bob) = (world.root(), world.user("bob"));
    let own = document(&format!(
        r#"[{},{},{{"Effect":"Allow","Action":"iam:ListRoles","Resource":"*","Condition":{{"StringEquals":{{"aws:PrincipalTag/team":"blue"}}}}}}]"#,
        allow("iam:List*", "*"),
        deny("iam:ListGroups", "*")
    ));
    let group = document(&allow("iam:GetUser", "arn:aws:iam::*:user/${aws:username}"));
    let bound = document(r#"{"Effect":"Allow","NotAction":"iam:ListPolicies","Resource":"*"}"#);
    world.ok(&root, &format!("PutUserPolicy&UserName=bob&PolicyName=own&PolicyDocument={own}"));
    world.ok(&root, &format!("PutGroupPolicy&GroupName=team&PolicyName=g&PolicyDocument={group}"));
    world.ok(&root, &format!("CreatePolicy&PolicyName=bound&PolicyDocument={bound}"));
    let boundary = "PermissionsBoundary=arn:aws:iam::111122223333:policy/bound";
    world.ok(&root, &format!("PutUserPermissionsBoundary&UserName=bob&{boundary}"));
    let arn = "arn:aws:iam::111122223333:user/bob";
    for (operation, resource, kind) in [
        ("ListUsers", "*", "user"),
        ("ListRoles", "*", "user"),
        ("ListGroups", "*", "user"),
        ("ListPolicies", "*", "-"),
        ("GetAccountSummary", "*", "-"),
        ("GetUser", arn, "group"),
    ] {
        let mut request = format!(
            "SimulatePrincipalPolicy&PolicySourceArn={arn}&ActionNames.member.1=iam:{operation}"
        );
        request.push_str(&list("ResourceArns", &[resource]));
        let answer = result(&mut world, &request);
        let is_allowed = answer["EvalDecision"] == "allowed";
        assert_eq!(world.send(&bob, operation).is_ok(), is_allowed, "{operation}");
        if kind != "-" {
            assert_eq!(answer["MatchedStatements"][0]["SourcePolicyType"], kind, "{operation}");
        }
        assert_eq!(answer["MissingContextValues"], json!([]), "{operation}");
        let bounded = operation != "ListPolicies";
        let detail = json!({"AllowedByPermissionsBoundary": bounded});
        assert_eq!(answer["PermissionsBoundaryDecisionDetail"], detail, "{operation}");
    }
}

#[test]
fn policies_can_be_added_and_left_out() {
    let read_only = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    let mut world = World::with(&[
        "CreateRole&RoleName=app&AssumeRolePolicyDocument={\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"ec2.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}}",
        &format!("AttachRolePolicy&RoleName=app&PolicyArn={read_only}"),
        &format!(
            "PutRolePolicy&RoleName=app&PolicyName=own&PolicyDocument={}",
            document(&allow("ec2:*", "*"))
        ),
    ]);
    let arn = "arn:aws:iam::111122223333:role/app";
    let ask = |action: &str, more: &str| {
        format!("SimulatePrincipalPolicy&PolicySourceArn={arn}&ActionNames.member.1={action}{more}")
    };
    let answer = result(&mut world, &ask("s3:GetObject", ""));
    assert_eq!(answer["MatchedStatements"][0]["SourcePolicyId"], "AmazonS3ReadOnlyAccess");
    assert_eq!(answer["MatchedStatements"][0]["SourcePolicyType"], "aws-managed");
    let more = list("PolicyInputList", &[&document(&deny("s3:*", "*"))]);
    assert_eq!(decision(&mut world, &ask("s3:GetObject", &more)), "explicitDeny");
    let one = "&PolicyExclusionList.member.1";
    for exclusion in [
        format!("{one}.PolicyType=aws-managed"),
        format!("{one}.PolicyArn={read_only}"),
        format!("{one}.PolicyArn=arn:aws:iam::aws:policy/Amazon?3*"),
    ] {
        assert_eq!(decision(&mut world, &ask("s3:GetObject", &exclusion)), "implicitDeny");
        assert_eq!(decision(&mut world, &ask("ec2:RunInstances", &exclusion)), "allowed");
    }
    let inline = format!("{one}.InlinePolicyIdentifier");
    let named = |name: &str, kind: &str| {
        format!(
            "{inline}.PolicyName={name}&PolicyExclusionList.member.1.InlinePolicyIdentifier.AttachmentType={kind}{inline}.AttachmentName=app"
        )
    };
    for (exclusion, expected) in [
        (named("own", "role"), "implicitDeny"),
        (named("own", "user"), "allowed"),
        (named("other", "role"), "allowed"),
        (format!("{one}.PolicyType=inline"), "implicitDeny"),
        (format!("{one}.PolicyType=user-managed"), "allowed"),
        (format!("{one}.PolicyType=rcp"), "allowed"),
    ] {
        assert_eq!(
            decision(&mut world, &ask("ec2:RunInstances", &exclusion)),
            expected,
            "{exclusion}"
        );
    }
    let root = world.root();
    for exclusion in [
        format!("{one}.PolicyType=inline{one}.PolicyArn={read_only}"),
        format!("{one}.PolicyArn=arn:aws:iam::*:policy/own-policy"),
        format!("{one}.PolicyArn=arn:aws:iam::111122223333:role/app"),
        format!("{one}.PolicyArn=arn:aws:iam::aws:policy/a*b*"),
    ] {
        let refusal = world.refusal(&root, &ask("s3:GetObject", &exclusion));
        assert!(refusal.starts_with("InvalidInput: Invalid Policy Identifier: "), "{refusal}");
    }
}

#[test]
fn a_caller_can_have_the_policies_of_another() {
    let mut world = World::with(&["CreateUser&UserName=bob", "CreateUser&UserName=ana"]);
    let root = world.root();
    let own = document(&allow("s3:*", "arn:aws:s3:::b/${aws:username}"));
    world.ok(&root, &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={own}"));
    let ask = |more: &str| {
        let resource = list("ResourceArns", &["arn:aws:s3:::b/ana"]);
        format!(
            "SimulatePrincipalPolicy&PolicySourceArn=arn:aws:iam::111122223333:user/bob&ActionNames.member.1=s3:GetObject{resource}{more}"
        )
    };
    assert_eq!(decision(&mut world, &ask("")), "implicitDeny");
    let ana = "&CallerArn=arn:aws:iam::111122223333:user/ana";
    assert_eq!(decision(&mut world, &ask(ana)), "allowed");
    assert_eq!(decision(&mut world, &ask(&context("aws:username", "string", &["ana"]))), "allowed");
}

#[test]
fn pages_join_up_and_large_simulations_are_refused() {
    let mut world = World::new();
    let actions: Vec<String> = (0..7).map(|number| format!("s3:Action{number}")).collect();
    let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
    let root = world.root();
    let (mut seen, mut marker) = (Vec::new(), String::new());
    loop {
        let answer =
            world.ok(&root, &custom(&[ALLOW_ALL], &actions, &format!("&MaxItems=3{marker}")));
        let page = answer["EvaluationResults"].as_array().unwrap();
        seen.extend(page.iter().map(|it| it["EvalActionName"].as_str().unwrap().to_owned()));
        match answer["Marker"].as_str() {
            Some(next) => marker = format!("&Marker={next}"),
            None => break,
        }
        assert_eq!(answer["IsTruncated"], true);
    }
    assert_eq!(seen, actions);
    let more = format!("&Marker={}", marker.split('=').nth(1).unwrap());
    let refusal = world.refusal(&root, &custom(&[ALLOW_ALL], &actions[1..], &more));
    assert_eq!(refusal, "ValidationError: Invalid Marker.");
    // As long as one document may be: many resources are too many.
    let long = format!("{ALLOW_ALL}{}", " ".repeat(131_000 - ALLOW_ALL.len()));
    let resources: Vec<String> = (0..128).map(|number| format!("arn:aws:s3:::{number}")).collect();
    let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
    let ask = |count: usize, actions: &[&str]| {
        custom(&[&long], actions, &list("ResourceArns", &resources[..count]))
    };
    let refusal = world.refusal(&root, &ask(128, &["s3:A"]));
    assert!(refusal.starts_with("InvalidInput: The simulation is too large"), "{refusal}");
    let answer = world.ok(&root, &ask(60, &["s3:A", "s3:B", "s3:C"]));
    assert_eq!(answer["EvaluationResults"].as_array().unwrap().len(), 2, "a page has its weight");
    assert_eq!(answer["IsTruncated"], true);
}

#[test]
fn what_the_simulator_does_not_take_is_refused() {
    let mut world = World::new();
    let root = world.root();
    let all = [ALLOW_ALL];
    let ec2 = |kind: &str| format!("arn:aws:ec2:eu-west-1:111122223333:{kind}/x");
    let kinds = ["instance", "image", "security-group", "network-interface", "volume"].map(ec2);
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
    let ebs = format!("{}&ResourceHandlingOption=EC2-VPC-EBS", list("ResourceArns", &kinds));
    assert_eq!(decision(&mut world, &custom(&all, &["ec2:RunInstances"], &ebs)), "allowed");
    let subnet = format!("{ebs}-Subnet");
    for (request, refusal) in [
        (
            custom(&all, &["s3:*"], ""),
            "Invalid Input Actions: \"s3:*\" is not the name of an action.",
        ),
        (
            custom(&all, &["abc"], ""),
            "Invalid Input Actions: \"abc\" is not the name of an action.",
        ),
        (custom(&["{}"], &["a:b"], ""), "Syntax errors in policy."),
        (
            custom(&all, &["a:b"], "&ResourceArns.member.1=bucket"),
            "ResourceNames are not in a valid ARN format: bucket.",
        ),
        (
            custom(&all, &["a:b"], "&ResourceOwner=123456789012"),
            "'123456789012' is not a valid as a Resource Owner.",
        ),
        (
            custom(&all, &["a:b"], "&CallerArn=arn:aws:sts::111122223333:assumed-role/a/b"),
            "Invalid Entity Arn: arn:aws:sts::111122223333:assumed-role/a/b does not clearly define entity type and name.",
        ),
        (
            custom(
                &all,
                &["a:b"],
                &list("PermissionsBoundaryPolicyInputList", &[ALLOW_ALL, ALLOW_ALL]),
            ),
            "Only one permissions boundary can be simulated at a time.",
        ),
        (
            custom(&all, &["a:b"], &context("a:number", "numeric", &["one"])),
            "Invalid Context Entry: one is no value for a:number.",
        ),
        (
            custom(&all, &["a:b"], "&ContextEntries.member.1.ContextKeyValues.member.1=x"),
            "Invalid Context Entry: ContextKeyName is missing.",
        ),
        (
            custom(&all, &["ec2:RunInstances"], &subnet),
            "Invalid Resource Handling Option: EC2-VPC-EBS-Subnet requires a resource of the type subnet.",
        ),
        (
            custom(&all, &["a:b"], "&ResourceHandlingOption=EC2"),
            "Invalid Resource Handling Option: EC2.",
        ),
    ] {
        assert_eq!(world.refusal(&root, &request), format!("InvalidInput: {refusal}"));
    }
    let missing = "SimulatePrincipalPolicy&PolicySourceArn=arn:aws:iam::111122223333:role/none&ActionNames.member.1=a:b";
    let refusal = "NoSuchEntity: The role with name none cannot be found.";
    assert_eq!(world.refusal(&root, missing), refusal);
}
