//! Service-linked roles, which nobody changes but their service. Source: IAM API Reference; IAM User
//! Guide, "Service-linked roles".

use std::collections::BTreeSet;

use iamd_policy::Grammar;
use iamd_wire::ErrorCode;
use iamd_wire::iam::{
    CreateServiceLinkedRoleRequest, CreateServiceLinkedRoleResponse,
    DeleteServiceLinkedRoleRequest, DeleteServiceLinkedRoleResponse, DeletionTaskFailureReasonType,
    DeletionTaskStatusType, GetServiceLinkedRoleDeletionStatusRequest,
    GetServiceLinkedRoleDeletionStatusResponse, Role as WireRole, RoleUsageType,
};

use super::document;
use super::resource::{self, Resource};
use super::role::brief;
use super::service_linked_services::LinkedService;
use crate::draw::Draw;
use crate::managed_policies;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::quota;
use crate::refusal::Refusal;
use crate::state::{
    AttachedPolicy, Change, DeletionTask, Entity, EntityKey, InlinePolicies, InstanceProfile, Role,
};
use crate::text::{self, EntityKind};
use crate::unique_id::IdPrefix;

/// Longest name of a role, in characters. IAM model, `roleNameType`.
const ROLE_NAME_LENGTH_MAX: usize = 64;
const PATH_BEGINNING: &str = "/aws-service-role/";
/// Where a role is used that no service of a region uses.
// CHOICE: IAM is in this one region.
const REGION: &str = "us-east-1";

/// Creates the role of a service: name, trust policy and managed policy are the service's.
impl Operation for CreateServiceLinkedRoleRequest {
    const ACTION: &'static str = "iam:CreateServiceLinkedRole";
    const EFFECT: Effect = Effect::Write;
    type Output = CreateServiceLinkedRoleResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let service = self.aws_service_name.as_str();
        // A service that has no such role is refused to those who may create one alone.
        let name = LinkedService::find(service)
            .map(|known| known.role_name(self.custom_suffix.as_deref()))
            .unwrap_or_default();
        let path = format!("{PATH_BEGINNING}{service}/");
        let mut target = resource::new_target::<Role>(scene, Self::ACTION, Some(&path), &name);
        target.context.set("iam:AWSServiceName", service);
        Ok(vec![target])
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let service = self.aws_service_name.as_str();
        let known = LinkedService::find(service).ok_or_else(|| {
            // CHOICE: the text is ours.
            invalid(format!("No service-linked role is known for the service {service}."))
        })?;
        if self.custom_suffix.is_some() && !known.takes_suffix {
            return Err(invalid(format!("Custom suffix is not allowed for {service}")));
        }
        let name = known.role_name(self.custom_suffix.as_deref());
        if name.chars().count() > ROLE_NAME_LENGTH_MAX {
            return Err(Refusal::new(
                ErrorCode::ValidationError,
                "1 validation error detected: Value at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64",
            ));
        }
        let roles = scene.account.roles();
        if roles.named(&name).is_some() {
            return Err(invalid(format!(
                "Service role name {name} has been taken in this account, please try a different suffix."
            )));
        }
        if roles.len() >= scene.quotas.roles as usize {
            return Err(text::quota_exceeded("RolesPerAccount", scene.quotas.roles));
        }
        let policy = known.policy.and_then(managed_policies::find);
        let role = Role {
            id: resource::fresh_id(scene, roles, IdPrefix::Role, draw),
            name: name.into(),
            path: format!("{PATH_BEGINNING}{service}/").into(),
            created: draw.now(),
            description: self.description.as_deref().map(Into::into),
            session_seconds_max: None,
            trust: document::checked(&trust(service), Grammar::Trust)?,
            tags: Vec::new(),
            boundary: None,
            inline: InlinePolicies::default(),
            attached: policy.into_iter().map(|policy| AttachedPolicy::of(policy.arn)).collect(),
            sessions_not_before: None,
        };
        let shown = WireRole { description: self.description.clone(), ..brief(scene, &role) };
        let output = CreateServiceLinkedRoleResponse { role: Some(shown) };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::Role(role))], output))
    }
}

