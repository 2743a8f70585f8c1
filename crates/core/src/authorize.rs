//! Whether a caller may do what an operation is about to do.

use std::net::IpAddr;

use iamd_policy::{Context, Policies, PolicySet, Request};
use iamd_wire::{ErrorCode, Timestamp};

use crate::account_id::AccountId;
use crate::caller::{Caller, Identity};
use crate::managed;
use crate::operation::{Environment, Scene, Target};
use crate::refusal::Refusal;
use crate::session::{Session, Subject};
use crate::state::{Account, AttachedPolicy, Tag};

/// Allows every target, or refuses the request in AWS's words.
///
/// # Errors
/// `AccessDenied` that names policy type and reason; the answers to credentials that may not be
/// used for this kind of call at all.
pub fn authorize(scene: &Scene<'_>, targets: &[Target]) -> Result<(), Refusal> {
    let policies = CallerPolicies::of(scene.account, scene.caller);
    let resource_account = scene.account.id().to_string();
    for target in targets {
        permit_credential(scene.caller, target.action)?;
        let context = decision_context(scene, target, scene.account.id());
        let request = Request {
            principal: &scene.caller.principal,
            action: target.action,
            resource: &target.resource,
            resource_account: Some(&resource_account),
            context: &context,
        };
        let policies = policies.sets();
        if !iamd_policy::decide(&request, &policies).is_allowed() {
            return Err(denial(&request, &policies, target));
        }
    }
    Ok(())
}

/// Refuses a temporary credential where its kind may not be used, whatever policies say.
///
/// Source: STS API Reference, GetSessionToken; IAM User Guide, "Compare AWS STS credentials".
///
/// # Errors
/// The answer that AWS gives to such a credential.
pub fn permit_credential(caller: &Caller, action: &str) -> Result<(), Refusal> {
    let Some(session) = caller.session() else { return Ok(()) };
    let refused = match session.subject {
        Subject::Role { .. } => false,
        Subject::Root | Subject::User(_) if action.starts_with("sts:") => {
            !USER_SESSION_STS_ACTIONS.contains(&action)
        }
        Subject::Root | Subject::User(_) => session.mfa.is_none() && action.starts_with("iam:"),
    };
    if !refused {
        return Ok(());
    }
    if action.starts_with("sts:") {
        let operation = action.trim_start_matches("sts:");
        return Err(Refusal::new(
            ErrorCode::AccessDenied,
            format!("Cannot call {operation} with session credentials"),
        ));
    }
    Err(Refusal::new(
        ErrorCode::InvalidClientTokenId,
        "The security token included in the request is invalid.",
    ))
}

/// What a session from GetSessionToken may call of STS; the permission-only actions belong to
/// AssumeRole. STS API Reference, GetSessionToken.
const USER_SESSION_STS_ACTIONS: [&str; 5] = [
    "sts:AssumeRole",
    "sts:GetCallerIdentity",
    "sts:SetContext",
    "sts:SetSourceIdentity",
    "sts:TagSession",
];

fn denial(request: &Request<'_>, policies: &Policies<'_>, target: &Target) -> Refusal {
    let explained = match &target.shown {
        Some(shown) => {
            let message = iamd_policy::explain(request, policies).message();
            message.replacen("on resource: *", &format!("on resource: {shown}"), 1)
        }
        None => iamd_policy::explain(request, policies).message(),
    };
    Refusal::new(ErrorCode::AccessDenied, explained)
}

/// The policies on a caller's own side of a decision.
pub struct CallerPolicies<'a> {
    identity: Vec<&'a PolicySet>,
    boundary: Option<PolicySet>,
    session: Option<PolicySet>,
}

