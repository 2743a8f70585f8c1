//! Bringing a content into an account: what is missing is made, what is there stays.

use std::collections::{BTreeMap, HashMap};

use iamd_wire::ErrorCode;
use serde::{Deserialize, Serialize};

use super::beside::{OidcProvider, SamlProvider, ServerCertificate};
use super::content::{Content, Entity, Policy, Profile, Role, User};
use super::request::{self, Request, Trial};
use crate::account_id::AccountId;
use crate::draw::Draw;
use crate::operation::Planned;
use crate::operator::{Command, Queue, Reach};
use crate::quota::Quotas;
use crate::refusal::Refusal;
use crate::state::{AccountChanges, Change, EntityKey, State};

/// Most problems that one refusal names.
const PROBLEMS_SHOWN_MAX: usize = 20;

/// Brings a content into an account, all of it or nothing.
#[derive(Debug)]
pub struct ImportContent {
    /// The account.
    pub account: AccountId,
    /// What is to be there afterwards.
    pub content: Content,
    /// Whether things that are there already, and differ, are left as they are.
    pub keep_existing: bool,
    /// The quotas of the node.
    pub quotas: Quotas,
}

/// What an import came to, or would come to.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Imported {
    /// The account.
    pub account_id: String,
    /// One line for each thing of the file.
    pub lines: Vec<Line>,
}

/// What becomes of one thing.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Line {
    /// In one word.
    pub sign: Sign,
    /// `policy`, `group`, `user`, `role`, `instance-profile`, `oidc-provider`, `saml-provider`,
    /// `server-certificate`, `account-alias` or `password-policy`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The operations that make it; what differs; why not.
    pub detail: String,
}

/// What becomes of one thing, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// It is made.
    Create,
    /// It is there already, just as it should be.
    Same,
    /// Something of this name is there, and is not the same.
    Differs,
    /// It cannot be carried over.
    LeftOut,
    /// The rules refuse it.
    Refused,
}

impl Imported {
    /// How many things have this sign.
    pub fn count(&self, sign: Sign) -> usize {
        self.lines.iter().filter(|line| line.sign == sign).count()
    }
}

impl Command for ImportContent {
    const ACTION: &'static str = "iamd:ImportAccount";
    const REACH: Reach = Reach::Machine;
    type Output = Imported;

    fn queue(&self) -> Queue {
        Queue::Of(self.account)
    }

    fn shown(&self) -> serde_json::Value {
        let Content { policies, groups, users, roles, profiles, .. } = &self.content;
        serde_json::json!({
            "accountId": self.account.to_string(), "policies": policies.len(),
            "groups": groups.len(), "users": users.len(), "roles": roles.len(),
            "instanceProfiles": profiles.len(),
            "openIDConnectProviders": self.content.oidc_providers.len(),
            "samlProviders": self.content.saml_providers.len(),
            "keepExisting": self.keep_existing,
        })
    }

    fn plan(&self, state: &State, draw: &mut Draw) -> Result<Planned<Imported>, Refusal> {
        let (imported, changes) = self.tried(state, draw, &mut |_, _| {})?;
        imported.require_whole(self.keep_existing)?;
        Ok(Planned { changes, output: imported })
    }
}

impl Imported {
    /// Refuses what cannot be done whole.
    ///
    /// # Errors
    /// `InvalidInput` that names what stands in the way.
    pub fn require_whole(&self, keep_existing: bool) -> Result<(), Refusal> {
        let is_problem = |line: &&Line| match line.sign {
            Sign::Refused => true,
            Sign::Differs => !keep_existing,
            Sign::Create | Sign::Same | Sign::LeftOut => false,
        };
        let problems: Vec<&Line> = self.lines.iter().filter(is_problem).collect();
        if problems.is_empty() {
            return Ok(());
        }
        let shown = problems.iter().take(PROBLEMS_SHOWN_MAX);
        let shown = shown.map(|line| format!("{} {}: {}", line.kind, line.name, line.detail));
        let mut message = format!(
            "nothing is imported, for {} things of the file cannot be:\n{}",
            problems.len(),
            shown.collect::<Vec<String>>().join("\n")
        );
        if problems.len() > PROBLEMS_SHOWN_MAX {
            message.push_str("\n...");
        }
        Err(Refusal::new(ErrorCode::InvalidInput, message))
    }
}

/// One thing that is to be made.
struct Work {
    /// Its line.
    line: usize,
    requests: Vec<Request>,
}

impl ImportContent {
    /// Says what would become of everything, and changes nothing. `step` hears how many things are
    /// done, of how many.
    ///
    /// # Errors
    /// `NoSuchEntity` for an account that is not there.
    pub fn dry_run(
        &self,
        state: &State,
        draw: &mut Draw,
        step: &mut dyn FnMut(usize, usize),
    ) -> Result<Imported, Refusal> {
        self.tried(state, draw, step).map(|(imported, _)| imported)
    }

