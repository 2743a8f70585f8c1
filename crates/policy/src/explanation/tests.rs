//! Tests of what explanations tell.

use super::*;
use crate::{Context, Principal};

const KEY: &str = "arn:aws:s3:::bucket/key";

fn set(statements: &str) -> PolicySet {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    [(Arc::from("p"), Document::parse(&text).unwrap())].into_iter().collect()
}

fn explained(policies: &Policies<'_>, keys: &[(&str, &str)]) -> Explanation {
    let arn = "arn:aws:iam::111122223333:user/ana".to_owned();
    let principal = Principal::User { arn, unique_id: String::new(), has_boundary: false };
    let mut context = Context::default();
    keys.iter().for_each(|(key, value)| context.set(key, *value));
    let request = Request {
        principal: &principal,
        action: "s3:GetObject",
        resource: KEY,
        resource_account: Some("111122223333"),
        context: &context,
    };
    explain(&request, policies)
}

/// Every step, its changes separated by " | ".
fn sentences(explained: &Explanation) -> Vec<String> {
    let place = |statement: &DecidingStatement| format!("{}:{}", statement.line, statement.column);
    let step = |step: &Step| {
        let changes = step.changes.iter().map(|change| change.sentence(place));
        format!("{}: {}", step.policy_type.as_str(), changes.collect::<Vec<_>>().join(" | "))
    };
    explained.steps.iter().map(step).collect()
}

fn verdicts(explained: &Explanation) -> Vec<(PolicyType, Verdict, usize)> {
    let told = explained.types.iter().filter(|it| it.verdict != Verdict::Absent);
    told.map(|it| (it.policy_type, it.verdict, it.statements.len())).collect()
}

const ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;

#[test]
fn every_type_that_takes_part_says_something() {
    let (all, none) = (set(ALL), set(""));
    let deny = set(
        r#"{"Effect":"Deny","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"s3:*","Resource":"*"}"#,
    );
    let (identity, levels) = ([&all], [all.clone(), none.clone()]);
    let policies = Policies {
        identity: Some(&identity),
        boundary: Some(&none),
        session: Some(&deny),
        scp: Some(&levels),
        rcp: Some(&levels),
        ..Policies::default()
    };
    let explained = explained(&policies, &[]);
    assert_eq!(explained.decision, Decision::DenyExplicitly(PolicyType::Session));
    assert_eq!(explained.types.len(), PolicyType::ALL.len());
    assert_eq!(
        verdicts(&explained),
        [
            (PolicyType::Scp, Verdict::DoNotAllow, 1),
            (PolicyType::Rcp, Verdict::Allow, 0),
            (PolicyType::Identity, Verdict::Allow, 1),
            (PolicyType::Boundary, Verdict::DoNotAllow, 0),
            (PolicyType::Session, Verdict::DenyExplicitly, 2),
        ]
    );
}

#[test]
fn an_allow_names_types_and_keys_and_no_change() {
    let identity = set(
        r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:Team":"a"},"Null":{"aws:None":"true"}}},{"Effect":"Deny","Action":"ec2:*","Resource":"*","Condition":{"Null":{"aws:Other":"true"}}}"#,
    );
    let policies = Policies { identity: Some(&[&identity]), ..Policies::default() };
    let explained = explained(&policies, &[("aws:team", "a")]);
    assert_eq!(verdicts(&explained), [(PolicyType::Identity, Verdict::Allow, 1)]);
    let key = |name: &str, values: Option<&[&str]>| KeyResult {
        name: name.to_owned(),
        values: values.map(|values| values.iter().map(|it| (*it).to_owned()).collect()),
    };
    assert_eq!(explained.keys, [key("aws:Team", Some(&["a"])), key("aws:None", None)]);
    assert!(explained.steps.is_empty() && explained.near_misses.is_empty());
}

#[test]
fn the_smallest_change_comes_first() {
    let identity = set(concat!(
        r#"{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"},"#,
        r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"},"#,
        r#"{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::bucket/*"},"#,
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::other/*"},"#,
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:MFA":"true"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}"#
    ));
    let policies = Policies { identity: Some(&[&identity]), ..Policies::default() };
    let explained = explained(&policies, &[("aws:SourceIp", "192.0.2.1")]);
    assert_eq!(
        sentences(&explained),
        [
            "identity: make a request that meets the statement at 1:289: `aws:MFA` must be `true` (the request does not have it); \
          `aws:SourceIp` must be an address in `10.0.0.0/8` (the request has `192.0.2.1`) \
          | narrow the `NotResource` of the statement at 1:147 so that it does not hold the resource `arn:aws:s3:::bucket/key` \
          | add the resource `arn:aws:s3:::bucket/key` to the statement at 1:220 \
          | add the action `s3:GetObject` to the statement at 1:38 \
          | attach an identity-based policy that allows `s3:GetObject` on `arn:aws:s3:::bucket/key`"
        ]
    );
}

#[test]
fn all_that_stands_in_the_way_is_a_step() {
    let (all, none) = (set(ALL), set(""));
    let denying = set(
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:MFA":"false"}}}"#,
    );
    let levels = [all.clone(), none.clone(), none.clone()];
    let policies = Policies {
        identity: Some(&[&denying]),
        boundary: Some(&all),
        session: Some(&none),
        scp: Some(&levels),
        endpoint: Some(&none),
        ..Policies::default()
    };
    let what = "allows `s3:GetObject` on `arn:aws:s3:::bucket/key`";
    assert_eq!(
        sentences(&explained(&policies, &[])),
        [
            "identity: make a request to which the deny at 1:38 does not apply, which it does where `aws:MFA` is `false`, or the key is absent \
             | remove the deny at 1:38, or narrow it so that it does not cover this request".to_owned(),
            format!("scp: attach to levels 2 and 3 of the organization, the root being level 1, a service control policy that {what}"),
            format!("endpoint: add a statement to the VPC endpoint policy that {what}"),
            format!("identity: attach an identity-based policy that {what}"),
            format!("session: add a statement to a session policy that {what}"),
        ]
    );
}

#[test]
fn what_no_policy_can_allow_has_no_steps() {
    let all = set(ALL);
    let principal = Principal::Root { account: "111122223333".to_owned() };
    let context = Context::default();
    let request = Request {
        principal: &principal,
        action: "sts:AssumeRole",
        resource: "arn:aws:iam::111122223333:role/r",
        resource_account: None,
        context: &context,
    };
    let explained = explain(&request, &Policies { identity: Some(&[&all]), ..Policies::default() });
    assert!(!explained.decision.is_allowed());
    assert_eq!(explained.steps, []);
    let identity = explained.types.iter().find(|it| it.policy_type == PolicyType::Identity);
    assert_eq!(identity.unwrap().verdict, Verdict::DoNotApply);
}
