//! Roles. Source: IAM API Reference; IAM User Guide, "IAM roles".

use iamd_wire::iam::{
    CreateRoleRequest, CreateRoleResponse, DeleteRoleRequest, GetRoleRequest, GetRoleResponse,
    ListRolesRequest, ListRolesResponse, Role as WireRole, RoleLastUsed,
    UpdateAssumeRolePolicyRequest, UpdateRoleDescriptionRequest, UpdateRoleDescriptionResponse,
    UpdateRoleRequest, UpdateRoleResponse,
};
use iamd_wire::{ErrorCode, NoOutput};

use super::boundary::{checked_boundary, shown_boundary};
use super::resource::{self, list_request};
use super::service_linked_role::is_service_linked;
use super::service_linked_services::NAME_BEGINNING;
use super::tag::{KeyCase, checked_tags, shown_tags};
use super::trust::{checked_trust, shown_trust};
use crate::arn;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::state::{Change, Entity, EntityKey, InlinePolicies, Role};
use crate::text::{self, EntityKind};
use crate::unique_id::IdPrefix;

/// Longest session of a role when it was never set, in seconds. STS API Reference, AssumeRole.
pub(crate) const SESSION_SECONDS_MAX_DEFAULT: u32 = 3_600;

/// Creates a role with its trust policy.
impl Operation for CreateRoleRequest {
    const ACTION: &'static str = "iam:CreateRole";
    const EFFECT: Effect = Effect::Write;
    type Output = CreateRoleResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let path = self.path.as_deref();
        let mut create = resource::new_target::<Role>(scene, Self::ACTION, path, &self.role_name);
        if let Some(boundary) = &self.permissions_boundary {
            create.context.set("iam:PermissionsBoundary", boundary.as_str());
        }
        Ok(resource::with_request_tags(create, "iam:TagRole", self.tags.as_deref()))
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let tags = checked_tags(self.tags.as_deref(), KeyCase::Ignored)?;
        let trust = checked_trust(scene, &self.assume_role_policy_document)?;
        let boundary = checked_boundary(scene, self.permissions_boundary.as_deref())?;
        if self.role_name.starts_with(NAME_BEGINNING) {
            // CHOICE: the text is ours. Sessions carry names without paths, and SCPs spare those of
            // services; so nobody else may have such a name.
            let message =
                format!("Names that begin with {NAME_BEGINNING} are reserved for services.");
            return Err(Refusal::new(ErrorCode::InvalidInput, message));
        }
        if scene.account.roles().named(&self.role_name).is_some() {
            return Err(text::already_exists(EntityKind::Role, &self.role_name));
        }
        if scene.account.roles().len() >= scene.quotas.roles as usize {
            return Err(text::quota_exceeded("RolesPerAccount", scene.quotas.roles));
        }
        let role = Role {
            id: resource::fresh_id(scene, scene.account.roles(), IdPrefix::Role, draw),
            name: self.role_name.as_str().into(),
            path: self.path.as_deref().unwrap_or("/").into(),
            created: draw.now(),
            description: self.description.as_deref().map(Into::into),
            session_seconds_max: seconds(self.max_session_duration),
            trust,
            tags,
            boundary,
            inline: InlinePolicies::default(),
            attached: Vec::new(),
            sessions_not_before: None,
        };
        // What AWS leaves out of this answer when it was not given, is left out.
        let shown = WireRole {
            description: self.description.clone(),
            max_session_duration: self.max_session_duration,
            permissions_boundary: shown_boundary(role.boundary.as_ref()),
            tags: (!role.tags.is_empty()).then(|| shown_tags(&role.tags)),
            ..brief(scene, &role)
        };
        let output = CreateRoleResponse { role: shown };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::Role(role))], output))
    }
}

/// Shows a role.
impl Operation for GetRoleRequest {
    const ACTION: &'static str = "iam:GetRole";
    const EFFECT: Effect = Effect::Read;
    type Output = GetRoleResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<Role>(scene, Self::ACTION, &self.role_name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let role = resource::find::<Role>(scene.account, &self.role_name)?;
        Ok(Planned::read(GetRoleResponse { role: detailed(scene, role) }))
    }
}

