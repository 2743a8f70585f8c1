//! Users. Source: IAM API Reference; IAM User Guide, "IAM users".

use iamd_wire::iam::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, UpdateUserRequest, User as WireUser,
};
use iamd_wire::{ErrorCode, NoOutput};

use super::boundary::{checked_boundary, shown_boundary};
use super::listing::{Listing, listing};
use super::resource::{self, list_request};
use super::tag::{KeyCase, checked_tags, shown_tags};
use crate::arn;
use crate::caller::Identity;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::state::{Account, Change, EntityKey, InlinePolicies, KeyOwner, User};
use crate::state::{Entity, Named};
use crate::text::{self, EntityKind};
use crate::unique_id::{IdPrefix, UniqueId};

/// Creates a user. The name must be free in this account, whatever its letter case.
impl Operation for CreateUserRequest {
    const ACTION: &'static str = "iam:CreateUser";
    const EFFECT: Effect = Effect::Write;
    type Output = CreateUserResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let path = self.path.as_deref();
        let mut create = resource::new_target::<User>(scene, Self::ACTION, path, &self.user_name);
        if let Some(boundary) = &self.permissions_boundary {
            create.context.set("iam:PermissionsBoundary", boundary.as_str());
        }
        Ok(resource::with_request_tags(create, "iam:TagUser", self.tags.as_deref()))
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let tags = checked_tags(self.tags.as_deref(), KeyCase::Ignored)?;
        let boundary = checked_boundary(scene, self.permissions_boundary.as_deref())?;
        require_free_name(scene.account, &self.user_name, None)?;
        if scene.account.users().len() >= scene.quotas.users as usize {
            return Err(text::quota_exceeded("UsersPerAccount", scene.quotas.users));
        }
        let user = User {
            id: resource::fresh_id(scene, scene.account.users(), IdPrefix::User, draw),
            name: self.user_name.as_str().into(),
            path: self.path.as_deref().unwrap_or("/").into(),
            created: draw.now(),
            tags,
            boundary,
            inline: InlinePolicies::default(),
            attached: Vec::new(),
            groups: Vec::new(),
            sessions_not_before: None,
        };
        let output = CreateUserResponse { user: Some(detailed(scene.account, &user)) };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::User(user))], output))
    }
}

/// Shows a user; without a name, the caller himself, be it root.
impl Operation for GetUserRequest {
    const ACTION: &'static str = "iam:GetUser";
    const EFFECT: Effect = Effect::Read;
    type Output = GetUserResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![match subject(scene, self.user_name.as_deref())? {
            Subject::Root => Target::new(Self::ACTION, arn::root(scene.account.id())),
            Subject::User(name) => resource::target::<User>(scene, Self::ACTION, &name),
        }])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let user = match subject(scene, self.user_name.as_deref())? {
            Subject::Root => root(scene.account),
            Subject::User(name) => {
                detailed(scene.account, resource::find::<User>(scene.account, &name)?)
            }
        };
        Ok(Planned::read(GetUserResponse { user }))
    }
}

/// Lists users by name.
impl Operation for ListUsersRequest {
    const ACTION: &'static str = "iam:ListUsers";
    const EFFECT: Effect = Effect::Read;
    type Output = Listing<User>;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(resource::list_target::<User>(scene, Self::ACTION))
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        Ok(Planned::read(listing(scene, list_request!(self))?))
    }
}

/// Renames or moves a user. Its unique id, keys and memberships stay.
impl Operation for UpdateUserRequest {
    const ACTION: &'static str = "iam:UpdateUser";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let mut targets = vec![resource::target::<User>(scene, Self::ACTION, &self.user_name)];
        // The caller needs the permission on both the old and the new name.
        // Source: IAM User Guide, "Renaming a user".
        if self.new_user_name.is_some() || self.new_path.is_some() {
            let old = scene.account.users().named(&self.user_name);
            let path = self.new_path.as_deref().or(old.map(|user| &*user.path));
            let name = self.new_user_name.as_deref().unwrap_or(&self.user_name);
            targets.push(resource::new_target::<User>(scene, Self::ACTION, path, name));
        }
        Ok(targets)
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let old = resource::find::<User>(scene.account, &self.user_name)?;
        let mut user = User::clone(old);
        if let Some(name) = &self.new_user_name {
            require_free_name(scene.account, name, Some(old.id))?;
            user.name = name.as_str().into();
        }
        if let Some(path) = &self.new_path {
            user.path = path.as_str().into();
        }
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::User(user))], NoOutput))
    }
}

