//! Tests of `iamd policy eval`.

use serde_json::Value;

use super::*;

fn eval(input: &str) -> (Vec<Value>, bool) {
    let mut output = Vec::new();
    let all_answered = stream(BufReader::new(input.as_bytes()), &mut output).unwrap();
    let lines = String::from_utf8(output).unwrap();
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), all_answered)
}

fn one(input: &str) -> Value {
    let (mut answers, _) = eval(input);
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

const ALLOW_GET: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#;

fn line(principal: &str, more: &str, policies: &str) -> String {
    format!(
        r#"{{"id":7,"request":{{"principal":{principal},"action":"s3:GetObject","resource":"arn:aws:s3:::b/k"{more}}},"policies":{policies}}}"#
    )
}

const ANA: &str = r#""arn:aws:iam::111122223333:user/ana""#;

#[test]
fn the_example_of_the_contract_is_answered() {
    let request = r#"{"id":"1",
 "request":{"principal":"arn:aws:sts::111122223333:assumed-role/Admin/ana","action":"s3:GetObject","resource":"arn:aws:s3:::b/k","resource_account":"111122223333",
            "context":{"aws:SourceIp":"10.0.0.1","aws:TagKeys":["a","b"]}},
 "policies":{"identity":[{}],"boundary":[{}],"session":[{}],"resource":{},"scp":[[{}],[{}]],"rcp":[[{}]],"endpoint":[{}]}}"#
        .replace('\n', " ");
    let answer = one(&request);
    assert_eq!(answer["id"], "1");
    assert_eq!(answer["decision"], "implicitDeny");
    assert_eq!(answer["decided_by"], "scp");
    assert_eq!(
        answer["message"],
        "User: arn:aws:sts::111122223333:assumed-role/Admin/ana is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k because no service control policy allows the s3:GetObject action"
    );
}