impl<'a> CallerPolicies<'a> {
    /// The policies of this caller; `account` is his.
    pub fn of(account: &'a Account, caller: &Caller) -> CallerPolicies<'a> {
        let mut identity = Vec::new();
        let mut boundary = None;
        match &caller.identity {
            Identity::Root => {}
            Identity::User(id) => {
                if let Some(user) = account.users().with_id(*id) {
                    identity.push(user.inline.set());
                    managed::collect(account, &user.attached, &mut identity);
                    for group in user.groups.iter().filter_map(|id| account.groups().with_id(*id)) {
                        identity.push(group.inline.set());
                        managed::collect(account, &group.attached, &mut identity);
                    }
                    boundary = boundary_set(account, user.boundary.as_ref());
                }
            }
            Identity::RoleSession { role, .. } => {
                if let Some(role) = account.roles().with_id(*role) {
                    identity.push(role.inline.set());
                    managed::collect(account, &role.attached, &mut identity);
                    boundary = boundary_set(account, role.boundary.as_ref());
                }
            }
        }
        let session = caller.session().and_then(|session| session_set(account, session));
        CallerPolicies { identity, boundary, session }
    }

    /// The sets for a decision without a resource policy.
    pub fn sets(&self) -> Policies<'_> {
        Policies {
            identity: Some(&self.identity),
            boundary: self.boundary.as_ref(),
            session: self.session.as_ref(),
            ..Policies::default()
        }
    }
}

fn boundary_set(account: &Account, boundary: Option<&AttachedPolicy>) -> Option<PolicySet> {
    let boundary = boundary?;
    // INVARIANT: a boundary that cannot be found allows nothing; it does not vanish.
    Some(managed::set(account, boundary).cloned().unwrap_or_default())
}

fn session_set(account: &Account, session: &Session) -> Option<PolicySet> {
    let policies = session.policies.as_ref()?;
    let mut set = PolicySet::default();
    if let Some(inline) = &policies.inline {
        set.push("session".into(), inline.compiled().clone());
    }
    for arn in &policies.managed {
        if let Some(managed) = managed::set(account, &AttachedPolicy(arn.clone())) {
            managed.iter().for_each(|(name, document)| set.push(name.clone(), document.clone()));
        }
    }
    Some(set)
}

/// All condition keys of one decision: those of the target, the caller, the session, the request.
pub fn decision_context(
    scene: &Scene<'_>,
    target: &Target,
    resource_account: AccountId,
) -> Context {
    let mut context = target.context.clone();
    add_environment(&mut context, scene.environment, scene.now, target.action);
    context.set("aws:ResourceAccount", resource_account.to_string());
    for tag in principal_tags(scene.account, scene.caller) {
        context.set(format!("aws:PrincipalTag/{}", tag.key), &*tag.value);
    }
    if let Some(session) = scene.caller.session() {
        add_session(&mut context, session, scene.now);
    }
    context.add_principal_keys(&scene.caller.principal);
    context
}

fn add_environment(context: &mut Context, environment: &Environment, now: Timestamp, action: &str) {
    context.set("aws:CurrentTime", now.to_string());
    context.set("aws:EpochTime", now.seconds().to_string());
    context.set("aws:SecureTransport", truth(environment.secure_transport));
    context.set("aws:ViaAWSService", "false");
    if let Some(address) = environment.source_ip {
        context.set("aws:SourceIp", unmapped(address).to_string());
    }
    if let Some(agent) = &environment.user_agent {
        context.set("aws:UserAgent", &**agent);
    }
    if let Some(referer) = &environment.referer {
        context.set("aws:referer", &**referer);
    }
    // IAM reports one region, wherever the client signs for. IAM User Guide, "aws:RequestedRegion".
    let region = if action.starts_with("iam:") { "us-east-1" } else { &environment.region };
    context.set("aws:RequestedRegion", region);
}

fn add_session(context: &mut Context, session: &Session, now: Timestamp) {
    context.set("aws:TokenIssueTime", session.issued.to_string());
    // Sessions made with AssumeRole carry no MFA facts: they say `false`.
    context.set("aws:MultiFactorAuthPresent", truth(session.mfa.is_some()));
    if let Some(mfa) = session.mfa {
        let age = now.seconds().saturating_sub(mfa.seconds()).max(0);
        context.set("aws:MultiFactorAuthAge", age.to_string());
    }
    if let Some(identity) = &session.source_identity {
        context.set("aws:SourceIdentity", &**identity);
    }
}

