//! Whether a resource-based policy grants access to the public.
//!
//! Source: S3 User Guide, "Blocking public access to your Amazon S3 storage", "The meaning of
//! 'public'". A policy is public until each statement that allows is bound to fixed values: no
//! wildcard, no policy variable.

use ipnet::IpNet;

use crate::Document;
use crate::json::{self, Member, Node, Value};

/// Keys whose fixed values keep a statement from being public, in lower case.
// CHOICE: the ARN and the account of the principal are "an AWS principal, user, role".
const FIXING_KEYS: [&str; 12] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
];
/// Operators that demand one of their values. With `IfExists` and `ForAllValues:` a request without
/// the key passes.
const FIXING_OPERATORS: [&str; 7] = [
    "ArnEquals",
    "ArnLike",
    "ForAnyValue:StringEquals",
    "ForAnyValue:StringLike",
    "StringEquals",
    "StringEqualsIgnoreCase",
    "StringLike",
];
/// Shorter prefixes of addresses are as good as everybody.
// CHOICE: AWS says "very broad (for example 0.0.0.0/1)".
const IPV4_PREFIX_MIN: u8 = 8;
const IPV6_PREFIX_MIN: u8 = 32;

/// Whether a resource-based policy grants access to the public.
///
/// ```
/// use iamd_policy::{Document, grants_public_access};
///
/// let policy = |principal: &str| Document::parse(&format!(
///     r#"{{"Statement":{{"Effect":"Allow","Principal":{principal},"Action":"s3:GetObject","Resource":"*"}}}}"#,
/// ));
/// assert!(grants_public_access(&policy(r#""*""#)?));
/// assert!(!grants_public_access(&policy(r#"{"AWS":"111122223333"}"#)?));
/// # Ok::<(), iamd_policy::ParseError>(())
/// ```
pub fn grants_public_access(document: &Document) -> bool {
    // What is no policy grants nothing.
    let Ok((_, members)) = json::read_object(document.source()) else { return false };
    let Some(statements) = member(&members, "Statement") else { return false };
    each(statements).any(|statement| match &statement.value {
        Value::Map(members) => is_public(members),
        _ => false,
    })
}

fn is_public(statement: &[Member]) -> bool {
    let allows = member(statement, "Effect").and_then(text).is_some_and(|effect| {
        // Any letter case is taken where policies are validated.
        effect.eq_ignore_ascii_case("Allow")
    });
    allows && names_everyone(statement) && !is_bound(statement)
}

fn names_everyone(statement: &[Member]) -> bool {
    if member(statement, "NotPrincipal").is_some() {
        return true;
    }
    let Some(principal) = member(statement, "Principal") else { return false };
    match &principal.value {
        Value::Map(kinds) => kinds.iter().any(|kind| {
            let is_aws = &*kind.name == "AWS";
            is_aws && each(&kind.value).filter_map(text).any(|value| value == "*")
        }),
        _ => each(principal).filter_map(text).any(|value| value == "*"),
    }
}

/// Whether one condition at least admits fixed values only.
fn is_bound(statement: &[Member]) -> bool {
    let Some(Node { value: Value::Map(operators), .. }) = member(statement, "Condition") else {
        return false;
    };
    operators.iter().any(|operator| match &operator.value.value {
        Value::Map(keys) => keys.iter().any(|key| is_fixed(&operator.name, key)),
        _ => false,
    })
}

fn is_fixed(operator: &str, key: &Member) -> bool {
    let name = key.name.to_lowercase();
    let all = |fits: fn(&str) -> bool| each(&key.value).all(|value| text(value).is_some_and(fits));
    if operator == "IpAddress" && name == "aws:sourceip" {
        return all(is_narrow);
    }
    FIXING_OPERATORS.contains(&operator)
        && FIXING_KEYS.contains(&&*name)
        && match &*name {
            // The part before the colon is the id of a role.
            "aws:userid" => all(|value| is_fixed_value(value.split(':').next().unwrap_or(value))),
            "s3:dataaccesspointarn" => all(has_fixed_account),
            _ => all(is_fixed_value),
        }
}

fn is_fixed_value(value: &str) -> bool {
    !value.is_empty() && !value.contains(['*', '?']) && !value.contains("${")
}

/// Access points of one account may have any name.
fn has_fixed_account(value: &str) -> bool {
    value.split(':').nth(4).is_some_and(is_fixed_value)
}

fn is_narrow(value: &str) -> bool {
    let range: Option<IpNet> =
        value.parse().ok().or_else(|| value.parse::<std::net::IpAddr>().ok().map(IpNet::from));
    range.is_some_and(|range| match range {
        IpNet::V4(range) => range.prefix_len() >= IPV4_PREFIX_MIN,
        IpNet::V6(range) => range.prefix_len() >= IPV6_PREFIX_MIN,
    })
}

fn member<'a>(members: &'a [Member], name: &str) -> Option<&'a Node> {
    members.iter().find(|member| &*member.name == name).map(|member| &member.value)
}

/// The items of a list, or the value alone.
fn each(node: &Node) -> impl Iterator<Item = &Node> {
    let (items, alone) = match &node.value {
        Value::List(items) => (&items[..], None),
        _ => (&[][..], Some(node)),
    };
    items.iter().chain(alone)
}

fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_public(principal: &str, condition: &str) -> bool {
        let statement = format!(
            r#"{{"Effect":"Allow","Principal":{principal},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{condition}}}"#
        );
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        grants_public_access(&Document::parse(&text).unwrap())
    }

    #[test]
    fn who_is_named_is_not_the_public() {
        for named in [
            r#"{"AWS":"111122223333"}"#,
            r#"{"AWS":["arn:aws:iam::111122223333:root","444455556666"]}"#,
            r#"{"Service":"cloudtrail.amazonaws.com"}"#,
        ] {
            assert!(!is_public(named, "{}"), "{named}");
        }
        for everyone in [r#""*""#, r#"{"AWS":"*"}"#, r#"{"AWS":["111122223333","*"]}"#] {
            assert!(is_public(everyone, "{}"), "{everyone}");
        }
    }

    #[test]
    fn fixed_values_bind_everyone_and_open_ones_do_not() {
        for bound in [
            r#"{"StringEquals":{"aws:SourceVpc":"vpc-91237329"}}"#,
            r#"{"StringLike":{"AWS:SourceAccount":["111122223333"]}}"#,
            r#"{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32"]}}"#,
            r#"{"StringLike":{"aws:userid":"AROAEXAMPLE:*"}}"#,
            r#"{"ArnLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-east-1:111122223333:accesspoint/*"}}"#,
        ] {
            assert!(!is_public(r#""*""#, bound), "{bound}");
        }
        for open in [
            r#"{"StringLike":{"aws:SourceVpc":"vpc-*"}}"#,
            r#"{"StringEquals":{"aws:SourceVpc":"${aws:PrincipalTag/vpc}"}}"#,
            r#"{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-91237329"}}"#,
            r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-91237329"}}"#,
            r#"{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","0.0.0.0/1"]}}"#,
            r#"{"StringEquals":{"aws:Referer":"https://example.com"}}"#,
            r#"{"ArnLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-east-1:*:accesspoint/*"}}"#,
        ] {
            assert!(is_public(r#""*""#, open), "{open}");
        }
    }

    #[test]
    fn denials_are_not_public() {
        let text =
            r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}}"#;
        assert!(!grants_public_access(&Document::parse(text).unwrap()));
        let text = r#"{"Statement":{"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"s3:*","Resource":"*"}}"#;
        assert!(grants_public_access(&Document::parse(text).unwrap()));
    }
}
