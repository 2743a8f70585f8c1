//! Passwords of users. Source: IAM API Reference; IAM User Guide, "Manage passwords for IAM users".

use iamd_wire::iam::{
    ChangePasswordRequest, CreateLoginProfileRequest, CreateLoginProfileResponse,
    DeleteLoginProfileRequest, GetLoginProfileRequest, GetLoginProfileResponse,
    LoginProfile as WireLoginProfile, UpdateLoginProfileRequest,
};
use iamd_wire::{ErrorCode, NoOutput, Secret};

use super::own_password;
use super::password_rules::{require_conforming, violation};
use super::resource;
use super::user::{Subject, subject};
use crate::authorize::authorize_granting;
use crate::caller::Identity;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::preparation::{PasswordOutcome, PasswordWork, Preparation, Prepared};
use crate::quota;
use crate::refusal::Refusal;
use crate::state::{Account, Change, Entity, EntityKey, LoginProfile, User};
use crate::text;

/// Gives a user his first password.
impl Operation for CreateLoginProfileRequest {
    const ACTION: &'static str = "iam:CreateLoginProfile";
    const EFFECT: Effect = Effect::Write;
    type Output = CreateLoginProfileResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        targets(scene, Self::ACTION, self.user_name.as_deref())
    }

    fn is_prepared(&self) -> bool {
        true
    }

    fn prepare(&self, scene: &Scene<'_>) -> Result<Option<Preparation>, Refusal> {
        let (_, work) = self.work(scene)?;
        Ok(Some(Preparation::Passwords(work)))
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let (user, work) = self.work(scene)?;
        let profile = LoginProfile {
            user: user.id,
            hash: new_hash(scene, user, &work)?,
            changed: draw.now(),
            reset_required: self.password_reset_required.unwrap_or(false),
            earlier: Vec::new(),
        };
        let output = CreateLoginProfileResponse { login_profile: shown(user, &profile) };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::LoginProfile(profile))], output))
    }
}

/// Shows since when a user has his password, and whether he must change it.
impl Operation for GetLoginProfileRequest {
    const ACTION: &'static str = "iam:GetLoginProfile";
    const EFFECT: Effect = Effect::Read;
    type Output = GetLoginProfileResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        targets(scene, Self::ACTION, self.user_name.as_deref())
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let user = named(scene, self.user_name.as_deref())?;
        let profile = find(scene.account, user)?;
        Ok(Planned::read(GetLoginProfileResponse { login_profile: shown(user, profile) }))
    }
}

