//! Whom a simulation takes for the caller.

use iamd_policy::Principal;

use super::invalid;
use crate::arn::{self, IamArn};
use crate::iam::policy_source::{PolicySource, unclear};
use crate::operation::Scene;
use crate::refusal::Refusal;
use crate::state::Tag;

/// The simulated caller.
#[derive(Debug, Clone)]
pub(super) struct SimulatedCaller {
    /// In the words of the policy engine; a group, or nobody, is a user without a name.
    pub(super) principal: Principal,
    /// His account; nobody's is that of every resource.
    pub(super) account: Option<String>,
    kind: Kind,
    tags: Vec<Tag>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Role,
    Unnamed,
}

impl SimulatedCaller {
    /// Nobody in particular: what only policies say counts.
    pub(super) fn nobody(scene: &Scene<'_>) -> SimulatedCaller {
        SimulatedCaller { account: None, ..unnamed(&scene.account.id().to_string()) }
    }

    /// The user, group or role whose policies are simulated.
    pub(super) fn of_source(scene: &Scene<'_>, source: &PolicySource) -> SimulatedCaller {
        let account = scene.account.id();
        match source {
            PolicySource::User(user) => {
                let (arn, id) = (arn::user(account, user), user.id.to_string());
                SimulatedCaller {
                    tags: user.tags.clone(),
                    ..user_of(arn, id, &account.to_string())
                }
            }
            PolicySource::Role(role) => {
                let (arn, id) = (arn::role(account, role), role.id.to_string());
                let account = account.to_string();
                SimulatedCaller {
                    tags: role.tags.clone(),
                    ..role_of(arn, &role.name, id, &account)
                }
            }
            PolicySource::Group(_) => unnamed(&account.to_string()),
        }
    }

    /// The caller of this ARN, whether he exists or not, in any account.
    ///
    /// # Errors
    /// `InvalidInput` for what is no user, group or role.
    pub(super) fn of_arn(scene: &Scene<'_>, arn: &str) -> Result<SimulatedCaller, Refusal> {
        if let Ok(source) = PolicySource::find(scene, arn) {
            return Ok(SimulatedCaller::of_source(scene, &source));
        }
        let parts = IamArn::parse(arn).filter(|parts| {
            let is_account = parts.account.len() == 12
                && parts.account.bytes().all(|byte| byte.is_ascii_digit());
            is_account && !parts.name.is_empty()
        });
        match parts {
            Some(parts) if parts.resource_type == "user" => {
                Ok(user_of(arn.to_owned(), String::new(), parts.account))
            }
            Some(parts) if parts.resource_type == "role" => {
                Ok(role_of(arn.to_owned(), parts.name, String::new(), parts.account))
            }
            Some(parts) if parts.resource_type == "group" => Ok(unnamed(parts.account)),
            Some(_) | None => Err(unclear(arn)),
        }
    }

    /// Whether a resource-based policy can name the caller.
    ///
    /// # Errors
    /// `InvalidInput` for everybody but users.
    pub(super) fn require_user(&self) -> Result<(), Refusal> {
        match self.kind {
            Kind::User => Ok(()),
            Kind::Role | Kind::Unnamed => {
                Err(invalid("Invalid caller - Caller must be an IAM user in this context."))
            }
        }
    }

    /// Tells the engine whether a boundary is simulated.
    pub(super) fn set_boundary(&mut self, is_bounded: bool) {
        match &mut self.principal {
            Principal::User { has_boundary, .. } | Principal::RoleSession { has_boundary, .. } => {
                *has_boundary = is_bounded;
            }
            Principal::Root { .. }
            | Principal::FederatedUser { .. }
            | Principal::Service { .. }
            | Principal::Federated { .. }
            | Principal::Anonymous => {}
        }
    }

    /// The value of a condition key, in lower case, that follows from the caller. A role has no
    /// session here, and so no user id.
    pub(super) fn value(&self, key: &str) -> Option<String> {
        if let Some(name) = key.strip_prefix("aws:principaltag/") {
            let found = self.tags.iter().find(|known| known.key.to_lowercase() == name)?;
            return Some(found.value.to_string());
        }
        let follows = match self.kind {
            Kind::Unnamed => false,
            Kind::User => true,
            Kind::Role => key != "aws:userid",
        };
        self.principal.value(key).filter(|_| follows).map(|value| value.into_owned())
    }
}

fn user_of(arn: String, unique_id: String, account: &str) -> SimulatedCaller {
    SimulatedCaller {
        principal: Principal::User { arn, unique_id, has_boundary: false },
        account: Some(account.to_owned()),
        kind: Kind::User,
        tags: Vec::new(),
    }
}

fn role_of(arn: String, name: &str, role_id: String, account: &str) -> SimulatedCaller {
    let session_arn = format!("arn:{}:sts::{account}:assumed-role/{name}/", arn::PARTITION);
    SimulatedCaller {
        principal: Principal::RoleSession {
            session_arn,
            role_arn: arn,
            role_id,
            has_boundary: false,
        },
        account: Some(account.to_owned()),
        kind: Kind::Role,
        tags: Vec::new(),
    }
}

fn unnamed(account: &str) -> SimulatedCaller {
    let arn = format!("arn:{}:iam::{account}:user/", arn::PARTITION);
    SimulatedCaller { kind: Kind::Unnamed, ..user_of(arn, String::new(), account) }
}
