//! Tables of documents and AWS's answers, and properties that hold for any text.

mod documents;
mod organizations;
mod principals;
mod properties;
mod statements;
mod trust;

use super::*;

pub(super) const SYNTAX: &str = "Syntax errors in policy.";
pub(super) const LEGACY: &str = "The policy failed legacy parsing";
pub(super) const VERSION: &str = "Policy document must be version 2012-10-17 or greater.";
pub(super) const STORED: &str = "";

/// Judges each document; an empty expectation means that it is stored.
pub(super) fn judge<T: AsRef<str>>(grammar: Grammar, cases: &[(T, &str)]) {
    for (text, expected) in cases {
        let text = text.as_ref();
        let message = validate(text, grammar).err().map(|malformed| malformed.message);
        assert_eq!(message.unwrap_or_default(), *expected, "{grammar:?}: {text}");
    }
}

/// Judges documents that consist of one statement.
pub(super) fn judge_statements(grammar: Grammar, cases: &[(&str, &str)]) {
    let documents: Vec<_> =
        cases.iter().map(|(body, expected)| (document(body), *expected)).collect();
    judge(grammar, &documents);
}

pub(super) fn document(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#)
}

#[test]
fn a_complaint_says_where_and_why() {
    let text = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"s3:*\",\n    \"Resource\": \"arn:b:s3:::é\"}\n}";
    let malformed = validate(text, Grammar::Identity).unwrap_err();
    assert_eq!((malformed.line, malformed.column), (4, 17));
    assert_eq!(malformed.reason, "`b` is no partition");
    assert_eq!(
        malformed.to_string(),
        "Partition \"b\" is not valid for resource \"arn:b:s3:::é\". (`b` is no partition, at line 4 column 17)"
    );
    let unreadable = validate("{\"Version\": }", Grammar::Trust).unwrap_err();
    assert_eq!((unreadable.line, unreadable.column), (1, 13));
    assert_eq!(unreadable.reason, "expected a value");
}

#[test]
fn the_first_complaint_in_the_order_of_aws_wins() {
    let ordered = [
        (r#""Effect":"No""#, SYNTAX),
        (r#""Effect":"allow","Principal":"*""#, LEGACY),
        (
            r#""Sid":"-","Effect":"Allow","Principal":"*","Action":[]"#,
            "Policy document should not specify a principal.",
        ),
        (
            r#""Sid":"-","Effect":"Allow","Action":[]"#,
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
        ),
        (
            r#""Effect":"Allow","Action":[],"Resource":"x""#,
            "Policy statement must contain actions.",
        ),
        (
            r#""Effect":"Allow","Action":"x","Resource":"x""#,
            "Resource x must be in ARN format or \"*\".",
        ),
        (
            r#""Effect":"Allow","Action":"x","Resource":[]"#,
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (
            r#""Effect":"Allow","Action":"x:y","Resource":[]"#,
            "Policy statement must contain resources.",
        ),
        (r#""Effect":"Allow","Action":"x:y","Resource":"*""#, STORED),
    ];
    judge_statements(Grammar::Identity, &ordered);
    // Each check looks at the whole document before the next one begins.
    let second = r#"{"Effect":"Allow","Action":"x:y","Resource":"*"},{"Effect":"deny","Action":"x:y","Resource":"*"}"#;
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow"}},{second}]}}"#);
    judge(Grammar::Identity, &[(text, LEGACY)]);
}

#[test]
fn white_space_outside_of_strings_is_not_counted() {
    let sizes = [
        ("", 0),
        (" \t\r\n", 0),
        ("{}", 2),
        ("{ \"a b\" : \"c\\\" d\" }", 15),
        ("{\"a\":\"\\\\\" , \"b\":1}", 16),
        ("\"é ÿ\"", 5),
        ("\" unfinished ", 13),
        ("\u{a0}", 1),
    ];
    for (text, size) in sizes {
        assert_eq!(size_without_white_space(text), size, "{text}");
    }
}
