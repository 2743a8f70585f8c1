//! Service-specific credentials of users. Source: IAM API Reference; IAM User Guide, "Service-specific
//! credentials for IAM users" and "API keys for AWS services".

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iamd_wire::iam::{
    CreateServiceSpecificCredentialRequest, CreateServiceSpecificCredentialResponse,
    DeleteServiceSpecificCredentialRequest, ResetServiceSpecificCredentialRequest,
    ResetServiceSpecificCredentialResponse, ServiceSpecificCredential as WireCredential,
    StatusType, UpdateServiceSpecificCredentialRequest,
};
use iamd_wire::{ErrorCode, NoOutput, Secret, Timestamp};
use sha2::{Digest, Sha256};

use super::credential;
use super::resource;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::quota;
use crate::refusal::Refusal;
use crate::state::{AccessKeyStatus, Change, Entity, EntityKey, KeyOwner, ServiceCredential, User};
use crate::text;
use crate::unique_id::{IdPrefix, UniqueId};

/// What the credentials of a service are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A user name and a password.
    Password,
    /// An API key, which may end by itself.
    ApiKey,
}

/// The services that have such credentials.
const SERVICES: [(&str, Form); 6] = [
    ("codecommit.amazonaws.com", Form::Password),
    ("cassandra.amazonaws.com", Form::Password),
    ("bedrock.amazonaws.com", Form::ApiKey),
    ("logs.amazonaws.com", Form::ApiKey),
    ("cloudwatch.amazonaws.com", Form::ApiKey),
    ("aws-external-anthropic.amazonaws.com", Form::ApiKey),
];

/// What API keys begin with.
// CHOICE: the beginning of those for Amazon Bedrock, by which tools that look for lost secrets know them.
const API_KEY_PREFIX: &str = "ABSK";
const DAY_SECONDS: i64 = 86_400;

/// Creates a credential; the only answer that ever shows its secret.
impl Operation for CreateServiceSpecificCredentialRequest {
    const ACTION: &'static str = "iam:CreateServiceSpecificCredential";
    const EFFECT: Effect = Effect::Write;
    type Output = CreateServiceSpecificCredentialResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let mut target = resource::target::<User>(scene, Self::ACTION, &self.user_name);
        target.context.set("iam:ServiceSpecificCredentialServiceName", self.service_name.as_str());
        if let Some(days) = self.credential_age_days {
            target.context.set("iam:ServiceSpecificCredentialAgeDays", days.to_string());
        }
        Ok(vec![target])
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let user = resource::find::<User>(scene.account, &self.user_name)?;
        let form = form_of(&self.service_name)?;
        let all = scene.account.service_credentials();
        let own = all.of(KeyOwner::User(user.id));
        let of_service = own.filter(|credential| *credential.service == *self.service_name);
        if of_service.count() >= quota::SERVICE_CREDENTIALS_PER_USER as usize {
            let limit = quota::SERVICE_CREDENTIALS_PER_USER;
            return Err(text::quota_exceeded("ServiceSpecificCredentialsPerUser", limit));
        }
        let alias = free_alias(scene, &self.service_name, &user.name);
        let secret = drawn_secret(form, &alias, draw);
        let credential = ServiceCredential {
            id: fresh_id(scene, draw),
            user: user.id,
            service: self.service_name.as_str().into(),
            alias: alias.into(),
            secret_digest: digest(&secret),
            status: AccessKeyStatus::Active,
            created: draw.now(),
            expires: expiry(form, self, draw.now())?,
        };
        let output = CreateServiceSpecificCredentialResponse {
            service_specific_credential: Some(shown(scene, user, &credential, (form, secret))),
        };
        let changes = vec![Change::Put(Entity::ServiceCredential(credential))];
        Ok(Planned::write(scene.account, changes, output))
    }
}

