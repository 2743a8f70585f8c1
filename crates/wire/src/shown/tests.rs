//! Tests of what the audit trail shows.

use super::*;
use crate::query::Parameters;
use crate::{NoOutput, Secret, Service, Timestamp, iam, sts};

fn shown(service: Service, body: &str) -> Option<String> {
    let parsed = Parameters::parse(body.as_bytes()).unwrap();
    parameters(&parsed, service.operation(parsed.action().unwrap()).unwrap()).map(|shown| {
        same_resources(&shown);
        shown.text
    })
}

/// What was known while it was written is what a reader finds.
fn same_resources(shown: &Shown) {
    let (mut known, mut read) = (shown.resources.clone(), resources_in(&shown.text));
    known.sort();
    read.sort();
    assert_eq!(known, read, "{}", shown.text);
}

#[test]
fn parameters_have_the_names_and_types_of_the_model() {
    let body = "Action=CreateRole&RoleName=r&MaxSessionDuration=3600&AssumeRolePolicyDocument=%7B%22a%22%7D\
                &Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.2.Key=l&Other=x";
    assert_eq!(
        shown(Service::Iam, body).unwrap(),
        r#"{"roleName":"r","assumeRolePolicyDocument":"{\"a\"}","maxSessionDuration":3600,"tags":[{"key":"k","value":"v"},{"key":"l"}]}"#
    );
    assert_eq!(shown(Service::Sts, "Action=GetCallerIdentity&Version=x"), None);
    let typed = shown(
        Service::Iam,
        "Action=UpdateAccountPasswordPolicy&RequireSymbols=true&MaxPasswordAge=x",
    );
    assert_eq!(typed.unwrap(), r#"{"requireSymbols":true,"maxPasswordAge":"x"}"#);
}

#[test]
fn secrets_of_a_request_are_hidden() {
    for (service, body, member) in [
        (Service::Iam, "Action=CreateLoginProfile&Password=canary", "password"),
        (
            Service::Iam,
            "Action=ChangePassword&OldPassword=canary&NewPassword=canary",
            "newPassword",
        ),
        (Service::Iam, "Action=UploadServerCertificate&PrivateKey=canary", "privateKey"),
        (Service::Iam, "Action=EnableMFADevice&AuthenticationCode1=canary", "authenticationCode1"),
        (Service::Sts, "Action=AssumeRole&TokenCode=canary", "tokenCode"),
        (Service::Sts, "Action=AssumeRoleWithSAML&SAMLAssertion=canary", "sAMLAssertion"),
        (
            Service::Sts,
            "Action=AssumeRoleWithWebIdentity&WebIdentityToken=canary",
            "webIdentityToken",
        ),
    ] {
        let text = shown(service, body).unwrap();
        assert!(!text.contains("canary"), "{text}");
        assert!(text.contains(&format!("\"{member}\":\"{HIDDEN}\"")), "{text}");
    }
}

#[test]
fn secrets_of_an_answer_are_hidden() {
    let access_key = iam::AccessKey {
        user_name: "ana".to_owned(),
        access_key_id: "AKIA".to_owned(),
        status: iam::StatusType::Active,
        secret_access_key: Secret::from("canary".to_owned()),
        create_date: Some(Timestamp::from_seconds(1_395_781_874)),
    };
    assert_eq!(
        elements(&iam::CreateAccessKeyResponse { access_key }).unwrap().unwrap().text,
        format!(
            r#"{{"accessKey":{{"userName":"ana","accessKeyId":"AKIA","status":"Active","secretAccessKey":"{HIDDEN}","createDate":"Mar 25, 2014 9:11:14 PM"}}}}"#
        )
    );
    let credentials = sts::Credentials {
        access_key_id: "ASIA".to_owned(),
        secret_access_key: Secret::from("canary".to_owned()),
        session_token: "canary".to_owned(),
        expiration: Timestamp::from_seconds(0),
    };
    let credentials = Some(credentials);
    let output = sts::GetSessionTokenResponse { credentials, ..Default::default() };
    let text = elements(&output).unwrap().unwrap().text;
    assert!(!text.contains("canary") && text.contains("\"Jan 1, 1970 12:00:00 AM\""), "{text}");
    assert_eq!(elements(&NoOutput).unwrap(), None);
}

#[test]
fn what_is_too_long_is_left_out() {
    let long = "x".repeat(LENGTH_MAX);
    let text = shown(Service::Iam, &format!("Action=CreateUser&UserName={long}&Path=/")).unwrap();
    assert_eq!(text, r#"{"omitted":true,"reason":"requestParameters too large"}"#);
    let body = format!("Action=CreateUser&UserName={}", "x".repeat(LENGTH_MAX - 64));
    assert!(shown(Service::Iam, &body).unwrap().len() > LENGTH_MAX - 64);
}

#[test]
fn resources_are_known_without_reading_what_was_written() {
    let names = |resources: &[Resource<'_>]| {
        resources.iter().map(|(kind, name)| format!("{kind} {name}")).collect::<Vec<_>>()
    };
    for (body, expected) in [
        ("Action=CreateUser&UserName=an%22a&Path=/", vec!["AWS::IAM::User an\"a"]),
        (
            "Action=AddUserToGroup&GroupName=g&UserName=ana",
            vec!["AWS::IAM::Group g", "AWS::IAM::User ana"],
        ),
        ("Action=AttachRolePolicy&RoleName=r&PolicyArn=arn:aws:iam::aws:policy/P", {
            vec!["AWS::IAM::Role r", "AWS::IAM::Policy arn:aws:iam::aws:policy/P"]
        }),
        ("Action=DeleteAccessKey&AccessKeyId=AKIA", vec!["AWS::IAM::AccessKey AKIA"]),
        ("Action=ListUsers&PathPrefix=/UserName/", vec![]),
    ] {
        let parsed = Parameters::parse(body.as_bytes()).unwrap();
        let operation = Service::Iam.operation(parsed.action().unwrap()).unwrap();
        let shown = parameters(&parsed, operation).unwrap();
        assert_eq!(names(&shown.resources), expected, "{body}");
        same_resources(&shown);
    }
    let user = iam::User {
        user_name: "ana".to_owned(),
        arn: "arn:aws:iam::1:user/ana".to_owned(),
        ..Default::default()
    };
    let shown = elements(&iam::CreateUserResponse { user: Some(user) }).unwrap().unwrap();
    assert_eq!(names(&shown.resources), ["AWS::IAM::User arn:aws:iam::1:user/ana"]);
    same_resources(&shown);
    let given = Shown::of_json(r#"{"userName":"ana","role":{"arn":"r"}}"#.to_owned()).unwrap();
    assert_eq!(names(&given.resources), ["AWS::IAM::User ana", "AWS::IAM::Role r"]);
    assert_eq!(Shown::of_json("{}".to_owned()), None);
}
