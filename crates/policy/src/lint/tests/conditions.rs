//! Keys, the operators on them, and requests without them.

use super::*;

#[test]
fn keys_exist() {
    for (key, expected) in [
        ("aws:username", None),
        ("aws:PrincipalTag/x", None),
        ("aws:usernam", Some("INVALID_GLOBAL_CONDITION_KEY")),
        ("aws:PrincipalTag", Some("MISSING_TAG_KEY_IN_CONDITION")),
        ("aws:ResourceTag/", Some("MISSING_TAG_KEY_IN_CONDITION")),
        ("aws:ARN", Some("UNSUPPORTED_GLOBAL_CONDITION_KEY")),
        ("aws:SourceOwner", Some("DEPRECATED_GLOBAL_CONDITION_KEY")),
        ("s3:authTyp", Some("INVALID_SERVICE_CONDITION_KEY")),
        ("s3:authType", None),
        ("own:key", None),
        ("login.example.com:sub", None),
    ] {
        let found = condition(&format!(r#"{{"StringEquals":{{"{key}":"111122223333"}}}}"#));
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{key}");
    }
}

#[test]
fn only_a_slip_in_a_key_is_an_error() {
    let severity = |key: &str| {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{{"StringEquals":{{"{key}":"a"}}}}}}}}"#
        );
        lint(&text, Grammar::Identity).first().map(|found| found.severity)
    };
    assert_eq!(severity("aws:usernam"), Some(Severity::Error));
    assert_eq!(severity("aws:SomethingElseAltogether"), Some(Severity::Warning));
    assert_eq!(severity("s3:authTyp"), Some(Severity::Error));
    assert_eq!(severity("s3:SomethingElseAltogether"), Some(Severity::Warning));
}

