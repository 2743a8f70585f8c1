//! Whether principals of an account may get tokens for services elsewhere. Source: IAM API Reference;
//! IAM User Guide, "Federating IAM identities to external services".

use iamd_wire::iam::{
    DisableOutboundWebIdentityFederationRequest, EnableOutboundWebIdentityFederationRequest,
    EnableOutboundWebIdentityFederationResponse, GetOutboundWebIdentityFederationInfoRequest,
    GetOutboundWebIdentityFederationInfoResponse,
};
use iamd_wire::{ErrorCode, NoOutput, Timestamp};

use super::account_properties::preferences;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::state::{Change, Entity, Preferences};

/// Switches it on, and tells the address that the account's tokens name as their issuer.
impl Operation for EnableOutboundWebIdentityFederationRequest {
    const ACTION: &'static str = "iam:EnableOutboundWebIdentityFederation";
    const EFFECT: Effect = Effect::Write;
    type Output = EnableOutboundWebIdentityFederationResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        if preferences(scene).outbound_federation.is_some() {
            // The code is the model's, the text its documentation's.
            return Err(Refusal::new(
                ErrorCode::FeatureEnabled,
                "Outbound identity federation is already enabled for your AWS account.",
            ));
        }
        let output =
            EnableOutboundWebIdentityFederationResponse { issuer_identifier: Some(issuer(scene)) };
        Ok(Planned::write(scene.account, switched(scene, Some(draw.now())), output))
    }
}

/// Switches it off; tokens that were issued stay good until they end.
impl Operation for DisableOutboundWebIdentityFederationRequest {
    const ACTION: &'static str = "iam:DisableOutboundWebIdentityFederation";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        require_on(scene)?;
        Ok(Planned::write(scene.account, switched(scene, None), NoOutput))
    }
}

/// Shows the issuer while it is on.
impl Operation for GetOutboundWebIdentityFederationInfoRequest {
    const ACTION: &'static str = "iam:GetOutboundWebIdentityFederationInfo";
    const EFFECT: Effect = Effect::Read;
    type Output = GetOutboundWebIdentityFederationInfoResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        require_on(scene)?;
        Ok(Planned::read(GetOutboundWebIdentityFederationInfoResponse {
            issuer_identifier: Some(issuer(scene)),
            jwt_vending_enabled: Some(true),
        }))
    }
}

/// The address of the account as an issuer of tokens; what verifies them is found below it.
// CHOICE: it names the account, where AWS has an id that says nothing; so it stays when it is switched
// off and on.
fn issuer(scene: &Scene<'_>) -> String {
    format!("{}/issuer/{}", scene.external_url, scene.account.id())
}

fn require_on(scene: &Scene<'_>) -> Result<(), Refusal> {
    // The code is the model's, the text its documentation's.
    preferences(scene).outbound_federation.map(|_| ()).ok_or_else(|| {
        Refusal::new(
            ErrorCode::FeatureDisabled,
            "Outbound identity federation is disabled for your AWS account.",
        )
    })
}

fn switched(scene: &Scene<'_>, since: Option<Timestamp>) -> Vec<Change> {
    let preferences = Preferences { outbound_federation: since, ..preferences(scene) };
    vec![Change::Put(Entity::Preferences(preferences))]
}
