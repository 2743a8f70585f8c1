//! Tests of policies that are made of what was used.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::service_data::prefixes;
use crate::validate::size_without_white_space;
use crate::{
    Context, Document, Grammar, Policies, PolicySet, Principal, Request, Severity, decide, lint,
    validate,
};

const ANA: &str = "arn:aws:iam::111122223333:user/team/ana";
const NOW: &str = "2026-01-31T12:00:00Z";
const ROOM: usize = 1 << 22;

/// What comes of these uses; every document must be sound.
fn generated(principal: &str, uses: &[Use]) -> Generated {
    let mut generator = Generator::new(principal, SIBLINGS_MAX, ROOM);
    uses.iter().for_each(|used| generator.add(used, NOW));
    let generated = generator.finish();
    generated.documents.iter().for_each(|document| check_sound(document));
    generated
}

fn check_sound(document: &str) {
    validate(document, Grammar::Identity).unwrap();
    let findings = lint(document, Grammar::Identity);
    let is_grave = |finding: &&crate::Finding| finding.severity < Severity::Suggestion;
    assert_eq!(findings.iter().find(is_grave), None, "{document}");
    assert!(!findings.iter().any(|finding| finding.code.starts_with("REDUNDANT")), "{document}");
    assert!(size_without_white_space(document) <= DOCUMENT_SIZE_MAX);
}

fn allows(documents: &[String], principal: &str, action: &str, resource: &str) -> bool {
    let documents = documents.iter().map(|text| (Arc::from("own"), Document::parse(text).unwrap()));
    let set: PolicySet = documents.collect();
    let principal = match principal.contains(":user/") {
        true => Principal::User {
            arn: principal.to_owned(),
            unique_id: String::new(),
            has_boundary: false,
        },
        false => Principal::RoleSession {
            session_arn: "arn:aws:sts::111122223333:assumed-role/app/s".to_owned(),
            role_arn: principal.to_owned(),
            role_id: String::new(),
            has_boundary: false,
        },
    };
    let mut context = Context::default();
    context.add_principal_keys(&principal);
    let request = Request {
        principal: &principal,
        action,
        resource,
        resource_account: None,
        context: &context,
    };
    let policies = Policies { identity: Some(&[&set]), ..Policies::default() };
    decide(&request, &policies).is_allowed()
}

fn used(action: &str, resource: &str) -> Use {
    Use::of(action, resource).unwrap()
}

fn parameter(name: &str, value: &str) -> Parameter {
    Parameter { name: name.to_ascii_lowercase(), value: value.to_owned(), depth: 0 }
}

fn event<'a>(source: &'a str, name: &'a str, parameters: &'a [Parameter]) -> Event<'a> {
    Event {
        source,
        name,
        region: "eu-central-1",
        partition: "aws",
        account: "111122223333",
        user: Some(ANA),
        parameters,
        resources: &[],
        actions: &[],
    }
}

fn needs(event: &Event<'_>) -> Vec<Use> {
    match event.uses() {
        NeededBy::Uses(uses) => uses,
        other => panic!("{} needs {other:?}", event.name),
    }
}

