//! Instance profiles. Source: IAM API Reference; IAM User Guide, "Using instance profiles".

use iamd_wire::NoOutput;
use iamd_wire::iam::{
    AddRoleToInstanceProfileRequest, CreateInstanceProfileRequest, CreateInstanceProfileResponse,
    DeleteInstanceProfileRequest, GetInstanceProfileRequest, GetInstanceProfileResponse,
    InstanceProfile as WireInstanceProfile, ListInstanceProfilesForRoleRequest,
    ListInstanceProfilesForRoleResponse, ListInstanceProfilesRequest, ListInstanceProfilesResponse,
    RemoveRoleFromInstanceProfileRequest,
};

use super::membership::names_after;
use super::resource::{self, list_request};
use super::role;
use super::tag::{KeyCase, checked_tags, shown_tags};
use crate::arn;
use crate::draw::Draw;
use crate::marker::PageRequest;
use crate::name::FoldedName;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::quota;
use crate::refusal::Refusal;
use crate::state::{Change, Entity, EntityKey, InstanceProfile, Role};
use crate::text::{self, EntityKind};
use crate::unique_id::IdPrefix;

/// Creates an instance profile without a role.
impl Operation for CreateInstanceProfileRequest {
    const ACTION: &'static str = "iam:CreateInstanceProfile";
    const EFFECT: Effect = Effect::Write;
    type Output = CreateInstanceProfileResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let path = self.path.as_deref();
        let name = &self.instance_profile_name;
        let create = resource::new_target::<InstanceProfile>(scene, Self::ACTION, path, name);
        let tags = self.tags.as_deref();
        Ok(resource::with_request_tags(create, "iam:TagInstanceProfile", tags))
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let tags = checked_tags(self.tags.as_deref(), KeyCase::Counts)?;
        let profiles = scene.account.instance_profiles();
        if profiles.named(&self.instance_profile_name).is_some() {
            let name = &self.instance_profile_name;
            return Err(text::already_exists(EntityKind::InstanceProfile, name));
        }
        if profiles.len() >= scene.quotas.instance_profiles as usize {
            let limit = scene.quotas.instance_profiles;
            return Err(text::quota_exceeded("InstanceProfilesPerAccount", limit));
        }
        let profile = InstanceProfile {
            id: resource::fresh_id(scene, profiles, IdPrefix::InstanceProfile, draw),
            name: self.instance_profile_name.as_str().into(),
            path: self.path.as_deref().unwrap_or("/").into(),
            created: draw.now(),
            role: None,
            tags,
        };
        let shown = WireInstanceProfile {
            tags: (!profile.tags.is_empty()).then(|| shown_tags(&profile.tags)),
            ..listed(scene, &profile)
        };
        let output = CreateInstanceProfileResponse { instance_profile: shown };
        let changes = vec![Change::Put(Entity::InstanceProfile(profile))];
        Ok(Planned::write(scene.account, changes, output))
    }
}

