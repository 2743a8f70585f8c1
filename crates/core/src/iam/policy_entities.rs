//! Who uses a managed policy.

use std::cmp::Ordering;
use std::fmt;

use iamd_wire::iam::{
    EntityType, ListEntitiesForPolicyRequest, ListEntitiesForPolicyResponse, PolicyGroup,
    PolicyRole, PolicyUsageType, PolicyUser,
};

use super::membership::names_after;
use super::policy;
use super::resource::Resource;
use crate::draw::Draw;
use crate::marker::PageRequest;
use crate::name::FoldedName;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::state::{Account, Group, PolicyUse, Role, User};

/// Lists the groups, users and roles that use a managed policy, in this order, each by name.
impl Operation for ListEntitiesForPolicyRequest {
    const ACTION: &'static str = "iam:ListEntitiesForPolicy";
    const EFFECT: Effect = Effect::Read;
    type Output = ListEntitiesForPolicyResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![policy::target(scene, Self::ACTION, &self.policy_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        policy::find(scene.account, &self.policy_arn)?;
        let prefix = self.path_prefix.as_deref().unwrap_or("/");
        let filter = format!("{:?}:{:?}:{prefix}", self.entity_filter, self.policy_usage_filter);
        let list = format!("entities:{}:{}:{filter}", scene.account.id(), self.policy_arn);
        let request =
            PageRequest { list: &list, marker: self.marker.as_deref(), max_items: self.max_items };
        let unused = PolicyUse::default();
        let uses = policy::uses(scene.account, &self.policy_arn).unwrap_or(&unused);
        let wanted = Wanted {
            account: scene.account,
            prefix,
            kind: self.entity_filter,
            attached: self.policy_usage_filter != Some(PolicyUsageType::PermissionsBoundary),
            bounded: self.policy_usage_filter != Some(PolicyUsageType::PermissionsPolicy),
        };
        let page = scene.marker_key.page(request, |behind| {
            wanted.entities_after(uses, behind.as_deref().and_then(Place::parse))
        })?;
        let mut output = ListEntitiesForPolicyResponse {
            policy_groups: Some(Vec::new()),
            policy_users: Some(Vec::new()),
            policy_roles: Some(Vec::new()),
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        };
        for entity in page.items {
            match entity {
                PolicyEntity::Group(group) => {
                    output.policy_groups.get_or_insert_default().push(group)
                }
                PolicyEntity::User(user) => output.policy_users.get_or_insert_default().push(user),
                PolicyEntity::Role(role) => output.policy_roles.get_or_insert_default().push(role),
            }
        }
        Ok(Planned::read(output))
    }
}

enum PolicyEntity {
    Group(PolicyGroup),
    User(PolicyUser),
    Role(PolicyRole),
}

/// Where a list goes on: the kind, in the order of the answer, and a folded name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    kind: Kind,
    name: FoldedName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Group,
    User,
    Role,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Group => "group",
            Kind::User => "user",
            Kind::Role => "role",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.kind.word(), self.name)
    }
}

impl Place {
    fn parse(text: &str) -> Option<Place> {
        let (word, name) = text.split_once(':')?;
        let kind =
            [Kind::Group, Kind::User, Kind::Role].into_iter().find(|kind| kind.word() == word)?;
        Some(Place { kind, name: FoldedName::of(name) })
    }
}

/// Which users of a policy a request asks for.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    account: &'a Account,
    prefix: &'a str,
    kind: Option<EntityType>,
    attached: bool,
    bounded: bool,
}

