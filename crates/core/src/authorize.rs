//! Whether a caller may do what an operation is about to do.

use iamd_policy::{Policies, PolicySet, Request};
use iamd_wire::ErrorCode;

use crate::arn::{self, IamArn};
use crate::authorization_message::AuthorizationMessage;
use crate::caller::{Caller, Identity};
use crate::decision_keys::{DecisionKeys, requested_region};
use crate::managed;
use crate::operation::{Scene, Target};
use crate::refusal::Refusal;
use crate::session::{Session, Subject};
use crate::state::{Account, AttachedPolicy};
use crate::text;

/// Allows every target, or refuses the request in AWS's words.
///
/// # Errors
/// `AccessDenied` that names policy type and reason; `UnmodifiableEntity` for a change of a role that
/// is AWS's; the answers to credentials that may not be used for this kind of call at all.
pub fn authorize(scene: &Scene<'_>, targets: &[Target]) -> Result<(), Refusal> {
    authorize_granting(scene, targets, None)
}

/// The same where the account grants its users something beside their own policies.
///
/// # Errors
/// As [`authorize`].
pub(crate) fn authorize_granting(
    scene: &Scene<'_>,
    targets: &[Target],
    granted: Option<&PolicySet>,
) -> Result<(), Refusal> {
    let resource_account = scene.account.id().to_string();
    let mut policies = CallerPolicies::of(scene);
    if let Some(granted) = granted {
        policies.identity = PolicySet::union(&[policies.identity, granted.clone()]);
    }
    policies.with(|policies| {
        for target in targets {
            permit_credential(scene.caller, target.action)?;
            let request = Request {
                principal: &scene.caller.principal,
                action: target.action,
                resource: &target.resource,
                resource_account: Some(&resource_account),
                context: &DecisionKeys::new(scene, target, scene.account.id()),
            };
            if !decided(scene, &request, &policies) {
                return Err(protected(scene, &request, &policies)
                    .unwrap_or_else(|| denial(scene, &request, &policies, target)));
            }
        }
        Ok(())
    })
}

/// The answer to who would be allowed to change a role that only AWS changes.
fn protected(scene: &Scene<'_>, request: &Request<'_>, policies: &Policies<'_>) -> Option<Refusal> {
    if !iamd_policy::is_refused_despite_policies(request, policies) {
        return None;
    }
    let parts = IamArn::parse(request.resource).filter(|parts| parts.resource_type == "role")?;
    let role = scene.account.roles().named(parts.name)?;
    (arn::role(scene.account.id(), role) == request.resource).then(|| text::protected(&role.name))
}

/// Whether the policies allow a request.
pub(crate) fn decided(scene: &Scene<'_>, request: &Request<'_>, policies: &Policies<'_>) -> bool {
    let decision = iamd_policy::decide(request, policies);
    scene.witness.decided(decision);
    attempted(scene, request.action);
    decision.is_allowed()
}

/// Tells that the caller has tried an action, whatever came of it.
pub(crate) fn attempted(scene: &Scene<'_>, action: &str) {
    let region = requested_region(scene.environment, action);
    scene.witness.attempted(scene.caller, action, region, scene.now);
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

/// The denial of a request on what the caller's account owns, with what led to it.
pub(crate) fn denial(
    scene: &Scene<'_>,
    request: &Request<'_>,
    policies: &Policies<'_>,
    target: &Target,
) -> Refusal {
    let explained = iamd_policy::explain(request, policies);
    let mut message = explained.message();
    if let Some(shown) = &target.shown {
        message = message.replacen("on resource: *", &format!("on resource: {shown}"), 1);
    }
    let account = scene.account.id();
    let keys = DecisionKeys::new(scene, target, account);
    let authorization = AuthorizationMessage::new(account, request, &keys, &explained);
    Refusal {
        authorization: Some(Box::new(authorization)),
        ..Refusal::new(ErrorCode::AccessDenied, message)
    }
}

/// The policies on a caller's own side of a decision.
pub struct CallerPolicies {
    identity: PolicySet,
    boundary: Option<PolicySet>,
    session: Option<PolicySet>,
}

impl CallerPolicies {
    /// The policies of the caller in a scene.
    pub fn of(scene: &Scene<'_>) -> CallerPolicies {
        let account = scene.account;
        let boundary = match &scene.caller.identity {
            Identity::Root => None,
            Identity::User(id) => {
                account.users().with_id(*id).and_then(|user| user.boundary.as_ref())
            }
            Identity::RoleSession { role, .. } => {
                account.roles().with_id(*role).and_then(|role| role.boundary.as_ref())
            }
        };
        CallerPolicies {
            identity: scene.identity_policies.of(account, &scene.caller.identity),
            boundary: boundary_set(account, boundary),
            session: scene.caller.session().and_then(|session| session_set(account, session)),
        }
    }

    /// Calls `decide` with the policies of a decision without a resource policy.
    pub fn with<T>(&self, decide: impl FnOnce(Policies<'_>) -> T) -> T {
        decide(Policies {
            identity: Some(&[&self.identity]),
            boundary: self.boundary.as_ref(),
            session: self.session.as_ref(),
            ..Policies::default()
        })
    }
}

fn boundary_set(account: &Account, boundary: Option<&AttachedPolicy>) -> Option<PolicySet> {
    let boundary = boundary?;
    // INVARIANT: a boundary that cannot be found allows nothing; it does not vanish.
    Some(managed::set(account, boundary.arn()).cloned().unwrap_or_default())
}

fn session_set(account: &Account, session: &Session) -> Option<PolicySet> {
    let policies = session.policies.as_ref()?;
    let inline = policies.inline.iter().map(|policy| {
        let set: PolicySet = [("session".into(), policy.compiled().clone())].into_iter().collect();
        set
    });
    let managed = policies.managed.iter().filter_map(|arn| managed::set(account, arn).cloned());
    Some(PolicySet::union(&inline.chain(managed).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Environment;
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
        let lost = AttachedPolicy::of("arn:aws:iam::111122223333:policy/lost");
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
