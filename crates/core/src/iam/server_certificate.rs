//! Server certificates. Source: IAM API Reference; IAM User Guide, "Manage server certificates in IAM".

use iamd_wire::iam::{
    DeleteServerCertificateRequest, GetServerCertificateRequest, GetServerCertificateResponse,
    ListServerCertificatesRequest, ListServerCertificatesResponse,
    ServerCertificate as WireServerCertificate, ServerCertificateMetadata,
    UpdateServerCertificateRequest, UploadServerCertificateRequest,
    UploadServerCertificateResponse,
};
use iamd_wire::{ErrorCode, NoOutput, Timestamp};

use super::resource::{self, Resource, list_request};
use super::tag::{KeyCase, checked_tags, shown_tags};
use crate::certificate::{Certificate, PublicHalf};
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::quota;
use crate::refusal::Refusal;
use crate::state::{Change, Entity, EntityKey, ServerCertificate};
use crate::text::{self, EntityKind};
use crate::unique_id::{IdPrefix, UniqueId};

/// Uploads a certificate with its private key, which no answer shows.
impl Operation for UploadServerCertificateRequest {
    const ACTION: &'static str = "iam:UploadServerCertificate";
    const EFFECT: Effect = Effect::Write;
    type Output = UploadServerCertificateResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let path = self.path.as_deref();
        let name = &self.server_certificate_name;
        let create = resource::new_target::<ServerCertificate>(scene, Self::ACTION, path, name);
        let tags = self.tags.as_deref();
        Ok(resource::with_request_tags(create, "iam:TagServerCertificate", tags))
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let tags = checked_tags(self.tags.as_deref(), KeyCase::Counts)?;
        let read = checked(self, draw.now())?;
        require_free_name(scene, &self.server_certificate_name, None)?;
        let all = scene.account.server_certificates();
        if all.len() >= quota::SERVER_CERTIFICATES as usize {
            return Err(text::quota_exceeded("ServerCertificates", quota::SERVER_CERTIFICATES));
        }
        let certificate = ServerCertificate {
            id: resource::fresh_id(scene, all, IdPrefix::ServerCertificate, draw),
            name: self.server_certificate_name.as_str().into(),
            path: self.path.as_deref().unwrap_or("/").into(),
            uploaded: draw.now(),
            expiration: read.not_after,
            body: self.certificate_body.as_str().into(),
            chain: self.certificate_chain.as_deref().map(Into::into),
            private_key: self.private_key.clone(),
            tags,
        };
        let tags = &certificate.tags;
        let output = UploadServerCertificateResponse {
            server_certificate_metadata: Some(metadata(scene, &certificate)),
            tags: (!tags.is_empty()).then(|| shown_tags(tags)),
        };
        let changes = vec![Change::Put(Entity::ServerCertificate(certificate))];
        Ok(Planned::write(scene.account, changes, output))
    }
}

