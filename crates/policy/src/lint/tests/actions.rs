//! Misspelt actions, and actions that others of their list cover.

use super::*;

#[test]
fn actions_exist() {
    assert_eq!(of(r#""s3:GetObject""#, r#""*""#, ""), NONE);
    assert_eq!(of(r#""S3:getobject""#, r#""*""#, ""), NONE);
    assert_eq!(of(r#""s3:GetObjct""#, r#""*""#, ""), ["INVALID_ACTION"]);
    assert_eq!(of(r#""s3:Get*""#, r#""*""#, ""), NONE);
    assert_eq!(of(r#""s3:*""#, r#""*""#, ""), NONE);
    assert_eq!(of(r#""s3:*Object""#, r#""*""#, ""), NONE);
    assert_eq!(of(r#""s3:GetObjec?""#, r#""*""#, ""), NONE);
    assert_eq!(of(r#""s3:Gte*""#, r#""*""#, ""), ["INVALID_ACTION"]);
    assert_eq!(of(r#""s4:GetObject""#, r#""*""#, ""), ["INVALID_SERVICE_IN_ACTION"]);
}

#[test]
fn actions_that_others_cover() {
    assert_eq!(of(r#"["s3:GetObject","s3:Get*"]"#, r#""*""#, ""), ["REDUNDANT_ACTION"]);
    assert_eq!(of(r#"["s3:Get*","s3:Get*Acl"]"#, r#""*""#, ""), ["REDUNDANT_ACTION"]);
    assert_eq!(of(r#"["s3:GetObject","S3:getObject"]"#, r#""*""#, ""), ["REDUNDANT_ACTION"]);
    assert_eq!(of(r#"["s3:GetObject","s3:PutObject"]"#, r#""*""#, ""), NONE);
    assert_eq!(of(r#"["s3:GetObjec?","s3:GetObject*"]"#, r#""*""#, ""), NONE, "`?` is one");
    assert_eq!(of(r#"["s3:Get*","ec2:Get*"]"#, r#""*""#, ""), NONE);
}

#[test]
fn resource_control_policies_do_not_reach_every_service() {
    let deny = |action: &str| {
        let statement =
            format!(r#"{{"Effect":"Deny","Principal":"*","Action":"{action}","Resource":"*"}}"#);
        codes(&statement, Grammar::Rcp)
    };
    assert_eq!(deny("ec2:RunInstances"), ["UNSUPPORTED_ACTION_IN_POLICY"]);
    assert_eq!(deny("s3:GetObject"), NONE);
}
