//! OpenID Connect providers. Source: IAM API Reference; IAM User Guide, "Create an OpenID Connect
//! identity provider in IAM".

use iamd_wire::iam::{
    AddClientIDToOpenIDConnectProviderRequest, CreateOpenIDConnectProviderRequest,
    CreateOpenIDConnectProviderResponse, DeleteOpenIDConnectProviderRequest,
    GetOpenIDConnectProviderRequest, GetOpenIDConnectProviderResponse,
    ListOpenIDConnectProviderTagsRequest, ListOpenIDConnectProviderTagsResponse,
    ListOpenIDConnectProvidersRequest, ListOpenIDConnectProvidersResponse,
    OpenIDConnectProviderListEntry, RemoveClientIDFromOpenIDConnectProviderRequest,
    TagOpenIDConnectProviderRequest, UntagOpenIDConnectProviderRequest,
    UpdateOpenIDConnectProviderThumbprintRequest,
};
use iamd_wire::{ErrorCode, NoOutput};

use super::resource;
use super::tag::{KeyCase, checked_tags, page_of_tags, shown_tags, with_tags, without_tags};
use crate::arn;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::quota;
use crate::refusal::Refusal;
use crate::state::{Change, Entity, EntityKey, OidcProvider};
use crate::text;

const TYPE: &str = "oidc-provider";

/// Creates a provider.
///
/// The provider is not asked for its certificate: without thumbprints it has none.
impl Operation for CreateOpenIDConnectProviderRequest {
    const ACTION: &'static str = "iam:CreateOpenIDConnectProvider";
    const EFFECT: Effect = Effect::Write;
    type Output = CreateOpenIDConnectProviderResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        // A URL that is none is refused to those who may create providers alone.
        let url = provider_url(&self.url).unwrap_or_else(|| self.url.as_str().into());
        let create = Target::new(Self::ACTION, arn_of(scene, &url));
        let tags = self.tags.as_deref();
        Ok(resource::with_request_tags(create, "iam:TagOpenIDConnectProvider", tags))
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let url = provider_url(&self.url).ok_or_else(|| {
            Refusal::new(ErrorCode::ValidationError, "Invalid Open ID Connect Provider URL")
        })?;
        let tags = checked_tags(self.tags.as_deref(), KeyCase::Counts)?;
        let thumbprints = checked_thumbprints(self.thumbprint_list.as_deref().unwrap_or_default())?;
        let client_ids = checked_clients(self.client_id_list.as_deref().unwrap_or_default())?;
        let all = scene.account.oidc_providers();
        if all.contains_key(&url) {
            return Err(Refusal::new(
                ErrorCode::EntityAlreadyExists,
                format!("Provider with url {} already exists.", self.url),
            ));
        }
        if all.len() >= quota::OIDC_PROVIDERS as usize {
            let limit = quota::OIDC_PROVIDERS;
            return Err(text::quota_exceeded("OpenIdConnectProvidersPerAccount", limit));
        }
        let provider = OidcProvider { url, created: draw.now(), client_ids, thumbprints, tags };
        let output = CreateOpenIDConnectProviderResponse {
            open_id_connect_provider_arn: Some(arn_of(scene, &provider.url)),
            tags: (!provider.tags.is_empty()).then(|| shown_tags(&provider.tags)),
        };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::OidcProvider(provider))], output))
    }
}

/// Shows a provider.
impl Operation for GetOpenIDConnectProviderRequest {
    const ACTION: &'static str = "iam:GetOpenIDConnectProvider";
    const EFFECT: Effect = Effect::Read;
    type Output = GetOpenIDConnectProviderResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &self.open_id_connect_provider_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let provider = find(scene, &self.open_id_connect_provider_arn)?;
        let texts = |texts: &[Box<str>]| texts.iter().map(|text| text.to_string()).collect();
        Ok(Planned::read(GetOpenIDConnectProviderResponse {
            url: Some(provider.url.to_string()),
            client_id_list: Some(texts(&provider.client_ids)),
            thumbprint_list: Some(texts(&provider.thumbprints)),
            create_date: Some(provider.created),
            tags: Some(shown_tags(&provider.tags)),
        }))
    }
}

