//! Whole documents: JSON, characters, top elements, versions, statement ids.

use super::*;

const SID_TWICE: &str = "Statement IDs (SID) in a single policy must be unique.";
const SID_FORM: &str = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*";
const ANY: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;

fn with(head: &str) -> String {
    format!(r#"{{{head}"Statement":{ANY}}}"#)
}

fn with_sids(first: &str, second: &str) -> String {
    let statement = |sid: &str| format!(r#"{{{sid}"Effect":"Deny","Action":"*","Resource":"*"}}"#);
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{},{}]}}"#,
        statement(first),
        statement(second)
    )
}

#[test]
fn identity_policies_are_json_objects() {
    let cases = [
        ("", SYNTAX),
        (" ", SYNTAX),
        ("null", SYNTAX),
        ("1", SYNTAX),
        ("\"text\"", SYNTAX),
        ("[]", SYNTAX),
        ("{}", SYNTAX),
        ("{", SYNTAX),
        ("{}{}", SYNTAX),
        ("not json", SYNTAX),
        (r#"{"Version":"2012-10-17"}"#, SYNTAX),
        (
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*",}}"#,
            SYNTAX,
        ),
        (
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Effect":"Allow","Action":"*","Resource":"*"}}"#,
            SYNTAX,
        ),
        (r#"{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}"#, SYNTAX),
        (
            "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"arn:aws:s3:::\u{101}\"}}",
            SYNTAX,
        ),
        ("\u{feff}{}", SYNTAX),
        (
            "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"arn:aws:s3:::\u{ff}\u{7f}\"}}",
            STORED,
        ),
        (
            "\t\r\n {\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}\n",
            STORED,
        ),
        (
            r#"{"Statement":{"Resource":"*","Action":"*","Effect":"Allow"},"Version":"2012-10-17"}"#,
            STORED,
        ),
    ];
    judge(Grammar::Identity, &cases);
}

#[test]
fn top_elements_are_few_and_have_their_types() {
    let current = r#""Version":"2012-10-17","#;
    let cases = [
        (with(current), STORED),
        (with(""), VERSION),
        (with(r#""Version":"2008-10-17","#), VERSION),
        (with(r#""Version":"2012-10-18","#), SYNTAX),
        (with(r#""Version":"","#), SYNTAX),
        (with(r#""Version":20121017,"#), SYNTAX),
        (with(r#""Version":["2012-10-17"],"#), SYNTAX),
        (with(r#""Version":null,"#), SYNTAX),
        (with(r#""version":"2012-10-17","#), SYNTAX),
        (with(&format!(r#"{current}"Id":"policy-1","#)), STORED),
        (with(&format!(r#"{current}"Id":["policy-1"],"#)), SYNTAX),
        (with(&format!(r#"{current}"Id":1,"#)), SYNTAX),
        (with(&format!(r#"{current}"Extra":"x","#)), SYNTAX),
        (with(&format!(r#"{current}"Effect":"Allow","#)), SYNTAX),
        (with(&format!(r#"{current}"Condition":{{}},"#)), SYNTAX),
        (with(&format!(r#"{current}"Conditions":{{}},"#)), STORED),
        (with(&format!(r#"{current}"Conditions":[],"#)), SYNTAX),
        (with(&format!(r#"{current}"Conditions":{{"Strange":{{"a:b":"c"}}}},"#)), SYNTAX),
    ];
    judge(Grammar::Identity, &cases);
}

#[test]
fn statements_are_objects_and_there_is_one() {
    let holding =
        |statement: &str| format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
    let cases = [
        (holding(ANY), STORED),
        (holding(&format!("[{ANY}]")), STORED),
        (holding(&format!("[{ANY},{ANY}]")), STORED),
        (holding("[]"), SYNTAX),
        (holding("{}"), SYNTAX),
        (holding("[{}]"), SYNTAX),
        (holding("null"), SYNTAX),
        (holding("\"x\""), SYNTAX),
        (holding("[\"x\"]"), SYNTAX),
        (holding(&format!("[[{ANY}]]")), SYNTAX),
        (holding(&format!("[{ANY},null]")), SYNTAX),
        (holding("true"), SYNTAX),
        (holding("7"), SYNTAX),
    ];
    judge(Grammar::Identity, &cases);
}

#[test]
fn statement_ids_are_unique_and_alphanumeric() {
    let cases = [
        (with_sids(r#""Sid":"A","#, r#""Sid":"B","#), STORED),
        (with_sids(r#""Sid":"A","#, r#""Sid":"a","#), STORED),
        (with_sids(r#""Sid":"A1","#, r#""Sid":"A1","#), SID_TWICE),
        (with_sids(r#""Sid":"","#, r#""Sid":"","#), STORED),
        (with_sids(r#""Sid":"","#, ""), STORED),
        (with_sids(r#""Sid":"a b","#, r#""Sid":"a b","#), SID_TWICE),
        (with_sids(r#""Sid":"a b","#, ""), SID_FORM),
        (with_sids(r#""Sid":"a-b","#, ""), SID_FORM),
        (with_sids("", r#""Sid":"é","#), SID_FORM),
        (with_sids(r#""Sid":7,"#, ""), SYNTAX),
        (with_sids(r#""Sid":null,"#, ""), SYNTAX),
        (with_sids(r#""Sid":["A"],"#, ""), SYNTAX),
    ];
    judge(Grammar::Identity, &cases);
}

#[test]
fn other_services_allow_more_characters_in_statement_ids() {
    let body = |sid: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Sid":"{sid}","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}}}"#
        )
    };
    judge(Grammar::Resource, &[(body("two words"), STORED), (body("AB"), STORED)]);
}

#[test]
fn nesting_and_size_are_bounded() {
    let deep = format!("{}{}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
    let long = format!("{{\"Version\":\"{}\"}}", "x".repeat(json::DOCUMENT_CHARACTERS_MAX));
    judge(Grammar::Identity, &[(&deep, SYNTAX), (&long, SYNTAX)]);
    judge(Grammar::Trust, &[(&deep, "This policy contains invalid Json")]);
}

#[test]
fn session_policies_have_texts_and_rules_of_their_own() {
    let not_json = "The policy is not in the valid JSON format.";
    let cases = [
        ("{", not_json),
        ("", not_json),
        ("[]", SYNTAX),
        (r#"{"a":1,"a":2}"#, SYNTAX),
        (r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#, STORED),
        (
            r#"{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#,
            STORED,
        ),
        (
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}}"#,
            STORED,
        ),
        (
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3"}}"#,
            "Resource arn:aws:s3 must be in ARN format or \"*\".",
        ),
        (
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","NotResource":["*","arn:aws:sqs:eu-west-1:111122223333"]}}"#,
            "Resource arn:aws:sqs:eu-west-1:111122223333 must be in ARN format or \"*\".",
        ),
        (
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"}}"#,
            "Policy document should not specify a principal.",
        ),
        (
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*"}}"#,
            "Policy statement must contain resources.",
        ),
    ];
    judge(Grammar::Session, &cases);
}
