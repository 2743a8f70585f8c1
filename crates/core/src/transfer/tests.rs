//! Out of one account and into another: the same things, and the same decisions.

use super::*;
use crate::account_id::AccountId;
use crate::draw::Draw;
use crate::operator::{Operator, perform};
use crate::test_support::{ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, TRUST_EC2, World};

fn account(number: &str) -> AccountId {
    number.parse().unwrap()
}

fn exported(world: &World, number: &str) -> String {
    let account = world.state.account(account(number)).unwrap();
    Content::of(&world.state, account).to_file(account.id()).unwrap()
}

fn command(world: &World, file: &str, keep_existing: bool) -> Result<ImportContent, String> {
    let account = account(OTHER_ACCOUNT);
    let content = Content::read(file, account)?;
    Ok(ImportContent { account, content, keep_existing, quotas: world.quotas.clone() })
}

/// Imports into the other account.
fn import(world: &mut World, file: &str, keep_existing: bool) -> Result<Imported, String> {
    let command = command(world, file, keep_existing)?;
    let mut draw = Draw::new(world.now, [9; 32]);
    let dry = command.dry_run(&world.state, &mut draw, &mut |_, _| {}).unwrap();
    let mut draw = Draw::new(world.now, [9; 32]);
    let planned = perform(&command, &Operator::Machine, &world.state, &mut draw)
        .map_err(|refusal| refusal.message.unwrap())?;
    assert_eq!(planned.output, dry, "a dry run says what will be");
    world.commit(&planned.changes);
    Ok(planned.output)
}