/// Deletes a user who has nothing left: no policies, memberships, keys, password, MFA devices,
/// certificates or credentials for single services.
impl Operation for DeleteUserRequest {
    const ACTION: &'static str = "iam:DeleteUser";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<User>(scene, Self::ACTION, &self.user_name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let user = resource::find::<User>(scene.account, &self.user_name)?;
        // CHOICE: policies, attachments, groups, then credentials; AWS does not document the order.
        let blocked = if !user.inline.is_empty() {
            Some("delete policies")
        } else if !user.attached.is_empty() {
            Some("detach all policies")
        } else if !user.groups.is_empty() {
            Some("remove users from group")
        } else if scene.account.keys_of(KeyOwner::User(user.id)).next().is_some() {
            Some("delete access keys")
        } else if scene.account.login_profile(user.id).is_some() {
            Some("delete login profile")
        } else if scene.account.mfa_devices().has_any(KeyOwner::User(user.id)) {
            Some("delete MFA device")
        } else if scene.account.signing_certificates().has_any(KeyOwner::User(user.id))
            || scene.account.ssh_public_keys().has_any(KeyOwner::User(user.id))
            || scene.account.service_credentials().has_any(KeyOwner::User(user.id))
        {
            Some("remove referenced objects")
        } else {
            None
        };
        match blocked {
            Some(first) => Err(text::delete_conflict(first)),
            None => {
                let changes = vec![Change::Remove(EntityKey::User(user.id))];
                Ok(Planned::write(scene.account, changes, NoOutput))
            }
        }
    }
}

/// What answers call root where they name a user.
// CHOICE: AWS shows no recorded name for root's keys and devices; the word of the credential report,
// without the characters that user names may not have.
pub(super) const ROOT_NAME: &str = "root";

/// Whom an optional user name means.
pub(super) enum Subject {
    /// The root user of the account.
    Root,
    /// The user of this name.
    User(Box<str>),
}

/// Whom an optional user name means: without one, the caller himself.
///
/// # Errors
/// `ValidationError` when the caller is neither a user nor root.
pub(super) fn subject(scene: &Scene<'_>, user_name: Option<&str>) -> Result<Subject, Refusal> {
    match (user_name, &scene.caller.identity) {
        (Some(name), _) => Ok(Subject::User(name.into())),
        (None, Identity::Root) => Ok(Subject::Root),
        (None, Identity::User(id)) => {
            let user = scene.account.users().with_id(*id).ok_or_else(gone)?;
            Ok(Subject::User(user.name.clone()))
        }
        (None, Identity::RoleSession { .. }) => Err(text::user_name_required()),
    }
}

/// The caller was deleted between authentication and now.
fn gone() -> Refusal {
    Refusal::new(
        ErrorCode::InvalidClientTokenId,
        "The security token included in the request is invalid.",
    )
}

fn require_free_name(account: &Account, name: &str, own: Option<UniqueId>) -> Result<(), Refusal> {
    match account.users().named(name) {
        Some(other) if Some(other.id()) != own => Err(text::already_exists(EntityKind::User, name)),
        Some(_) | None => Ok(()),
    }
}

/// A user as lists show him: without tags and boundary.
pub(super) fn listed(account: &Account, user: &User) -> WireUser {
    WireUser {
        path: String::from(&*user.path),
        user_name: String::from(&*user.name),
        user_id: user.id.as_str().to_owned(),
        arn: arn::user(account.id(), user),
        create_date: user.created,
        password_last_used: None,
        permissions_boundary: None,
        tags: None,
    }
}

fn detailed(account: &Account, user: &User) -> WireUser {
    WireUser {
        permissions_boundary: shown_boundary(user.boundary.as_ref()),
        tags: (!user.tags.is_empty()).then(|| shown_tags(&user.tags)),
        ..listed(account, user)
    }
}

/// Root as GetUser shows it; the path is AWS's, the name is the account's alias where it has one.
pub(super) fn root(account: &Account) -> WireUser {
    let settings = account.settings();
    let alias = settings.and_then(|settings| settings.alias.as_deref());
    WireUser {
        path: "/".to_owned(),
        user_name: alias.map_or_else(|| account.id().to_string(), str::to_owned),
        user_id: account.id().to_string(),
        arn: arn::root(account.id()),
        create_date: settings.map(|settings| settings.created).unwrap_or_default(),
        password_last_used: None,
        permissions_boundary: None,
        tags: None,
    }
}
