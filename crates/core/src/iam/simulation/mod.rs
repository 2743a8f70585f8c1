//! The policy simulator: what given policies, or those of a user, group or role, would decide.
//!
//! Source: IAM API Reference, SimulateCustomPolicy and SimulatePrincipalPolicy; IAM User Guide,
//! "Testing IAM policies with the IAM policy simulator".

mod answer;
mod caller;
mod exclusion;
mod inputs;
mod keys;
mod resources;

use iamd_policy::Grammar;
use iamd_wire::ErrorCode;
use iamd_wire::iam::{
    SimulateCustomPolicyRequest, SimulateCustomPolicyResponse, SimulatePrincipalPolicyRequest,
    SimulatePrincipalPolicyResponse,
};

use super::context_keys::given;
use super::policy_source::PolicySource;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use answer::results;
use caller::SimulatedCaller;
use inputs::{Inputs, Question};

/// Decides for documents in the request.
impl Operation for SimulateCustomPolicyRequest {
    const ACTION: &'static str = "iam:SimulateCustomPolicy";
    const EFFECT: Effect = Effect::Read;
    type Output = SimulateCustomPolicyResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let mut inputs = Inputs::default();
        inputs.add_given(&self.policy_input_list)?;
        inputs.set_boundary(self.permissions_boundary_policy_input_list.as_deref())?;
        for level in self.ordered_organization_policy_input_list.iter().flatten() {
            let documents = level.service_control_policy_input_list.as_deref();
            inputs.add_level(given(documents.unwrap_or_default(), Grammar::Scp)?);
        }
        inputs.set_resource_policy(self.resource_policy.as_deref())?;
        let caller = match &self.caller_arn {
            Some(arn) => SimulatedCaller::of_arn(scene, arn)?,
            None => SimulatedCaller::nobody(scene),
        };
        let page = results(scene, &question!(self), inputs, caller)?;
        Ok(Planned::read(SimulateCustomPolicyResponse {
            evaluation_results: Some(page.items),
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// Decides for the policies of a user, his groups included, of a group or of a role, and for his
/// boundary; beside them, or in their place, what the request says.
impl Operation for SimulatePrincipalPolicyRequest {
    const ACTION: &'static str = "iam:SimulatePrincipalPolicy";
    const EFFECT: Effect = Effect::Read;
    type Output = SimulatePrincipalPolicyResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![PolicySource::target(scene, Self::ACTION, &self.policy_source_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let source = PolicySource::find(scene, &self.policy_source_arn)?;
        let excluded = exclusion::Exclusions::of(self.policy_exclusion_list.as_deref())?;
        let mut inputs = Inputs::default();
        inputs.add_source(scene.account, &source, &excluded);
        inputs.add_given(self.policy_input_list.as_deref().unwrap_or_default())?;
        inputs.set_boundary(self.permissions_boundary_policy_input_list.as_deref())?;
        inputs.set_resource_policy(self.resource_policy.as_deref())?;
        let caller = match &self.caller_arn {
            Some(arn) => SimulatedCaller::of_arn(scene, arn)?,
            None => SimulatedCaller::of_source(scene, &source),
        };
        let page = results(scene, &question!(self), inputs, caller)?;
        Ok(Planned::read(SimulatePrincipalPolicyResponse {
            evaluation_results: Some(page.items),
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// What both requests say beside the policies.
macro_rules! question {
    ($request:expr) => {
        Question {
            actions: &$request.action_names,
            resources: $request.resource_arns.as_deref().unwrap_or_default(),
            resource_owner: $request.resource_owner.as_deref(),
            context: $request.context_entries.as_deref().unwrap_or_default(),
            handling: $request.resource_handling_option.as_deref(),
            marker: $request.marker.as_deref(),
            max_items: $request.max_items,
        }
    };
}
use question;

/// A refusal of what a request to the simulator says.
fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::InvalidInput, message)
}

#[cfg(test)]
mod tests;
