//! ARNs, alone and beside the actions of their statements.

use super::*;

fn resource(resource: &str) -> Vec<&'static str> {
    of(r#""*""#, &format!("\"{resource}\""), "")
}

#[test]
fn arns_have_the_forms_of_their_services() {
    for (arn, expected) in [
        ("arn:aws:ec2:eu-central-1:111122223333:instance/i-1", None),
        ("arn:aws:ec2:*:*:instance/*", None),
        ("arn:aws:ec2:*:*:*", None),
        ("arn:aws:ec2:*:*:inst*", None),
        ("arn:aws:ec2:*:*:instances/i-1", Some("INVALID_ARN_RESOURCE")),
        ("arn:aws:dynamodb:*:*:tabel/x", Some("INVALID_ARN_RESOURCE")),
        ("arn:aws:dynamodb:*:*:table/${aws:username}", None),
        ("arn:aws:apigateway:*::/anything", None),
        ("arn:aws:s3:::b/k", None),
        ("arn:aws:s3:*:*:b", None),
        ("arn:aws:s3::111122223333:b", Some("ARN_ACCOUNT_NOT_ALLOWED")),
        ("arn:aws:lambda::111122223333:function:f", Some("MISSING_ARN_REGION")),
        ("arn:aws:lambda:*:111122223333:function:f", None),
        ("arn:aws:lambda:us-east-1::function:f", Some("MISSING_ARN_ACCOUNT")),
        ("arn:aws:ssm:us-east-1::parameter/aws/service/x", None),
        ("arn:aws:sns:us-east-1:1111222233:t", Some("INVALID_ARN_ACCOUNT")),
        ("arn:aws:sns:us-east-1:1111-2222-3333:t", Some("INVALID_ARN_ACCOUNT")),
        ("arn:aws:sns:us_east_1:111122223333:t", Some("INVALID_ARN_REGION")),
        ("arn:aws:sns:us-gov-west-1:111122223333:t", None),
        ("arn:aws:S3:::b", Some("INVALID_ARN_SERVICE_CASE")),
        ("arn:aws:s4:::b", Some("INVALID_SERVICE")),
        (
            "arn:aws:sns:${aws:RequestedRegion}:111122223333:t",
            Some("VARIABLE_UNSUPPORTED_IN_ELEMENT"),
        ),
    ] {
        assert_eq!(resource(arn), expected.into_iter().collect::<Vec<_>>(), "{arn}");
    }
}

#[test]
fn incomplete_arns_name_nothing_in_some_types() {
    let deny = |resource: &str, grammar: Grammar| {
        let statement = format!(r#"{{"Effect":"Deny","Action":"sns:*","Resource":"{resource}"}}"#);
        codes(&statement, grammar)
    };
    assert_eq!(deny("arn:aws:sns", Grammar::Scp), ["MISSING_ARN_FIELD"]);
    assert_eq!(deny("arn:aws:sns:*", Grammar::Scp), NONE);
    assert_eq!(deny("arn:aws:sns", Grammar::Identity), NONE);
}

#[test]
fn actions_know_the_resources() {
    let one = "UNSUPPORTED_RESOURCE_FOR_ACTIONS";
    assert_eq!(of(r#""s3:ListAllMyBuckets""#, r#""arn:aws:s3:::*""#, ""), [one]);
    assert_eq!(of(r#""s3:ListAllMyBuckets""#, r#""*""#, ""), NONE);
    assert_eq!(of(r#""s3:GetObject""#, r#""arn:aws:s3:::b""#, ""), [one], "an object has a key");
    assert_eq!(of(r#""s3:GetObject""#, r#""arn:aws:s3:::b*""#, ""), NONE);
    assert_eq!(of(r#""s3:ListBucket""#, r#""arn:aws:s3:::b/*""#, ""), [one]);
    assert_eq!(of(r#""s3:List*""#, r#""arn:aws:s3:::b/*""#, ""), NONE, "ListMultipartUploadParts");
    assert_eq!(of(r#""s3:GetObject""#, r#""arn:aws:sqs:*:*:q""#, ""), [one]);
    assert_eq!(of(r#""*""#, r#""arn:aws:sqs:*:*:q""#, ""), NONE);
    assert_eq!(
        of(r#"["own:Get","s3:GetObject"]"#, r#""arn:aws:sqs:*:*:q""#, ""),
        ["INVALID_SERVICE_IN_ACTION"]
    );
}

#[test]
fn resources_know_the_actions() {
    let both = r#"["arn:aws:s3:::b","arn:aws:s3:::b/*"]"#;
    assert_eq!(of(r#"["s3:ListBucket","s3:GetObject"]"#, both, ""), NONE);
    assert_eq!(
        of(r#"["s3:ListBucket","s3:GetObject"]"#, r#""arn:aws:s3:::b/*""#, ""),
        ["UNSUPPORTED_ACTION_FOR_RESOURCES"]
    );
    assert_eq!(
        of(r#"["s3:ListAllMyBuckets","s3:ListBucket"]"#, r#""arn:aws:s3:::b""#, ""),
        ["UNSUPPORTED_ACTION_FOR_RESOURCES"]
    );
    assert_eq!(
        of(r#"["s3:ListAllMyBuckets","s3:ListBucket"]"#, r#"["arn:aws:s3:::b","*"]"#, ""),
        ["REDUNDANT_RESOURCE"]
    );
    // Two services share the prefix, and the data know one of both.
    assert_eq!(
        of(
            r#""elasticloadbalancing:AddTags""#,
            r#""arn:aws:elasticloadbalancing:*:*:targetgroup/a/b""#,
            ""
        ),
        NONE
    );
}

#[test]
fn resources_that_others_cover() {
    let list = |resources: &str| of(r#""s3:GetObject""#, resources, "");
    assert_eq!(list(r#"["arn:aws:s3:::b/*","arn:aws:s3:::b/a/*"]"#), ["REDUNDANT_RESOURCE"]);
    assert_eq!(list(r#"["arn:aws:s3:::b/a","arn:aws:s3:::b/a"]"#), ["REDUNDANT_RESOURCE"]);
    assert_eq!(
        list(r#"["arn:aws:s3:::b/*","arn:aws:s3:::b/${aws:username}"]"#),
        ["REDUNDANT_RESOURCE"]
    );
    assert_eq!(list(r#"["arn:aws:s3:::b/a/*","arn:aws:s3:::b/b/*"]"#), NONE);
    assert_eq!(list(r#"["arn:aws:s3:::b/${aws:userid}","arn:aws:s3:::b/${aws:username}"]"#), NONE);
    let fields = r#"["arn:aws:sqs:*:111122223333:a","arn:aws:sqs:*:*:b"]"#;
    assert_eq!(of(r#""sqs:*""#, fields, ""), NONE, "a `*` stays in its field");
    let except = |resources: &str| {
        let statement = format!(r#"{{"Effect":"Deny","Action":"s3:*","NotResource":{resources}}}"#);
        codes(&statement, Grammar::Identity)
    };
    assert_eq!(except(r#"["arn:aws:s3:::b/*","arn:aws:s3:::b/a"]"#), ["REDUNDANT_RESOURCE"]);
    assert_eq!(
        except(r#"["arn:aws:s3:::b/*","arn:aws:s3:::b/${aws:username}"]"#),
        NONE,
        "without a value the whole statement is void"
    );
}

#[test]
fn empty_lists() {
    assert!(of("[]", r#""*""#, "").contains(&"EMPTY_ARRAY_ACTION"));
    assert!(of(r#""s3:GetObject""#, "[]", "").contains(&"EMPTY_ARRAY_RESOURCE"));
}
