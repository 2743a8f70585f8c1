//! SAML providers. Source: IAM API Reference; IAM User Guide, "Create a SAML identity provider in IAM".
//!
//! The texts of refusals are the headings of the guide's "Troubleshoot SAML federation with IAM"; the
//! codes are the model's.

use data_encoding::BASE32;
use iamd_wire::iam::{
    AssertionEncryptionModeType, CreateSAMLProviderRequest, CreateSAMLProviderResponse,
    DeleteSAMLProviderRequest, GetSAMLProviderRequest, GetSAMLProviderResponse,
    ListSAMLProvidersRequest, ListSAMLProvidersResponse, SAMLPrivateKey as WirePrivateKey,
    SAMLProviderListEntry, UpdateSAMLProviderRequest, UpdateSAMLProviderResponse,
};
use iamd_wire::{ErrorCode, NoOutput, Secret, Timestamp};

use super::resource;
use super::tag::{KeyCase, checked_tags, shown_tags};
use crate::arn;
use crate::certificate::PublicHalf;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::quota;
use crate::refusal::Refusal;
use crate::saml_metadata::SamlMetadata;
use crate::state::{AssertionEncryption, Change, Entity, EntityKey, SamlPrivateKey, SamlProvider};
use crate::text;

const TYPE: &str = "saml-provider";
/// How long metadata counts that does not say so, in seconds: a hundred years, with their 24 leap days.
///
/// Source: the answers in the AWS CLI Command Reference, get-saml-provider.
const VALID_SECONDS: i64 = 36_524 * 86_400;

/// Creates a provider from the metadata of an identity provider, which is read for it.
impl Operation for CreateSAMLProviderRequest {
    const ACTION: &'static str = "iam:CreateSAMLProvider";
    const EFFECT: Effect = Effect::Write;
    type Output = CreateSAMLProviderResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let create = Target::new(Self::ACTION, arn_of(scene, &self.name));
        Ok(resource::with_request_tags(create, "iam:TagSAMLProvider", self.tags.as_deref()))
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let tags = checked_tags(self.tags.as_deref(), KeyCase::Counts)?;
        let all = scene.account.saml_providers();
        if all.contains_key(&*self.name) {
            let message = format!("Provider with name {} already exists.", self.name);
            return Err(Refusal::new(ErrorCode::EntityAlreadyExists, message));
        }
        if all.len() >= quota::SAML_PROVIDERS as usize {
            return Err(text::quota_exceeded("SAMLProvidersPerAccount", quota::SAML_PROVIDERS));
        }
        let valid_until = checked_metadata(scene, &self.name, &self.saml_metadata_document)?;
        let keys = self.add_private_key.as_ref().map(|key| private_key(key, draw));
        let provider = SamlProvider {
            name: self.name.as_str().into(),
            id: drawn_id(draw),
            created: draw.now(),
            valid_until,
            metadata: self.saml_metadata_document.as_str().into(),
            encryption: self.assertion_encryption_mode.map_or(AssertionEncryption::Allow, mode),
            private_keys: keys.transpose()?.into_iter().collect(),
            tags,
        };
        let output = CreateSAMLProviderResponse {
            saml_provider_arn: Some(arn_of(scene, &provider.name)),
            tags: (!provider.tags.is_empty()).then(|| shown_tags(&provider.tags)),
        };
        let changes = vec![Change::Put(Entity::SamlProvider(decryptable(provider)?))];
        Ok(Planned::write(scene.account, changes, output))
    }
}

/// Shows a provider with its metadata, and when its private keys were uploaded.
impl Operation for GetSAMLProviderRequest {
    const ACTION: &'static str = "iam:GetSAMLProvider";
    const EFFECT: Effect = Effect::Read;
    type Output = GetSAMLProviderResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &self.saml_provider_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let provider = find(scene, &self.saml_provider_arn)?;
        let shown_key = |key: &SamlPrivateKey| WirePrivateKey {
            key_id: Some(key.id.to_string()),
            timestamp: Some(key.uploaded),
        };
        Ok(Planned::read(GetSAMLProviderResponse {
            saml_provider_uuid: Some(provider.id.to_string()),
            saml_metadata_document: Some(provider.metadata.to_string()),
            create_date: Some(provider.created),
            valid_until: Some(provider.valid_until),
            tags: Some(shown_tags(&provider.tags)),
            assertion_encryption_mode: Some(shown_mode(provider.encryption)),
            private_key_list: Some(provider.private_keys.iter().map(shown_key).collect()),
        }))
    }
}

