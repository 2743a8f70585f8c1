//! SSH public keys of users. Source: IAM API Reference; IAM User Guide, "Use IAM with CodeCommit".

use iamd_wire::iam::{
    DeleteSSHPublicKeyRequest, EncodingType, GetSSHPublicKeyRequest, GetSSHPublicKeyResponse,
    ListSSHPublicKeysRequest, ListSSHPublicKeysResponse, SSHPublicKey, SSHPublicKeyMetadata,
    UpdateSSHPublicKeyRequest, UploadSSHPublicKeyRequest, UploadSSHPublicKeyResponse,
};
use iamd_wire::{ErrorCode, NoOutput};

use super::credential;
use super::resource;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::quota;
use crate::refusal::Refusal;
use crate::ssh::{Encoding, NotAKey, SshKey};
use crate::state::{AccessKeyStatus, Change, Entity, EntityKey, KeyOwner, SshPublicKey, User};
use crate::text;
use crate::unique_id::{IdPrefix, UniqueId};

/// Uploads a key; it is active from then on.
impl Operation for UploadSSHPublicKeyRequest {
    const ACTION: &'static str = "iam:UploadSSHPublicKey";
    const EFFECT: Effect = Effect::Write;
    type Output = UploadSSHPublicKeyResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<User>(scene, Self::ACTION, &self.user_name)])
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let user = resource::find::<User>(scene.account, &self.user_name)?;
        let (uploaded, _) = SshKey::read(&self.ssh_public_key_body).map_err(not_a_key)?;
        let keys = || scene.account.ssh_public_keys().of(KeyOwner::User(user.id));
        if keys().any(|key| SshKey::read(&key.body).is_ok_and(|(key, _)| key == uploaded)) {
            return Err(Refusal::new(
                ErrorCode::DuplicateSSHPublicKey,
                "The SSH public key is already associated with the specified IAM user.",
            ));
        }
        if keys().count() >= quota::SSH_PUBLIC_KEYS_PER_USER as usize {
            let limit = quota::SSH_PUBLIC_KEYS_PER_USER;
            return Err(text::quota_exceeded("SSHPublicKeysPerUser", limit));
        }
        let key = SshPublicKey {
            id: fresh_id(scene, draw),
            user: user.id,
            body: self.ssh_public_key_body.as_str().into(),
            status: AccessKeyStatus::Active,
            uploaded: draw.now(),
        };
        let body = self.ssh_public_key_body.clone();
        let output = UploadSSHPublicKeyResponse {
            ssh_public_key: Some(shown(&user.name, &key, &uploaded, body)),
        };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::SshPublicKey(key))], output))
    }
}

/// Shows a key in the encoding that is asked for.
impl Operation for GetSSHPublicKeyRequest {
    const ACTION: &'static str = "iam:GetSSHPublicKey";
    const EFFECT: Effect = Effect::Read;
    type Output = GetSSHPublicKeyResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<User>(scene, Self::ACTION, &self.user_name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let (user, key) = find(scene, &self.user_name, &self.ssh_public_key_id)?;
        let (read, uploaded_as) = SshKey::read(&key.body).map_err(not_a_key)?;
        let body = match (self.encoding, uploaded_as) {
            (EncodingType::Ssh, Encoding::Ssh) | (EncodingType::Pem, Encoding::Pem) => {
                key.body.to_string()
            }
            (EncodingType::Ssh, Encoding::Pem) => read.to_ssh(),
            (EncodingType::Pem, Encoding::Ssh) => {
                read.to_pem().ok_or_else(|| not_a_key(NotAKey::Invalid))?
            }
        };
        let output =
            GetSSHPublicKeyResponse { ssh_public_key: Some(shown(&user.name, key, &read, body)) };
        Ok(Planned::read(output))
    }
}

/// Lists the keys of a user, oldest first, without the keys themselves.
impl Operation for ListSSHPublicKeysRequest {
    const ACTION: &'static str = "iam:ListSSHPublicKeys";
    const EFFECT: Effect = Effect::Read;
    type Output = ListSSHPublicKeysResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        credential::targets(scene, Self::ACTION, self.user_name.as_deref())
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let (owner, user_name) = credential::owner(scene, self.user_name.as_deref())?;
        let list = credential::ListOf {
            kind: "ssh-keys",
            owner,
            marker: self.marker.as_deref(),
            max_items: self.max_items,
        };
        let page =
            list.page(scene, scene.account.ssh_public_keys(), |key| SSHPublicKeyMetadata {
                user_name: user_name.clone(),
                ssh_public_key_id: key.id.to_string(),
                status: credential::shown_status(key.status),
                upload_date: key.uploaded,
            })?;
        Ok(Planned::read(ListSSHPublicKeysResponse {
            ssh_public_keys: Some(page.items),
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// Activates or deactivates a key.
impl Operation for UpdateSSHPublicKeyRequest {
    const ACTION: &'static str = "iam:UpdateSSHPublicKey";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<User>(scene, Self::ACTION, &self.user_name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let (_, key) = find(scene, &self.user_name, &self.ssh_public_key_id)?;
        let key = SshPublicKey { status: credential::status(&self.status)?, ..key.clone() };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::SshPublicKey(key))], NoOutput))
    }
}

/// Deletes a key.
impl Operation for DeleteSSHPublicKeyRequest {
    const ACTION: &'static str = "iam:DeleteSSHPublicKey";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![resource::target::<User>(scene, Self::ACTION, &self.user_name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let (_, key) = find(scene, &self.user_name, &self.ssh_public_key_id)?;
        let changes = vec![Change::Remove(EntityKey::SshPublicKey(key.id))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

fn find<'a>(
    scene: &Scene<'a>,
    user_name: &str,
    id: &str,
) -> Result<(&'a User, &'a SshPublicKey), Refusal> {
    let user = resource::find::<User>(scene.account, user_name)?;
    // A key of somebody else is not found, so that a permission on one user reaches no other.
    let key = scene.account.ssh_public_keys().with_id(id).filter(|key| key.user == user.id);
    key.map(|key| (&**user, &**key)).ok_or_else(|| {
        let message = format!("The Public Key with id {id} cannot be found.");
        Refusal::new(ErrorCode::NoSuchEntity, message)
    })
}

/// An id that no key of the account has.
fn fresh_id(scene: &Scene<'_>, draw: &mut Draw) -> UniqueId {
    loop {
        let id = UniqueId::draw(IdPrefix::SshPublicKey, scene.account.id(), draw);
        if scene.account.ssh_public_keys().with_id(id.as_str()).is_none() {
            return id;
        }
    }
}

fn shown(user_name: &str, key: &SshPublicKey, read: &SshKey, body: String) -> SSHPublicKey {
    SSHPublicKey {
        user_name: user_name.to_owned(),
        ssh_public_key_id: key.id.to_string(),
        fingerprint: read.fingerprint(),
        ssh_public_key_body: body,
        status: credential::shown_status(key.status),
        upload_date: Some(key.uploaded),
    }
}

/// The codes are the model's, the texts those of its documentation.
fn not_a_key(reason: NotAKey) -> Refusal {
    match reason {
        NotAKey::Unrecognized => Refusal::new(
            ErrorCode::UnrecognizedPublicKeyEncoding,
            "The public key encoding format is unsupported or unrecognized.",
        ),
        NotAKey::Invalid => Refusal::new(
            ErrorCode::InvalidPublicKey,
            "The public key is malformed or otherwise invalid.",
        ),
    }
}
