//! Tests of decisions.

use std::sync::Arc;

use super::*;
use crate::{Context, Document, explain};

const ACCOUNT: &str = "111122223333";
const USER: &str = "arn:aws:iam::111122223333:user/ana";
const ROLE: &str = "arn:aws:iam::111122223333:role/app/Reader";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/Reader/s1";
const FEDERATED: &str = "arn:aws:sts::111122223333:federated-user/fay";
const KEY: &str = "arn:aws:s3:::bucket/key";

fn user() -> Principal {
    Principal::User { arn: USER.into(), unique_id: "AIDAANA".into(), has_boundary: false }
}

fn session() -> Principal {
    Principal::RoleSession {
        session_arn: SESSION.into(),
        role_arn: ROLE.into(),
        role_id: "AROAREADER".into(),
        has_boundary: false,
    }
}

fn federated() -> Principal {
    Principal::FederatedUser {
        arn: FEDERATED.into(),
        user_arn: Some(USER.into()),
        has_boundary: false,
    }
}

fn root() -> Principal {
    Principal::Root { account: ACCOUNT.into() }
}

fn set(statements: &str) -> PolicySet {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    [(Arc::from("policy"), Document::parse(&text).unwrap())].into_iter().collect()
}

fn allow(action: &str) -> PolicySet {
    set(&format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"*"}}"#))
}

