//! Ordinary requests of IAM, and what they do to a state that is only being thought of.

use std::collections::BTreeMap;

use iamd_wire::query::Parameters;
use iamd_wire::{ErrorCode, Service, constraint};

use super::beside::{OidcProvider, PasswordPolicy, SamlProvider};
use super::content::{Entity, Group, Policy, Profile, Role, User, Version};
use crate::account_id::AccountId;
use crate::caller::{Caller, Credential};
use crate::draw::Draw;
use crate::iam::encoded_document;
use crate::identity_policies::IdentityPolicies;
use crate::marker::MarkerKey;
use crate::operation::{Access, Environment, Facts, LastUse, Operation, Scene};
use crate::perform::{Visitor, with_operation};
use crate::quota::Quotas;
use crate::refusal::Refusal;
use crate::ring::SessionKeys;
use crate::state::{Account, AccountChanges, ServerCertificate, State};
use crate::unique_id::{AccessKeyId, IdPrefix, UniqueId};

/// A role is made with it, and gets its own trust policy when all roles are there: so roles may
/// trust each other. It is never in force, for all is one change.
const NO_TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}"#;

/// A request: an operation of IAM and its parameters in form encoding.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) operation: &'static str,
    form: String,
}

impl Request {
    fn new(operation: &'static str, members: &[(&str, &str)]) -> Request {
        let mut request = Request { operation, form: String::new() };
        for (name, value) in members {
            request.push(name, value);
        }
        request
    }

    fn push(&mut self, name: &str, value: &str) {
        if !self.form.is_empty() {
            self.form.push('&');
        }
        self.form.push_str(name);
        self.form.push('=');
        self.form.push_str(&encoded_document(value));
    }

    fn with(mut self, name: &str, value: Option<&str>) -> Request {
        if let Some(value) = value {
            self.push(name, value);
        }
        self
    }

    fn tagged(mut self, tags: &BTreeMap<String, String>) -> Request {
        for (number, (key, value)) in (1..).zip(tags) {
            self.push(&format!("Tags.member.{number}.Key"), key);
            self.push(&format!("Tags.member.{number}.Value"), value);
        }
        self
    }
}

/// The request that makes an OpenID Connect provider.
pub(super) fn oidc_provider(url: &str, provider: &OidcProvider) -> Vec<Request> {
    let url = format!("https://{url}");
    let mut create = Request::new("CreateOpenIDConnectProvider", &[("Url", &*url)]);
    for (number, id) in (1..).zip(&provider.client_ids) {
        create.push(&format!("ClientIDList.member.{number}"), id);
    }
    for (number, thumbprint) in (1..).zip(&provider.thumbprints) {
        create.push(&format!("ThumbprintList.member.{number}"), thumbprint);
    }
    vec![create.tagged(&provider.tags)]
}

/// The request that makes a SAML provider without keys.
pub(super) fn saml_provider(name: &str, provider: &SamlProvider) -> Vec<Request> {
    let members = [("Name", name), ("SAMLMetadataDocument", &*provider.metadata)];
    vec![Request::new("CreateSAMLProvider", &members).tagged(&provider.tags)]
}

/// The request that sets the rules for passwords.
pub(super) fn password_policy(policy: &PasswordPolicy) -> Vec<Request> {
    let mut update = Request::new("UpdateAccountPasswordPolicy", &[]);
    let mut push = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            update.push(name, &value);
        }
    };
    let flag = |value: bool| Some(value.to_string());
    push("MinimumPasswordLength", Some(policy.minimum_password_length.to_string()));
    push("RequireSymbols", flag(policy.require_symbols));
    push("RequireNumbers", flag(policy.require_numbers));
    push("RequireUppercaseCharacters", flag(policy.require_uppercase_characters));
    push("RequireLowercaseCharacters", flag(policy.require_lowercase_characters));
    push("AllowUsersToChangePassword", flag(policy.allow_users_to_change_password));
    push("MaxPasswordAge", policy.max_password_age.map(|days| days.to_string()));
    let reuse = policy.password_reuse_prevention;
    push("PasswordReusePrevention", reuse.map(|count| count.to_string()));
    push("HardExpiry", policy.hard_expiry.map(|value| value.to_string()));
    vec![update]
}

