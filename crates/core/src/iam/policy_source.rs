//! A user, group or role as the source of policies that a request asks about.

use std::sync::Arc;

use iamd_policy::Document;
use iamd_wire::ErrorCode;

use super::resource::{self, PolicyHolder, Resource};
use crate::arn::IamArn;
use crate::managed;
use crate::operation::{Scene, Target};
use crate::refusal::Refusal;
use crate::state::{Account, AttachedPolicy, Group, Role, User};
use crate::text::{self, EntityKind};

/// A user, group or role of the caller's account, named by its ARN.
#[derive(Debug, Clone)]
pub(super) enum PolicySource {
    /// A user, with the policies of his groups.
    User(Arc<User>),
    /// A group.
    Group(Arc<Group>),
    /// A role.
    Role(Arc<Role>),
}

/// A policy that speaks for a source.
#[derive(Debug, Clone)]
pub(super) struct SourcePolicy {
    /// Its name.
    pub(super) name: String,
    /// Where it comes from.
    pub(super) origin: PolicyOrigin,
    /// What it says.
    pub(super) document: Document,
}

/// Where a policy comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PolicyOrigin {
    /// An inline policy of the user, group or role of this name.
    Inline(EntityKind, Box<str>),
    /// The managed policy of this ARN.
    Managed(AttachedPolicy),
}

impl PolicySource {
    /// The source that an ARN names.
    ///
    /// # Errors
    /// `InvalidInput` for the ARN of something else, or of another account; `NoSuchEntity`.
    pub(super) fn find(scene: &Scene<'_>, arn: &str) -> Result<PolicySource, Refusal> {
        let parts = IamArn::parse(arn).ok_or_else(|| unclear(arn))?;
        if !matches!(parts.resource_type, "user" | "group" | "role") || parts.name.is_empty() {
            return Err(unclear(arn));
        }
        let own = scene.account.id().to_string();
        if parts.account != own {
            let message = format!(
                "Invalid Policy Source Arn: caller's account {own} does not have access to policies in account {}",
                parts.account
            );
            return Err(Refusal::new(ErrorCode::InvalidInput, message));
        }
        PolicySource::known(scene, arn).ok_or_else(|| {
            let kind = match parts.resource_type {
                "user" => EntityKind::User,
                "group" => EntityKind::Group,
                _ => EntityKind::Role,
            };
            text::no_such(kind, parts.name)
        })
    }

    /// The source of this ARN, if there is one; letter case and path count.
    fn known(scene: &Scene<'_>, arn: &str) -> Option<PolicySource> {
        fn named<R: Resource>(scene: &Scene<'_>, arn: &str, name: &str) -> Option<Arc<R>> {
            let found = R::all(scene.account).named(name)?;
            (found.arn(scene.account) == arn).then(|| Arc::clone(found))
        }
        let parts = IamArn::parse(arn)?;
        match parts.resource_type {
            "user" => named(scene, arn, parts.name).map(PolicySource::User),
            "group" => named(scene, arn, parts.name).map(PolicySource::Group),
            "role" => named(scene, arn, parts.name).map(PolicySource::Role),
            _ => None,
        }
    }

    /// The target of an action on what an ARN names, whether it exists or not.
    pub(super) fn target(scene: &Scene<'_>, action: &'static str, arn: &str) -> Target {
        let mut target = Target::new(action, arn.to_owned());
        let tags = match PolicySource::known(scene, arn) {
            Some(PolicySource::User(user)) => user.tags.clone(),
            Some(PolicySource::Role(role)) => role.tags.clone(),
            Some(PolicySource::Group(_)) | None => Vec::new(),
        };
        resource::add_resource_tags(&mut target.context, &tags);
        target
    }

    /// The policies: inline and managed ones of its own, then those of each group of a user. A
    /// managed policy that comes more than once is there once.
    pub(super) fn policies(&self, account: &Account) -> Vec<SourcePolicy> {
        let mut policies = Policies { account, found: Vec::new() };
        match self {
            PolicySource::User(user) => {
                policies.add(&**user);
                for id in &user.groups {
                    if let Some(group) = account.groups().with_id(*id) {
                        policies.add(&**group);
                    }
                }
            }
            PolicySource::Group(group) => policies.add(&**group),
            PolicySource::Role(role) => policies.add(&**role),
        }
        policies.found
    }
}

struct Policies<'a> {
    account: &'a Account,
    found: Vec<SourcePolicy>,
}

impl Policies<'_> {
    fn add<H: PolicyHolder>(&mut self, holder: &H) {
        for policy in holder.inline().iter() {
            self.found.push(SourcePolicy {
                name: policy.name.to_string(),
                origin: PolicyOrigin::Inline(H::KIND, holder.name().into()),
                document: policy.document.compiled().clone(),
            });
        }
        for attached in holder.attached() {
            let origin = PolicyOrigin::Managed(attached.clone());
            let is_known = self.found.iter().any(|known| known.origin == origin);
            let set = managed::set(self.account, attached.arn()).filter(|_| !is_known);
            if let (Some(set), Some(arn)) = (set, IamArn::parse(attached.arn())) {
                self.found.extend(set.iter().map(|(_, document)| SourcePolicy {
                    name: arn.name.to_owned(),
                    origin: origin.clone(),
                    document: document.clone(),
                }));
            }
        }
    }
}

/// `InvalidInput` for an ARN that is of no user, group or role.
pub(super) fn unclear(arn: &str) -> Refusal {
    let message =
        format!("Invalid Entity Arn: {arn} does not clearly define entity type and name.");
    Refusal::new(ErrorCode::InvalidInput, message)
}
