//! Permissions of a whole account from AWS, or from another account, and out again.
//!
//! A file is read into a [`Content`]: what users, groups, roles, policies, instance profiles and what
//! stands beside them are, without ids, dates and secrets. The import turns what is not there yet into ordinary requests and
//! plans them one on another's outcome, so that nothing gets in that those operations would refuse;
//! all of it is one change, or nothing.

mod beside;
mod content;
mod credential_report;
mod details;
mod document;
mod import;
mod read;
mod request;
#[cfg(test)]
mod tests;
mod written;

pub use beside::{OidcProvider, PasswordPolicy, SamlProvider, ServerCertificate};
pub use content::{Content, Entity, Group, Policy, Profile, Role, User, Version};
pub use credential_report::missing_credentials;
pub use details::FILE_LENGTH_MAX;
pub use document::Document;
pub use import::{ImportContent, Imported, Line, Sign};