/// The word of a kind in the names of operations and members.
#[derive(Clone, Copy)]
struct Words {
    name: &'static str,
    put: &'static str,
    attach: &'static str,
}

const USER: Words = Words { name: "UserName", put: "PutUserPolicy", attach: "AttachUserPolicy" };
const GROUP: Words =
    Words { name: "GroupName", put: "PutGroupPolicy", attach: "AttachGroupPolicy" };
const ROLE: Words = Words { name: "RoleName", put: "PutRolePolicy", attach: "AttachRolePolicy" };

/// The requests that make a managed policy.
pub(super) fn policy(account: AccountId, name: &str, policy: &Policy) -> Vec<Request> {
    let arn = policy.arn(account, name);
    let mut versions = policy.versions.iter();
    let Some(Version { document, .. }) = versions.next() else { return Vec::new() };
    let members =
        [("PolicyName", name), ("Path", &policy.path), ("PolicyDocument", document.text())];
    let create = Request::new("CreatePolicy", &members)
        .with("Description", policy.description.as_deref())
        .tagged(&policy.tags);
    let later = versions.map(|version| {
        let is_default = if version.is_default { "true" } else { "false" };
        let document = version.document.text();
        let members =
            [("PolicyArn", &*arn), ("PolicyDocument", document), ("SetAsDefault", is_default)];
        Request::new("CreatePolicyVersion", &members)
    });
    std::iter::once(create).chain(later).collect()
}

/// The requests that make a group.
pub(super) fn group(name: &str, Group { entity }: &Group) -> Vec<Request> {
    let create = Request::new("CreateGroup", &[("GroupName", name), ("Path", &entity.path)]);
    std::iter::once(create).chain(policies(GROUP, name, entity)).collect()
}

/// The requests that make a user and put him into his groups.
pub(super) fn user(name: &str, User { entity, groups }: &User) -> Vec<Request> {
    let create = Request::new("CreateUser", &[("UserName", name), ("Path", &entity.path)])
        .with("PermissionsBoundary", entity.boundary.as_deref())
        .tagged(&entity.tags);
    let join = groups
        .iter()
        .map(|group| Request::new("AddUserToGroup", &[("UserName", name), ("GroupName", group)]));
    std::iter::once(create).chain(policies(USER, name, entity)).chain(join).collect()
}

/// The requests that make a role which nobody may assume yet.
pub(super) fn role(name: &str, role: &Role) -> Vec<Request> {
    let entity = &role.entity;
    let members =
        [("RoleName", name), ("Path", &entity.path), ("AssumeRolePolicyDocument", NO_TRUST)];
    let seconds = role.session_seconds_max.map(|seconds| seconds.to_string());
    let create = Request::new("CreateRole", &members)
        .with("Description", role.description.as_deref())
        .with("MaxSessionDuration", seconds.as_deref())
        .with("PermissionsBoundary", entity.boundary.as_deref())
        .tagged(&entity.tags);
    std::iter::once(create).chain(policies(ROLE, name, entity)).collect()
}

/// The request that gives a role its trust policy.
pub(super) fn role_trust(name: &str, role: &Role) -> Vec<Request> {
    let members = [("RoleName", name), ("PolicyDocument", role.trust.text())];
    vec![Request::new("UpdateAssumeRolePolicy", &members)]
}

/// The requests that make an instance profile.
pub(super) fn profile(name: &str, profile: &Profile) -> Vec<Request> {
    let members = [("InstanceProfileName", name), ("Path", &profile.path)];
    let create = Request::new("CreateInstanceProfile", &members).tagged(&profile.tags);
    let add = profile.role.iter().map(|role| {
        let members = [("InstanceProfileName", name), ("RoleName", role)];
        Request::new("AddRoleToInstanceProfile", &members)
    });
    std::iter::once(create).chain(add).collect()
}