fn deny(action: &str) -> PolicySet {
    set(&format!(r#"{{"Effect":"Deny","Action":"{action}","Resource":"*"}}"#))
}

fn grant(principal: &str) -> PolicySet {
    set(&format!(
        r#"{{"Effect":"Allow","Principal":{principal},"Action":"s3:GetObject","Resource":"*"}}"#
    ))
}

fn trust(principal: &str) -> PolicySet {
    set(&format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#))
}

struct Case<'a> {
    principal: Principal,
    action: &'a str,
    resource: &'a str,
    owner: &'a str,
}

impl Case<'_> {
    fn get(principal: Principal) -> Case<'static> {
        Case { principal, action: "s3:GetObject", resource: KEY, owner: ACCOUNT }
    }

    fn decide(&self, policies: Policies<'_>) -> Decision {
        self.ask(|request| {
            assert_eq!(explain(request, &policies).decision, decide(request, &policies));
            decide(request, &policies)
        })
    }

    fn ask<T>(&self, question: impl FnOnce(&Request<'_>) -> T) -> T {
        let mut context = Context::default();
        context.add_principal_keys(&self.principal);
        let request = Request {
            principal: &self.principal,
            action: self.action,
            resource: self.resource,
            resource_account: Some(self.owner),
            context: &context,
        };
        question(&request)
    }
}

use Decision::{Allow, DenyExplicitly, DenyImplicitly};
use PolicyType::{Boundary, Endpoint, Identity, Rcp, Resource as OfResource, Scp, Session, Trust};

/// The vectors of the reference, with the request beside each that must come out otherwise.
#[test]
fn same_account_grants_follow_the_table() {
    let all = allow("*");
    let none = PolicySet::default();
    let identity: &[&PolicySet] = &[&all];
    let to_user = grant(&format!(r#"{{"AWS":"{USER}"}}"#));
    let to_role = grant(&format!(r#"{{"AWS":"{ROLE}"}}"#));
    let to_session = grant(&format!(r#"{{"AWS":"{SESSION}"}}"#));
    let to_federated = grant(&format!(r#"{{"AWS":"{FEDERATED}"}}"#));
    let to_account = grant(&format!(r#"{{"AWS":"{ACCOUNT}"}}"#));
    let to_all = grant(r#""*""#);
    let bounded = |resource| Policies { resource, boundary: Some(&none), ..Policies::default() };
    let narrowed = |resource| Policies { resource, session: Some(&none), ..Policies::default() };

    let with_identity = Policies { identity: Some(identity), ..bounded(None) };
    assert_eq!(Case::get(user()).decide(with_identity), DenyImplicitly(Boundary));
    assert_eq!(Case::get(user()).decide(bounded(Some(&to_user))), Allow(OfResource));
    assert_eq!(Case::get(session()).decide(bounded(Some(&to_role))), DenyImplicitly(Boundary));
    assert_eq!(Case::get(session()).decide(bounded(Some(&to_session))), Allow(OfResource));
    assert_eq!(Case::get(session()).decide(narrowed(Some(&to_role))), DenyImplicitly(Session));
    assert_eq!(Case::get(session()).decide(narrowed(Some(&to_all))), Allow(OfResource));
    let plain = |resource| Policies { resource, ..Policies::default() };
    assert_eq!(Case::get(session()).decide(plain(Some(&to_role))), Allow(OfResource));
    assert_eq!(Case::get(user()).decide(plain(Some(&to_account))), DenyImplicitly(Identity));
    let delegated = Policies { identity: Some(identity), ..plain(Some(&to_account)) };
    assert_eq!(Case::get(user()).decide(delegated), Allow(Identity));
    let own = Policies { identity: Some(identity), ..Policies::default() };
    assert_eq!(Case::get(federated()).decide(own), DenyImplicitly(Session));
    assert_eq!(Case::get(federated()).decide(plain(Some(&to_federated))), Allow(OfResource));
    assert_eq!(Case::get(federated()).decide(plain(Some(&to_user))), DenyImplicitly(Session));
    assert_eq!(Case::get(user()).decide(Policies::default()), DenyImplicitly(Identity));
}

#[test]
fn another_account_needs_both_sides() {
    let all = allow("*");
    let to_user = grant(&format!(r#"{{"AWS":"{USER}"}}"#));
    let to_other = grant(r#"{"AWS":"arn:aws:iam::111122223333:user/bob"}"#);
    let to_account = grant(&format!(r#"{{"AWS":"arn:aws:iam::{ACCOUNT}:root"}}"#));
    let identity: &[&PolicySet] = &[&all];
    let case = || Case { owner: "999988887777", ..Case::get(user()) };
    let both = |resource| Policies { identity: Some(identity), resource, ..Policies::default() };
    assert_eq!(case().decide(both(None)), DenyImplicitly(OfResource));
    assert_eq!(case().decide(both(Some(&to_user))), Allow(Identity));
    assert_eq!(case().decide(both(Some(&to_account))), Allow(Identity));
    assert_eq!(case().decide(both(Some(&to_other))), DenyImplicitly(OfResource));
    let only_resource = Policies { resource: Some(&to_user), ..Policies::default() };
    assert_eq!(case().decide(only_resource), DenyImplicitly(Identity));
}

#[test]
fn an_explicit_deny_anywhere_wins() {
    let all = allow("*");
    let no = deny("s3:Get*");
    let identity: &[&PolicySet] = &[&all];
    let denied: &[&PolicySet] = &[&all, &no];
    let to_all = grant(r#""*""#);
    let base =
        Policies { identity: Some(identity), resource: Some(&to_all), ..Policies::default() };
    assert!(Case::get(user()).decide(base).is_allowed());
    let case = |policies| Case::get(user()).decide(policies);
    assert_eq!(case(Policies { identity: Some(denied), ..base }), DenyExplicitly(Identity));
    assert_eq!(case(Policies { boundary: Some(&no), ..base }), DenyExplicitly(Boundary));
    assert_eq!(case(Policies { session: Some(&no), ..base }), DenyExplicitly(Session));
    assert_eq!(case(Policies { endpoint: Some(&no), ..base }), DenyExplicitly(Endpoint));
    assert_eq!(
        case(Policies { scp: Some(std::slice::from_ref(&no)), ..base }),
        DenyExplicitly(Scp)
    );
    let resource_deny = set(r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#);
    assert_eq!(
        case(Policies { resource: Some(&resource_deny), ..base }),
        DenyExplicitly(OfResource)
    );
    assert_eq!(
        case(Policies { rcp: Some(std::slice::from_ref(&resource_deny)), ..base }),
        DenyExplicitly(Rcp)
    );
}

#[test]
fn guardrails_must_allow_at_every_level() {
    let all = allow("*");
    let some = allow("ec2:*");
    let identity: &[&PolicySet] = &[&all];
    let base = Policies { identity: Some(identity), ..Policies::default() };
    let levels = [all.clone(), all.clone()];
    let gap = [all.clone(), some.clone(), all.clone()];
    assert_eq!(Case::get(user()).decide(Policies { scp: Some(&levels), ..base }), Allow(Identity));
    assert_eq!(Case::get(user()).decide(Policies { scp: Some(&gap), ..base }), DenyImplicitly(Scp));
    assert_eq!(Case::get(root()).decide(Policies { scp: Some(&gap), ..base }), DenyImplicitly(Scp));
    assert_eq!(Case::get(user()).decide(Policies { scp: Some(&[]), ..base }), DenyImplicitly(Scp));
    assert_eq!(
        Case::get(user()).decide(Policies { endpoint: Some(&some), ..base }),
        DenyImplicitly(Endpoint)
    );
    assert_eq!(
        Case::get(user()).decide(Policies { endpoint: Some(&all), ..base }),
        Allow(Identity)
    );
    let linked = Principal::RoleSession {
        session_arn: "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForX/s".into(),
        role_arn:
            "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"
                .into(),
        role_id: String::new(),
        has_boundary: false,
    };
    assert_eq!(Case::get(linked).decide(Policies { scp: Some(&gap), ..base }), Allow(Identity));
}

#[test]
fn root_may_do_everything_in_its_account_only() {
    assert_eq!(Case::get(root()).decide(Policies::default()), Allow(Identity));
    let foreign = Case { owner: "999988887777", ..Case::get(root()) };
    assert_eq!(foreign.decide(Policies::default()), DenyImplicitly(OfResource));
    let trusted = trust(r#"{"AWS":"*"}"#);
    let assume =
        |principal| Case { principal, action: "sts:AssumeRole", resource: ROLE, owner: ACCOUNT };
    let policies = Policies { trust: Some(&trusted), ..Policies::default() };
    assert_eq!(assume(root()).decide(policies), DenyImplicitly(Identity));
    assert_eq!(assume(user()).decide(policies), Allow(Trust));
}

#[test]
fn trust_must_be_explicit() {
    let all = allow("sts:*");
    let identity: &[&PolicySet] = &[&all];
    let assume =
        |principal| Case { principal, action: "sts:AssumeRole", resource: ROLE, owner: ACCOUNT };
    let to_account = trust(&format!(r#"{{"AWS":"{ACCOUNT}"}}"#));
    let to_id = trust(r#"{"AWS":"AIDAANA"}"#);
    let to_other_id = trust(r#"{"AWS":"AIDABOB"}"#);
    let with = |trust, identity| Policies { trust: Some(trust), identity, ..Policies::default() };
    assert_eq!(assume(user()).decide(with(&to_account, None)), DenyImplicitly(Identity));
    assert_eq!(assume(user()).decide(with(&to_account, Some(identity))), Allow(Identity));
    assert_eq!(assume(user()).decide(with(&to_id, None)), Allow(Trust));
    assert_eq!(assume(user()).decide(with(&to_other_id, Some(identity))), DenyImplicitly(Trust));
    assert_eq!(assume(session()).decide(with(&to_id, Some(identity))), DenyImplicitly(Trust));
    let none = Policies { identity: Some(identity), ..Policies::default() };
    assert!(!assume(user()).decide(none).is_allowed(), "a role without trust trusts nobody");
}

#[test]
fn caller_identity_needs_no_permission() {
    let no = deny("*");
    let identity: &[&PolicySet] = &[&no];
    let policies = Policies { identity: Some(identity), ..Policies::default() };
    let ask = |principal| Case {
        principal,
        action: "sts:GetCallerIdentity",
        resource: "*",
        owner: ACCOUNT,
    };
    assert!(ask(user()).decide(policies).is_allowed());
    assert!(!ask(Principal::Anonymous).decide(policies).is_allowed());
    let other = Case { action: "sts:GetAccessKeyInfo", ..ask(user()) };
    assert_eq!(other.decide(policies), DenyExplicitly(Identity));
}

#[test]
fn some_things_no_policy_opens() {
    let all = allow("*");
    let identity: &[&PolicySet] = &[&all];
    let policies = Policies { identity: Some(identity), ..Policies::default() };
    let linked =
        "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    let reserved = "arn:aws:iam::111122223333:role/aws-reserved/sso/R";
    for (action, resource, allowed) in [
        ("iam:DeletePolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess", false),
        ("iam:GetPolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess", true),
        ("iam:DeletePolicy", "arn:aws:iam::111122223333:policy/p", true),
        ("iam:DeleteRole", linked, false),
        ("iam:UpdateRoleDescription", linked, true),
        ("iam:PassRole", linked, true),
        ("iam:PassRole", reserved, false),
        ("iam:GetRole", reserved, true),
        ("kms:DeleteAlias", "arn:aws:kms:us-east-1:111122223333:alias/aws/s3", false),
        ("kms:DeleteAlias", "arn:aws:kms:us-east-1:111122223333:alias/own", true),
    ] {
        for principal in [user(), root()] {
            let case = Case { principal, action, resource, owner: ACCOUNT };
            assert_eq!(case.decide(policies).is_allowed(), allowed, "{action} {resource}");
        }
    }
}

#[test]
fn a_hard_limit_is_told_apart_from_a_denial() {
    let linked =
        "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    let (all, none, no) = (allow("*"), allow("s3:*"), deny("iam:*"));
    let despite = |action, resource, sets: &[&PolicySet]| {
        let case = Case { principal: user(), action, resource, owner: ACCOUNT };
        let policies = Policies { identity: Some(sets), ..Policies::default() };
        case.ask(|request| is_refused_despite_policies(request, &policies))
    };
    assert!(despite("iam:DeleteRole", linked, &[&all]));
    assert!(!despite("iam:DeleteRole", linked, &[&none]));
    assert!(!despite("iam:DeleteRole", linked, &[&all, &no]));
    assert!(!despite("iam:DeleteRole", ROLE, &[&all]));
    assert!(!despite("iam:GetRole", linked, &[&all]));
}

#[test]
fn outsiders_and_services_need_the_resource() {
    let to_service = grant(r#"{"Service":"ec2.amazonaws.com"}"#);
    let to_all = grant(r#""*""#);
    let service = |name: &str| Principal::Service { name: name.into() };
    let with = |resource| Policies { resource: Some(resource), ..Policies::default() };
    assert!(Case::get(service("ec2.amazonaws.com")).decide(with(&to_service)).is_allowed());
    assert!(!Case::get(service("sns.amazonaws.com")).decide(with(&to_service)).is_allowed());
    assert!(Case::get(Principal::Anonymous).decide(with(&to_all)).is_allowed());
    assert_eq!(
        Case::get(Principal::Anonymous).decide(with(&to_service)),
        DenyImplicitly(OfResource)
    );
}

#[test]
fn not_principal_spares_only_who_is_named_himself() {
    let denies = |principal: Principal, spared: &str| {
        let not = set(&format!(
            r#"{{"Effect":"Deny","NotPrincipal":{{"AWS":{spared}}},"Action":"*","Resource":"*"}}"#
        ));
        let all = allow("*");
        let identity: &[&PolicySet] = &[&all];
        let policies =
            Policies { identity: Some(identity), resource: Some(&not), ..Policies::default() };
        !Case::get(principal).decide(policies).is_allowed()
    };
    let quoted = |text: &str| format!("\"{text}\"");
    assert!(!denies(user(), &quoted(USER)));
    assert!(!denies(user(), &quoted("AIDAANA")));
    assert!(denies(user(), &quoted(ACCOUNT)));
    assert!(!denies(root(), &quoted(ACCOUNT)));
    assert!(denies(session(), &quoted(ROLE)));
    assert!(!denies(session(), &quoted(SESSION)));
    assert!(denies(federated(), &quoted(USER)));
    let bounded =
        Principal::User { arn: USER.into(), unique_id: String::new(), has_boundary: true };
    assert!(denies(bounded, &quoted(USER)), "a caller with a boundary is always denied");
}

#[test]
fn documents_that_were_never_checked_are_read_by_meaning_or_not_at_all() {
    let decision = |statement: &str| {
        let identity = set(statement);
        let sets: &[&PolicySet] = &[&identity];
        Case::get(user()).decide(Policies { identity: Some(sets), ..Policies::default() })
    };
    let allows = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    assert_eq!(decision(allows), Allow(Identity));
    for void in [
        r#"{"Effect":"allow","Action":"s3:*","Resource":"*"}"#,
        r#"{"Effect":"Allow","Action":"s3:*","NotAction":"x:y","Resource":"*"}"#,
        r#"{"Effect":"Allow","Resource":"*"}"#,
        r#"{"Effect":"Allow","Action":"s3:*"}"#,
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Other":1}"#,
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":[]}"#,
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringIs":{"a":"b"}}}"#,
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"}"#,
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}"#,
    ] {
        assert_eq!(decision(void), DenyImplicitly(Identity), "{void}");
    }
    let denies =
        format!(r#"{allows},{{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}}"#);
    assert_eq!(decision(&denies), DenyExplicitly(Identity));
}

#[test]
fn resources_match_as_documented() {
    let decision = |pattern: &str, action: &str, resource: &str| {
        let identity =
            set(&format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{pattern}"}}"#));
        let sets: &[&PolicySet] = &[&identity];
        let case = Case { principal: user(), action, resource, owner: ACCOUNT };
        case.decide(Policies { identity: Some(sets), ..Policies::default() }).is_allowed()
    };
    let instance = "arn:aws:ec2:us-east-1:111122223333:instance/12345";
    for (pattern, action, resource, expected) in [
        ("arn:aws:s3:::bucket/*", "s3:GetObject", KEY, true),
        ("arn:aws:s3:::bucket", "s3:GetObject", KEY, false),
        ("arn:aws:s3:::*/key", "s3:GetObject", KEY, true),
        ("arn:aws:s3:::Bucket/*", "s3:GetObject", KEY, false),
        ("arn:aws:s3", "s3:GetObject", KEY, true),
        ("arn:aws:*", "s3:GetObject", KEY, true),
        ("arn:aws:ec2", "s3:GetObject", KEY, false),
        ("arn:aws:ec2:*:*:*/12345", "ec2:StopInstances", instance, false),
        ("arn:aws:ec2:*:*:*/*", "ec2:StopInstances", instance, true),
        ("arn:aws:ec2:*:*:instance/*", "ec2:StopInstances", instance, true),
        ("arn:aws:s3:::*", "s3:ListAllMyBuckets", "*", false),
        ("*", "s3:ListAllMyBuckets", "*", true),
        ("arn:aws:s3:::bucket/${aws:username}*", "s3:GetObject", "arn:aws:s3:::bucket/ana/x", true),
        ("arn:aws:s3:::bucket/${aws:PrincipalTag/team}", "s3:GetObject", KEY, false),
        ("arn:aws:s3:::bucket/${aws:PrincipalTag/team, 'key'}", "s3:GetObject", KEY, true),
        ("arn:aws:${aws:username}:::bucket/key", "s3:GetObject", KEY, false),
    ] {
        assert_eq!(decision(pattern, action, resource), expected, "{pattern} {resource}");
    }
}

#[test]
fn not_resource_with_a_valueless_variable_applies_to_nothing() {
    let decision = |not: &str| {
        let identity = set(&format!(r#"{{"Effect":"Allow","Action":"*","NotResource":"{not}"}}"#));
        let sets: &[&PolicySet] = &[&identity];
        Case::get(user())
            .decide(Policies { identity: Some(sets), ..Policies::default() })
            .is_allowed()
    };
    assert!(decision("arn:aws:s3:::other/*"));
    assert!(!decision("arn:aws:s3:::bucket/*"));
    assert!(!decision("arn:aws:s3:::other/${aws:PrincipalTag/none}"));
    assert!(decision("arn:aws:ec2"), "a padded ARN that misses leaves the statement in force");
    assert!(!decision("arn:aws:s3"));
}

#[test]
fn an_explanation_names_statement_and_keys() {
    let identity = set(concat!(
        r#"{"Sid":"Never","Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"a"}}},"#,
        "\n  ",
        r#"{"Sid":"No","Effect":"Deny","Action":"s3:Get*","Resource":"*"}"#
    ));
    let sets: &[&PolicySet] = &[&identity];
    let principal = user();
    let context = Context::default();
    let request = Request {
        principal: &principal,
        action: "s3:GetObject",
        resource: KEY,
        resource_account: None,
        context: &context,
    };
    let explained = explain(&request, &Policies { identity: Some(sets), ..Policies::default() });
    assert_eq!(explained.decision, DenyExplicitly(Identity));
    let [statement] = explained.statements.as_slice() else { panic!("{explained:?}") };
    assert_eq!((statement.sid.as_deref(), statement.line, statement.column), (Some("No"), 2, 3));
    assert_eq!(explained.missing_keys, ["aws:PrincipalTag/team"]);
    assert_eq!(
        explained.message(),
        "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::bucket/key with an explicit deny in an identity-based policy"
    );
    let none = explain(&request, &Policies::default());
    assert_eq!(
        none.message(),
        "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::bucket/key because no identity-based policy allows the s3:GetObject action"
    );
}

#[test]
fn an_implicit_denial_names_what_would_allow_but_for_one_thing() {
    let identity = set(concat!(
        r#"{"Sid":"Elsewhere","Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::other/*"},"#,
        r#"{"Sid":"Tagged","Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/Team":"a"},"Null":{"aws:username":"true"}}},"#,
        r#"{"Sid":"Both","Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::other/*","Condition":{"Null":{"aws:username":"true"}}},"#,
        r#"{"Sid":"OtherAction","Effect":"Allow","Action":"ec2:*","Resource":"*"},"#,
        r#"{"Sid":"Denies","Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::other/*"}"#
    ));
    let sets: &[&PolicySet] = &[&identity];
    let principal = user();
    let mut context = Context::default();
    context.add_principal_keys(&principal);
    let request = Request {
        principal: &principal,
        action: "s3:GetObject",
        resource: KEY,
        resource_account: None,
        context: &context,
    };
    let policies = Policies { identity: Some(sets), ..Policies::default() };
    let explained = explain(&request, &policies);
    assert_eq!(explained.decision, DenyImplicitly(Identity));
    let near: Vec<(&str, &crate::Obstacle)> = explained
        .near_misses
        .iter()
        .map(|miss| (miss.statement.sid.as_deref().unwrap_or_default(), &miss.obstacle))
        .collect();
    let keys = vec!["aws:PrincipalTag/Team".to_owned(), "aws:username".to_owned()];
    assert_eq!(
        near,
        [("Tagged", &crate::Obstacle::Conditions(keys)), ("Elsewhere", &crate::Obstacle::Resource)]
    );
}

#[test]
fn principals_are_replaced_in_place() {
    let text = r#"{"Statement": [ {"Effect":"Allow","Principal":{"AWS": ["a", "b"],"Service":"s"}, "Action":"sts:AssumeRole"} ]}"#;
    let document = Document::parse(text).unwrap();
    assert_eq!(document.principals().count(), 3);
    let replaced = document
        .with_principals_replaced(|principal| (principal.value == "b").then(|| "x\"y".to_owned()));
    assert_eq!(replaced, text.replace("\"b\"", r#""x\"y""#));
    assert_eq!(document.with_principals_replaced(|_| None), text);
}
