//! Versions of managed policies. Source: IAM User Guide, "Versioning IAM policies".

use iamd_wire::iam::{
    CreatePolicyVersionRequest, CreatePolicyVersionResponse, DeletePolicyVersionRequest,
    GetPolicyVersionRequest, GetPolicyVersionResponse, ListPolicyVersionsRequest,
    ListPolicyVersionsResponse, PolicyVersion as WirePolicyVersion, SetDefaultPolicyVersionRequest,
};
use iamd_wire::{ErrorCode, NoOutput, Timestamp};

use super::document;
use super::policy::{self, Found};
use crate::draw::Draw;
use crate::managed_policies::ManagedPolicyRecord;
use crate::marker::PageRequest;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::quota;
use crate::refusal::Refusal;
use crate::state::{Change, Entity, Policy, PolicyVersion};
use crate::text;

/// Adds a version; it comes into force only where the request says so.
impl Operation for CreatePolicyVersionRequest {
    const ACTION: &'static str = "iam:CreatePolicyVersion";
    const EFFECT: Effect = Effect::Write;
    type Output = CreatePolicyVersionResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![policy::target(scene, Self::ACTION, &self.policy_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let mut policy = Policy::clone(policy::find_customer(scene.account, &self.policy_arn)?);
        let document = policy::checked_document(&self.policy_document)?;
        if policy.versions.len() >= quota::VERSIONS_PER_POLICY as usize {
            return Err(Refusal::new(
                ErrorCode::LimitExceeded,
                "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.",
            ));
        }
        let version = PolicyVersion { number: policy.next_version, created: draw.now(), document };
        if self.set_as_default == Some(true) {
            policy.default_version = version.number;
        }
        policy.next_version += 1;
        policy.updated = draw.now();
        let output =
            CreatePolicyVersionResponse { policy_version: Some(listed(&policy, &version)) };
        policy.versions.push(version);
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::Policy(policy))], output))
    }
}

/// Shows a version with its document.
impl Operation for GetPolicyVersionRequest {
    const ACTION: &'static str = "iam:GetPolicyVersion";
    const EFFECT: Effect = Effect::Read;
    type Output = GetPolicyVersionResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![policy::target(scene, Self::ACTION, &self.policy_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let missing = || text::no_such_policy_version(&self.policy_arn, &self.version_id);
        let (shown, text) = match policy::find(scene.account, &self.policy_arn)? {
            Found::Customer(policy) => {
                let version = find(policy, &self.version_id).ok_or_else(missing)?;
                (listed(policy, version), document::encoded(version.document.text()))
            }
            Found::Aws(record) => {
                if *record.version_id != *self.version_id {
                    return Err(missing());
                }
                (listed_aws(&record), document::encoded(record.document()))
            }
        };
        let shown = WirePolicyVersion { document: Some(text), ..shown };
        Ok(Planned::read(GetPolicyVersionResponse { policy_version: Some(shown) }))
    }
}

/// Lists versions, newest first, without their documents.
impl Operation for ListPolicyVersionsRequest {
    const ACTION: &'static str = "iam:ListPolicyVersions";
    const EFFECT: Effect = Effect::Read;
    type Output = ListPolicyVersionsResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![policy::target(scene, Self::ACTION, &self.policy_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let versions = match policy::find(scene.account, &self.policy_arn)? {
            Found::Customer(policy) => {
                let newest_first = policy.versions.iter().rev();
                newest_first.map(|version| (version.number, listed(policy, version))).collect()
            }
            // CHOICE: the pack holds one version of each AWS managed policy, the one in force.
            Found::Aws(record) => vec![(0, listed_aws(&record))],
        };
        let list = format!("versions:{}:{}", scene.account.id(), self.policy_arn);
        let request =
            PageRequest { list: &list, marker: self.marker.as_deref(), max_items: self.max_items };
        let page = scene.marker_key.page(request, |behind| {
            let behind = behind.and_then(|place| place.parse::<u32>().ok());
            let rest = versions.into_iter();
            rest.filter(move |(number, _)| behind.is_none_or(|behind| *number < behind))
        })?;
        Ok(Planned::read(ListPolicyVersionsResponse {
            versions: Some(page.items),
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// Deletes a version that is not in force.
impl Operation for DeletePolicyVersionRequest {
    const ACTION: &'static str = "iam:DeletePolicyVersion";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![policy::target(scene, Self::ACTION, &self.policy_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let mut policy = Policy::clone(policy::find_customer(scene.account, &self.policy_arn)?);
        let number = find(&policy, &self.version_id)
            .map(|version| version.number)
            .ok_or_else(|| text::no_such_policy_version(&self.policy_arn, &self.version_id))?;
        if number == policy.default_version {
            return Err(Refusal::new(
                ErrorCode::DeleteConflict,
                "Cannot delete the default version of a policy.",
            ));
        }
        policy.versions.retain(|version| version.number != number);
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::Policy(policy))], NoOutput))
    }
}

/// Puts a version into force.
impl Operation for SetDefaultPolicyVersionRequest {
    const ACTION: &'static str = "iam:SetDefaultPolicyVersion";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![policy::target(scene, Self::ACTION, &self.policy_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let mut policy = Policy::clone(policy::find_customer(scene.account, &self.policy_arn)?);
        policy.default_version = find(&policy, &self.version_id)
            .map(|version| version.number)
            .ok_or_else(|| text::no_such_policy_version(&self.policy_arn, &self.version_id))?;
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::Policy(policy))], NoOutput))
    }
}

fn find<'a>(policy: &'a Policy, version_id: &str) -> Option<&'a PolicyVersion> {
    let number = version_id.strip_prefix('v')?;
    // The pattern of version ids lets through what stands for no version of ours, such as `v1.x`.
    policy.version(number.parse().ok()?)
}

pub(super) fn listed(policy: &Policy, version: &PolicyVersion) -> WirePolicyVersion {
    WirePolicyVersion {
        document: None,
        version_id: Some(format!("v{}", version.number)),
        is_default_version: Some(version.number == policy.default_version),
        create_date: Some(version.created),
    }
}

pub(super) fn listed_aws(record: &ManagedPolicyRecord) -> WirePolicyVersion {
    WirePolicyVersion {
        document: None,
        version_id: Some(record.version_id.to_string()),
        is_default_version: Some(true),
        create_date: Some(Timestamp::from_seconds(record.update_date)),
    }
}
