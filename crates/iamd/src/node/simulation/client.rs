//! Clients: a credential, and a command that a node carries out as its doors would.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use iamd_core::account_id::AccountId;
use iamd_core::audit::Event;
use iamd_core::caller::{Caller, Credential as Proof};
use iamd_core::founding::{self, FirstKey, FirstKeyOwner, NewAccount};
use iamd_core::operation::{Effect as Writes, Environment, Operation};
use iamd_core::perform::{Visitor, perform, with_operation};
use iamd_core::refusal::Refusal;
use iamd_core::state::AccessKeyStatus;
use iamd_core::unique_id::AccessKeyId;
use iamd_store::Revision;
use iamd_wire::query::Parameters;
use iamd_wire::{ErrorCode, Secret, Timestamp};
use serde_json::Value;

use super::command::Command;
use super::judge;
use crate::authenticate;
use crate::node::{Drafted, Failure, Node, Snapshot};

/// What a client has to show.
#[derive(Clone, Debug)]
pub(super) enum Credential {
    Key(AccessKeyId),
    Session {
        id: AccessKeyId,
        token: String,
        expires: Timestamp,
        /// Which stored keys the node had that made it.
        keys: Revision,
    },
}

/// What was found wrong while commands ran, as seen from one machine; and what must not be there.
#[derive(Clone, Default)]
pub(super) struct Findings {
    shared: Arc<Mutex<Shared>>,
    machine: usize,
}

#[derive(Default)]
struct Shared {
    found: Vec<String>,
    /// Credentials that a machine may accept no more.
    ended: BTreeSet<(usize, AccessKeyId)>,
    /// When a session must have ended whose key may be gone.
    tended: i64,
}

impl Findings {
    /// The same as seen from this machine.
    pub(super) fn on(&self, machine: usize) -> Findings {
        Findings { shared: Arc::clone(&self.shared), machine }
    }

    pub(super) fn add(&self, finding: String) {
        self.lock().found.push(finding);
    }

    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().found)
    }

    /// The credential must not be accepted on the machine from now on.
    pub(super) fn end(&self, id: &AccessKeyId) {
        let machine = self.machine;
        self.lock().ended.insert((machine, id.clone()));
    }

    pub(super) fn is_ended(&self, id: &AccessKeyId) -> bool {
        self.lock().ended.contains(&(self.machine, id.clone()))
    }

    /// Everything begins anew.
    pub(super) fn forget_ended(&self) {
        self.lock().ended.clear();
    }

    /// At this time somebody has removed keys that no session needed any more.
    pub(super) fn note_tended(&self, now: Timestamp) {
        let mut shared = self.lock();
        shared.tended = shared.tended.max(now.seconds());
    }

    /// Whether every node must know the key of a session that ends then.
    fn must_be_known(&self, expires: Timestamp) -> bool {
        expires.seconds() > self.lock().tended
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a client hears.
pub(super) type Heard = Result<(Value, Option<Revision>), Failure>;

/// Carries out a command on a node.
pub(super) async fn send(
    node: Arc<Node>,
    command: Command,
    credential: Credential,
    findings: Findings,
) -> Heard {
    let snapshot = node.snapshot();
    let Some(caller) = caller(&node, &snapshot, &credential, &findings) else {
        return Err(ended());
    };
    let parameters = Parameters::parse(command.body.as_bytes()).unwrap();
    let call = Call { node, snapshot, parameters: &parameters, caller, findings };
    with_operation(command.service, command.operation, call).unwrap().await
}

/// Founds an account with this number, whose administrator has this key.
pub(super) async fn found(node: Arc<Node>, account: AccountId, key: AccessKeyId) -> Heard {
    let new = NewAccount {
        id: Some(account),
        root_email: root_email(account),
        root_password_hash: "no password".to_owned(),
        first_key: Some(FirstKey {
            owner: FirstKeyOwner::Administrator("admin".to_owned()),
            predictable: Some((key, Secret::from("secret".to_owned()))),
        }),
    };
    let plan = move |snapshot: &Snapshot, node: &Node| {
        let founded = founding::found(&snapshot.state, &new, &mut node.draw()?)?;
        Ok(Drafted::new(founded.changes, Value::Null))
    };
    let done = node.write_directory(account, event("CreateAccount"), Box::new(plan)).await?;
    Ok((done.answer, Some(done.revision)))
}

pub(super) fn root_email(account: AccountId) -> String {
    format!("root-{account}@example.com")
}

/// Who shows this credential; none if it is no longer one.
fn caller(
    node: &Node,
    snapshot: &Snapshot,
    credential: &Credential,
    findings: &Findings,
) -> Option<Caller> {
    match credential {
        Credential::Key(id) => {
            let (account, key) = snapshot.state.access_key(id)?;
            (key.status == AccessKeyStatus::Active).then(|| Caller::of_access_key(account, key))?
        }
        Credential::Session { id, token, expires, keys } => {
            let Ok(opened) = snapshot.keys.sessions.open(token, id) else {
                let is_behind = snapshot.revision(AccountId::KEYS) < *keys;
                if findings.must_be_known(*expires) && !is_behind {
                    findings.add(format!("a node does not know the session {id}"));
                }
                return None;
            };
            let session = Arc::new(opened.session);
            let is_over = session.expires <= node.clock().now();
            (!is_over).then(|| Caller::of_session(&snapshot.state, id, &session))?
        }
    }
}

struct Call<'a> {
    node: Arc<Node>,
    snapshot: Arc<Snapshot>,
    parameters: &'a Parameters<'a>,
    caller: Caller,
    findings: Findings,
}

