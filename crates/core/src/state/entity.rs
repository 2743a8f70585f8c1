//! The entities that make up an account: one stored row each.
//!
//! The numbers in the attributes are the row format: a number is never used twice, a member never
//! changes its type, and new members are optional.

use iamd_wire::Timestamp;
use minicbor::{Decode, Encode};

use super::access_key::AccessKey;
use super::attached_policy::AttachedPolicy;
use super::bucket::{Bucket, BucketName};
use super::certificate::{ServerCertificate, SigningCertificate, SshPublicKey};
use super::delegation::DelegationRequest;
use super::deletion_task::DeletionTask;
use super::directory::{Alias, RootEmail};
use super::document::PolicyDocument;
use super::inline_policies::InlinePolicies;
use super::operator::{OperatorCredential, RevokedSession};
use super::preferences::Preferences;
use super::provider::{OidcProvider, SamlProvider};
use super::service_credential::ServiceCredential;
use super::sign_in::{CredentialReport, LoginProfile, MfaDevice, PasswordPolicy};
use crate::account_id::AccountId;
use crate::record;
use crate::unique_id::{AccessKeyId, UniqueId};

/// What is stored as one row.
#[derive(Debug, Clone, PartialEq)]
pub enum Entity {
    /// Facts of the account itself, its root user included.
    Settings(AccountSettings),
    /// An IAM user.
    User(User),
    /// A group of users.
    Group(Group),
    /// A role.
    Role(Role),
    /// A customer managed policy with its versions.
    Policy(Policy),
    /// An instance profile.
    InstanceProfile(InstanceProfile),
    /// A long-term access key.
    AccessKey(AccessKey),
    /// The name of an account; lives in the directory.
    Alias(Alias),
    /// The sign-in name of a root user; lives in the directory.
    RootEmail(RootEmail),
    /// The rules for passwords.
    PasswordPolicy(PasswordPolicy),
    /// The password of a user.
    LoginProfile(LoginProfile),
    /// A device that shows one-time codes.
    MfaDevice(MfaDevice),
    /// The last credential report.
    CredentialReport(CredentialReport),
    /// An SSH public key of a user.
    SshPublicKey(SshPublicKey),
    /// A signing certificate of a user or of root.
    SigningCertificate(SigningCertificate),
    /// A server certificate.
    ServerCertificate(ServerCertificate),
    /// An OpenID Connect provider.
    OidcProvider(OidcProvider),
    /// A SAML provider.
    SamlProvider(SamlProvider),
    /// A credential of a user for one service.
    ServiceCredential(ServiceCredential),
    /// A deletion of a service-linked role.
    DeletionTask(DeletionTask),
    /// What the account has chosen.
    Preferences(Preferences),
    /// A temporary credential that was ended before its time.
    RevokedSession(RevokedSession),
    /// What an operator signs with; lives among the operators.
    OperatorCredential(OperatorCredential),
    /// A request for temporary delegation; lives in the directory.
    DelegationRequest(DelegationRequest),
    /// Whose a bucket is; lives in the directory.
    BucketName(BucketName),
    /// A bucket of an S3 store.
    Bucket(Bucket),
}

/// What identifies a row inside its account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EntityKey {
    /// The account itself.
    Settings,
    /// A user by unique id.
    User(UniqueId),
    /// A group by unique id.
    Group(UniqueId),
    /// A role by unique id.
    Role(UniqueId),
    /// A customer managed policy by unique id.
    Policy(UniqueId),
    /// An instance profile by unique id.
    InstanceProfile(UniqueId),
    /// An access key by its id.
    AccessKey(AccessKeyId),
    /// An alias by its text.
    Alias(Box<str>),
    /// A root e-mail address, in lower case.
    RootEmail(Box<str>),
    /// The rules for passwords.
    PasswordPolicy,
    /// The password of a user, by the user's unique id.
    LoginProfile(UniqueId),
    /// A device that shows one-time codes, by serial number.
    MfaDevice(Box<str>),
    /// The last credential report.
    CredentialReport,
    /// An SSH public key by unique id.
    SshPublicKey(UniqueId),
    /// A signing certificate by its id.
    SigningCertificate(Box<str>),
    /// A server certificate by unique id.
    ServerCertificate(UniqueId),
    /// An OpenID Connect provider by its URL.
    OidcProvider(Box<str>),
    /// A SAML provider by its name.
    SamlProvider(Box<str>),
    /// A credential for one service by unique id.
    ServiceCredential(UniqueId),
    /// A deletion of a service-linked role by its id.
    DeletionTask(Box<str>),
    /// What the account has chosen.
    Preferences,
    /// An ended temporary credential by its access key id.
    RevokedSession(AccessKeyId),
    /// An operator's credential by its access key id.
    OperatorCredential(AccessKeyId),
    /// A request for delegation by its id.
    DelegationRequest(Box<str>),
    /// Whose a bucket is, by its name.
    BucketName(Box<str>),
    /// A bucket by its name.
    Bucket(Box<str>),
}

