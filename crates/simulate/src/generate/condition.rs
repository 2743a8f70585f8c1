//! Conditions, and the condition keys that questions have.

use serde_json::{Map, Value, json};

use super::near;
use super::request::held;
use crate::case::{Held, Question};
use crate::random::Random;

/// What a family of operators compares: operators, keys with one value, a key with several, and
/// values, odd ones among them; neighbours are near to each other.
struct Family {
    operators: &'static [&'static str],
    keys: &'static [&'static str],
    many: &'static str,
    values: &'static [&'static str],
}

const FAMILIES: &[Family] = &[
    Family {
        operators: &[
            "StringEquals",
            "StringNotEquals",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
            "StringLike",
            "StringNotLike",
        ],
        keys: &[
            "aws:username",
            "aws:PrincipalTag/team",
            "x:Text",
            "aws:userid",
            "aws:PrincipalType",
        ],
        many: "x:Texts",
        values: &[
            "ana", "a*", "Ana", "?na", "ANA", "aaaabb", "*aa?bb*", "bob", "blue", "b*", "Blue",
            "b?ue", "", "*", "$", "?", "é", "É", "n?é", "néé", "ß", "a:b", "key", "${*}", "User",
            "AIDAANA",
        ],
    },
    Family {
        operators: &[
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericGreaterThanEquals",
        ],
        keys: &["aws:MultiFactorAuthAge", "x:Number"],
        many: "x:Numbers",
        values: &[
            "100",
            "1e2",
            "+100",
            "0300",
            "300",
            "300.5",
            "3005e-1",
            "-0",
            "0",
            ".5",
            "5e-1",
            "5.",
            "0.1",
            "10e-2",
            "-300",
            "-30",
            "old",
            "",
            "1e99999",
            "1,5",
            " 100",
            "99999999999999999999",
            "99999999999999999998",
            "NaN",
            "0x10",
        ],
    },
    Family {
        operators: &[
            "DateEquals",
            "DateNotEquals",
            "DateLessThan",
            "DateLessThanEquals",
            "DateGreaterThan",
            "DateGreaterThanEquals",
        ],
        keys: &["aws:CurrentTime", "aws:TokenIssueTime"],
        many: "x:Dates",
        values: &[
            "2026-01-01",
            "2026-01",
            "2026",
            "2025-12-31T23:59:59Z",
            "2025-12-31T23:59:60Z",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00Z",
            "2026-01T00:00Z",
            "2026-01-01T01:00:00+01:00",
            "2025-12-31T19:00:00-0500",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00.000001Z",
            "2026-01-01T00:00:00.5Z",
            "2026-01-01T00:00:00.500000000Z",
            "2026-01-01T00:00:00.49Z",
            "2026-01-01T00:00:00.00000000000000000001Z",
            "2026-01-01T00:00:00.Z",
            "1767225600",
            "1767225599",
            "-1",
            "2024-02-29",
            "2023-02-29",
            "1900-02-29",
            "2000-02-29",
            "2200-02-29",
            "2200-03-01",
            "2100-03-01",
            "1969-12-31",
            "-0001-12-31",
            "+12026-01-01",
            "2026-01-01 00:00:00",
            "2026-01-01t00:00:00z",
            "2026-1-1",
            "2026-*",
            "",
            "never",
        ],
    },
    Family {
        operators: &["Bool"],
        keys: &["aws:SecureTransport", "aws:MultiFactorAuthPresent", "aws:PrincipalIsAWSService"],
        many: "x:Truths",
        values: &["true", "false", "TRUE", "False", "", "1", "yes", "maybe"],
    },
    Family {
        operators: &["BinaryEquals"],
        keys: &["x:Bytes"],
        many: "x:ManyBytes",
        values: &[
            "YWJj", "YWJk", "YWI=", "YWI", "YWJ=", "YQ==", "YQ=", "", "!", "ywjj", "YW Jj", "+/+/",
        ],
    },
    Family {
        operators: &["IpAddress", "NotIpAddress"],
        keys: &["aws:SourceIp", "aws:VpcSourceIp"],
        many: "x:Addresses",
        values: &[
            "10.1.2.3",
            "10.0.0.0/8",
            "10.1.2.3/9",
            "10.128.0.0/9",
            "10.1.2.3/32",
            "10.1.2.2/31",
            "10.129.0.1",
            "11.0.0.0",
            "0.0.0.0/0",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0",
            "300.0.0.0/8",
            "192.168.1.1",
            "::1",
            "::/0",
            "2001:db8::1",
            "2001:db8::/32",
            "2001:DB8:0::1/128",
            "2001:db9::/32",
            "2001:db8::/129",
            "::ffff:10.1.2.3",
            "here",
            "",
        ],
    },
    Family {
        operators: &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
        keys: &["aws:PrincipalArn", "aws:SourceArn"],
        many: "x:Arns",
        values: &[
            "arn:aws:iam::111122223333:user/ana",
            "arn:aws:iam::111122223333:user/*",
            "arn:aws:iam::111122223333:User/ana",
            "arn:aws:iam::111122223333:role/app",
            "arn:aws:iam::*:role/*",
            "arn:aws:iam:*:role/app",
            "arn:aws:iam::11112222333?:*",
            "arn:*:*:*:*:*",
            "arn:aws:sns:us-east-1:111122223333:topic:with:colons",
            "arn:aws:sns:*:*:topic:*",
            "arn:aws:sns:*:topic:with:colons",
            "arn:aws:s3:::bucket",
            "arn:aws:s3:::b*",
            "arn:aws:s3",
            "*:aws:s3:::bucket",
            "urn:aws:s3:::bucket",
            "*",
            "ana",
            "",
        ],
    },
];