    fn tried(
        &self,
        state: &State,
        draw: &mut Draw,
        step: &mut dyn FnMut(usize, usize),
    ) -> Result<(Imported, Vec<AccountChanges>), Refusal> {
        let account = state.account(self.account).ok_or_else(|| {
            let message = format!("there is no account {}", self.account);
            Refusal::new(ErrorCode::NoSuchEntity, message)
        })?;
        let there = Content::of(state, account);
        let (mut lines, work) = self.work(&there);
        let mut trial = Trial::new(state, self.account, &self.quotas, draw);
        for (done, Work { line, requests }) in work.iter().enumerate() {
            step(done, work.len());
            let Some(line) = lines.get_mut(*line) else { continue };
            for request in requests {
                // One complaint a thing: what follows from it says nothing new.
                if line.sign != Sign::Refused
                    && let Err(refusal) = trial.send(request)
                {
                    line.sign = Sign::Refused;
                    line.detail = format!("{} is refused: {refusal}", request.operation);
                }
            }
        }
        step(work.len(), work.len());
        let changes = merged(self.account, trial.changes);
        let imported = Imported { account_id: self.account.to_string(), lines };
        Ok((imported, changes))
    }

    /// What is to be made, in an order in which everything finds what it needs.
    fn work(&self, there: &Content) -> (Vec<Line>, Vec<Work>) {
        let content = &self.content;
        let mut plan = Lines::default();
        beside(&mut plan, content, there);
        plan.compare("policy", &content.policies, &there.policies, differing_policy, |name, it| {
            request::policy(self.account, name, it)
        });
        plan.compare(
            "group",
            &content.groups,
            &there.groups,
            |one, other| differing_entity(&one.entity, &other.entity),
            request::group,
        );
        plan.compare("user", &content.users, &there.users, differing_user, request::user);
        let before = plan.lines.len();
        plan.compare("role", &content.roles, &there.roles, differing_role, request::role);
        // Trust policies name users and roles: all of these are there by now.
        for (line, (name, role)) in (before..).zip(&content.roles) {
            if plan.lines.get(line).is_some_and(|line| line.sign == Sign::Create) {
                plan.add(line, request::role_trust(name, role));
            }
        }
        plan.compare(
            "instance-profile",
            &content.profiles,
            &there.profiles,
            differing_profile,
            request::profile,
        );
        for name in &content.left_out {
            let detail = "roles of services are made by their services".to_owned();
            plan.lines.push(line(Sign::LeftOut, "role", name, detail));
        }
        (plan.lines, plan.work)
    }
}

/// Compares what is neither user nor group, role nor policy.
fn beside(plan: &mut Lines, content: &Content, there: &Content) {
    plan.compare(
        "password-policy",
        &only(&content.password_policy),
        &only(&there.password_policy),
        |one, other| unequal(&[("rules", one == other)]),
        |_, policy| request::password_policy(policy),
    );
    plan.compare_or_leave(
        "account-alias",
        &only(&content.alias),
        &only(&there.alias),
        |one, other| unequal(&[("name", one == other)]),
        // Other accounts of the server stand in another queue.
        |_, _| Err("an alias is one account's alone: CreateAccountAlias makes it"),
    );
    plan.compare(
        "oidc-provider",
        &content.oidc_providers,
        &there.oidc_providers,
        differing_oidc_provider,
        request::oidc_provider,
    );
    plan.compare_or_leave(
        "saml-provider",
        &content.saml_providers,
        &there.saml_providers,
        differing_saml_provider,
        |name, provider| match provider.requires_encryption {
            true => Err("it requires encryption, and its private keys are not in the file"),
            false => Ok(request::saml_provider(name, provider)),
        },
    );
    plan.compare_or_leave(
        "server-certificate",
        &content.certificates,
        &there.certificates,
        differing_certificate,
        |_, _| Err("its private key is not in the file: UploadServerCertificate takes both"),
    );
}

/// What an account has once at most, in the form of what it has by name.
fn only<T: Clone>(value: &Option<T>) -> BTreeMap<String, T> {
    value.iter().map(|value| ("account".to_owned(), value.clone())).collect()
}

#[derive(Default)]
struct Lines {
    lines: Vec<Line>,
    work: Vec<Work>,
}

impl Lines {
    /// Compares one kind with what is there, and notes the requests that make what is missing.
    fn compare<T>(
        &mut self,
        kind: &str,
        wanted: &BTreeMap<String, T>,
        there: &BTreeMap<String, T>,
        differing: impl Fn(&T, &T) -> Vec<&'static str>,
        requests: impl Fn(&str, &T) -> Vec<Request>,
    ) {
        let requests = |name: &str, wanted: &T| Ok(requests(name, wanted));
        self.compare_or_leave(kind, wanted, there, differing, requests);
    }

