//! From a file to what it holds.

use std::collections::{BTreeMap, BTreeSet};

use super::beside::{OidcProvider, SamlProvider, ServerCertificate};
use super::content::{
    Content, Entity, Group, Policy, Profile, Role, SERVICE_ROLE_PATH, User, Version,
};
use super::details::{
    AttachedPolicy, Boundary, Details, FILE_LENGTH_MAX, InstanceProfile, ManagedPolicyDetail,
    PolicyDetail, Tag,
};
use super::document::{Document, moved};
use super::written::encryption;
use crate::account_id::AccountId;
use crate::arn::IamArn;

/// The account field of the ARNs of AWS's own policies.
const AWS: &str = "aws";

impl Content {
    /// Reads a file. Where it names its own account, `account` stands from now on.
    ///
    /// # Errors
    /// What is wrong with the file, and where.
    pub fn read(file: &str, account: AccountId) -> Result<Content, String> {
        if file.len() > FILE_LENGTH_MAX {
            return Err(format!("the file has more than {FILE_LENGTH_MAX} bytes"));
        }
        // A list would be read as an object without names.
        if file.trim_start().starts_with('[') {
            return Err("the file is not what AWS prints: it is a list".to_owned());
        }
        let details: Details = serde_json::from_str(file)
            .map_err(|error| format!("the file is not what AWS prints: {error}"))?;
        if details.is_truncated {
            return Err("the file is one page of several: it says IsTruncated".to_owned());
        }
        let to = account.to_string();
        let from = source(&details)?.unwrap_or_else(|| to.clone());
        Reader { from, to }.content(details)
    }
}

/// The account that the file is of; none if nothing in it has an ARN.
fn source(details: &Details) -> Result<Option<String>, String> {
    let arns = details.user_detail_list.iter().map(|it| it.arn.as_str());
    let arns = arns.chain(details.group_detail_list.iter().map(|it| it.arn.as_str()));
    let arns = arns.chain(details.role_detail_list.iter().map(|it| it.arn.as_str()));
    let arns = arns.chain(details.policies.iter().map(|it| it.arn.as_str()));
    let arns = arns.chain(details.instance_profiles.iter().map(|it| it.arn.as_str()));
    let arns = arns.chain(details.oidc_providers.iter().map(|it| it.arn.as_str()));
    let arns = arns.chain(details.saml_providers.iter().map(|it| it.arn.as_str()));
    let arns = arns.chain(details.server_certificates.iter().map(|it| it.arn.as_str()));
    let mut accounts = BTreeSet::new();
    for arn in arns {
        let parts = IamArn::parse(arn).ok_or_else(|| format!("`{arn}` is no ARN of IAM"))?;
        if parts.account != AWS {
            let account: AccountId =
                parts.account.parse().map_err(|_| format!("`{arn}` names no account"))?;
            accounts.insert(account.to_string());
        }
    }
    match accounts.len() {
        0 | 1 => Ok(accounts.pop_first()),
        _ => Err(format!("the file is of more than one account: {accounts:?}")),
    }
}

struct Reader {
    from: String,
    to: String,
}

impl Reader {
    fn content(&self, mut details: Details) -> Result<Content, String> {
        let mut content = Content::default();
        beside(&mut details, &mut content)?;
        for detail in &details.policies {
            if IamArn::parse(&detail.arn).is_some_and(|parts| parts.account == AWS) {
                // AWS's own are here already.
                continue;
            }
            let policy = self.policy(detail)?;
            put(&mut content.policies, "policy", &detail.policy_name, policy)?;
        }
        for detail in details.group_detail_list {
            let entity = self.entity(Holder {
                what: format!("group {}", detail.group_name),
                path: detail.path,
                inline: &detail.group_policy_list,
                attached: &detail.attached_managed_policies,
                boundary: None,
                tags: &[],
            })?;
            put(&mut content.groups, "group", &detail.group_name, Group { entity })?;
        }
        for detail in details.user_detail_list {
            let entity = self.entity(Holder {
                what: format!("user {}", detail.user_name),
                path: detail.path,
                inline: &detail.user_policy_list,
                attached: &detail.attached_managed_policies,
                boundary: detail.permissions_boundary.as_ref(),
                tags: &detail.tags,
            })?;
            let groups = detail.group_list.into_iter().collect();
            put(&mut content.users, "user", &detail.user_name, User { entity, groups })?;
        }
        for detail in details.role_detail_list {
            self.role(&mut content, detail)?;
        }
        Ok(content)
    }

    fn policy(&self, detail: &ManagedPolicyDetail) -> Result<Policy, String> {
        let what = format!("policy {}", detail.policy_name);
        let mut versions = BTreeMap::new();
        for version in &detail.policy_version_list {
            let number = version.version_id.strip_prefix('v').and_then(|it| it.parse::<u32>().ok());
            let number =
                number.ok_or_else(|| format!("{what}: `{}` is no version", version.version_id))?;
            let document = self.document(&what, &version.document)?;
            let version = Version { document, is_default: version.is_default_version };
            if versions.insert(number, version).is_some() {
                return Err(format!("{what}: version v{number} is there twice"));
            }
        }
        let versions: Vec<Version> = versions.into_values().collect();
        match versions.iter().filter(|version| version.is_default).count() {
            1 => {}
            count => return Err(format!("{what}: {count} versions are the default, not one")),
        }
        let tags = tags(&what, &detail.tags)?;
        let (path, description) = (detail.path.clone(), detail.description.clone());
        Ok(Policy { path, description, versions, tags })
    }

