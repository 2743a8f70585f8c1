//! Tags of users, roles, managed policies, instance profiles and virtual MFA devices.
//!
//! Source: IAM User Guide, "Tags for IAM resources".

use iamd_wire::iam::{
    ListInstanceProfileTagsRequest, ListInstanceProfileTagsResponse, ListMFADeviceTagsRequest,
    ListMFADeviceTagsResponse, ListPolicyTagsRequest, ListPolicyTagsResponse, ListRoleTagsRequest,
    ListRoleTagsResponse, ListServerCertificateTagsRequest, ListServerCertificateTagsResponse,
    ListUserTagsRequest, ListUserTagsResponse, Tag as WireTag, TagInstanceProfileRequest,
    TagMFADeviceRequest, TagPolicyRequest, TagRoleRequest, TagServerCertificateRequest,
    TagUserRequest, UntagInstanceProfileRequest, UntagMFADeviceRequest, UntagPolicyRequest,
    UntagRoleRequest, UntagServerCertificateRequest, UntagUserRequest,
};
use iamd_wire::{ErrorCode, NoOutput};

use super::{mfa_device, policy, resource};
use crate::draw::Draw;
use crate::marker::{Page, PageRequest};
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::quota;
use crate::refusal::Refusal;
use crate::state::{
    Change, Entity, InstanceProfile, MfaDevice, Policy, Role, ServerCertificate, Tag, User,
};
use crate::text;

/// Whether two keys of a kind of resource are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyCase {
    /// Users, roles and sessions: letter case does not count.
    Ignored,
    /// Everything else.
    Counts,
}

macro_rules! tag_operations {
    ($entity:ident, $case:ident, $name:ident,
     $tag:ident $tag_action:literal, $untag:ident $untag_action:literal,
     $list:ident $list_action:literal $output:ident) => {
        /// Adds tags, or replaces the values of those there.
        impl Operation for $tag {
            const ACTION: &'static str = $tag_action;
            const EFFECT: Effect = Effect::Write;
            type Output = NoOutput;

            fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
                let mut target = resource::target::<$entity>(scene, Self::ACTION, &self.$name);
                resource::add_request_tags(&mut target.context, &self.tags);
                Ok(vec![target])
            }

            fn plan(
                &self,
                scene: &Scene<'_>,
                _: &mut Draw,
            ) -> Result<Planned<Self::Output>, Refusal> {
                let mut entity =
                    $entity::clone(resource::find::<$entity>(scene.account, &self.$name)?);
                entity.tags = with_tags(&entity.tags, &self.tags, KeyCase::$case)?;
                let changes = vec![Change::Put(Entity::$entity(entity))];
                Ok(Planned::write(scene.account, changes, NoOutput))
            }
        }

        /// Removes tags by key; a key that is not there is no error.
        impl Operation for $untag {
            const ACTION: &'static str = $untag_action;
            const EFFECT: Effect = Effect::Write;
            type Output = NoOutput;

            fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
                let mut target = resource::target::<$entity>(scene, Self::ACTION, &self.$name);
                target.context.set_list("aws:TagKeys", self.tag_keys.iter().map(String::as_str));
                Ok(vec![target])
            }

            fn plan(
                &self,
                scene: &Scene<'_>,
                _: &mut Draw,
            ) -> Result<Planned<Self::Output>, Refusal> {
                let mut entity =
                    $entity::clone(resource::find::<$entity>(scene.account, &self.$name)?);
                entity.tags = without_tags(&entity.tags, &self.tag_keys, KeyCase::$case);
                let changes = vec![Change::Put(Entity::$entity(entity))];
                Ok(Planned::write(scene.account, changes, NoOutput))
            }
        }

        /// Lists tags, sorted by key.
        impl Operation for $list {
            const ACTION: &'static str = $list_action;
            const EFFECT: Effect = Effect::Read;
            type Output = $output;

            fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
                Ok(vec![resource::target::<$entity>(scene, Self::ACTION, &self.$name)])
            }

            fn plan(
                &self,
                scene: &Scene<'_>,
                _: &mut Draw,
            ) -> Result<Planned<Self::Output>, Refusal> {
                let entity = resource::find::<$entity>(scene.account, &self.$name)?;
                let list = format!("tags:{}", entity.id);
                let marker = self.marker.as_deref();
                let page = page_of_tags(scene, &list, &entity.tags, marker, self.max_items)?;
                Ok(Planned::read($output {
                    tags: page.items,
                    is_truncated: Some(page.is_truncated),
                    marker: page.marker,
                }))
            }
        }
    };
}