/// Shows a certificate with its chain, never with its private key.
impl Operation for GetServerCertificateRequest {
    const ACTION: &'static str = "iam:GetServerCertificate";
    const EFFECT: Effect = Effect::Read;
    type Output = GetServerCertificateResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let name = &self.server_certificate_name;
        Ok(vec![resource::target::<ServerCertificate>(scene, Self::ACTION, name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let name = &self.server_certificate_name;
        let certificate = resource::find::<ServerCertificate>(scene.account, name)?;
        Ok(Planned::read(GetServerCertificateResponse {
            server_certificate: WireServerCertificate {
                server_certificate_metadata: metadata(scene, certificate),
                certificate_body: certificate.body.to_string(),
                certificate_chain: certificate.chain.as_deref().map(str::to_owned),
                tags: Some(shown_tags(&certificate.tags)),
            },
        }))
    }
}

/// Lists certificates by name, without the certificates themselves.
impl Operation for ListServerCertificatesRequest {
    const ACTION: &'static str = "iam:ListServerCertificates";
    const EFFECT: Effect = Effect::Read;
    type Output = ListServerCertificatesResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(resource::list_target::<ServerCertificate>(scene, Self::ACTION))
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let show = |certificate: &ServerCertificate| metadata(scene, certificate);
        let page = resource::list::<ServerCertificate, _>(scene, list_request!(self), show)?;
        Ok(Planned::read(ListServerCertificatesResponse {
            server_certificate_metadata_list: page.items,
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// Renames or moves a certificate. Its unique id stays.
impl Operation for UpdateServerCertificateRequest {
    const ACTION: &'static str = "iam:UpdateServerCertificate";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let name = &self.server_certificate_name;
        let mut targets = vec![resource::target::<ServerCertificate>(scene, Self::ACTION, name)];
        // The caller needs the permission on both the old and the new name.
        // Source: IAM API Reference, UpdateServerCertificate.
        if self.new_server_certificate_name.is_some() || self.new_path.is_some() {
            let old = scene.account.server_certificates().named(name);
            let path = self.new_path.as_deref().or(old.map(|old| &*old.path));
            let name = self.new_server_certificate_name.as_deref().unwrap_or(name);
            let new = resource::new_target::<ServerCertificate>(scene, Self::ACTION, path, name);
            targets.push(new);
        }
        Ok(targets)
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let name = &self.server_certificate_name;
        let old = resource::find::<ServerCertificate>(scene.account, name)?;
        let mut certificate = ServerCertificate::clone(old);
        if let Some(name) = &self.new_server_certificate_name {
            require_free_name(scene, name, Some(old.id))?;
            certificate.name = name.as_str().into();
        }
        if let Some(path) = &self.new_path {
            certificate.path = path.as_str().into();
        }
        let changes = vec![Change::Put(Entity::ServerCertificate(certificate))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// Deletes a certificate with its private key, unless something serves it.
impl Operation for DeleteServerCertificateRequest {
    const ACTION: &'static str = "iam:DeleteServerCertificate";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let name = &self.server_certificate_name;
        Ok(vec![resource::target::<ServerCertificate>(scene, Self::ACTION, name)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let name = &self.server_certificate_name;
        let certificate = resource::find::<ServerCertificate>(scene.account, name)?;
        if let Some(user) = scene.facts.user_of_certificate(scene.account, certificate) {
            return Err(text::certificate_in_use(&certificate.id.to_string(), &user));
        }
        let changes = vec![Change::Remove(EntityKey::ServerCertificate(certificate.id))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// The certificate of a request: in force, with its own key, and with the chain of its issuers.
///
/// Codes are the model's; the texts are ours where they name a part.
fn checked(
    request: &UploadServerCertificateRequest,
    now: Timestamp,
) -> Result<Certificate, Refusal> {
    let malformed = |text: &str| Refusal::new(ErrorCode::MalformedCertificate, text);
    let body = &request.certificate_body;
    let read = Certificate::read(body).ok_or_else(|| text::malformed_certificate(body))?;
    let key = PublicHalf::of(&request.private_key).ok_or_else(|| {
        malformed("The private key is malformed, encrypted or of an unknown kind.")
    })?;
    if !read.has_key(&key) {
        return Err(Refusal::new(
            ErrorCode::KeyPairMismatch,
            "The public key certificate and the private key do not match.",
        ));
    }
    if !read.is_in_force(now) {
        return Err(malformed(text::CERTIFICATE_NOT_IN_FORCE));
    }
    // CHOICE: a chain may be left out, as the API Reference has it; what is given must lead upwards.
    if let Some(chain) = &request.certificate_chain {
        let chain = Certificate::read_chain(chain)
            .ok_or_else(|| malformed("The certificate chain is malformed."))?;
        let issued = std::iter::once(&read).chain(&chain);
        if !issued.zip(&chain).all(|(issued, issuer)| issued.is_issued_by(issuer)) {
            return Err(malformed(
                "The certificate chain must start with the issuer of the certificate, and each certificate must be issued by the next one.",
            ));
        }
    }
    Ok(read)
}

fn require_free_name(scene: &Scene<'_>, name: &str, own: Option<UniqueId>) -> Result<(), Refusal> {
    match scene.account.server_certificates().named(name) {
        Some(other) if Some(other.id) != own => {
            Err(text::already_exists(EntityKind::ServerCertificate, name))
        }
        Some(_) | None => Ok(()),
    }
}

fn metadata(scene: &Scene<'_>, certificate: &ServerCertificate) -> ServerCertificateMetadata {
    ServerCertificateMetadata {
        path: certificate.path.to_string(),
        server_certificate_name: certificate.name.to_string(),
        server_certificate_id: certificate.id.to_string(),
        arn: certificate.arn(scene.account),
        upload_date: Some(certificate.uploaded),
        expiration: Some(certificate.expiration),
    }
}
