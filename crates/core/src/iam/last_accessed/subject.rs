//! What a report of last access is about.

use std::collections::BTreeSet;
use std::sync::Arc;

use iamd_policy::Document;
use iamd_wire::iam::{EntityInfo, PolicyOwnerEntityType};

use crate::arn::{self, IamArn};
use crate::iam::policy;
use crate::iam::policy_source::{PolicySource, unclear};
use crate::managed;
use crate::managed_policies;
use crate::name::FoldedName;
use crate::operation::{Scene, Target};
use crate::refusal::Refusal;
use crate::state::{Account, Group, Role, User};
use crate::unique_id::UniqueId;

/// A user, group, role or managed policy.
#[derive(Debug, Clone)]
pub(super) struct Subject<'a> {
    account: &'a Account,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Source(PolicySource),
    /// A managed policy, with its ARN.
    Policy(UniqueId, Box<str>),
}

/// A user or role that can have used what the subject grants.
#[derive(Debug, Clone)]
pub(super) enum Entity {
    /// A user.
    User(Arc<User>),
    /// A role.
    Role(Arc<Role>),
}

impl<'a> Subject<'a> {
    /// The subject that an ARN names.
    ///
    /// # Errors
    /// `InvalidInput` for the ARN of something else; `NoSuchEntity`.
    pub(super) fn find(scene: &Scene<'a>, arn: &str) -> Result<Subject<'a>, Refusal> {
        let account = scene.account;
        let parts = IamArn::parse(arn).ok_or_else(|| unclear(arn))?;
        if parts.resource_type != "policy" {
            let source = PolicySource::find(scene, arn)?;
            return Ok(Subject { account, kind: Kind::Source(source) });
        }
        let id = match policy::find(account, arn)? {
            policy::Found::Customer(found) => Some(found.id),
            policy::Found::Aws(record) => record.policy_id.parse().ok(),
        };
        let id = id.ok_or_else(|| unclear(arn))?;
        Ok(Subject { account, kind: Kind::Policy(id, arn.into()) })
    }

    /// The first subject of the account, or managed policy of AWS, whose id is wanted.
    pub(super) fn found(
        scene: &Scene<'a>,
        is_wanted: impl Fn(UniqueId) -> bool,
    ) -> Option<Subject<'a>> {
        let account = scene.account;
        let users = account.users().iter().filter(|it| is_wanted(it.id));
        let groups = account.groups().iter().filter(|it| is_wanted(it.id));
        let roles = account.roles().iter().filter(|it| is_wanted(it.id));
        let own = account.policies().iter().filter(|it| is_wanted(it.id));
        let own = own.map(|it| Kind::Policy(it.id, arn::policy(account.id(), it).into()));
        let of_aws = managed_policies::all().filter_map(|record| {
            let id = record.policy_id.parse().ok().filter(|id| is_wanted(*id))?;
            Some(Kind::Policy(id, record.arn.into()))
        });
        let sources = users
            .map(|it| PolicySource::User(Arc::clone(it)))
            .chain(groups.map(|it| PolicySource::Group(Arc::clone(it))))
            .chain(roles.map(|it| PolicySource::Role(Arc::clone(it))));
        let kind = sources.map(Kind::Source).chain(own).chain(of_aws).next()?;
        Some(Subject { account, kind })
    }

    /// The target of an action on what an ARN names, whether it exists or not.
    pub(super) fn target(scene: &Scene<'_>, action: &'static str, arn: &str) -> Target {
        match IamArn::parse(arn) {
            Some(parts) if parts.resource_type == "policy" => policy::target(scene, action, arn),
            Some(_) | None => PolicySource::target(scene, action, arn),
        }
    }

    /// Its unique id.
    pub(super) fn id(&self) -> UniqueId {
        match &self.kind {
            Kind::Source(PolicySource::User(user)) => user.id,
            Kind::Source(PolicySource::Group(group)) => group.id,
            Kind::Source(PolicySource::Role(role)) => role.id,
            Kind::Policy(id, _) => *id,
        }
    }

    /// The documents that say what it may use.
    pub(super) fn documents(&self) -> Vec<Document> {
        match &self.kind {
            Kind::Source(source) => {
                source.policies(self.account).into_iter().map(|policy| policy.document).collect()
            }
            Kind::Policy(_, policy) => {
                let set = managed::set(self.account, policy);
                set.into_iter().flat_map(|set| set.iter()).map(|(_, it)| it.clone()).collect()
            }
        }
    }

    /// The users and roles that it speaks for, each once.
    pub(super) fn entities(&self) -> Vec<Entity> {
        match &self.kind {
            Kind::Source(PolicySource::User(user)) => vec![Entity::User(Arc::clone(user))],
            Kind::Source(PolicySource::Role(role)) => vec![Entity::Role(Arc::clone(role))],
            Kind::Source(PolicySource::Group(group)) => self.users(self.members(group)),
            Kind::Policy(_, policy) => {
                let Some(uses) = self.account.policy_use(policy) else { return Vec::new() };
                let mut users: BTreeSet<&FoldedName> = uses.users.iter().collect();
                for name in &uses.groups {
                    if let Some(group) = self.account.groups().named(name.as_str()) {
                        users.extend(self.members(group));
                    }
                }
                let roles = uses.roles.iter().filter_map(|name| {
                    self.account.roles().named(name.as_str()).map(Arc::clone).map(Entity::Role)
                });
                self.users(users).into_iter().chain(roles).collect()
            }
        }
    }

    fn members(&self, group: &Group) -> impl Iterator<Item = &'a FoldedName> + use<'a> {
        self.account.members(group.id).into_iter().flatten()
    }

    fn users<'n>(&self, names: impl IntoIterator<Item = &'n FoldedName>) -> Vec<Entity> {
        let names = names.into_iter();
        let users = names.filter_map(|name| self.account.users().named(name.as_str()));
        users.map(Arc::clone).map(Entity::User).collect()
    }
}

impl Entity {
    /// Under which attempts are kept.
    pub(super) fn id(&self) -> UniqueId {
        match self {
            Entity::User(user) => user.id,
            Entity::Role(role) => role.id,
        }
    }

    /// Its ARN.
    pub(super) fn arn(&self, account: &Account) -> String {
        match self {
            Entity::User(user) => arn::user(account.id(), user),
            Entity::Role(role) => arn::role(account.id(), role),
        }
    }

    /// How reports show it.
    pub(super) fn info(&self, account: &Account) -> EntityInfo {
        let (kind, name, path) = match self {
            Entity::User(user) => (PolicyOwnerEntityType::User, &user.name, &user.path),
            Entity::Role(role) => (PolicyOwnerEntityType::Role, &role.name, &role.path),
        };
        EntityInfo {
            arn: self.arn(account),
            name: name.to_string(),
            r#type: kind,
            id: self.id().to_string(),
            path: Some(path.to_string()),
        }
    }
}
