//! Ending credentials before their time.
//!
//! A revocation says the same whenever it is planned, and however often: the node plans it at once
//! in memory, and later for the store.

use iamd_wire::{ErrorCode, Timestamp};
use minicbor::{Decode, Encode};

use super::closing::after;
use super::{Command, Operator, Queue, Reach, absent, settings};
use crate::account_id::AccountId;
use crate::arn::{self, IamArn};
use crate::draw::Draw;
use crate::operation::Planned;
use crate::record;
use crate::refusal::Refusal;
use crate::ring::SessionKeys;

use crate::state::{
    AccessKey, AccessKeyStatus, Account, AccountSettings, Change, Entity, EntityKey, KeyOwner,
    RevokedSession, Role, ServiceCredential, State, User,
};
use crate::unique_id::{AccessKeyId, IdPrefix, UniqueId};

/// Longest temporary credential, in seconds: a user's. STS API model, `durationSecondsType`.
const SESSION_SECONDS_MAX: i64 = 129_600;
/// How much longer a revoked session is remembered: for clocks that disagree.
const CLOCKS_SECONDS: i64 = 3_600;
/// Most temporary credentials of an account that are ended one by one at any time.
// CHOICE: whoever has more to end ends those of their principals.
const REVOKED_SESSIONS_MAX: usize = 10_000;

/// What is revoked, and when that was said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Revocation {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// What of it.
    #[n(1)]
    pub what: Revocable,
    /// Since when.
    #[cbor(n(2), with = "record::timestamp")]
    pub at: Timestamp,
}

/// A revocation, and who ordered it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct OrderedRevocation {
    /// What is revoked.
    #[n(0)]
    pub revocation: Revocation,
    /// Who said so.
    #[n(1)]
    pub operator: Operator,
}

