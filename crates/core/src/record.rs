//! Rows as the store keeps them: a kind, an id, and the entity in CBOR with numbered members.

use std::fmt;

use minicbor::{Decode, Encode};

use crate::state::{Entity, EntityKey};
use crate::unique_id::{AccessKeyId, UniqueId};

/// A row key in the form of the store: a kind and an id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecordKey {
    /// What kind of entity it is; one of the constants of [`kind`].
    pub kind: u16,
    /// The id inside the kind.
    pub id: String,
}

/// Kinds of rows. A number is never used twice.
pub mod kind {
    /// Account settings.
    pub const SETTINGS: u16 = 1;
    /// Users.
    pub const USER: u16 = 2;
    /// Groups.
    pub const GROUP: u16 = 3;
    /// Roles.
    pub const ROLE: u16 = 4;
    /// Customer managed policies.
    pub const POLICY: u16 = 5;
    /// Instance profiles.
    pub const INSTANCE_PROFILE: u16 = 6;
    /// Access keys.
    pub const ACCESS_KEY: u16 = 7;
    /// Account aliases.
    pub const ALIAS: u16 = 8;
    /// Root e-mail addresses.
    pub const ROOT_EMAIL: u16 = 9;
    /// Rules for passwords.
    pub const PASSWORD_POLICY: u16 = 20;
    /// Passwords of users.
    pub const LOGIN_PROFILE: u16 = 21;
    /// Devices that show one-time codes.
    pub const MFA_DEVICE: u16 = 22;
    /// Credential reports.
    pub const CREDENTIAL_REPORT: u16 = 23;
    /// SSH public keys.
    pub const SSH_PUBLIC_KEY: u16 = 30;
    /// Signing certificates.
    pub const SIGNING_CERTIFICATE: u16 = 31;
    /// Server certificates.
    pub const SERVER_CERTIFICATE: u16 = 32;
    /// OpenID Connect providers.
    pub const OIDC_PROVIDER: u16 = 33;
    /// SAML providers.
    pub const SAML_PROVIDER: u16 = 50;
    /// Credentials of users for one service each.
    pub const SERVICE_CREDENTIAL: u16 = 51;
    /// Deletions of service-linked roles.
    pub const DELETION_TASK: u16 = 52;
    /// What the account has chosen.
    pub const PREFERENCES: u16 = 53;
    /// Ended temporary credentials.
    pub const REVOKED_SESSION: u16 = 40;
    /// Credentials of operators.
    pub const OPERATOR_CREDENTIAL: u16 = 41;
    /// Requests for temporary delegation.
    pub const DELEGATION_REQUEST: u16 = 55;
    /// Owners of buckets.
    pub const BUCKET_NAME: u16 = 60;
    /// Buckets.
    pub const BUCKET: u16 = 61;
}

/// A row that this version cannot read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The row.
    pub key: RecordKey,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "row {}/{} is unreadable: {}", self.key.kind, self.key.id, self.reason)
    }
}

impl std::error::Error for Unreadable {}

impl EntityKey {
    /// The key in the form of the store.
    pub fn to_record(&self) -> RecordKey {
        let (kind, id) = self.parts();
        RecordKey { kind, id: id.to_owned() }
    }

