//! Groups. Source: IAM API Reference; IAM User Guide, "IAM user groups".

use iamd_wire::NoOutput;
use iamd_wire::iam::{
    CreateGroupRequest, CreateGroupResponse, DeleteGroupRequest, GetGroupRequest, GetGroupResponse,
    Group as WireGroup, ListGroupsRequest, UpdateGroupRequest,
};

use super::listing::{Listing, listing};
use super::resource::{self, list_request};
use super::user;
use crate::arn;
use crate::draw::Draw;
use crate::marker::PageRequest;
use crate::name::FoldedName;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::state::{Account, Change, Entity, EntityKey, Group, InlinePolicies};
use crate::text::{self, EntityKind};
use crate::unique_id::{IdPrefix, UniqueId};

/// Creates a group. The name must be free in this account, whatever its letter case.
impl Operation for CreateGroupRequest {
    const ACTION: &'static str = "iam:CreateGroup";
    const EFFECT: Effect = Effect::Write;
    type Output = CreateGroupResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let path = self.path.as_deref();
        Ok(vec![resource::new_target::<Group>(scene, Self::ACTION, path, &self.group_name)])
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        require_free_name(scene.account, &self.group_name, None)?;
        if scene.account.groups().len() >= scene.quotas.groups as usize {
            return Err(text::quota_exceeded("GroupsPerAccount", scene.quotas.groups));
        }
        let group = Group {
            id: resource::fresh_id(scene, scene.account.groups(), IdPrefix::Group, draw),
            name: self.group_name.as_str().into(),
            path: self.path.as_deref().unwrap_or("/").into(),
            created: draw.now(),
            inline: InlinePolicies::default(),
            attached: Vec::new(),
        };
        let output = CreateGroupResponse { group: shown(scene.account, &group) };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::Group(group))], output))
    }
}

/// Shows a group and a page of its users.
impl Operation for GetGroupRequest {
    const ACTION: &'static str = "iam:GetGroup";
    const EFFECT: Effect = Effect::Read;
    type Output = GetGroupResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<Group>(scene, Self::ACTION, &self.group_name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let group = resource::find::<Group>(scene.account, &self.group_name)?;
        let list = format!("members:{}", group.id);
        let request =
            PageRequest { list: &list, marker: self.marker.as_deref(), max_items: self.max_items };
        let nobody = imbl::OrdSet::new();
        let members = scene.account.members(group.id).unwrap_or(&nobody);
        let page = scene.marker_key.page(request, |behind| {
            super::membership::names_after(members, behind.as_deref().map(FoldedName::of))
                .filter_map(|name| {
                    let member = scene.account.users().named(name.as_str())?;
                    Some((name, user::listed(scene.account, member)))
                })
        })?;
        Ok(Planned::read(GetGroupResponse {
            group: shown(scene.account, group),
            users: page.items,
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// Lists groups by name.
impl Operation for ListGroupsRequest {
    const ACTION: &'static str = "iam:ListGroups";
    const EFFECT: Effect = Effect::Read;
    type Output = Listing<Group>;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(resource::list_target::<Group>(scene, Self::ACTION))
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        Ok(Planned::read(listing(scene, list_request!(self))?))
    }
}

/// Renames or moves a group. Its unique id, policies and members stay.
impl Operation for UpdateGroupRequest {
    const ACTION: &'static str = "iam:UpdateGroup";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let mut targets = vec![resource::target::<Group>(scene, Self::ACTION, &self.group_name)];
        if self.new_group_name.is_some() || self.new_path.is_some() {
            let old = scene.account.groups().named(&self.group_name);
            let path = self.new_path.as_deref().or(old.map(|group| &*group.path));
            let name = self.new_group_name.as_deref().unwrap_or(&self.group_name);
            targets.push(resource::new_target::<Group>(scene, Self::ACTION, path, name));
        }
        Ok(targets)
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let old = resource::find::<Group>(scene.account, &self.group_name)?;
        let mut group = Group::clone(old);
        if let Some(name) = &self.new_group_name {
            require_free_name(scene.account, name, Some(old.id))?;
            group.name = name.as_str().into();
        }
        if let Some(path) = &self.new_path {
            group.path = path.as_str().into();
        }
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::Group(group))], NoOutput))
    }
}

/// Deletes a group that has neither members nor policies.
impl Operation for DeleteGroupRequest {
    const ACTION: &'static str = "iam:DeleteGroup";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<Group>(scene, Self::ACTION, &self.group_name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let group = resource::find::<Group>(scene.account, &self.group_name)?;
        if !group.inline.is_empty() {
            return Err(text::delete_conflict("delete policies"));
        }
        if !group.attached.is_empty() {
            return Err(text::delete_conflict("detach all policies"));
        }
        if scene.account.members(group.id).is_some_and(|members| !members.is_empty()) {
            return Err(text::delete_conflict("remove users from group"));
        }
        let changes = vec![Change::Remove(EntityKey::Group(group.id))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

fn require_free_name(account: &Account, name: &str, own: Option<UniqueId>) -> Result<(), Refusal> {
    match account.groups().named(name) {
        Some(other) if Some(other.id) != own => Err(text::already_exists(EntityKind::Group, name)),
        Some(_) | None => Ok(()),
    }
}

/// A group as answers show it.
pub(super) fn shown(account: &Account, group: &Group) -> WireGroup {
    WireGroup {
        path: group.path.to_string(),
        group_name: group.name.to_string(),
        group_id: group.id.to_string(),
        arn: arn::group(account.id(), group),
        create_date: group.created,
    }
}
