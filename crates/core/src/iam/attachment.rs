//! Managed policies attached to users, groups and roles.

use iamd_wire::NoOutput;
use iamd_wire::iam::{
    AttachGroupPolicyRequest, AttachRolePolicyRequest, AttachUserPolicyRequest,
    AttachedPolicy as WireAttachedPolicy, DetachGroupPolicyRequest, DetachRolePolicyRequest,
    DetachUserPolicyRequest, ListAttachedGroupPoliciesRequest, ListAttachedGroupPoliciesResponse,
    ListAttachedRolePoliciesRequest, ListAttachedRolePoliciesResponse,
    ListAttachedUserPoliciesRequest, ListAttachedUserPoliciesResponse,
};

use super::resource::{self, ListRequest, PolicyHolder, list_request};
use crate::arn::IamArn;
use crate::draw::Draw;
use crate::managed;
use crate::marker::{Page, PageRequest};
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::state::{AttachedPolicy, Change, Group, Role, User};
use crate::text;

macro_rules! attachment_operations {
    ($holder:ident, $name:ident, $attach:ident $attach_action:literal,
     $detach:ident $detach_action:literal, $list:ident $list_action:literal $listed:ident) => {
        /// Attaches a managed policy; attached already, nothing changes.
        impl Operation for $attach {
            const ACTION: &'static str = $attach_action;
            const EFFECT: Effect = Effect::Write;
            type Output = NoOutput;

            fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
                let mut target =
                    resource::bounded_target::<$holder>(scene, Self::ACTION, &self.$name);
                target.context.set("iam:PolicyARN", self.policy_arn.as_str());
                Ok(vec![target])
            }

            fn plan(
                &self,
                scene: &Scene<'_>,
                _: &mut Draw,
            ) -> Result<Planned<Self::Output>, Refusal> {
                attach::<$holder>(scene, &self.$name, &self.policy_arn)
            }
        }

        /// Detaches a managed policy.
        impl Operation for $detach {
            const ACTION: &'static str = $detach_action;
            const EFFECT: Effect = Effect::Write;
            type Output = NoOutput;

            fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
                let mut target =
                    resource::bounded_target::<$holder>(scene, Self::ACTION, &self.$name);
                target.context.set("iam:PolicyARN", self.policy_arn.as_str());
                Ok(vec![target])
            }

            fn plan(
                &self,
                scene: &Scene<'_>,
                _: &mut Draw,
            ) -> Result<Planned<Self::Output>, Refusal> {
                detach::<$holder>(scene, &self.$name, &self.policy_arn)
            }
        }

        /// Lists attached managed policies by name.
        impl Operation for $list {
            const ACTION: &'static str = $list_action;
            const EFFECT: Effect = Effect::Read;
            type Output = $listed;

            fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
                Ok(vec![resource::target::<$holder>(scene, Self::ACTION, &self.$name)])
            }

            fn plan(
                &self,
                scene: &Scene<'_>,
                _: &mut Draw,
            ) -> Result<Planned<Self::Output>, Refusal> {
                let holder = resource::find::<$holder>(scene.account, &self.$name)?;
                let page = list(scene, &**holder, list_request!(self))?;
                Ok(Planned::read($listed {
                    attached_policies: Some(page.items),
                    is_truncated: Some(page.is_truncated),
                    marker: page.marker,
                }))
            }
        }
    };
}

attachment_operations!(User, user_name,
    AttachUserPolicyRequest "iam:AttachUserPolicy",
    DetachUserPolicyRequest "iam:DetachUserPolicy",
    ListAttachedUserPoliciesRequest "iam:ListAttachedUserPolicies" ListAttachedUserPoliciesResponse);
attachment_operations!(Group, group_name,
    AttachGroupPolicyRequest "iam:AttachGroupPolicy",
    DetachGroupPolicyRequest "iam:DetachGroupPolicy",
    ListAttachedGroupPoliciesRequest "iam:ListAttachedGroupPolicies" ListAttachedGroupPoliciesResponse);
attachment_operations!(Role, role_name,
    AttachRolePolicyRequest "iam:AttachRolePolicy",
    DetachRolePolicyRequest "iam:DetachRolePolicy",
    ListAttachedRolePoliciesRequest "iam:ListAttachedRolePolicies" ListAttachedRolePoliciesResponse);

fn attach<H: PolicyHolder>(
    scene: &Scene<'_>,
    name: &str,
    policy_arn: &str,
) -> Result<Planned<NoOutput>, Refusal> {
    require_arn(policy_arn)?;
    let holder = resource::find::<H>(scene.account, name)?;
    managed::require_attachable(scene.account, policy_arn)?;
    if holder.attached().iter().any(|policy| policy.arn() == policy_arn) {
        return Ok(Planned::read(NoOutput));
    }
    let (quota, limit) = H::attached_quota(scene.quotas);
    if holder.attached().len() >= limit as usize {
        return Err(text::quota_exceeded(quota, limit));
    }
    let added = [AttachedPolicy::of(policy_arn)];
    let attached = holder.attached().iter().chain(&added).cloned().collect();
    let holder = H::clone(holder).with_attached(attached);
    Ok(Planned::write(scene.account, vec![Change::Put(holder.into_entity())], NoOutput))
}

fn detach<H: PolicyHolder>(
    scene: &Scene<'_>,
    name: &str,
    policy_arn: &str,
) -> Result<Planned<NoOutput>, Refusal> {
    require_arn(policy_arn)?;
    let holder = resource::find::<H>(scene.account, name)?;
    let others = holder.attached().iter().filter(|policy| policy.arn() != policy_arn);
    let attached: Vec<AttachedPolicy> = others.cloned().collect();
    if attached.len() == holder.attached().len() {
        return Err(text::policy_not_found(policy_arn));
    }
    let holder = H::clone(holder).with_attached(attached);
    Ok(Planned::write(scene.account, vec![Change::Put(holder.into_entity())], NoOutput))
}

/// The ARN of a managed policy must look like an ARN before it is looked for.
///
/// # Errors
/// `ValidationError`
pub(super) fn require_arn(text: &str) -> Result<(), Refusal> {
    match iamd_policy::Arn::parse(text) {
        Some(_) => Ok(()),
        None => Err(text::unparsable_arn()),
    }
}

fn list<H: PolicyHolder>(
    scene: &Scene<'_>,
    holder: &H,
    request: ListRequest<'_>,
) -> Result<Page<WireAttachedPolicy>, Refusal> {
    let prefix = request.path_prefix.unwrap_or("/");
    let list = format!("attached:{}:{prefix}", holder.id());
    let parts = holder.attached().iter().filter_map(|policy| {
        let arn = IamArn::parse(policy.arn())?;
        arn.path.starts_with(prefix).then_some((arn.name, policy.arn()))
    });
    let mut policies: Vec<(&str, &str)> = parts.collect();
    policies.sort_unstable();
    let page = PageRequest { list: &list, marker: request.marker, max_items: request.max_items };
    // Two policies may share a name, and an ARN may be longer than a marker: the place is a number.
    scene.marker_key.page(page, |behind| {
        let from =
            behind.and_then(|place| place.parse::<usize>().ok()).map_or(0, |place| place + 1);
        policies.into_iter().enumerate().skip(from).map(|(place, (name, arn))| {
            let shown = WireAttachedPolicy {
                policy_name: Some(name.to_owned()),
                policy_arn: Some(arn.to_owned()),
            };
            (place, shown)
        })
    })
}
