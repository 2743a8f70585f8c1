//! AWS IAM policies: documents, validation, and decisions with an explanation.
//!
//! No I/O, no clock, no threads: everything that a decision depends on is in the [`Request`], its
//! [`Context`] and the [`Policies`].
//!
//! ```
//! use iamd_policy::{Context, Document, Policies, PolicySet, Principal, Request, decide};
//!
//! let document = Document::parse(
//!     r#"{"Version":"2012-10-17","Statement":{
//!         "Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/${aws:username}/*"}}"#,
//! )?;
//! let set: PolicySet = [("photos".into(), document)].into_iter().collect();
//! let principal = Principal::User {
//!     arn: "arn:aws:iam::111122223333:user/ana".into(),
//!     unique_id: String::new(),
//!     has_boundary: false,
//! };
//! let mut context = Context::default();
//! context.add_principal_keys(&principal);
//! let request = |resource| Request {
//!     principal: &principal,
//!     action: "s3:GetObject",
//!     resource,
//!     resource_account: None,
//!     context: &context,
//! };
//! let policies = Policies { identity: Some(&[&set]), ..Policies::default() };
//! assert!(decide(&request("arn:aws:s3:::photos/ana/1.jpg"), &policies).is_allowed());
//! assert!(!decide(&request("arn:aws:s3:::photos/bob/1.jpg"), &policies).is_allowed());
//! # Ok::<(), iamd_policy::ParseError>(())
//! ```

mod action;
mod arn;
mod condition;
mod context;
mod context_keys;
mod decision;
mod document;
mod document_pool;
mod evaluation;
mod explanation;
mod fold;
mod format;
pub mod generate;
mod hard_limit;
mod hash;
mod index;
mod json;
mod lint;
mod lowered;
mod pattern;
mod policy_set;
mod principal;
mod public;
mod read;
mod resource;
mod service_access;
pub mod service_data;
mod shift_and;
mod united;
mod validate;

pub use arn::Arn;
pub use condition::ValueKind;
pub use context::{ConditionKeys, Context, Value};
pub use decision::{Decision, Policies, PolicyType, Request, decide, is_refused_despite_policies};
pub use document::{Document, Effect, NamedPrincipal, Statement};
pub use document_pool::DocumentPool;
pub use explanation::{
    CHANGES_MAX, Change, ChangeKind, DecidingStatement, Explanation, KEYS_MAX, KeyResult,
    NEAR_MISSES_MAX, NearMiss, Obstacle, Outline, StatementBounds, Step, TypeResult, Verdict,
    explain, outline,
};
pub use format::format;
pub use json::{DOCUMENT_CHARACTERS_MAX, DOCUMENT_DEPTH_MAX, ParseError, ParseErrorKind};
pub use lint::{Finding, Severity, covers, lint};
pub use policy_set::PolicySet;
pub use principal::{Principal, PrincipalKind};
pub use public::grants_public_access;
pub use service_access::ServiceAccess;
pub use validate::{Grammar, Malformed, size_without_white_space, validate};