/// Lists all providers by name; never in pages.
impl Operation for ListSAMLProvidersRequest {
    const ACTION: &'static str = "iam:ListSAMLProviders";
    const EFFECT: Effect = Effect::Read;
    type Output = ListSAMLProvidersResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, Some(arn_of(scene, "")))])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let providers = scene.account.saml_providers().values();
        let entries = providers.map(|provider| SAMLProviderListEntry {
            arn: Some(arn_of(scene, &provider.name)),
            valid_until: Some(provider.valid_until),
            create_date: Some(provider.created),
        });
        Ok(Planned::read(ListSAMLProvidersResponse { saml_provider_list: Some(entries.collect()) }))
    }
}

/// Replaces the metadata, sets whether assertions must be encrypted, adds or removes a private key.
impl Operation for UpdateSAMLProviderRequest {
    const ACTION: &'static str = "iam:UpdateSAMLProvider";
    const EFFECT: Effect = Effect::Write;
    type Output = UpdateSAMLProviderResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &self.saml_provider_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let mut provider = find(scene, &self.saml_provider_arn)?.clone();
        check_members(self)?;
        if let Some(metadata) = &self.saml_metadata_document {
            provider.valid_until = checked_metadata(scene, &provider.name, metadata)?;
            provider.metadata = metadata.as_str().into();
        }
        if let Some(key) = &self.add_private_key {
            if provider.private_keys.len() >= quota::PRIVATE_KEYS_PER_SAML_PROVIDER {
                let message = "Private key limit of 2 is reached.";
                return Err(Refusal::new(ErrorCode::LimitExceeded, message));
            }
            provider.private_keys.push(private_key(key, draw)?);
        }
        if let Some(id) = &self.remove_private_key {
            remove_key(&mut provider, id)?;
        }
        provider.encryption = self.assertion_encryption_mode.map_or(provider.encryption, mode);
        let provider = decryptable(provider)?;
        let output =
            UpdateSAMLProviderResponse { saml_provider_arn: Some(arn_of(scene, &provider.name)) };
        let changes = vec![Change::Put(Entity::SamlProvider(provider))];
        Ok(Planned::write(scene.account, changes, output))
    }
}

/// Deletes a provider; roles that trust it stay, and trust nobody by it.
impl Operation for DeleteSAMLProviderRequest {
    const ACTION: &'static str = "iam:DeleteSAMLProvider";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &self.saml_provider_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let provider = find(scene, &self.saml_provider_arn)?;
        let changes = vec![Change::Remove(EntityKey::SamlProvider(provider.name.clone()))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// The target of an action on a provider, whether it exists or not.
pub(super) fn target(scene: &Scene<'_>, action: &'static str, arn: &str) -> Target {
    let mut target = Target::new(action, arn.to_owned());
    if let Some(provider) = known(scene, arn) {
        resource::add_resource_tags(&mut target.context, &provider.tags);
    }
    target
}

/// The provider of this account with this ARN.
///
/// # Errors
/// `NoSuchEntity`
pub(super) fn find<'a>(scene: &Scene<'a>, arn: &str) -> Result<&'a SamlProvider, Refusal> {
    known(scene, arn).ok_or_else(|| {
        Refusal::new(ErrorCode::NoSuchEntity, format!("Manifest not found for arn {arn}"))
    })
}

fn known<'a>(scene: &Scene<'a>, arn: &str) -> Option<&'a SamlProvider> {
    let name = arn.strip_prefix(&*arn_of(scene, ""))?;
    scene.account.saml_providers().get(name).map(|provider| &**provider)
}

