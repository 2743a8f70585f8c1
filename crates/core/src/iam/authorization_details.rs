//! Everything about the permissions of an account at once. Source: IAM API Reference,
//! GetAccountAuthorizationDetails.

use std::collections::BTreeSet;

use iamd_wire::iam::{
    AttachedPolicy as WireAttachedPolicy, EntityType, GetAccountAuthorizationDetailsRequest,
    GetAccountAuthorizationDetailsResponse, GroupDetail, ManagedPolicyDetail, Policy as WirePolicy,
    PolicyDetail, PolicyVersion as WirePolicyVersion, RoleDetail, RoleLastUsed, UserDetail,
};

use super::boundary::shown_boundary;
use super::resource::PolicyHolder;
use super::tag::shown_tags;
use super::trust::shown_trust;
use super::{document, instance_profile, policy, policy_version};
use crate::arn::{self, IamArn};
use crate::draw::Draw;
use crate::managed_policies::{self, ManagedPolicyRecord};
use crate::marker::PageRequest;
use crate::name::FoldedName;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::state::{Group, Policy, Role, User};

/// Most characters of documents on one page, the first item of it apart.
// CHOICE: AWS lets a page hold fewer items than were asked for, and does not say when.
const PAGE_CHARACTERS_MAX: usize = 4 * 1024 * 1024;

/// Shows users, groups, roles and managed policies with all that they hold and what holds them.
impl Operation for GetAccountAuthorizationDetailsRequest {
    const ACTION: &'static str = "iam:GetAccountAuthorizationDetails";
    const EFFECT: Effect = Effect::Read;
    type Output = GetAccountAuthorizationDetailsResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let wanted = wanted(self.filter.as_deref());
        let list = format!("details:{}:{wanted:?}", scene.account.id());
        let request =
            PageRequest { list: &list, marker: self.marker.as_deref(), max_items: self.max_items };
        let page = scene.marker_key.page_within(
            request,
            (PAGE_CHARACTERS_MAX, Detail::characters),
            |behind| details_after(scene, &wanted, behind.as_deref().and_then(Place::parse)),
        )?;
        let mut output = GetAccountAuthorizationDetailsResponse {
            user_detail_list: Some(Vec::new()),
            group_detail_list: Some(Vec::new()),
            role_detail_list: Some(Vec::new()),
            policies: Some(Vec::new()),
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        };
        for detail in page.items {
            match detail {
                Detail::User(user) => output.user_detail_list.get_or_insert_default().push(user),
                Detail::Group(group) => {
                    output.group_detail_list.get_or_insert_default().push(group);
                }
                Detail::Role(role) => output.role_detail_list.get_or_insert_default().push(role),
                Detail::Policy(policy) => output.policies.get_or_insert_default().push(policy),
            }
        }
        Ok(Planned::read(output))
    }
}

/// The kinds that a request asks for; all of them without a filter.
fn wanted(filter: Option<&[EntityType]>) -> BTreeSet<Kind> {
    let kind = |entity: &EntityType| match entity {
        EntityType::User => Kind::User,
        EntityType::Group => Kind::Group,
        EntityType::Role => Kind::Role,
        EntityType::LocalManagedPolicy => Kind::Local,
        EntityType::AWSManagedPolicy => Kind::Aws,
    };
    match filter.filter(|filter| !filter.is_empty()) {
        Some(filter) => filter.iter().map(kind).collect(),
        None => Kind::ALL.into_iter().collect(),
    }
}

/// The kinds, in the order in which pages go through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    User,
    Group,
    Role,
    Local,
    Aws,
}

impl Kind {
    const ALL: [Kind; 5] = [Kind::User, Kind::Group, Kind::Role, Kind::Local, Kind::Aws];

    fn word(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::Group => "group",
            Kind::Role => "role",
            Kind::Local => "local",
            Kind::Aws => "aws",
        }
    }
}

/// Where a page ends: a kind and a name.
struct Place {
    kind: Kind,
    name: String,
}

impl Place {
    fn parse(text: &str) -> Option<Place> {
        let (word, name) = text.split_once(':')?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word)?;
        Some(Place { kind, name: name.to_owned() })
    }
}

