//! The account itself: its alias, and its summary.

use std::collections::BTreeMap;

use iamd_wire::iam::{
    CreateAccountAliasRequest, DeleteAccountAliasRequest, GetAccountSummaryRequest,
    GetAccountSummaryResponse, ListAccountAliasesRequest, ListAccountAliasesResponse,
};
use iamd_wire::{ErrorCode, NoOutput};

use super::account_properties::preferences;
use crate::account_id::AccountId;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::quota;
use crate::refusal::Refusal;
use crate::state::{
    Account, AccountChanges, AccountSettings, Alias, Change, Entity, EntityKey, KeyOwner,
    TokenVersion,
};

/// Names the account; a name it had before is given up.
impl Operation for CreateAccountAliasRequest {
    const ACTION: &'static str = "iam:CreateAccountAlias";
    const EFFECT: Effect = Effect::WriteDirectory;
    type Output = NoOutput;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let alias = self.account_alias.as_str();
        if alias.len() == 12 && alias.bytes().all(|byte| byte.is_ascii_digit()) {
            // The pattern lets twelve digits through; they would be taken for an account id.
            return Err(Refusal::new(
                ErrorCode::InvalidInput,
                "Account alias cannot be a 12-digit number.",
            ));
        }
        match scene.state.directory().account_of_alias(alias) {
            Some(holder) if holder == scene.account.id() => return Ok(Planned::read(NoOutput)),
            Some(_) => {
                return Err(Refusal::new(
                    ErrorCode::EntityAlreadyExists,
                    format!("The account alias {alias} already exists."),
                ));
            }
            None => {}
        }
        let settings = settings(scene.account)?;
        let taken = Alias { alias: alias.into(), account: scene.account.id() };
        let mut directory = vec![Change::Put(Entity::Alias(taken))];
        if let Some(old) = &settings.alias {
            directory.push(Change::Remove(EntityKey::Alias(old.clone())));
        }
        Ok(aliased(scene.account, settings, Some(alias.into()), directory))
    }
}

/// Gives the account's name up.
impl Operation for DeleteAccountAliasRequest {
    const ACTION: &'static str = "iam:DeleteAccountAlias";
    const EFFECT: Effect = Effect::WriteDirectory;
    type Output = NoOutput;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let settings = settings(scene.account)?;
        if settings.alias.as_deref() != Some(&self.account_alias) {
            return Err(Refusal::new(
                ErrorCode::NoSuchEntity,
                format!("The account alias with name {} cannot be found.", self.account_alias),
            ));
        }
        let directory = vec![Change::Remove(EntityKey::Alias(self.account_alias.as_str().into()))];
        Ok(aliased(scene.account, settings, None, directory))
    }
}

/// Lists the account's alias, of which there is at most one.
impl Operation for ListAccountAliasesRequest {
    const ACTION: &'static str = "iam:ListAccountAliases";
    const EFFECT: Effect = Effect::Read;
    type Output = ListAccountAliasesResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        if let Some(marker) = &self.marker {
            // There is never a second page.
            scene.marker_key.open("aliases", marker)?;
        }
        let alias = scene.account.settings().and_then(|settings| settings.alias.as_deref());
        Ok(Planned::read(ListAccountAliasesResponse {
            account_aliases: alias.map(str::to_owned).into_iter().collect(),
            is_truncated: Some(false),
            marker: None,
        }))
    }
}

/// Counts what the account holds, beside its quotas.
impl Operation for GetAccountSummaryRequest {
    const ACTION: &'static str = "iam:GetAccountSummary";
    const EFFECT: Effect = Effect::Read;
    type Output = GetAccountSummaryResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let entries = counts(scene.account).into_iter().chain(limits(scene));
        let map: BTreeMap<String, i32> = entries
            .map(|(key, count)| (key.to_owned(), i32::try_from(count).unwrap_or(i32::MAX)))
            .collect();
        Ok(Planned::read(GetAccountSummaryResponse { summary_map: Some(map) }))
    }
}

fn settings(account: &Account) -> Result<&AccountSettings, Refusal> {
    account
        .settings()
        .map(|settings| &**settings)
        .ok_or_else(|| Refusal::new(ErrorCode::NoSuchEntity, "The account cannot be found."))
}

