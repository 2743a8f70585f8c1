//! What an account chooses: its properties, and the version of its global session tokens. Source: IAM
//! API Reference; IAM User Guide, "Role manager" and "Managing AWS STS in an AWS Region".

use std::collections::BTreeMap;

use iamd_wire::iam::{
    GetAccountPropertiesRequest, GetAccountPropertiesResponse, GlobalEndpointTokenVersion,
    PutAccountPropertiesRequest, PutAccountPropertiesResponse,
    SetSecurityTokenServicePreferencesRequest,
};
use iamd_wire::{ErrorCode, NoOutput};

use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::state::{Change, Entity, Preferences, TokenVersion};

/// The one property that AWS has: whether the role manager is switched on.
const ROLE_MANAGER: &str = "RoleManager/Enabled";
/// The condition key of the actions on properties.
const NAMESPACES: &str = "iam:AccountPropertyNamespaces";

/// Shows all properties, those that were never set with what they are by default.
impl Operation for GetAccountPropertiesRequest {
    const ACTION: &'static str = "iam:GetAccountProperties";
    const EFFECT: Effect = Effect::Read;
    type Output = GetAccountPropertiesResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let mut target = Target::wildcard(Self::ACTION, None);
        target.context.set_list(NAMESPACES, namespace(ROLE_MANAGER));
        Ok(vec![target])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let value = preferences(scene).has_role_manager.to_string();
        let properties = BTreeMap::from([(ROLE_MANAGER.to_owned(), value)]);
        Ok(Planned::read(GetAccountPropertiesResponse { properties: Some(properties) }))
    }
}

/// Sets properties of one namespace.
impl Operation for PutAccountPropertiesRequest {
    const ACTION: &'static str = "iam:PutAccountProperties";
    const EFFECT: Effect = Effect::Write;
    type Output = PutAccountPropertiesResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let mut target = Target::wildcard(Self::ACTION, None);
        let namespaces = self.properties.keys().filter_map(|name| namespace(name));
        target.context.set_list(NAMESPACES, namespaces);
        Ok(vec![target])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let mut namespaces: Vec<_> = self.properties.keys().map(|name| namespace(name)).collect();
        namespaces.dedup();
        if namespaces.len() > 1 {
            return Err(invalid("All properties must belong to the same namespace.".to_owned()));
        }
        let mut preferences = preferences(scene);
        for (name, value) in &self.properties {
            if name != ROLE_MANAGER {
                return Err(invalid(format!("{name} is not a known account property.")));
            }
            preferences.has_role_manager = value.parse().map_err(|_| {
                invalid(format!("The value of {name} must be true or false, and not {value}."))
            })?;
        }
        let changes = vec![Change::Put(Entity::Preferences(preferences))];
        Ok(Planned::write(scene.account, changes, PutAccountPropertiesResponse {}))
    }
}

/// Sets the version of session tokens that the global endpoint of STS gives out.
// CHOICE: the summary shows it, and it changes nothing: tokens are good in all regions here.
impl Operation for SetSecurityTokenServicePreferencesRequest {
    const ACTION: &'static str = "iam:SetSecurityTokenServicePreferences";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let token_version = match self.global_endpoint_token_version {
            GlobalEndpointTokenVersion::V1Token => TokenVersion::V1,
            GlobalEndpointTokenVersion::V2Token => TokenVersion::V2,
        };
        let preferences = Preferences { token_version, ..preferences(scene) };
        let changes = vec![Change::Put(Entity::Preferences(preferences))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// What the caller's account has chosen.
pub(super) fn preferences(scene: &Scene<'_>) -> Preferences {
    scene.account.preferences().map(|preferences| (**preferences).clone()).unwrap_or_default()
}

/// What stands before the one slash of a name; none if it is no such name.
fn namespace(name: &str) -> Option<&str> {
    let (namespace, property) = name.split_once('/')?;
    let is_name = !namespace.is_empty() && !property.is_empty() && !property.contains('/');
    is_name.then_some(namespace)
}

/// The texts are ours; the code is the model's.
fn invalid(message: String) -> Refusal {
    Refusal::new(ErrorCode::InvalidInput, message)
}
