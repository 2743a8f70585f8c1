//! Limits on how much there may be of everything. Source: IAM User Guide, "IAM and AWS STS quotas".

/// The quotas that an operator may raise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quotas {
    /// Users in an account.
    pub users: u32,
    /// Groups in an account.
    pub groups: u32,
    /// Roles in an account.
    pub roles: u32,
    /// Instance profiles in an account.
    pub instance_profiles: u32,
    /// Customer managed policies in an account.
    pub policies: u32,
    /// Managed policies attached to a user.
    pub attached_policies_per_user: u32,
    /// Managed policies attached to a role.
    pub attached_policies_per_role: u32,
    /// Managed policies attached to a group.
    pub attached_policies_per_group: u32,
    /// Characters in a role trust policy, white space not counted.
    pub trust_policy_size: u32,
}

impl Default for Quotas {
    fn default() -> Quotas {
        Quotas {
            users: 5_000,
            groups: 300,
            roles: 1_000,
            instance_profiles: 1_000,
            policies: 1_500,
            attached_policies_per_user: 10,
            attached_policies_per_role: 10,
            attached_policies_per_group: 10,
            trust_policy_size: 2_048,
        }
    }
}

impl Quotas {
    /// The names by which an operator sets quotas: those of the members.
    pub const NAMES: [&str; 9] = [
        "users",
        "groups",
        "roles",
        "instance_profiles",
        "policies",
        "attached_policies_per_user",
        "attached_policies_per_role",
        "attached_policies_per_group",
        "trust_policy_size",
    ];

    /// The quota of this name; none if there is no such quota.
    pub fn named_mut(&mut self, name: &str) -> Option<&mut u32> {
        Some(match name {
            "users" => &mut self.users,
            "groups" => &mut self.groups,
            "roles" => &mut self.roles,
            "instance_profiles" => &mut self.instance_profiles,
            "policies" => &mut self.policies,
            "attached_policies_per_user" => &mut self.attached_policies_per_user,
            "attached_policies_per_role" => &mut self.attached_policies_per_role,
            "attached_policies_per_group" => &mut self.attached_policies_per_group,
            "trust_policy_size" => &mut self.trust_policy_size,
            _ => return None,
        })
    }
}

/// Access keys of one user or root.
pub const ACCESS_KEYS_PER_USER: u32 = 2;
/// MFA devices of one user or root.
pub const MFA_DEVICES_PER_USER: u32 = 8;
/// Passwords of one user that are remembered, the present one among them: the most that
/// `PasswordReusePrevention` can ask for.
pub const PASSWORDS_REMEMBERED: usize = 24;
/// Groups that one user may be in.
pub const GROUPS_PER_USER: u32 = 10;
/// Roles in an instance profile.
pub const ROLES_PER_INSTANCE_PROFILE: u32 = 1;
/// Tags of one entity.
pub const TAGS_PER_ENTITY: usize = 50;
/// Versions of one managed policy.
pub const VERSIONS_PER_POLICY: u32 = 5;
/// Versions of all managed policies in use; shown in the account summary.
pub const POLICY_VERSIONS_IN_USE: u32 = 10_000;
/// Characters in a managed policy, white space not counted.
pub const MANAGED_POLICY_SIZE: u32 = 6_144;
/// Characters in all inline policies of a user, white space not counted.
pub const USER_INLINE_SIZE: u32 = 2_048;
/// Characters in all inline policies of a group, white space not counted.
pub const GROUP_INLINE_SIZE: u32 = 5_120;
/// Characters in all inline policies of a role, white space not counted.
pub const ROLE_INLINE_SIZE: u32 = 10_240;
/// Characters in the session policy and session policy ARNs together, white space counted.
pub const SESSION_POLICY_SIZE: usize = 2_048;
/// Managed policies that narrow one session.
pub const SESSION_POLICY_ARNS: usize = 10;
/// SSH public keys of one user.
pub const SSH_PUBLIC_KEYS_PER_USER: u32 = 5;
/// Requests for delegation that an account may have made and that are still shown.
// CHOICE: AWS publishes no number.
pub const DELEGATION_REQUESTS: u32 = 1_000;
/// Characters of all parameters of one request for delegation.
// CHOICE: the service model limits their number alone.
pub const DELEGATION_PARAMETERS_SIZE: usize = 10_240;
/// Service-specific credentials of one user for one service.
pub const SERVICE_CREDENTIALS_PER_USER: u32 = 2;
/// Deletions of service-linked roles that are remembered.
// CHOICE: AWS does not say for how long it shows them.
pub const DELETION_TASKS: usize = 100;
/// OpenID Connect providers of an account.
pub const OIDC_PROVIDERS: u32 = 100;
/// Audiences of one OpenID Connect provider.
pub const CLIENT_IDS_PER_OIDC_PROVIDER: u32 = 100;
/// Thumbprints of one OpenID Connect provider.
pub const THUMBPRINTS_PER_OIDC_PROVIDER: usize = 5;
/// SAML providers of an account.
pub const SAML_PROVIDERS: u32 = 100;
/// Identity providers that the metadata of one SAML provider describes.
pub const IDENTITY_PROVIDERS_PER_SAML_PROVIDER: usize = 10;
/// Signing certificates in the metadata of one SAML provider.
pub const CERTIFICATES_PER_SAML_PROVIDER: usize = 10;
/// Private keys of one SAML provider. IAM model, `privateKeyList`.
pub const PRIVATE_KEYS_PER_SAML_PROVIDER: usize = 2;
/// Bytes in all metadata documents of an account.
// CHOICE: AWS has no such quota; without one, an account could fill the memory of all.
pub const SAML_METADATA_BYTES: usize = 40_000_000;
/// Server certificates; shown in the account summary.
pub const SERVER_CERTIFICATES: u32 = 20;
/// Signing certificates of one user; shown in the account summary.
pub const SIGNING_CERTIFICATES_PER_USER: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quota_has_its_name() {
        let mut quotas = Quotas::default();
        for (number, name) in (1..).zip(Quotas::NAMES) {
            *quotas.named_mut(name).unwrap() = number;
        }
        assert_eq!((quotas.users, quotas.trust_policy_size), (1, 9));
        assert!(quotas.named_mut("user").is_none());
    }
}
