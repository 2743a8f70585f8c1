//! What one statement of an identity policy may hold.

use super::*;

const NO_ACTIONS: &str = "Policy statement must contain actions.";
const NO_RESOURCES: &str = "Policy statement must contain resources.";
const NO_VENDOR: &str =
    "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
const COLONS: &str = "Actions/Condition can contain only one colon.";
const SERVICE: &str = "Resource vendor must be fully qualified and cannot contain regexes.";
const IAM_PATH: &str = "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.";

#[test]
fn elements_have_their_types_and_exclude_their_negation() {
    let cases = [
        (r#""Effect":"Allow","Action":"s3:*","Resource":"*""#, STORED),
        (r#""Effect":"Deny","NotAction":["iam:*"],"NotResource":["*"]"#, STORED),
        (r#""Action":"s3:*","Resource":"*""#, SYNTAX),
        (r#""Effect":"","Action":"s3:*","Resource":"*""#, SYNTAX),
        (r#""Effect":"Permit","Action":"s3:*","Resource":"*""#, SYNTAX),
        (r#""Effect":["Allow"],"Action":"s3:*","Resource":"*""#, SYNTAX),
        (r#""Effect":true,"Action":"s3:*","Resource":"*""#, SYNTAX),
        (r#""Effect":"allow","Action":"s3:*","Resource":"*""#, LEGACY),
        (r#""Effect":"DENY","Action":"s3:*","Resource":"*""#, LEGACY),
        (r#""Effect":"Allow","Action":"s3:*","NotAction":"s3:*","Resource":"*""#, SYNTAX),
        (r#""Effect":"Allow","Action":"s3:*","Resource":"*","NotResource":"*""#, SYNTAX),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*","NotPrincipal":"*""#,
            SYNTAX,
        ),
        (r#""Effect":"Allow","Action":"s3:*","Resource":"*","Extra":"*""#, SYNTAX),
        (r#""Effect":"Allow","action":"s3:*","Resource":"*""#, SYNTAX),
        (r#""Effect":"Allow","Action":"s3:*","Resource":"*","Version":"2012-10-17""#, SYNTAX),
        (r#""Effect":"Allow","Action":{"a":"b"},"Resource":"*""#, SYNTAX),
        (r#""Effect":"Allow","Action":null,"Resource":"*""#, SYNTAX),
        (r#""Effect":"Allow","Action":[["s3:*"]],"Resource":"*""#, SYNTAX),
        (r#""Effect":"Allow","Action":["s3:*",1],"Resource":"*""#, SYNTAX),
        (r#""Effect":"Allow","NotAction":7,"Resource":"*""#, SYNTAX),
        (r#""Effect":"Allow","Action":"s3:*","Resource":{}"#, SYNTAX),
        (r#""Effect":"Allow","Action":"s3:*","Resource":["*",null]"#, SYNTAX),
        (r#""Effect":"Allow","Action":"s3:*","NotResource":false"#, SYNTAX),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Principal":{"AWS":"*"}"#,
            "Policy document should not specify a principal.",
        ),
        (
            r#""Effect":"Deny","Action":"s3:*","Resource":"*","NotPrincipal":"*""#,
            "Policy document should not specify a principal.",
        ),
        (
            r#""Effect":"Deny","Action":"s3:*","Resource":"*","Principal":{}"#,
            "Policy document should not specify a principal.",
        ),
        (r#""Effect":"Deny","Action":"s3:*","Resource":"*","Principal":"x""#, SYNTAX),
        (r#""Effect":"Deny","Action":"s3:*","Resource":"*","Principal":{"Who":"x"}"#, SYNTAX),
    ];
    judge_statements(Grammar::Identity, &cases);
}

#[test]
fn actions_name_a_vendor() {
    let cases = [
        (r#""*""#, STORED),
        (r#"["s3:Get*","s3:List?ucket","IAM:listusers"]"#, STORED),
        (r#""execute-api:Invoke""#, STORED),
        (r#""elasticmapreduce.v2:Run""#, STORED),
        (r#""s3:""#, STORED),
        (r#""s3:GetObject,PutObject""#, STORED),
        (r#""""#, NO_VENDOR),
        (r#""s3""#, NO_VENDOR),
        (r#"["*","**"]"#, NO_VENDOR),
        (r#""a:b:c""#, COLONS),
        (r#"["s3:*","::"]"#, COLONS),
        (r#"":Get""#, "Vendor  is not valid"),
        (r#""s3*:Get""#, "Vendor s3* is not valid"),
        (r#""*:*""#, "Vendor * is not valid"),
        (r#""s 3:Get""#, "Vendor s 3 is not valid"),
        (r#""s_3:Get""#, "Vendor s_3 is not valid"),
        (r#""é:Get""#, "Vendor é is not valid"),
        (r#"["s3:*","a_b:c","d"]"#, "Vendor a_b is not valid"),
        ("[]", NO_ACTIONS),
    ];
    for name in ["Action", "NotAction"] {
        for (actions, expected) in cases {
            let body = format!(r#""Effect":"Allow","{name}":{actions},"Resource":"*""#);
            judge_statements(Grammar::Identity, &[(&body, expected)]);
        }
    }
    judge_statements(Grammar::Identity, &[(r#""Effect":"Allow","Resource":"*""#, NO_ACTIONS)]);
}

#[test]
fn resources_are_arns() {
    let cases = [
        (r#""*""#, STORED),
        (r#"["*","arn:aws:s3:::b","arn:aws:s3:::b/*"]"#, STORED),
        (r#""arn:aws:s3:::${aws:username}/*""#, STORED),
        (r#""arn:aws:logs:eu-west-1:111122223333:log-group:a:b:*""#, STORED),
        (r#""arn:aws-cn:sqs:*:*:queue""#, STORED),
        (r#""arn:*:s3:::b""#, STORED),
        (
            r#"["arn:aws-us-gov:s3:::b","arn:aws-iso:s3:::b","arn:aws-iso-b:s3:::b","arn:aws-iso-e:s3:::b","arn:aws-iso-f:s3:::b","arn:aws-eusc:s3:::b"]"#,
            STORED,
        ),
        (r#""""#, "Resource  must be in ARN format or \"*\"."),
        (r#""bucket""#, "Resource bucket must be in ARN format or \"*\"."),
        (r#""**""#, "Resource ** must be in ARN format or \"*\"."),
        (r#"["*","b/*"]"#, "Resource b/* must be in ARN format or \"*\"."),
        (r#""a:b""#, "Partition \"b\" is not valid for resource \"a:b:*:*:*:*\"."),
        (r#""arn:b:s3""#, "Partition \"b\" is not valid for resource \"arn:b:s3:*:*:*\"."),
        (
            r#""arn:b:s3:::x:y:z""#,
            "Partition \"b\" is not valid for resource \"arn:b:s3:::x:y:z\".",
        ),
        (
            r#""arn:aws*:s3:::b""#,
            "Partition \"aws*\" is not valid for resource \"arn:aws*:s3:::b\".",
        ),
        (r#""arn:AWS:s3:::b""#, "Partition \"AWS\" is not valid for resource \"arn:AWS:s3:::b\"."),
        (r#""arn::s3:::b""#, "Partition \"\" is not valid for resource \"arn::s3:::b\"."),
        (r#""ARN:aws:s3:::b""#, "Resource ARN:aws:s3:::b must be in ARN format or \"*\"."),
        (r#""a:aws:s3:::b""#, "Resource a:aws:s3:::b must be in ARN format or \"*\"."),
        (r#""arn:aws""#, SERVICE),
        (r#""arn:aws::::b""#, SERVICE),
        (r#""arn:aws:*:::b""#, SERVICE),
        (r#""arn:aws:s?:::b""#, SERVICE),
        (r#""arn:aws:*""#, SERVICE),
        (r#""arn:aws:s3""#, STORED),
        (r#""arn:aws:sqs:eu-west-1:111122223333""#, STORED),
        (r#""arn:aws:s3::b""#, LEGACY),
        (r#""arn:aws:s3:""#, LEGACY),
        (r#""arn:""#, LEGACY),
        (r#""arn:aws:iam::role/r""#, LEGACY),
        (
            r#""arn:aws:s3:eu-west-1::b""#,
            "Resource arn:aws:s3:eu-west-1::b can not contain region information.",
        ),
        (
            r#""arn:aws:s3:eu-west-1:111122223333:b/*""#,
            "Resource arn:aws:s3:eu-west-1:111122223333:b/* can not contain region information.",
        ),
        (
            r#""arn:aws:s3:eu-west-1""#,
            "Resource arn:aws:s3:eu-west-1:*:* can not contain region information.",
        ),
        (r#""arn:aws:s3:*:*:b""#, STORED),
        (r#""arn:aws:s3:eu-west-1:111122223333:accesspoint/a/object/*""#, STORED),
        (r#""arn:aws:s3:*:111122223333:storage-lens/x""#, STORED),
        ("[]", NO_RESOURCES),
    ];
    for name in ["Resource", "NotResource"] {
        for (resources, expected) in cases {
            let body = format!(r#""Effect":"Allow","Action":"s3:*","{name}":{resources}"#);
            judge_statements(Grammar::Identity, &[(&body, expected)]);
        }
    }
    judge_statements(Grammar::Identity, &[(r#""Effect":"Allow","Action":"s3:*""#, NO_RESOURCES)]);
}

#[test]
fn iam_resources_begin_with_a_type() {
    let types = "user federated-user role group instance-profile mfa server-certificate policy \
        sms-mfa saml-provider oidc-provider report access-report u2f delegation-request role-template";
    for kind in types.split_whitespace() {
        let body = format!(
            r#""Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::111122223333:{kind}/*""#
        );
        judge_statements(Grammar::Identity, &[(&body, STORED)]);
    }
    let cases = [
        ("arn:aws:iam::111122223333:*", STORED),
        ("arn:aws:iam::*:role/${aws:username}", STORED),
        ("arn:aws:iam::aws:policy/*", STORED),
        ("arn:aws:iam", STORED),
        ("arn:aws:iam:*:*:role/x", STORED),
        ("arn:aws:iam::123456789012:u*", IAM_PATH),
        ("arn:aws:iam::123456789012:user*", IAM_PATH),
        ("arn:aws:iam::123456789012:User/x", IAM_PATH),
        ("arn:aws:iam::123456789012:*/x", IAM_PATH),
        ("arn:aws:iam::123456789012:root", STORED),
        ("arn:aws:iam::*:root", STORED),
        ("arn:aws:iam::123456789012:root/x", IAM_PATH),
        ("arn:aws:iam::123456789012:roo*", IAM_PATH),
        ("arn:aws:iam::123456789012:", IAM_PATH),
        ("arn:aws:iam::${aws:PrincipalAccount}:role/x", IAM_PATH),
        (
            "arn:aws:iam:us-east-1:123456789012:user/x",
            "IAM resource arn:aws:iam:us-east-1:123456789012:user/x cannot contain region information.",
        ),
        (
            "arn:aws:iam:us-*:123456789012:x",
            "IAM resource arn:aws:iam:us-*:123456789012:x cannot contain region information.",
        ),
        ("arn:aws:sts::123456789012:assumed-role/r/s", STORED),
        ("arn:aws:sts::123456789012:anything", STORED),
    ];
    for (resource, expected) in cases {
        let body = format!(r#""Effect":"Allow","Action":"iam:*","Resource":"{resource}""#);
        judge_statements(Grammar::Identity, &[(&body, expected)]);
    }
}

#[test]
fn conditions_hold_operators_keys_and_values() {
    let cases = [
        ("{}", STORED),
        (r#"{"StringEquals":{}}"#, STORED),
        (r#"{"StringEquals":{"aws:username":"a"}}"#, STORED),
        (
            r#"{"StringEquals":{"aws:username":["a","b"],"aws:ResourceTag/aws:cloudformation:stack-name":[]}}"#,
            STORED,
        ),
        (r#"{"StringEqualsIgnoreCase":{"k:k":"a"},"StringNotLikeIfExists":{"k:k":"a"}}"#, STORED),
        (
            r#"{"NumericLessThan":{"s3:max-keys":10},"NumericNotEquals":{"s3:max-keys":[1.5,"2"]}}"#,
            STORED,
        ),
        (
            r#"{"Bool":{"aws:SecureTransport":false},"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}"#,
            STORED,
        ),
        (r#"{"Null":{"aws:TokenIssueTime":"true"}}"#, STORED),
        (
            r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"NotIpAddress":{"aws:SourceIp":"not an address"}}"#,
            STORED,
        ),
        (
            r#"{"ArnLike":{"aws:SourceArn":"*"},"ArnNotEqualsIfExists":{"aws:SourceArn":"x"}}"#,
            STORED,
        ),
        (r#"{"BinaryEquals":{"k:k":"QmluYXJ5"}}"#, STORED),
        (
            r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]},"ForAnyValue:StringLikeIfExists":{"aws:TagKeys":"a*"}}"#,
            STORED,
        ),
        (r#"{"Strange":{}}"#, STORED),
        (r#"{"Strange":{"k:k":"a"}}"#, SYNTAX),
        (r#"{"stringequals":{"k:k":"a"}}"#, SYNTAX),
        (r#"{"StringEqualsifexists":{"k:k":"a"}}"#, SYNTAX),
        (r#"{"NullIfExists":{"k:k":"true"}}"#, SYNTAX),
        (r#"{"ForAllValues:Null":{"k:k":"true"}}"#, SYNTAX),
        (r#"{"DateSoon":{"k:k":"x"}}"#, SYNTAX),
        (r#"{"IfExists":{"k:k":"a"}}"#, SYNTAX),
        (r#"{"ForAllValues:":{"k:k":"a"}}"#, SYNTAX),
        (r#"{"ForSomeValues:StringEquals":{"k:k":"a"}}"#, SYNTAX),
        (r#"{"ForAllValues:ForAnyValue:StringEquals":{"k:k":"a"}}"#, SYNTAX),
        (r#"{"StringEqualsIfExistsIfExists":{"k:k":"a"}}"#, SYNTAX),
        (r#"{"StringEquals":"a"}"#, SYNTAX),
        (r#"{"StringEquals":["a"]}"#, SYNTAX),
        (r#"{"StringEquals":null}"#, SYNTAX),
        (r#"{"StringEquals":{"k:k":null}}"#, SYNTAX),
        (r#"{"StringEquals":{"k:k":{}}}"#, SYNTAX),
        (r#"{"StringEquals":{"k:k":[["a"]]}}"#, SYNTAX),
        (r#"{"StringEquals":{"k:k":["a",null]}}"#, SYNTAX),
        (r#"{"StringEquals":{"k:k":"a","k:k":"b"}}"#, SYNTAX),
        (r#"{"StringEquals":{"k:k":"a"},"StringEquals":{"k:l":"b"}}"#, SYNTAX),
        (r#"[{"StringEquals":{"k:k":"a"}}]"#, SYNTAX),
        ("[]", SYNTAX),
        ("null", SYNTAX),
        (r#""x""#, SYNTAX),
    ];
    judge_conditions(&cases);
}

#[test]
fn date_operators_compare_with_dates() {
    let cases = [
        (r#"{"DateLessThan":{"aws:CurrentTime":"2026-01-31T12:00:00Z"}}"#, STORED),
        (
            r#"{"DateGreaterThanEqualsIfExists":{"aws:CurrentTime":["2026-01-31","1700000000"]}}"#,
            STORED,
        ),
        (r#"{"DateNotEquals":{"aws:EpochTime":1700000000}}"#, STORED),
        (r#"{"DateEquals":{"k:k":[]}}"#, STORED),
        (r#"{"DateLessThan":{"aws:CurrentTime":"tomorrow"}}"#, LEGACY),
        (r#"{"DateLessThan":{"aws:CurrentTime":""}}"#, LEGACY),
        (r#"{"DateLessThan":{"aws:CurrentTime":"2026-02-30"}}"#, LEGACY),
        (r#"{"DateLessThan":{"aws:CurrentTime":["2026-02-28","x"]}}"#, LEGACY),
        (r#"{"ForAnyValue:DateEqualsIfExists":{"aws:CurrentTime":"x"}}"#, LEGACY),
        (r#"{"DateEquals":{"aws:EpochTime":1.5}}"#, LEGACY),
        (r#"{"DateEquals":{"aws:EpochTime":-1}}"#, LEGACY),
        (r#"{"DateEquals":{"aws:EpochTime":9223372036854775808}}"#, LEGACY),
        (r#"{"DateEquals":{"aws:CurrentTime":"292278994-01-01"}}"#, LEGACY),
        (r#"{"DateEquals":{"aws:CurrentTime":true}}"#, LEGACY),
        (r#"{"DateEquals":{"aws:CurrentTime":"${aws:CurrentTime}"}}"#, LEGACY),
    ];
    judge_conditions(&cases);
}

fn judge_conditions(cases: &[(&str, &str)]) {
    for (condition, expected) in cases {
        let body =
            format!(r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{condition}"#);
        judge_statements(Grammar::Identity, &[(&body, expected)]);
    }
}
