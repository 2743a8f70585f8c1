//! Inline policies of users, groups and roles.

use iamd_policy::Grammar;
use iamd_wire::iam::{
    DeleteGroupPolicyRequest, DeleteRolePolicyRequest, DeleteUserPolicyRequest,
    GetGroupPolicyRequest, GetGroupPolicyResponse, GetRolePolicyRequest, GetRolePolicyResponse,
    GetUserPolicyRequest, GetUserPolicyResponse, ListGroupPoliciesRequest,
    ListGroupPoliciesResponse, ListRolePoliciesRequest, ListRolePoliciesResponse,
    ListUserPoliciesRequest, ListUserPoliciesResponse, PutGroupPolicyRequest, PutRolePolicyRequest,
    PutUserPolicyRequest,
};
use iamd_wire::{ErrorCode, NoOutput};

use super::document;
use super::resource::{self, PolicyHolder};
use crate::draw::Draw;
use crate::marker::{Page, PageRequest};
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::state::{Change, Group, InlinePolicy, Role, User};
use crate::text;

macro_rules! inline_policy_operations {
    ($holder:ident, $name:ident,
     $put:ident $put_action:literal, $get:ident $get_action:literal $got:ident,
     $delete:ident $delete_action:literal, $list:ident $list_action:literal $listed:ident) => {
        /// Adds an inline policy, or replaces the one of its name.
        impl Operation for $put {
            const ACTION: &'static str = $put_action;
            const EFFECT: Effect = Effect::Write;
            type Output = NoOutput;

            fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
                Ok(vec![resource::bounded_target::<$holder>(scene, Self::ACTION, &self.$name)])
            }

            fn plan(
                &self,
                scene: &Scene<'_>,
                _: &mut Draw,
            ) -> Result<Planned<Self::Output>, Refusal> {
                put::<$holder>(scene, &self.$name, &self.policy_name, &self.policy_document)
            }
        }

        /// Shows an inline policy.
        impl Operation for $get {
            const ACTION: &'static str = $get_action;
            const EFFECT: Effect = Effect::Read;
            type Output = $got;

            fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
                Ok(vec![resource::target::<$holder>(scene, Self::ACTION, &self.$name)])
            }

            fn plan(
                &self,
                scene: &Scene<'_>,
                _: &mut Draw,
            ) -> Result<Planned<Self::Output>, Refusal> {
                let holder = resource::find::<$holder>(scene.account, &self.$name)?;
                let policy = named(&**holder, &self.policy_name)?;
                Ok(Planned::read($got {
                    $name: holder.name.to_string(),
                    policy_name: policy.name.to_string(),
                    policy_document: document::encoded(policy.document.text()),
                }))
            }
        }

        /// Deletes an inline policy.
        impl Operation for $delete {
            const ACTION: &'static str = $delete_action;
            const EFFECT: Effect = Effect::Write;
            type Output = NoOutput;

            fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
                Ok(vec![resource::bounded_target::<$holder>(scene, Self::ACTION, &self.$name)])
            }

            fn plan(
                &self,
                scene: &Scene<'_>,
                _: &mut Draw,
            ) -> Result<Planned<Self::Output>, Refusal> {
                let holder = resource::find::<$holder>(scene.account, &self.$name)?;
                let policy = named(&**holder, &self.policy_name)?;
                let inline = holder.inline().without(&policy.name);
                let holder = $holder::clone(holder).with_inline(inline);
                let changes = vec![Change::Put(resource::Resource::into_entity(holder))];
                Ok(Planned::write(scene.account, changes, NoOutput))
            }
        }

        /// Lists the names of inline policies.
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
                let page = names(scene, &**holder, self.marker.as_deref(), self.max_items)?;
                Ok(Planned::read($listed {
                    policy_names: page.items,
                    is_truncated: Some(page.is_truncated),
                    marker: page.marker,
                }))
            }
        }
    };
}

inline_policy_operations!(User, user_name,
    PutUserPolicyRequest "iam:PutUserPolicy",
    GetUserPolicyRequest "iam:GetUserPolicy" GetUserPolicyResponse,
    DeleteUserPolicyRequest "iam:DeleteUserPolicy",
    ListUserPoliciesRequest "iam:ListUserPolicies" ListUserPoliciesResponse);
inline_policy_operations!(Group, group_name,
    PutGroupPolicyRequest "iam:PutGroupPolicy",
    GetGroupPolicyRequest "iam:GetGroupPolicy" GetGroupPolicyResponse,
    DeleteGroupPolicyRequest "iam:DeleteGroupPolicy",
    ListGroupPoliciesRequest "iam:ListGroupPolicies" ListGroupPoliciesResponse);
inline_policy_operations!(Role, role_name,
    PutRolePolicyRequest "iam:PutRolePolicy",
    GetRolePolicyRequest "iam:GetRolePolicy" GetRolePolicyResponse,
    DeleteRolePolicyRequest "iam:DeleteRolePolicy",
    ListRolePoliciesRequest "iam:ListRolePolicies" ListRolePoliciesResponse);

fn put<H: PolicyHolder>(
    scene: &Scene<'_>,
    holder_name: &str,
    policy_name: &str,
    text: &str,
) -> Result<Planned<NoOutput>, Refusal> {
    let holder = resource::find::<H>(scene.account, holder_name)?;
    let document = document::checked(text, Grammar::Identity)?;
    let inline = holder.inline().with(InlinePolicy { name: policy_name.into(), document });
    let sizes =
        inline.iter().map(|policy| iamd_policy::size_without_white_space(policy.document.text()));
    if sizes.sum::<usize>() > H::INLINE_SIZE as usize {
        return Err(Refusal::new(
            ErrorCode::LimitExceeded,
            format!(
                "Maximum policy size of {} bytes exceeded for {} {}",
                H::INLINE_SIZE,
                H::WORD,
                holder.name()
            ),
        ));
    }
    let holder = H::clone(holder).with_inline(inline);
    Ok(Planned::write(scene.account, vec![Change::Put(holder.into_entity())], NoOutput))
}

fn named<'a, H: PolicyHolder>(holder: &'a H, policy: &str) -> Result<&'a InlinePolicy, Refusal> {
    holder.inline().named(policy).ok_or_else(|| text::no_such_inline_policy(H::KIND, policy))
}

fn names<H: PolicyHolder>(
    scene: &Scene<'_>,
    holder: &H,
    marker: Option<&str>,
    max_items: Option<i32>,
) -> Result<Page<String>, Refusal> {
    let list = format!("inline:{}", holder.id());
    scene.marker_key.page(PageRequest { list: &list, marker, max_items }, |behind| {
        let names = holder.inline().iter().map(|policy| &*policy.name);
        names
            .filter(move |name| behind.as_deref().is_none_or(|behind| *name > behind))
            .map(|name| (name, name.to_owned()))
    })
}