    /// The same where some things cannot be made, with the reason.
    fn compare_or_leave<T>(
        &mut self,
        kind: &str,
        wanted: &BTreeMap<String, T>,
        there: &BTreeMap<String, T>,
        differing: impl Fn(&T, &T) -> Vec<&'static str>,
        requests: impl Fn(&str, &T) -> Result<Vec<Request>, &'static str>,
    ) {
        for (name, wanted) in wanted {
            let Some(there) = there.get(name) else {
                match requests(name, wanted) {
                    Ok(requests) => {
                        self.lines.push(line(Sign::Create, kind, name, String::new()));
                        self.add(self.lines.len() - 1, requests);
                    }
                    Err(why) => {
                        self.lines.push(line(Sign::LeftOut, kind, name, why.to_owned()));
                    }
                }
                continue;
            };
            let differing = differing(wanted, there);
            let sign = if differing.is_empty() { Sign::Same } else { Sign::Differs };
            let detail = match sign {
                Sign::Differs => format!("is there, with other {}", differing.join(", ")),
                _ => String::new(),
            };
            self.lines.push(line(sign, kind, name, detail));
        }
    }

    fn add(&mut self, line: usize, requests: Vec<Request>) {
        if let Some(line) = self.lines.get_mut(line) {
            let names = requests.iter().map(|request| request.operation);
            let names: Vec<&str> =
                line.detail.split(", ").filter(|it| !it.is_empty()).chain(names).collect();
            line.detail = names.join(", ");
        }
        self.work.push(Work { line, requests });
    }
}

fn line(sign: Sign, kind: &str, name: &str, detail: String) -> Line {
    Line { sign, kind: kind.to_owned(), name: name.to_owned(), detail }
}

/// The names of what is not equal.
fn unequal(parts: &[(&'static str, bool)]) -> Vec<&'static str> {
    parts.iter().filter(|(_, is_equal)| !is_equal).map(|(name, _)| *name).collect()
}

fn differing_entity(one: &Entity, other: &Entity) -> Vec<&'static str> {
    unequal(&[
        ("path", one.path == other.path),
        ("inline policies", one.inline == other.inline),
        ("attached policies", one.attached == other.attached),
        ("permissions boundary", one.boundary == other.boundary),
        ("tags", one.tags == other.tags),
    ])
}

fn differing_user(one: &User, other: &User) -> Vec<&'static str> {
    let mut parts = differing_entity(&one.entity, &other.entity);
    parts.extend(unequal(&[("groups", one.groups == other.groups)]));
    parts
}

fn differing_policy(one: &Policy, other: &Policy) -> Vec<&'static str> {
    unequal(&[
        ("path", one.path == other.path),
        ("description", one.description == other.description || one.description.is_none()),
        ("versions", one.versions == other.versions),
        ("tags", one.tags == other.tags || one.tags.is_empty()),
    ])
}

/// AWS's answer has neither description nor duration of roles: what a file does not say is equal.
fn differing_role(one: &Role, other: &Role) -> Vec<&'static str> {
    let seconds = one.session_seconds_max;
    let mut parts = differing_entity(&one.entity, &other.entity);
    parts.extend(unequal(&[
        ("trust policy", one.trust == other.trust),
        ("description", one.description == other.description || one.description.is_none()),
        ("session duration", seconds == other.session_seconds_max || seconds.is_none()),
    ]));
    parts
}

fn differing_profile(one: &Profile, other: &Profile) -> Vec<&'static str> {
    unequal(&[
        ("path", one.path == other.path),
        ("tags", one.tags == other.tags || one.tags.is_empty()),
        ("role", one.role == other.role),
    ])
}

fn differing_oidc_provider(one: &OidcProvider, other: &OidcProvider) -> Vec<&'static str> {
    unequal(&[
        ("client ids", one.client_ids == other.client_ids),
        ("thumbprints", one.thumbprints == other.thumbprints),
        ("tags", one.tags == other.tags),
    ])
}

fn differing_saml_provider(one: &SamlProvider, other: &SamlProvider) -> Vec<&'static str> {
    unequal(&[
        ("metadata", one.metadata == other.metadata),
        ("encryption", one.requires_encryption == other.requires_encryption),
        ("tags", one.tags == other.tags),
    ])
}

fn differing_certificate(one: &ServerCertificate, other: &ServerCertificate) -> Vec<&'static str> {
    unequal(&[
        ("path", one.path == other.path),
        ("certificate", one.body == other.body),
        ("chain", one.chain == other.chain),
        ("tags", one.tags == other.tags),
    ])
}

/// Everything as it is in the end: what requests have put again and again is put once.
fn merged(account: AccountId, changes: Vec<AccountChanges>) -> Vec<AccountChanges> {
    let mut places: HashMap<EntityKey, usize> = HashMap::new();
    let mut merged: Vec<Change> = Vec::new();
    for change in changes.into_iter().flat_map(|changes| changes.changes) {
        let key = match &change {
            Change::Put(entity) => entity.key(),
            Change::Remove(key) => key.clone(),
        };
        let place = *places.entry(key).or_insert(merged.len());
        match merged.get_mut(place) {
            Some(old) => *old = change,
            None => merged.push(change),
        }
    }
    if merged.is_empty() {
        return Vec::new();
    }
    vec![AccountChanges { account, changes: merged }]
}
