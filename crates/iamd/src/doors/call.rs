//! One call of an operation, from its decoded parameters to the text of its answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use iamd_core::audit::{Event, Requester};
use iamd_core::operation::{Effect, Environment, Operation, Scene};
use iamd_core::perform::{Visitor, perform, prepare};
use iamd_core::preparation::{Preparation, Prepared};
use iamd_core::refusal::Refusal;
use iamd_store::Revision;
use iamd_wire::query::Parameters;
use iamd_wire::shown::{self, Shown};
use iamd_wire::{ErrorCode, OperationInfo, json, xml};
use serde::Serialize;

use super::answer::Form;
use super::preparing;
use crate::authenticate;
use crate::fault::Fault;
use crate::limits::Limits;
use crate::node::{Drafted, Failure, Node, Snapshot};

/// A call of an operation whose type is still to be found.
pub(super) struct Call<'a> {
    pub(super) node: &'a Arc<Node>,
    pub(super) limits: &'a Limits,
    pub(super) snapshot: &'a Arc<Snapshot>,
    pub(super) operation: &'static OperationInfo,
    pub(super) parameters: &'a Parameters<'a>,
    pub(super) requester: &'a Requester,
    pub(super) environment: &'a Environment,
    pub(super) request_id: &'a str,
    pub(super) form: Form,
}

/// What came of a call.
pub(super) struct Called {
    /// The text of the answer, or why there is none.
    pub(super) result: Result<String, Failure>,
    /// Of a write: the revision from which on the answer is true.
    pub(super) revision: Option<Revision>,
    /// Whether the queue of its account has made its record.
    pub(super) is_recorded: bool,
}

impl Called {
    /// What came of a call that no queue has seen.
    pub(super) fn unrecorded(result: Result<String, Failure>) -> Called {
        Called { result, revision: None, is_recorded: false }
    }
}

/// What a call comes to.
pub(super) enum Outcome<'a> {
    /// The text of the answer, or why there is none.
    Now(Result<String, Failure>),
    /// The same, once something slow was done, or once it is durable.
    Later(Pin<Box<dyn Future<Output = Called> + Send + 'a>>),
}

impl<'a> Visitor for Call<'a> {
    type Outcome = Outcome<'a>;

    fn visit<O: Operation>(self) -> Outcome<'a> {
        let is_write = O::EFFECT != Effect::Read;
        if is_write && !self.limits.admit_write(&self.requester.caller) {
            self.node.metrics().throttled();
            return Outcome::Now(Err(throttled().into()));
        }
        let operation: O = match self.parameters.decode() {
            Ok(operation) => operation,
            // Constraints were checked before; what is left are values of another type.
            Err(error) => {
                let refusal = Refusal::new(ErrorCode::ValidationError, error.to_string());
                return Outcome::Now(Err(refusal.into()));
            }
        };
        match self.preparation(&operation) {
            Ok(Some(preparation)) => {
                return Outcome::Later(Box::pin(self.prepared(operation, preparation)));
            }
            Ok(None) => {}
            Err(failure) => return Outcome::Now(Err(failure)),
        }
        match O::EFFECT {
            Effect::Read => Outcome::Now(self.read(&operation, None)),
            Effect::Write | Effect::WriteDirectory => {
                Outcome::Later(Box::pin(self.write(operation, None)))
            }
        }
    }
}

