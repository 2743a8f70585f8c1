//! What follows from the entities of an account: who uses what.

use iamd_policy::PolicySet;

use super::Account;
use crate::account_id::AccountId;
use crate::arn;
use crate::name::FoldedName;
use crate::state::attached_policy::AttachedPolicy;
use crate::state::collection::Named;
use crate::state::entity::{Group, InstanceProfile, Policy, Role, User};
use crate::state::policy_use::PolicyUse;
use crate::unique_id::UniqueId;

impl Account {
    pub(super) fn reindex_user(&mut self, old: Option<&User>, new: Option<&User>) {
        if let Some(user) = old {
            let name = FoldedName::of(&user.name);
            user.groups.iter().for_each(|group| drop_from(&mut self.members, group, &name));
            self.forget_uses(&user.attached, |r#use| &mut r#use.users, &name);
            self.forget_uses(user.boundary.as_slice(), |r#use| &mut r#use.bounded_users, &name);
        }
        if let Some(user) = new {
            let name = FoldedName::of(&user.name);
            user.groups.iter().for_each(|group| add_to(&mut self.members, *group, &name));
            self.note_uses(&user.attached, |r#use| &mut r#use.users, &name);
            self.note_uses(user.boundary.as_slice(), |r#use| &mut r#use.bounded_users, &name);
        }
    }

    pub(super) fn reindex_group(&mut self, old: Option<&Group>, new: Option<&Group>) {
        if let Some(group) = old {
            let name = FoldedName::of(&group.name);
            self.forget_uses(&group.attached, |r#use| &mut r#use.groups, &name);
        }
        if let Some(group) = new {
            let name = FoldedName::of(&group.name);
            self.note_uses(&group.attached, |r#use| &mut r#use.groups, &name);
        }
    }

    pub(super) fn reindex_role(&mut self, old: Option<&Role>, new: Option<&Role>) {
        if let Some(role) = old {
            let name = FoldedName::of(&role.name);
            self.forget_uses(&role.attached, |r#use| &mut r#use.roles, &name);
            self.forget_uses(role.boundary.as_slice(), |r#use| &mut r#use.bounded_roles, &name);
        }
        if let Some(role) = new {
            let name = FoldedName::of(&role.name);
            self.note_uses(&role.attached, |r#use| &mut r#use.roles, &name);
            self.note_uses(role.boundary.as_slice(), |r#use| &mut r#use.bounded_roles, &name);
        }
    }

    pub(super) fn reindex_profile(
        &mut self,
        old: Option<&InstanceProfile>,
        new: Option<&InstanceProfile>,
    ) {
        if let Some((profile, role)) = old.and_then(|profile| Some((profile, profile.role?))) {
            drop_from(&mut self.profiles_of_role, &role, &FoldedName::of(profile.name()));
        }
        if let Some((profile, role)) = new.and_then(|profile| Some((profile, profile.role?))) {
            add_to(&mut self.profiles_of_role, role, &FoldedName::of(profile.name()));
        }
    }

    fn note_uses(
        &mut self,
        policies: &[AttachedPolicy],
        side: impl Fn(&mut PolicyUse) -> &mut imbl::OrdSet<FoldedName>,
        name: &FoldedName,
    ) {
        for policy in policies {
            let r#use = self.policy_uses.entry(policy.clone()).or_default();
            side(r#use).insert(name.clone());
        }
    }

    fn forget_uses(
        &mut self,
        policies: &[AttachedPolicy],
        side: impl Fn(&mut PolicyUse) -> &mut imbl::OrdSet<FoldedName>,
        name: &FoldedName,
    ) {
        for policy in policies {
            let Some(r#use) = self.policy_uses.get_mut(policy) else { continue };
            side(r#use).remove(name);
            if r#use.is_empty() {
                self.policy_uses.remove(policy);
            }
        }
    }
}

/// The version in force of a managed policy, for decisions.
pub(super) fn set_in_force(account: AccountId, policy: &Policy) -> PolicySet {
    let name = arn::policy(account, policy).into();
    let document = policy.version_in_force().map(|version| version.document.compiled().clone());
    document.map(|document| (name, document)).into_iter().collect()
}

pub(super) type NamesById = imbl::HashMap<UniqueId, imbl::OrdSet<FoldedName>>;

fn add_to(index: &mut NamesById, id: UniqueId, name: &FoldedName) {
    index.entry(id).or_default().insert(name.clone());
}

fn drop_from(index: &mut NamesById, id: &UniqueId, name: &FoldedName) {
    let Some(names) = index.get_mut(id) else { return };
    names.remove(name);
    if names.is_empty() {
        index.remove(id);
    }
}