/// What can be revoked.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Revocable {
    /// All sessions of everybody in the account.
    #[n(0)]
    Sessions,
    /// The same, and every access key and service-specific credential is made inactive.
    #[n(1)]
    SessionsAndKeys,
    /// All sessions of root.
    #[n(2)]
    Root,
    /// All sessions of a user.
    #[n(3)]
    User(#[n(0)] UniqueId),
    /// All sessions of a role.
    #[n(4)]
    Role(#[n(0)] UniqueId),
    /// An access key, which is made inactive.
    #[n(5)]
    AccessKey(#[n(0)] AccessKeyId),
    /// One temporary credential.
    #[n(6)]
    Session {
        /// Its access key id.
        #[n(0)]
        id: AccessKeyId,
        /// When it would have ended at the latest.
        #[cbor(n(1), with = "record::timestamp")]
        expires: Timestamp,
    },
    /// A service-specific credential, which is made inactive.
    #[n(7)]
    ServiceCredential(#[n(0)] UniqueId),
}

/// What a revocation comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revoked {
    /// The access keys that it made inactive, or that were already.
    pub access_keys: Vec<AccessKeyId>,
    /// The same of service-specific credentials.
    pub service_credentials: Vec<UniqueId>,
}

impl Revocation {
    /// Everything of an account, with or without its long-term credentials.
    ///
    /// # Errors
    /// `NoSuchEntity`
    pub fn of_account(
        state: &State,
        account: AccountId,
        what: Revocable,
        at: Timestamp,
    ) -> Result<Revocation, Refusal> {
        settings(state, account)?;
        Ok(Revocation { account, what, at })
    }

    /// All sessions of whoever this ARN names.
    ///
    /// # Errors
    /// `InvalidInput` for what is no principal, `NoSuchEntity` for one that does not exist.
    pub fn of_principal(state: &State, text: &str, at: Timestamp) -> Result<Revocation, Refusal> {
        if let Some(hint) = other_principal(text) {
            return Err(invalid(format!("`{text}` {hint}")));
        }
        let not_arn = || invalid(format!("`{text}` is not the ARN of a user, a role or root"));
        if let Some(account) = text.strip_prefix("arn:aws:iam::").and_then(root_of) {
            return Revocation::of_account(state, account, Revocable::Root, at);
        }
        let parts = IamArn::parse(text).ok_or_else(not_arn)?;
        let id: AccountId = parts.account.parse().map_err(|_| not_arn())?;
        let account =
            state.account(id).ok_or_else(|| absent(format!("there is no account {id}")))?;
        let nobody = || absent(format!("there is no {text}"));
        let what = match parts.resource_type {
            "user" => {
                let user = account.users().named(parts.name);
                let user = user.filter(|user| arn::user(id, user) == text).ok_or_else(nobody)?;
                Revocable::User(user.id)
            }
            "role" => {
                let role = account.roles().named(parts.name);
                let role = role.filter(|role| arn::role(id, role) == text).ok_or_else(nobody)?;
                Revocable::Role(role.id)
            }
            _ => return Err(not_arn()),
        };
        Ok(Revocation { account: id, what, at })
    }

    /// A long-term access key.
    ///
    /// # Errors
    /// `NoSuchEntity`
    pub fn of_access_key(state: &State, id: &str, at: Timestamp) -> Result<Revocation, Refusal> {
        let id: AccessKeyId = id.parse().map_err(|_| not_a_key(id))?;
        let (account, _) =
            state.access_key(&id).ok_or_else(|| absent(format!("there is no access key {id}")))?;
        Ok(Revocation { account: account.id(), what: Revocable::AccessKey(id), at })
    }

    /// A service-specific credential.
    ///
    /// # Errors
    /// `InvalidInput` for what is no id of one, `NoSuchEntity`
    pub fn of_service_credential(
        state: &State,
        id: &str,
        at: Timestamp,
    ) -> Result<Revocation, Refusal> {
        let not_an_id =
            |_| invalid(format!("`{id}` is not the id of a service-specific credential"));
        let id: UniqueId = id.parse().map_err(not_an_id)?;
        let account = id.account().and_then(|account| state.account(account));
        let account = account
            .filter(|account| account.service_credentials().with_id(id.as_str()).is_some())
            .ok_or_else(|| absent(format!("there is no service-specific credential {id}")))?;
        Ok(Revocation { account: account.id(), what: Revocable::ServiceCredential(id), at })
    }

    /// The temporary credential of this access key id. Whether there is one, nobody knows.
    ///
    /// # Errors
    /// `InvalidInput` for what is none, `NoSuchEntity` for one of no account.
    pub fn of_session(state: &State, id: &str, at: Timestamp) -> Result<Revocation, Refusal> {
        let id: AccessKeyId = id.parse().map_err(|_| not_a_key(id))?;
        if !id.as_str().starts_with(IdPrefix::TemporaryKey.as_str()) {
            return Err(invalid(format!(
                "{id} is not the access key id of a temporary credential: those begin with ASIA"
            )));
        }
        let expires = Timestamp::from_seconds(at.seconds().saturating_add(SESSION_SECONDS_MAX));
        Revocation::of_known_session(state, id, expires, at)
    }

    /// The temporary credential of this session token.
    ///
    /// # Errors
    /// `InvalidInput` for what is no token of this server.
    pub fn of_token(
        state: &State,
        keys: &SessionKeys,
        token: &str,
        at: Timestamp,
    ) -> Result<Revocation, Refusal> {
        let (id, expires) = keys.identify(token).map_err(|error| invalid(error.to_string()))?;
        Revocation::of_known_session(state, id, expires, at)
    }

    fn of_known_session(
        state: &State,
        id: AccessKeyId,
        expires: Timestamp,
        at: Timestamp,
    ) -> Result<Revocation, Refusal> {
        let account = id.account().filter(|account| state.account(*account).is_some());
        let account =
            account.ok_or_else(|| absent(format!("the credential {id} is of no account here")))?;
        Ok(Revocation { account, what: Revocable::Session { id, expires }, at })
    }

    /// Refuses what there is no room for; asked once, before the revocation is in force anywhere.
    ///
    /// # Errors
    /// `NoSuchEntity` for an account that is gone; `LimitExceeded`.
    pub fn permit(&self, state: &State) -> Result<(), Refusal> {
        let account = self.of(state)?;
        let Revocable::Session { id, .. } = &self.what else { return Ok(()) };
        let revoked = account.revoked_sessions();
        let good = revoked.values().filter(|expires| **expires >= self.at).count();
        if good < REVOKED_SESSIONS_MAX || revoked.contains_key(id) {
            return Ok(());
        }
        Err(Refusal::new(
            ErrorCode::LimitExceeded,
            format!(
                "{REVOKED_SESSIONS_MAX} sessions of account {} are revoked one by one already; revoke all of a principal or of the account",
                account.id()
            ),
        ))
    }

    /// What it ends, whatever of that is in force already: what is in memory may not be stored.
    /// Takes nothing away, so that memory goes on knowing what the store has.
    ///
    /// # Errors
    /// `NoSuchEntity` for an account that is gone.
    pub fn in_force(&self, state: &State) -> Result<Planned<Revoked>, Refusal> {
        let account = self.of(state)?;
        let Changed { changes, revoked } = self.changes(account, settings(state, self.account)?);
        Ok(Planned::write(account, changes, revoked))
    }

    /// The same for the store, which forgets revoked sessions that have ended by themselves.
    ///
    /// # Errors
    /// As [`Revocation::in_force`].
    pub fn planned(&self, state: &State) -> Result<Planned<Revoked>, Refusal> {
        let account = self.of(state)?;
        let over = account.revoked_sessions().iter().filter(|(id, expires)| {
            let is_this = matches!(&self.what, Revocable::Session { id: this, .. } if this == *id);
            let forgotten = expires.seconds().saturating_add(CLOCKS_SECONDS);
            forgotten < self.at.seconds() && !is_this
        });
        let mut changes: Vec<Change> =
            over.map(|(id, _)| Change::Remove(EntityKey::RevokedSession(id.clone()))).collect();
        let changed = self.changes(account, settings(state, self.account)?);
        changes.extend(changed.changes);
        Ok(Planned::write(account, changes, changed.revoked))
    }

    fn of<'s>(&self, state: &'s State) -> Result<&'s Account, Refusal> {
        let account = state.account(self.account).map(|account| &**account);
        account.ok_or_else(|| absent(format!("there is no account {}", self.account)))
    }

    fn changes(&self, account: &Account, settings: &AccountSettings) -> Changed {
        let until = |known: Option<Timestamp>| known.max(Some(after(self.at)));
        let mut changed = Changed::default();
        let end_all = || {
            let sessions_not_before = until(settings.sessions_not_before);
            AccountSettings { sessions_not_before, ..settings.clone() }
        };
        match &self.what {
            Revocable::Sessions => changed.put(Entity::Settings(end_all())),
            Revocable::SessionsAndKeys => {
                changed.put(Entity::Settings(end_all()));
                account.access_keys().for_each(|key| changed.deactivate(key));
                let of_users = account
                    .users()
                    .iter()
                    .flat_map(|user| account.service_credentials().of(KeyOwner::User(user.id)));
                of_users.for_each(|credential| changed.deactivate_for_service(credential));
            }
            Revocable::Root => {
                let root_sessions_not_before = until(settings.root_sessions_not_before);
                let settings = AccountSettings { root_sessions_not_before, ..settings.clone() };
                changed.put(Entity::Settings(settings));
            }
            // A principal that is gone has no sessions any more.
            Revocable::User(id) => {
                if let Some(user) = account.users().with_id(*id) {
                    let sessions_not_before = until(user.sessions_not_before);
                    changed.put(Entity::User(User { sessions_not_before, ..User::clone(user) }));
                }
            }
            Revocable::Role(id) => {
                if let Some(role) = account.roles().with_id(*id) {
                    let sessions_not_before = until(role.sessions_not_before);
                    changed.put(Entity::Role(Role { sessions_not_before, ..Role::clone(role) }));
                }
            }
            Revocable::AccessKey(id) => {
                if let Some(key) = account.access_key(id) {
                    changed.deactivate(key);
                }
            }
            Revocable::ServiceCredential(id) => {
                if let Some(credential) = account.service_credentials().with_id(id.as_str()) {
                    changed.deactivate_for_service(credential);
                }
            }
            Revocable::Session { id, expires } => {
                let session = RevokedSession { id: id.clone(), expires: *expires };
                changed.put(Entity::RevokedSession(session));
            }
        }
        changed
    }
}