    fn parts(&self) -> (u16, &str) {
        match self {
            EntityKey::Settings => (kind::SETTINGS, ""),
            EntityKey::User(id) => (kind::USER, id.as_str()),
            EntityKey::Group(id) => (kind::GROUP, id.as_str()),
            EntityKey::Role(id) => (kind::ROLE, id.as_str()),
            EntityKey::Policy(id) => (kind::POLICY, id.as_str()),
            EntityKey::InstanceProfile(id) => (kind::INSTANCE_PROFILE, id.as_str()),
            EntityKey::AccessKey(id) => (kind::ACCESS_KEY, id.as_str()),
            EntityKey::Alias(alias) => (kind::ALIAS, alias),
            EntityKey::RootEmail(email) => (kind::ROOT_EMAIL, email),
            EntityKey::PasswordPolicy => (kind::PASSWORD_POLICY, ""),
            EntityKey::LoginProfile(user) => (kind::LOGIN_PROFILE, user.as_str()),
            EntityKey::MfaDevice(serial) => (kind::MFA_DEVICE, serial),
            EntityKey::CredentialReport => (kind::CREDENTIAL_REPORT, ""),
            EntityKey::SshPublicKey(id) => (kind::SSH_PUBLIC_KEY, id.as_str()),
            EntityKey::SigningCertificate(id) => (kind::SIGNING_CERTIFICATE, id),
            EntityKey::ServerCertificate(id) => (kind::SERVER_CERTIFICATE, id.as_str()),
            EntityKey::OidcProvider(url) => (kind::OIDC_PROVIDER, url),
            EntityKey::SamlProvider(name) => (kind::SAML_PROVIDER, name),
            EntityKey::ServiceCredential(id) => (kind::SERVICE_CREDENTIAL, id.as_str()),
            EntityKey::DeletionTask(id) => (kind::DELETION_TASK, id),
            EntityKey::Preferences => (kind::PREFERENCES, ""),
            EntityKey::RevokedSession(id) => (kind::REVOKED_SESSION, id.as_str()),
            EntityKey::OperatorCredential(id) => (kind::OPERATOR_CREDENTIAL, id.as_str()),
            EntityKey::DelegationRequest(id) => (kind::DELEGATION_REQUEST, id),
            EntityKey::BucketName(name) => (kind::BUCKET_NAME, name),
            EntityKey::Bucket(name) => (kind::BUCKET, name),
        }
    }

    /// The key that the store knows in this form.
    pub fn from_record(key: &RecordKey) -> Result<EntityKey, Unreadable> {
        let unique_id = || key.id.parse::<UniqueId>().map_err(|_| unreadable(key, "bad unique id"));
        let key_id =
            || key.id.parse::<AccessKeyId>().map_err(|_| unreadable(key, "bad access key id"));
        Ok(match key.kind {
            kind::SETTINGS => EntityKey::Settings,
            kind::USER => EntityKey::User(unique_id()?),
            kind::GROUP => EntityKey::Group(unique_id()?),
            kind::ROLE => EntityKey::Role(unique_id()?),
            kind::POLICY => EntityKey::Policy(unique_id()?),
            kind::INSTANCE_PROFILE => EntityKey::InstanceProfile(unique_id()?),
            kind::ACCESS_KEY => EntityKey::AccessKey(key_id()?),
            kind::ALIAS => EntityKey::Alias(key.id.as_str().into()),
            kind::ROOT_EMAIL => EntityKey::RootEmail(key.id.as_str().into()),
            kind::PASSWORD_POLICY => EntityKey::PasswordPolicy,
            kind::LOGIN_PROFILE => EntityKey::LoginProfile(unique_id()?),
            kind::MFA_DEVICE => EntityKey::MfaDevice(key.id.as_str().into()),
            kind::CREDENTIAL_REPORT => EntityKey::CredentialReport,
            kind::SSH_PUBLIC_KEY => EntityKey::SshPublicKey(unique_id()?),
            kind::SIGNING_CERTIFICATE => EntityKey::SigningCertificate(key.id.as_str().into()),
            kind::SERVER_CERTIFICATE => EntityKey::ServerCertificate(unique_id()?),
            kind::OIDC_PROVIDER => EntityKey::OidcProvider(key.id.as_str().into()),
            kind::SAML_PROVIDER => EntityKey::SamlProvider(key.id.as_str().into()),
            kind::SERVICE_CREDENTIAL => EntityKey::ServiceCredential(unique_id()?),
            kind::DELETION_TASK => EntityKey::DeletionTask(key.id.as_str().into()),
            kind::PREFERENCES => EntityKey::Preferences,
            kind::REVOKED_SESSION => EntityKey::RevokedSession(key_id()?),
            kind::OPERATOR_CREDENTIAL => EntityKey::OperatorCredential(key_id()?),
            kind::DELEGATION_REQUEST => EntityKey::DelegationRequest(key.id.as_str().into()),
            kind::BUCKET_NAME => EntityKey::BucketName(key.id.as_str().into()),
            kind::BUCKET => EntityKey::Bucket(key.id.as_str().into()),
            _ => return Err(unreadable(key, "unknown kind; was it written by a newer iamd?")),
        })
    }
}

