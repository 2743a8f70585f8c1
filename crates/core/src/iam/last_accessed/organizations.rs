//! Reports of last access in an organization, to which no account belongs here.

use iamd_wire::iam::{
    GenerateOrganizationsAccessReportRequest, GenerateOrganizationsAccessReportResponse,
    GetOrganizationsAccessReportRequest, GetOrganizationsAccessReportResponse,
};

use super::job;
use crate::arn;
use crate::draw::Draw;
use crate::iam::root_access::no_organization;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;

/// Starts a report on an entity of an organization.
impl Operation for GenerateOrganizationsAccessReportRequest {
    const ACTION: &'static str = "iam:GenerateOrganizationsAccessReport";
    const EFFECT: Effect = Effect::Read;
    type Output = GenerateOrganizationsAccessReportResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let arn = arn::iam(scene.account.id(), "access-report", "/", &self.entity_path);
        let mut target = Target::new(Self::ACTION, arn);
        if let Some(policy) = &self.organizations_policy_id {
            target.context.set("iam:OrganizationsPolicyId", policy.as_str());
        }
        Ok(vec![target])
    }

    fn plan(&self, _: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        // The model's words for it; for this operation AWS documents no error.
        Err(no_organization())
    }
}

/// Shows such a report. Nobody was given the id of one.
impl Operation for GetOrganizationsAccessReportRequest {
    const ACTION: &'static str = "iam:GetOrganizationsAccessReport";
    const EFFECT: Effect = Effect::Read;
    type Output = GetOrganizationsAccessReportResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, _: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        Err(job::not_found(&self.job_id))
    }
}
