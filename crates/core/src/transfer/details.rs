//! The file: what `aws iam get-account-authorization-details` prints, as JSON.
//!
//! Source: IAM API Reference, GetAccountAuthorizationDetails. `Description` and `MaxSessionDuration`
//! of roles and `Tags` of policies are members of AWS's types that AWS leaves out in this answer;
//! they are taken where they are there. So are members for what AWS tells by other operations, with
//! the names that those have: an export has them.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::beside::PasswordPolicy;

/// Longest file, in bytes.
// CHOICE: full quotas of everything come to less, with documents of usual length.
pub const FILE_LENGTH_MAX: usize = 24 * 1024 * 1024;

/// The whole file.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Details {
    #[serde(default)]
    pub(super) user_detail_list: Vec<UserDetail>,
    #[serde(default)]
    pub(super) group_detail_list: Vec<GroupDetail>,
    #[serde(default)]
    pub(super) role_detail_list: Vec<RoleDetail>,
    #[serde(default)]
    pub(super) policies: Vec<ManagedPolicyDetail>,
    #[serde(default)]
    pub(super) is_truncated: bool,
    #[serde(default, skip_serializing)]
    pub(super) _marker: Option<IgnoredAny>,
    /// Those without a role; the others stand in their roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) instance_profiles: Vec<InstanceProfile>,
    #[serde(default, rename = "OpenIDConnectProviderList", skip_serializing_if = "Vec::is_empty")]
    pub(super) oidc_providers: Vec<OidcProviderDetail>,
    #[serde(default, rename = "SAMLProviderList", skip_serializing_if = "Vec::is_empty")]
    pub(super) saml_providers: Vec<SamlProviderDetail>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) server_certificates: Vec<ServerCertificateDetail>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) account_aliases: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) password_policy: Option<PasswordPolicy>,
}

/// An OpenID Connect provider.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct OidcProviderDetail {
    pub(super) arn: String,
    /// Without `https://`.
    pub(super) url: String,
    #[serde(default, rename = "ClientIDList")]
    pub(super) client_ids: Vec<String>,
    #[serde(default, rename = "ThumbprintList")]
    pub(super) thumbprints: Vec<String>,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
}

/// A SAML provider without its keys.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SamlProviderDetail {
    pub(super) arn: String,
    #[serde(rename = "SAMLMetadataDocument")]
    pub(super) metadata: String,
    /// `Allowed` or `Required`.
    pub(super) assertion_encryption_mode: String,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
}

/// A server certificate without its key.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ServerCertificateDetail {
    pub(super) path: String,
    pub(super) server_certificate_name: String,
    pub(super) arn: String,
    pub(super) certificate_body: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) certificate_chain: Option<String>,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
}

/// A user.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UserDetail {
    pub(super) path: String,
    pub(super) user_name: String,
    pub(super) arn: String,
    #[serde(default, skip_serializing)]
    pub(super) _user_id: Option<IgnoredAny>,
    #[serde(default, skip_serializing)]
    pub(super) _create_date: Option<IgnoredAny>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) user_policy_list: Vec<PolicyDetail>,
    #[serde(default)]
    pub(super) group_list: Vec<String>,
    #[serde(default)]
    pub(super) attached_managed_policies: Vec<AttachedPolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) permissions_boundary: Option<Boundary>,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
}

/// A group.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct GroupDetail {
    pub(super) path: String,
    pub(super) group_name: String,
    pub(super) arn: String,
    #[serde(default, skip_serializing)]
    pub(super) _group_id: Option<IgnoredAny>,
    #[serde(default, skip_serializing)]
    pub(super) _create_date: Option<IgnoredAny>,
    #[serde(default)]
    pub(super) group_policy_list: Vec<PolicyDetail>,
    #[serde(default)]
    pub(super) attached_managed_policies: Vec<AttachedPolicy>,
}

