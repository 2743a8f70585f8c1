//! Grants without limit.

use super::*;

const ROLES: &str = r#""arn:aws:iam::111122223333:role/*""#;

#[test]
fn passing_roles() {
    assert_eq!(of(r#""iam:PassRole""#, r#""*""#, ""), ["PASS_ROLE_WITH_STAR_IN_RESOURCE"]);
    assert_eq!(of(r#""iam:PassRole""#, ROLES, ""), ["PASS_ROLE_WITH_STAR_IN_RESOURCE"]);
    assert_eq!(of(r#""iam:PassRole""#, r#""arn:aws:iam::111122223333:role/x""#, ""), NONE);
    assert_eq!(of(r#""iam:PassRole""#, r#""arn:aws:iam::111122223333:role/x/*""#, ""), NONE);
    assert_eq!(of(r#""iam:Pass*""#, r#""*""#, ""), ["PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE"]);
    let narrowed = r#","Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}"#;
    assert_eq!(of(r#""iam:PassRole""#, r#""*""#, narrowed), NONE);
    let not_narrowed = r#","Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}"#;
    assert_eq!(
        of(r#""iam:PassRole""#, r#""*""#, not_narrowed),
        ["PASS_ROLE_WITH_STAR_IN_RESOURCE"]
    );
    assert_eq!(of(r#""*""#, r#""*""#, ""), NONE, "an administrator is meant");
    assert_eq!(
        of(r#""iam:CreateServiceLinkedRole""#, r#""*""#, ""),
        ["CREATE_SLR_WITH_STAR_IN_RESOURCE"]
    );
}

#[test]
fn exclusions() {
    let allow =
        |elements: &str| codes(&format!(r#"{{"Effect":"Allow",{elements}}}"#), Grammar::Identity);
    let role = r#""NotResource":"arn:aws:iam::111122223333:role/x""#;
    assert_eq!(
        allow(&format!(r#""Action":"iam:PassRole",{role}"#)),
        ["PASS_ROLE_WITH_NOT_RESOURCE"]
    );
    let roles = format!(r#""Action":"iam:PassRole","NotResource":{ROLES}"#);
    assert_eq!(allow(&roles), NONE, "all are excluded");
    assert_eq!(allow(r#""NotAction":"iam:*","Resource":"*""#), ["ALLOW_WITH_NOT_ACTION"]);
    assert_eq!(
        allow(r#""NotAction":"s3:*","Resource":"*""#),
        [
            "ALLOW_WITH_NOT_ACTION",
            "PASS_ROLE_WITH_NOT_ACTION_AND_STAR_IN_RESOURCE",
            "CREATE_SLR_WITH_NOT_ACTION_AND_STAR_IN_RESOURCE"
        ]
    );
    assert_eq!(
        allow(&format!(r#""NotAction":"iam:*",{role}"#)),
        ["ALLOW_WITH_NOT_ACTION_AND_NOT_RESOURCE"]
    );
    assert_eq!(allow(r#""NotAction":"iam:*","Resource":"arn:aws:s3:::b""#), NONE);
    let deny = r#"{"Effect":"Deny","NotAction":"s3:*","Resource":"*"}"#;
    assert_eq!(codes(deny, Grammar::Identity), NONE);
    let allow = r#"{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}"#;
    assert_eq!(codes(allow, Grammar::Scp), NONE, "it grants nothing");
}

#[test]
fn assuming_roles() {
    let one = "ASSUME_ROLE_WITH_STAR_IN_RESOURCE";
    assert_eq!(of(r#""sts:AssumeRole""#, r#""*""#, ""), [one]);
    assert_eq!(of(r#""sts:AssumeRole""#, r#""arn:aws:iam::*:role/*""#, ""), [one]);
    assert_eq!(of(r#""sts:AssumeRole""#, r#""arn:aws:iam::*:role/reader""#, ""), NONE);
    assert_eq!(of(r#""sts:GetCallerIdentity""#, r#""*""#, ""), NONE);
    let narrowed = r#","Condition":{"StringEquals":{"aws:ResourceTag/team":"a"}}"#;
    assert_eq!(of(r#""sts:AssumeRole""#, r#""*""#, narrowed), NONE);
}

#[test]
fn giving_oneself_everything() {
    let one = "PRIVILEGE_ESCALATION";
    assert_eq!(of(r#""iam:CreatePolicyVersion""#, r#""*""#, ""), [one]);
    assert_eq!(of(r#""iam:Put*Policy""#, r#""*""#, ""), [one]);
    assert_eq!(of(r#""iam:GetPolicy""#, r#""*""#, ""), NONE);
    assert_eq!(
        of(r#""iam:PutUserPolicy""#, r#""arn:aws:iam::111122223333:user/apps/*""#, ""),
        NONE
    );
    let narrowed = r#","Condition":{"ArnEquals":{"iam:PermissionsBoundary":"arn:aws:iam::111122223333:policy/b"}}"#;
    assert_eq!(of(r#""iam:PutUserPolicy""#, r#""*""#, narrowed), NONE);
    let deny = r#"{"Effect":"Deny","Action":"iam:PutUserPolicy","Resource":"*"}"#;
    assert_eq!(codes(deny, Grammar::Identity), NONE);
}
