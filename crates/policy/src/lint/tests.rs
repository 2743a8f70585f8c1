//! Each rule with the nearest document that it must leave alone.

use super::*;

fn codes(statement: &str, grammar: Grammar) -> Vec<&'static str> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
    lint(&text, grammar).iter().map(|finding| finding.code).collect()
}

fn of(action: &str, resource: &str, more: &str) -> Vec<&'static str> {
    codes(
        &format!(r#"{{"Effect":"Allow","Action":{action},"Resource":{resource}{more}}}"#),
        Grammar::Identity,
    )
}

fn condition(condition: &str) -> Vec<&'static str> {
    of(r#""s3:GetObject""#, r#""arn:aws:s3:::b/*""#, &format!(r#","Condition":{condition}"#))
}

const NONE: [&str; 0] = [];

#[test]
fn actions() {
    assert_eq!(of(r#""s3:GetObject""#, r#""*""#, ""), NONE);
    assert_eq!(of(r#""S3:getobject""#, r#""*""#, ""), NONE);
    assert_eq!(of(r#""s3:GetObjct""#, r#""*""#, ""), ["INVALID_ACTION"]);
    assert_eq!(of(r#""s3:Get*""#, r#""*""#, ""), NONE);
    assert_eq!(of(r#""s3:Gte*""#, r#""*""#, ""), ["INVALID_ACTION"]);
    assert_eq!(of(r#""s4:GetObject""#, r#""*""#, ""), ["INVALID_SERVICE_IN_ACTION"]);
    assert_eq!(of(r#"["s3:GetObject","s3:Get*"]"#, r#""*""#, ""), ["REDUNDANT_ACTION"]);
    assert_eq!(of(r#"["s3:GetObject","s3:GetObject"]"#, r#""*""#, ""), ["REDUNDANT_ACTION"]);
    assert_eq!(of(r#"["s3:GetObject","s3:PutObject"]"#, r#""*""#, ""), NONE);
}

#[test]
fn grants() {
    assert_eq!(of(r#""iam:PassRole""#, r#""*""#, ""), ["PASS_ROLE_WITH_STAR_IN_RESOURCE"]);
    assert_eq!(of(r#""iam:PassRole""#, r#""arn:aws:iam::111122223333:role/x""#, ""), NONE);
    let narrowed = r#","Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}"#;
    assert_eq!(of(r#""iam:PassRole""#, r#""*""#, narrowed), NONE);
    assert_eq!(of(r#""*""#, r#""*""#, ""), NONE, "an administrator is meant");
    assert_eq!(
        of(r#""iam:CreateServiceLinkedRole""#, r#""*""#, ""),
        ["CREATE_SLR_WITH_STAR_IN_RESOURCE"]
    );
    let not_action = r#"{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}"#;
    assert_eq!(codes(not_action, Grammar::Identity), ["ALLOW_WITH_NOT_ACTION"]);
    let deny = r#"{"Effect":"Deny","NotAction":"iam:*","Resource":"*"}"#;
    assert_eq!(codes(deny, Grammar::Identity), NONE);
}

#[test]
fn resources() {
    assert_eq!(
        of(r#""s3:ListAllMyBuckets""#, r#""arn:aws:s3:::*""#, ""),
        ["UNSUPPORTED_RESOURCE_FOR_ACTIONS"]
    );
    assert_eq!(of(r#""s3:ListAllMyBuckets""#, r#""*""#, ""), NONE);
    assert_eq!(of(r#"["s3:ListAllMyBuckets","s3:GetObject"]"#, r#""arn:aws:s3:::*""#, ""), NONE);
}

#[test]
fn condition_keys() {
    assert_eq!(condition(r#"{"StringEquals":{"aws:username":"a"}}"#), NONE);
    assert_eq!(condition(r#"{"StringEquals":{"aws:PrincipalTag/x":"a"}}"#), NONE);
    assert_eq!(
        condition(r#"{"StringEquals":{"aws:usernam":"a"}}"#),
        ["INVALID_GLOBAL_CONDITION_KEY"]
    );
    assert_eq!(condition(r#"{"StringEquals":{"s3:prefix":"a"}}"#), NONE);
    assert_eq!(
        condition(r#"{"StringEquals":{"own:key":"a"}}"#),
        NONE,
        "what is not known is not judged"
    );
    assert_eq!(condition(r#"{"NumericEquals":{"aws:username":"1"}}"#), ["TYPE_MISMATCH"]);
    assert_eq!(condition(r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#), NONE);
    assert_eq!(condition(r#"{"Bool":{"aws:SourceIp":"true"}}"#), ["TYPE_MISMATCH"]);
    assert_eq!(
        condition(r#"{"StringEquals":{"aws:TagKeys":"a"}}"#),
        ["MISSING_SET_OPERATOR_FOR_MULTIVALUED_KEY"]
    );
    assert_eq!(condition(r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":"a"}}"#), NONE);
    assert_eq!(condition(r#"{"Null":{"aws:TagKeys":"true"}}"#), NONE);
    assert_eq!(
        condition(r#"{"ForAllValues:StringEquals":{"aws:username":"a"}}"#),
        ["FORALLVALUES_WITH_SINGLE_VALUED_KEY"]
    );
    assert_eq!(
        condition(r#"{"StringEquals":{"aws:username":"a*"}}"#),
        ["WILDCARD_WITHOUT_LIKE_OPERATOR"]
    );
    assert_eq!(condition(r#"{"StringLike":{"aws:username":"a*"}}"#), NONE);
    assert_eq!(condition(r#"{"StringEquals":{"aws:username":"${*}"}}"#), NONE);
}

#[test]
fn denials_that_miss_requests() {
    let deny = |operator: &str| {
        let statement = format!(
            r#"{{"Effect":"Deny","Action":"*","Resource":"*","Condition":{{"{operator}":{{"aws:MultiFactorAuthPresent":"false"}}}}}}"#
        );
        codes(&statement, Grammar::Identity)
    };
    assert_eq!(deny("Bool"), ["DENY_MISSES_ABSENT_KEY"]);
    assert_eq!(deny("BoolIfExists"), NONE);
}

#[test]
fn principals() {
    let trust = |principal: &str, more: &str| {
        let statement = format!(
            r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRoleWithWebIdentity"{more}}}"#
        );
        codes(&statement, Grammar::Trust)
    };
    let github = r#"{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}"#;
    assert_eq!(trust(github, ""), ["SHARED_ISSUER_WITHOUT_SUB"]);
    let sub =
        r#","Condition":{"StringLike":{"token.actions.githubusercontent.com:sub":"repo:o/r:*"}}"#;
    assert_eq!(trust(github, sub), NONE);
    let own = r#"{"Federated":"arn:aws:iam::111122223333:oidc-provider/login.example.com"}"#;
    assert_eq!(trust(own, ""), NONE);
    assert_eq!(trust(r#"{"AWS":"*"}"#, ""), ["PRINCIPAL_STAR_WITHOUT_CONDITION"]);
}

#[test]
fn documents() {
    let of = |text: &str| {
        let findings = lint(text, Grammar::Identity);
        findings.iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    assert_eq!(of("{"), ["MALFORMED_POLICY_DOCUMENT"]);
    let statement = r#""Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::${aws:username}/*"}"#;
    let old = of(&format!(r#"{{"Version":"2008-10-17",{statement}}}"#));
    assert!(
        old.contains(&"NEWER_VERSION_AVAILABLE")
            && old.contains(&"VARIABLE_UNSUPPORTED_IN_VERSION"),
        "{old:?}"
    );
    let none = of(&format!("{{{statement}}}"));
    assert!(none.contains(&"MISSING_VERSION"), "{none:?}");
    let twice = r#"[{"Sid":"A","Effect":"Allow","Action":"s3:GetObject","Resource":"*"},{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["*"]}]"#;
    assert_eq!(codes(twice, Grammar::Identity), ["REDUNDANT_STATEMENT"]);
}

#[test]
fn a_finding_has_its_place_and_a_fix() {
    let text = "{\"Version\":\"2012-10-17\",\n \"Statement\":{\"Effect\":\"Allow\",\n  \"Action\":\"s3:GetObjct\",\"Resource\":\"*\"}}";
    let findings = lint(text, Grammar::Identity);
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.line, finding.column), (3, 12));
    assert_eq!(finding.severity, Severity::Error);
    assert_eq!(finding.fix.as_deref(), Some("did you mean `s3:GetObject`?"));
}

proptest::proptest! {
    #[test]
    fn linting_never_panics(text in "\\PC{0,80}") {
        let _ = lint(&text, Grammar::Identity);
    }
}

/// Looking for the nearest name takes long; a document must not be able to ask for it without end.
#[test]
fn suggestions_and_comparisons_are_bounded() {
    let list = |count: usize| {
        let actions = (0..count).map(|number| format!("\"s3:GetObjec{number}\""));
        let actions: Vec<String> = actions.collect();
        let actions = actions.join(",");
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Resource":"*","Action":[{actions},"s3:*"]}}}}"#
        )
    };
    let count = |text: &str, is_wanted: fn(&Finding) -> bool| {
        lint(text, Grammar::Identity).into_iter().filter(is_wanted).count()
    };
    let has_fix = |finding: &Finding| finding.code == "INVALID_ACTION" && finding.fix.is_some();
    let is_unknown = |finding: &Finding| finding.code == "INVALID_ACTION";
    let is_covered = |finding: &Finding| finding.code == "REDUNDANT_ACTION";
    let (few, many) = (list(SUGGESTIONS_MAX), list(SUGGESTIONS_MAX + 1));
    assert_eq!((count(&few, is_unknown), count(&few, has_fix)), (50, 50));
    assert_eq!((count(&many, is_unknown), count(&many, has_fix)), (51, 50));
    assert_eq!((count(&list(499), is_covered), count(&list(500), is_covered)), (499, 0));
}
