//! Each rule with the nearest document that it must leave alone.

mod actions;
mod conditions;
mod documents;
mod grants;
mod overlaps;
mod principals;
mod resources;
mod trust;
mod values;

use super::*;

const NONE: [&str; 0] = [];

fn codes(statement: &str, grammar: Grammar) -> Vec<&'static str> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
    lint(&text, grammar).iter().map(|finding| finding.code).collect()
}

/// The codes of a statement that allows.
fn of(action: &str, resource: &str, more: &str) -> Vec<&'static str> {
    codes(
        &format!(r#"{{"Effect":"Allow","Action":{action},"Resource":{resource}{more}}}"#),
        Grammar::Identity,
    )
}

/// The codes of a condition of a statement that allows.
fn condition(condition: &str) -> Vec<&'static str> {
    of(r#""s3:GetObject""#, r#""arn:aws:s3:::b/*""#, &format!(r#","Condition":{condition}"#))
}

/// The codes of a condition of a statement that denies.
fn denial(condition: &str, grammar: Grammar) -> Vec<&'static str> {
    let principal = match grammar {
        Grammar::Resource | Grammar::Rcp | Grammar::Trust => r#""Principal":"*","#,
        Grammar::Identity | Grammar::Session | Grammar::Scp => "",
    };
    let statement = format!(
        r#"{{"Effect":"Deny",{principal}"Action":"s3:*","Resource":"*","Condition":{condition}}}"#
    );
    codes(&statement, grammar)
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

#[test]
fn places_count_characters_and_are_in_order() {
    let text = "{\"Version\":\"2012-10-17\",\"Statement\":[\n{\"Sid\":\"é\",\"Effect\":\"Allow\",\"Action\":[\"s3:GetObjct\",\n\"s3:PutObjct\"],\"Resource\":\"*\"}]}";
    let findings = lint(text, Grammar::Resource);
    let places: Vec<_> = findings.iter().map(|found| (found.line, found.column)).collect();
    assert!(places.is_sorted(), "{findings:?}");
    let columns = |code: &str| {
        let found = findings.iter().filter(|found| found.code == code);
        found.map(|found| (found.line, found.column)).collect::<Vec<_>>()
    };
    assert_eq!(columns("INVALID_ACTION"), [(2, 39), (3, 1)]);
}

#[test]
fn one_place_has_one_error() {
    let principal = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/*"},"Action":"sts:AssumeRole"}"#;
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{principal}}}"#);
    let findings = lint(&text, Grammar::Trust);
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(finding.code, "MALFORMED_POLICY_DOCUMENT");
    assert!(finding.fix.as_deref().is_some_and(|fix| fix.contains("aws:PrincipalArn")));
}

#[test]
fn a_document_that_is_too_much_says_so() {
    let actions: Vec<String> = (0..9_000).map(|number| format!("\"s3:*a{number}*\"")).collect();
    let statement =
        format!(r#"{{"Effect":"Allow","Action":[{}],"Resource":"*"}}"#, actions.join(","));
    assert!(codes(&statement, Grammar::Identity).contains(&"TOO_LARGE_TO_COMPARE"));
    let few =
        format!(r#"{{"Effect":"Allow","Action":[{}],"Resource":"*"}}"#, actions[..99].join(","));
    assert!(!codes(&few, Grammar::Identity).contains(&"TOO_LARGE_TO_COMPARE"));
}

#[test]
fn long_values_are_shortened() {
    let statement =
        format!(r#"{{"Effect":"Allow","Action":"s3:{}","Resource":"*"}}"#, "a".repeat(9_000));
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
    let longest = lint(&text, Grammar::Identity).iter().map(|found| found.message.len()).max();
    assert!(longest.is_some_and(|longest| longest < 300), "{longest:?}");
}

proptest::proptest! {
    #[test]
    fn linting_never_panics(text in "\\PC{0,80}") {
        let _ = lint(&text, Grammar::Identity);
    }

    #[test]
    fn linting_statements_never_panics(
        action in "[a-z0-9:*?]{0,12}",
        resource in "(arn:aws:(s3|ec2|iam|\\$\\{x\\}):[a-z*-]{0,3}:[0-9*]{0,3}:)?[a-z/*?${}:']{0,12}",
        operator in "(ForAllValues:|ForAnyValue:)?(StringNotLike|ArnLike|Null|NotIpAddress|Bool|NumericEquals)(IfExists)?",
        key in "(aws:SourceIp|aws:PrincipalTag/|ec2:[A-Za-z]{0,8}|[a-z:/]{0,8})",
        value in "[a-z0-9:*?./${}, ']{0,12}",
        grammar in 0..6_usize,
    ) {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{value}","Service":"{key}"}},"Action":"{action}","Resource":["{resource}","{value}"],"Condition":{{"{operator}":{{"{key}":["{value}","{resource}"]}}}}}}]}}"#
        );
        let _ = lint(&text, Grammar::ALL[grammar]);
    }
}