/// Condition keys of a request about a resource.
pub(super) fn context(random: &mut Random, resource: &str) -> Vec<(String, Held)> {
    let mut context = Vec::new();
    for family in FAMILIES {
        for key in family.keys {
            if random.percent(45) {
                context.push((in_some_case(random, key), held(random.pick(family.values))));
            }
        }
        if random.percent(40) {
            let values = random.many(0, 4, |random| (random.pick(family.values)).to_owned());
            context.push((in_some_case(random, family.many), Held::Many(values)));
        }
    }
    // What variables in resources can stand for.
    let segments: Vec<&str> = resource.split([':', '/']).collect();
    if random.percent(50) {
        let key = random.pick(&["aws:username", "aws:PrincipalTag/team", "AWS:principaltag/TEAM"]);
        context.push(((*key).to_owned(), held(random.pick(&segments))));
    }
    context
}

/// An element that is true of the question, or perhaps not.
pub(super) fn element(random: &mut Random, focus: &Question, misses: bool) -> Value {
    if misses && random.percent(6) {
        let odd = [
            json!([]),
            json!("x"),
            json!(null),
            json!({}),
            json!({"StringIs": {"x:Text": "a"}}),
            json!({"stringEquals": {"x:Text": "a"}}),
            json!({"StringEquals": "x:Text"}),
            json!({"StringEquals": {"x:Text": null}}),
            json!({"StringNotEquals": {"x:Text": ["a", ["b"]]}}),
            json!({"NullIfExists": {"x:Text": "true"}}),
            json!({"ForAllValues:Null": {"x:Text": "true"}}),
            json!({"ForSomeValues:StringEquals": {"x:Text": "a"}}),
            json!({"ForAllValues:": {"x:Text": "a"}}),
            json!({"IfExists": {"x:Text": "a"}}),
            json!({"StringNotEqualsIfExistsIfExists": {"x:Text": "a"}}),
        ];
        return random.pick(&odd);
    }
    let mut element = Map::new();
    for _ in 0..if random.percent(80) { 1 } else { 2 } {
        let (operator, keys) = operator(random, focus, misses);
        element.insert(operator, keys);
    }
    Value::Object(element)
}

