//! From a request to its outcome: authorize, then plan.

use iamd_wire::Service;

use crate::draw::Draw;
use crate::operation::{Operation, Planned, Scene};
use crate::preparation::Preparation;
use crate::refusal::Refusal;

/// Authorizes an operation and plans what it does.
///
/// This is the one way in: every door calls it, and nothing is planned that was not allowed.
///
/// # Errors
/// `AccessDenied`, or what the operation refuses.
pub fn perform<O: Operation>(
    operation: &O,
    scene: &Scene<'_>,
    draw: &mut Draw,
) -> Result<Planned<O::Output>, Refusal> {
    operation.permit(scene)?;
    operation.plan(scene, draw)
}

/// What must be done before an operation can be planned; nobody causes work who is not allowed.
///
/// # Errors
/// `AccessDenied`, or what the operation refuses.
pub fn prepare<O: Operation>(
    operation: &O,
    scene: &Scene<'_>,
) -> Result<Option<Preparation>, Refusal> {
    if !operation.is_prepared() {
        return Ok(None);
    }
    if let Some(code) = operation.shown_code(scene)? {
        // Before the decision: a denial of who is not allowed anyway would tell whether the code is
        // right, as often as he likes. So it uses the code up.
        return Ok(Some(Preparation::Code(code)));
    }
    operation.permit(scene)?;
    operation.prepare(scene)
}

/// What is to be done with an operation once its type is known.
pub trait Visitor {
    /// The outcome.
    type Outcome;
    /// Called with the request type of the operation.
    fn visit<O: Operation>(self) -> Self::Outcome;
}

/// Hands the request type of an operation to a visitor; none if the service has no such operation.
pub fn with_operation<V: Visitor>(
    service: Service,
    operation: &str,
    visitor: V,
) -> Option<V::Outcome> {
    match service {
        Service::Iam => with_iam_operation(operation, visitor),
        Service::Sts => with_sts_operation(operation, visitor),
    }
}

macro_rules! dispatch_iam {
    ($($operation:ident => $request:ident, $response:ident;)*) => {
        fn with_iam_operation<V: Visitor>(operation: &str, visitor: V) -> Option<V::Outcome> {
            match operation {
                $(stringify!($operation) => Some(visitor.visit::<iamd_wire::iam::$request>()),)*
                _ => None,
            }
        }
    };
}

macro_rules! dispatch_sts {
    ($($operation:ident => $request:ident, $response:ident;)*) => {
        fn with_sts_operation<V: Visitor>(operation: &str, visitor: V) -> Option<V::Outcome> {
            match operation {
                $(stringify!($operation) => Some(visitor.visit::<iamd_wire::sts::$request>()),)*
                _ => None,
            }
        }
    };
}

iamd_wire::iam_operations!(dispatch_iam);
iamd_wire::sts_operations!(dispatch_sts);
