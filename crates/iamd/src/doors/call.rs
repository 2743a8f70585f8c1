//! One call of an operation, from its decoded parameters to the text of its answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use iamd_core::caller::Caller;
use iamd_core::operation::{Effect, Environment, Operation};
use iamd_core::perform::{Visitor, perform};
use iamd_core::refusal::Refusal;
use iamd_store::Revision;
use iamd_wire::query::Parameters;
use iamd_wire::{ErrorCode, OperationInfo, json, xml};
use serde::Serialize;

use super::answer::Form;
use crate::authenticate;
use crate::fault::Fault;
use crate::limits::Limits;
use crate::node::{Failure, Node, Snapshot};

/// A call of an operation whose type is still to be found.
pub(super) struct Call<'a> {
    pub(super) node: &'a Arc<Node>,
    pub(super) limits: &'a Limits,
    pub(super) snapshot: &'a Arc<Snapshot>,
    pub(super) operation: &'static OperationInfo,
    pub(super) parameters: &'a Parameters<'a>,
    pub(super) caller: &'a Caller,
    pub(super) environment: &'a Environment,
    pub(super) request_id: &'a str,
    pub(super) form: Form,
}

/// A write that waits for its account's queue and for the disk.
type Pending = Pin<Box<dyn Future<Output = Result<(String, Revision), Failure>> + Send>>;

/// What a call comes to.
pub(super) enum Outcome {
    /// The text of the answer, or why there is none.
    Read(Result<String, Failure>),
    /// The same once it is durable, with the revision from which on it is true.
    Write(Pending),
}

impl Visitor for Call<'_> {
    type Outcome = Outcome;

    fn visit<O: Operation>(self) -> Outcome {
        let is_write = O::EFFECT != Effect::Read;
        if is_write && !self.limits.admit_write(self.caller) {
            self.node.metrics().throttled();
            return Outcome::Read(Err(throttled().into()));
        }
        let operation: O = match self.parameters.decode() {
            Ok(operation) => operation,
            // Constraints were checked before; what is left are values of another type.
            Err(error) => {
                let refusal = Refusal::new(ErrorCode::ValidationError, error.to_string());
                return Outcome::Read(Err(refusal.into()));
            }
        };
        match O::EFFECT {
            Effect::Read => Outcome::Read(self.read(&operation)),
            Effect::Write | Effect::WriteDirectory => self.write(operation),
        }
    }
}

impl Call<'_> {
    fn read<O: Operation>(&self, operation: &O) -> Result<String, Failure> {
        let account = self.snapshot.state.account(self.caller.account).ok_or_else(ended)?;
        let scene = self.node.scene(self.snapshot, account, self.caller, self.environment);
        let planned = perform(operation, &scene, &mut self.node.draw()?)?;
        if planned.changes.is_empty() {
            return rendered(self.operation, self.form, &planned.output, self.request_id);
        }
        Err(Fault::Bug(format!("{} is declared to read, and writes", self.operation)).into())
    }

    fn write<O: Operation>(self, operation: O) -> Outcome {
        let node = Arc::clone(self.node);
        let account = self.caller.account;
        let (info, form, request_id) = (self.operation, self.form, self.request_id.to_owned());
        let (caller, environment) = (self.caller.clone(), self.environment.clone());
        let plan = move |snapshot: &Snapshot, node: &Node| {
            // The credential may have ended since the request came in.
            let caller = authenticate::again(&snapshot.state, &caller).ok_or_else(ended)?;
            let account = snapshot.state.account(caller.account).ok_or_else(ended)?;
            let scene = node.scene(snapshot, account, &caller, &environment);
            let planned = perform(&operation, &scene, &mut node.draw()?)?;
            Ok((planned.changes, rendered(info, form, &planned.output, &request_id)?))
        };
        Outcome::Write(Box::pin(async move {
            let done = match O::EFFECT {
                Effect::WriteDirectory => node.write_directory(account, Box::new(plan)).await?,
                Effect::Read | Effect::Write => node.write(account, Box::new(plan)).await?,
            };
            Ok((done.answer, done.revision))
        }))
    }
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
        Form::Json => {
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
