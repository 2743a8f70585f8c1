//! What came of a request.

use std::borrow::Cow;

use iamd_wire::shown::Shown;

use crate::refusal::Refusal;

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out; what a write answered.
    Done(Option<Shown>),
    /// It was not, with this code and message.
    Refused {
        /// The error code.
        code: Cow<'static, str>,
        /// The message.
        message: Option<String>,
    },
}

impl From<&Refusal> for Outcome {
    fn from(refusal: &Refusal) -> Outcome {
        Outcome::Refused {
            code: Cow::Borrowed(refusal.code.code()),
            message: refusal.message.clone(),
        }
    }
}
