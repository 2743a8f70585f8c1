//! The element `userIdentity`. Source: CloudTrail User Guide, "CloudTrail userIdentity element".

use iamd_policy::Principal;
use serde::Serialize;

use super::event::{Actor, Requester};
use crate::account_id::AccountId;
use crate::caller::{Caller, Identity};
use crate::session::Session;

/// The element `userIdentity`, in CloudTrail's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserIdentity<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
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
    account_id: String,
    user_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    creation_date: String,
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
                principal_id: Some(String::new()),
                account_id: Some("ANONYMOUS_PRINCIPAL".to_owned()),
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
        let account = caller.account.to_string();
        let (kind, principal_id, user_name) = match (&caller.identity, &caller.principal) {
            (Identity::User(id), Principal::User { arn, .. }) => {
                ("IAMUser", id.to_string(), Some(last_segment(arn)))
            }
            (Identity::User(id), _) => ("IAMUser", id.to_string(), None),
            (Identity::RoleSession { role, session_name }, _) => {
                ("AssumedRole", format!("{role}:{session_name}"), None)
            }
            (Identity::Root, _) => ("Root", account.clone(), None),
        };
        let session = caller.session().map(|session| &**session);
        UserIdentity {
            kind,
            principal_id: Some(principal_id),
            arn: Some(caller.arn()),
            account_id: Some(account),
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
                creation_date: session.issued.to_string(),
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
            account_id: account.to_string(),
            user_name: last_segment(role_arn),
        })
    }
}

/// The name at the end of an ARN, behind the path.
pub(super) fn last_segment(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}