    fn role(
        &self,
        content: &mut Content,
        detail: super::details::RoleDetail,
    ) -> Result<(), String> {
        if detail.path.starts_with(SERVICE_ROLE_PATH) {
            content.left_out.insert(detail.role_name);
            return Ok(());
        }
        let what = format!("role {}", detail.role_name);
        for profile in &detail.instance_profile_list {
            put_profile(content, profile, Some(detail.role_name.clone()))?;
        }
        let role = Role {
            trust: self.document(&what, &detail.assume_role_policy_document)?,
            entity: self.entity(Holder {
                what,
                path: detail.path,
                inline: &detail.role_policy_list,
                attached: &detail.attached_managed_policies,
                boundary: detail.permissions_boundary.as_ref(),
                tags: &detail.tags,
            })?,
            description: detail.description.filter(|text| !text.is_empty()),
            session_seconds_max: detail.max_session_duration,
        };
        put(&mut content.roles, "role", &detail.role_name, role)
    }

    fn entity(&self, holder: Holder<'_>) -> Result<Entity, String> {
        let Holder { what, path, inline, attached, boundary, tags: own_tags } = holder;
        let mut policies = BTreeMap::new();
        for policy in inline {
            let document = self.document(&what, &policy.policy_document)?;
            if policies.insert(policy.policy_name.clone(), document).is_some() {
                return Err(format!("{what}: the policy {} is there twice", policy.policy_name));
            }
        }
        let moved = |arn: &str| moved(arn, &self.from, &self.to).into_owned();
        Ok(Entity {
            inline: policies,
            attached: attached.iter().map(|policy| moved(&policy.policy_arn)).collect(),
            boundary: boundary.map(|boundary| moved(&boundary.permissions_boundary_arn)),
            tags: tags(&what, own_tags)?,
            path,
        })
    }

    fn document(&self, what: &str, raw: &serde_json::value::RawValue) -> Result<Document, String> {
        let document = Document::read(raw).map_err(|error| format!("{what}: {error}"))?;
        Ok(Document(moved(document.text(), &self.from, &self.to).into()))
    }
}

/// Reads what is neither user nor group, role nor policy.
fn beside(details: &mut Details, content: &mut Content) -> Result<(), String> {
    for profile in &details.instance_profiles {
        put_profile(content, profile, None)?;
    }
    for detail in details.oidc_providers.drain(..) {
        let tags = tags(&detail.arn, &detail.tags)?;
        let (client_ids, thumbprints) = (detail.client_ids, detail.thumbprints);
        let provider = OidcProvider { client_ids, thumbprints, tags };
        put(&mut content.oidc_providers, "OpenID Connect provider", &detail.url, provider)?;
    }
    for detail in details.saml_providers.drain(..) {
        let mode = &*detail.assertion_encryption_mode;
        let known = [true, false].into_iter().find(|it| encryption(*it) == mode);
        let requires_encryption =
            known.ok_or_else(|| format!("{}: `{mode}` is no encryption mode", detail.arn))?;
        let tags = tags(&detail.arn, &detail.tags)?;
        let name = IamArn::parse(&detail.arn).map_or("", |parts| parts.name);
        let provider = SamlProvider { metadata: detail.metadata, requires_encryption, tags };
        put(&mut content.saml_providers, "SAML provider", name, provider)?;
    }
    for detail in details.server_certificates.drain(..) {
        let tags = tags(&detail.arn, &detail.tags)?;
        let (body, chain) = (detail.certificate_body, detail.certificate_chain);
        let certificate = ServerCertificate { path: detail.path, body, chain, tags };
        let name = &detail.server_certificate_name;
        put(&mut content.certificates, "server certificate", name, certificate)?;
    }
    content.password_policy = details.password_policy.take();
    content.alias = details.account_aliases.pop();
    match details.account_aliases.is_empty() {
        true => Ok(()),
        false => Err("the account has more than one alias".to_owned()),
    }
}

fn put_profile(
    content: &mut Content,
    detail: &InstanceProfile,
    role: Option<String>,
) -> Result<(), String> {
    let name = &detail.instance_profile_name;
    let tags = tags(&format!("instance profile {name}"), &detail.tags)?;
    let profile = Profile { path: detail.path.clone(), tags, role };
    put(&mut content.profiles, "instance profile", name, profile)
}

/// What is alike in the details of users, groups and roles.
struct Holder<'a> {
    what: String,
    path: String,
    inline: &'a [PolicyDetail],
    attached: &'a [AttachedPolicy],
    boundary: Option<&'a Boundary>,
    tags: &'a [Tag],
}

/// Names are unique without regard to letter case; the account sees to that, here it is the file.
fn put<T>(all: &mut BTreeMap<String, T>, kind: &str, name: &str, item: T) -> Result<(), String> {
    match all.insert(name.to_owned(), item) {
        None => Ok(()),
        Some(_) => Err(format!("the {kind} {name} is there twice")),
    }
}

fn tags(what: &str, tags: &[Tag]) -> Result<BTreeMap<String, String>, String> {
    let mut read = BTreeMap::new();
    for tag in tags {
        if read.insert(tag.key.clone(), tag.value.clone()).is_some() {
            return Err(format!("{what}: the tag {} is there twice", tag.key));
        }
    }
    Ok(read)
}
