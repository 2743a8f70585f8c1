//! Random cases, near misses of each other: questions are drawn from the vocabulary of the policies.

use proptest::prelude::*;
use proptest::sample::select;

use crate::case::{Caller, Held, Question, Texts};

const A: &str = "111122223333";
const B: &str = "999988887777";

const CALLERS: &[Caller] = &[
    Caller::Root(A),
    Caller::Root(B),
    Caller::User("arn:aws:iam::111122223333:user/ana", "AIDAANA"),
    Caller::User("arn:aws:iam::111122223333:user/team/bob", "AIDABOB"),
    Caller::User("arn:aws:iam::999988887777:user/eve", "AIDAEVE"),
    Caller::Session(
        "arn:aws:sts::111122223333:assumed-role/app/s1",
        "arn:aws:iam::111122223333:role/app",
        "AROAAPP",
    ),
    Caller::Session(
        "arn:aws:sts::999988887777:assumed-role/app/s1",
        "arn:aws:iam::999988887777:role/x/app",
        "AROAOTHER",
    ),
    Caller::Session(
        "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForX/s",
        "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
        "AROASLR",
    ),
    Caller::FederatedUser(
        "arn:aws:sts::111122223333:federated-user/fay",
        "arn:aws:iam::111122223333:user/ana",
    ),
    Caller::Service("ec2.amazonaws.com"),
    Caller::Outsider("accounts.google.com"),
    Caller::Anonymous,
];

const ACTIONS: &[&str] = &[
    "s3:GetObject",
    "S3:getobject",
    "s3:PutObject",
    "s3:ListAllMyBuckets",
    "iam:DeletePolicy",
    "iam:GetUser",
    "iam:TagRole",
    "sts:AssumeRole",
    "sts:GetCallerIdentity",
    "sts:GetSessionToken",
    "kms:Decrypt",
    "kms:DeleteAlias",
    "ec2:StopInstances",
    "unknown",
];

const ACTION_PATTERNS: &[&str] = &[
    "*",
    "*",
    "s3:*",
    "s3:Get*",
    "s3:GetObject",
    "S3:GETOBJECT",
    "s3:?etObject",
    "s3:*Object",
    "iam:*",
    "iam:Delete*",
    "sts:*",
    "sts:AssumeRole",
    "kms:*",
    "ec2:Stop*",
    "*:*",
    "s*:*",
    "s3:",
    "GetObject",
    "s3:GetObject,PutObject",
    "",
];

const RESOURCES: &[&str] = &[
    "arn:aws:s3:::bucket/key",
    "arn:aws:s3:::bucket/ana/key",
    "arn:aws:s3:::bucket/key0",
    "arn:aws:s3:::bucket/blue/a/deep/path/below",
    "arn:aws:s3:::bucket",
    "*",
    "arn:aws:iam::111122223333:role/app",
    "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
    "arn:aws:iam::aws:policy/ReadOnlyAccess",
    "arn:aws:iam::111122223333:user/ana",
    "arn:aws:kms:us-east-1:111122223333:key/1",
    "arn:aws:kms:us-east-1:111122223333:alias/aws/s3",
    "arn:aws:ec2:us-east-1:111122223333:instance/12345",
    "nothing",
];

