//! AWS wire formats: generated IAM and STS types, the Query, XML and JSON codecs, and Signature
//! Version 4. Pure: no clock, no I/O.

mod blob;
pub mod cloudtrail;
pub mod constraint;
mod enumeration;
pub mod form;
mod generated;
pub mod json;
mod plain;
pub mod query;
pub mod route;
mod secret;
mod service;
pub mod shown;
pub mod sigv4;
mod timestamp;
pub mod xml;

pub use blob::Blob;
pub use enumeration::UnknownValue;
pub use generated::error_code::ErrorCode;
pub use generated::{iam, sts};
pub use secret::Secret;
pub use service::{Fault, NoOutput, OperationInfo, Service};
pub use timestamp::{NotATimestamp, Timestamp};