fn aliased(
    account: &Account,
    settings: &AccountSettings,
    alias: Option<Box<str>>,
    directory: Vec<Change>,
) -> Planned<NoOutput> {
    let settings = AccountSettings { alias, ..settings.clone() };
    let own = vec![Change::Put(Entity::Settings(settings))];
    Planned {
        changes: vec![
            AccountChanges { account: account.id(), changes: own },
            AccountChanges { account: AccountId::DIRECTORY, changes: directory },
        ],
        output: NoOutput,
    }
}

/// What there is. The kinds that iamd does not keep yet are truly none.
fn counts(account: &Account) -> [(&'static str, usize); 14] {
    let settings = account.settings();
    let root_password = settings.is_some_and(|settings| settings.root_password_hash.is_some());
    let root_certificates = account.signing_certificates().has_any(KeyOwner::Root);
    let root_keys = account.keys_of(KeyOwner::Root).next().is_some();
    // CHOICE: hardware that is nobody's is not the account's yet.
    let (devices_in_use, hardware_in_use) = account.mfa_devices().assigned_counts();
    let versions = account.policies().iter().map(|policy| policy.versions.len()).sum();
    [
        ("Users", account.users().len()),
        ("Groups", account.groups().len()),
        ("Roles", account.roles().len()),
        ("Policies", account.policies().len()),
        ("PolicyVersionsInUse", versions),
        ("InstanceProfiles", account.instance_profiles().len()),
        ("ServerCertificates", account.server_certificates().len()),
        ("MFADevices", account.mfa_devices().virtual_count() + hardware_in_use),
        ("MFADevicesInUse", devices_in_use),
        ("Providers", account.oidc_providers().len() + account.saml_providers().len()),
        ("AccountMFAEnabled", usize::from(account.mfa_devices().has_any(KeyOwner::Root))),
        ("AccountAccessKeysPresent", usize::from(root_keys)),
        ("AccountPasswordPresent", usize::from(root_password)),
        ("AccountSigningCertificatesPresent", usize::from(root_certificates)),
    ]
}

fn token_version(scene: &Scene<'_>) -> u32 {
    match preferences(scene).token_version {
        TokenVersion::V1 => 1,
        TokenVersion::V2 => 2,
    }
}

/// What there may be. Source: IAM API Reference, GetAccountSummary.
fn limits(scene: &Scene<'_>) -> [(&'static str, usize); 20] {
    let quotas = scene.quotas;
    [
        ("UsersQuota", quotas.users),
        ("GroupsQuota", quotas.groups),
        ("RolesQuota", quotas.roles),
        ("PoliciesQuota", quotas.policies),
        ("PolicyVersionsInUseQuota", quota::POLICY_VERSIONS_IN_USE),
        ("VersionsPerPolicyQuota", quota::VERSIONS_PER_POLICY),
        ("PolicySizeQuota", quota::MANAGED_POLICY_SIZE),
        ("UserPolicySizeQuota", quota::USER_INLINE_SIZE),
        ("GroupPolicySizeQuota", quota::GROUP_INLINE_SIZE),
        ("RolePolicySizeQuota", quota::ROLE_INLINE_SIZE),
        ("AssumeRolePolicySizeQuota", quotas.trust_policy_size),
        ("AttachedPoliciesPerUserQuota", quotas.attached_policies_per_user),
        ("AttachedPoliciesPerGroupQuota", quotas.attached_policies_per_group),
        ("AttachedPoliciesPerRoleQuota", quotas.attached_policies_per_role),
        ("GroupsPerUserQuota", quota::GROUPS_PER_USER),
        ("InstanceProfilesQuota", quotas.instance_profiles),
        ("ServerCertificatesQuota", quota::SERVER_CERTIFICATES),
        ("SigningCertificatesPerUserQuota", quota::SIGNING_CERTIFICATES_PER_USER),
        ("AccessKeysPerUserQuota", quota::ACCESS_KEYS_PER_USER),
        ("GlobalEndpointTokenVersion", token_version(scene)),
    ]
    .map(|(key, limit)| (key, limit as usize))
}