/// One item of a page.
enum Detail {
    User(UserDetail),
    Group(GroupDetail),
    Role(RoleDetail),
    Policy(ManagedPolicyDetail),
}

impl Detail {
    /// How much text its documents are.
    fn characters(&self) -> usize {
        let inline = |policies: &Option<Vec<PolicyDetail>>| {
            let documents = policies.iter().flatten().map(|policy| &policy.policy_document);
            documents.flatten().map(String::len).sum::<usize>()
        };
        match self {
            Detail::User(user) => inline(&user.user_policy_list),
            Detail::Group(group) => inline(&group.group_policy_list),
            Detail::Role(role) => {
                let trust = role.assume_role_policy_document.as_ref().map_or(0, String::len);
                let profiles = role.instance_profile_list.as_ref().map_or(0, Vec::len);
                // Each profile shows the role once more.
                inline(&role.role_policy_list) + trust * (1 + profiles)
            }
            Detail::Policy(policy) => {
                let versions = policy.policy_version_list.iter().flatten();
                versions.filter_map(|version| version.document.as_ref()).map(String::len).sum()
            }
        }
    }
}

/// What is wanted from behind a place, found by seeking.
fn details_after<'a>(
    scene: &'a Scene<'a>,
    wanted: &BTreeSet<Kind>,
    behind: Option<Place>,
) -> impl Iterator<Item = (String, Detail)> + use<'a> {
    // None: nothing of this kind. Some(None): all of it.
    let from = |kind: Kind| -> Option<Option<String>> {
        let is_wanted = wanted.contains(&kind);
        match &behind {
            Some(place) if place.kind > kind => None,
            Some(place) if place.kind == kind => is_wanted.then(|| Some(place.name.clone())),
            Some(_) | None => is_wanted.then_some(None),
        }
    };
    let folded = |kind| from(kind).map(|name| name.as_deref().map(FoldedName::of));
    let account = scene.account;
    let users = folded(Kind::User).map(|behind| account.users().after(behind.as_ref()));
    let groups = folded(Kind::Group).map(|behind| account.groups().after(behind.as_ref()));
    let roles = folded(Kind::Role).map(|behind| account.roles().after(behind.as_ref()));
    let local = folded(Kind::Local).map(|behind| account.policies().after(behind.as_ref()));
    let aws = from(Kind::Aws).map(|behind| managed_policies::after(behind.as_deref()));
    // CHOICE: those in use; AWS lists no others.
    let used = |record: &ManagedPolicyRecord| {
        policy::uses(account, record.arn).is_some_and(|uses| !uses.is_empty())
    };
    let place = |kind: Kind, name: &dyn std::fmt::Display| format!("{}:{name}", kind.word());
    let users = users.into_iter().flatten();
    let users = users.map(move |(name, it)| (place(Kind::User, name), user(scene, it)));
    let groups = groups.into_iter().flatten();
    let groups = groups.map(move |(name, it)| (place(Kind::Group, name), group(scene, it)));
    let roles = roles.into_iter().flatten();
    let roles = roles.map(move |(name, it)| (place(Kind::Role, name), role(scene, it)));
    let local = local.into_iter().flatten();
    let local = local.map(move |(name, it)| (place(Kind::Local, name), local_policy(scene, it)));
    let aws = aws.into_iter().flatten().filter(used);
    let aws = aws.map(move |it| (place(Kind::Aws, &it.name), aws_policy(scene, &it)));
    users.chain(groups).chain(roles).chain(local).chain(aws)
}

/// A user without inline policies has no list of them; other lists may be empty.
fn user(scene: &Scene<'_>, user: &User) -> Detail {
    let groups = user.groups.iter().filter_map(|id| scene.account.groups().with_id(*id));
    let mut groups: Vec<String> = groups.map(|group| group.name.to_string()).collect();
    groups.sort_unstable();
    Detail::User(UserDetail {
        path: Some(user.path.to_string()),
        user_name: Some(user.name.to_string()),
        user_id: Some(user.id.to_string()),
        arn: Some(arn::user(scene.account.id(), user)),
        create_date: Some(user.created),
        user_policy_list: (!user.inline.is_empty()).then(|| inline(user)),
        group_list: Some(groups),
        attached_managed_policies: Some(attached(user)),
        permissions_boundary: shown_boundary(user.boundary.as_ref()),
        tags: Some(shown_tags(&user.tags)),
    })
}

