//! What users, groups, roles and instance profiles have in common as targets of a request.

use std::sync::Arc;

use iamd_policy::Context;
use iamd_wire::iam as wire;

use crate::arn;
use crate::draw::Draw;
use crate::operation::{Scene, Target};
use crate::quota::{self, Quotas};
use crate::refusal::Refusal;
use crate::state::{
    Account, AttachedPolicy, Collection, Entity, Group, InlinePolicies, InstanceProfile, Named,
    Role, ServerCertificate, Tag, User,
};
use crate::text::{self, EntityKind};
use crate::unique_id::{IdPrefix, UniqueId};

/// A resource that requests name by its name.
pub(super) trait Resource: Named + Clone + Sized {
    /// For texts.
    const KIND: EntityKind;
    /// The word in its ARN.
    const TYPE: &'static str;

    /// All of this kind in an account.
    fn all(account: &Account) -> &Collection<Self>;
    /// The tags; empty where the kind has none.
    fn tags(&self) -> &[Tag];
    /// The permissions boundary, where the kind has one.
    fn boundary(&self) -> Option<&AttachedPolicy>;
    /// The stored form.
    fn into_entity(self) -> Entity;

    /// The ARN.
    fn arn(&self, account: &Account) -> String {
        arn::iam(account.id(), Self::TYPE, self.path(), self.name())
    }
}

macro_rules! resource {
    ($type:ident, $kind:ident, $word:literal, $all:ident, $self:ident,
     tags $tags:expr, boundary $boundary:expr) => {
        impl Resource for $type {
            const KIND: EntityKind = EntityKind::$kind;
            const TYPE: &'static str = $word;
            fn all(account: &Account) -> &Collection<$type> {
                account.$all()
            }
            fn tags(&$self) -> &[Tag] {
                $tags
            }
            fn boundary(&$self) -> Option<&AttachedPolicy> {
                $boundary
            }
            fn into_entity(self) -> Entity {
                Entity::$type(self)
            }
        }
    };
}

resource!(User, User, "user", users, self, tags & self.tags, boundary self.boundary.as_ref());
resource!(Group, Group, "group", groups, self, tags & [], boundary None);
resource!(Role, Role, "role", roles, self, tags & self.tags, boundary self.boundary.as_ref());
resource!(InstanceProfile, InstanceProfile, "instance-profile", instance_profiles, self,
    tags & self.tags, boundary None);
resource!(ServerCertificate, ServerCertificate, "server-certificate", server_certificates, self,
    tags & self.tags, boundary None);

/// A resource that holds policies: a user, group or role.
pub(super) trait PolicyHolder: Resource {
    /// Characters that all its inline policies may have together, white space not counted.
    const INLINE_SIZE: u32;
    /// How messages call it.
    const WORD: &'static str;

    /// Its inline policies.
    fn inline(&self) -> &InlinePolicies;
    /// The same with other inline policies.
    fn with_inline(self, inline: InlinePolicies) -> Self;
    /// Its managed policies.
    fn attached(&self) -> &[AttachedPolicy];
    /// The same with other managed policies.
    fn with_attached(self, attached: Vec<AttachedPolicy>) -> Self;
    /// How many managed policies it may have, and the name of that quota.
    fn attached_quota(quotas: &Quotas) -> (&'static str, u32);
}

macro_rules! policy_holder {
    ($type:ident, $word:literal, $size:expr, $quota_name:literal, $quota:ident) => {
        impl PolicyHolder for $type {
            const INLINE_SIZE: u32 = $size;
            const WORD: &'static str = $word;
            fn inline(&self) -> &InlinePolicies {
                &self.inline
            }
            fn with_inline(self, inline: InlinePolicies) -> $type {
                $type { inline, ..self }
            }
            fn attached(&self) -> &[AttachedPolicy] {
                &self.attached
            }
            fn with_attached(self, attached: Vec<AttachedPolicy>) -> $type {
                $type { attached, ..self }
            }
            fn attached_quota(quotas: &Quotas) -> (&'static str, u32) {
                ($quota_name, quotas.$quota)
            }
        }
    };
}

policy_holder!(
    User,
    "user",
    quota::USER_INLINE_SIZE,
    "PoliciesPerUser",
    attached_policies_per_user
);
policy_holder!(
    Group,
    "group",
    quota::GROUP_INLINE_SIZE,
    "PoliciesPerGroup",
    attached_policies_per_group
);
policy_holder!(
    Role,
    "role",
    quota::ROLE_INLINE_SIZE,
    "PoliciesPerRole",
    attached_policies_per_role
);

/// An id that no entity of this kind has.
///
/// Ids have 44 random bits, so that a second round is rare; without it, a create could replace an
/// entity.
pub(super) fn fresh_id<T: Named>(
    scene: &Scene<'_>,
    all: &Collection<T>,
    prefix: IdPrefix,
    draw: &mut Draw,
) -> UniqueId {
    loop {
        let id = UniqueId::draw(prefix, scene.account.id(), draw);
        if all.with_id(id).is_none() {
            return id;
        }
    }
}

/// The resource of this name.
///
/// # Errors
/// `NoSuchEntity`
pub(super) fn find<'a, R: Resource>(
    account: &'a Account,
    name: &str,
) -> Result<&'a Arc<R>, Refusal> {
    R::all(account).named(name).ok_or_else(|| text::no_such(R::KIND, name))
}

