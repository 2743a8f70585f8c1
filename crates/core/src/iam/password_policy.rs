//! The rules of an account for the passwords of its users.
//!
//! Source: IAM API Reference, UpdateAccountPasswordPolicy; IAM User Guide, "Set an account password
//! policy for IAM users".

use iamd_wire::iam::{
    DeleteAccountPasswordPolicyRequest, GetAccountPasswordPolicyRequest,
    GetAccountPasswordPolicyResponse, PasswordPolicy as WirePasswordPolicy,
    UpdateAccountPasswordPolicyRequest,
};
use iamd_wire::{ErrorCode, NoOutput};

use super::own_password;
use crate::authorize::authorize_granting;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::state::{Change, Entity, EntityKey, PasswordPolicy};

/// Least length when a policy does not say. IAM API Reference, `MinimumPasswordLength`.
const LENGTH_MIN_DEFAULT: u32 = 6;

/// Sets the rules anew: what the request leaves out has its default from then on.
impl Operation for UpdateAccountPasswordPolicyRequest {
    const ACTION: &'static str = "iam:UpdateAccountPasswordPolicy";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let is_wanted = |member: Option<bool>| member.unwrap_or(false);
        let policy = PasswordPolicy {
            length_min: count(self.minimum_password_length).unwrap_or(LENGTH_MIN_DEFAULT),
            require_symbols: is_wanted(self.require_symbols),
            require_numbers: is_wanted(self.require_numbers),
            require_uppercase: is_wanted(self.require_uppercase_characters),
            require_lowercase: is_wanted(self.require_lowercase_characters),
            users_may_change: is_wanted(self.allow_users_to_change_password),
            age_days_max: count(self.max_password_age),
            reuse_prevention: count(self.password_reuse_prevention),
            hard_expiry: self.hard_expiry,
        };
        let changes = vec![Change::Put(Entity::PasswordPolicy(policy))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// Shows the rules that the account has set.
impl Operation for GetAccountPasswordPolicyRequest {
    const ACTION: &'static str = "iam:GetAccountPasswordPolicy";
    const EFFECT: Effect = Effect::Read;
    type Output = GetAccountPasswordPolicyResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn permit(&self, scene: &Scene<'_>) -> Result<(), Refusal> {
        authorize_granting(scene, &self.targets(scene)?, own_password::grant(scene))
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let policy = scene.account.password_policy().ok_or_else(|| {
            let account = scene.account.id();
            Refusal::new(
                ErrorCode::NoSuchEntity,
                format!("The Password Policy with domain name {account} cannot be found."),
            )
        })?;
        Ok(Planned::read(GetAccountPasswordPolicyResponse { password_policy: shown(policy) }))
    }
}

/// Gives the account's own rules up; AWS's hold from then on.
impl Operation for DeleteAccountPasswordPolicyRequest {
    const ACTION: &'static str = "iam:DeleteAccountPasswordPolicy";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        if scene.account.password_policy().is_none() {
            return Err(Refusal::new(
                ErrorCode::NoSuchEntity,
                "The account policy with name PasswordPolicy cannot be found.",
            ));
        }
        let changes = vec![Change::Remove(EntityKey::PasswordPolicy)];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// A number whose limits the model has checked.
fn count(given: Option<i32>) -> Option<u32> {
    given.and_then(|number| u32::try_from(number).ok())
}

/// AWS leaves out what was not set: age, reuse and hard expiry.
fn shown(policy: &PasswordPolicy) -> WirePasswordPolicy {
    let number = |count: u32| i32::try_from(count).ok();
    WirePasswordPolicy {
        minimum_password_length: number(policy.length_min),
        require_symbols: Some(policy.require_symbols),
        require_numbers: Some(policy.require_numbers),
        require_uppercase_characters: Some(policy.require_uppercase),
        require_lowercase_characters: Some(policy.require_lowercase),
        allow_users_to_change_password: Some(policy.users_may_change),
        expire_passwords: Some(policy.age_days_max.is_some()),
        max_password_age: policy.age_days_max.and_then(number),
        password_reuse_prevention: policy.reuse_prevention.and_then(number),
        hard_expiry: policy.hard_expiry,
    }
}
