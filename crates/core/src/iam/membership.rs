//! Which users are in which groups.

use std::ops::Bound;

use iamd_wire::NoOutput;
use iamd_wire::iam::{
    AddUserToGroupRequest, ListGroupsForUserRequest, ListGroupsForUserResponse,
    RemoveUserFromGroupRequest,
};

use super::{group, resource};
use crate::draw::Draw;
use crate::marker::PageRequest;
use crate::name::FoldedName;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::quota;
use crate::refusal::Refusal;
use crate::state::{Change, Entity, Group, User};
use crate::text;

/// Adds a user to a group; a member stays one.
impl Operation for AddUserToGroupRequest {
    const ACTION: &'static str = "iam:AddUserToGroup";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<Group>(scene, Self::ACTION, &self.group_name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let user = resource::find::<User>(scene.account, &self.user_name)?;
        let group = resource::find::<Group>(scene.account, &self.group_name)?;
        if user.groups.contains(&group.id) {
            return Ok(Planned::read(NoOutput));
        }
        if user.groups.len() >= quota::GROUPS_PER_USER as usize {
            return Err(text::quota_exceeded("GroupsPerUser", quota::GROUPS_PER_USER));
        }
        let mut user = User::clone(user);
        user.groups.push(group.id);
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::User(user))], NoOutput))
    }
}

/// Removes a user from a group; who is no member stays none.
impl Operation for RemoveUserFromGroupRequest {
    const ACTION: &'static str = "iam:RemoveUserFromGroup";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<Group>(scene, Self::ACTION, &self.group_name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let user = resource::find::<User>(scene.account, &self.user_name)?;
        let group = resource::find::<Group>(scene.account, &self.group_name)?;
        if !user.groups.contains(&group.id) {
            return Ok(Planned::read(NoOutput));
        }
        let mut user = User::clone(user);
        user.groups.retain(|id| *id != group.id);
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::User(user))], NoOutput))
    }
}

/// Lists the groups of a user by name.
impl Operation for ListGroupsForUserRequest {
    const ACTION: &'static str = "iam:ListGroupsForUser";
    const EFFECT: Effect = Effect::Read;
    type Output = ListGroupsForUserResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<User>(scene, Self::ACTION, &self.user_name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let user = resource::find::<User>(scene.account, &self.user_name)?;
        let list = format!("groups:{}", user.id);
        let request =
            PageRequest { list: &list, marker: self.marker.as_deref(), max_items: self.max_items };
        let groups = user.groups.iter().filter_map(|id| scene.account.groups().with_id(*id));
        let mut groups: Vec<_> = groups.map(|group| (FoldedName::of(&group.name), group)).collect();
        groups.sort_by(|(one, _), (other, _)| one.cmp(other));
        let page = scene.marker_key.page(request, |behind| {
            let behind = behind.as_deref().map(FoldedName::of);
            let rest = groups.into_iter();
            rest.filter(move |(name, _)| behind.as_ref().is_none_or(|behind| name > behind))
                .map(|(name, group)| (name, group::shown(scene.account, group)))
        })?;
        Ok(Planned::read(ListGroupsForUserResponse {
            groups: page.items,
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// The names behind `behind`, found by seeking.
pub(super) fn names_after(
    names: &imbl::OrdSet<FoldedName>,
    behind: Option<FoldedName>,
) -> impl Iterator<Item = &FoldedName> {
    let from = behind.map_or(Bound::Unbounded, Bound::Excluded);
    names.range((from, Bound::Unbounded))
}