impl Visitor for Call<'_> {
    type Outcome = Pin<Box<dyn Future<Output = Heard> + Send>>;

    fn visit<O: Operation>(self) -> Self::Outcome {
        let Call { node, snapshot, parameters, caller, findings } = self;
        let operation: O = parameters.decode().unwrap();
        let account = caller.account;
        let plan = move |snapshot: &Snapshot, node: &Node| {
            let caller = authenticate::again(&snapshot.state, &caller).ok_or_else(ended)?;
            let account = snapshot.state.account(caller.account).ok_or_else(ended)?;
            if findings.is_ended(id_of(&caller)) {
                findings.add(format!("{} was revoked and is allowed", id_of(&caller)));
            }
            let environment = Environment::default();
            let scene = node.scene(snapshot, account, &caller, &environment);
            let planned = perform(&operation, &scene, &mut node.draw()?);
            let wrong = judge::disagreement(&operation, &scene, planned.as_ref().err());
            wrong.into_iter().for_each(|wrong| findings.add(wrong));
            let planned = planned?;
            let answer = serde_json::to_value(&planned.output).unwrap();
            Ok(Drafted::new(planned.changes, answer))
        };
        Box::pin(async move {
            if O::EFFECT == Writes::Read {
                return plan(&snapshot, &node).map(|drafted| (drafted.answer, None));
            }
            let event = event(O::ACTION);
            let done = match O::EFFECT {
                Writes::WriteDirectory => {
                    node.write_directory(account, event, Box::new(plan)).await?
                }
                Writes::Read | Writes::Write => node.write(account, event, Box::new(plan)).await?,
            };
            Ok((done.answer, Some(done.revision)))
        })
    }
}

fn id_of(caller: &Caller) -> &AccessKeyId {
    match &caller.credential {
        Proof::LongTerm(id) | Proof::Temporary(id, _) => id,
    }
}

fn ended() -> Failure {
    Refusal::new(ErrorCode::InvalidClientTokenId, "the credential is no more").into()
}

/// What a command's record is about.
fn event(name: &'static str) -> Event {
    Event::operator(name, &(), "a request of the simulation")
}
