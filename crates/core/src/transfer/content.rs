//! What an account holds that can be carried to another one.

use std::collections::{BTreeMap, BTreeSet};

use super::beside::{self, OidcProvider, PasswordPolicy, SamlProvider, ServerCertificate};
use super::document::Document;
use crate::account_id::AccountId;
use crate::arn;
use crate::iam::shown_trust_text;
use crate::state::{self, Account, InlinePolicies, Named, State};

/// Everything, each kind by name.
#[derive(Debug, Default)]
pub struct Content {
    /// Customer managed policies.
    pub policies: BTreeMap<String, Policy>,
    /// Groups.
    pub groups: BTreeMap<String, Group>,
    /// Users.
    pub users: BTreeMap<String, User>,
    /// Roles.
    pub roles: BTreeMap<String, Role>,
    /// Instance profiles.
    pub profiles: BTreeMap<String, Profile>,
    /// Roles that are not carried over, by name: those of services.
    pub left_out: BTreeSet<String>,
    /// OpenID Connect providers.
    pub oidc_providers: BTreeMap<String, OidcProvider>,
    /// SAML providers.
    pub saml_providers: BTreeMap<String, SamlProvider>,
    /// Server certificates.
    pub certificates: BTreeMap<String, ServerCertificate>,
    /// The alias of the account.
    pub alias: Option<String>,
    /// The rules for passwords.
    pub password_policy: Option<PasswordPolicy>,
}

/// What is alike in users, groups and roles.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entity {
    /// The path.
    pub path: String,
    /// Inline policies by name.
    pub inline: BTreeMap<String, Document>,
    /// ARNs of managed policies.
    pub attached: BTreeSet<String>,
    /// The ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// Tags; groups have none.
    pub tags: BTreeMap<String, String>,
}

/// A customer managed policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The path.
    pub path: String,
    /// The description.
    pub description: Option<String>,
    /// The versions, oldest first.
    pub versions: Vec<Version>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A version of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// The document.
    pub document: Document,
    /// Whether it is in force.
    pub is_default: bool,
}

/// A group.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Path and policies.
    pub entity: Entity,
}

/// A user.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// Path, policies and tags.
    pub entity: Entity,
    /// Names of his groups.
    pub groups: BTreeSet<String>,
}

/// A role.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Path, policies and tags.
    pub entity: Entity,
    /// The trust policy.
    pub trust: Document,
    /// The description.
    pub description: Option<String>,
    /// Longest session, in seconds, where it is not the usual hour.
    pub session_seconds_max: Option<u32>,
}

/// An instance profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The path.
    pub path: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// The name of its role.
    pub role: Option<String>,
}

/// Where roles of services are, which only the services make.
/// Source: IAM User Guide, "Create a service-linked role".
pub(super) const SERVICE_ROLE_PATH: &str = "/aws-service-role/";

impl Content {
    /// What an account holds.
    pub fn of(state: &State, account: &Account) -> Content {
        let mut content = Content {
            oidc_providers: beside::oidc_providers(account),
            saml_providers: beside::saml_providers(account),
            certificates: beside::certificates(account),
            alias: beside::alias(account),
            password_policy: beside::password_policy(account),
            ..Content::default()
        };
        for policy in account.policies().iter() {
            content.policies.insert(policy.name.to_string(), Policy::of(policy));
        }
        for group in account.groups().iter() {
            let entity = entity(&**group, &group.inline, &group.attached, None, &[]);
            content.groups.insert(group.name.to_string(), Group { entity });
        }
        for user in account.users().iter() {
            content.users.insert(user.name.to_string(), User::of(account, user));
        }
        for role in account.roles().iter() {
            if role.path.starts_with(SERVICE_ROLE_PATH) {
                content.left_out.insert(role.name.to_string());
                continue;
            }
            content.roles.insert(role.name.to_string(), Role::of(state, role));
        }
        for profile in account.instance_profiles().iter() {
            content.profiles.insert(profile.name.to_string(), Profile::of(account, profile));
        }
        content
    }

    /// How many things there are.
    pub fn len(&self) -> usize {
        let beside = self.oidc_providers.len() + self.saml_providers.len();
        let beside = beside + self.certificates.len() + usize::from(self.alias.is_some());
        let beside = beside + usize::from(self.password_policy.is_some());
        let Content { policies, groups, users, roles, profiles, .. } = self;
        policies.len() + groups.len() + users.len() + roles.len() + profiles.len() + beside
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Policy {
    fn of(policy: &state::Policy) -> Policy {
        let version = |version: &state::PolicyVersion| Version {
            document: Document(version.document.text().into()),
            is_default: version.number == policy.default_version,
        };
        Policy {
            path: policy.path.to_string(),
            description: policy.description.as_deref().map(str::to_owned),
            versions: policy.versions.iter().map(version).collect(),
            tags: tags(&policy.tags),
        }
    }

    /// The ARN in an account.
    pub fn arn(&self, account: AccountId, name: &str) -> String {
        arn::iam(account, "policy", &self.path, name)
    }
}

impl User {
    fn of(account: &Account, user: &state::User) -> User {
        let groups = user.groups.iter().filter_map(|id| account.groups().with_id(*id));
        User {
            groups: groups.map(|group| group.name.to_string()).collect(),
            entity: entity(user, &user.inline, &user.attached, user.boundary.as_ref(), &user.tags),
        }
    }
}

impl Role {
    fn of(state: &State, role: &state::Role) -> Role {
        Role {
            entity: entity(role, &role.inline, &role.attached, role.boundary.as_ref(), &role.tags),
            trust: Document(shown_trust_text(state, &role.trust).into()),
            description: role.description.as_deref().map(str::to_owned),
            session_seconds_max: role.session_seconds_max,
        }
    }
}

impl Profile {
    fn of(account: &Account, profile: &state::InstanceProfile) -> Profile {
        let role = profile.role.and_then(|id| account.roles().with_id(id));
        Profile {
            path: profile.path.to_string(),
            tags: tags(&profile.tags),
            role: role.map(|role| role.name.to_string()),
        }
    }
}

fn entity(
    named: &impl Named,
    inline: &InlinePolicies,
    attached: &[state::AttachedPolicy],
    boundary: Option<&state::AttachedPolicy>,
    own_tags: &[state::Tag],
) -> Entity {
    let document = |policy: &state::InlinePolicy| Document(policy.document.text().into());
    Entity {
        path: named.path().to_owned(),
        inline: inline.iter().map(|it| (it.name.to_string(), document(it))).collect(),
        attached: attached.iter().map(|policy| policy.arn().to_owned()).collect(),
        boundary: boundary.map(|policy| policy.arn().to_owned()),
        tags: tags(own_tags),
    }
}

pub(super) fn tags(tags: &[state::Tag]) -> BTreeMap<String, String> {
    tags.iter().map(|tag| (tag.key.to_string(), tag.value.to_string())).collect()
}
