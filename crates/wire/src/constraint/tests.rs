//! Tests of the constraint table and its texts.

use super::*;

fn refusal(service: Service, body: &str) -> Option<String> {
    let parameters = Parameters::parse(body.as_bytes()).unwrap();
    let operation = service.operation(parameters.action().unwrap()).unwrap();
    validate(&parameters, operation).err()
}

/// Calls a function with every text that a shape leads to.
fn for_each_text(
    shape: &'static Shape,
    seen: &mut Vec<*const Shape>,
    visit: &mut impl FnMut(&'static Text),
) {
    if seen.contains(&std::ptr::from_ref(shape)) {
        return;
    }
    seen.push(shape);
    match shape {
        Shape::Structure(members) => {
            members.iter().for_each(|member| for_each_text(member.shape, seen, visit));
        }
        Shape::List { member, .. } => for_each_text(member, seen, visit),
        Shape::Map { key, value, .. } => {
            for_each_text(key, seen, visit);
            for_each_text(value, seen, visit);
        }
        Shape::Text(text) => visit(text),
        Shape::Integer { .. }
        | Shape::Long { .. }
        | Shape::Boolean
        | Shape::Timestamp
        | Shape::Blob { .. } => {}
    }
}

#[test]
fn every_pattern_of_the_models_compiles() {
    let (mut seen, mut patterns) = (Vec::new(), 0);
    for operation in Service::ALL.iter().flat_map(|service| service.operations()) {
        for_each_text(operation.input.unwrap_or(&Shape::Boolean), &mut seen, &mut |text| {
            if let Some(pattern) = &text.pattern {
                assert!(pattern.regex().is_some(), "{}", pattern.source());
                patterns += 1;
            }
        });
    }
    assert!(patterns > 50, "{patterns}");
}

#[test]
fn wording_is_that_of_the_recorded_answers() {
    let cases = [
        (
            Service::Sts,
            "Action=AssumeRole&RoleArn=arn:aws:iam::123456789012:role/r&RoleSessionName=Session1:2",
            "1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
        ),
        (
            Service::Iam,
            "Action=UpdateAccountPasswordPolicy&MinimumPasswordLength=5",
            "1 validation error detected: Value at 'minimumPasswordLength' failed to satisfy constraint: Member must have value greater than or equal to 6",
        ),
        (
            Service::Iam,
            "Action=CreateUser",
            "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null",
        ),
        (
            Service::Iam,
            "Action=UpdateAccessKey&AccessKeyId=AKIAIOSFODNN7EXAMPLE&Status=active",
            "1 validation error detected: Value at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive, Expired]",
        ),
        (
            Service::Iam,
            "Action=TagUser&UserName=bob&Tags.member.1.Key=a&Tags.member.1.Value=b&Tags.member.2.Key=&Tags.member.2.Value=c",
            "2 validation errors detected: Value at 'tags.2.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1; Value at 'tags.2.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+",
        ),
        (
            Service::Iam,
            "Action=CreateUser&UserName=bob&Path=a",
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
        ),
        (
            Service::Iam,
            "Action=ListUsers&MaxItems=many",
            "1 validation error detected: Value at 'maxItems' failed to satisfy constraint: Member must be an integer",
        ),
    ];
    for (service, body, message) in cases {
        assert_eq!(refusal(service, body).as_deref(), Some(message));
    }
}

#[test]
fn patterns_bind_the_whole_value_and_know_ascii_only() {
    let name = |name: &str| refusal(Service::Iam, &format!("Action=CreateUser&UserName={name}"));
    assert_eq!(name("a_b+".replace('+', "%2B").as_str()), None);
    for wrong in ["a%0A", "%0Aa", "a b", "%C3%A9", "a/b", ""] {
        assert!(name(wrong).is_some(), "{wrong}");
    }
    let path =
        |path: &str| refusal(Service::Iam, &format!("Action=CreateUser&UserName=u&Path={path}"));
    assert_eq!(path("/"), None);
    assert_eq!(path("/a//b/"), None);
    assert!(path("//").is_some());
    let alias = |alias: &str| {
        refusal(Service::Iam, &format!("Action=CreateAccountAlias&AccountAlias={alias}"))
    };
    assert_eq!(alias("a-b-c"), None);
    assert_eq!(alias("123456789012"), None);
    for wrong in ["a--b", "-ab", "ab-", "Ab", "ab"] {
        assert!(alias(wrong).is_some(), "{wrong}");
    }
    assert_eq!(alias("abc"), None);
}

#[test]
fn lengths_count_characters() {
    let name = |length: usize| {
        refusal(Service::Iam, &format!("Action=CreateUser&UserName={}", "a".repeat(length)))
    };
    assert_eq!(name(64), None);
    assert!(name(65).is_some_and(|message| {
        message.ends_with("Member must have length less than or equal to 64")
    }));
    let value = "%C3%A9".repeat(256);
    let tag =
        format!("Action=TagUser&UserName=bob&Tags.member.1.Key=k&Tags.member.1.Value={value}");
    assert_eq!(refusal(Service::Iam, &tag), None);
}

#[test]
fn what_was_recorded_for_a_bad_provider_is_reproduced() {
    let body = format!(
        "Action=CreateOpenIDConnectProvider&Url=&ClientIDList.member.1={}&ThumbprintList.member.1=",
        "a".repeat(256)
    );
    let message = refusal(Service::Iam, &body).unwrap();
    let parts = [
        "Value at 'clientIDList' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal to 1]",
        "Value at 'thumbprintList' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 40, Member must have length greater than or equal to 40]",
        "Value at 'url' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ];
    assert_eq!(message, format!("3 validation errors detected: {}", parts.join("; ")));
}

#[test]
fn what_was_recorded_for_a_bad_password_policy_is_reproduced() {
    let body = "Action=UpdateAccountPasswordPolicy&MinimumPasswordLength=129&MaxPasswordAge=1096&PasswordReusePrevention=25";
    let part = |name: &str, most: u32| {
        format!(
            "Value at '{name}' failed to satisfy constraint: Member must have value less than or equal to {most}"
        )
    };
    let parts = [
        part("minimumPasswordLength", 128),
        part("passwordReusePrevention", 24),
        part("maxPasswordAge", 1095),
    ];
    let expected = format!("3 validation errors detected: {}", parts.join("; "));
    assert_eq!(refusal(Service::Iam, body), Some(expected));
}

#[test]
fn sts_shows_values_but_no_secrets() {
    let arn = "RoleArn=arn:aws:iam::123456789012:role/r&RoleSessionName=s1";
    let body = format!("Action=AssumeRole&{arn}&DurationSeconds=1&TokenCode=12345x");
    assert_eq!(
        refusal(Service::Sts, &body).unwrap(),
        "2 validation errors detected: Value '12345x' at 'tokenCode' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\d]*; Value '1' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"
    );
    let body = format!("Action=AssumeRoleWithWebIdentity&{arn}&WebIdentityToken=abc");
    assert_eq!(
        refusal(Service::Sts, &body).unwrap(),
        "1 validation error detected: Value '***' at 'webIdentityToken' failed to satisfy constraint: Member must have length greater than or equal to 4"
    );
}

#[test]
fn a_value_of_another_form_is_null() {
    let null = "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null";
    for body in ["Action=CreateUser&UserName.member.1=bob", "Action=GetUser&UserName.x=bob"] {
        assert_eq!(refusal(Service::Iam, body).unwrap(), null);
    }
    let text = refusal(Service::Iam, "Action=TagUser&UserName=bob&Tags.member.1=x").unwrap();
    assert!(text.contains("Value null at 'tags.1.member.key'"), "{text}");
    assert!(text.contains("Value null at 'tags.1.member.value'"), "{text}");
}

#[test]
fn a_small_request_gets_no_large_answer() {
    let tags: String = (1..2_000).map(|n| format!("&Tags.member.{n}=")).collect();
    let text = refusal(Service::Iam, &format!("Action=TagUser&UserName=bob{tags}")).unwrap();
    assert!(text.starts_with("100 validation errors detected: "));
    assert!(text.len() < 20_000);
}
