//! Statements beside each other.

use super::*;

/// The codes of two statements given by what differs from `Effect`, actions and resources.
fn two(one: [&str; 3], other: [&str; 3], more: [&str; 2]) -> Vec<&'static str> {
    let statement = |[effect, actions, resources]: [&str; 3], more: &str| {
        format!(r#"{{"Effect":"{effect}","Action":{actions},"Resource":{resources}{more}}}"#)
    };
    let [first, second] = more;
    codes(&format!("[{},{}]", statement(one, first), statement(other, second)), Grammar::Identity)
}

const GET: &str = r#""s3:GetObject""#;
const GET_ALL: &str = r#""s3:Get*""#;
const KEYS: &str = r#""arn:aws:s3:::b/*""#;
const KEY: &str = r#""arn:aws:s3:::b/k""#;
const IF_ANA: &str = r#","Condition":{"StringEquals":{"aws:username":"ana"}}"#;
const IF_BOB: &str = r#","Condition":{"StringEquals":{"aws:username":"bob"}}"#;

#[test]
fn statements_that_say_the_same() {
    let twice = r#"[{"Sid":"A","Effect":"Allow","Action":"s3:GetObject","Resource":"*"},{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["*"]}]"#;
    assert_eq!(codes(twice, Grammar::Identity), ["REDUNDANT_STATEMENT"]);
}

#[test]
fn statements_that_others_cover() {
    let one = "REDUNDANT_STATEMENT";
    let (wide, narrow) = (["Allow", GET_ALL, KEYS], ["Allow", GET, KEY]);
    assert_eq!(two(wide, narrow, ["", ""]), [one]);
    assert_eq!(two(narrow, wide, ["", ""]), [one]);
    assert_eq!(two(wide, narrow, ["", IF_ANA]), [one]);
    assert_eq!(two(wide, narrow, [IF_ANA, IF_ANA]), [one]);
    assert_eq!(two(wide, narrow, [IF_ANA, ""]), NONE);
    assert_eq!(two(wide, narrow, [IF_ANA, IF_BOB]), NONE);
    assert_eq!(two(["Allow", GET_ALL, KEY], ["Allow", GET, KEYS], ["", ""]), NONE);
    assert_eq!(two(["Deny", GET_ALL, KEYS], ["Deny", GET, KEY], ["", ""]), [one]);
    assert_eq!(two(wide, ["Deny", GET, KEY], ["", ""]), NONE, "an exception");
}

#[test]
fn grants_that_are_denied_whole() {
    let one = "ALLOW_COVERED_BY_DENY";
    let (deny, allow) = (["Deny", GET_ALL, KEYS], ["Allow", GET, KEY]);
    assert_eq!(two(deny, allow, ["", ""]), [one]);
    assert_eq!(two(allow, deny, ["", ""]), [one]);
    assert_eq!(two(deny, allow, ["", IF_ANA]), [one]);
    assert_eq!(two(deny, allow, [IF_ANA, IF_ANA]), NONE, "left to who reads the condition");
    assert_eq!(two(["Deny", GET, KEY], ["Allow", GET_ALL, KEYS], ["", ""]), NONE);
}

#[test]
fn principals_count() {
    let two = |effects: [&str; 2], principals: [&str; 2]| {
        let statement = |effect: &str, principal: &str| {
            format!(
                r#"{{"Effect":"{effect}","Principal":{principal},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}"#
            )
        };
        let ([one, other], [first, second]) = (effects, principals);
        codes(
            &format!("[{},{}]", statement(one, first), statement(other, second)),
            Grammar::Resource,
        )
    };
    let (ana, bob) = (
        r#"{"AWS":"arn:aws:iam::111122223333:user/ana"}"#,
        r#"{"AWS":"arn:aws:iam::111122223333:user/bob"}"#,
    );
    assert_eq!(two(["Deny", "Allow"], [r#""*""#, ana]), ["ALLOW_COVERED_BY_DENY"]);
    assert_eq!(two(["Deny", "Allow"], [ana, bob]), NONE);
    assert_eq!(two(["Allow", "Allow"], [ana, bob]), NONE);
}

#[test]
fn incomplete_arns_cover_nothing() {
    let statement = |resource: &str| {
        format!(r#"{{"Effect":"Deny","Action":"s3:*","Resource":["arn:aws:s3:::b","{resource}"]}}"#)
    };
    let other = r#"{"Effect":"Deny","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b"}"#;
    let of = |resource: &str| codes(&format!("[{},{other}]", statement(resource)), Grammar::Scp);
    assert_eq!(of("arn:aws:s3:::c"), ["REDUNDANT_STATEMENT"]);
    assert_eq!(of("arn:aws:sns"), ["MISSING_ARN_FIELD"], "the statement is void");
}
