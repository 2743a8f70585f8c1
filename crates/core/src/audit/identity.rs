//! The element `userIdentity`. Source: CloudTrail User Guide, "CloudTrail userIdentity element".

use std::fmt::{self, Display};

use iamd_policy::Principal;
use iamd_wire::Timestamp;
use serde::{Serialize, Serializer};

use super::event::{Actor, Requester};
use crate::account_id::AccountId;
use crate::caller::{Caller, Identity};
use crate::session::Session;
use crate::unique_id::UniqueId;

/// The element `userIdentity`, in CloudTrail's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserIdentity<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal_id: Option<PrincipalId<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<Owner>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_context: Option<SessionContext<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoked_by: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionContext<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    session_issuer: Option<SessionIssuer<'a>>,
    attributes: Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionIssuer<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    principal_id: &'a str,
    arn: &'a str,
    account_id: Text<AccountId>,
    user_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    creation_date: Text<Timestamp>,
    mfa_authenticated: &'static str,
}

/// Who the operator is in records.
const OPERATOR: &str = "iamd operator";
/// Who iamd itself is.
const SERVER: &str = "iamd";

impl<'a> UserIdentity<'a> {
    pub(super) fn of(actor: &'a Actor) -> UserIdentity<'a> {
        match actor {
            Actor::Caller(Requester { caller, access_key_id }) => {
                UserIdentity::of_caller(caller, access_key_id)
            }
            // Source: CloudTrail User Guide, "userIdentity element", requests without a signature.
            Actor::Stranger => UserIdentity {
                kind: "AWSAccount",
                principal_id: Some(PrincipalId::Nobody),
                account_id: Some(Owner::Nobody),
                invoked_by: None,
                ..UserIdentity::of_service("")
            },
            Actor::Operator => UserIdentity::of_service(OPERATOR),
            Actor::Server => UserIdentity::of_service(SERVER),
        }
    }

    fn of_service(name: &'static str) -> UserIdentity<'a> {
        UserIdentity {
            kind: "AWSService",
            principal_id: None,
            arn: None,
            account_id: None,
            access_key_id: None,
            user_name: None,
            session_context: None,
            invoked_by: Some(name),
        }
    }

    fn of_caller(caller: &'a Caller, access_key_id: &'a str) -> UserIdentity<'a> {
        let (kind, principal_id, user_name) = match (&caller.identity, &caller.principal) {
            (Identity::User(id), Principal::User { arn, .. }) => {
                ("IAMUser", PrincipalId::User(id), Some(last_segment(arn)))
            }
            (Identity::User(id), _) => ("IAMUser", PrincipalId::User(id), None),
            (Identity::RoleSession { role, session_name }, _) => {
                ("AssumedRole", PrincipalId::Session(role, session_name), None)
            }
            (Identity::Root, _) => ("Root", PrincipalId::Root(caller.account), None),
        };
        let session = caller.session().map(|session| &**session);
        UserIdentity {
            kind,
            principal_id: Some(principal_id),
            arn: Some(caller.arn()),
            account_id: Some(Owner::Account(Text(caller.account))),
            access_key_id: Some(access_key_id),
            user_name,
            session_context: session.map(|session| SessionContext::of(caller, session)),
            invoked_by: None,
        }
    }
}

impl<'a> SessionContext<'a> {
    fn of(caller: &'a Caller, session: &'a Session) -> SessionContext<'a> {
        SessionContext {
            session_issuer: SessionIssuer::of(caller.account, &caller.principal),
            attributes: Attributes {
                creation_date: Text(session.issued),
                mfa_authenticated: if session.mfa.is_some() { "true" } else { "false" },
            },
            source_identity: session.source_identity.as_deref(),
        }
    }
}

impl<'a> SessionIssuer<'a> {
    fn of(account: AccountId, principal: &'a Principal) -> Option<SessionIssuer<'a>> {
        let Principal::RoleSession { role_arn, role_id, .. } = principal else { return None };
        Some(SessionIssuer {
            kind: "Role",
            principal_id: role_id,
            arn: role_arn,
            account_id: Text(account),
            user_name: last_segment(role_arn),
        })
    }
}

/// Whose account the one who asks is of.
#[derive(Serialize)]
#[serde(untagged)]
enum Owner {
    Account(Text<AccountId>),
    #[serde(serialize_with = "anonymous")]
    Nobody,
}

fn anonymous<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("ANONYMOUS_PRINCIPAL")
}

/// Who asks, by what never changes.
enum PrincipalId<'a> {
    Nobody,
    User(&'a UniqueId),
    Session(&'a UniqueId, &'a str),
    Root(AccountId),
}

impl Display for PrincipalId<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PrincipalId::Nobody => Ok(()),
            PrincipalId::User(id) => id.fmt(formatter),
            PrincipalId::Session(role, name) => write!(formatter, "{role}:{name}"),
            PrincipalId::Root(account) => account.fmt(formatter),
        }
    }
}

impl Serialize for PrincipalId<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What is written as its text, which is kept nowhere else.
pub(super) struct Text<T>(pub(super) T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Actor {
    /// By which name an event of this actor is looked up: a user's, a session's, `root`, or that of
    /// the service; empty if there is none.
    ///
    /// Source: CloudTrail User Guide, "Viewing recent management events", user name.
    pub fn name(&self) -> &str {
        match self {
            Actor::Caller(requester) => {
                let caller = &requester.caller;
                match (&caller.identity, &caller.principal) {
                    (Identity::User(_), Principal::User { arn, .. }) => last_segment(arn),
                    (Identity::User(_), _) => "",
                    (Identity::RoleSession { session_name, .. }, _) => session_name,
                    (Identity::Root, _) => "root",
                }
            }
            Actor::Stranger => "",
            Actor::Operator => OPERATOR,
            Actor::Server => SERVER,
        }
    }
}

/// The name at the end of an ARN, behind the path.
pub(super) fn last_segment(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}
