//! Signing certificates of users and of root. Source: IAM API Reference; IAM User Guide, "Signing
//! certificates".

use data_encoding::BASE32;
use iamd_wire::iam::{
    DeleteSigningCertificateRequest, ListSigningCertificatesRequest,
    ListSigningCertificatesResponse, SigningCertificate as WireSigningCertificate,
    UpdateSigningCertificateRequest, UploadSigningCertificateRequest,
    UploadSigningCertificateResponse,
};
use iamd_wire::{ErrorCode, NoOutput};

use super::credential;
use crate::certificate::Certificate;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::quota;
use crate::refusal::Refusal;
use crate::state::{AccessKeyStatus, Change, Entity, EntityKey, SigningCertificate};
use crate::text;

/// Uploads a certificate; it is active from then on.
impl Operation for UploadSigningCertificateRequest {
    const ACTION: &'static str = "iam:UploadSigningCertificate";
    const EFFECT: Effect = Effect::Write;
    type Output = UploadSigningCertificateResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        credential::targets(scene, Self::ACTION, self.user_name.as_deref())
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let (owner, user_name) = credential::owner(scene, self.user_name.as_deref())?;
        let read = Certificate::read(&self.certificate_body)
            .ok_or_else(|| text::malformed_certificate(&self.certificate_body))?;
        if !read.is_in_force(draw.now()) {
            return Err(text::certificate_not_in_force());
        }
        let all = scene.account.signing_certificates();
        if all.with_content(&read.digest()).is_some() {
            // The code is the model's, the text its documentation's.
            return Err(Refusal::new(
                ErrorCode::DuplicateCertificate,
                "The same certificate is associated with an IAM user in the account.",
            ));
        }
        if all.of(owner).count() >= quota::SIGNING_CERTIFICATES_PER_USER as usize {
            let limit = quota::SIGNING_CERTIFICATES_PER_USER;
            return Err(text::quota_exceeded("CertificatesPerUser", limit));
        }
        let certificate = SigningCertificate {
            id: fresh_id(scene, draw),
            owner,
            body: self.certificate_body.as_str().into(),
            digest: read.digest(),
            status: AccessKeyStatus::Active,
            uploaded: draw.now(),
        };
        let output =
            UploadSigningCertificateResponse { certificate: shown(&certificate, &user_name) };
        let changes = vec![Change::Put(Entity::SigningCertificate(certificate))];
        Ok(Planned::write(scene.account, changes, output))
    }
}

/// Lists certificates, oldest first.
impl Operation for ListSigningCertificatesRequest {
    const ACTION: &'static str = "iam:ListSigningCertificates";
    const EFFECT: Effect = Effect::Read;
    type Output = ListSigningCertificatesResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        credential::targets(scene, Self::ACTION, self.user_name.as_deref())
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let (owner, user_name) = credential::owner(scene, self.user_name.as_deref())?;
        let list = credential::ListOf {
            kind: "signing-certificates",
            owner,
            marker: self.marker.as_deref(),
            max_items: self.max_items,
        };
        let all = scene.account.signing_certificates();
        let page = list.page(scene, all, |certificate| shown(certificate, &user_name))?;
        Ok(Planned::read(ListSigningCertificatesResponse {
            certificates: page.items,
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// Activates or deactivates a certificate.
impl Operation for UpdateSigningCertificateRequest {
    const ACTION: &'static str = "iam:UpdateSigningCertificate";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        credential::targets(scene, Self::ACTION, self.user_name.as_deref())
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let found = find(scene, self.user_name.as_deref(), &self.certificate_id)?;
        let status = credential::status(&self.status)?;
        let certificate = SigningCertificate { status, ..found.clone() };
        let changes = vec![Change::Put(Entity::SigningCertificate(certificate))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// Deletes a certificate.
impl Operation for DeleteSigningCertificateRequest {
    const ACTION: &'static str = "iam:DeleteSigningCertificate";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        credential::targets(scene, Self::ACTION, self.user_name.as_deref())
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let found = find(scene, self.user_name.as_deref(), &self.certificate_id)?;
        let changes = vec![Change::Remove(EntityKey::SigningCertificate(found.id.clone()))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

fn find<'a>(
    scene: &Scene<'a>,
    user_name: Option<&str>,
    id: &str,
) -> Result<&'a SigningCertificate, Refusal> {
    let (owner, _) = credential::owner(scene, user_name)?;
    // One of somebody else is not found, so that a permission on one user reaches no other.
    let found = scene.account.signing_certificates().with_id(id);
    found.map(|found| &**found).filter(|found| found.owner == owner).ok_or_else(|| {
        let message = format!("The Certificate with id {id} cannot be found.");
        Refusal::new(ErrorCode::NoSuchEntity, message)
    })
}

/// An id that no certificate of the account has; in the form of those that AWS publishes.
fn fresh_id(scene: &Scene<'_>, draw: &mut Draw) -> Box<str> {
    loop {
        let id = BASE32.encode(&draw.bytes::<20>());
        if scene.account.signing_certificates().with_id(&id).is_none() {
            return id.into();
        }
    }
}

fn shown(certificate: &SigningCertificate, user_name: &str) -> WireSigningCertificate {
    WireSigningCertificate {
        user_name: user_name.to_owned(),
        certificate_id: certificate.id.to_string(),
        certificate_body: certificate.body.to_string(),
        status: credential::shown_status(certificate.status),
        upload_date: Some(certificate.uploaded),
    }
}