/// Asks for the deletion of a role, which happens at once: no service here uses it.
impl Operation for DeleteServiceLinkedRoleRequest {
    const ACTION: &'static str = "iam:DeleteServiceLinkedRole";
    const EFFECT: Effect = Effect::Write;
    type Output = DeleteServiceLinkedRoleResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<Role>(scene, Self::ACTION, &self.role_name)])
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let role = resource::find::<Role>(scene.account, &self.role_name)?;
        if !is_service_linked(role) {
            return Err(text::no_such(EntityKind::Role, &self.role_name));
        }
        let id = format!("task{}{}/{}", role.path, role.name, drawn_uuid(draw));
        let task = DeletionTask {
            id: id.as_str().into(),
            created: draw.now(),
            hindrances: users_of(scene, role),
        };
        let mut changes = forgotten(scene);
        if task.hindrances.is_empty() {
            changes.push(Change::Remove(EntityKey::Role(role.id)));
        }
        changes.push(Change::Put(Entity::DeletionTask(task)));
        let output = DeleteServiceLinkedRoleResponse { deletion_task_id: id };
        Ok(Planned::write(scene.account, changes, output))
    }
}

/// Shows what came of a deletion.
impl Operation for GetServiceLinkedRoleDeletionStatusRequest {
    const ACTION: &'static str = "iam:GetServiceLinkedRoleDeletionStatus";
    const EFFECT: Effect = Effect::Read;
    type Output = GetServiceLinkedRoleDeletionStatusResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        // The role is gone; the id says which one it was.
        let role = self.deletion_task_id.strip_prefix("task/").and_then(|id| id.rsplit_once('/'));
        let role = role.map_or(self.deletion_task_id.as_str(), |(role, _)| role);
        let arn = crate::arn::iam(scene.account.id(), Role::TYPE, "/", role);
        Ok(vec![Target::new(Self::ACTION, arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let task =
            scene.account.deletion_tasks().get(&*self.deletion_task_id).ok_or_else(|| {
                // CHOICE: the text is ours.
                let message = format!("Deletion task {} cannot be found.", self.deletion_task_id);
                Refusal::new(ErrorCode::NoSuchEntity, message)
            })?;
        let resources: Vec<String> = task.hindrances.iter().map(|arn| arn.to_string()).collect();
        let (status, reason) = if resources.is_empty() {
            (DeletionTaskStatusType::Succeeded, None)
        } else {
            let usage =
                RoleUsageType { region: Some(REGION.to_owned()), resources: Some(resources) };
            let reason = DeletionTaskFailureReasonType {
                reason: Some("The role is in instance profiles.".to_owned()),
                role_usage_list: Some(vec![usage]),
            };
            (DeletionTaskStatusType::Failed, Some(reason))
        };
        Ok(Planned::read(GetServiceLinkedRoleDeletionStatusResponse { status, reason }))
    }
}

/// Whether a role belongs to a service.
pub(super) fn is_service_linked(role: &Role) -> bool {
    role.path.starts_with(PATH_BEGINNING)
}

/// In the form that AWS shows.
fn trust(service: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Action":["sts:AssumeRole"],"Effect":"Allow","Principal":{{"Service":["{service}"]}}}}]}}"#
    )
}

/// The instance profiles that hold a role.
fn users_of(scene: &Scene<'_>, role: &Role) -> Vec<Box<str>> {
    let names = scene.account.profiles_of_role(role.id).into_iter().flatten();
    let profiles = names.filter_map(|name| scene.account.instance_profiles().named(name.as_str()));
    profiles.map(|profile| InstanceProfile::arn(profile, scene.account).into()).collect()
}

/// The end of the oldest tasks, so that there is room for one more.
fn forgotten(scene: &Scene<'_>) -> Vec<Change> {
    let tasks = scene.account.deletion_tasks().values();
    let by_age: BTreeSet<_> = tasks.map(|task| (task.created.seconds(), &task.id)).collect();
    let surplus = (by_age.len() + 1).saturating_sub(quota::DELETION_TASKS);
    let oldest = by_age.into_iter().take(surplus);
    oldest.map(|(_, id)| Change::Remove(EntityKey::DeletionTask(id.clone()))).collect()
}

/// A UUID of version 4. RFC 9562, section 5.4.
fn drawn_uuid(draw: &mut Draw) -> String {
    let bits = draw.random() & !(0xf << 76) & !(0b11 << 62) | 0x4 << 76 | 0b10 << 62;
    let digits = format!("{bits:032x}");
    let (first, rest) = digits.split_at(8);
    let (second, rest) = rest.split_at(4);
    let (third, rest) = rest.split_at(4);
    let (fourth, fifth) = rest.split_at(4);
    format!("{first}-{second}-{third}-{fourth}-{fifth}")
}

fn invalid(message: String) -> Refusal {
    Refusal::new(ErrorCode::InvalidInput, message)
}