fn group(scene: &Scene<'_>, group: &Group) -> Detail {
    Detail::Group(GroupDetail {
        path: Some(group.path.to_string()),
        group_name: Some(group.name.to_string()),
        group_id: Some(group.id.to_string()),
        arn: Some(arn::group(scene.account.id(), group)),
        create_date: Some(group.created),
        group_policy_list: Some(inline(group)),
        attached_managed_policies: Some(attached(group)),
    })
}

fn role(scene: &Scene<'_>, role: &Role) -> Detail {
    let names = scene.account.profiles_of_role(role.id).into_iter().flatten();
    let profiles = names.filter_map(|name| scene.account.instance_profiles().named(name.as_str()));
    let last_use = scene.facts.role_last_use(role.id);
    Detail::Role(RoleDetail {
        path: Some(role.path.to_string()),
        role_name: Some(role.name.to_string()),
        role_id: Some(role.id.to_string()),
        arn: Some(arn::role(scene.account.id(), role)),
        create_date: Some(role.created),
        assume_role_policy_document: Some(shown_trust(scene.state, &role.trust)),
        instance_profile_list: Some(
            profiles.map(|profile| instance_profile::listed(scene, profile)).collect(),
        ),
        role_policy_list: Some(inline(role)),
        attached_managed_policies: Some(attached(role)),
        permissions_boundary: shown_boundary(role.boundary.as_ref()),
        tags: Some(shown_tags(&role.tags)),
        role_last_used: Some(RoleLastUsed {
            last_used_date: last_use.as_ref().map(|last| last.time),
            region: last_use.map(|last| last.region.into()),
        }),
    })
}

/// A customer managed policy with its versions, newest first.
fn local_policy(scene: &Scene<'_>, policy: &Policy) -> Detail {
    let newest_first = policy.versions.iter().rev();
    let versions = newest_first.map(|version| WirePolicyVersion {
        document: Some(document::encoded(version.document.text())),
        ..policy_version::listed(policy, version)
    });
    managed(policy::listed(scene.account, policy), versions.collect())
}

fn aws_policy(scene: &Scene<'_>, record: &ManagedPolicyRecord) -> Detail {
    let version = WirePolicyVersion {
        document: Some(document::encoded(record.document())),
        ..policy_version::listed_aws(record)
    };
    managed(policy::listed_aws(scene.account, record), vec![version])
}

fn managed(policy: WirePolicy, versions: Vec<WirePolicyVersion>) -> Detail {
    Detail::Policy(ManagedPolicyDetail {
        policy_name: policy.policy_name,
        policy_id: policy.policy_id,
        arn: policy.arn,
        path: policy.path,
        default_version_id: policy.default_version_id,
        attachment_count: policy.attachment_count,
        permissions_boundary_usage_count: policy.permissions_boundary_usage_count,
        is_attachable: policy.is_attachable,
        description: None,
        create_date: policy.create_date,
        update_date: policy.update_date,
        policy_version_list: Some(versions),
    })
}

fn inline(holder: &impl PolicyHolder) -> Vec<PolicyDetail> {
    let shown = |policy: &crate::state::InlinePolicy| PolicyDetail {
        policy_name: Some(policy.name.to_string()),
        policy_document: Some(document::encoded(policy.document.text())),
    };
    holder.inline().iter().map(shown).collect()
}

/// Attached policies by name.
fn attached(holder: &impl PolicyHolder) -> Vec<WireAttachedPolicy> {
    let parts = holder.attached().iter().filter_map(|policy| {
        let name = IamArn::parse(policy.arn())?.name;
        Some((name, policy.arn()))
    });
    let mut policies: Vec<(&str, &str)> = parts.collect();
    policies.sort_unstable();
    let shown = |(name, arn): (&str, &str)| WireAttachedPolicy {
        policy_name: Some(name.to_owned()),
        policy_arn: Some(arn.to_owned()),
    };
    policies.into_iter().map(shown).collect()
}