/// The ARN of the provider of this name.
pub(super) fn arn_of(scene: &Scene<'_>, name: &str) -> String {
    arn::iam(scene.account.id(), TYPE, "/", name)
}

/// Until when this metadata counts, given that it is to be that of the provider of this name.
fn checked_metadata(scene: &Scene<'_>, name: &str, text: &str) -> Result<Timestamp, Refusal> {
    let others = scene.account.saml_providers().values().filter(|other| &*other.name != name);
    let bytes: usize = others.map(|other| other.metadata.len()).sum();
    if bytes + text.len() > quota::SAML_METADATA_BYTES {
        let limit = quota::SAML_METADATA_BYTES as u32;
        return Err(text::quota_exceeded("SAMLMetadataBytesPerAccount", limit));
    }
    let metadata = SamlMetadata::read(text)
        .map_err(|reason| invalid(format!("Could not parse metadata: {reason}.")))?;
    // CHOICE: metadata that has ended is taken: nobody signs in by it, and an update helps.
    let unsaid = Timestamp::from_seconds(scene.now.seconds() + VALID_SECONDS);
    Ok(metadata.valid_until().unwrap_or(unsaid))
}

/// Something must be changed, and keys are not added and removed in one request.
fn check_members(request: &UpdateSAMLProviderRequest) -> Result<(), Refusal> {
    if request.add_private_key.is_some() && request.remove_private_key.is_some() {
        return Err(invalid(
            "Unable to add and remove private keys in the same request. Set a value for only one of the two parameters.",
        ));
    }
    let changes_keys = request.add_private_key.is_some() || request.remove_private_key.is_some();
    let changes_rest =
        request.saml_metadata_document.is_some() || request.assertion_encryption_mode.is_some();
    if changes_keys || changes_rest {
        return Ok(());
    }
    Err(invalid(
        "Unable to update identity provider. No updates are defined for metadata or encryption assertion.",
    ))
}

fn private_key(key: &Secret, draw: &mut Draw) -> Result<SamlPrivateKey, Refusal> {
    PublicHalf::of_rsa(key).ok_or_else(|| invalid("Invalid private key."))?;
    Ok(SamlPrivateKey { id: drawn_id(draw), uploaded: draw.now(), key: key.clone() })
}

/// The guide has two texts; a key that must stay gets the one without a reason.
fn remove_key(provider: &mut SamlProvider, id: &str) -> Result<(), Refusal> {
    let place = provider.private_keys.iter().position(|key| &*key.id == id);
    let place = place.ok_or_else(|| {
        let message =
            "Failed to remove private key because the Key ID does not match a private key.";
        Refusal::new(ErrorCode::NoSuchEntity, message)
    })?;
    provider.private_keys.remove(place);
    let is_needed = provider.encryption == AssertionEncryption::Require;
    if is_needed && provider.private_keys.is_empty() {
        return Err(invalid("Failed to remove private key."));
    }
    Ok(())
}

/// INVARIANT: who must encrypt assertions encrypts them to somebody.
fn decryptable(provider: SamlProvider) -> Result<SamlProvider, Refusal> {
    match provider.encryption {
        AssertionEncryption::Require if provider.private_keys.is_empty() => Err(invalid(
            "Unable to set assertion encryption mode to Required because no private key is provided.",
        )),
        AssertionEncryption::Require | AssertionEncryption::Allow => Ok(provider),
    }
}

/// 32 letters and digits, 160 random bits: nobody has it already.
fn drawn_id(draw: &mut Draw) -> Box<str> {
    BASE32.encode(&draw.bytes::<20>()).into()
}

fn mode(mode: AssertionEncryptionModeType) -> AssertionEncryption {
    match mode {
        AssertionEncryptionModeType::Allowed => AssertionEncryption::Allow,
        AssertionEncryptionModeType::Required => AssertionEncryption::Require,
    }
}

fn shown_mode(encryption: AssertionEncryption) -> AssertionEncryptionModeType {
    match encryption {
        AssertionEncryption::Allow => AssertionEncryptionModeType::Allowed,
        AssertionEncryption::Require => AssertionEncryptionModeType::Required,
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::InvalidInput, message)
}
