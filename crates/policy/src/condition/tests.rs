//! Tests of the condition operators.

use super::*;
use crate::context::Context;

fn context() -> Context {
    let mut context = Context::default();
    context.set("aws:username", "Ana");
    context.set("aws:SourceIp", "10.1.2.3");
    context.set("aws:CurrentTime", "2026-01-31T12:00:00Z");
    context.set("aws:MultiFactorAuthAge", "300");
    context.set("aws:SecureTransport", "true");
    context.set("aws:PrincipalArn", "arn:aws:iam::111122223333:role/a/b");
    context.set("x:Bytes", "QmluYXJ5");
    context.set("x:Bad", "not a number");
    context.set("x:Empty", "");
    context.set_list("aws:TagKeys", ["team", "cost"]);
    context
}

fn holds(operator: &str, key: &str, values: &[&str]) -> bool {
    Condition::new(Operator::parse(operator).unwrap(), key, values, true).holds(&context())
}

#[test]
fn operators_compare_as_documented() {
    let cases: &[(&str, &str, &[&str], bool)] = &[
        ("StringEquals", "aws:username", &["Ana"], true),
        ("StringEquals", "AWS:UserName", &["ana"], false),
        ("StringEquals", "aws:username", &["bob", "Ana"], true),
        ("StringNotEquals", "aws:username", &["bob", "Ana"], false),
        ("StringNotEquals", "aws:username", &["bob"], true),
        ("StringEqualsIgnoreCase", "aws:username", &["aNA"], true),
        ("StringNotEqualsIgnoreCase", "aws:username", &["aNA"], false),
        ("StringLike", "aws:username", &["A?*"], true),
        ("StringNotLike", "aws:username", &["B*"], true),
        ("StringEquals", "aws:username", &["A*"], false),
        ("StringEquals", "aws:username", &["${aws:username}"], true),
        ("NumericLessThan", "aws:MultiFactorAuthAge", &["3600"], true),
        ("NumericEquals", "aws:MultiFactorAuthAge", &["300.0"], true),
        ("NumericGreaterThanEquals", "aws:MultiFactorAuthAge", &["301"], false),
        ("NumericNotEquals", "x:Bad", &["1"], false),
        ("NumericNotEquals", "aws:MultiFactorAuthAge", &["one"], false),
        ("DateGreaterThan", "aws:CurrentTime", &["2026-01-31"], true),
        ("DateLessThanEquals", "aws:CurrentTime", &["1700000000"], false),
        ("DateNotEquals", "aws:CurrentTime", &["nonsense"], false),
        ("Bool", "aws:SecureTransport", &["true"], true),
        ("Bool", "aws:SecureTransport", &["false"], false),
        ("BinaryEquals", "x:Bytes", &["QmluYXJ5"], true),
        ("BinaryEquals", "x:Bytes", &["QmluYXJ6"], false),
        ("IpAddress", "aws:SourceIp", &["10.0.0.0/8"], true),
        ("IpAddress", "aws:SourceIp", &["10.1.2.3"], true),
        ("IpAddress", "aws:SourceIp", &["::/0"], false),
        ("NotIpAddress", "aws:SourceIp", &["10.0.0.0/8"], false),
        ("NotIpAddress", "aws:SourceIp", &["192.168.0.0/16"], true),
        ("NotIpAddress", "aws:SourceIp", &["300.0.0.0/8"], false),
        ("NotIpAddress", "aws:username", &["10.0.0.0/8"], false),
        ("ArnLike", "aws:PrincipalArn", &["arn:aws:iam::*:role/*"], true),
        ("ArnEquals", "aws:PrincipalArn", &["arn:aws:iam::*:role/a/?"], true),
        ("ArnLike", "aws:PrincipalArn", &["arn:aws:iam:*:role/a/b"], false),
        ("ArnNotLike", "aws:PrincipalArn", &["arn:aws:iam:*:role/a/b"], false),
        ("ArnNotLike", "aws:PrincipalArn", &["arn:aws:iam::*:user/*"], true),
        ("ArnLike", "aws:PrincipalArn", &["${aws:PrincipalArn}"], true),
    ];
    for (operator, key, values, expected) in cases {
        assert_eq!(holds(operator, key, values), *expected, "{operator} {key} {values:?}");
    }
}

#[test]
fn a_missing_key_follows_the_table() {
    let cases = [
        ("StringEquals", false),
        ("StringNotEquals", true),
        ("NotIpAddress", true),
        ("Bool", false),
        ("StringEqualsIfExists", true),
        ("NotIpAddressIfExists", true),
        ("ForAllValues:StringEquals", true),
        ("ForAnyValue:StringEquals", false),
        ("ForAllValues:StringEqualsIfExists", true),
        ("ForAnyValue:StringEqualsIfExists", true),
    ];
    for (operator, expected) in cases {
        assert_eq!(holds(operator, "x:none", &["x"]), expected, "{operator}");
    }
    assert!(holds("Null", "x:none", &["true"]) && !holds("Null", "x:none", &["false"]));
    assert!(!holds("Null", "aws:username", &["true"]) && holds("Null", "aws:username", &["false"]));
}

#[test]
fn set_operators_read_all_values() {
    let cases: &[(&str, &[&str], bool)] = &[
        ("ForAllValues:StringEquals", &["team", "cost", "x"], true),
        ("ForAllValues:StringEquals", &["team"], false),
        ("ForAnyValue:StringEquals", &["team"], true),
        ("ForAnyValue:StringEquals", &["x"], false),
        ("ForAllValues:StringNotEquals", &["x"], true),
        ("ForAllValues:StringNotEquals", &["team"], false),
        ("ForAnyValue:StringNotEquals", &["team"], true),
        ("ForAnyValue:StringNotEquals", &["team", "cost"], false),
        ("StringEquals", &["team"], true),
        ("StringNotEquals", &["team"], false),
    ];
    for (operator, values, expected) in cases {
        assert_eq!(holds(operator, "aws:TagKeys", values), *expected, "{operator} {values:?}");
    }
    assert!(holds("ForAllValues:StringEquals", "x:Empty", &["a"]), "an empty text is no value");
    assert!(!holds("ForAnyValue:StringEquals", "x:Empty", &["a"]));
    assert!(holds("ForAllValues:StringLike", "aws:username", &["A*"]), "a single value works, too");
}

#[test]
fn a_variable_without_value_matches_nothing() {
    assert!(!holds("StringEquals", "aws:username", &["${x:none}"]));
    assert!(holds("StringNotEquals", "aws:username", &["${x:none}"]));
    assert!(!holds("ArnLike", "aws:PrincipalArn", &["${x:none}"]));
    assert!(holds("ArnNotLike", "aws:PrincipalArn", &["${x:none}"]));
    assert!(holds("StringEquals", "aws:username", &["${x:none, 'Ana'}"]));
}

#[test]
fn unknown_operators_are_none() {
    for name in [
        "",
        "stringEquals",
        "StringEqual",
        "ForSomeValues:StringEquals",
        "NullIfExists",
        "ForAnyValue:Null",
        "NumericNotLessThan",
        "IfExists",
        "BoolNot",
        "StringEqualsIfExistsIfExists",
    ] {
        assert_eq!(Operator::parse(name), None, "{name}");
    }
}