impl Entity {
    /// The key under which the entity is stored.
    pub fn key(&self) -> EntityKey {
        match self {
            Entity::Settings(_) => EntityKey::Settings,
            Entity::User(user) => EntityKey::User(user.id),
            Entity::Group(group) => EntityKey::Group(group.id),
            Entity::Role(role) => EntityKey::Role(role.id),
            Entity::Policy(policy) => EntityKey::Policy(policy.id),
            Entity::InstanceProfile(profile) => EntityKey::InstanceProfile(profile.id),
            Entity::AccessKey(key) => EntityKey::AccessKey(key.id.clone()),
            Entity::Alias(alias) => EntityKey::Alias(alias.alias.clone()),
            Entity::RootEmail(email) => EntityKey::RootEmail(email.email.clone()),
            Entity::PasswordPolicy(_) => EntityKey::PasswordPolicy,
            Entity::LoginProfile(profile) => EntityKey::LoginProfile(profile.user),
            Entity::MfaDevice(device) => EntityKey::MfaDevice(device.serial.clone()),
            Entity::CredentialReport(_) => EntityKey::CredentialReport,
            Entity::SshPublicKey(key) => EntityKey::SshPublicKey(key.id),
            Entity::SigningCertificate(it) => EntityKey::SigningCertificate(it.id.clone()),
            Entity::ServerCertificate(it) => EntityKey::ServerCertificate(it.id),
            Entity::OidcProvider(it) => EntityKey::OidcProvider(it.url.clone()),
            Entity::SamlProvider(it) => EntityKey::SamlProvider(it.name.clone()),
            Entity::ServiceCredential(it) => EntityKey::ServiceCredential(it.id),
            Entity::Preferences(_) => EntityKey::Preferences,
            Entity::DeletionTask(task) => EntityKey::DeletionTask(task.id.clone()),
            Entity::RevokedSession(session) => EntityKey::RevokedSession(session.id.clone()),
            Entity::BucketName(bucket) => EntityKey::BucketName(bucket.name.clone()),
            Entity::Bucket(bucket) => EntityKey::Bucket(bucket.name.clone()),
            Entity::OperatorCredential(credential) => {
                EntityKey::OperatorCredential(credential.id.clone())
            }
            Entity::DelegationRequest(request) => EntityKey::DelegationRequest(request.id.clone()),
        }
    }
}

/// A tag of an entity.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Tag {
    /// The key, in the letter case it was given.
    #[n(0)]
    pub key: Box<str>,
    /// The value; may be empty.
    #[n(1)]
    pub value: Box<str>,
}

/// Facts of the account itself, its root user included.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct AccountSettings {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// E-mail address by which root signs in, as given.
    #[n(1)]
    pub root_email: Box<str>,
    /// Root's password, hashed; absent when root has none.
    #[n(2)]
    pub root_password_hash: Option<Box<str>>,
    /// When the account was made.
    #[cbor(n(3), with = "record::timestamp")]
    pub created: Timestamp,
    /// The alias, if the account has one.
    #[n(4)]
    pub alias: Option<Box<str>>,
    /// Sessions of root issued before this time are void.
    #[cbor(n(5), with = "record::optional_timestamp")]
    pub root_sessions_not_before: Option<Timestamp>,
    /// When an operator closed the account, if it is closed: none of its credentials is good then.
    #[cbor(n(8), with = "record::optional_timestamp")]
    pub closed: Option<Timestamp>,
    /// Sessions of anybody in the account issued before this time are void.
    #[cbor(n(9), with = "record::optional_timestamp")]
    pub sessions_not_before: Option<Timestamp>,
}

/// An IAM user.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct User {
    /// Unique id, `AIDA...`.
    #[n(0)]
    pub id: UniqueId,
    /// Name, in the letter case it was given.
    #[n(1)]
    pub name: Box<str>,
    /// Path, `/` or `/.../`.
    #[n(2)]
    pub path: Box<str>,
    /// When the user was created.
    #[cbor(n(3), with = "record::timestamp")]
    pub created: Timestamp,
    /// Tags, sorted by key.
    #[n(4)]
    pub tags: Vec<Tag>,
    /// Managed policy that bounds the user's permissions.
    #[n(5)]
    pub boundary: Option<AttachedPolicy>,
    /// Inline policies.
    #[n(6)]
    pub inline: InlinePolicies,
    /// Attached managed policies, in the order of attachment.
    #[n(7)]
    pub attached: Vec<AttachedPolicy>,
    /// Groups, by unique id.
    #[n(8)]
    pub groups: Vec<UniqueId>,
    /// Sessions issued before this time are void.
    #[cbor(n(9), with = "record::optional_timestamp")]
    pub sessions_not_before: Option<Timestamp>,
}