const RESOURCE_PATTERNS: &[&str] = &[
    "*",
    "*",
    "*",
    "arn:aws:s3:::bucket/*",
    "arn:aws:s3:::bucket/key",
    "arn:aws:s3:::bucket/key0",
    "arn:aws:s3:::bucket",
    "arn:aws:s3:::Bucket/*",
    "arn:aws:s3:::*/key",
    "arn:aws:s3:::*",
    "arn:*:s3:::bucket/???",
    "arn:aws:s3",
    "arn:aws:s3:*",
    "arn:aws",
    "arn:aws:*",
    "arn:aws:ec2",
    "arn:aws:s3:::bucket/${aws:username}/*",
    "arn:aws:s3:::bucket/${aws:PrincipalTag/team}/*",
    "arn:aws:s3:::bucket/${aws:PrincipalTag/none}/*",
    "arn:aws:s3:::bucket/${aws:PrincipalTag/none, 'ana'}/*",
    "arn:aws:s3:::bucket/${*}",
    "arn:aws:s3:::${x:Many}/key",
    "arn:aws:${aws:username}:::bucket/key",
    "arn:aws:iam::111122223333:*",
    "arn:aws:iam::*:role/*",
    "arn:aws:iam::111122223333:role/app",
    "arn:aws:ec2:*:*:*/12345",
    "arn:aws:ec2:*:*:*/*",
    "arn:aws:ec2:*:*:instance/*",
    "arn:aws:kms:*:*:key/*",
    "bucket",
    "",
    "arn:aws:s3:::bucket/blue/a/deep/path/*",
];

const PRINCIPALS: &[&str] = &[
    r#""*""#,
    r#"{"AWS":"*"}"#,
    r#"{"AWS":"111122223333"}"#,
    r#"{"AWS":"arn:aws:iam::111122223333:root"}"#,
    r#"{"AWS":"999988887777"}"#,
    r#"{"AWS":"arn:aws:iam::111122223333:user/ana"}"#,
    r#"{"AWS":"AIDAANA"}"#,
    r#"{"AWS":"arn:aws:iam::111122223333:role/app"}"#,
    r#"{"AWS":"AROAAPP"}"#,
    r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/app/s1"}"#,
    r#"{"AWS":"arn:aws:sts::111122223333:federated-user/fay"}"#,
    r#"{"AWS":["arn:aws:iam::999988887777:user/eve","arn:aws:iam::999988887777:role/x/app"]}"#,
    r#"{"Service":"ec2.amazonaws.com"}"#,
    r#"{"Federated":"accounts.google.com"}"#,
    r#"{"CanonicalUser":"79a5"}"#,
    r#""arn:aws:iam::111122223333:user/ana""#,
    r#"["111122223333","AIDAEVE"]"#,
    r#"{"AWS":[],"Service":"sns.amazonaws.com"}"#,
];

const CONDITIONS: &[&str] = &[
    r#"{"StringEquals":{"aws:username":"ana"}}"#,
    r#"{"StringNotEquals":{"aws:username":"ana"}}"#,
    r#"{"StringEquals":{"AWS:UserName":["bob","ana"]}}"#,
    r#"{"StringEqualsIfExists":{"aws:username":"ana"}}"#,
    r#"{"StringEqualsIgnoreCase":{"aws:PrincipalTag/Team":"BLUE"}}"#,
    r#"{"StringLike":{"aws:PrincipalTag/team":"b*"}}"#,
    r#"{"StringNotLike":{"aws:PrincipalTag/team":["b*","r?d"]}}"#,
    r#"{"StringEquals":{"aws:PrincipalTag/team":"${aws:username}"}}"#,
    r#"{"StringNotEquals":{"aws:username":"${aws:PrincipalTag/none}"}}"#,
    r#"{"StringLike":{"aws:username":"${aws:PrincipalTag/none, 'a*'}"}}"#,
    r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":"300"}}"#,
    r#"{"NumericNotEquals":{"aws:MultiFactorAuthAge":[100,300]}}"#,
    r#"{"NumericEquals":{"x:Text":"1"}}"#,
    r#"{"NumericGreaterThanEquals":{"aws:MultiFactorAuthAge":"x"}}"#,
    r#"{"DateLessThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}}"#,
    r#"{"DateGreaterThanEquals":{"aws:CurrentTime":"2026-01-01"}}"#,
    r#"{"DateNotEquals":{"aws:CurrentTime":"nonsense"}}"#,
    r#"{"Bool":{"aws:SecureTransport":true}}"#,
    r#"{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#,
    r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}"#,
    r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","192.168.1.1"]}}"#,
    r#"{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
    r#"{"NotIpAddress":{"aws:SourceIp":"300.0.0.0/8"}}"#,
    r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#,
    r#"{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/*"}}"#,
    r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam:*:role/app"}}"#,
    r#"{"Null":{"aws:username":"true"}}"#,
    r#"{"Null":{"aws:username":false}}"#,
    r#"{"ForAllValues:StringEquals":{"x:Many":["a","b"]}}"#,
    r#"{"ForAnyValue:StringLike":{"x:Many":"a*"}}"#,
    r#"{"ForAllValues:StringNotEquals":{"x:Many":"a"}}"#,
    r#"{"ForAnyValue:StringNotEqualsIfExists":{"x:Many":"a"}}"#,
    r#"{"StringEquals":{"x:Many":"a"},"Bool":{"aws:SecureTransport":"true"}}"#,
    r#"{"BinaryEquals":{"x:Bytes":"YWJj"}}"#,
    r#"{"StringIs":{"a":"b"}}"#,
    r#"{"NullIfExists":{"aws:username":"true"}}"#,
    r#"[]"#,
    r#"{"StringEquals":{"aws:username":null}}"#,
    r#"{}"#,
];