impl Entity {
    /// The row's content.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Entity::Settings(settings) => encode(settings),
            Entity::User(user) => encode(user),
            Entity::Group(group) => encode(group),
            Entity::Role(role) => encode(role),
            Entity::Policy(policy) => encode(policy),
            Entity::InstanceProfile(profile) => encode(profile),
            Entity::AccessKey(key) => encode(key),
            Entity::Alias(alias) => encode(alias),
            Entity::RootEmail(email) => encode(email),
            Entity::PasswordPolicy(policy) => encode(policy),
            Entity::LoginProfile(profile) => encode(profile),
            Entity::MfaDevice(device) => encode(device),
            Entity::CredentialReport(report) => encode(report),
            Entity::SshPublicKey(key) => encode(key),
            Entity::SigningCertificate(certificate) => encode(certificate),
            Entity::ServerCertificate(certificate) => encode(certificate),
            Entity::OidcProvider(provider) => encode(provider),
            Entity::SamlProvider(provider) => encode(provider),
            Entity::ServiceCredential(credential) => encode(credential),
            Entity::DeletionTask(task) => encode(task),
            Entity::Preferences(preferences) => encode(preferences),
            Entity::RevokedSession(session) => encode(session),
            Entity::OperatorCredential(credential) => encode(credential),
            Entity::DelegationRequest(request) => encode(request),
            Entity::BucketName(name) => encode(name),
            Entity::Bucket(bucket) => encode(bucket),
        }
    }

    /// The entity in a row.
    ///
    /// # Errors
    /// [`Unreadable`] when the bytes are not an entity of that kind, or stand under a wrong key.
    pub fn from_bytes(key: &RecordKey, bytes: &[u8]) -> Result<Entity, Unreadable> {
        let entity = match key.kind {
            kind::SETTINGS => Entity::Settings(decode(key, bytes)?),
            kind::USER => Entity::User(decode(key, bytes)?),
            kind::GROUP => Entity::Group(decode(key, bytes)?),
            kind::ROLE => Entity::Role(decode(key, bytes)?),
            kind::POLICY => Entity::Policy(decode(key, bytes)?),
            kind::INSTANCE_PROFILE => Entity::InstanceProfile(decode(key, bytes)?),
            kind::ACCESS_KEY => Entity::AccessKey(decode(key, bytes)?),
            kind::ALIAS => Entity::Alias(decode(key, bytes)?),
            kind::ROOT_EMAIL => Entity::RootEmail(decode(key, bytes)?),
            kind::PASSWORD_POLICY => Entity::PasswordPolicy(decode(key, bytes)?),
            kind::LOGIN_PROFILE => Entity::LoginProfile(decode(key, bytes)?),
            kind::MFA_DEVICE => Entity::MfaDevice(decode(key, bytes)?),
            kind::CREDENTIAL_REPORT => Entity::CredentialReport(decode(key, bytes)?),
            kind::SSH_PUBLIC_KEY => Entity::SshPublicKey(decode(key, bytes)?),
            kind::SIGNING_CERTIFICATE => Entity::SigningCertificate(decode(key, bytes)?),
            kind::SERVER_CERTIFICATE => Entity::ServerCertificate(decode(key, bytes)?),
            kind::OIDC_PROVIDER => Entity::OidcProvider(decode(key, bytes)?),
            kind::SAML_PROVIDER => Entity::SamlProvider(decode(key, bytes)?),
            kind::SERVICE_CREDENTIAL => Entity::ServiceCredential(decode(key, bytes)?),
            kind::DELETION_TASK => Entity::DeletionTask(decode(key, bytes)?),
            kind::PREFERENCES => Entity::Preferences(decode(key, bytes)?),
            kind::REVOKED_SESSION => Entity::RevokedSession(decode(key, bytes)?),
            kind::OPERATOR_CREDENTIAL => Entity::OperatorCredential(decode(key, bytes)?),
            kind::DELEGATION_REQUEST => Entity::DelegationRequest(decode(key, bytes)?),
            kind::BUCKET_NAME => Entity::BucketName(decode(key, bytes)?),
            kind::BUCKET => Entity::Bucket(decode(key, bytes)?),
            _ => return Err(unreadable(key, "unknown kind; was it written by a newer iamd?")),
        };
        if entity.key().parts() == (key.kind, key.id.as_str()) {
            Ok(entity)
        } else {
            Err(unreadable(key, "the content belongs to another row"))
        }
    }
}