/// A group of users.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Group {
    /// Unique id, `AGPA...`.
    #[n(0)]
    pub id: UniqueId,
    /// Name, in the letter case it was given.
    #[n(1)]
    pub name: Box<str>,
    /// Path, `/` or `/.../`.
    #[n(2)]
    pub path: Box<str>,
    /// When the group was created.
    #[cbor(n(3), with = "record::timestamp")]
    pub created: Timestamp,
    /// Inline policies.
    #[n(4)]
    pub inline: InlinePolicies,
    /// Attached managed policies, in the order of attachment.
    #[n(5)]
    pub attached: Vec<AttachedPolicy>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Role {
    /// Unique id, `AROA...`.
    #[n(0)]
    pub id: UniqueId,
    /// Name, in the letter case it was given.
    #[n(1)]
    pub name: Box<str>,
    /// Path, `/` or `/.../`.
    #[n(2)]
    pub path: Box<str>,
    /// When the role was created.
    #[cbor(n(3), with = "record::timestamp")]
    pub created: Timestamp,
    /// Description, if given.
    #[n(4)]
    pub description: Option<Box<str>>,
    /// Longest session in seconds, 3,600 to 43,200; absent when never set.
    #[n(5)]
    pub session_seconds_max: Option<u32>,
    /// Trust policy; users and roles stand in it by unique id.
    #[n(6)]
    pub trust: PolicyDocument,
    /// Tags, sorted by key.
    #[n(7)]
    pub tags: Vec<Tag>,
    /// Managed policy that bounds the role's permissions.
    #[n(8)]
    pub boundary: Option<AttachedPolicy>,
    /// Inline policies.
    #[n(9)]
    pub inline: InlinePolicies,
    /// Attached managed policies, in the order of attachment.
    #[n(10)]
    pub attached: Vec<AttachedPolicy>,
    /// Sessions issued before this time are void.
    #[cbor(n(11), with = "record::optional_timestamp")]
    pub sessions_not_before: Option<Timestamp>,
}

/// A customer managed policy with its versions.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Policy {
    /// Unique id, `ANPA...`.
    #[n(0)]
    pub id: UniqueId,
    /// Name, in the letter case it was given.
    #[n(1)]
    pub name: Box<str>,
    /// Path, `/` or `/.../`.
    #[n(2)]
    pub path: Box<str>,
    /// When the policy was created.
    #[cbor(n(3), with = "record::timestamp")]
    pub created: Timestamp,
    /// When its newest version was created.
    #[cbor(n(4), with = "record::timestamp")]
    pub updated: Timestamp,
    /// Description, if given.
    #[n(5)]
    pub description: Option<Box<str>>,
    /// Tags, sorted by key.
    #[n(6)]
    pub tags: Vec<Tag>,
    /// Number of the version in force.
    #[n(7)]
    pub default_version: u32,
    /// Number that the next version gets; numbers are never used twice.
    #[n(8)]
    pub next_version: u32,
    /// Versions that still exist, oldest first.
    #[n(9)]
    pub versions: Vec<PolicyVersion>,
}

impl Policy {
    /// The version in force.
    pub fn version_in_force(&self) -> Option<&PolicyVersion> {
        self.version(self.default_version)
    }

    /// The version of this number.
    pub fn version(&self, number: u32) -> Option<&PolicyVersion> {
        self.versions.iter().find(|version| version.number == number)
    }
}

/// One version of a customer managed policy.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct PolicyVersion {
    /// The number in `v1`, `v2`, ...
    #[n(0)]
    pub number: u32,
    /// When the version was created.
    #[cbor(n(1), with = "record::timestamp")]
    pub created: Timestamp,
    /// The document.
    #[n(2)]
    pub document: PolicyDocument,
}

/// An instance profile.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct InstanceProfile {
    /// Unique id, `AIPA...`.
    #[n(0)]
    pub id: UniqueId,
    /// Name, in the letter case it was given.
    #[n(1)]
    pub name: Box<str>,
    /// Path, `/` or `/.../`.
    #[n(2)]
    pub path: Box<str>,
    /// When the profile was created.
    #[cbor(n(3), with = "record::timestamp")]
    pub created: Timestamp,
    /// The role inside, by unique id.
    #[n(4)]
    pub role: Option<UniqueId>,
    /// Tags, sorted by key.
    #[n(5)]
    pub tags: Vec<Tag>,
}

/// Whose access key or MFA device it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub enum KeyOwner {
    /// The root user of the account.
    #[n(0)]
    Root,
    /// An IAM user, by unique id.
    #[n(1)]
    User(#[n(0)] UniqueId),
}
