//! GetCallerIdentity. Source: STS API Reference.

use iamd_wire::sts::{GetCallerIdentityRequest, GetCallerIdentityResponse};

use crate::caller::{Caller, Identity};
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;

/// Tells who signs; needs no permission, and no policy can deny it.
impl Operation for GetCallerIdentityRequest {
    const ACTION: &'static str = "sts:GetCallerIdentity";
    const EFFECT: Effect = Effect::Read;
    type Output = GetCallerIdentityResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn permit(&self, _: &Scene<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        Ok(Planned::read(GetCallerIdentityResponse {
            user_id: Some(user_id(scene.caller)),
            account: Some(scene.account.id().to_string()),
            arn: Some(scene.caller.arn()),
        }))
    }
}

/// The id behind `aws:userid`.
fn user_id(caller: &Caller) -> String {
    match &caller.identity {
        Identity::Root => caller.account.to_string(),
        Identity::User(id) => id.to_string(),
        Identity::RoleSession { role, session_name } => format!("{role}:{session_name}"),
    }
}
