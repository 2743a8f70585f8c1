//! From what an account holds to a file.

use super::content::{Content, Entity, Policy, Profile, Role, User, Version};
use super::details::{
    AttachedPolicy, Boundary, Details, GroupDetail, InstanceProfile, ManagedPolicyDetail,
    OidcProviderDetail, PolicyDetail, PolicyVersion, RoleDetail, SamlProviderDetail,
    ServerCertificateDetail, Tag, UserDetail,
};
use crate::account_id::AccountId;
use crate::arn::{self, IamArn};

impl Content {
    /// The file, as the content of an account; without ids, dates and secrets.
    ///
    /// # Errors
    /// When the file cannot be written, which only a bug can cause.
    pub fn to_file(&self, account: AccountId) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(&self.details(account))
    }

    fn details(&self, account: AccountId) -> Details {
        let mut details = self.beside(account);
        let arn = |kind: &str, path: &str, name: &str| arn::iam(account, kind, path, name);
        for (name, policy) in &self.policies {
            details.policies.push(policy_detail(policy, name, policy.arn(account, name)));
        }
        for (name, group) in &self.groups {
            let entity = &group.entity;
            let own = GroupDetail {
                arn: arn("group", &entity.path, name),
                path: entity.path.clone(),
                group_name: name.clone(),
                group_policy_list: inline(entity),
                attached_managed_policies: attached(entity),
                ..GroupDetail::default()
            };
            details.group_detail_list.push(own);
        }
        for (name, User { entity, groups }) in &self.users {
            let own = UserDetail {
                arn: arn("user", &entity.path, name),
                path: entity.path.clone(),
                user_name: name.clone(),
                user_policy_list: inline(entity),
                group_list: groups.iter().cloned().collect(),
                attached_managed_policies: attached(entity),
                permissions_boundary: boundary(entity),
                tags: tags(&entity.tags),
                ..UserDetail::default()
            };
            details.user_detail_list.push(own);
        }
        for (name, role) in &self.roles {
            let arn = arn("role", &role.entity.path, name);
            let profiles = self.profiles_of(account, Some(name));
            details.role_detail_list.push(role_detail(role, name, arn, profiles));
        }
        details
    }

    /// What is neither user nor group, role nor policy.
    fn beside(&self, account: AccountId) -> Details {
        let oidc = self.oidc_providers.iter().map(|(url, provider)| OidcProviderDetail {
            arn: arn::iam(account, "oidc-provider", "/", url),
            url: url.clone(),
            client_ids: provider.client_ids.clone(),
            thumbprints: provider.thumbprints.clone(),
            tags: tags(&provider.tags),
        });
        let saml = self.saml_providers.iter().map(|(name, provider)| SamlProviderDetail {
            arn: arn::iam(account, "saml-provider", "/", name),
            metadata: provider.metadata.clone(),
            assertion_encryption_mode: encryption(provider.requires_encryption).to_owned(),
            tags: tags(&provider.tags),
        });
        let certificates = self.certificates.iter().map(|(name, it)| ServerCertificateDetail {
            path: it.path.clone(),
            server_certificate_name: name.clone(),
            arn: arn::iam(account, "server-certificate", &it.path, name),
            certificate_body: it.body.clone(),
            certificate_chain: it.chain.clone(),
            tags: tags(&it.tags),
        });
        Details {
            instance_profiles: self.profiles_of(account, None),
            oidc_providers: oidc.collect(),
            saml_providers: saml.collect(),
            server_certificates: certificates.collect(),
            account_aliases: self.alias.iter().cloned().collect(),
            password_policy: self.password_policy.clone(),
            ..Details::default()
        }
    }

    fn profiles_of(&self, account: AccountId, role: Option<&str>) -> Vec<InstanceProfile> {
        let own = self.profiles.iter().filter(|(_, it)| it.role.as_deref() == role);
        let shown = |(name, profile): (&String, &Profile)| InstanceProfile {
            arn: arn::iam(account, "instance-profile", &profile.path, name),
            path: profile.path.clone(),
            instance_profile_name: name.clone(),
            tags: tags(&profile.tags),
            ..InstanceProfile::default()
        };
        own.map(shown).collect()
    }
}

/// How AWS names whether assertions must be encrypted.
pub(super) fn encryption(is_required: bool) -> &'static str {
    if is_required { "Required" } else { "Allowed" }
}

fn role_detail(
    role: &Role,
    name: &str,
    arn: String,
    instance_profile_list: Vec<InstanceProfile>,
) -> RoleDetail {
    let Role { entity, trust, description, session_seconds_max } = role;
    RoleDetail {
        arn,
        path: entity.path.clone(),
        role_name: name.to_owned(),
        description: description.clone(),
        max_session_duration: *session_seconds_max,
        instance_profile_list,
        role_policy_list: inline(entity),
        attached_managed_policies: attached(entity),
        permissions_boundary: boundary(entity),
        tags: tags(&entity.tags),
        ..RoleDetail::with_trust(trust.written())
    }
}

fn policy_detail(policy: &Policy, name: &str, arn: String) -> ManagedPolicyDetail {
    let version = |(number, version): (u32, &Version)| {
        PolicyVersion::new(format!("v{number}"), version.document.written(), version.is_default)
    };
    let mut versions: Vec<PolicyVersion> = (1..).zip(&policy.versions).map(version).collect();
    // Newest first, as AWS has them.
    versions.reverse();
    ManagedPolicyDetail {
        policy_name: name.to_owned(),
        arn,
        path: policy.path.clone(),
        description: policy.description.clone(),
        policy_version_list: versions,
        tags: tags(&policy.tags),
        ..ManagedPolicyDetail::default()
    }
}

fn inline(entity: &Entity) -> Vec<PolicyDetail> {
    let shown = |(name, document): (&String, &super::Document)| PolicyDetail {
        policy_name: name.clone(),
        policy_document: document.written(),
    };
    entity.inline.iter().map(shown).collect()
}

fn attached(entity: &Entity) -> Vec<AttachedPolicy> {
    let shown = |arn: &String| AttachedPolicy {
        policy_name: IamArn::parse(arn).map_or(arn.as_str(), |parts| parts.name).to_owned(),
        policy_arn: arn.clone(),
    };
    entity.attached.iter().map(shown).collect()
}

fn boundary(entity: &Entity) -> Option<Boundary> {
    let arn = entity.boundary.clone()?;
    Some(Boundary { permissions_boundary_type: "Policy".to_owned(), permissions_boundary_arn: arn })
}

fn tags(tags: &std::collections::BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}