fn unreadable(key: &RecordKey, reason: &str) -> Unreadable {
    Unreadable { key: key.clone(), reason: reason.to_owned() }
}

fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    // INVARIANT: writing to a vector cannot fail; the error type is `Infallible`.
    match minicbor::encode(value, &mut bytes) {
        Ok(()) | Err(_) => bytes,
    }
}

fn decode<'b, T: Decode<'b, ()>>(key: &RecordKey, bytes: &'b [u8]) -> Result<T, Unreadable> {
    minicbor::decode(bytes).map_err(|error| unreadable(key, &error.to_string()))
}

/// Timestamps in rows: seconds since 1970.
pub(crate) mod timestamp {
    use iamd_wire::Timestamp;
    use minicbor::decode::{Decoder, Error as DecodeError};
    use minicbor::encode::{Encoder, Error as EncodeError, Write};

    pub(crate) fn encode<C, W: Write>(
        value: &Timestamp,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        encoder.i64(value.seconds())?.ok()
    }

    pub(crate) fn decode<C>(
        decoder: &mut Decoder<'_>,
        _: &mut C,
    ) -> Result<Timestamp, DecodeError> {
        decoder.i64().map(Timestamp::from_seconds)
    }
}

/// Timestamps that may be absent.
pub(crate) mod optional_timestamp {
    use iamd_wire::Timestamp;
    use minicbor::decode::{Decoder, Error as DecodeError};
    use minicbor::encode::{Encoder, Error as EncodeError, Write};

    pub(crate) fn encode<C, W: Write>(
        value: &Option<Timestamp>,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        encoder.encode(value.map(Timestamp::seconds))?.ok()
    }

    pub(crate) fn decode<C>(
        decoder: &mut Decoder<'_>,
        _: &mut C,
    ) -> Result<Option<Timestamp>, DecodeError> {
        decoder.decode::<Option<i64>>().map(|seconds| seconds.map(Timestamp::from_seconds))
    }
}

/// Secrets in rows; the row is sealed before it leaves the process.
pub(crate) mod secret {
    use iamd_wire::Secret;
    use minicbor::decode::{Decoder, Error as DecodeError};
    use minicbor::encode::{Encoder, Error as EncodeError, Write};

    pub(crate) fn encode<C, W: Write>(
        value: &Secret,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        encoder.str(value.expose())?.ok()
    }

    pub(crate) fn decode<C>(decoder: &mut Decoder<'_>, _: &mut C) -> Result<Secret, DecodeError> {
        decoder.str().map(|text| Secret::from(text.to_owned()))
    }
}

/// Lists of secrets in rows.
pub(crate) mod secrets {
    use iamd_wire::Secret;
    use minicbor::decode::{Decoder, Error as DecodeError};
    use minicbor::encode::{Encoder, Error as EncodeError, Write};

    pub(crate) fn encode<C, W: Write>(
        values: &[Secret],
        encoder: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        encoder.array(values.len() as u64)?;
        values.iter().try_for_each(|value| super::secret::encode(value, encoder, context))
    }

    pub(crate) fn decode<C>(
        decoder: &mut Decoder<'_>,
        _: &mut C,
    ) -> Result<Vec<Secret>, DecodeError> {
        let texts = decoder.array_iter::<&str>()?;
        texts.map(|text| text.map(|text| Secret::from(text.to_owned()))).collect()
    }
}