/// Lists roles by name.
impl Operation for ListRolesRequest {
    const ACTION: &'static str = "iam:ListRoles";
    const EFFECT: Effect = Effect::Read;
    type Output = ListRolesResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(resource::list_target::<Role>(scene, Self::ACTION))
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let page = resource::list::<Role, _>(scene, list_request!(self), |role| WireRole {
            description: role.description.as_deref().map(str::to_owned),
            max_session_duration: shown_seconds(role),
            ..brief(scene, role)
        })?;
        Ok(Planned::read(ListRolesResponse {
            roles: page.items,
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// Sets description and longest session; the latter not of a service-linked role.
impl Operation for UpdateRoleRequest {
    const ACTION: &'static str = "iam:UpdateRole";
    const EFFECT: Effect = Effect::Write;
    type Output = UpdateRoleResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<Role>(scene, Self::ACTION, &self.role_name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let mut role = Role::clone(resource::find::<Role>(scene.account, &self.role_name)?);
        if let Some(description) = &self.description {
            role.description = Some(description.as_str().into());
        }
        if let Some(seconds) = seconds(self.max_session_duration) {
            if is_service_linked(&role) {
                return Err(text::protected(&role.name));
            }
            role.session_seconds_max = Some(seconds);
        }
        let output = UpdateRoleResponse::default();
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::Role(role))], output))
    }
}

/// Sets the description; the older way.
impl Operation for UpdateRoleDescriptionRequest {
    const ACTION: &'static str = "iam:UpdateRoleDescription";
    const EFFECT: Effect = Effect::Write;
    type Output = UpdateRoleDescriptionResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<Role>(scene, Self::ACTION, &self.role_name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let mut role = Role::clone(resource::find::<Role>(scene.account, &self.role_name)?);
        role.description = Some(self.description.as_str().into());
        let output = UpdateRoleDescriptionResponse { role: Some(detailed(scene, &role)) };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::Role(role))], output))
    }
}

/// Replaces the trust policy.
impl Operation for UpdateAssumeRolePolicyRequest {
    const ACTION: &'static str = "iam:UpdateAssumeRolePolicy";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<Role>(scene, Self::ACTION, &self.role_name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let old = resource::find::<Role>(scene.account, &self.role_name)?;
        let trust = checked_trust(scene, &self.policy_document)?;
        let role = Role { trust, ..Role::clone(old) };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::Role(role))], NoOutput))
    }
}

/// Deletes a role that has no policies and is in no instance profile. Its sessions end with it.
impl Operation for DeleteRoleRequest {
    const ACTION: &'static str = "iam:DeleteRole";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<Role>(scene, Self::ACTION, &self.role_name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let role = resource::find::<Role>(scene.account, &self.role_name)?;
        if !role.inline.is_empty() {
            return Err(text::delete_conflict("delete policies"));
        }
        if !role.attached.is_empty() {
            return Err(text::delete_conflict("detach all policies"));
        }
        if scene.account.profiles_of_role(role.id).is_some_and(|profiles| !profiles.is_empty()) {
            return Err(text::delete_conflict("remove roles from instance profile"));
        }
        let changes = vec![Change::Remove(EntityKey::Role(role.id))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// A role as CreateRole and instance profiles show it.
pub(super) fn brief(scene: &Scene<'_>, role: &Role) -> WireRole {
    WireRole {
        path: role.path.to_string(),
        role_name: role.name.to_string(),
        role_id: role.id.to_string(),
        arn: arn::role(scene.account.id(), role),
        create_date: role.created,
        assume_role_policy_document: Some(shown_trust(scene.state, &role.trust)),
        description: None,
        max_session_duration: None,
        permissions_boundary: None,
        tags: None,
        role_last_used: None,
        source_role_template: None,
    }
}

fn detailed(scene: &Scene<'_>, role: &Role) -> WireRole {
    let last_use = scene.facts.role_last_use(role.id);
    WireRole {
        description: role.description.as_deref().map(str::to_owned),
        max_session_duration: shown_seconds(role),
        permissions_boundary: shown_boundary(role.boundary.as_ref()),
        tags: (!role.tags.is_empty()).then(|| shown_tags(&role.tags)),
        role_last_used: Some(RoleLastUsed {
            last_used_date: last_use.as_ref().map(|last| last.time),
            region: last_use.map(|last| last.region.into()),
        }),
        ..brief(scene, role)
    }
}

fn seconds(given: Option<i32>) -> Option<u32> {
    given.and_then(|seconds| u32::try_from(seconds).ok())
}

fn shown_seconds(role: &Role) -> Option<i32> {
    i32::try_from(role.session_seconds_max.unwrap_or(SESSION_SECONDS_MAX_DEFAULT)).ok()
}
