//! What an account holds beside users, groups, roles and policies: identity providers, server
//! certificates, the alias and the rules for passwords. Keys and passwords stay where they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::content::tags;
use crate::state::{self, Account, AssertionEncryption};

/// An OpenID Connect provider; its name is the URL without `https://`.
#[derive(Debug, Clone, PartialEq)]
pub struct OidcProvider {
    /// The audiences of its tokens.
    pub client_ids: Vec<String>,
    /// SHA-1 of certificates, in hexadecimal digits.
    pub thumbprints: Vec<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A SAML provider without its private keys.
#[derive(Debug, Clone, PartialEq)]
pub struct SamlProvider {
    /// The metadata.
    pub metadata: String,
    /// Whether assertions must be encrypted, which they can only be with a private key.
    pub requires_encryption: bool,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A server certificate without its private key.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerCertificate {
    /// The path.
    pub path: String,
    /// The certificate in PEM.
    pub body: String,
    /// The certificates of its issuers in PEM.
    pub chain: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// The rules for passwords, with the members of GetAccountPasswordPolicy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PasswordPolicy {
    /// Least length, in characters.
    pub minimum_password_length: u32,
    /// Whether a symbol must be in it.
    pub require_symbols: bool,
    /// Whether a digit must be in it.
    pub require_numbers: bool,
    /// Whether a letter from `A` to `Z` must be in it.
    pub require_uppercase_characters: bool,
    /// Whether a letter from `a` to `z` must be in it.
    pub require_lowercase_characters: bool,
    /// Whether users may change their own password.
    pub allow_users_to_change_password: bool,
    /// After how many days a password expires, if ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_password_age: Option<u32>,
    /// How many of the last passwords may not be used again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_reuse_prevention: Option<u32>,
    /// Whether an administrator must replace an expired password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard_expiry: Option<bool>,
}

/// The OpenID Connect providers of an account, by name.
pub(super) fn oidc_providers(account: &Account) -> BTreeMap<String, OidcProvider> {
    let carried = |provider: &state::OidcProvider| OidcProvider {
        client_ids: provider.client_ids.iter().map(ToString::to_string).collect(),
        thumbprints: provider.thumbprints.iter().map(ToString::to_string).collect(),
        tags: tags(&provider.tags),
    };
    let all = account.oidc_providers().values();
    all.map(|provider| (provider.url.to_string(), carried(provider))).collect()
}

/// The SAML providers of an account, by name.
pub(super) fn saml_providers(account: &Account) -> BTreeMap<String, SamlProvider> {
    let carried = |provider: &state::SamlProvider| SamlProvider {
        metadata: provider.metadata.to_string(),
        requires_encryption: provider.encryption == AssertionEncryption::Require,
        tags: tags(&provider.tags),
    };
    let all = account.saml_providers().values();
    all.map(|provider| (provider.name.to_string(), carried(provider))).collect()
}

/// The server certificates of an account, by name.
pub(super) fn certificates(account: &Account) -> BTreeMap<String, ServerCertificate> {
    let carried = |certificate: &state::ServerCertificate| ServerCertificate {
        path: certificate.path.to_string(),
        body: certificate.body.to_string(),
        chain: certificate.chain.as_deref().map(str::to_owned),
        tags: tags(&certificate.tags),
    };
    let all = account.server_certificates().iter();
    all.map(|certificate| (certificate.name.to_string(), carried(certificate))).collect()
}

/// The alias of an account, if it has one.
pub(super) fn alias(account: &Account) -> Option<String> {
    Some(account.settings()?.alias.as_deref()?.to_owned())
}

/// The rules for passwords of an account, if it has its own.
pub(super) fn password_policy(account: &Account) -> Option<PasswordPolicy> {
    let policy = account.password_policy()?;
    Some(PasswordPolicy {
        minimum_password_length: policy.length_min,
        require_symbols: policy.require_symbols,
        require_numbers: policy.require_numbers,
        require_uppercase_characters: policy.require_uppercase,
        require_lowercase_characters: policy.require_lowercase,
        allow_users_to_change_password: policy.users_may_change,
        max_password_age: policy.age_days_max,
        password_reuse_prevention: policy.reuse_prevention,
        hard_expiry: policy.hard_expiry,
    })
}