/// The document that an event alone leads to.
fn document_of(event: &Event<'_>) -> String {
    let mut documents = generated(ANA, &needs(event)).documents;
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

#[test]
fn few_resources_stand_one_by_one_and_many_become_their_folder() {
    let keys = |count: usize| (0..count).map(|key| format!("arn:aws:s3:::b/logs/{key}"));
    let few: Vec<Use> = keys(SIBLINGS_MAX).map(|arn| used("s3:GetObject", &arn)).collect();
    let few = generated(ANA, &few).documents;
    assert!(allows(&few, ANA, "s3:GetObject", "arn:aws:s3:::b/logs/0"));
    assert!(!allows(&few, ANA, "s3:GetObject", "arn:aws:s3:::b/logs/new"));

    let many: Vec<Use> = keys(SIBLINGS_MAX + 1).map(|arn| used("s3:GetObject", &arn)).collect();
    let many = generated(ANA, &many).documents;
    assert_eq!(
        many,
        [
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/logs/*"}]}"#
        ]
    );
    for denied in ["arn:aws:s3:::b/other", "arn:aws:s3:::b2/logs/0", "arn:aws:s3:::b/logs"] {
        assert!(!allows(&many, ANA, "s3:GetObject", denied), "{denied}");
    }
    assert!(!allows(&many, ANA, "s3:PutObject", "arn:aws:s3:::b/logs/0"));
}

#[test]
fn nothing_is_folded_across_buckets_or_types_nor_where_permissions_are_given() {
    for (action, start) in [
        ("s3:ListBucket", "arn:aws:s3:::b"),
        ("dynamodb:GetItem", "arn:aws:dynamodb:eu-central-1:111122223333:table/t"),
        ("sqs:SendMessage", "arn:aws:sqs:eu-central-1:111122223333:q"),
        ("sts:AssumeRole", "arn:aws:iam::111122223333:role/apps/r"),
        ("iam:PassRole", "arn:aws:iam::111122223333:role/apps/r"),
        ("iam:AttachRolePolicy", "arn:aws:iam::111122223333:role/apps/r"),
    ] {
        let uses: Vec<Use> = (0..20).map(|key| used(action, &format!("{start}{key}"))).collect();
        let generated = generated(ANA, &uses);
        assert_eq!(generated.ungranted, []);
        // Whether a role may be assumed is up to its trust policy, too.
        if action != "sts:AssumeRole" {
            assert!(allows(&generated.documents, ANA, action, &format!("{start}7")), "{action}");
        }
        assert!(generated.documents.iter().all(|document| !document.contains('*')), "{action}");
        assert!(!allows(&generated.documents, ANA, action, &format!("{start}-x")), "{action}");
    }
}

#[test]
fn a_users_own_folder_is_named_by_the_variable_and_a_shared_one_is_not() {
    let own = [
        used("s3:GetObject", "arn:aws:s3:::home/ana/1"),
        used("s3:PutObject", "arn:aws:s3:::home/ana/2"),
        used("iam:GetUser", ANA),
    ];
    let documents = generated(ANA, &own).documents;
    assert!(documents[0].contains("arn:aws:s3:::home/${aws:username}/1"), "{documents:?}");
    assert!(documents[0].contains("user/team/${aws:username}"), "{documents:?}");
    for used in [("s3:GetObject", "home/ana/1"), ("s3:PutObject", "home/ana/2")] {
        assert!(allows(&documents, ANA, used.0, &format!("arn:aws:s3:::{}", used.1)));
    }
    let bob = "arn:aws:iam::111122223333:user/bob";
    assert!(!allows(&documents, bob, "s3:GetObject", "arn:aws:s3:::home/ana/1"));

    let shared = [own[0].clone(), used("s3:ListMultipartUploadParts", "arn:aws:s3:::home/bob/1")];
    let documents = generated(ANA, &shared).documents;
    assert!(!documents[0].contains("${aws:username}"), "{documents:?}");
    // A role has no user name, whatever it is called; and a bucket is never named by one.
    let role = "arn:aws:iam::111122223333:role/ana";
    let documents = generated(role, &own[..1]).documents;
    assert!(documents[0].contains("home/ana/1"), "{documents:?}");
    let documents = generated(ANA, &[used("s3:GetObject", "arn:aws:s3:::ana/1")]).documents;
    assert!(documents[0].contains("arn:aws:s3:::ana/1"), "{documents:?}");
}

#[test]
fn wildcards_in_names_stand_for_themselves() {
    let odd = "arn:aws:s3:::b/a*b/${aws:username}/?\u{4e2d}\u{1}\"";
    let documents = generated(ANA, &[used("s3:GetObject", odd)]).documents;
    assert!(allows(&documents, ANA, "s3:GetObject", odd));
    for near in [
        "arn:aws:s3:::b/axb/${aws:username}/?\u{4e2d}\u{1}\"",
        "arn:aws:s3:::b/a*b/ana/?\u{4e2d}\u{1}\"",
    ] {
        assert!(!allows(&documents, ANA, "s3:GetObject", near), "{near}");
    }
}

#[test]
fn requests_name_their_resources_in_many_ways() {
    for (source, name, parameters, resource) in [
        (
            "iam.amazonaws.com",
            "CreateUser",
            vec![("userName", "bob"), ("path", "/x/")],
            "arn:aws:iam::111122223333:user/x/bob",
        ),
        (
            "iam.amazonaws.com",
            "ListAccessKeys",
            vec![],
            "arn:aws:iam::111122223333:user/team/${aws:username}",
        ),
        (
            "iam.amazonaws.com",
            "GetPolicy",
            vec![("policyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess")],
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
        ),
        (
            "sts.amazonaws.com",
            "AssumeRole",
            vec![("roleArn", "arn:aws:iam::444455556666:role/r"), ("roleSessionName", "s")],
            "arn:aws:iam::444455556666:role/r",
        ),
        (
            "dynamodb.amazonaws.com",
            "GetItem",
            vec![("tableName", "t")],
            "arn:aws:dynamodb:eu-central-1:111122223333:table/t",
        ),
        (
            "s3.amazonaws.com",
            "GetObject",
            vec![("bucketName", "b"), ("key", "k/1")],
            "arn:aws:s3:::b/k/1",
        ),
        ("s3.amazonaws.com", "PutObject", vec![("bucketName", "b")], "arn:aws:s3:::b/*"),
        (
            "lambda.amazonaws.com",
            "GetFunction20150331v2",
            vec![("functionName", "f")],
            "arn:aws:lambda:eu-central-1:111122223333:function:f",
        ),
        (
            "monitoring.amazonaws.com",
            "DescribeAlarms",
            vec![("alarmName", "a")],
            "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:a",
        ),
        ("iam.amazonaws.com", "ListUsers", vec![("pathPrefix", "/x/")], "*"),
        (
            "iam.amazonaws.com",
            "CreateServiceLinkedRole",
            vec![("aWSServiceName", "ecs.amazonaws.com")],
            "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/*",
        ),
    ] {
        let parameters: Vec<Parameter> =
            parameters.into_iter().map(|(name, value)| parameter(name, value)).collect();
        let document = document_of(&event(source, name, &parameters));
        assert!(document.contains(&format!("\"{resource}\"")), "{name}: {document}");
    }
}

#[test]
fn an_entity_of_iam_is_named_whatever_its_path() {
    let parameters = [parameter("userName", "bob")];
    let get = needs(&event("iam.amazonaws.com", "GetUser", &parameters));
    let unknown = generated(ANA, &get).documents;
    for path in ["", "x/", "x/y/"] {
        let arn = format!("arn:aws:iam::111122223333:user/{path}bob");
        assert!(allows(&unknown, ANA, "iam:GetUser", &arn), "{arn}");
    }
    for near in ["user/notbob", "user/x/notbob", "user/bob/x", "role/bob"] {
        let arn = format!("arn:aws:iam::111122223333:{near}");
        assert!(!allows(&unknown, ANA, "iam:GetUser", &arn), "{arn}");
    }
    // Whoever is seen made, or calling, is where he is.
    let mut generator = Generator::new(ANA, SIBLINGS_MAX, ROOM);
    get.iter().for_each(|used| generator.add(used, NOW));
    generator.know("arn:aws:iam::111122223333:user/x/bob");
    let known = generator.finish().documents;
    assert!(allows(&known, ANA, "iam:GetUser", "arn:aws:iam::111122223333:user/x/bob"));
    assert!(!allows(&known, ANA, "iam:GetUser", "arn:aws:iam::111122223333:user/bob"));
    // Unless he is moved.
    let parameters = [parameter("userName", "bob"), parameter("newPath", "/new/")];
    let moved = needs(&event("iam.amazonaws.com", "UpdateUser", &parameters));
    let mut generator = Generator::new(ANA, SIBLINGS_MAX, ROOM);
    generator.know("arn:aws:iam::111122223333:user/x/bob");
    moved.iter().for_each(|used| generator.add(used, NOW));
    let documents = generator.finish().documents;
    for path in ["", "x/", "new/"] {
        let arn = format!("arn:aws:iam::111122223333:user/{path}bob");
        assert!(allows(&documents, ANA, "iam:UpdateUser", &arn), "{arn}");
    }
}

#[test]
fn what_a_request_needs_beside_its_action_is_there() {
    let with_tags = [parameter("userName", "bob"), parameter("tags", "")];
    let actions = |event: &Event<'_>| -> Vec<String> {
        needs(event).iter().map(|used| used.action().to_owned()).collect()
    };
    let create = event("iam.amazonaws.com", "CreateUser", &with_tags);
    assert_eq!(actions(&create), ["iam:CreateUser", "iam:TagUser"]);
    let assume = [
        parameter("roleArn", "arn:aws:iam::111122223333:role/r"),
        parameter("sourceIdentity", "ana"),
        parameter("tags", ""),
    ];
    let assume = event("sts.amazonaws.com", "AssumeRole", &assume);
    assert_eq!(actions(&assume), ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]);
    let add = [parameter("instanceProfileName", "p"), parameter("roleName", "r")];
    let add = event("iam.amazonaws.com", "AddRoleToInstanceProfile", &add);
    assert_eq!(actions(&add), ["iam:AddRoleToInstanceProfile", "iam:PassRole"]);
    let identity = event("sts.amazonaws.com", "GetCallerIdentity", &[]);
    assert_eq!(identity.uses(), NeededBy::Nothing);
    for unknown in [
        ("signin.amazonaws.com", "ConsoleLogin"),
        ("iam.amazonaws.com", "GetUsr"),
        ("operator.iamd", "CreateAccount"),
    ] {
        assert_eq!(event(unknown.0, unknown.1, &[]).uses(), NeededBy::Unknown);
    }
}

#[test]
fn what_would_be_dangerous_or_wrong_is_told_and_not_granted() {
    for (action, resource, code) in [
        ("iam:PutUserPolicy", "*", "PRIVILEGE_ESCALATION"),
        ("iam:PassRole", "*", "PASS_ROLE_WITH_STAR_IN_RESOURCE"),
        ("s3:GetObject", "arn:aws:s3:::b", "UNSUPPORTED_RESOURCE_FOR_ACTIONS"),
        ("dynamodb:GetItem", "arn:aws:dynamodb:mars:111122223333:table/t", "INVALID_ARN_REGION"),
    ] {
        let generated = generated(ANA, &[used(action, resource), used("s3:ListAllMyBuckets", "*")]);
        let [ungranted] = generated.ungranted.as_slice() else { panic!("{generated:?}") };
        assert!(ungranted.reason.starts_with(code), "{ungranted:?}");
        assert!(!allows(&generated.documents, ANA, action, resource));
        assert!(allows(&generated.documents, ANA, "s3:ListAllMyBuckets", "*"));
    }
    let long = used("s3:GetObject", &format!("arn:aws:s3:::b/{}", "\u{1}".repeat(1_000)));
    assert_eq!(generated(ANA, &[long]).ungranted.len(), 1);
}

#[test]
fn memory_is_bounded_and_what_found_no_room_is_counted() {
    let mut generator = Generator::new(ANA, SIBLINGS_MAX, 10_000);
    for number in 0..1_000 {
        generator.add(&used("s3:ListBucket", &format!("arn:aws:s3:::bucket-{number:04}")), NOW);
    }
    // Folders take no more room than their first names.
    for number in 0..1_000 {
        generator.add(&used("s3:ListBucket", "arn:aws:s3:::bucket-0000"), &format!("{number}"));
    }
    let generated = generator.finish();
    assert!(generated.left_out > 900 && generated.left_out < 1_000, "{}", generated.left_out);
    assert_eq!(generated.actions["s3:ListBucket"].count, 2_000);

    let mut generator = Generator::new(ANA, SIBLINGS_MAX, 10_000);
    for number in 0..100_000 {
        generator.add(&used("s3:GetObject", &format!("arn:aws:s3:::b/logs/{number}")), NOW);
    }
    assert_eq!(generator.finish().left_out, 0);
}

#[test]
fn a_great_policy_becomes_several_documents() {
    let mut uses = Vec::new();
    for bucket in 0..300 {
        uses.push(used("s3:ListBucket", &format!("arn:aws:s3:::bucket-{bucket}")));
    }
    let actions = service_data::service("ec2").unwrap().actions();
    let actions = actions.filter(|action| !action.has_resource_level_permissions());
    uses.extend(actions.map(|action| used(&format!("ec2:{}", action.name()), "*")));
    let generated = generated(ANA, &uses);
    assert!(generated.documents.len() > 2, "{}", generated.documents.len());
    for needed in uses.iter().filter(|used| used.resource == Used::None) {
        assert!(allows(&generated.documents, ANA, needed.action(), "*"));
    }
    assert!(allows(&generated.documents, ANA, "s3:ListBucket", "arn:aws:s3:::bucket-299"));
    assert!(!allows(&generated.documents, ANA, "s3:ListBucket", "arn:aws:s3:::bucket-300"));
}

#[test]
fn the_types_of_every_service_lead_to_sound_policies() {
    let mut ungranted = Vec::new();
    for prefix in prefixes() {
        let source = format!("{prefix}.amazonaws.com");
        for action in service_data::service(prefix).unwrap().actions() {
            let parameters: Vec<Parameter> = action
                .resource_types()
                .flat_map(|(kind, _)| kind.arn.split("${").skip(1))
                .filter_map(|open| Some(parameter(open.split('}').next()?, "some-name")))
                .collect();
            let event = event(&source, action.name(), &parameters);
            let NeededBy::Uses(uses) = event.uses() else { continue };
            ungranted.extend(generated(ANA, &uses).ungranted);
        }
    }
    // Names that only AWS gives, and resources in services that share a prefix.
    assert!(ungranted.len() < 40, "{}: {ungranted:#?}", ungranted.len());
}

#[test]
fn what_was_not_used_is_told() {
    let text = r#"{"Version":"2012-10-17","Statement":[
        {"Sid":"A","Effect":"Allow","Action":["s3:Get*","s3:PutObject"],"Resource":"arn:aws:s3:::home/${aws:username}/*"},
        {"Sid":"B","Effect":"Allow","NotAction":"iam:*","Resource":"*"},
        {"Sid":"C","Effect":"Deny","Action":"s3:*","Resource":"*"},
        {"Sid":"D","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*"},
        {"Sid":"E","Effect":"Allow","Action":"iam:GetUser","Resource":"*"}]}"#;
    let documents = [("own".to_owned(), Document::parse(text).unwrap())];
    let mut present = PresentPolicies::new(ANA, documents);
    present.note(&used("s3:GetObject", "arn:aws:s3:::home/ana/1"));
    let statements = present.statements();
    let facts: Vec<(Option<&str>, bool, u32)> = statements
        .iter()
        .map(|statement| (statement.sid.as_deref(), statement.is_used, statement.line))
        .collect();
    let expected =
        [(Some("A"), true, 2), (Some("B"), true, 3), (Some("D"), false, 5), (Some("E"), false, 6)];
    assert_eq!(facts, expected);
    assert_eq!(statements[0].unused_actions, ["s3:PutObject"]);
    let wildcards = [("s3:Get*".to_owned(), vec!["s3:GetObject".to_owned()])];
    assert_eq!(statements[0].wildcards, wildcards);
}

/// Some use, and one beside it that must not be allowed with it.
fn use_and_miss() -> impl Strategy<Value = ((String, String), (String, String))> {
    let key = "[a-c*?$ \u{e9}]{1,3}(/[a-c{}]{1,2}){0,4}";
    let name = "[a-d]{1,2}";
    let object = (prop_oneof!["s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"], name, key)
        .prop_map(|(action, bucket, key)| {
            let miss = (action.clone(), format!("arn:aws:s3:::{bucket}-x/{key}"));
            ((action, format!("arn:aws:s3:::{bucket}/{key}")), miss)
        });
    let bucket = name.prop_map(|bucket| {
        let arn = format!("arn:aws:s3:::{bucket}");
        (("s3:ListBucket".to_owned(), arn.clone()), ("s3:DeleteBucket".to_owned(), arn))
    });
    let user = (prop_oneof!["iam:GetUser", "iam:PutUserPolicy"], "([a-c]{1,2}/){0,2}", name)
        .prop_map(|(action, path, name)| {
            let arn = |account: &str| format!("arn:aws:iam::{account}:user/{path}{name}");
            ((action.clone(), arn("111122223333")), (action, arn("444455556666")))
        });
    let parameter = (name, key).prop_map(|(name, path)| {
        let arn = |service: &str| {
            format!("arn:aws:{service}:eu-central-1:111122223333:parameter/{name}/{path}")
        };
        let miss = ("ssm:GetParameters".to_owned(), arn("ssm"));
        (("ssm:GetParameter".to_owned(), arn("ssm")), miss)
    });
    let plain = Just((
        ("s3:ListAllMyBuckets".to_owned(), "*".to_owned()),
        ("iam:ListUsers".to_owned(), "*".to_owned()),
    ));
    prop_oneof![4 => object, 1 => bucket, 2 => user, 2 => parameter, 1 => plain]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn all_that_was_used_is_allowed_and_what_is_beside_it_is_not(
        pairs in proptest::collection::vec(use_and_miss(), 1..40),
        as_role in any::<bool>(),
    ) {
        let principal = if as_role { "arn:aws:iam::111122223333:role/app" } else { "arn:aws:iam::111122223333:user/a" };
        let uses: Vec<Use> = pairs.iter().map(|((action, resource), _)| used(action, resource)).collect();
        let Generated { documents, ungranted, left_out, .. } = generated(principal, &uses);
        prop_assert!(ungranted.is_empty() && left_out == 0);
        for ((action, resource), (other, miss)) in &pairs {
            prop_assert!(allows(&documents, principal, action, resource), "{action} {resource} {documents:?}");
            prop_assert!(!allows(&documents, principal, other, miss), "{other} {miss} {documents:?}");
        }
        let mut others = uses;
        others.reverse();
        prop_assert_eq!(documents, generated(principal, &others).documents);
    }
}