/// Lists all providers; never in pages.
impl Operation for ListOpenIDConnectProvidersRequest {
    const ACTION: &'static str = "iam:ListOpenIDConnectProviders";
    const EFFECT: Effect = Effect::Read;
    type Output = ListOpenIDConnectProvidersResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, Some(arn_of(scene, "")))])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let urls = scene.account.oidc_providers().keys();
        let entries =
            urls.map(|url| OpenIDConnectProviderListEntry { arn: Some(arn_of(scene, url)) });
        Ok(Planned::read(ListOpenIDConnectProvidersResponse {
            open_id_connect_provider_list: Some(entries.collect()),
        }))
    }
}

/// Deletes a provider; roles that trust it stay, and trust nobody by it.
impl Operation for DeleteOpenIDConnectProviderRequest {
    const ACTION: &'static str = "iam:DeleteOpenIDConnectProvider";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &self.open_id_connect_provider_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let arn = &self.open_id_connect_provider_arn;
        let provider = known(scene, arn).ok_or_else(|| {
            let message = format!("OpenId connect Provider {arn} cannot be found.");
            Refusal::new(ErrorCode::NoSuchEntity, message)
        })?;
        let changes = vec![Change::Remove(EntityKey::OidcProvider(provider.url.clone()))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

macro_rules! change_operation {
    ($(#[$doc:meta])* $request:ident $action:literal, $self:ident, $provider:ident => $change:expr) => {
        $(#[$doc])*
        impl Operation for $request {
            const ACTION: &'static str = $action;
            const EFFECT: Effect = Effect::Write;
            type Output = NoOutput;

            fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
                Ok(vec![target(scene, Self::ACTION, &self.open_id_connect_provider_arn)])
            }

            fn plan(
                &$self,
                scene: &Scene<'_>,
                _: &mut Draw,
            ) -> Result<Planned<Self::Output>, Refusal> {
                let $provider = find(scene, &$self.open_id_connect_provider_arn)?;
                let changes = vec![Change::Put(Entity::OidcProvider($change))];
                Ok(Planned::write(scene.account, changes, NoOutput))
            }
        }
    };
}

change_operation!(
    /// Adds an audience; one that is there stays.
    AddClientIDToOpenIDConnectProviderRequest "iam:AddClientIDToOpenIDConnectProvider",
    self, provider => {
        let client_ids: Vec<&str> = provider.client_ids.iter().map(|id| &**id).collect();
        let client_ids = checked_clients(&[&client_ids[..], &[self.client_id.as_str()]].concat())?;
        OidcProvider { client_ids, ..provider.clone() }
    }
);
change_operation!(
    /// Removes an audience; one that is not there is no error.
    RemoveClientIDFromOpenIDConnectProviderRequest "iam:RemoveClientIDFromOpenIDConnectProvider",
    self, provider => {
        let others = provider.client_ids.iter().filter(|id| ***id != *self.client_id);
        OidcProvider { client_ids: others.cloned().collect(), ..provider.clone() }
    }
);
change_operation!(
    /// Replaces all thumbprints.
    UpdateOpenIDConnectProviderThumbprintRequest "iam:UpdateOpenIDConnectProviderThumbprint",
    self, provider => {
        let thumbprints = checked_thumbprints(&self.thumbprint_list)?;
        OidcProvider { thumbprints, ..provider.clone() }
    }
);

/// Adds tags, or replaces the values of those there.
impl Operation for TagOpenIDConnectProviderRequest {
    const ACTION: &'static str = "iam:TagOpenIDConnectProvider";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let mut target = target(scene, Self::ACTION, &self.open_id_connect_provider_arn);
        resource::add_request_tags(&mut target.context, &self.tags);
        Ok(vec![target])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let provider = find(scene, &self.open_id_connect_provider_arn)?;
        let tags = with_tags(&provider.tags, &self.tags, KeyCase::Counts)?;
        let provider = OidcProvider { tags, ..provider.clone() };
        let changes = vec![Change::Put(Entity::OidcProvider(provider))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// Removes tags by key; a key that is not there is no error.
impl Operation for UntagOpenIDConnectProviderRequest {
    const ACTION: &'static str = "iam:UntagOpenIDConnectProvider";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let mut target = target(scene, Self::ACTION, &self.open_id_connect_provider_arn);
        target.context.set_list("aws:TagKeys", self.tag_keys.iter().map(String::as_str));
        Ok(vec![target])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let provider = find(scene, &self.open_id_connect_provider_arn)?;
        let tags = without_tags(&provider.tags, &self.tag_keys, KeyCase::Counts);
        let provider = OidcProvider { tags, ..provider.clone() };
        let changes = vec![Change::Put(Entity::OidcProvider(provider))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// Lists tags, sorted by key.
impl Operation for ListOpenIDConnectProviderTagsRequest {
    const ACTION: &'static str = "iam:ListOpenIDConnectProviderTags";
    const EFFECT: Effect = Effect::Read;
    type Output = ListOpenIDConnectProviderTagsResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &self.open_id_connect_provider_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let provider = find(scene, &self.open_id_connect_provider_arn)?;
        let list = format!("tags:{}", arn_of(scene, &provider.url));
        let marker = self.marker.as_deref();
        let page = page_of_tags(scene, &list, &provider.tags, marker, self.max_items)?;
        Ok(Planned::read(ListOpenIDConnectProviderTagsResponse {
            tags: page.items,
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// The target of an action on a provider, whether it exists or not.
fn target(scene: &Scene<'_>, action: &'static str, arn: &str) -> Target {
    let mut target = Target::new(action, arn.to_owned());
    if let Some(provider) = known(scene, arn) {
        resource::add_resource_tags(&mut target.context, &provider.tags);
    }
    target
}

fn find<'a>(scene: &Scene<'a>, arn: &str) -> Result<&'a OidcProvider, Refusal> {
    known(scene, arn).ok_or_else(|| {
        let message = format!("OpenIDConnect Provider not found for arn {arn}");
        Refusal::new(ErrorCode::NoSuchEntity, message)
    })
}

/// The provider of this account with this ARN.
fn known<'a>(scene: &Scene<'a>, arn: &str) -> Option<&'a OidcProvider> {
    let url = arn.strip_prefix(&*arn_of(scene, ""))?;
    scene.account.oidc_providers().get(url).map(|provider| &**provider)
}

fn arn_of(scene: &Scene<'_>, url: &str) -> String {
    arn::iam(scene.account.id(), TYPE, "/", url)
}

/// What of a URL names the provider: host and path. No port, query or fragment.
///
/// Source: IAM API Reference, CreateOpenIDConnectProvider, `Url`.
fn provider_url(url: &str) -> Option<Box<str>> {
    let rest = url.strip_prefix("https://")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let is_label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.bytes().all(fits)
    };
    // What ARNs and patterns give a meaning to may not stand in a path.
    let in_path = |byte: u8| byte.is_ascii_graphic() && !br#"?#*"\<>^`{|}"#.contains(&byte);
    let is_url = host.split('.').all(is_label) && path.bytes().all(in_path);
    is_url.then(|| format!("{}{path}", host.to_ascii_lowercase()).into())
}

/// Audiences without repetitions.
fn checked_clients<T: AsRef<str>>(ids: &[T]) -> Result<Vec<Box<str>>, Refusal> {
    let mut checked: Vec<Box<str>> = Vec::new();
    for id in ids {
        let id = id.as_ref();
        if checked.iter().any(|other| **other == *id) {
            continue;
        }
        if checked.len() >= quota::CLIENT_IDS_PER_OIDC_PROVIDER as usize {
            let limit = quota::CLIENT_IDS_PER_OIDC_PROVIDER;
            return Err(text::quota_exceeded("ClientIdsPerOpenIdConnectProvider", limit));
        }
        checked.push(id.into());
    }
    Ok(checked)
}

fn checked_thumbprints(thumbprints: &[String]) -> Result<Vec<Box<str>>, Refusal> {
    if thumbprints.len() > quota::THUMBPRINTS_PER_OIDC_PROVIDER {
        return Err(Refusal::new(
            ErrorCode::InvalidInput,
            "Thumbprint list must contain fewer than 5 entries.",
        ));
    }
    if let Some(wrong) = thumbprints.iter().find(|text| !is_hexadecimal(text)) {
        // CHOICE: the text is ours; the guide says that a thumbprint is a SHA-1 in hexadecimal digits.
        let message = format!("Thumbprint {wrong} is not hexadecimal.");
        return Err(Refusal::new(ErrorCode::InvalidInput, message));
    }
    Ok(thumbprints.iter().map(|text| text.as_str().into()).collect())
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
