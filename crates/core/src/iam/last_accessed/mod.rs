//! Reports of last access: which services somebody may use, and when he last tried to.
//!
//! Source: IAM API Reference, GenerateServiceLastAccessedDetails and the operations that it names;
//! IAM User Guide, "Refine permissions in AWS using last accessed information".

mod job;
mod organizations;
mod report;
mod subject;

use iamd_wire::iam::{
    AccessAdvisorUsageGranularityType, ErrorDetails, GenerateServiceLastAccessedDetailsRequest,
    GenerateServiceLastAccessedDetailsResponse, GetServiceLastAccessedDetailsRequest,
    GetServiceLastAccessedDetailsResponse, GetServiceLastAccessedDetailsWithEntitiesRequest,
    GetServiceLastAccessedDetailsWithEntitiesResponse, JobStatusType,
};

use crate::draw::Draw;
use crate::marker::PageRequest;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use job::Job;
use report::Report;
use subject::Subject;

/// Starts a report on a user, a group, a role or a managed policy.
///
/// Nothing is gathered now and nothing stored: the id says what the report is about, and the report
/// is made when it is read.
impl Operation for GenerateServiceLastAccessedDetailsRequest {
    const ACTION: &'static str = "iam:GenerateServiceLastAccessedDetails";
    const EFFECT: Effect = Effect::Read;
    type Output = GenerateServiceLastAccessedDetailsResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Subject::target(scene, Self::ACTION, &self.arn)])
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let job = Job {
            subject: Subject::find(scene, &self.arn)?.id(),
            granularity: self
                .granularity
                .unwrap_or(AccessAdvisorUsageGranularityType::ServiceLevel),
            created: draw.now(),
        };
        Ok(Planned::read(GenerateServiceLastAccessedDetailsResponse {
            job_id: Some(job.seal(scene)),
        }))
    }
}

/// Shows a report: the services that the subject may use, by namespace.
impl Operation for GetServiceLastAccessedDetailsRequest {
    const ACTION: &'static str = "iam:GetServiceLastAccessedDetails";
    const EFFECT: Effect = Effect::Read;
    type Output = GetServiceLastAccessedDetailsResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let (job, subject) = opened(scene, &self.job_id)?;
        let report = Report::of(scene, &subject);
        let mut output = GetServiceLastAccessedDetailsResponse {
            job_status: JobStatusType::Completed,
            job_type: Some(job.granularity),
            job_creation_date: job.created,
            services_last_accessed: Vec::new(),
            job_completion_date: job.created,
            is_truncated: Some(false),
            marker: None,
            error: None,
        };
        if report.is_too_large() {
            output.job_status = JobStatusType::Failed;
            output.error = Some(too_large());
            return Ok(Planned::read(output));
        }
        let list = format!("last-accessed:{}", self.job_id);
        let request =
            PageRequest { list: &list, marker: self.marker.as_deref(), max_items: self.max_items };
        let page = scene
            .marker_key
            .page(request, |behind| report.services_after(behind, job.granularity))?;
        output.services_last_accessed = page.items;
        output.is_truncated = Some(page.is_truncated);
        output.marker = page.marker;
        Ok(Planned::read(output))
    }
}

/// Shows the users and roles behind a report for one service: who used it last comes first.
impl Operation for GetServiceLastAccessedDetailsWithEntitiesRequest {
    const ACTION: &'static str = "iam:GetServiceLastAccessedDetailsWithEntities";
    const EFFECT: Effect = Effect::Read;
    type Output = GetServiceLastAccessedDetailsWithEntitiesResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let (job, subject) = opened(scene, &self.job_id)?;
        let report = Report::of(scene, &subject);
        let list = format!("last-accessed:{}:{}", self.job_id, self.service_namespace);
        let request =
            PageRequest { list: &list, marker: self.marker.as_deref(), max_items: self.max_items };
        let page = scene.marker_key.page(request, |behind| {
            let from = behind.and_then(|place| place.parse::<usize>().ok()).map_or(0, |it| it + 1);
            report.entities(&self.service_namespace).into_iter().enumerate().skip(from)
        })?;
        Ok(Planned::read(GetServiceLastAccessedDetailsWithEntitiesResponse {
            job_status: JobStatusType::Completed,
            job_creation_date: job.created,
            job_completion_date: job.created,
            entity_details_list: page.items,
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
            error: None,
        }))
    }
}

/// The job of an id, and what it is about.
///
/// # Errors
/// `NoSuchEntity` for an id that this caller was not given, or whose subject is gone.
fn opened<'a>(scene: &Scene<'a>, id: &str) -> Result<(Job, Subject<'a>), Refusal> {
    Job::open(scene, id).ok_or_else(|| job::not_found(id))
}

// CHOICE: the text is ours; AWS documents that a job may fail and says why.
fn too_large() -> ErrorDetails {
    ErrorDetails {
        code: "PolicyEvaluation".to_owned(),
        message: "The policies name too many actions without naming their services.".to_owned(),
    }
}

#[cfg(test)]
mod tests;
