//! Permissions boundaries. Source: IAM User Guide, "Permissions boundaries for IAM entities".

use iamd_wire::NoOutput;
use iamd_wire::iam::{
    AttachedPermissionsBoundary, DeleteRolePermissionsBoundaryRequest,
    DeleteUserPermissionsBoundaryRequest, PermissionsBoundaryAttachmentType,
    PutRolePermissionsBoundaryRequest, PutUserPermissionsBoundaryRequest,
};

use super::resource;
use crate::arn::IamArn;
use crate::draw::Draw;
use crate::managed;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::state::{AttachedPolicy, Change, Entity, Role, User};
use crate::text;

macro_rules! boundary_operations {
    ($entity:ident, $name:ident, $put:ident $put_action:literal,
     $delete:ident $delete_action:literal) => {
        /// Sets the permissions boundary.
        impl Operation for $put {
            const ACTION: &'static str = $put_action;
            const EFFECT: Effect = Effect::Write;
            type Output = NoOutput;

            fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
                let mut target = resource::target::<$entity>(scene, Self::ACTION, &self.$name);
                // The boundary that is being set, not the one that is there.
                target.context.set("iam:PermissionsBoundary", self.permissions_boundary.as_str());
                Ok(vec![target])
            }

            fn plan(
                &self,
                scene: &Scene<'_>,
                _: &mut Draw,
            ) -> Result<Planned<Self::Output>, Refusal> {
                let mut entity =
                    $entity::clone(resource::find::<$entity>(scene.account, &self.$name)?);
                entity.boundary = checked_boundary(scene, Some(&self.permissions_boundary))?;
                let changes = vec![Change::Put(Entity::$entity(entity))];
                Ok(Planned::write(scene.account, changes, NoOutput))
            }
        }

        /// Removes the permissions boundary, which widens what the entity may do.
        impl Operation for $delete {
            const ACTION: &'static str = $delete_action;
            const EFFECT: Effect = Effect::Write;
            type Output = NoOutput;

            fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
                Ok(vec![resource::bounded_target::<$entity>(scene, Self::ACTION, &self.$name)])
            }

            fn plan(
                &self,
                scene: &Scene<'_>,
                _: &mut Draw,
            ) -> Result<Planned<Self::Output>, Refusal> {
                let old = resource::find::<$entity>(scene.account, &self.$name)?;
                let entity = $entity { boundary: None, ..$entity::clone(old) };
                let changes = vec![Change::Put(Entity::$entity(entity))];
                Ok(Planned::write(scene.account, changes, NoOutput))
            }
        }
    };
}

boundary_operations!(User, user_name,
    PutUserPermissionsBoundaryRequest "iam:PutUserPermissionsBoundary",
    DeleteUserPermissionsBoundaryRequest "iam:DeleteUserPermissionsBoundary");
boundary_operations!(Role, role_name,
    PutRolePermissionsBoundaryRequest "iam:PutRolePermissionsBoundary",
    DeleteRolePermissionsBoundaryRequest "iam:DeleteRolePermissionsBoundary");

/// A boundary that a request names: any managed policy that exists.
///
/// # Errors
/// `InvalidParameterValue` for what is no policy ARN, `NoSuchEntity` for one that does not exist.
pub(super) fn checked_boundary(
    scene: &Scene<'_>,
    arn: Option<&str>,
) -> Result<Option<AttachedPolicy>, Refusal> {
    let Some(arn) = arn else { return Ok(None) };
    let is_policy = IamArn::parse(arn).is_some_and(|parts| parts.resource_type == "policy");
    if !is_policy {
        return Err(text::invalid_boundary(arn));
    }
    managed::require_attachable(scene.account, arn)?;
    Ok(Some(AttachedPolicy::of(arn)))
}

/// A boundary as answers show it.
pub(super) fn shown_boundary(
    boundary: Option<&AttachedPolicy>,
) -> Option<AttachedPermissionsBoundary> {
    boundary.map(|boundary| AttachedPermissionsBoundary {
        permissions_boundary_type: Some(PermissionsBoundaryAttachmentType::Policy),
        permissions_boundary_arn: Some(boundary.arn().to_owned()),
    })
}
