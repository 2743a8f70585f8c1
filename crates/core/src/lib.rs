//! The rules of IAM and STS as pure functions over an immutable state.
//!
//! No clock, no ambient randomness, no I/O, no async: time and entropy come in through
//! [`draw::Draw`], and what changes goes out as [`state::AccountChanges`].

pub mod account_id;
pub mod arn;
pub mod audit;
pub mod authorization_message;
pub mod authorize;
pub mod caller;
mod certificate;
pub mod decision_keys;
pub mod draw;
pub mod founding;
pub mod iam;
pub mod identity_policies;
pub mod managed;
pub mod managed_policies;
pub mod marker;
mod mfa;
pub mod mfa_import;
pub mod name;
mod named_principals;
mod not_implemented;
pub mod operation;
pub mod operator;
mod pem;
pub mod perform;
pub mod preparation;
pub mod quota;
pub mod record;
pub mod refusal;
pub mod ring;
pub mod s3;
pub mod saml_metadata;
pub mod session;
mod ssh;
pub mod state;
pub mod sts;
pub mod text;
pub mod totp;
pub mod transfer;
pub mod unique_id;
pub mod uuid;

#[cfg(test)]
mod access_tests;
#[cfg(test)]
mod identity_policies_tests;
#[cfg(test)]
mod test_support;
