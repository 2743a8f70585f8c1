//! Which scripts of other origins a browser lets use a bucket: what owners set, and which rule counts.
//!
//! It opens nothing: browsers ask for it, and policies decide about the request all the same.
//! Source: S3 User Guide, "Using cross-origin resource sharing (CORS)" and "Troubleshooting CORS";
//! S3 API Reference, PutBucketCors.

use iamd_wire::route::{self, S3Error, malformed_xml};

use super::bucket::{altered, find};
use crate::state::{AccountChanges, Bucket, CorsRule, State};

/// Most rules of a bucket.
const RULES_MAX: usize = 100;
/// Longest name of a rule, in characters.
const ID_LENGTH_MAX: usize = 255;
/// Methods that a rule may allow.
const METHODS: [&str; 5] = ["GET", "PUT", "HEAD", "POST", "DELETE"];
/// Most headers that a preflight may ask for.
// CHOICE: an upload with metadata of every kind has a third of it.
const REQUESTED_HEADERS_MAX: usize = 100;

/// What a script wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing<'a> {
    /// Where the script comes from.
    pub origin: &'a str,
    /// The method that it will use.
    pub method: &'a str,
    /// The list of headers that it will send, as the preflight has it; none of a request itself.
    pub headers: Option<&'a str>,
}

/// Sets the rules of a bucket.
///
/// # Errors
/// `NoSuchBucket`; `InvalidRequest` and `MalformedXML` for rules that cannot be.
pub fn put(
    state: &State,
    name: &str,
    rules: Vec<route::CorsRule>,
) -> Result<Vec<AccountChanges>, S3Error> {
    if rules.len() > RULES_MAX {
        let message = "The number of CORS rules should not exceed allowed limit of 100 rules.";
        return Err(invalid(message));
    }
    let rules: Vec<CorsRule> = rules.into_iter().map(checked).collect::<Result<_, S3Error>>()?;
    altered(state, name, |bucket| Bucket { cors: Some(rules), ..bucket })
}

/// Takes the rules away; none are as good.
///
/// # Errors
/// `NoSuchBucket`.
pub fn delete(state: &State, name: &str) -> Result<Vec<AccountChanges>, S3Error> {
    altered(state, name, |bucket| Bucket { cors: None, ..bucket })
}

/// The rules of a bucket, in the order in which they were set.
///
/// # Errors
/// `NoSuchBucket`, `NoSuchCORSConfiguration`.
pub fn rules<'s>(state: &'s State, name: &str) -> Result<&'s [CorsRule], S3Error> {
    let (_, bucket) = find(state, name)?;
    bucket.cors.as_deref().ok_or_else(|| {
        S3Error::new("NoSuchCORSConfiguration", "The CORS configuration does not exist")
    })
}

/// The rule that counts, the first that allows all of it; none where it is not allowed.
pub fn rule_for<'r>(rules: &'r [CorsRule], crossing: &Crossing<'_>) -> Option<&'r CorsRule> {
    let headers = requested(crossing.headers.unwrap_or_default())?;
    rules.iter().find(|rule| {
        allowed_origin(rule, crossing.origin).is_some()
            && rule.allowed_methods.iter().any(|method| **method == *crossing.method)
            && headers.iter().all(|header| allows_header(rule, header))
    })
}

/// The origin, as a rule has it, that lets another one in.
pub fn allowed_origin<'r>(rule: &'r CorsRule, origin: &str) -> Option<&'r str> {
    let mut allowed = rule.allowed_origins.iter().map(|allowed| &**allowed);
    allowed.find(|allowed| fits(allowed, origin))
}

/// Whether a rule can allow a method at all.
pub fn is_method(method: &str) -> bool {
    METHODS.contains(&method)
}

/// The names in a list of headers; none if it is no such list, or too long.
fn requested(list: &str) -> Option<Vec<String>> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    let names: Vec<String> =
        names.take(REQUESTED_HEADERS_MAX + 1).map(str::to_ascii_lowercase).collect();
    (names.len() <= REQUESTED_HEADERS_MAX && names.iter().all(|name| is_token(name)))
        .then_some(names)
}

fn allows_header(rule: &CorsRule, header: &str) -> bool {
    // Names of headers have no case; those of a request are in lower case here.
    rule.allowed_headers.iter().any(|allowed| fits(&allowed.to_ascii_lowercase(), header))
}

/// Whether a text is what a pattern with one `*` at most says.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => text.strip_prefix(start).is_some_and(|rest| rest.ends_with(end)),
    }
}

