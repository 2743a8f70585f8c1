//! Trust policies, except for the form of their principals.

use super::*;

const ACTIONS: &str = "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  and sts:AssumeRoleWithWebIdentity";
const RESOURCE: &str = "Has prohibited field Resource.";

#[test]
fn trust_policies_are_json_of_any_version() {
    let not_json = "This policy contains invalid Json";
    let statement = r#""Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]"#;
    let cases = [
        ("".to_owned(), not_json),
        ("{".to_owned(), not_json),
        ("assume-role-policy.json".to_owned(), not_json),
        ("[]".to_owned(), SYNTAX),
        ("null".to_owned(), SYNTAX),
        ("{}".to_owned(), SYNTAX),
        (r#"{"Statement":[],"Statement":[]}"#.to_owned(), SYNTAX),
        (format!("{{{statement},}}"), not_json),
        (format!("{{{statement}}}"), STORED),
        (format!(r#"{{"Version":"2008-10-17",{statement}}}"#), STORED),
        (format!(r#"{{"Version":"2012-10-17","Id":"x",{statement}}}"#), STORED),
        (format!(r#"{{"Version":"2013-10-17",{statement}}}"#), SYNTAX),
        (format!(r#"{{"Version":"2012-10-17","Name":"x",{statement}}}"#), SYNTAX),
    ];
    judge(Grammar::Trust, &cases);
}

#[test]
fn trust_policies_have_actions_of_sts_and_no_resource() {
    let cases = [
        (r#""Action":"sts:AssumeRole""#, STORED),
        (
            r#""Action":["STS:assumerole","sts:AssumeRoleWithSAML","sts:AssumeRoleWithWebIdentity"]"#,
            STORED,
        ),
        (r#""Action":["sts:TagSession","sts:SetSourceIdentity","sts:SetContext"]"#, STORED),
        (r#""Action":"sts:*""#, STORED),
        (r#""Action":"sts:Assume*""#, STORED),
        (r#""Action":"sts:AssumeRol?""#, STORED),
        (
            r#""Action":"sts:AssumeRole","Sid":"","Condition":{"StringEquals":{"sts:ExternalId":"x"}}"#,
            STORED,
        ),
        (r#""Action":"*""#, ACTIONS),
        (r#""Action":"s3:*""#, ACTIONS),
        (r#""Action":["sts:AssumeRole","s3:GetObject"]"#, ACTIONS),
        (r#""Action":"sts:GetCallerIdentity""#, ACTIONS),
        (r#""Action":"sts:""#, ACTIONS),
        (r#""NotAction":"sts:AssumeRole""#, ACTIONS),
        (
            r#""Action":"AssumeRole""#,
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (r#""Action":"sts:Assume:Role""#, "Actions/Condition can contain only one colon."),
        (r#""Action":"s*:AssumeRole""#, "Vendor s* is not valid"),
        (r#""Action":[]"#, "Policy statement must contain actions."),
        (r#""Sid":"A""#, "Policy statement must contain actions."),
        (r#""Action":"sts:AssumeRole","Resource":"*""#, RESOURCE),
        (r#""Action":"sts:AssumeRole","Resource":[]"#, RESOURCE),
        (r#""Action":"sts:AssumeRole","Resource":"nonsense""#, RESOURCE),
        (r#""Action":"sts:AssumeRole","NotResource":"arn:aws:s3:::b""#, RESOURCE),
        (r#""Action":"s3:*","Resource":"*""#, ACTIONS),
        (
            r#""Action":"sts:AssumeRole","Sid":"a b""#,
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
        ),
        (
            r#""Action":"sts:AssumeRole","Condition":{"DateLessThan":{"aws:CurrentTime":"x"}}"#,
            LEGACY,
        ),
        (r#""Action":"sts:AssumeRole","Action":"sts:AssumeRole""#, SYNTAX),
    ];
    for (body, expected) in cases {
        let body = format!(r#""Effect":"Allow","Principal":{{"AWS":"111122223333"}},{body}"#);
        judge_statements(Grammar::Trust, &[(&body, expected)]);
    }
}
