//! Who makes a request, as authentication found him.

use std::sync::Arc;

use iamd_policy::Principal;

use crate::account_id::AccountId;
use crate::arn;
use crate::session::{Session, Subject};
use crate::state::{AccessKey, Account, KeyOwner, Role, State, User};
use crate::unique_id::{AccessKeyId, UniqueId};

/// The authenticated maker of a request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account that the caller belongs to.
    pub account: AccountId,
    /// What he is inside that account.
    pub identity: Identity,
    /// The same in the words of the policy engine.
    pub principal: Principal,
    /// What he proved it with.
    pub credential: Credential,
}

/// What a caller is inside his account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The root user.
    Root,
    /// An IAM user.
    User(UniqueId),
    /// A session of a role.
    RoleSession {
        /// The role.
        role: UniqueId,
        /// The name of the session.
        session_name: Box<str>,
    },
}

/// What a caller proved his identity with.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A long-term access key.
    LongTerm(AccessKeyId),
    /// A temporary credential: its access key id, and what it stands for.
    Temporary(AccessKeyId, Arc<Session>),
}

impl Identity {
    /// How attempts to use services are kept: by unique id, those of sessions by their role's, those
    /// of root under a word.
    pub fn access_id(&self) -> &str {
        match self {
            Identity::Root => "root",
            Identity::User(id) | Identity::RoleSession { role: id, .. } => id.as_str(),
        }
    }
}

impl Caller {
    /// The caller who signs with this long-term key; none if the key's owner is gone, or the account
    /// is closed.
    pub fn of_access_key(account: &Account, key: &AccessKey) -> Option<Caller> {
        if !account.is_open() {
            return None;
        }
        let credential = Credential::LongTerm(key.id.clone());
        match key.owner {
            KeyOwner::Root => Some(Caller::root(account.id(), credential)),
            KeyOwner::User(id) => {
                let user = account.users().with_id(id)?;
                Some(Caller::user(account.id(), user, credential))
            }
        }
    }

    /// The caller whom a session token names, by the access key id that goes with it; none if his
    /// principal is gone or was recreated, if this session or all older ones of his were revoked, or
    /// if the account is closed.
    pub fn of_session(state: &State, id: &AccessKeyId, session: &Arc<Session>) -> Option<Caller> {
        let account = state.account(session.account)?;
        let not_before = account.sessions_not_before(&session.subject);
        let is_revoked = not_before.is_some_and(|not_before| session.issued < not_before)
            || account.revoked_sessions().contains_key(id);
        if is_revoked || !account.is_open() {
            return None;
        }
        let credential = Credential::Temporary(id.clone(), Arc::clone(session));
        match &session.subject {
            Subject::Root => Some(Caller::root(account.id(), credential)),
            Subject::User(id) => {
                let user = account.users().with_id(*id)?;
                Some(Caller::user(account.id(), user, credential))
            }
            Subject::Role { role, session_name } => {
                let role = account.roles().with_id(*role)?;
                Some(Caller::role_session(account.id(), role, session_name, credential))
            }
        }
    }

    /// The caller's ARN as answers show it.
    pub fn arn(&self) -> String {
        self.principal.arn().unwrap_or_default().into_owned()
    }

    /// The session, when the credential is temporary.
    pub fn session(&self) -> Option<&Arc<Session>> {
        match &self.credential {
            Credential::LongTerm(_) => None,
            Credential::Temporary(_, session) => Some(session),
        }
    }

    pub(crate) fn root(account: AccountId, credential: Credential) -> Caller {
        Caller {
            account,
            identity: Identity::Root,
            principal: Principal::Root { account: account.to_string() },
            credential,
        }
    }

    fn user(account: AccountId, user: &User, credential: Credential) -> Caller {
        Caller {
            account,
            identity: Identity::User(user.id),
            principal: Principal::User {
                arn: arn::user(account, user),
                unique_id: user.id.as_str().to_owned(),
                has_boundary: user.boundary.is_some(),
            },
            credential,
        }
    }

    fn role_session(
        account: AccountId,
        role: &Role,
        session_name: &str,
        credential: Credential,
    ) -> Caller {
        Caller {
            account,
            identity: Identity::RoleSession { role: role.id, session_name: session_name.into() },
            principal: Principal::RoleSession {
                session_arn: arn::role_session(account, &role.name, session_name),
                role_arn: arn::role(account, role),
                role_id: role.id.to_string(),
                has_boundary: role.boundary.is_some(),
            },
            credential,
        }
    }
}