#[test]
fn requests_of_the_actions_have_the_keys() {
    let with = |action: &str, key: &str| {
        of(action, r#""*""#, &format!(r#","Condition":{{"StringLike":{{"{key}":"a/*"}}}}"#))
    };
    let one = "UNSUPPORTED_ACTION_FOR_CONDITION_KEY";
    assert_eq!(with(r#""s3:GetObject""#, "s3:prefix"), [one]);
    assert_eq!(with(r#""s3:ListBucket""#, "s3:prefix"), NONE);
    assert_eq!(with(r#"["s3:GetObject","s3:ListBucket"]"#, "s3:prefix"), NONE);
    assert_eq!(with(r#""s3:*""#, "s3:prefix"), NONE);
    assert_eq!(with(r#""*""#, "s3:prefix"), NONE);
    assert_eq!(with(r#""s3:ListBucket""#, "ec2:InstanceType"), [one], "of another service");
    assert_eq!(with(r#""s3:ListBucket""#, "saml:sub"), NONE, "stays with the session");
}

#[test]
fn operators_fit_the_types() {
    assert_eq!(condition(r#"{"NumericEquals":{"aws:username":"1"}}"#), ["TYPE_MISMATCH"]);
    assert_eq!(condition(r#"{"StringEquals":{"aws:SecureTransport":"true"}}"#), NONE);
    assert_eq!(condition(r#"{"Bool":{"aws:SourceIp":"true"}}"#), ["TYPE_MISMATCH"]);
    assert_eq!(condition(r#"{"DateLessThan":{"aws:CurrentTime":"2030-01-01"}}"#), NONE);
}

#[test]
fn lists_want_set_operators_and_single_values_do_not() {
    assert_eq!(condition(r#"{"StringEquals":{"aws:CalledVia":"a"}}"#), ["MISSING_QUALIFIER"]);
    assert_eq!(condition(r#"{"ForAnyValue:StringEquals":{"aws:CalledVia":"a"}}"#), NONE);
    assert_eq!(condition(r#"{"Null":{"aws:TagKeys":"true"}}"#), NONE);
    assert_eq!(
        condition(r#"{"ForAllValues:StringEquals":{"aws:username":"a"}}"#),
        ["FORALLVALUES_WITH_SINGLE_VALUED_KEY"]
    );
    assert_eq!(
        condition(r#"{"ForAnyValue:StringEquals":{"aws:username":"a"}}"#),
        ["SET_OPERATOR_WITH_SINGLE_VALUED_KEY"]
    );
}

#[test]
fn conditions_that_say_nothing() {
    assert_eq!(condition("{}"), ["EMPTY_OBJECT_CONDITION"]);
    assert_eq!(condition(r#"{"StringEquals":{}}"#), ["EMPTY_OBJECT_CONDITION"]);
    assert_eq!(condition(r#"{"StringEquals":{"aws:username":[]}}"#), ["EMPTY_ARRAY_CONDITION"]);
    assert_eq!(condition(r#"{"StringEquals":{"aws:username":[""]}}"#), NONE);
}

#[test]
fn a_key_once_in_each_operator() {
    assert_eq!(
        condition(r#"{"StringLike":{"aws:username":"a","aws:UserName":"b"}}"#),
        ["DUPLICATE_KEYS_WITH_DIFFERENT_CASE"]
    );
    assert_eq!(
        condition(
            r#"{"StringLike":{"aws:username":"a*"},"StringNotEquals":{"aws:username":"ab"}}"#
        ),
        NONE
    );
}

#[test]
fn conditions_that_never_hold() {
    assert_eq!(
        condition(r#"{"Null":{"aws:username":"true"},"StringEquals":{"aws:username":"a"}}"#),
        ["CONDITION_NEVER_HOLDS"]
    );
    assert_eq!(
        condition(
            r#"{"Null":{"aws:username":"true"},"StringEqualsIfExists":{"aws:username":"a"}}"#
        ),
        NONE
    );
    assert_eq!(
        condition(r#"{"Null":{"aws:username":"false"},"StringEquals":{"aws:username":"a"}}"#),
        NONE
    );
}

#[test]
fn grants_that_hold_without_the_key() {
    let one = "ALLOW_HOLDS_WITHOUT_KEY";
    assert_eq!(condition(r#"{"StringNotEquals":{"aws:PrincipalTag/team":"a"}}"#), [one]);
    assert_eq!(
        condition(
            r#"{"StringNotEquals":{"aws:PrincipalTag/team":"a"},"Null":{"aws:PrincipalTag/team":"false"}}"#
        ),
        NONE
    );
    assert_eq!(condition(r#"{"StringEquals":{"aws:PrincipalTag/team":"a"}}"#), NONE);
    assert_eq!(
        condition(r#"{"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}}"#),
        NONE,
        "always there"
    );
    assert_eq!(condition(r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}"#), [one]);
    assert_eq!(condition(r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#), NONE);
    assert_eq!(condition(r#"{"StringEqualsIfExists":{"aws:username":"a"}}"#), NONE, "it was meant");
    assert_eq!(
        condition(r#"{"ForAllValues:StringLike":{"aws:PrincipalOrgPaths":"o-a/*"}}"#),
        [one]
    );
    assert_eq!(condition(r#"{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-a/*"}}"#), NONE);
}

#[test]
fn denials_that_miss_requests() {
    let deny = |operator: &str, value: &str| {
        let asked = format!(r#"{{"{operator}":{{"aws:MultiFactorAuthPresent":"{value}"}}}}"#);
        denial(&asked, Grammar::Identity)
    };
    assert_eq!(deny("Bool", "false"), ["DENY_MISSES_ABSENT_KEY"]);
    assert_eq!(deny("BoolIfExists", "false"), NONE);
    assert_eq!(deny("Bool", "true"), NONE);
}

#[test]
fn denials_that_hit_services() {
    let one = "DENY_HITS_ABSENT_KEY";
    let address = r#"{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#;
    assert_eq!(denial(address, Grammar::Identity), [one]);
    let spared = r#"{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"},"Bool":{"aws:ViaAWSService":"false"}}"#;
    assert_eq!(denial(spared, Grammar::Identity), NONE);
    let organization = r#"{"StringNotEquals":{"aws:PrincipalOrgID":"o-abc"}}"#;
    assert_eq!(denial(organization, Grammar::Resource), [one]);
    assert_eq!(denial(organization, Grammar::Identity), NONE, "services have no such policies");
    let told_apart = r#"{"StringNotEquals":{"aws:PrincipalOrgID":"o-abc"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}"#;
    assert_eq!(denial(told_apart, Grammar::Resource), NONE);
}
