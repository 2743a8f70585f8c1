//! The element `userIdentity`. Source: CloudTrail User Guide, "CloudTrail userIdentity element".

use std::borrow::Cow;

use iamd_policy::Principal;

use super::event::{Actor, Requester};
use super::record::{push_member, truth};
use crate::account_id::AccountId;
use crate::caller::{Caller, Identity};
use crate::session::Session;

/// Who the operator is in records.
const OPERATOR: &str = "iamd operator";
/// Who iamd itself is.
const SERVER: &str = "iamd";

/// Appends the element, its members in CloudTrail's order.
pub(super) fn push_identity(text: &mut String, actor: &Actor) {
    match actor {
        Actor::Caller(requester) => push_requester(text, requester),
        // Source: CloudTrail User Guide, "userIdentity element", requests without a signature.
        Actor::Stranger => text.push_str(
            r#"{"type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL"}"#,
        ),
        Actor::Operator => push_service(text, OPERATOR),
        Actor::Server => push_service(text, SERVER),
    }
}

fn push_service(text: &mut String, name: &'static str) {
    push_member(text, r#"{"type":"AWSService","invokedBy":"#, name);
    text.push('}');
}

fn push_requester(text: &mut String, Requester { caller, access_key_id }: &Requester) {
    let (kind, principal_id): (_, Cow<'_, str>) = match &caller.identity {
        Identity::User(id) => ("IAMUser", id.as_str().into()),
        Identity::RoleSession { role, session_name } => {
            ("AssumedRole", format!("{role}:{session_name}").into())
        }
        Identity::Root => ("Root", caller.account.to_string().into()),
    };
    push_member(text, r#"{"type":"#, kind);
    push_member(text, r#","principalId":"#, &principal_id);
    push_member(text, r#","arn":"#, &caller.principal.arn().unwrap_or_default());
    push_account(text, r#","accountId":""#, caller.account);
    push_member(text, r#","accessKeyId":"#, access_key_id);
    if let (Identity::User(_), Principal::User { arn, .. }) = (&caller.identity, &caller.principal)
    {
        push_member(text, r#","userName":"#, last_segment(arn));
    }
    if let Some(session) = caller.session() {
        push_session(text, caller, session);
    }
    text.push('}');
}

/// The member `sessionContext`.
fn push_session(text: &mut String, caller: &Caller, session: &Session) {
    text.push_str(r#","sessionContext":{"#);
    if let Principal::RoleSession { role_arn, role_id, .. } = &caller.principal {
        push_member(text, r#""sessionIssuer":{"type":"Role","principalId":"#, role_id);
        push_member(text, r#","arn":"#, role_arn);
        push_account(text, r#","accountId":""#, caller.account);
        push_member(text, r#","userName":"#, last_segment(role_arn));
        text.push_str("},");
    }
    text.push_str(r#""attributes":{"creationDate":""#);
    session.issued.push_to(text);
    text.extend([r#"","mfaAuthenticated":""#, truth(session.mfa.is_some()), r#""}"#]);
    if let Some(identity) = &session.source_identity {
        push_member(text, r#","sourceIdentity":"#, identity);
    }
    text.push('}');
}

/// A member with an account; its quotation mark is open.
fn push_account(text: &mut String, name: &'static str, account: AccountId) {
    text.push_str(name);
    account.push_to(text);
    text.push('"');
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
fn last_segment(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}
