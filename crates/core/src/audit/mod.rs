//! Records of the audit trail, in the form of CloudTrail.
//!
//! An [`Event`] is what is known of a request before it is carried out, an [`Outcome`] what came of
//! it; together they make one record. Source: CloudTrail User Guide, "CloudTrail record contents" and
//! "CloudTrail userIdentity element".

mod event;
mod identity;
mod outcome;
mod record;

pub use event::{Actor, Event, Guarded, GuardedResource, OPERATOR_SOURCE, Requester};
pub use outcome::Outcome;
pub use record::record;

#[cfg(test)]
mod tests;