/// The tags behind `aws:PrincipalTag`: the user's, or the role's with the session's over them.
pub fn principal_tags(account: &Account, caller: &Caller) -> Vec<Tag> {
    let mut tags = match &caller.identity {
        Identity::Root => Vec::new(),
        Identity::User(id) => {
            account.users().with_id(*id).map(|user| user.tags.clone()).unwrap_or_default()
        }
        Identity::RoleSession { role, .. } => {
            account.roles().with_id(*role).map(|role| role.tags.clone()).unwrap_or_default()
        }
    };
    for session_tag in caller.session().map_or(&[][..], |session| &session.tags) {
        let key = session_tag.tag.key.to_lowercase();
        tags.retain(|tag| tag.key.to_lowercase() != key);
        tags.push(session_tag.tag.clone());
    }
    tags
}

fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// An IPv4 address that arrives in IPv6 clothes is an IPv4 address to policies.
fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{AccountChanges, Change, Entity, User};
    use crate::test_support::{ALLOW_ALL, World};

    /// INVARIANT: a boundary that cannot be found allows nothing; it does not vanish.
    #[test]
    fn a_lost_boundary_allows_nothing() {
        let mut world = World::with(&[
            "CreateUser&UserName=bob",
            &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={ALLOW_ALL}"),
        ]);
        let bob = world.user("bob");
        world.ok(&bob, "ListUsers");
        let account = world.state.account(bob.account).unwrap();
        let lost = AttachedPolicy("arn:aws:iam::111122223333:policy/lost".into());
        let user = User::clone(account.users().named("bob").unwrap());
        let user = User { boundary: Some(lost), ..user };
        let changes = vec![Change::Put(Entity::User(user))];
        world.commit(&[AccountChanges { account: bob.account, changes }]);
        assert!(world.refusal(&bob, "ListUsers").contains("no permissions boundary allows"));
    }

    #[test]
    fn surroundings_of_a_request_are_condition_keys() {
        let mut world = World::with(&["CreateUser&UserName=bob"]);
        let root = world.root();
        let bob = world.user("bob");
        world.environment = Environment {
            source_ip: Some("::ffff:10.1.2.3".parse().unwrap()),
            secure_transport: true,
            user_agent: Some("aws-cli/2".into()),
            referer: Some("https://example.com".into()),
            region: "eu-west-1".into(),
        };
        for (operator, key, fits, misses) in [
            ("IpAddress", "aws:SourceIp", "10.0.0.0/8", "192.168.0.0/16"),
            ("Bool", "aws:SecureTransport", "true", "false"),
            ("StringLike", "aws:UserAgent", "aws-cli/*", "curl/*"),
            ("StringEquals", "aws:Referer", "https://example.com", "https://example.org"),
            ("StringEquals", "aws:RequestedRegion", "us-east-1", "eu-west-1"),
            ("DateGreaterThan", "aws:CurrentTime", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("NumericEquals", "aws:EpochTime", "1769860800", "1"),
            ("StringEquals", "aws:username", "bob", "ana"),
            ("StringEquals", "aws:PrincipalType", "User", "AssumedRole"),
            ("StringEquals", "aws:ResourceAccount", "111122223333", "444455556666"),
            ("Bool", "aws:ViaAWSService", "false", "true"),
        ] {
            for (value, allowed) in [(fits, true), (misses, false)] {
                let policy = format!(
                    r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*","Condition":{{"{operator}":{{"{key}":"{value}"}}}}}}}}"#
                );
                let put = "PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument";
                world.ok(&root, &format!("{put}={policy}"));
                assert_eq!(world.send(&bob, "ListUsers").is_ok(), allowed, "{key} {value}");
            }
        }
    }
}