/// Activates or deactivates a credential.
impl Operation for UpdateServiceSpecificCredentialRequest {
    const ACTION: &'static str = "iam:UpdateServiceSpecificCredential";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let id = &self.service_specific_credential_id;
        targets(scene, Self::ACTION, self.user_name.as_deref(), id)
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let id = &self.service_specific_credential_id;
        let (_, credential) = find(scene, self.user_name.as_deref(), id)?;
        let status = credential::status(&self.status)?;
        let credential = ServiceCredential { status, ..credential.clone() };
        let changes = vec![Change::Put(Entity::ServiceCredential(credential))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// Gives a credential a new secret; the old one is refused from then on.
impl Operation for ResetServiceSpecificCredentialRequest {
    const ACTION: &'static str = "iam:ResetServiceSpecificCredential";
    const EFFECT: Effect = Effect::Write;
    type Output = ResetServiceSpecificCredentialResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let id = &self.service_specific_credential_id;
        targets(scene, Self::ACTION, self.user_name.as_deref(), id)
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let id = &self.service_specific_credential_id;
        let (user, credential) = find(scene, self.user_name.as_deref(), id)?;
        let form = form_of(&credential.service)?;
        let secret = drawn_secret(form, &credential.alias, draw);
        let secret_digest = digest(&secret);
        let credential = ServiceCredential { secret_digest, ..credential.clone() };
        let output = ResetServiceSpecificCredentialResponse {
            service_specific_credential: Some(shown(scene, user, &credential, (form, secret))),
        };
        let changes = vec![Change::Put(Entity::ServiceCredential(credential))];
        Ok(Planned::write(scene.account, changes, output))
    }
}

/// Deletes a credential.
impl Operation for DeleteServiceSpecificCredentialRequest {
    const ACTION: &'static str = "iam:DeleteServiceSpecificCredential";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let id = &self.service_specific_credential_id;
        targets(scene, Self::ACTION, self.user_name.as_deref(), id)
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let id = &self.service_specific_credential_id;
        let (_, credential) = find(scene, self.user_name.as_deref(), id)?;
        let changes = vec![Change::Remove(EntityKey::ServiceCredential(credential.id))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// The targets of an action on a credential: its user, with the service that it is for.
fn targets(
    scene: &Scene<'_>,
    action: &'static str,
    user_name: Option<&str>,
    id: &str,
) -> Result<Vec<Target>, Refusal> {
    let mut targets = credential::targets(scene, action, user_name)?;
    if let Ok((_, credential)) = find(scene, user_name, id) {
        for target in &mut targets {
            target.context.set("iam:ServiceSpecificCredentialServiceName", &*credential.service);
        }
    }
    Ok(targets)
}

/// A credential and its user.
///
/// # Errors
/// `NoSuchEntity`, also for a credential of somebody else, so that a permission on one user reaches
/// no other.
fn find<'a>(
    scene: &Scene<'a>,
    user_name: Option<&str>,
    id: &str,
) -> Result<(&'a User, &'a ServiceCredential), Refusal> {
    let missing =
        || Refusal::new(ErrorCode::NoSuchEntity, format!("No such credential {id} exists"));
    let (owner, _) = credential::owner(scene, user_name)?;
    let credential = scene.account.service_credentials().with_id(id).ok_or_else(missing)?;
    let user = scene.account.users().with_id(credential.user).ok_or_else(missing)?;
    let is_own = owner == KeyOwner::User(user.id);
    is_own.then_some((&**user, &**credential)).ok_or_else(missing)
}

/// What the credentials of a service are.
///
/// # Errors
/// `NoSuchEntity` for a service that has none.
pub(super) fn form_of(service: &str) -> Result<Form, Refusal> {
    let known = SERVICES.iter().find(|(name, _)| *name == service);
    known.map(|(_, form)| *form).ok_or_else(|| {
        let message =
            format!("No such service {service} is supported for Service Specific Credentials");
        Refusal::new(ErrorCode::NoSuchEntity, message)
    })
}

fn expiry(
    form: Form,
    request: &CreateServiceSpecificCredentialRequest,
    now: Timestamp,
) -> Result<Option<Timestamp>, Refusal> {
    let Some(days) = request.credential_age_days else { return Ok(None) };
    match form {
        Form::ApiKey => {
            Ok(Some(Timestamp::from_seconds(now.seconds() + i64::from(days) * DAY_SECONDS)))
        }
        // CHOICE: the text is ours; the model says that the member is for API keys only.
        Form::Password => Err(Refusal::new(
            ErrorCode::ValidationError,
            format!("CredentialAgeDays is not supported for {}", request.service_name),
        )),
    }
}

/// A name that no credential for the service has: users may be renamed, their credentials are not.
fn free_alias(scene: &Scene<'_>, service: &str, user_name: &str) -> String {
    let account = scene.account.id();
    let mut alias = format!("{user_name}-at-{account}");
    let mut number = 0_u32;
    let is_taken = |alias: &str| {
        let content = ServiceCredential::content_of(service, alias);
        scene.account.service_credentials().with_content(&content).is_some()
    };
    // Ends: there are not more names taken than credentials.
    while is_taken(&alias) {
        number += 1;
        alias = format!("{user_name}+{number}-at-{account}");
    }
    alias
}

fn drawn_secret(form: Form, alias: &str, draw: &mut Draw) -> Secret {
    let password = STANDARD.encode(draw.bytes::<32>());
    Secret::from(match form {
        Form::Password => password,
        Form::ApiKey => {
            format!("{API_KEY_PREFIX}{}", STANDARD.encode(format!("{alias}:{password}")))
        }
    })
}

fn digest(secret: &Secret) -> [u8; 32] {
    Sha256::digest(secret.expose()).into()
}

/// An id that no credential of the account has.
fn fresh_id(scene: &Scene<'_>, draw: &mut Draw) -> UniqueId {
    loop {
        let id = UniqueId::draw(IdPrefix::ServiceCredential, scene.account.id(), draw);
        if scene.account.service_credentials().with_id(id.as_str()).is_none() {
            return id;
        }
    }
}

/// A credential with its secret, as it is shown once.
fn shown(
    scene: &Scene<'_>,
    user: &User,
    credential: &ServiceCredential,
    (form, secret): (Form, Secret),
) -> WireCredential {
    let alias = credential.alias.to_string();
    let (name, password, key, api_key) = match form {
        Form::Password => (Some(alias), Some(secret), None, None),
        Form::ApiKey => (None, None, Some(alias), Some(secret)),
    };
    WireCredential {
        create_date: credential.created,
        expiration_date: credential.expires,
        service_name: credential.service.to_string(),
        service_user_name: name,
        service_password: password,
        service_credential_alias: key,
        service_credential_secret: api_key,
        service_specific_credential_id: credential.id.to_string(),
        user_name: user.name.to_string(),
        status: shown_status(credential, scene.now),
    }
}

/// The status as answers show it: what has ended is neither active nor inactive.
pub(super) fn shown_status(credential: &ServiceCredential, now: Timestamp) -> StatusType {
    if credential.has_ended(now) {
        return StatusType::Expired;
    }
    credential::shown_status(credential.status)
}
