//! Who may be named in policies of roles and other resources.

use super::*;

const NONE: &str = "Invalid principal in policy: com.amazon.balsa.error.InvalidPolicyException: The passed in policy has a statement with no principals!";
const FEDERATED: &str = "Federated principals must be valid domain names or SAML metadata ARNs";
const MISSING: &str = "Missing required field Principal";
const CANONICAL: &str = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";

fn trusting(principal: &str) -> String {
    document(&format!(r#""Effect":"Allow","Action":"sts:AssumeRole",{principal}"#))
}

fn sharing(principal: &str) -> String {
    document(&format!(r#""Effect":"Allow","Action":"s3:*","Resource":"*",{principal}"#))
}

#[test]
fn trust_policies_name_their_principals() {
    let cases = [
        (r#""Principal":"*""#, STORED),
        (r#""Principal":{"AWS":"*"}"#, STORED),
        (r#""Principal":{"AWS":["111122223333","arn:aws:iam::111122223333:root"]}"#, STORED),
        (r#""Principal":{"AWS":"arn:aws:iam::111122223333:user/path/n"}"#, STORED),
        (r#""Principal":{"AWS":"arn:aws-cn:iam::111122223333:role/n"}"#, STORED),
        (r#""Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/r/s"}"#, STORED),
        (r#""Principal":{"AWS":"arn:aws:sts::111122223333:federated-user/n"}"#, STORED),
        (r#""Principal":{"AWS":["AIDAQ3EGUZXAMPLEQ3EGU","AROAQ3EGUZXAMPLEQ3EGU"]}"#, STORED),
        (r#""Principal":{"Service":"ec2.amazonaws.com"}"#, STORED),
        (
            r#""Principal":{"Service":["ec2.amazonaws.com.cn","logs.eu-west-1.amazonaws.com"]}"#,
            STORED,
        ),
        (r#""Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/P"}"#, STORED),
        (
            r#""Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/host.example/path"}"#,
            STORED,
        ),
        (
            r#""Principal":{"Federated":["accounts.google.com","cognito-identity.amazonaws.com"]}"#,
            STORED,
        ),
        (r#""Principal":{"AWS":"111122223333","Service":"ec2.amazonaws.com"}"#, STORED),
        (r#""Principal":{"AWS":[],"Service":"ec2.amazonaws.com"}"#, STORED),
        (r#""Sid":"A""#, MISSING),
        (r#""Principal":{}"#, NONE),
        (r#""Principal":{"AWS":[]}"#, NONE),
        (r#""NotPrincipal":{"AWS":"111122223333"}"#, "Has prohibited field NotPrincipal."),
        (r#""NotPrincipal":"*""#, "Has prohibited field NotPrincipal."),
        (r#""Principal":"111122223333""#, SYNTAX),
        (r#""Principal":["*"]"#, SYNTAX),
        (r#""Principal":null"#, SYNTAX),
        (r#""Principal":{"*":"*"}"#, SYNTAX),
        (r#""Principal":{"aws":"*"}"#, SYNTAX),
        (r#""Principal":{"AWS":{"a":"b"}}"#, SYNTAX),
        (r#""Principal":{"AWS":111122223333}"#, SYNTAX),
        (r#""Principal":{"AWS":["*",null]}"#, SYNTAX),
    ];
    judge(Grammar::Trust, &cases.map(|(principal, expected)| (trusting(principal), expected)));
}

#[test]
fn no_part_of_an_aws_principal_is_a_wildcard_and_groups_are_none() {
    let values = [
        "",
        "1111",
        "11112222333x",
        "somebody",
        "a*",
        "**",
        "?",
        "AIDA*",
        "AIDASHORT",
        "aidaq3eguzxampleq3egu",
        "arn:aws:iam::111122223333:user/*",
        "arn:aws:iam::111122223333:*",
        "arn:aws:iam::*:root",
        "arn:aws:iam::111122223333:user/a?c",
        "arn:aws:iam::111122223333:group/g",
        "arn:aws:iam::111122223333:policy/p",
        "arn:aws:iam::111122223333:root/x",
        "arn:aws:iam::111122223333:user",
        "arn:aws:iam::111122223333:user/",
        "arn:aws:iam::111122223333:role/p/",
        "arn:aws:iam::1111:root",
        "arn:aws:iam:us-east-1:111122223333:root",
        "arn:b:iam::111122223333:root",
        "arn:aws:iam::111122223333",
        "arn:aws:s3:::bucket",
        "arn:aws:sts::111122223333:assumed-role/r",
        "arn:aws:sts::111122223333:assumed-role/r/",
        "arn:aws:sts::111122223333:assumed-role/r/s/t",
        "arn:aws:sts::111122223333:assumed-role/r/*",
        "arn:aws:sts::111122223333:federated-user/",
        "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1",
        "ec2.amazonaws.com",
    ];
    for value in values {
        let expected = format!("Invalid principal in policy: \"AWS\":\"{value}\"");
        let principal = format!(r#""Principal":{{"AWS":["111122223333","{value}"]}}"#);
        judge(Grammar::Trust, &[(trusting(&principal), &*expected)]);
    }
}

#[test]
fn services_and_providers_are_named_in_full() {
    for value in [
        "",
        "*",
        "ec2",
        "*.amazonaws.com",
        "amazonaws.com",
        "ec2.amazonaws.com/",
        ".amazonaws.com",
        "a..b",
    ] {
        let expected = format!("Invalid principal in policy: \"SERVICE\":\"{value}\"");
        let principal = format!(r#""Principal":{{"Service":"{value}"}}"#);
        judge(Grammar::Trust, &[(trusting(&principal), &*expected)]);
        judge(Grammar::Resource, &[(sharing(&principal), &*expected)]);
    }
    let values = [
        "",
        "*",
        "provider",
        "https://host.example",
        "arn:aws:iam::111122223333:oidc-provider/",
        "arn:aws:iam::111122223333:saml-provider/*",
        "arn:aws:iam::111122223333:role/r",
        "arn:aws:iam:::saml-provider/P",
        "arn:aws:sts::111122223333:saml-provider/P",
        "arn:b:iam::111122223333:saml-provider/P",
        "arn:aws:iam:x:111122223333:saml-provider/P",
        "arn:aws:iam::111122223333:saml-provider",
    ];
    for value in values {
        let principal = format!(r#""Principal":{{"Federated":"{value}"}}"#);
        judge(Grammar::Trust, &[(trusting(&principal), FEDERATED)]);
    }
    let canonical = format!(r#""Principal":{{"CanonicalUser":"{CANONICAL}"}}"#);
    let expected = format!("Invalid principal in policy: \"CANONICAL_USER\":\"{CANONICAL}\"");
    judge(Grammar::Trust, &[(trusting(&canonical), &*expected)]);
    judge(Grammar::Resource, &[(sharing(&canonical), STORED)]);
}

#[test]
fn resource_policies_name_principals_and_resources() {
    let cases = [
        (
            r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*""#,
            STORED,
        ),
        (
            r#""Effect":"Allow","Principal":{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"},"Action":"s3:*","Resource":"*""#,
            STORED,
        ),
        (
            r#""Effect":"Deny","NotPrincipal":{"AWS":["111122223333"]},"Action":"s3:*","Resource":"*""#,
            STORED,
        ),
        (
            r#""Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"s3:*","Resource":"*""#,
            "Has prohibited field NotPrincipal.",
        ),
        (r#""Effect":"Allow","Action":"s3:*","Resource":"*""#, MISSING),
        (r#""Effect":"Allow","Principal":{"AWS":[]},"Action":"s3:*","Resource":"*""#, NONE),
        (r#""Effect":"Deny","NotPrincipal":{},"Action":"s3:*","Resource":"*""#, NONE),
        (
            r#""Effect":"Allow","Principal":{"AWS":"x"},"Action":"s3:*","Resource":"*""#,
            "Invalid principal in policy: \"AWS\":\"x\"",
        ),
        (
            r#""Effect":"Allow","Principal":{"Federated":"accounts.google.com"},"Action":"s3:*","Resource":"*""#,
            "Invalid principal in policy: \"FEDERATED\":\"accounts.google.com\"",
        ),
        (
            r#""Effect":"Allow","Principal":{"CanonicalUser":"79a5"},"Action":"s3:*","Resource":"*""#,
            "Invalid principal in policy: \"CANONICAL_USER\":\"79a5\"",
        ),
        (
            r#""Effect":"Allow","Principal":"*","Action":"s3:*""#,
            "Policy statement must contain resources.",
        ),
        (
            r#""Effect":"Allow","Principal":"*","Resource":"*""#,
            "Policy statement must contain actions.",
        ),
        (
            r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"b""#,
            "Resource b must be in ARN format or \"*\".",
        ),
        (
            r#""Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"arn:aws:s3""#,
            STORED,
        ),
    ];
    judge_statements(Grammar::Resource, &cases);
    judge(
        Grammar::Resource,
        &[
            ("{", SYNTAX),
            (
                r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#,
                STORED,
            ),
        ],
    );
}