tag_operations!(User, Ignored, user_name,
    TagUserRequest "iam:TagUser", UntagUserRequest "iam:UntagUser",
    ListUserTagsRequest "iam:ListUserTags" ListUserTagsResponse);
tag_operations!(Role, Ignored, role_name,
    TagRoleRequest "iam:TagRole", UntagRoleRequest "iam:UntagRole",
    ListRoleTagsRequest "iam:ListRoleTags" ListRoleTagsResponse);
tag_operations!(InstanceProfile, Counts, instance_profile_name,
    TagInstanceProfileRequest "iam:TagInstanceProfile",
    UntagInstanceProfileRequest "iam:UntagInstanceProfile",
    ListInstanceProfileTagsRequest "iam:ListInstanceProfileTags" ListInstanceProfileTagsResponse);

tag_operations!(ServerCertificate, Counts, server_certificate_name,
    TagServerCertificateRequest "iam:TagServerCertificate",
    UntagServerCertificateRequest "iam:UntagServerCertificate",
    ListServerCertificateTagsRequest "iam:ListServerCertificateTags"
    ListServerCertificateTagsResponse);

/// Adds tags to a customer managed policy, or replaces the values of those there.
impl Operation for TagPolicyRequest {
    const ACTION: &'static str = "iam:TagPolicy";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let mut target = policy::target(scene, Self::ACTION, &self.policy_arn);
        resource::add_request_tags(&mut target.context, &self.tags);
        Ok(vec![target])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let mut policy = Policy::clone(policy::find_customer(scene.account, &self.policy_arn)?);
        policy.tags = with_tags(&policy.tags, &self.tags, KeyCase::Counts)?;
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::Policy(policy))], NoOutput))
    }
}

/// Removes tags of a customer managed policy by key.
impl Operation for UntagPolicyRequest {
    const ACTION: &'static str = "iam:UntagPolicy";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let mut target = policy::target(scene, Self::ACTION, &self.policy_arn);
        target.context.set_list("aws:TagKeys", self.tag_keys.iter().map(String::as_str));
        Ok(vec![target])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let mut policy = Policy::clone(policy::find_customer(scene.account, &self.policy_arn)?);
        policy.tags = without_tags(&policy.tags, &self.tag_keys, KeyCase::Counts);
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::Policy(policy))], NoOutput))
    }
}

/// Lists the tags of a managed policy, sorted by key.
impl Operation for ListPolicyTagsRequest {
    const ACTION: &'static str = "iam:ListPolicyTags";
    const EFFECT: Effect = Effect::Read;
    type Output = ListPolicyTagsResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![policy::target(scene, Self::ACTION, &self.policy_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let found = policy::find(scene.account, &self.policy_arn)?;
        let tags = found.customer().map_or(&[][..], |policy| &policy.tags);
        let list = format!("tags:{}:{}", scene.account.id(), self.policy_arn);
        let page = page_of_tags(scene, &list, tags, self.marker.as_deref(), self.max_items)?;
        Ok(Planned::read(ListPolicyTagsResponse {
            tags: page.items,
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// Adds tags to a virtual MFA device, or replaces the values of those there.
impl Operation for TagMFADeviceRequest {
    const ACTION: &'static str = "iam:TagMFADevice";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let mut target = mfa_device::target(scene, Self::ACTION, &self.serial_number);
        resource::add_request_tags(&mut target.context, &self.tags);
        Ok(vec![target])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let device = mfa_device::find_virtual(scene, &self.serial_number)?;
        let tags = with_tags(&device.tags, &self.tags, KeyCase::Counts)?;
        let device = MfaDevice { tags, ..device.clone() };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::MfaDevice(device))], NoOutput))
    }
}

/// Removes tags of a virtual MFA device by key.
impl Operation for UntagMFADeviceRequest {
    const ACTION: &'static str = "iam:UntagMFADevice";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let mut target = mfa_device::target(scene, Self::ACTION, &self.serial_number);
        target.context.set_list("aws:TagKeys", self.tag_keys.iter().map(String::as_str));
        Ok(vec![target])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let device = mfa_device::find_virtual(scene, &self.serial_number)?;
        let tags = without_tags(&device.tags, &self.tag_keys, KeyCase::Counts);
        let device = MfaDevice { tags, ..device.clone() };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::MfaDevice(device))], NoOutput))
    }
}