#[test]
fn an_allow_names_its_statement_and_has_no_message() {
    let answer = one(&line(ANA, "", &format!(r#"{{"identity":[{ALLOW_GET}]}}"#)));
    assert_eq!(answer["decision"], "allowed");
    assert_eq!(answer["decided_by"], "identity");
    let expected = serde_json::json!([{"policy":"identity[0]","sid":"Read","line":1,"column":38}]);
    assert_eq!(answer["statements"], expected);
    assert_eq!(answer.get("message"), None);
}

#[test]
fn strings_keep_their_lines() {
    let text = ALLOW_GET.replace("[{", "[\n  {");
    let text = serde_json::to_string(&text).unwrap();
    let answer = one(&line(ANA, "", &format!(r#"{{"identity":[{text}]}}"#)));
    assert_eq!(answer["statements"][0]["line"], 2);
    assert_eq!(answer["statements"][0]["column"], 3);
}

#[test]
fn every_form_of_principal_is_read() {
    let grant = |principal: &str| {
        format!(
            r#"{{"resource":{{"Statement":{{"Effect":"Allow","Principal":{principal},"Action":"*","Resource":"*"}}}}}}"#
        )
    };
    let session = r#""arn:aws:sts::111122223333:assumed-role/R/s""#;
    for (caller, more, principal) in [
        (ANA, "", r#"{"AWS":"arn:aws:iam::111122223333:user/ana"}"#),
        (ANA, r#","context":{"aws:userid":"AIDAANA"}"#, r#"{"AWS":"AIDAANA"}"#),
        (session, "", r#"{"AWS":"arn:aws:iam::111122223333:role/R"}"#),
        (
            session,
            r#","role":"arn:aws:iam::111122223333:role/p/R""#,
            r#"{"AWS":"arn:aws:iam::111122223333:role/p/R"}"#,
        ),
        (session, r#","context":{"aws:userid":"AROAR:s"}"#, r#"{"AWS":"AROAR"}"#),
        (
            session,
            r#","context":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/p/R"}"#,
            r#"{"AWS":"arn:aws:iam::111122223333:role/p/R"}"#,
        ),
        (
            r#""arn:aws:sts::111122223333:federated-user/f""#,
            "",
            r#"{"AWS":"arn:aws:sts::111122223333:federated-user/f"}"#,
        ),
        (r#"{"service":"ec2.amazonaws.com"}"#, "", r#"{"Service":"ec2.amazonaws.com"}"#),
        (r#"{"federated":"accounts.google.com"}"#, "", r#"{"Federated":"accounts.google.com"}"#),
        (r#"{"anonymous":true}"#, "", r#""*""#),
    ] {
        let answer = one(&line(caller, more, &grant(principal)));
        assert_eq!(answer["decision"], "allowed", "{caller} {more}");
        let other =
            one(&line(caller, more, &grant(r#"{"AWS":"arn:aws:iam::111122223333:user/eve"}"#)));
        assert_eq!(other["decision"], "implicitDeny", "{caller} {more}");
    }
    let root = one(&line(r#""arn:aws:iam::111122223333:root""#, "", "{}"));
    assert_eq!(root["decision"], "allowed");
}

#[test]
fn keys_of_the_caller_are_added_unless_the_context_is_complete() {
    let policy = r#"{"identity":[{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:username":"ana"},"DateGreaterThan":{"aws:CurrentTime":"2020-01-01"}}}}]}"#;
    assert_eq!(one(&line(ANA, "", policy))["decision"], "allowed");
    let complete = one(&line(ANA, r#","context_complete":true"#, policy));
    assert_eq!(complete["decision"], "implicitDeny");
    assert_eq!(complete["missing_keys"], serde_json::json!(["aws:username", "aws:CurrentTime"]));
    let given = one(&line(ANA, r#","context":{"AWS:UserName":"bob"}"#, policy));
    assert_eq!(given["decision"], "implicitDeny");
}

#[test]
fn bad_lines_are_errors_and_the_run_goes_on() {
    let good = line(ANA, "", &format!(r#"{{"identity":[{ALLOW_GET}]}}"#));
    let input = format!(
        "{good}\nnonsense\n\n{{\"id\":\"x\"}}\n{}\n{}\n{good}",
        line("7", "", "{}"),
        line(r#""arn:aws:s3:::b""#, "", "{}"),
    );
    let (answers, all_answered) = eval(&input);
    assert!(!all_answered);
    let kinds: Vec<bool> = answers.iter().map(|answer| answer.get("error").is_some()).collect();
    assert_eq!(kinds, [false, true, true, true, true, false]);
    assert_eq!(answers[1]["id"], Value::Null);
    assert_eq!(answers[2]["id"], "x");
    assert_eq!(answers[4]["id"], 7);
}

#[test]
fn an_id_is_given_back_as_it_was_written_wherever_it_can_be_read() {
    for (line, expected) in [
        (r#"{"id":"a","request":"#, r#""a""#),
        (r#"{"other":[1,{"id":2}],"id":{"b":1.50},"request":nonsense}"#, r#"{"b":1.50}"#),
        (r#"{"id":12345678901234567890123,"request":7}"#, "12345678901234567890123"),
        (r#"{"id":null}"#, "null"),
        (r#"{"request":nonsense,"id":1}"#, "null"),
        (r#"["id"]"#, "null"),
        (r#"{"id"#, "null"),
    ] {
        let mut output = Vec::new();
        stream(BufReader::new(line.as_bytes()), &mut output).unwrap();
        let answer = String::from_utf8(output).unwrap();
        let start = format!("{{\"id\":{expected},\"error\":\"");
        assert!(answer.starts_with(&start), "{line} {answer}");
    }
}

#[test]
fn members_that_are_null_are_absent() {
    let policies = format!(
        r#"{{"identity":[{ALLOW_GET}],"boundary":null,"session":null,"resource":null,"trust":null,"scp":null,"rcp":null,"endpoint":null}}"#
    );
    let more = r#","resource_account":null,"role":null,"context":null,"context_complete":null"#;
    assert_eq!(one(&line(ANA, more, &policies))["decision"], "allowed");
    assert_eq!(one(&line(ANA, "", "null"))["decision"], "implicitDeny");
}

#[test]
fn numbers_of_a_document_compare_as_they_were_written() {
    let policy = r#"{"identity":[{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"x:Number":1.50}}}}]}"#;
    for (value, decision) in [("1.50", "allowed"), ("1.5", "implicitDeny")] {
        let context = format!(r#","context":{{"x:Number":"{value}"}}"#);
        assert_eq!(one(&line(ANA, &context, policy))["decision"], decision);
    }
}

#[test]
fn documents_that_are_none_hold_nothing() {
    for document in [
        "{}",
        "[]",
        "7",
        "null",
        r#""nonsense""#,
        r#""""#,
        r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"},"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
    ] {
        let answer = one(&line(ANA, "", &format!(r#"{{"identity":[{document}]}}"#)));
        assert_eq!(answer["decision"], "implicitDeny", "{document}");
    }
}

#[test]
fn a_list_that_is_there_and_empty_applies() {
    let policies = |more: &str| format!(r#"{{"identity":[{ALLOW_GET}]{more}}}"#);
    for (more, decision, kind) in [
        ("", "allowed", "identity"),
        (r#","boundary":[]"#, "implicitDeny", "boundary"),
        (r#","session":[]"#, "implicitDeny", "session"),
        (r#","scp":[]"#, "implicitDeny", "scp"),
        (r#","scp":[[]]"#, "implicitDeny", "scp"),
        (r#","endpoint":[]"#, "implicitDeny", "endpoint"),
        (r#","rcp":[[]]"#, "allowed", "identity"),
        (r#","resource":null"#, "allowed", "identity"),
    ] {
        let answer = one(&line(ANA, "", &policies(more)));
        assert_eq!(
            (answer["decision"].as_str(), answer["decided_by"].as_str()),
            (Some(decision), Some(kind)),
            "{more}"
        );
    }
}

#[test]
fn a_line_that_is_too_long_is_passed_over() {
    let good = line(ANA, "", "{}");
    let input = format!("{{\"id\":\"{}\"}}\n{good}\n", "x".repeat(LINE_LENGTH_MAX as usize));
    let (answers, all_answered) = eval(&input);
    assert!(!all_answered);
    assert_eq!(answers.len(), 2);
    assert!(answers[0]["error"].as_str().unwrap().contains("longer than"));
    assert_eq!(answers[0]["id"], Value::Null);
    assert_eq!(answers[1]["decision"], "implicitDeny");
    let input = format!("{{\"id\":1,\"request\":\"{}\"}}\n", "x".repeat(LINE_LENGTH_MAX as usize));
    assert_eq!(one(&input)["id"], 1);
}
