//! The answer to a request that is not carried out.

use std::fmt;

use iamd_wire::ErrorCode;

use crate::authorization_message::AuthorizationMessage;

/// A refusal in AWS's words: an error code with its HTTP status, and a message.
///
/// A refusal is an answer, not a failure of iamd; failures are `Fault` outside this crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The error code of the service model.
    pub code: ErrorCode,
    /// The message; some recorded answers carry none.
    pub message: Option<String>,
    /// Of a denial: what led to it, for whoever may decode it.
    pub authorization: Option<Box<AuthorizationMessage>>,
}

impl Refusal {
    /// A refusal with this code and message.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Refusal {
        Refusal { code, message: Some(message.into()), authorization: None }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code.code())?;
        match &self.message {
            Some(message) => write!(formatter, ": {message}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}
