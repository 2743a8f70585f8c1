//! Values of conditions, and the variables in them.

use super::*;

#[test]
fn values_are_what_operators_compare() {
    for (asked, expected) in [
        (r#"{"Bool":{"aws:SecureTransport":"yes"}}"#, Some("TYPE_MISMATCH_BOOLEAN")),
        (r#"{"Bool":{"aws:SecureTransport":true}}"#, None),
        (
            r#"{"Bool":{"aws:SecureTransport":["true","false"]}}"#,
            Some("INVALID_CONDITION_MULTIPLE_BOOLEAN"),
        ),
        (r#"{"Null":{"aws:username":"no"}}"#, Some("TYPE_MISMATCH_BOOLEAN")),
        (r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":"1h"}}"#, Some("TYPE_MISMATCH_NUMBER")),
        (r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":3600}}"#, None),
        (r#"{"DateLessThan":{"aws:CurrentTime":"1767225600"}}"#, None),
        (r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/33"}}"#, Some("TYPE_MISMATCH_IP_RANGE")),
        (r#"{"IpAddress":{"aws:SourceIp":"203.0.113.7"}}"#, None),
        (r#"{"IpAddress":{"aws:SourceIp":"2001:db8::/32"}}"#, None),
        (
            r#"{"ArnEquals":{"aws:PrincipalArn":"111122223333"}}"#,
            Some("INVALID_CONDITION_DATA_TYPE"),
        ),
        (r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}"#, None),
        (r#"{"ArnLike":{"aws:PrincipalArn":"*"}}"#, None),
        (r#"{"ArnLike":{"aws:PrincipalArn":"${aws:PrincipalTag/arn}"}}"#, None),
    ] {
        assert_eq!(condition(asked), expected.into_iter().collect::<Vec<_>>(), "{asked}");
    }
    let date = condition(r#"{"DateLessThan":{"aws:CurrentTime":"tomorrow"}}"#);
    assert_eq!(date, ["MALFORMED_POLICY_DOCUMENT"], "AWS refuses it");
}

#[test]
fn addresses() {
    let of = |operator: &str, values: &str| {
        condition(&format!(r#"{{"{operator}":{{"aws:SourceIp":{values}}}}}"#))
    };
    assert_eq!(of("IpAddress", r#""203.0.113.7/24""#), ["IMPROVE_IP_RANGE"]);
    assert_eq!(of("IpAddress", r#""203.0.113.0/24""#), NONE);
    assert_eq!(of("IpAddress", r#""0.0.0.0/0""#), ["IP_RANGE_OF_EVERYTHING"]);
    assert_eq!(of("IpAddress", r#""10.0.0.0/8""#), ["PRIVATE_IP_ADDRESS"]);
    assert_eq!(of("IpAddress", r#""9.0.0.0/8""#), NONE);
    assert_eq!(
        of("IpAddress", r#""172.16.0.0/11""#),
        ["IMPROVE_IP_RANGE"],
        "not all of it is private"
    );
    assert_eq!(
        of("IpAddress", r#"["10.0.0.0/8","203.0.113.0/24"]"#),
        ["PRIVATE_IP_ADDRESS_SUBSET"]
    );
    assert_eq!(of("NotIpAddress", r#""10.0.0.0/8""#), ["PRIVATE_NOT_IP_ADDRESS"]);
    let of_vpc = condition(r#"{"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"}}"#);
    assert_eq!(of_vpc, NONE, "there they are private");
}

#[test]
fn values_that_keys_never_have() {
    let of =
        |key: &str, value: &str| condition(&format!(r#"{{"StringEquals":{{"{key}":"{value}"}}}}"#));
    assert_eq!(of("aws:PrincipalAccount", "11122223333"), ["INVALID_ACCOUNT_ID"]);
    assert_eq!(of("aws:PrincipalAccount", "1111-2222-3333"), ["INVALID_ACCOUNT_ID"]);
    assert_eq!(of("aws:PrincipalAccount", "111122223333"), NONE);
    assert_eq!(of("aws:PrincipalAccount", "anonymous"), NONE);
    assert_eq!(of("aws:PrincipalAccount", "${aws:ResourceAccount}"), NONE);
    assert_eq!(of("aws:PrincipalOrgID", "abc"), ["INVALID_ORGANIZATION_ID"]);
    assert_eq!(of("aws:PrincipalOrgID", "o-abc"), NONE);
    assert_eq!(of("aws:SourceVpc", "vpce-1"), ["INVALID_VPC_FORMAT"]);
    assert_eq!(of("aws:SourceVpce", "vpc-1"), ["INVALID_VPCE_FORMAT"]);
    assert_eq!(of("aws:SourceVpce", "vpce-1"), NONE);
}

#[test]
fn wildcards_need_an_operator_for_them() {
    let one = "WILDCARD_WITHOUT_LIKE_OPERATOR";
    assert_eq!(condition(r#"{"StringEquals":{"aws:username":"a*"}}"#), [one]);
    assert_eq!(condition(r#"{"StringEqualsIgnoreCase":{"aws:username":"a*"}}"#), [one]);
    assert_eq!(condition(r#"{"StringLike":{"aws:username":"a*"}}"#), NONE);
    assert_eq!(condition(r#"{"StringEquals":{"aws:username":"${*}"}}"#), NONE);
    assert_eq!(condition(r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::*:role/a"}}"#), NONE);
}

#[test]
fn variables() {
    for (value, expected) in [
        ("${aws:username}", None),
        ("${aws:PrincipalTag/a b, 'c'}", None),
        ("${aws:username, 'it''}", None),
        ("${*}", None),
        ("$aws", None),
        ("${}", Some("EMPTY_VARIABLE")),
        ("${aws:username", Some("MISSING_BRACE_IN_VARIABLE")),
        ("${ aws:username }", Some("UNSUPPORTED_SPACE_IN_VARIABLE")),
        ("${aws:username, none}", Some("MISSING_QUOTE_IN_VARIABLE")),
        ("${aws:usernam}", Some("INVALID_GLOBAL_CONDITION_KEY")),
        ("${own:key}", None),
        ("${aws:TagKeys}", Some("MULTIVALUED_KEY_IN_VARIABLE")),
    ] {
        let found = condition(&format!(r#"{{"StringLike":{{"aws:userid":"{value}"}}}}"#));
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{value}");
    }
    assert_eq!(
        condition(r#"{"NumericEquals":{"aws:MultiFactorAuthAge":"${aws:username}"}}"#),
        ["INVALID_VARIABLE_FOR_OPERATOR"]
    );
    assert_eq!(
        of(r#""s3:GetObject""#, r#""arn:aws:s3:::b/${aws:usernam}""#, ""),
        ["INVALID_GLOBAL_CONDITION_KEY"]
    );
}

#[test]
fn values_that_others_cover() {
    let one = "REDUNDANT_CONDITION_VALUE";
    assert_eq!(condition(r#"{"StringEquals":{"aws:username":["a","a"]}}"#), [one]);
    assert_eq!(condition(r#"{"StringLike":{"aws:username":["a*","ab"]}}"#), [one]);
    assert_eq!(condition(r#"{"StringLike":{"aws:username":["a*","b*"]}}"#), NONE);
    assert_eq!(
        condition(r#"{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","203.0.113.7"]}}"#),
        [one]
    );
    assert_eq!(
        condition(r#"{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","203.0.114.0/24"]}}"#),
        NONE
    );
    assert_eq!(
        condition(r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":["1","2"]}}"#),
        ["REDUNDANT_CONDITION_VALUE_NUM"]
    );
    assert_eq!(condition(r#"{"NumericEquals":{"aws:MultiFactorAuthAge":["1","2"]}}"#), NONE);
}