/// One of everything; two roles that trust each other, and a user who is trusted.
fn world() -> World {
    let tag = "Tags.member.1.Key=team&Tags.member.1.Value=blue";
    let read = |resource: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"iam:GetUser","Resource":"{resource}"}}}}"#
        )
    };
    let own = read("arn:aws:iam::111122223333:user/people/*");
    let bucket = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::logs-111122223333/*","Condition":{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}}}"#;
    let trust = |who: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::111122223333:{who}"}},"Action":"sts:AssumeRole"}}}}"#
        )
    };
    let reader = "arn:aws:iam::111122223333:policy/x/reader";
    let requests = [
        format!(
            "CreatePolicy&PolicyName=reader&Path=/x/&Description=Reads&PolicyDocument={own}&{tag}"
        ),
        format!("CreatePolicyVersion&PolicyArn={reader}&PolicyDocument={bucket}"),
        "CreateGroup&GroupName=staff&Path=/teams/".to_owned(),
        format!("PutGroupPolicy&GroupName=staff&PolicyName=inline&PolicyDocument={own}"),
        format!("CreateUser&UserName=ana&Path=/people/&{tag}&PermissionsBoundary={reader}"),
        "CreateUser&UserName=bob&Path=/people/".to_owned(),
        "AddUserToGroup&GroupName=staff&UserName=ana".to_owned(),
        format!("PutUserPolicy&UserName=bob&PolicyName=all&PolicyDocument={ALLOW_ALL}"),
        format!("AttachUserPolicy&UserName=bob&PolicyArn={reader}"),
        format!("CreateRole&RoleName=one&AssumeRolePolicyDocument={}", trust("user/people/bob")),
        format!(
            "CreateRole&RoleName=two&MaxSessionDuration=7200&Description=second&AssumeRolePolicyDocument={}",
            trust("role/one")
        ),
        format!("UpdateAssumeRolePolicy&RoleName=one&PolicyDocument={}", trust("role/two")),
        format!("CreateRole&RoleName=worker&Path=/svc/&AssumeRolePolicyDocument={TRUST_EC2}&{tag}"),
        "AttachRolePolicy&RoleName=worker&PolicyArn=arn:aws:iam::aws:policy/ReadOnlyAccess"
            .to_owned(),
        format!("PutRolePolicy&RoleName=worker&PolicyName=logs&PolicyDocument={bucket}"),
        format!("CreateInstanceProfile&InstanceProfileName=worker&{tag}"),
        "AddRoleToInstanceProfile&InstanceProfileName=worker&RoleName=worker".to_owned(),
        "CreateInstanceProfile&InstanceProfileName=bare&Path=/p/".to_owned(),
        format!(
            "CreateOpenIDConnectProvider&Url=https://oidc.example.com/x&ClientIDList.member.1=b&ClientIDList.member.2=a&ThumbprintList.member.1={}&{tag}",
            "a".repeat(40)
        ),
        "UpdateAccountPasswordPolicy&MinimumPasswordLength=12&RequireNumbers=true&MaxPasswordAge=90"
            .to_owned(),
    ];
    World::with(&requests.each_ref().map(String::as_str))
}

/// What is said of one account, said of the other; names with its number in them stay.
fn of_other(text: &str) -> String {
    text.replace(&format!(":{ACCOUNT}:"), &format!(":{OTHER_ACCOUNT}:"))
        .replace(&format!("\"{ACCOUNT}\""), &format!("\"{OTHER_ACCOUNT}\""))
}

#[test]
fn what_goes_out_comes_in_and_decides_alike() {
    let mut world = world();
    let file = exported(&world, ACCOUNT);
    let imported = import(&mut world, &file, false).unwrap();
    assert_eq!(imported.count(Sign::Create), imported.lines.len());
    assert_eq!(imported.lines.len(), 11);
    assert_eq!(exported(&world, OTHER_ACCOUNT), of_other(&file));
    assert!(file.contains("logs-111122223333") && of_other(&file).contains("logs-111122223333"));

    let requests = [
        "GetUser&UserName=ana",
        "GetUser&UserName=bob",
        "ListUsers",
        "ListRoleTags&RoleName=worker",
        "AssumeRole&RoleArn=arn:aws:iam::111122223333:role/one&RoleSessionName=s",
        "AssumeRole&RoleArn=arn:aws:iam::111122223333:role/two&RoleSessionName=s",
        "CreateUser&UserName=new",
    ];
    let mut outcomes = 0;
    for name in ["ana", "bob"] {
        let here = world.user(name);
        let there = world.user_of(OTHER_ACCOUNT, name);
        for request in requests {
            let first = world.fork().send(&here, request);
            let second = world.fork().send(&there, &of_other(request));
            assert_eq!(first.is_ok(), second.is_ok(), "{name} {request}");
            assert_eq!(
                first.clone().err().map(|it| of_other(&it)),
                second.err(),
                "{name} {request}"
            );
            outcomes += usize::from(first.is_ok());
        }
    }
    assert!((4..10).contains(&outcomes), "some are allowed and some are not: {outcomes}");
}

#[test]
fn what_is_there_already_is_left_alone() {
    let mut world = world();
    let file = exported(&world, ACCOUNT);
    import(&mut world, &file, false).unwrap();
    let again = import(&mut world, &file, false).unwrap();
    assert_eq!(again.count(Sign::Same), 11);
    let other_root = world.root_of(OTHER_ACCOUNT);
    world.ok(&other_root, "UpdateUser&UserName=ana&NewPath=/else/");
    world.ok(&other_root, "DeleteUserPolicy&UserName=bob&PolicyName=all");
    world.ok(&other_root, "UpdateAccountPasswordPolicy&MinimumPasswordLength=20");
    let before = exported(&world, OTHER_ACCOUNT);
    let refusal = import(&mut world, &file, false).unwrap_err();
    assert!(refusal.contains("user ana: is there, with other path"), "{refusal}");
    assert!(refusal.contains("user bob: is there, with other inline policies"), "{refusal}");
    let rules = "password-policy account: is there, with other rules";
    assert!(refusal.contains(rules), "{refusal}");
    let kept = import(&mut world, &file, true).unwrap();
    assert_eq!((kept.count(Sign::Same), kept.count(Sign::Differs)), (8, 3));
    assert_eq!(exported(&world, OTHER_ACCOUNT), before);
}

#[test]
fn what_needs_a_key_or_is_one_accounts_alone_is_left_out() {
    let mut world = world();
    let file = format!(
        r#"{{"AccountAliases":["acme"],
        "SAMLProviderList":[{{"Arn":"arn:aws:iam::{ACCOUNT}:saml-provider/corp","SAMLMetadataDocument":"<a/>","AssertionEncryptionMode":"Required"}}],
        "ServerCertificates":[{{"Arn":"arn:aws:iam::{ACCOUNT}:server-certificate/tls","Path":"/","ServerCertificateName":"tls","CertificateBody":"pem"}}]}}"#
    );
    let before = exported(&world, OTHER_ACCOUNT);
    let imported = import(&mut world, &file, false).unwrap();
    assert_eq!((imported.lines.len(), imported.count(Sign::LeftOut)), (3, 3));
    assert_eq!(exported(&world, OTHER_ACCOUNT), before);
    let two = file.replace(r#""acme""#, r#""acme","other""#);
    let problem = import(&mut world, &two, false).unwrap_err();
    assert!(problem.contains("more than one alias"), "{problem}");
}

#[test]
fn operators_elsewhere_may_not_import() {
    let world = world();
    let command = command(&world, "{}", false).unwrap();
    let mut draw = Draw::new(world.now, [9; 32]);
    let operator = Operator::Named("ana".into());
    let refusal = perform(&command, &operator, &world.state, &mut draw).unwrap_err();
    assert!(refusal.to_string().starts_with("AccessDenied: "));
}

/// A file with one user, as AWS writes it, and these members.
fn user(members: &str) -> String {
    format!(
        r#"{{"UserDetailList":[{{"Path":"/","UserName":"ana","UserId":"AIDAX","Arn":"arn:aws:iam::{ACCOUNT}:user/ana","CreateDate":"2020-01-01T00:00:00Z","GroupList":[],"AttachedManagedPolicies":[],"Tags":[]{members}}}],"GroupDetailList":[],"RoleDetailList":[],"Policies":[]}}"#
    )
}

fn role(name: &str, trust: &str, members: &str) -> String {
    format!(
        r#"{{"RoleDetailList":[{{"Path":"/","RoleName":"{name}","Arn":"arn:aws:iam::{ACCOUNT}:role/{name}","AssumeRolePolicyDocument":{trust}{members}}}]}}"#
    )
}

fn tagged(count: usize) -> String {
    let tags: Vec<String> =
        (0..count).map(|it| format!(r#"{{"Key":"k{it}","Value":""}}"#)).collect();
    user("").replace("\"Tags\":[]", &format!("\"Tags\":[{}]", tags.join(",")))
}

fn version(id: &str, is_default: bool) -> String {
    format!(r#"{{"Document":{ALLOW_ALL},"VersionId":"{id}","IsDefaultVersion":{is_default}}}"#)
}

fn policy(versions: &[String]) -> String {
    format!(
        r#"{{"Policies":[{{"PolicyName":"p","Arn":"arn:aws:iam::{ACCOUNT}:policy/p","Path":"/","PolicyVersionList":[{}]}}]}}"#,
        versions.join(",")
    )
}

/// Six versions of a policy, one too many.
fn versions() -> Vec<String> {
    (1..=6).map(|number| version(&format!("v{number}"), number == 6)).collect()
}

fn inline(document: &str) -> String {
    user(&format!(r#","UserPolicyList":[{{"PolicyName":"p","PolicyDocument":{document}}}]"#))
}

/// Each file is refused with these words, and nothing is stored.
fn refuse(cases: &[(&str, &str)]) {
    let mut world = World::new();
    let before = exported(&world, OTHER_ACCOUNT);
    for (file, expected) in cases {
        let shown: String = file.chars().take(300).collect();
        let refusal = import(&mut world, file, false).expect_err(&shown);
        assert!(refusal.contains(expected), "{shown}\n{refusal}");
    }
    assert_eq!(exported(&world, OTHER_ACCOUNT), before);
}

#[test]
fn what_is_no_file_of_aws_is_refused() {
    let wide = format!(r#""{}""#, "a".repeat(FILE_LENGTH_MAX));
    let deep = inline(&format!("{}1{}", "[".repeat(60_000), "]".repeat(60_000)));
    let ana = r#"{"Path":"/","UserName":"ana","Arn":"arn:aws:iam::111122223333:user/ana"}"#;
    let other = ana.replace("1111", "9999");
    refuse(&[
        ("", "EOF while parsing"),
        ("nothing", "expected ident"),
        ("[]", "it is a list"),
        ("{\"UserDetailList\":[]", "EOF while parsing"),
        (&deep, "MalformedPolicyDocument"),
        (&user(r#","Password":"x""#), "unknown field `Password`"),
        ("{\"Users\":[]}", "unknown field `Users`"),
        ("{\"IsTruncated\":true}", "one page of several"),
        (&wide, "more than"),
        (&user("").replace(ACCOUNT, "1"), "names no account"),
        (&user("").replace("arn:aws:iam", "arn:aws:s3"), "is no ARN of IAM"),
        (&format!(r#"{{"UserDetailList":[{ana},{ana}]}}"#), "the user ana is there twice"),
        (&format!(r#"{{"UserDetailList":[{ana},{other}]}}"#), "more than one account"),
        (&inline("\"%7\""), "not percent-encoded"),
        (&policy(&[]), "0 versions are the default, not one"),
        (&policy(&[version("v1", true), version("v2", true)]), "2 versions are the default"),
        (&policy(&[version("v1", true), version("v1", false)]), "version v1 is there twice"),
        (&policy(&[version("x1", true)]), "`x1` is no version"),
    ]);
}

#[test]
fn what_aws_would_refuse_is_refused() {
    let named = |name: &str| user("").replace("\"ana\"", &format!("\"{name}\""));
    let bounded = user(
        r#","PermissionsBoundary":{"PermissionsBoundaryType":"Policy","PermissionsBoundaryArn":"arn:aws:iam::111122223333:policy/none"}"#,
    );
    let ended = r#""AWS":"AROAEXAMPLEEXAMPLEEXA""#;
    let ended = TRUST_EC2.replace(r#""Service":"ec2.amazonaws.com""#, ended);
    refuse(&[
        (&named("a b"), "Member must satisfy regular expression pattern"),
        (&named(&"a".repeat(65)), "Member must have length less than or equal to 64"),
        (&user("").replace("\"Path\":\"/\"", "\"Path\":\"x\""), "It must begin and end with /"),
        (
            &user("").replace("\"GroupList\":[]", "\"GroupList\":[\"none\"]"),
            "The group with name none cannot be found.",
        ),
        (&bounded, "policy/none"),
        (&inline(r#"{"Statement":[]}"#), "MalformedPolicyDocument"),
        (&inline(r#""text""#), "MalformedPolicyDocument"),
        (
            &inline(&ALLOW_ALL.replacen('{', r#"{"Version":"2012-10-17","#, 1)),
            "MalformedPolicyDocument",
        ),
        (&tagged(51), "Value at 'tags'"),
        (&role("r", "{}", ""), "MalformedPolicyDocument"),
        (&role("r", &ended, ""), "Invalid principal in policy"),
        (&role("r", TRUST_EC2, r#","MaxSessionDuration":1"#), "maxSessionDuration"),
        (&policy(&versions()), "can have up to 5 versions"),
    ]);
}

#[test]
fn the_nearest_to_what_is_refused_is_taken() {
    let mut world = World::new();
    for file in [
        &user(""),
        &tagged(50).replace("\"ana\"", "\"tagged\""),
        &policy(&versions()[1..]),
        &role("r", TRUST_EC2, r#","MaxSessionDuration":3600"#),
    ] {
        import(&mut world, file, false).unwrap();
    }
}

#[test]
fn too_many_are_refused_whole() {
    let mut world = World::new();
    world.quotas.users = 2;
    let one = |number: usize| {
        format!(
            r#"{{"Path":"/","UserName":"u{number}","Arn":"arn:aws:iam::{ACCOUNT}:user/u{number}"}}"#
        )
    };
    let file = |count: usize| {
        let users: Vec<String> = (0..count).map(one).collect();
        format!(r#"{{"UserDetailList":[{}]}}"#, users.join(","))
    };
    let refusal = import(&mut world, &file(30), false).unwrap_err();
    assert!(refusal.contains("28 things of the file cannot be"), "{refusal}");
    assert!(refusal.contains("Cannot exceed quota for UsersPerAccount: 2"), "{refusal}");
    assert!(refusal.ends_with("\n..."));
    import(&mut world, &file(2), false).unwrap();
}

#[test]
fn documents_may_be_objects_text_or_encoded_text() {
    let text = serde_json::to_string(ALLOW_ALL).unwrap();
    let encoded = format!("\"{}\"", crate::iam::encoded_document(ALLOW_ALL));
    for document in [ALLOW_ALL, &text, &encoded] {
        let content = Content::read(&inline(document), account(OTHER_ACCOUNT)).unwrap();
        assert_eq!(content.users["ana"].entity.inline["p"].text(), ALLOW_ALL);
    }
}

#[test]
fn roles_of_services_and_policies_of_aws_are_not_carried_over() {
    let mut world = World::new();
    let service = role("AWSServiceRoleForX", TRUST_EC2, "")
        .replace("\"Path\":\"/\"", "\"Path\":\"/aws-service-role/x.amazonaws.com/\"");
    let imported = import(&mut world, &service, false).unwrap();
    assert_eq!((imported.lines.len(), imported.count(Sign::LeftOut)), (1, 1));
    let aws = format!(
        r#"{{"Policies":[{{"PolicyName":"ReadOnlyAccess","Arn":"arn:aws:iam::aws:policy/ReadOnlyAccess","Path":"/","PolicyVersionList":[{{"Document":{ALLOW_ALL},"VersionId":"v9","IsDefaultVersion":true}}]}}]}}"#
    );
    assert_eq!(import(&mut world, &aws, false).unwrap().lines, []);
}

#[test]
fn the_credential_report_says_what_must_be_made_anew() {
    let head = "user,arn,password_enabled,mfa_active,access_key_1_active,access_key_2_active,cert_1_active,cert_2_active";
    let report = format!(
        "{head}\n<root_account>,a,not_supported,true,true,false,false,false\nana,a,true,true,true,false,false,false\nbob,a,false,false,false,false,false,false\n"
    );
    let missing = missing_credentials(&report).unwrap();
    assert_eq!(missing, [("ana".to_owned(), vec!["password", "MFA device", "access key"])]);
    for (bad, expected) in [
        (String::new(), "no column user"),
        (head.replace("mfa_active", "mfa"), "no column mfa_active"),
        (format!("{head}\nana,a\n"), "line 2"),
        ("x\n".repeat(6_000), "more than 5002 lines"),
    ] {
        let error = missing_credentials(&bad).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}
