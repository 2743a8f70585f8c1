//! What the plain evaluator says of a request, from the documents in the state alone.

use iamd_core::caller::Identity;
use iamd_core::managed::customer_policy;
use iamd_core::managed_policies;
use iamd_core::operation::{Operation, Scene, Target};
use iamd_core::refusal::Refusal;
use iamd_core::state::{Account, AttachedPolicy, InlinePolicies};
use iamd_policy::Principal;
use iamd_simulate::case::{Caller, Question, Texts};
use iamd_simulate::plain::{self, Documents};
use iamd_wire::ErrorCode;

/// Where the node and the plain evaluator do not agree about a request that was just permitted, or
/// refused with this.
pub(super) fn disagreement<O: Operation>(
    operation: &O,
    scene: &Scene<'_>,
    refused: Option<&Refusal>,
) -> Option<String> {
    let targets = operation.targets(scene).ok()?;
    let denied = targets.iter().find(|target| !is_allowed(scene, target));
    let is_denial = |refusal: &Refusal| refusal.code == ErrorCode::AccessDenied;
    match (refused, denied) {
        // A denial that says no reason is none of policies.
        (Some(refusal), None) if is_denial(refusal) && refusal.authorization.is_some() => {
            Some(format!("{} by {} is denied without a reason", O::ACTION, scene.caller.arn()))
        }
        (Some(refusal), _) if is_denial(refusal) => None,
        // A credential that may not be used is refused before policies are asked.
        (Some(refusal), _) if refusal.code == ErrorCode::InvalidClientTokenId => None,
        (_, Some(target)) => Some(format!(
            "{} on {} is permitted to {}, and the plain evaluator does not allow it",
            target.action,
            target.resource,
            scene.caller.arn()
        )),
        (_, None) => None,
    }
}

fn is_allowed(scene: &Scene<'_>, target: &Target) -> bool {
    let trusting = trusting_role(scene, target);
    let owner = match &trusting {
        Some((owner, _)) => owner.clone(),
        None => scene.account.id().to_string(),
    };
    let question = Question {
        caller: asking(&scene.caller.principal),
        action: target.action.to_owned(),
        resource: target.resource.to_string(),
        owner: Some(owner),
        context: Vec::new(),
        principal_keys: true,
    };
    let texts = Texts { trust: trusting.map(|(_, trust)| trust), ..texts(scene) };
    plain::decide(&question, &Documents::of(&texts)).decision == "allowed"
}

fn asking(principal: &Principal) -> Caller {
    match principal.clone() {
        Principal::Root { account } => Caller::Root { account },
        Principal::User { arn, unique_id, .. } => Caller::User { arn, id: unique_id },
        Principal::RoleSession { session_arn, role_arn, role_id, .. } => {
            Caller::Session { arn: session_arn, role: role_arn, role_id }
        }
        other => panic!("the simulation has no {other:?}"),
    }
}

/// The owner and the trust policy of the role that is to be assumed; a role that is not there
/// trusts nobody.
fn trusting_role(scene: &Scene<'_>, target: &Target) -> Option<(String, String)> {
    if target.action != "sts:AssumeRole" {
        return None;
    }
    let mut parts = target.resource.split(':');
    let owner = parts.nth(4)?;
    let name = parts.next()?.strip_prefix("role/")?;
    let account = owner.parse().ok().and_then(|owner| scene.state.account(owner));
    let role = account.and_then(|account| account.roles().named(name));
    let trust = role.map(|role| role.trust.text().to_owned());
    Some((owner.to_owned(), trust.unwrap_or_default()))
}

fn texts(scene: &Scene<'_>) -> Texts {
    let account = scene.account;
    let mut texts = Texts::default();
    let boundary = match &scene.caller.identity {
        Identity::Root => None,
        Identity::User(id) => {
            let user = account.users().with_id(*id).unwrap();
            add(&mut texts.identity, account, &user.inline, &user.attached);
            for group in user.groups.iter().filter_map(|group| account.groups().with_id(*group)) {
                add(&mut texts.identity, account, &group.inline, &group.attached);
            }
            user.boundary.as_ref()
        }
        Identity::RoleSession { role, .. } => {
            let role = account.roles().with_id(*role).unwrap();
            add(&mut texts.identity, account, &role.inline, &role.attached);
            role.boundary.as_ref()
        }
    };
    // A boundary that cannot be found allows nothing.
    texts.boundary = boundary.map(|policy| managed(account, policy).unwrap_or_default());
    let narrowed = scene.caller.session().and_then(|session| session.policies.as_ref());
    texts.session = narrowed.map(|policies| {
        policies.inline.iter().map(|document| document.text().to_owned()).collect()
    });
    texts
}

fn add(
    texts: &mut Vec<String>,
    account: &Account,
    inline: &InlinePolicies,
    attached: &[AttachedPolicy],
) {
    texts.extend(inline.iter().map(|policy| policy.document.text().to_owned()));
    texts.extend(attached.iter().filter_map(|policy| managed(account, policy)));
}

/// The document in force of a managed policy.
fn managed(account: &Account, policy: &AttachedPolicy) -> Option<String> {
    if let Some(policy) = customer_policy(account, policy.arn()) {
        return policy.version_in_force().map(|version| version.document.text().to_owned());
    }
    managed_policies::find(policy.arn()).map(|record| record.document().to_owned())
}
