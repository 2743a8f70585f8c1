//! Users, roles, services and everybody.

use super::*;

fn bucket(effect: &str, principal: &str, more: &str) -> Vec<&'static str> {
    let statement = format!(
        r#"{{"Effect":"{effect}",{principal},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"{more}}}"#
    );
    codes(&statement, Grammar::Resource)
}

#[test]
fn everybody() {
    let one = "PRINCIPAL_STAR_WITHOUT_CONDITION";
    let all = r#""Principal":"*""#;
    assert_eq!(bucket("Allow", all, ""), [one]);
    assert_eq!(bucket("Deny", all, ""), NONE);
    assert_eq!(bucket("Allow", r#""Principal":{"AWS":"111122223333"}"#, ""), NONE);
    let who = r#","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-abc"}}"#;
    assert_eq!(bucket("Allow", all, who), NONE);
    let how = r#","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#;
    assert_eq!(bucket("Allow", all, how), [one]);
}

#[test]
fn principals_that_are_none() {
    let of =
        |principal: &str| bucket("Allow", &format!(r#""Principal":{{"AWS":{principal}}}"#), "");
    assert_eq!(of(r#""AIDAAAAAAAAAAAAAAAAAA""#), ["INVALID_USER_REFERENCE"]);
    assert_eq!(of(r#""AROAAAAAAAAAAAAAAAAAA""#), ["INVALID_ROLE_REFERENCE"]);
    assert_eq!(of(r#""arn:aws:iam::111122223333:user/ana""#), NONE);
    let session = "arn:aws:sts::111122223333:assumed-role/R/s";
    let role = "arn:aws:iam::111122223333:role/path/R";
    assert_eq!(of(&format!(r#"["{role}","{session}"]"#)), ["REDUNDANT_PRINCIPAL"]);
    assert_eq!(of(&format!(r#"["{role}","{role}"]"#)), ["REDUNDANT_PRINCIPAL"]);
    assert_eq!(of(&format!(r#"["{role}X","{session}"]"#)), NONE);
}

#[test]
fn everybody_else() {
    let of = |effect: &str, principal: &str| {
        bucket(effect, &format!(r#""NotPrincipal":{{"AWS":{principal}}}"#), "")
    };
    let role = "arn:aws:iam::111122223333:role/R";
    let account = "arn:aws:iam::111122223333:root";
    let session = "arn:aws:sts::111122223333:assumed-role/R/s";
    assert_eq!(of("Deny", &format!("\"{role}\"")), ["DENY_WITH_NOT_PRINCIPAL"]);
    assert_eq!(of("Deny", &format!("\"{account}\"")), ["DENY_WITH_NOT_PRINCIPAL"]);
    assert_eq!(of("Deny", &format!(r#"["{role}","{session}","{account}"]"#)), NONE);
    assert_eq!(of("Deny", &format!(r#"["arn:aws:iam::111122223333:user/ana","{account}"]"#)), NONE);
    assert!(of("Allow", &format!("\"{role}\"")).contains(&"ALLOW_WITH_NOT_PRINCIPAL"));
}

#[test]
fn services() {
    let of = |service: &str| {
        let account = r#","Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}"#;
        bucket("Allow", &format!(r#""Principal":{{"Service":"{service}"}}"#), account)
    };
    let one = "INVALID_SERVICE_PRINCIPAL_FORMAT";
    for slip in ["lamdba.amazonaws.com", "lambda.amazonws.com", "cloudfromation.amazonaws.com"] {
        assert_eq!(of(slip), [one], "{slip}");
    }
    for name in [
        "lambda.amazonaws.com",
        "Lambda.amazonaws.com",
        "ec2.amazonaws.com.cn",
        "delivery.logs.amazonaws.com",
        "vpc-flow-logs.amazonaws.com",
        "application-insights.amazonaws.com",
        "eks-connector.amazonaws.com",
        "macie.amazonaws.com",
        "inspector2.amazonaws.com",
        "alexa-appkit.amazon.com",
        "sns.eu-west-1.amazonaws.com",
        "something-new.amazonaws.com",
    ] {
        assert_eq!(of(name), NONE, "{name}");
    }
}

#[test]
fn services_act_for_others() {
    let one = "RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL";
    let service = r#""Principal":{"Service":"cloudtrail.amazonaws.com"}"#;
    assert_eq!(bucket("Allow", service, ""), [one]);
    assert_eq!(bucket("Deny", service, ""), NONE);
    let narrowed =
        r#","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:cloudtrail:*:111122223333:trail/*"}}"#;
    assert_eq!(bucket("Allow", service, narrowed), NONE);
}