/// Shows an instance profile with its role.
impl Operation for GetInstanceProfileRequest {
    const ACTION: &'static str = "iam:GetInstanceProfile";
    const EFFECT: Effect = Effect::Read;
    type Output = GetInstanceProfileResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let name = &self.instance_profile_name;
        Ok(vec![resource::target::<InstanceProfile>(scene, Self::ACTION, name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let name = &self.instance_profile_name;
        let profile = resource::find::<InstanceProfile>(scene.account, name)?;
        let shown =
            WireInstanceProfile { tags: Some(shown_tags(&profile.tags)), ..listed(scene, profile) };
        Ok(Planned::read(GetInstanceProfileResponse { instance_profile: shown }))
    }
}

/// Lists instance profiles by name.
impl Operation for ListInstanceProfilesRequest {
    const ACTION: &'static str = "iam:ListInstanceProfiles";
    const EFFECT: Effect = Effect::Read;
    type Output = ListInstanceProfilesResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(resource::list_target::<InstanceProfile>(scene, Self::ACTION))
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let page = resource::list::<InstanceProfile, _>(scene, list_request!(self), |profile| {
            listed(scene, profile)
        })?;
        Ok(Planned::read(ListInstanceProfilesResponse {
            instance_profiles: page.items,
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// Lists the instance profiles that hold a role, by name.
impl Operation for ListInstanceProfilesForRoleRequest {
    const ACTION: &'static str = "iam:ListInstanceProfilesForRole";
    const EFFECT: Effect = Effect::Read;
    type Output = ListInstanceProfilesForRoleResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<Role>(scene, Self::ACTION, &self.role_name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let role = resource::find::<Role>(scene.account, &self.role_name)?;
        let list = format!("profiles:{}", role.id);
        let request =
            PageRequest { list: &list, marker: self.marker.as_deref(), max_items: self.max_items };
        let none = imbl::OrdSet::new();
        let names = scene.account.profiles_of_role(role.id).unwrap_or(&none);
        let page = scene.marker_key.page(request, |behind| {
            names_after(names, behind.as_deref().map(FoldedName::of)).filter_map(|name| {
                let profile = scene.account.instance_profiles().named(name.as_str())?;
                Some((name, listed(scene, profile)))
            })
        })?;
        Ok(Planned::read(ListInstanceProfilesForRoleResponse {
            instance_profiles: page.items,
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// Puts a role into an instance profile; the caller hands the role to EC2, so he needs PassRole.
impl Operation for AddRoleToInstanceProfileRequest {
    const ACTION: &'static str = "iam:AddRoleToInstanceProfile";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let name = &self.instance_profile_name;
        let add = resource::target::<InstanceProfile>(scene, Self::ACTION, name);
        let mut pass = resource::target::<Role>(scene, "iam:PassRole", &self.role_name);
        pass.context.set("iam:PassedToService", "ec2.amazonaws.com");
        let instances = format!("arn:{}:ec2:*:{}:instance/*", arn::PARTITION, scene.account.id());
        pass.context.set("iam:AssociatedResourceArn", instances);
        Ok(vec![add, pass])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let name = &self.instance_profile_name;
        let profile = resource::find::<InstanceProfile>(scene.account, name)?;
        let role = resource::find::<Role>(scene.account, &self.role_name)?;
        if profile.role.is_some() {
            let limit = quota::ROLES_PER_INSTANCE_PROFILE;
            return Err(text::quota_exceeded("InstanceSessionsPerInstanceProfile", limit));
        }
        let profile = InstanceProfile { role: Some(role.id), ..InstanceProfile::clone(profile) };
        let changes = vec![Change::Put(Entity::InstanceProfile(profile))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// Takes a role out of an instance profile.
impl Operation for RemoveRoleFromInstanceProfileRequest {
    const ACTION: &'static str = "iam:RemoveRoleFromInstanceProfile";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let name = &self.instance_profile_name;
        Ok(vec![resource::target::<InstanceProfile>(scene, Self::ACTION, name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let name = &self.instance_profile_name;
        let profile = resource::find::<InstanceProfile>(scene.account, name)?;
        let role = resource::find::<Role>(scene.account, &self.role_name)?;
        if profile.role != Some(role.id) {
            return Err(text::role_not_in_profile(&role.name, &profile.name));
        }
        let profile = InstanceProfile { role: None, ..InstanceProfile::clone(profile) };
        let changes = vec![Change::Put(Entity::InstanceProfile(profile))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// Deletes an instance profile without a role.
impl Operation for DeleteInstanceProfileRequest {
    const ACTION: &'static str = "iam:DeleteInstanceProfile";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let name = &self.instance_profile_name;
        Ok(vec![resource::target::<InstanceProfile>(scene, Self::ACTION, name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let name = &self.instance_profile_name;
        let profile = resource::find::<InstanceProfile>(scene.account, name)?;
        if profile.role.is_some() {
            return Err(text::delete_conflict("remove roles from instance profile"));
        }
        let changes = vec![Change::Remove(EntityKey::InstanceProfile(profile.id))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// An instance profile as lists show it: with its role, without tags.
pub(super) fn listed(scene: &Scene<'_>, profile: &InstanceProfile) -> WireInstanceProfile {
    let role = profile.role.and_then(|id| scene.account.roles().with_id(id));
    WireInstanceProfile {
        path: profile.path.to_string(),
        instance_profile_name: profile.name.to_string(),
        instance_profile_id: profile.id.to_string(),
        arn: arn::instance_profile(scene.account.id(), profile),
        create_date: profile.created,
        roles: role.map(|role| role::brief(scene, role)).into_iter().collect(),
        tags: None,
    }
}
