//! All entities of an account, as they are stored.

use std::sync::Arc;

use super::Account;
use crate::state::entity::Entity;
use crate::state::operator::RevokedSession;

impl Account {
    /// Everything that the account holds, in no order.
    pub fn entities(&self) -> impl Iterator<Item = Entity> {
        self.identities().chain(self.credentials()).chain(self.others())
    }

    fn identities(&self) -> impl Iterator<Item = Entity> {
        each(self.users.iter(), Entity::User)
            .chain(each(self.groups.iter(), Entity::Group))
            .chain(each(self.roles.iter(), Entity::Role))
            .chain(each(self.policies.iter(), Entity::Policy))
            .chain(each(self.instance_profiles.iter(), Entity::InstanceProfile))
    }

    fn credentials(&self) -> impl Iterator<Item = Entity> {
        each(self.access_keys.values(), Entity::AccessKey)
            .chain(each(self.login_profiles.values(), Entity::LoginProfile))
            .chain(each(self.mfa_devices.iter(), Entity::MfaDevice))
            .chain(each(self.ssh_public_keys.iter(), Entity::SshPublicKey))
            .chain(each(self.signing_certificates.iter(), Entity::SigningCertificate))
            .chain(each(self.server_certificates.iter(), Entity::ServerCertificate))
            .chain(each(self.service_credentials.iter(), Entity::ServiceCredential))
            .chain(self.revoked_sessions.iter().map(|(id, expires)| {
                Entity::RevokedSession(RevokedSession { id: id.clone(), expires: *expires })
            }))
    }

    fn others(&self) -> impl Iterator<Item = Entity> {
        each(&self.settings, Entity::Settings)
            .chain(each(&self.preferences, Entity::Preferences))
            .chain(each(&self.password_policy, Entity::PasswordPolicy))
            .chain(each(&self.credential_report, Entity::CredentialReport))
            .chain(each(self.oidc_providers.values(), Entity::OidcProvider))
            .chain(each(self.saml_providers.values(), Entity::SamlProvider))
            .chain(each(self.deletion_tasks.values(), Entity::DeletionTask))
            .chain(each(self.buckets.values(), Entity::Bucket))
    }
}

fn each<'a, T: Clone + 'a>(
    all: impl IntoIterator<Item = &'a Arc<T>>,
    entity: fn(T) -> Entity,
) -> impl Iterator<Item = Entity> {
    all.into_iter().map(move |one| entity(T::clone(one)))
}