/// Sets another password for a user, or says that he must change it.
// CHOICE: an administrator may set a password that the user has had before; AWS does not say.
impl Operation for UpdateLoginProfileRequest {
    const ACTION: &'static str = "iam:UpdateLoginProfile";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<User>(scene, Self::ACTION, &self.user_name)])
    }

    fn is_prepared(&self) -> bool {
        true
    }

    fn prepare(&self, scene: &Scene<'_>) -> Result<Option<Preparation>, Refusal> {
        Ok(self.work(scene)?.map(Preparation::Passwords))
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let user = resource::find::<User>(scene.account, &self.user_name)?;
        let old = find(scene.account, user)?;
        let profile = match self.work(scene)? {
            Some(work) => replaced(old, new_hash(scene, user, &work)?, draw),
            None => old.clone(),
        };
        // CHOICE: left out, it stays as it is.
        let reset_required = self.password_reset_required.unwrap_or(old.reset_required);
        let profile = LoginProfile { reset_required, ..profile };
        let changes = vec![Change::Put(Entity::LoginProfile(profile))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// Takes a user's password away; his access keys stay.
impl Operation for DeleteLoginProfileRequest {
    const ACTION: &'static str = "iam:DeleteLoginProfile";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        targets(scene, Self::ACTION, self.user_name.as_deref())
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let user = named(scene, self.user_name.as_deref())?;
        find(scene.account, user)?;
        let changes = vec![Change::Remove(EntityKey::LoginProfile(user.id))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// Lets a user change his own password, knowing the present one.
impl Operation for ChangePasswordRequest {
    const ACTION: &'static str = "iam:ChangePassword";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target_of(scene, Self::ACTION, caller(scene)?)])
    }

    fn permit(&self, scene: &Scene<'_>) -> Result<(), Refusal> {
        authorize_granting(scene, &self.targets(scene)?, own_password::grant(scene))
    }

    fn is_prepared(&self) -> bool {
        true
    }

    fn prepare(&self, scene: &Scene<'_>) -> Result<Option<Preparation>, Refusal> {
        let (_, work) = self.work(scene)?;
        Ok(Some(Preparation::Passwords(work)))
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let (user, work) = self.work(scene)?;
        let hash = new_hash(scene, user, &work)?;
        let profile = replaced(find(scene.account, user)?, hash, draw);
        let profile = LoginProfile { reset_required: false, ..profile };
        let changes = vec![Change::Put(Entity::LoginProfile(profile))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// What an operation must have done with passwords, on the state as it is.
trait Work {
    type Found<'a>;
    fn work<'a>(&self, scene: &Scene<'a>) -> Result<Self::Found<'a>, Refusal>;
}

impl Work for CreateLoginProfileRequest {
    type Found<'a> = (&'a User, PasswordWork);

    fn work<'a>(&self, scene: &Scene<'a>) -> Result<(&'a User, PasswordWork), Refusal> {
        let user = named(scene, self.user_name.as_deref())?;
        if scene.account.login_profile(user.id).is_some() {
            return Err(Refusal::new(
                ErrorCode::EntityAlreadyExists,
                format!("Login Profile for user {} already exists.", user.name),
            ));
        }
        // Only sessions of a member account's root may leave it out, and they are not built.
        let password = self.password.as_ref().ok_or_else(password_missing)?;
        require_conforming(scene.account, password)?;
        Ok((user, work_on(scene, user, password)))
    }
}

impl Work for UpdateLoginProfileRequest {
    type Found<'a> = Option<PasswordWork>;

    fn work(&self, scene: &Scene<'_>) -> Result<Option<PasswordWork>, Refusal> {
        let user = resource::find::<User>(scene.account, &self.user_name)?;
        find(scene.account, user)?;
        let Some(password) = &self.password else { return Ok(None) };
        require_conforming(scene.account, password)?;
        Ok(Some(work_on(scene, user, password)))
    }
}

impl Work for ChangePasswordRequest {
    type Found<'a> = (&'a User, PasswordWork);

    fn work<'a>(&self, scene: &Scene<'a>) -> Result<(&'a User, PasswordWork), Refusal> {
        let user = caller(scene)?;
        let profile = find(scene.account, user)?;
        // Whoever does not know the present password learns of the new one only whether it conforms,
        // which the policy tells everybody.
        require_conforming(scene.account, &self.new_password)?;
        let policy = scene.account.password_policy();
        let remembered = policy.and_then(|policy| policy.reuse_prevention).unwrap_or(0);
        let last_first = std::iter::once(&profile.hash).chain(&profile.earlier);
        let work = PasswordWork {
            present: Some((self.old_password.clone(), profile.hash.clone())),
            unlike: last_first.take(remembered as usize).cloned().collect(),
            ..work_on(scene, user, &self.new_password)
        };
        Ok((user, work))
    }
}

fn work_on(scene: &Scene<'_>, user: &User, new: &Secret) -> PasswordWork {
    PasswordWork {
        account: scene.account.id(),
        user: user.id,
        present: None,
        unlike: Vec::new(),
        new: new.clone(),
    }
}

/// The hash of the new password, where this very work was done and ended well.
///
/// # Errors
/// `PasswordPolicyViolation`, `AccessDenied`; `EntityTemporarilyUnmodifiable` when the password, or
/// what is to be thought of it, has changed since the work was done.
fn new_hash(scene: &Scene<'_>, user: &User, work: &PasswordWork) -> Result<Secret, Refusal> {
    match scene.prepared {
        Some(Prepared::Passwords(done, outcome)) if done == work => match outcome {
            PasswordOutcome::Hash(hash) => Ok(hash.clone()),
            PasswordOutcome::Reuse => Err(violation()),
            PasswordOutcome::Mismatch => {
                Err(Refusal::new(ErrorCode::AccessDenied, "The old password was incorrect"))
            }
        },
        // CHOICE: the text; AWS's is not recorded.
        Some(_) | None => Err(Refusal::new(
            ErrorCode::EntityTemporarilyUnmodifiable,
            format!("Login Profile for User {} is being changed; try again.", user.name),
        )),
    }
}

/// The profile with another password; the old one is remembered.
fn replaced(old: &LoginProfile, hash: Secret, draw: &Draw) -> LoginProfile {
    let earlier = std::iter::once(&old.hash).chain(&old.earlier);
    let earlier = earlier.take(quota::PASSWORDS_REMEMBERED - 1).cloned().collect();
    LoginProfile { hash, earlier, changed: draw.now(), ..old.clone() }
}

fn targets(
    scene: &Scene<'_>,
    action: &'static str,
    user_name: Option<&str>,
) -> Result<Vec<Target>, Refusal> {
    match subject(scene, user_name)? {
        Subject::User(name) => Ok(vec![resource::target::<User>(scene, action, &name)]),
        // Root's own is for sessions of a member account's root.
        Subject::Root => Err(text::user_name_required()),
    }
}

fn named<'a>(scene: &Scene<'a>, user_name: Option<&str>) -> Result<&'a User, Refusal> {
    match subject(scene, user_name)? {
        Subject::User(name) => Ok(resource::find::<User>(scene.account, &name)?),
        Subject::Root => Err(text::user_name_required()),
    }
}

/// The user who asks.
fn caller<'a>(scene: &Scene<'a>) -> Result<&'a User, Refusal> {
    let user = match &scene.caller.identity {
        Identity::User(id) => scene.account.users().with_id(*id),
        Identity::Root | Identity::RoleSession { .. } => None,
    };
    user.map(|user| &**user).ok_or_else(|| {
        // CHOICE: the text; AWS's is not recorded.
        Refusal::new(ErrorCode::InvalidUserType, "Only IAM users can change their own password.")
    })
}

fn find<'a>(account: &'a Account, user: &User) -> Result<&'a LoginProfile, Refusal> {
    account.login_profile(user.id).map(|profile| &**profile).ok_or_else(|| {
        Refusal::new(
            ErrorCode::NoSuchEntity,
            format!("Login Profile for User {} cannot be found.", user.name),
        )
    })
}

fn password_missing() -> Refusal {
    Refusal::new(
        ErrorCode::ValidationError,
        "1 validation error detected: Value null at 'password' failed to satisfy constraint: Member must not be null",
    )
}

fn shown(user: &User, profile: &LoginProfile) -> WireLoginProfile {
    WireLoginProfile {
        user_name: user.name.to_string(),
        create_date: profile.changed,
        password_reset_required: Some(profile.reset_required),
    }
}