/// The target of an action on the resource of this name, whether it exists or not: its ARN and its
/// tags.
///
/// A resource that does not exist is taken to be at the path `/`, so that who may not touch it
/// learns nothing about it.
pub(super) fn target<R: Resource>(scene: &Scene<'_>, action: &'static str, name: &str) -> Target {
    match R::all(scene.account).named(name) {
        Some(resource) => target_of(scene, action, &**resource),
        None => Target::new(action, arn::iam(scene.account.id(), R::TYPE, "/", name)),
    }
}

/// The same for a resource at hand.
pub(super) fn target_of<R: Resource>(
    scene: &Scene<'_>,
    action: &'static str,
    resource: &R,
) -> Target {
    let mut target = Target::new(action, resource.arn(scene.account));
    add_resource_tags(&mut target.context, resource.tags());
    target
}

/// The same with `iam:PermissionsBoundary`, for operations that AWS lets policies tie to it.
///
/// Source: Service Authorization Reference, IAM, condition key `iam:PermissionsBoundary`.
pub(super) fn bounded_target<R: Resource>(
    scene: &Scene<'_>,
    action: &'static str,
    name: &str,
) -> Target {
    let mut target = target::<R>(scene, action, name);
    if let Some(boundary) = R::all(scene.account).named(name).and_then(|found| found.boundary()) {
        target.context.set("iam:PermissionsBoundary", boundary.arn());
    }
    target
}

/// The target of creating a resource at this path.
pub(super) fn new_target<R: Resource>(
    scene: &Scene<'_>,
    action: &'static str,
    path: Option<&str>,
    name: &str,
) -> Target {
    Target::new(action, arn::iam(scene.account.id(), R::TYPE, path.unwrap_or("/"), name))
}

/// The target of an action that lists resources of a kind; it has no resource-level permissions,
/// and a denial shows the kind.
pub(super) fn list_target<R: Resource>(scene: &Scene<'_>, action: &'static str) -> Vec<Target> {
    let shown = arn::iam(scene.account.id(), R::TYPE, "/", "");
    vec![Target::wildcard(action, Some(shown))]
}

/// The targets of creating a resource with tags: creating, and tagging where tags are given.
pub(super) fn with_request_tags(
    mut create: Target,
    tag_action: &'static str,
    tags: Option<&[wire::Tag]>,
) -> Vec<Target> {
    let Some(tags) = tags.filter(|tags| !tags.is_empty()) else { return vec![create] };
    add_request_tags(&mut create.context, tags);
    let tag = Target { action: tag_action, ..create.clone() };
    vec![create, tag]
}

/// Adds `aws:RequestTag/...` and `aws:TagKeys`.
pub(super) fn add_request_tags(context: &mut Context, tags: &[wire::Tag]) {
    for tag in tags {
        context.set(format!("aws:RequestTag/{}", tag.key), tag.value.as_str());
    }
    context.set_list("aws:TagKeys", tags.iter().map(|tag| tag.key.as_str()));
}

/// Adds `aws:ResourceTag/...` and its older name `iam:ResourceTag/...`.
pub(super) fn add_resource_tags(context: &mut Context, tags: &[Tag]) {
    for tag in tags {
        context.set(format!("aws:ResourceTag/{}", tag.key), &*tag.value);
        context.set(format!("iam:ResourceTag/{}", tag.key), &*tag.value);
    }
}

/// A page of the resources of a kind below a path prefix, sorted by name.
pub(super) fn list<R: Resource, T>(
    scene: &Scene<'_>,
    request: ListRequest<'_>,
    show: impl Fn(&R) -> T,
) -> Result<crate::marker::Page<T>, Refusal> {
    let prefix = request.path_prefix.unwrap_or("/");
    let list = list_name::<R>(scene, prefix);
    let page = crate::marker::PageRequest {
        list: &list,
        marker: request.marker,
        max_items: request.max_items,
    };
    scene.marker_key.page(page, |behind| {
        let behind = behind.map(|place| crate::name::FoldedName::of(&place));
        let resources = R::all(scene.account).after(behind.as_ref());
        resources
            .filter(|(_, resource)| resource.path().starts_with(prefix))
            .map(|(name, resource)| (name, show(resource)))
    })
}

/// What markers of a list of the resources below a path prefix are made for.
pub(super) fn list_name<R: Resource>(scene: &Scene<'_>, prefix: &str) -> String {
    format!("{}:{}:{prefix}", R::TYPE, scene.account.id())
}

/// The members that list requests share.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListRequest<'a> {
    pub(super) path_prefix: Option<&'a str>,
    pub(super) marker: Option<&'a str>,
    pub(super) max_items: Option<i32>,
}

/// Builds a [`ListRequest`] from a request with `path_prefix`, `marker` and `max_items`.
macro_rules! list_request {
    ($request:expr) => {
        $crate::iam::resource::ListRequest {
            path_prefix: $request.path_prefix.as_deref(),
            marker: $request.marker.as_deref(),
            max_items: $request.max_items,
        }
    };
}
pub(super) use list_request;