fn checked(rule: route::CorsRule) -> Result<CorsRule, S3Error> {
    if rule.allowed_methods.is_empty() || rule.allowed_origins.is_empty() {
        return Err(malformed_xml());
    }
    if let Some(method) = rule.allowed_methods.iter().find(|method| !is_method(method)) {
        let message = "Found unsupported HTTP method in CORS config. Unsupported method is ";
        return Err(invalid(format!("{message}{method}")));
    }
    rule.allowed_origins.iter().try_for_each(|origin| check_pattern("AllowedOrigin", origin))?;
    rule.allowed_headers.iter().try_for_each(|header| check_pattern("AllowedHeader", header))?;
    rule.expose_headers.iter().try_for_each(|header| check_exposed(header))?;
    if rule.id.as_ref().is_some_and(|id| id.chars().count() > ID_LENGTH_MAX) {
        return Err(invalid("The ID of a CORS rule should not exceed allowed limit of 255."));
    }
    if rule.max_age_seconds.is_some_and(i32::is_negative) {
        return Err(malformed_xml());
    }
    let boxed = |texts: Vec<String>| texts.into_iter().map(String::into_boxed_str).collect();
    Ok(CorsRule {
        id: rule.id.map(String::into_boxed_str),
        allowed_headers: boxed(rule.allowed_headers),
        allowed_methods: boxed(rule.allowed_methods),
        allowed_origins: boxed(rule.allowed_origins),
        expose_headers: boxed(rule.expose_headers),
        max_age_seconds: rule.max_age_seconds,
    })
}

/// What an origin or a header may look like that stands for others.
fn check_pattern(what: &str, pattern: &str) -> Result<(), S3Error> {
    if pattern.is_empty() {
        return Err(malformed_xml());
    }
    if pattern.matches('*').count() > 1 {
        return Err(invalid(format!("{what} \"{pattern}\" can not have more than one wildcard.")));
    }
    Ok(())
}

fn check_exposed(header: &str) -> Result<(), S3Error> {
    if header.contains('*') {
        return Err(invalid(format!(
            "ExposeHeader \"{header}\" contains wildcard. We currently do not support wildcard for ExposeHeader."
        )));
    }
    if !is_token(header) {
        return Err(invalid(format!("ExposeHeader \"{header}\" contains invalid character.")));
    }
    Ok(())
}

/// Whether a text can be the name of a header.
// Source: RFC 9110, section 5.6.2.
fn is_token(name: &str) -> bool {
    let is_mark = |byte| b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte))
}