impl Call<'_> {
    /// What the audit trail knows of the call.
    fn event(&self, is_read: bool) -> Event {
        let asked = (self.operation, self.parameters);
        let requester = self.requester.clone();
        Event::request(requester, self.environment.clone(), asked, self.request_id, is_read)
    }

    /// What must be done before; nothing of it is done here.
    fn preparation<O: Operation>(&self, operation: &O) -> Result<Option<Preparation>, Failure> {
        if !operation.is_prepared() {
            return Ok(None);
        }
        let caller = &self.requester.caller;
        let account = self.snapshot.state.account(caller.account).ok_or_else(ended)?;
        let scene = self.node.scene(self.snapshot, account, caller, self.environment);
        Ok(prepare(operation, &scene)?)
    }

    /// Does what must be done before, and then what is asked, on the state as it is then.
    async fn prepared<O: Operation>(self, operation: O, preparation: Preparation) -> Called {
        let prepared = match preparing::carry_out(self.node, self.limits, preparation).await {
            Ok(prepared) => prepared,
            Err(failure) => return Called::unrecorded(Err(failure)),
        };
        if O::EFFECT != Effect::Read {
            return self.write(operation, Some(prepared)).await;
        }
        Called::unrecorded(self.read_anew(&operation, &prepared))
    }

    /// The same read on the state as it is now.
    fn read_anew<O: Operation>(
        &self,
        operation: &O,
        prepared: &Prepared,
    ) -> Result<String, Failure> {
        let snapshot = self.node.snapshot();
        let caller = authenticate::again(&snapshot.state, &self.requester.caller);
        let requester = Requester { caller: caller.ok_or_else(ended)?, ..self.requester.clone() };
        let call = Call { snapshot: &snapshot, requester: &requester, ..*self };
        call.read(operation, Some(prepared))
    }

    fn read<O: Operation>(
        &self,
        operation: &O,
        prepared: Option<&Prepared>,
    ) -> Result<String, Failure> {
        let caller = &self.requester.caller;
        let account = self.snapshot.state.account(caller.account).ok_or_else(ended)?;
        let scene = self.node.scene(self.snapshot, account, caller, self.environment);
        let scene = Scene { prepared, ..scene };
        let planned = perform(operation, &scene, &mut self.node.draw()?)?;
        if planned.changes.is_empty() {
            return rendered(self.operation, self.form, &planned.output, self.request_id);
        }
        Err(Fault::Bug(format!("{} is declared to read, and writes", self.operation)).into())
    }

    async fn write<O: Operation>(self, operation: O, prepared: Option<Prepared>) -> Called {
        let node = Arc::clone(self.node);
        let account = self.requester.caller.account;
        let (info, form, request_id) = (self.operation, self.form, self.request_id.to_owned());
        let (caller, environment) = (self.requester.caller.clone(), self.environment.clone());
        let event = self.event(false);
        let plan = move |snapshot: &Snapshot, node: &Node| {
            // The credential may have ended since the request came in.
            let caller = authenticate::again(&snapshot.state, &caller).ok_or_else(ended)?;
            let account = snapshot.state.account(caller.account).ok_or_else(ended)?;
            let scene = node.scene(snapshot, account, &caller, &environment);
            let scene = Scene { prepared: prepared.as_ref(), ..scene };
            let planned = perform(&operation, &scene, &mut node.draw()?)?;
            let answer = rendered(info, form, &planned.output, &request_id)?;
            Ok(Drafted::new(planned.changes, answer).showing(elements(info, &planned.output)?))
        };
        let done = match O::EFFECT {
            Effect::WriteDirectory => node.write_directory(account, event, Box::new(plan)).await,
            Effect::Read | Effect::Write => node.write(account, event, Box::new(plan)).await,
        };
        let (result, revision) = match done {
            Ok(done) => (Ok(done.answer), Some(done.revision)),
            Err(failure) => (Err(failure), None),
        };
        Called { result, revision, is_recorded: true }
    }
}

/// What the record of a write shows of its answer.
fn elements<T: Serialize>(operation: &OperationInfo, output: &T) -> Result<Option<Shown>, Failure> {
    shown::elements(output).map_err(|error| Fault::Bug(format!("{operation}: {error}")).into())
}

fn rendered<T: Serialize>(
    operation: &OperationInfo,
    form: Form,
    output: &T,
    request_id: &str,
) -> Result<String, Failure> {
    let text = match form {
        Form::Xml => {
            xml::response(operation, output, request_id).map_err(|error| error.to_string())
        }
        // Only operations of the Query protocol are called here.
        Form::Json | Form::Target => {
            json::response(operation, output, request_id).map_err(|error| error.to_string())
        }
    };
    text.map_err(|error| Fault::Bug(format!("{operation}: {error}")).into())
}

/// What AWS answers to whoever asks too often; its clients wait and try again.
///
/// Source: IAM API Reference, "Common errors", `Throttling`; the text is the one that AWS sends.
pub(super) fn throttled() -> Refusal {
    Refusal::new(ErrorCode::Throttling, "Rate exceeded")
}

fn ended() -> Failure {
    let rejection = iamd_wire::sigv4::Rejection::unknown_key();
    Refusal::new(rejection.code, rejection.message).into()
}