/// Which elements a statement of a type usually has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Identity,
    Resource,
    Trust,
    Endpoint,
}

fn list(of: &'static [&'static str]) -> BoxedStrategy<String> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    prop_oneof![
        3 => select(of).prop_map(quoted),
        2 => prop::collection::vec(select(of), 0..3).prop_map(move |texts| {
            format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(","))
        }),
    ]
    .boxed()
}

/// An element, its negation, neither or both.
fn element(name: &'static str, of: &'static [&'static str], absent: u32) -> BoxedStrategy<String> {
    prop_oneof![
        30 => list(of).prop_map(move |values| format!(r#","{name}":{values}"#)),
        6 => list(of).prop_map(move |values| format!(r#","Not{name}":{values}"#)),
        absent => Just(String::new()),
        1 => (list(of), list(of)).prop_map(move |(one, other)| format!(r#","{name}":{one},"Not{name}":{other}"#)),
    ]
    .boxed()
}

fn statement(style: Style) -> BoxedStrategy<String> {
    let effect = prop_oneof![
        20 => Just(r#""Effect":"Allow""#), 6 => Just(r#""Effect":"Deny""#),
        1 => Just(r#""Effect":"allow""#), 1 => Just(r#""Sid":"x""#),
    ];
    let (with_principal, without): (u32, u32) = match style {
        Style::Identity => (1, 40),
        Style::Resource | Style::Trust => (40, 1),
        Style::Endpoint => (10, 20),
    };
    let principal = prop_oneof![
        with_principal => select(PRINCIPALS).prop_map(|names| format!(r#","Principal":{names}"#)),
        with_principal.div_ceil(8) => select(PRINCIPALS).prop_map(|names| format!(r#","NotPrincipal":{names}"#)),
        without => Just(String::new()),
    ];
    let resource =
        element("Resource", RESOURCE_PATTERNS, if style == Style::Trust { 200 } else { 1 });
    let condition = prop_oneof![
        5 => Just(String::new()),
        4 => select(CONDITIONS).prop_map(|condition| format!(r#","Condition":{condition}"#)),
    ];
    let extra = prop_oneof![40 => Just(""), 1 => Just(r#","Other":1"#)];
    (effect, principal, element("Action", ACTION_PATTERNS, 1), resource, condition, extra)
        .prop_map(|(effect, principal, action, resource, condition, extra)| {
            format!("{{{effect}{principal}{action}{resource}{condition}{extra}}}")
        })
        .boxed()
}

fn document(style: Style) -> BoxedStrategy<String> {
    let version = prop_oneof![
        16 => Just(r#""Version":"2012-10-17","#), 2 => Just(r#""Version":"2008-10-17","#), 2 => Just(""),
    ];
    let statements = prop::collection::vec(statement(style), 0..5);
    let whole =
        (version, statements).prop_map(|(version, statements)| match statements.as_slice() {
            [one] => format!(r#"{{{version}"Statement":{one}}}"#),
            many => format!(r#"{{{version}"Statement":[{}]}}"#, many.join(",")),
        });
    let allow_all = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
    let plain =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let full = if matches!(style, Style::Resource | Style::Trust) { allow_all } else { plain };
    prop_oneof![
        16 => whole, 5 => Just(full.to_owned()), 1 => Just("[]".to_owned()), 1 => Just("{".to_owned()),
        1 => Just(r#"{"Statement":[],"Statement":[]}"#.to_owned()),
    ]
    .boxed()
}

fn perhaps<S: Strategy + 'static>(weight: u32, strategy: S) -> BoxedStrategy<Option<S::Value>>
where
    S::Value: Clone + std::fmt::Debug + 'static,
{
    let present = strategy.prop_map(Some);
    prop_oneof![weight => present, 10 => Just(None)].boxed()
}

/// Policies of all types.
pub fn texts() -> BoxedStrategy<Texts> {
    let levels =
        || prop::collection::vec(prop::collection::vec(document(Style::Identity), 0..3), 0..3);
    let rcps = prop::collection::vec(prop::collection::vec(document(Style::Resource), 0..2), 0..3);
    (
        prop::collection::vec(document(Style::Identity), 0..4),
        perhaps(3, document(Style::Identity)),
        perhaps(3, prop::collection::vec(document(Style::Identity), 0..3)),
        perhaps(9, document(Style::Resource)),
        perhaps(2, document(Style::Trust)),
        perhaps(2, levels()),
        perhaps(2, rcps),
        perhaps(1, document(Style::Endpoint)),
    )
        .prop_map(|(identity, boundary, session, resource, trust, scp, rcp, endpoint)| Texts {
            identity,
            boundary,
            session,
            resource,
            trust,
            scp,
            rcp,
            endpoint,
        })
        .boxed()
}

fn context() -> BoxedStrategy<Vec<(String, Held)>> {
    let one = |key: &'static str, values: &'static [&'static str]| {
        perhaps(8, select(values))
            .prop_map(move |value| Some((key.to_owned(), Held::One(value?.to_owned()))))
    };
    let many = perhaps(8, prop::collection::vec(select(&["a", "b", "c", ""][..]), 0..3)).prop_map(
        |values| {
            Some((
                "x:Many".to_owned(),
                Held::Many(values?.into_iter().map(str::to_owned).collect()),
            ))
        },
    );
    (
        one("aws:username", &["ana", "bob", "", "Ana"]),
        one("AWS:principaltag/team", &["blue", "red", "b*", "ana"]),
        one("aws:MultiFactorAuthAge", &["100", "300", "300.5", "old"]),
        one(
            "aws:CurrentTime",
            &["2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "1767225600", "never"],
        ),
        one("aws:SecureTransport", &["true", "false", "maybe"]),
        one("aws:MultiFactorAuthPresent", &["true", "false"]),
        one("aws:SourceIp", &["10.1.2.3", "192.168.1.1", "::1", "here"]),
        one(
            "aws:PrincipalArn",
            &["arn:aws:iam::111122223333:user/ana", "arn:aws:iam::111122223333:role/app", "ana"],
        ),
        one("x:Bytes", &["YWJj", "YWJk"]),
        many,
    )
        .prop_map(|(a, b, c, d, e, f, g, h, i, j)| {
            [a, b, c, d, e, f, g, h, i, j].into_iter().flatten().collect()
        })
        .boxed()
}

/// Questions from the vocabulary of the policies.
pub fn question() -> BoxedStrategy<Question> {
    let owner = select(&[Some(A), Some(A), Some(B), None][..]);
    (select(CALLERS), select(ACTIONS), select(RESOURCES), owner, context())
        .prop_map(|(caller, action, resource, owner, context)| Question {
            caller,
            action: action.to_owned(),
            resource: resource.to_owned(),
            owner,
            context,
        })
        .boxed()
}