fn invalid(message: impl Into<String>) -> S3Error {
    S3Error::new("InvalidRequest", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::bucket;
    use crate::test_support::{ACCOUNT, NOW, World};

    const BUCKET: &str = "photos";

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn rule(origins: &[&str], methods: &[&str], headers: &[&str]) -> route::CorsRule {
        route::CorsRule {
            allowed_origins: owned(origins),
            allowed_methods: owned(methods),
            allowed_headers: owned(headers),
            ..route::CorsRule::default()
        }
    }

    /// Whether rules let a script do something.
    fn allows(rules: &[route::CorsRule], asked: (&str, &str, Option<&str>)) -> Option<usize> {
        let rules: Vec<CorsRule> =
            rules.iter().map(|rule| checked(rule.clone()).unwrap()).collect();
        let (origin, method, headers) = asked;
        let found = rule_for(&rules, &Crossing { origin, method, headers })?;
        rules.iter().position(|rule| std::ptr::eq(rule, found))
    }

    #[test]
    fn an_origin_is_let_in_and_its_neighbours_are_not() {
        let one = [rule(&["https://a.example.com"], &["GET"], &[])];
        let sub = [rule(&["https://*.example.com"], &["GET"], &[])];
        let any = [rule(&["*"], &["GET"], &[])];
        for (rules, origin, is_allowed) in [
            (&one, "https://a.example.com", true),
            (&one, "http://a.example.com", false),
            (&one, "https://a.example.com:8443", false),
            (&one, "https://a.example.com.evil.org", false),
            (&one, "https://A.example.com", false),
            (&one, "null", false),
            (&sub, "https://b.example.com", true),
            (&sub, "https://b.c.example.com", true),
            (&sub, "https://example.com", false),
            (&sub, "https://.example.co", false),
            (&sub, "https://evil-example.com", false),
            (&any, "https://evil.org", true),
            (&any, "null", true),
        ] {
            assert_eq!(allows(rules, (origin, "GET", None)).is_some(), is_allowed, "{origin}");
        }
        // Nothing stands for both ends of a pattern.
        let short = [rule(&["https://ab*ba"], &["GET"], &[])];
        assert_eq!(allows(&short, ("https://aba", "GET", None)), None);
    }

    #[test]
    fn methods_and_headers_are_those_of_the_rule() {
        let rules = [rule(&["*"], &["PUT"], &["x-amz-*", "Content-Type"])];
        for (method, headers, is_allowed) in [
            ("PUT", None, true),
            ("GET", None, false),
            ("put", None, false),
            ("PUT", Some(""), true),
            ("PUT", Some("content-type, X-Amz-Meta-a"), true),
            ("PUT", Some("content-type,authorization"), false),
            ("PUT", Some("x-am"), false),
            ("PUT", Some("x-amz-a b"), false),
        ] {
            let found = allows(&rules, ("https://a", method, headers));
            assert_eq!(found.is_some(), is_allowed, "{method} {headers:?}");
        }
        let many = vec!["x-amz-a"; REQUESTED_HEADERS_MAX + 1].join(",");
        assert_eq!(allows(&rules, ("https://a", "PUT", Some(&many))), None);
        let none = [rule(&["*"], &["PUT"], &[])];
        assert_eq!(allows(&none, ("https://a", "PUT", Some("x-amz-a"))), None);
    }

    #[test]
    fn the_first_rule_counts_that_allows_all_of_it() {
        let rules = [
            rule(&["https://a"], &["GET"], &[]),
            rule(&["https://a"], &["GET", "PUT"], &["*"]),
            rule(&["*"], &["GET"], &[]),
        ];
        assert_eq!(allows(&rules, ("https://a", "GET", None)), Some(0));
        assert_eq!(allows(&rules, ("https://a", "GET", Some("range"))), Some(1));
        assert_eq!(allows(&rules, ("https://b", "GET", None)), Some(2));
        assert_eq!(allows(&rules, ("https://b", "PUT", None)), None);
    }

    #[test]
    fn rules_that_cannot_be_are_refused() {
        let good = || rule(&["*"], &["GET"], &["*"]);
        let exposing =
            |header: &str| route::CorsRule { expose_headers: owned(&[header]), ..good() };
        let called = |length| route::CorsRule { id: Some("a".repeat(length)), ..good() };
        for (rule, expected) in [
            (good(), None),
            (exposing("x-amz-request-id"), None),
            (called(255), None),
            (rule(&[], &["GET"], &[]), Some("MalformedXML")),
            (rule(&["*"], &[], &[]), Some("MalformedXML")),
            (rule(&[""], &["GET"], &[]), Some("MalformedXML")),
            (rule(&["*"], &["PATCH"], &[]), Some("InvalidRequest")),
            (rule(&["*"], &["OPTIONS"], &[]), Some("InvalidRequest")),
            (rule(&["https://*.*"], &["GET"], &[]), Some("InvalidRequest")),
            (rule(&["*"], &["GET"], &["x-*-*"]), Some("InvalidRequest")),
            (exposing("*"), Some("InvalidRequest")),
            (exposing("a\r\nset-cookie"), Some("InvalidRequest")),
            (called(256), Some("InvalidRequest")),
            (route::CorsRule { max_age_seconds: Some(-1), ..good() }, Some("MalformedXML")),
        ] {
            let code = checked(rule.clone()).err().map(|error| error.code);
            assert_eq!(code, expected, "{rule:?}");
        }
    }

    #[test]
    fn a_bucket_keeps_its_rules_until_they_are_taken_away() {
        let mut world = World::with(&[]);
        let account = ACCOUNT.parse().unwrap();
        let done = |world: &mut World, changes: Result<Vec<AccountChanges>, S3Error>| {
            world.commit(&changes.unwrap());
        };
        let changes = bucket::reserve(&world.state, account, BUCKET, NOW);
        done(&mut world, changes);
        let code = |world: &World| rules(&world.state, BUCKET).err().map(|error| error.code);
        assert_eq!(code(&world), Some("NoSuchCORSConfiguration"));
        let many = vec![rule(&["*"], &["GET"], &[]); RULES_MAX + 1];
        let refused = put(&world.state, BUCKET, many.clone()).unwrap_err();
        assert_eq!(refused.code, "InvalidRequest");
        let changes = put(&world.state, BUCKET, many.into_iter().skip(1).collect());
        done(&mut world, changes);
        assert_eq!(rules(&world.state, BUCKET).map(<[_]>::len), Ok(RULES_MAX));
        let changes = delete(&world.state, BUCKET);
        done(&mut world, changes);
        assert_eq!(code(&world), Some("NoSuchCORSConfiguration"));
        assert_eq!(put(&world.state, "another", vec![]).unwrap_err().code, "NoSuchBucket");
    }
}