fn operator(random: &mut Random, focus: &Question, misses: bool) -> (String, Value) {
    if random.percent(8) {
        let of_keys = random_family(random);
        let key = any_key(random, focus, of_keys);
        let wanted = random.pick(&[
            json!("true"),
            json!(false),
            json!("x"),
            json!(["true", "false"]),
            json!([]),
        ]);
        return ("Null".to_owned(), json!({key: wanted}));
    }
    let family = random_family(random);
    let of_keys = if random.percent(6) { random_family(random) } else { family };
    let mut keys = Map::new();
    for _ in 0..if random.percent(85) { 1 } else { 2 } {
        let key = any_key(random, focus, of_keys);
        let values = values(random, focus, family, &key, misses);
        keys.insert(key, values);
    }
    let quantifier = random.pick(&["", "", "", "", "ForAllValues:", "ForAnyValue:"]);
    let suffix = if random.percent(20) { "IfExists" } else { "" };
    (format!("{quantifier}{}{suffix}", random.pick(family.operators)), Value::Object(keys))
}

fn random_family(random: &mut Random) -> &'static Family {
    &FAMILIES[random.below(FAMILIES.len())]
}

/// A key of the family, rather one that the question has.
fn any_key(random: &mut Random, focus: &Question, family: &Family) -> String {
    let mut keys = family.keys.to_vec();
    keys.push(family.many);
    let has = |key: &&str| focus.context.iter().any(|(own, _)| own.eq_ignore_ascii_case(key));
    let present: Vec<&str> = keys.iter().copied().filter(has).collect();
    let among = if present.is_empty() || random.percent(20) { keys } else { present };
    let key = random.pick(&among);
    in_some_case(random, key)
}

/// What a key should be: often what the question has, as it is or as a variable.
fn values(
    random: &mut Random,
    focus: &Question,
    family: &Family,
    key: &str,
    misses: bool,
) -> Value {
    let own = focus.context.iter().rev().find(|(own, _)| own.eq_ignore_ascii_case(key));
    let own = match own {
        Some((_, Held::One(value))) => vec![value.as_str()],
        Some((_, Held::Many(values))) => values.iter().map(String::as_str).collect(),
        None => Vec::new(),
    };
    let share = if misses { 20 } else { 60 };
    let one = |random: &mut Random| -> Value {
        if !own.is_empty() && random.percent(share) {
            let value = random.pick(&own);
            return scalar(random, value);
        }
        match random.below(14) {
            0 => "${aws:username}".into(),
            1 => random
                .pick(&["${x:none}", "${x:Texts}", "${x:none, 'ana'}", "${x:Texts, 'ana'}"])
                .into(),
            2 => "arn:aws:iam::${aws:PrincipalAccount}:user/${aws:username}".into(),
            3 => format!("${{{key}}}").into(),
            4 if !own.is_empty() => {
                let value = random.pick(&own);
                near::wildcards(random, value).into()
            }
            5..=7 if !own.is_empty() => {
                let value = random.pick(&own);
                let value = neighbour(random, family.values, value);
                scalar(random, value)
            }
            _ => {
                let value = random.pick(family.values);
                scalar(random, value)
            }
        }
    };
    match random.below(10) {
        0 => json!([]),
        1..=4 => random.many(1, 4, one).into(),
        _ => one(random),
    }
}

/// The value before or behind another, or any if that is not one of them.
fn neighbour(random: &mut Random, values: &[&'static str], value: &str) -> &'static str {
    let at = values.iter().position(|known| *known == value);
    let at =
        at.map(|at| (at + if random.percent(50) { 1 } else { values.len() - 1 }) % values.len());
    at.map_or_else(|| random.pick(values), |at| values[at])
}

/// A value as a text, or as a number or truth where it reads the same.
fn scalar(random: &mut Random, value: &str) -> Value {
    match value {
        "true" if random.percent(40) => json!(true),
        "false" if random.percent(40) => json!(false),
        "100" | "300" | "0" | "1767225600" | "1767225599" | "-1" | "-300" if random.percent(40) => {
            value.parse::<i64>().map_or(Value::Null, Value::from)
        }
        "300.5" | "0.1" if random.percent(40) => {
            value.parse::<f64>().map_or(Value::Null, Value::from)
        }
        text => text.into(),
    }
}

fn in_some_case(random: &mut Random, key: &str) -> String {
    match random.below(8) {
        0 => key.to_uppercase(),
        1 => key.to_lowercase(),
        _ => key.to_owned(),
    }
}
