//! Why a request got no answer of its own.

use iamd_core::audit::Outcome;
use iamd_core::refusal::Refusal;
use iamd_wire::ErrorCode;

use crate::fault::Fault;

/// Why a request got no answer of its own.
#[derive(Debug, Clone)]
pub enum Failure {
    /// It was refused: an answer.
    Refused(Refusal),
    /// iamd could not carry it out.
    Fault(Fault),
}

impl Failure {
    /// What the audit trail says of it: of a fault, what its answer says.
    pub fn outcome(&self) -> Outcome {
        let code = match self {
            Failure::Refused(refusal) => return Outcome::from(refusal),
            Failure::Fault(Fault::Unavailable(_) | Fault::Busy(_)) => ErrorCode::ServiceUnavailable,
            Failure::Fault(
                Fault::Folder(_) | Fault::Damaged(_) | Fault::Refused(_) | Fault::Bug(_),
            ) => ErrorCode::InternalFailure,
        };
        Outcome::Refused { code: code.code().into(), message: None }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Refused(refusal)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        Failure::Fault(fault)
    }
}
