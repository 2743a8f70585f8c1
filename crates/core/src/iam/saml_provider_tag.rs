//! Tags of SAML providers. Source: IAM User Guide, "Tags for IAM resources".

use iamd_wire::NoOutput;
use iamd_wire::iam::{
    ListSAMLProviderTagsRequest, ListSAMLProviderTagsResponse, TagSAMLProviderRequest,
    UntagSAMLProviderRequest,
};

use super::resource;
use super::saml_provider::{arn_of, find, target};
use super::tag::{KeyCase, page_of_tags, with_tags, without_tags};
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::state::{Change, Entity, SamlProvider};

/// Adds tags, or replaces the values of those there.
impl Operation for TagSAMLProviderRequest {
    const ACTION: &'static str = "iam:TagSAMLProvider";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let mut target = target(scene, Self::ACTION, &self.saml_provider_arn);
        resource::add_request_tags(&mut target.context, &self.tags);
        Ok(vec![target])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let provider = find(scene, &self.saml_provider_arn)?;
        let tags = with_tags(&provider.tags, &self.tags, KeyCase::Counts)?;
        let provider = SamlProvider { tags, ..provider.clone() };
        let changes = vec![Change::Put(Entity::SamlProvider(provider))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// Removes tags by key; a key that is not there is no error.
impl Operation for UntagSAMLProviderRequest {
    const ACTION: &'static str = "iam:UntagSAMLProvider";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let mut target = target(scene, Self::ACTION, &self.saml_provider_arn);
        target.context.set_list("aws:TagKeys", self.tag_keys.iter().map(String::as_str));
        Ok(vec![target])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let provider = find(scene, &self.saml_provider_arn)?;
        let tags = without_tags(&provider.tags, &self.tag_keys, KeyCase::Counts);
        let provider = SamlProvider { tags, ..provider.clone() };
        let changes = vec![Change::Put(Entity::SamlProvider(provider))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// Lists tags, sorted by key.
impl Operation for ListSAMLProviderTagsRequest {
    const ACTION: &'static str = "iam:ListSAMLProviderTags";
    const EFFECT: Effect = Effect::Read;
    type Output = ListSAMLProviderTagsResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &self.saml_provider_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let provider = find(scene, &self.saml_provider_arn)?;
        let list = format!("tags:{}", arn_of(scene, &provider.name));
        let marker = self.marker.as_deref();
        let page = page_of_tags(scene, &list, &provider.tags, marker, self.max_items)?;
        Ok(Planned::read(ListSAMLProviderTagsResponse {
            tags: page.items,
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}
