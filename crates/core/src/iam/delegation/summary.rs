//! Summaries for people, which AWS has a language model write.

use iamd_wire::ErrorCode;
use iamd_wire::iam::{
    GetHumanReadableSummaryRequest, GetHumanReadableSummaryResponse, SummaryStateType,
};

use super::request::{TYPE, default_permission, find, target};
use crate::arn::IamArn;
use crate::authorize::authorize_granting;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;

/// Says that there is no summary of a request for delegation, to those who may see the request.
impl Operation for GetHumanReadableSummaryRequest {
    const ACTION: &'static str = "iam:GetHumanReadableSummary";
    const EFFECT: Effect = Effect::Read;
    type Output = GetHumanReadableSummaryResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let target = match request_id(&self.entity_arn) {
            Some(id) => Target {
                resource: self.entity_arn.clone().into(),
                ..target(scene, Self::ACTION, id)
            },
            None => Target::new(Self::ACTION, self.entity_arn.clone()),
        };
        Ok(vec![target])
    }

    fn permit(&self, scene: &Scene<'_>) -> Result<(), Refusal> {
        let granted = request_id(&self.entity_arn).and_then(|id| default_permission(scene, id));
        authorize_granting(scene, &self.targets(scene)?, granted)
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let id = request_id(&self.entity_arn).ok_or_else(|| {
            // CHOICE: that only these are supported is documented, the text is ours.
            let message = format!("{} is not the ARN of a delegation request.", self.entity_arn);
            Refusal::new(ErrorCode::InvalidInput, message)
        })?;
        find(scene, id)?;
        Ok(Planned::read(GetHumanReadableSummaryResponse {
            summary_content: None,
            locale: self.locale.clone(),
            summary_state: Some(SummaryStateType::NotAvailable),
        }))
    }
}

/// The id in the ARN of a request, whichever account it names.
fn request_id(arn: &str) -> Option<&str> {
    let parts = IamArn::parse(arn)?;
    (parts.resource_type == TYPE && parts.path == "/").then_some(parts.name)
}