impl Command for Revocation {
    const ACTION: &'static str = "iamd:Revoke";
    const REACH: Reach = Reach::Anywhere;
    type Output = Revoked;

    fn queue(&self) -> Queue {
        Queue::Of(self.account)
    }

    fn shown(&self) -> serde_json::Value {
        let (what, id) = match &self.what {
            Revocable::Sessions => ("sessions", None),
            Revocable::SessionsAndKeys => ("sessions and long-term credentials", None),
            Revocable::Root => ("sessions of root", None),
            Revocable::User(id) => ("sessions of a user", Some(id.to_string())),
            Revocable::Role(id) => ("sessions of a role", Some(id.to_string())),
            Revocable::AccessKey(id) => ("an access key", Some(id.to_string())),
            Revocable::Session { id, .. } => ("a session", Some(id.to_string())),
            Revocable::ServiceCredential(id) => {
                ("a service-specific credential", Some(id.to_string()))
            }
        };
        serde_json::json!({"accountId": self.account.to_string(), "what": what, "id": id})
    }

    fn plan(&self, state: &State, _: &mut Draw) -> Result<Planned<Revoked>, Refusal> {
        self.planned(state)
    }
}

#[derive(Default)]
struct Changed {
    changes: Vec<Change>,
    revoked: Revoked,
}

impl Changed {
    fn put(&mut self, entity: Entity) {
        self.changes.push(Change::Put(entity));
    }

    fn deactivate(&mut self, key: &AccessKey) {
        self.revoked.access_keys.push(key.id.clone());
        self.put(Entity::AccessKey(AccessKey { status: AccessKeyStatus::Inactive, ..key.clone() }));
    }

    fn deactivate_for_service(&mut self, credential: &ServiceCredential) {
        self.revoked.service_credentials.push(credential.id);
        let status = AccessKeyStatus::Inactive;
        self.put(Entity::ServiceCredential(ServiceCredential { status, ..credential.clone() }));
    }
}

fn root_of(rest: &str) -> Option<AccountId> {
    rest.strip_suffix(":root")?.parse().ok()
}

/// What to do about a principal whose sessions cannot be told from those of others.
fn other_principal(arn: &str) -> Option<&'static str> {
    let rest = arn.strip_prefix("arn:aws:sts::")?;
    let (_, resource) = rest.split_once(':')?;
    if resource.starts_with("assumed-role/") {
        return Some(
            "is one session of a role: revoke the role, or the credential by its access key id",
        );
    }
    // They are made with the credentials of a user, whose unique id they carry.
    resource.starts_with("federated-user/").then_some(
        "is a federated user: revoke the user whose credentials made the session, or the credential by its access key id",
    )
}

fn not_a_key(text: &str) -> Refusal {
    invalid(format!("`{text}` is not an access key id"))
}

fn invalid(message: String) -> Refusal {
    Refusal::new(ErrorCode::InvalidInput, message)
}