/// A role with its instance profiles.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RoleDetail {
    pub(super) path: String,
    pub(super) role_name: String,
    pub(super) arn: String,
    #[serde(default, skip_serializing)]
    pub(super) _role_id: Option<IgnoredAny>,
    #[serde(default, skip_serializing)]
    pub(super) _create_date: Option<IgnoredAny>,
    pub(super) assume_role_policy_document: Box<RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max_session_duration: Option<u32>,
    #[serde(default)]
    pub(super) instance_profile_list: Vec<InstanceProfile>,
    #[serde(default)]
    pub(super) role_policy_list: Vec<PolicyDetail>,
    #[serde(default)]
    pub(super) attached_managed_policies: Vec<AttachedPolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) permissions_boundary: Option<Boundary>,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
    #[serde(default, skip_serializing)]
    pub(super) _role_last_used: Option<IgnoredAny>,
}

/// An instance profile; the role that it shows is the one that it stands in.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct InstanceProfile {
    pub(super) path: String,
    pub(super) instance_profile_name: String,
    pub(super) arn: String,
    #[serde(default, skip_serializing)]
    pub(super) _instance_profile_id: Option<IgnoredAny>,
    #[serde(default, skip_serializing)]
    pub(super) _create_date: Option<IgnoredAny>,
    #[serde(default, skip_serializing)]
    pub(super) _roles: Option<IgnoredAny>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<Tag>,
}

/// A managed policy with its versions.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ManagedPolicyDetail {
    pub(super) policy_name: String,
    pub(super) arn: String,
    pub(super) path: String,
    #[serde(default, skip_serializing)]
    pub(super) _policy_id: Option<IgnoredAny>,
    #[serde(default, skip_serializing)]
    pub(super) _default_version_id: Option<IgnoredAny>,
    #[serde(default, skip_serializing)]
    pub(super) _attachment_count: Option<IgnoredAny>,
    #[serde(default, skip_serializing)]
    pub(super) _permissions_boundary_usage_count: Option<IgnoredAny>,
    #[serde(default, skip_serializing)]
    pub(super) _is_attachable: Option<IgnoredAny>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(default, skip_serializing)]
    pub(super) _create_date: Option<IgnoredAny>,
    #[serde(default, skip_serializing)]
    pub(super) _update_date: Option<IgnoredAny>,
    pub(super) policy_version_list: Vec<PolicyVersion>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<Tag>,
}

/// A version of a managed policy.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PolicyVersion {
    pub(super) document: Box<RawValue>,
    pub(super) version_id: String,
    pub(super) is_default_version: bool,
    #[serde(default, skip_serializing)]
    pub(super) _create_date: Option<IgnoredAny>,
}

/// An inline policy.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PolicyDetail {
    pub(super) policy_name: String,
    pub(super) policy_document: Box<RawValue>,
}

/// A managed policy that is attached.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AttachedPolicy {
    pub(super) policy_name: String,
    pub(super) policy_arn: String,
}

/// A permissions boundary.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Boundary {
    pub(super) permissions_boundary_type: String,
    pub(super) permissions_boundary_arn: String,
}

/// A tag.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Tag {
    pub(super) key: String,
    pub(super) value: String,
}

impl RoleDetail {
    /// A role with this trust policy and nothing else.
    pub(super) fn with_trust(trust: Box<RawValue>) -> RoleDetail {
        RoleDetail {
            path: String::new(),
            role_name: String::new(),
            arn: String::new(),
            _role_id: None,
            _create_date: None,
            assume_role_policy_document: trust,
            description: None,
            max_session_duration: None,
            instance_profile_list: Vec::new(),
            role_policy_list: Vec::new(),
            attached_managed_policies: Vec::new(),
            permissions_boundary: None,
            tags: Vec::new(),
            _role_last_used: None,
        }
    }
}

impl PolicyVersion {
    /// A version.
    pub(super) fn new(
        version_id: String,
        document: Box<RawValue>,
        is_default_version: bool,
    ) -> PolicyVersion {
        PolicyVersion { document, version_id, is_default_version, _create_date: None }
    }
}
