//! Service and resource control policies.

use super::*;

const REFUSED: &str =
    "The provided policy document does not meet the requirements of the specified policy type.";

#[test]
fn service_control_policies_have_no_principal() {
    let cases = [
        (r#""Effect":"Allow","Action":"*","Resource":"*""#, STORED),
        (
            r#""Sid":"two words","Effect":"Deny","NotAction":"iam:*","NotResource":"arn:aws:iam::*:role/*""#,
            STORED,
        ),
        (
            r#""Effect":"Allow","Action":"ec2:Run*","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}"#,
            STORED,
        ),
        (r#""Effect":"Deny","Action":"*","Resource":"*","Principal":"*""#, REFUSED),
        (r#""Effect":"Deny","Action":"*","Resource":"*","NotPrincipal":"*""#, REFUSED),
        (r#""Effect":"Deny","Action":"*""#, REFUSED),
        (r#""Effect":"Deny","Resource":"*""#, REFUSED),
        (r#""Effect":"deny","Action":"*","Resource":"*""#, REFUSED),
        (r#""Effect":"Deny","Action":"x","Resource":"*""#, REFUSED),
        (r#""Effect":"Deny","Action":"*","Resource":"x""#, REFUSED),
    ];
    judge_statements(Grammar::Scp, &cases);
    let any = r#""Statement":{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let documents = [
        (format!("{{{any}}}"), REFUSED),
        (format!(r#"{{"Version":"2008-10-17",{any}}}"#), REFUSED),
        (format!(r#"{{"Version":"2012-10-17",{any}}}"#), STORED),
        (format!(r#"{{"Version":"2012-10-17","Id":"x",{any}}}"#), REFUSED),
        ("{".to_owned(), REFUSED),
        ("\u{100}".to_owned(), REFUSED),
    ];
    judge(Grammar::Scp, &documents);
}

#[test]
fn resource_control_policies_deny_everybody_something() {
    let cases = [
        (r#""Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*""#, STORED),
        (
            r#""Effect":"Deny","Principal":"*","Action":["sts:AssumeRole","s3:Get*"],"NotResource":"arn:aws:s3:::b","Condition":{"Null":{"aws:PrincipalOrgID":"true"}}"#,
            STORED,
        ),
        (r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*""#, REFUSED),
        (r#""Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*","Resource":"*""#, REFUSED),
        (r#""Effect":"Deny","NotPrincipal":"*","Action":"s3:*","Resource":"*""#, REFUSED),
        (r#""Effect":"Deny","Action":"s3:*","Resource":"*""#, REFUSED),
        (r#""Effect":"Deny","Principal":"*","Action":"*","Resource":"*""#, REFUSED),
        (r#""Effect":"Deny","Principal":"*","Action":["s3:*","*"],"Resource":"*""#, REFUSED),
        (r#""Effect":"Deny","Principal":"*","NotAction":"s3:*","Resource":"*""#, REFUSED),
        (r#""Effect":"Deny","Principal":"*","Action":"s3:*""#, REFUSED),
    ];
    judge_statements(Grammar::Rcp, &cases);
}

#[test]
fn the_reason_is_kept_beside_the_text_of_organizations() {
    let text = document(r#""Effect":"Deny","Principal":"*","Action":"*","Resource":"*""#);
    let malformed = validate(&text, Grammar::Rcp).unwrap_err();
    assert_eq!(malformed.reason, "`Action` must name a service");
    assert_eq!((malformed.line, malformed.column), (1, 80));
}