fn policies(words: Words, name: &str, entity: &Entity) -> impl Iterator<Item = Request> {
    let put = entity.inline.iter().map(move |(policy, document)| {
        let members =
            [(words.name, name), ("PolicyName", policy), ("PolicyDocument", document.text())];
        Request::new(words.put, &members)
    });
    let attach = entity
        .attached
        .iter()
        .map(move |arn| Request::new(words.attach, &[(words.name, name), ("PolicyArn", arn)]));
    put.chain(attach)
}

/// A state that requests are tried on, with what they have changed.
pub(super) struct Trial<'a> {
    state: State,
    caller: Caller,
    quotas: &'a Quotas,
    draw: &'a mut Draw,
    /// What has changed, in order.
    pub(super) changes: Vec<AccountChanges>,
}

impl<'a> Trial<'a> {
    /// Tries on a copy of this state, in this account.
    pub(super) fn new(
        state: &State,
        account: AccountId,
        quotas: &'a Quotas,
        draw: &'a mut Draw,
    ) -> Trial<'a> {
        // Requests are made in the name of root, by a key that exists nowhere.
        let key = AccessKeyId::draw(IdPrefix::LongTermKey, account, draw);
        let caller = Caller::root(account, Credential::LongTerm(key));
        Trial { state: state.clone(), caller, quotas, draw, changes: Vec::new() }
    }

    /// Plans a request on what its predecessors came to. Whether it is allowed was decided before:
    /// an operator commands it.
    ///
    /// # Errors
    /// What the operation refuses, in AWS's words.
    pub(super) fn send(&mut self, request: &Request) -> Result<(), Refusal> {
        let form = Parameters::parse(request.form.as_bytes())
            .map_err(|error| Refusal::new(error.code, error.message))?;
        let operation = Service::Iam.operation(request.operation).ok_or_else(unknown)?;
        constraint::validate(&form, operation)
            .map_err(|message| Refusal::new(ErrorCode::ValidationError, message))?;
        let state = self.state.clone();
        let account = state.account(self.caller.account).ok_or_else(unknown)?;
        let scene = Scene {
            state: &state,
            account,
            caller: &self.caller,
            environment: &Environment::default(),
            facts: &NoFacts,
            // These requests begin no sessions, list nothing, issue nothing, and are not decided here.
            session_keys: &SessionKeys::new([]),
            identity_policies: &IdentityPolicies::default(),
            marker_key: &MarkerKey::new(&self.draw.bytes()),
            quotas: self.quotas,
            external_url: "",
            prepared: None,
            witness: &(),
            now: self.draw.now(),
        };
        let plan = Plan { form: &form, scene, draw: self.draw };
        let changes =
            with_operation(Service::Iam, request.operation, plan).ok_or_else(unknown)??;
        for change in changes {
            self.state.apply(&change);
            self.changes.push(change);
        }
        Ok(())
    }
}

fn unknown() -> Refusal {
    Refusal::new(ErrorCode::InvalidAction, "there is no such operation or account")
}

struct NoFacts;

impl Facts for NoFacts {
    fn access_key_last_use(&self, _: &AccessKeyId) -> Option<LastUse> {
        None
    }

    fn role_last_use(&self, _: UniqueId) -> Option<LastUse> {
        None
    }

    fn accesses(&self, _: AccountId, _: &str) -> Vec<Access> {
        Vec::new()
    }

    fn user_of_certificate(&self, _: &Account, _: &ServerCertificate) -> Option<Box<str>> {
        None
    }
}

struct Plan<'a> {
    form: &'a Parameters<'a>,
    scene: Scene<'a>,
    draw: &'a mut Draw,
}

impl Visitor for Plan<'_> {
    type Outcome = Result<Vec<AccountChanges>, Refusal>;

    fn visit<O: Operation>(self) -> Self::Outcome {
        let operation: O = self
            .form
            .decode()
            .map_err(|error| Refusal::new(ErrorCode::ValidationError, error.to_string()))?;
        Ok(operation.plan(&self.scene, self.draw)?.changes)
    }
}
