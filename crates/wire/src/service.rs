//! The services, and what the door needs to know of their operations.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::ErrorCode;
use crate::constraint::shape::Shape;
use crate::generated::{iam, sts};

/// A service with the Query protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// AWS Identity and Access Management.
    Iam,
    /// AWS Security Token Service.
    Sts,
}

impl Service {
    /// All of them.
    pub const ALL: &[Service] = &[Service::Iam, Service::Sts];

    /// The name in credential scopes.
    pub const fn signing_name(self) -> &'static str {
        match self {
            Service::Iam => "iam",
            Service::Sts => "sts",
        }
    }

    /// The API version, the value of the parameter `Version`.
    pub fn version(self) -> &'static str {
        match self {
            Service::Iam => iam::operation_table::VERSION,
            Service::Sts => sts::operation_table::VERSION,
        }
    }

    /// The namespace of answers.
    pub fn namespace(self) -> &'static str {
        match self {
            Service::Iam => iam::operation_table::NAMESPACE,
            Service::Sts => sts::operation_table::NAMESPACE,
        }
    }

    /// All operations, sorted by name.
    pub fn operations(self) -> &'static [OperationInfo] {
        match self {
            Service::Iam => iam::operation_table::OPERATIONS,
            Service::Sts => sts::operation_table::OPERATIONS,
        }
    }

    /// The operation of this name.
    pub fn operation(self, name: &str) -> Option<&'static OperationInfo> {
        let operations = self.operations();
        let place = operations.binary_search_by(|operation| operation.name.cmp(name)).ok()?;
        operations.get(place)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.signing_name())
    }
}

/// Facts of one operation.
pub struct OperationInfo {
    /// The name, the value of the parameter `Action`.
    pub name: &'static str,
    /// The service.
    pub service: Service,
    /// The shape of the input, where there is one.
    pub(crate) input: Option<&'static Shape>,
    /// Whether the answer holds a result.
    pub has_output: bool,
    /// Whether the operation takes no signature.
    pub unsigned: bool,
}

impl OperationInfo {
    pub(crate) const fn new(
        service: Service,
        name: &'static str,
        input: Option<&'static Shape>,
    ) -> OperationInfo {
        OperationInfo { name, service, input, has_output: true, unsigned: false }
    }

    pub(crate) const fn without_output(self) -> OperationInfo {
        OperationInfo { has_output: false, ..self }
    }

    pub(crate) const fn unsigned(self) -> OperationInfo {
        OperationInfo { unsigned: true, ..self }
    }
}

/// Names the operation as a policy does, such as `iam:CreateUser`.
impl fmt::Display for OperationInfo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.service, self.name)
    }
}

impl fmt::Debug for OperationInfo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OperationInfo({self})")
    }
}

impl PartialEq for OperationInfo {
    fn eq(&self, other: &OperationInfo) -> bool {
        (self.service, self.name) == (other.service, other.name)
    }
}

impl Eq for OperationInfo {}

/// The answer of operations without output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "round-trip", derive(serde::Deserialize))]
pub struct NoOutput;

impl Serialize for NoOutput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

/// Whose fault an error is, in the words of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The client's.
    Sender,
    /// The server's.
    Receiver,
}

impl Fault {
    /// The value of the element `Type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Fault::Sender => "Sender",
            Fault::Receiver => "Receiver",
        }
    }
}

impl ErrorCode {
    /// Whose fault the error is.
    pub fn fault(self) -> Fault {
        if self.status() >= 500 { Fault::Receiver } else { Fault::Sender }
    }
}
