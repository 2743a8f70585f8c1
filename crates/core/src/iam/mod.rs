//! The operations of IAM: one `impl Operation` each, in the file of their resource.

mod access_key;
mod account;
mod account_properties;
mod attachment;
mod authorization_details;
mod boundary;
mod context_keys;
mod credential;
mod credential_report;
mod delegation;
mod document;
mod group;
mod inline_policy;
mod instance_profile;
mod last_accessed;
mod listing;
mod login_profile;
mod membership;
mod mfa_assignment;
mod mfa_device;
mod oidc_provider;
mod outbound_federation;
mod own_password;
mod password_policy;
pub mod password_rules;
mod policy;
mod policy_entities;
mod policy_source;
mod policy_version;
mod qr_code;
mod resource;
mod role;
mod role_template;
mod root_access;
mod saml_provider;
mod saml_provider_tag;
mod server_certificate;
mod service_access;
mod service_credential;
mod service_credential_list;
mod service_linked_role;
mod service_linked_services;
mod signing_certificate;
mod simulation;
mod ssh_public_key;
mod tag;
mod trust;
mod user;

pub(crate) use document::{checked as checked_document, encoded as encoded_document};
pub(crate) use mfa_device::SERIAL_LENGTH_MAX;
pub(crate) use role::SESSION_SECONDS_MAX_DEFAULT;
pub(crate) use tag::{KeyCase, check_tags};
pub(crate) use trust::shown_trust_text;

#[cfg(test)]
mod account_properties_tests;
#[cfg(test)]
mod account_tests;
#[cfg(test)]
pub(crate) mod certificate_tests;
#[cfg(test)]
mod mfa_tests;
#[cfg(test)]
mod oidc_tests;
#[cfg(test)]
mod password_tests;
#[cfg(test)]
mod policy_tests;
#[cfg(test)]
mod report_tests;
#[cfg(test)]
mod role_tests;
#[cfg(test)]
pub(crate) mod saml_tests;
#[cfg(test)]
mod service_credential_tests;
#[cfg(test)]
mod service_linked_tests;
#[cfg(test)]
mod user_tests;