impl<'a> Wanted<'a> {
    /// The entities behind a place, found by seeking.
    fn entities_after(
        self,
        uses: &'a PolicyUse,
        behind: Option<Place>,
    ) -> impl Iterator<Item = (Place, PolicyEntity)> + 'a {
        // Groups have no boundary.
        let groups = self.names(Kind::Group, &uses.groups, None, behind.as_ref());
        let users = self.names(Kind::User, &uses.users, Some(&uses.bounded_users), behind.as_ref());
        let roles = self.names(Kind::Role, &uses.roles, Some(&uses.bounded_roles), behind.as_ref());
        let groups = groups.filter_map(move |name| self.group(name));
        let users = users.filter_map(move |name| self.user(name));
        let roles = roles.filter_map(move |name| self.role(name));
        groups.chain(users).chain(roles)
    }

    fn names(
        self,
        kind: Kind,
        attached: &'a imbl::OrdSet<FoldedName>,
        bounded: Option<&'a imbl::OrdSet<FoldedName>>,
        behind: Option<&Place>,
    ) -> impl Iterator<Item = &'a FoldedName> + use<'a> {
        let is_kind = matches!(
            (self.kind, kind),
            (None, _)
                | (Some(EntityType::Group), Kind::Group)
                | (Some(EntityType::User), Kind::User)
                | (Some(EntityType::Role), Kind::Role)
        );
        let passed = behind.is_some_and(|place| place.kind > kind);
        let from = behind.filter(|place| place.kind == kind).map(|place| place.name.clone());
        let names = |wanted: bool, names: Option<&'a imbl::OrdSet<FoldedName>>| {
            let names = names.filter(|_| wanted && is_kind && !passed);
            let from = from.clone();
            names.into_iter().flat_map(move |names| names_after(names, from.clone()))
        };
        merged(names(self.attached, Some(attached)), names(self.bounded, bounded))
    }

    fn group(self, name: &FoldedName) -> Option<(Place, PolicyEntity)> {
        let group = self.found::<Group>(name)?;
        let shown = PolicyGroup {
            group_name: Some(group.name.to_string()),
            group_id: Some(group.id.to_string()),
        };
        Some((Place { kind: Kind::Group, name: name.clone() }, PolicyEntity::Group(shown)))
    }

    fn user(self, name: &FoldedName) -> Option<(Place, PolicyEntity)> {
        let user = self.found::<User>(name)?;
        let shown = PolicyUser {
            user_name: Some(user.name.to_string()),
            user_id: Some(user.id.to_string()),
        };
        Some((Place { kind: Kind::User, name: name.clone() }, PolicyEntity::User(shown)))
    }

    fn role(self, name: &FoldedName) -> Option<(Place, PolicyEntity)> {
        let role = self.found::<Role>(name)?;
        let shown = PolicyRole {
            role_name: Some(role.name.to_string()),
            role_id: Some(role.id.to_string()),
        };
        Some((Place { kind: Kind::Role, name: name.clone() }, PolicyEntity::Role(shown)))
    }

    fn found<R: Resource + 'a>(self, name: &FoldedName) -> Option<&'a R> {
        let entity = &**R::all(self.account).named(name.as_str())?;
        entity.path().starts_with(self.prefix).then_some(entity)
    }
}

/// Two sorted lists as one, what is in both once.
fn merged<T: Ord + Copy>(
    one: impl Iterator<Item = T>,
    other: impl Iterator<Item = T>,
) -> impl Iterator<Item = T> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    std::iter::from_fn(move || match (one.peek(), other.peek()) {
        (Some(left), Some(right)) => match left.cmp(right) {
            Ordering::Less => one.next(),
            Ordering::Greater => other.next(),
            Ordering::Equal => {
                other.next();
                one.next()
            }
        },
        (Some(_), None) => one.next(),
        (None, _) => other.next(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_keeps_order_and_drops_doubles() {
        let merge = |one: &[u8], other: &[u8]| {
            merged(one.iter().copied(), other.iter().copied()).collect::<Vec<_>>()
        };
        assert_eq!(merge(&[1, 3, 5], &[2, 3, 6]), [1, 2, 3, 5, 6]);
        assert_eq!(merge(&[], &[2]), [2]);
        assert_eq!(merge(&[2], &[]), [2]);
        assert_eq!(merge(&[], &[]), [0_u8; 0]);
    }
}