/// Lists the tags of a virtual MFA device, sorted by key.
impl Operation for ListMFADeviceTagsRequest {
    const ACTION: &'static str = "iam:ListMFADeviceTags";
    const EFFECT: Effect = Effect::Read;
    type Output = ListMFADeviceTagsResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![mfa_device::target(scene, Self::ACTION, &self.serial_number)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let device = mfa_device::find_virtual(scene, &self.serial_number)?;
        let list = format!("tags:{}", device.serial);
        let marker = self.marker.as_deref();
        let page = page_of_tags(scene, &list, &device.tags, marker, self.max_items)?;
        Ok(Planned::read(ListMFADeviceTagsResponse {
            tags: page.items,
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// The tags of a create request, sorted by key.
///
/// # Errors
/// `InvalidInput` for repeated keys or the reserved prefix, `LimitExceeded` past 50.
pub(super) fn checked_tags(tags: Option<&[WireTag]>, case: KeyCase) -> Result<Vec<Tag>, Refusal> {
    let tags = tags.unwrap_or_default();
    check_tags(tags.iter().map(|tag| tag.key.as_str()), case, ErrorCode::InvalidInput)?;
    if tags.len() > quota::TAGS_PER_ENTITY {
        return Err(text::too_many_tags());
    }
    Ok(sorted(tags.iter().map(stored).collect()))
}

/// The rules for the keys of one request.
///
/// # Errors
/// A refusal with `code` for repeated keys and for the reserved prefix.
pub(crate) fn check_tags<'a>(
    keys: impl Iterator<Item = &'a str> + Clone,
    case: KeyCase,
    code: ErrorCode,
) -> Result<(), Refusal> {
    if case.duplicate(keys.clone()) {
        return Err(Refusal::new(code, text::DUPLICATE_TAG_KEYS));
    }
    for key in keys {
        if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
            // CHOICE: the text is ours; AWS reserves the prefix, its wording is not recorded.
            return Err(Refusal::new(
                code,
                format!("Tag keys with the prefix aws: are reserved: {key}"),
            ));
        }
    }
    Ok(())
}

/// Tags as answers show them.
pub(super) fn shown_tags(tags: &[Tag]) -> Vec<WireTag> {
    let shown = |tag: &Tag| WireTag { key: tag.key.to_string(), value: tag.value.to_string() };
    tags.iter().map(shown).collect()
}

/// The tags with these added, or in the place of their namesakes.
///
/// # Errors
/// As [`checked_tags`].
pub(super) fn with_tags(
    old: &[Tag],
    added: &[WireTag],
    case: KeyCase,
) -> Result<Vec<Tag>, Refusal> {
    check_tags(added.iter().map(|tag| tag.key.as_str()), case, ErrorCode::InvalidInput)?;
    let kept = old.iter().filter(|tag| !added.iter().any(|new| case.same(&tag.key, &new.key)));
    let tags: Vec<Tag> = kept.cloned().chain(added.iter().map(stored)).collect();
    if tags.len() > quota::TAGS_PER_ENTITY {
        return Err(text::too_many_tags());
    }
    Ok(sorted(tags))
}

/// The tags without those of these keys.
pub(super) fn without_tags(old: &[Tag], keys: &[String], case: KeyCase) -> Vec<Tag> {
    old.iter().filter(|tag| !keys.iter().any(|key| case.same(&tag.key, key))).cloned().collect()
}

impl KeyCase {
    fn same(self, one: &str, other: &str) -> bool {
        match self {
            KeyCase::Ignored => one.to_lowercase() == other.to_lowercase(),
            KeyCase::Counts => one == other,
        }
    }

    /// Whether a key stands twice.
    fn duplicate<'a>(self, keys: impl Iterator<Item = &'a str>) -> bool {
        let fold = |key: &str| match self {
            KeyCase::Ignored => key.to_lowercase(),
            KeyCase::Counts => key.to_owned(),
        };
        let mut folded: Vec<String> = keys.map(fold).collect();
        folded.sort_unstable();
        folded.iter().zip(folded.iter().skip(1)).any(|(one, next)| one == next)
    }
}

fn stored(tag: &WireTag) -> Tag {
    Tag { key: tag.key.as_str().into(), value: tag.value.as_str().into() }
}

fn sorted(mut tags: Vec<Tag>) -> Vec<Tag> {
    tags.sort_by(|one, other| one.key.cmp(&other.key));
    tags
}

/// A page of tags, sorted by key.
///
/// # Errors
/// `Invalid Marker.`
pub(super) fn page_of_tags(
    scene: &Scene<'_>,
    list: &str,
    tags: &[Tag],
    marker: Option<&str>,
    max_items: Option<i32>,
) -> Result<Page<WireTag>, Refusal> {
    // A marker has at most 320 characters, a tag key may take more: the place is a number.
    scene.marker_key.page(PageRequest { list, marker, max_items }, |behind| {
        let from =
            behind.and_then(|place| place.parse::<usize>().ok()).map_or(0, |place| place + 1);
        shown_tags(tags).into_iter().enumerate().skip(from)
    })
}
