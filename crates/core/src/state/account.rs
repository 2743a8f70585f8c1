//! One account: its entities, and the indices that follow from them.

mod entities;
mod filling;
mod indices;

use std::sync::Arc;

use iamd_policy::PolicySet;
use iamd_wire::Timestamp;

pub use self::filling::AccountFilling;
pub(super) use self::filling::full;
use self::indices::set_in_force;
use super::Change;
use super::access_key::AccessKey;
use super::attached_policy::AttachedPolicy;
use super::belongings::Belongings;
use super::bucket::{Bucket, BucketPolicy};
use super::certificate::{ServerCertificate, SigningCertificate, SshPublicKey};
use super::collection::Collection;
use super::deletion_task::DeletionTask;
use super::entity::{
    AccountSettings, Entity, EntityKey, Group, InstanceProfile, KeyOwner, Policy, Role, User,
};
use super::mfa_devices::MfaDevices;
use super::operator::RevokedSession;
use super::policy_use::PolicyUse;
use super::preferences::Preferences;
use super::provider::{OidcProvider, SamlProvider};
use super::service_credential::ServiceCredential;
use super::sign_in::{CredentialReport, LoginProfile, PasswordPolicy};
use crate::account_id::AccountId;
use crate::name::FoldedName;
use crate::session::Subject;
use crate::unique_id::{AccessKeyId, UniqueId};

/// Tells the pictures of an account apart: equal only for copies of one picture.
#[derive(Debug, Clone, Default)]
pub struct AccountVersion(Arc<()>);

impl PartialEq for AccountVersion {
    fn eq(&self, other: &AccountVersion) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for AccountVersion {}

/// An immutable picture of one account.
#[derive(Debug, Clone)]
pub struct Account {
    id: AccountId,
    version: AccountVersion,
    settings: Option<Arc<AccountSettings>>,
    users: Collection<User>,
    groups: Collection<Group>,
    roles: Collection<Role>,
    policies: Collection<Policy>,
    instance_profiles: Collection<InstanceProfile>,
    // Maps of what there may be a million of are sorted: hash maps take several times the memory.
    access_keys: imbl::OrdMap<AccessKeyId, Arc<AccessKey>>,
    password_policy: Option<Arc<PasswordPolicy>>,
    login_profiles: imbl::OrdMap<UniqueId, Arc<LoginProfile>>,
    mfa_devices: MfaDevices,
    credential_report: Option<Arc<CredentialReport>>,
    ssh_public_keys: Belongings<SshPublicKey>,
    signing_certificates: Belongings<SigningCertificate>,
    server_certificates: Collection<ServerCertificate>,
    oidc_providers: imbl::OrdMap<Box<str>, Arc<OidcProvider>>,
    saml_providers: imbl::OrdMap<Box<str>, Arc<SamlProvider>>,
    service_credentials: Belongings<ServiceCredential>,
    deletion_tasks: imbl::OrdMap<Box<str>, Arc<DeletionTask>>,
    preferences: Option<Arc<Preferences>>,
    revoked_sessions: imbl::HashMap<AccessKeyId, Timestamp>,
    buckets: imbl::OrdMap<Box<str>, Arc<Bucket>>,
    // The rest follows from the above.
    keys_of: imbl::OrdMap<KeyOwner, Arc<[AccessKeyId]>>,
    members: imbl::HashMap<UniqueId, imbl::OrdSet<FoldedName>>,
    policy_uses: imbl::HashMap<AttachedPolicy, PolicyUse>,
    profiles_of_role: imbl::HashMap<UniqueId, imbl::OrdSet<FoldedName>>,
    policy_sets: imbl::HashMap<UniqueId, PolicySet>,
    bucket_policies: imbl::HashMap<Box<str>, BucketPolicy>,
}

impl Account {
    pub(super) fn empty(id: AccountId) -> Account {
        Account {
            id,
            version: AccountVersion::default(),
            settings: None,
            users: Collection::default(),
            groups: Collection::default(),
            roles: Collection::default(),
            policies: Collection::default(),
            instance_profiles: Collection::default(),
            access_keys: imbl::OrdMap::new(),
            password_policy: None,
            login_profiles: imbl::OrdMap::new(),
            mfa_devices: MfaDevices::default(),
            credential_report: None,
            ssh_public_keys: Belongings::default(),
            signing_certificates: Belongings::default(),
            server_certificates: Collection::default(),
            oidc_providers: imbl::OrdMap::new(),
            saml_providers: imbl::OrdMap::new(),
            service_credentials: Belongings::default(),
            deletion_tasks: imbl::OrdMap::new(),
            preferences: None,
            revoked_sessions: imbl::HashMap::new(),
            buckets: imbl::OrdMap::new(),
            keys_of: imbl::OrdMap::new(),
            members: imbl::HashMap::new(),
            policy_uses: imbl::HashMap::new(),
            profiles_of_role: imbl::HashMap::new(),
            policy_sets: imbl::HashMap::new(),
            bucket_policies: imbl::HashMap::new(),
        }
    }

    /// The account's number.
    pub fn id(&self) -> AccountId {
        self.id
    }

    /// Which of its versions this is.
    pub fn version(&self) -> &AccountVersion {
        &self.version
    }

    /// Says that the account is not what it was.
    pub(super) fn begin_version(&mut self) {
        self.version = AccountVersion::default();
    }

    /// Facts of the account itself; present in every account of a state.
    pub fn settings(&self) -> Option<&Arc<AccountSettings>> {
        self.settings.as_ref()
    }

    /// The users.
    pub fn users(&self) -> &Collection<User> {
        &self.users
    }

    /// The groups.
    pub fn groups(&self) -> &Collection<Group> {
        &self.groups
    }

    /// The roles.
    pub fn roles(&self) -> &Collection<Role> {
        &self.roles
    }

    /// The customer managed policies.
    pub fn policies(&self) -> &Collection<Policy> {
        &self.policies
    }

    /// The instance profiles.
    pub fn instance_profiles(&self) -> &Collection<InstanceProfile> {
        &self.instance_profiles
    }

    /// Whether the credentials of the account may be used: until an operator closes it.
    pub fn is_open(&self) -> bool {
        self.settings.as_ref().is_some_and(|settings| settings.closed.is_none())
    }

    /// Sessions of this subject that were issued before this time are void.
    pub fn sessions_not_before(&self, subject: &Subject) -> Option<Timestamp> {
        let settings = self.settings.as_ref();
        let own = match subject {
            Subject::Root => settings.and_then(|settings| settings.root_sessions_not_before),
            Subject::User(id) => self.users.with_id(*id).and_then(|user| user.sessions_not_before),
            Subject::Role { role, .. } => {
                self.roles.with_id(*role).and_then(|role| role.sessions_not_before)
            }
        };
        own.max(settings.and_then(|settings| settings.sessions_not_before))
    }

    /// When a session that begins now is said to be issued: not before sessions of its subject are
    /// good again, so that who revoked older ones can have a new one at once.
    pub fn issue_time(&self, subject: &Subject, now: Timestamp) -> Timestamp {
        self.sessions_not_before(subject).map_or(now, |not_before| not_before.max(now))
    }

    /// Temporary credentials that were ended one by one, with the time until which that matters.
    pub fn revoked_sessions(&self) -> &imbl::HashMap<AccessKeyId, Timestamp> {
        &self.revoked_sessions
    }

    /// The buckets, by name.
    pub fn buckets(&self) -> &imbl::OrdMap<Box<str>, Arc<Bucket>> {
        &self.buckets
    }

    /// The policy of a bucket, for decisions; none without the bucket.
    pub fn bucket_policy(&self, name: &str) -> Option<&BucketPolicy> {
        self.bucket_policies.get(name)
    }

    /// The access keys of everybody, in no order.
    pub fn access_keys(&self) -> impl Iterator<Item = &Arc<AccessKey>> {
        self.access_keys.values()
    }

    /// The access key of this id.
    pub fn access_key(&self, id: &AccessKeyId) -> Option<&Arc<AccessKey>> {
        self.access_keys.get(id)
    }

    /// The access keys of a user or of root, oldest first.
    pub fn keys_of(&self, owner: KeyOwner) -> impl Iterator<Item = &Arc<AccessKey>> {
        let ids = self.keys_of.get(&owner).map_or(&[][..], |ids| ids);
        ids.iter().filter_map(|id| self.access_keys.get(id))
    }

    /// The rules for passwords that the account has set; absent: AWS's own.
    pub fn password_policy(&self) -> Option<&Arc<PasswordPolicy>> {
        self.password_policy.as_ref()
    }

    /// The password of a user.
    pub fn login_profile(&self, user: UniqueId) -> Option<&Arc<LoginProfile>> {
        self.login_profiles.get(&user)
    }

    /// The devices that show one-time codes.
    pub fn mfa_devices(&self) -> &MfaDevices {
        &self.mfa_devices
    }

    /// The last credential report.
    pub fn credential_report(&self) -> Option<&Arc<CredentialReport>> {
        self.credential_report.as_ref()
    }

    /// The SSH public keys of users.
    pub fn ssh_public_keys(&self) -> &Belongings<SshPublicKey> {
        &self.ssh_public_keys
    }

    /// The signing certificates of users and of root.
    pub fn signing_certificates(&self) -> &Belongings<SigningCertificate> {
        &self.signing_certificates
    }

    /// The server certificates.
    pub fn server_certificates(&self) -> &Collection<ServerCertificate> {
        &self.server_certificates
    }

    /// The OpenID Connect providers, by URL.
    pub fn oidc_providers(&self) -> &imbl::OrdMap<Box<str>, Arc<OidcProvider>> {
        &self.oidc_providers
    }

    /// The SAML providers, by name.
    pub fn saml_providers(&self) -> &imbl::OrdMap<Box<str>, Arc<SamlProvider>> {
        &self.saml_providers
    }

    /// The credentials of users for one service each.
    pub fn service_credentials(&self) -> &Belongings<ServiceCredential> {
        &self.service_credentials
    }

    /// The last deletions of service-linked roles, by id.
    pub fn deletion_tasks(&self) -> &imbl::OrdMap<Box<str>, Arc<DeletionTask>> {
        &self.deletion_tasks
    }

    /// What the account has chosen, if anything.
    pub fn preferences(&self) -> Option<&Arc<Preferences>> {
        self.preferences.as_ref()
    }

    /// The members of a group, by folded name.
    pub fn members(&self, group: UniqueId) -> Option<&imbl::OrdSet<FoldedName>> {
        self.members.get(&group)
    }

    /// Who uses the managed policy of this ARN.
    pub fn policy_use(&self, arn: &str) -> Option<&PolicyUse> {
        self.policy_uses.get(arn)
    }

    /// The managed policies in use, of this account and of AWS.
    pub fn used_policies(&self) -> impl Iterator<Item = (&AttachedPolicy, &PolicyUse)> {
        self.policy_uses.iter()
    }

    /// The document in force of a customer managed policy, for decisions.
    pub fn policy_set(&self, policy: UniqueId) -> Option<&PolicySet> {
        self.policy_sets.get(&policy)
    }

    /// The instance profiles that hold a role, by folded name.
    pub fn profiles_of_role(&self, role: UniqueId) -> Option<&imbl::OrdSet<FoldedName>> {
        self.profiles_of_role.get(&role)
    }

    /// How many entries each index has: keys, owners of keys, groups with members, policies in use,
    /// roles in profiles, policy sets.
    #[cfg(test)]
    pub(crate) fn index_sizes(&self) -> [usize; 6] {
        [
            self.access_keys.len(),
            self.keys_of.len(),
            self.members.len(),
            self.policy_uses.len(),
            self.profiles_of_role.len(),
            self.policy_sets.len(),
        ]
    }

    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Put(entity) => self.put(entity),
            Change::Remove(key) => self.remove(key),
        }
    }

    fn put(&mut self, entity: &Entity) {
        match entity {
            Entity::Settings(settings) => self.settings = Some(Arc::new(settings.clone())),
            Entity::User(user) => {
                let old = self.users.put(Arc::new(user.clone()));
                self.reindex_user(old.as_deref(), Some(user));
            }
            Entity::Group(group) => {
                let old = self.groups.put(Arc::new(group.clone()));
                self.reindex_group(old.as_deref(), Some(group));
            }
            Entity::Role(role) => {
                let old = self.roles.put(Arc::new(role.clone()));
                self.reindex_role(old.as_deref(), Some(role));
            }
            Entity::Policy(policy) => {
                self.policy_sets.insert(policy.id, set_in_force(self.id, policy));
                self.policies.put(Arc::new(policy.clone()));
            }
            Entity::InstanceProfile(profile) => {
                let old = self.instance_profiles.put(Arc::new(profile.clone()));
                self.reindex_profile(old.as_deref(), Some(profile));
            }
            Entity::AccessKey(key) => self.put_access_key(key),
            Entity::PasswordPolicy(policy) => self.password_policy = Some(Arc::new(policy.clone())),
            Entity::LoginProfile(profile) => {
                self.login_profiles.insert(profile.user, Arc::new(profile.clone()));
            }
            Entity::MfaDevice(device) => self.mfa_devices.put(device),
            Entity::CredentialReport(report) => {
                self.credential_report = Some(Arc::new(report.clone()));
            }
            Entity::SshPublicKey(key) => self.ssh_public_keys.put(key),
            Entity::SigningCertificate(certificate) => self.signing_certificates.put(certificate),
            Entity::ServerCertificate(certificate) => {
                self.server_certificates.put(Arc::new(certificate.clone()));
            }
            Entity::OidcProvider(provider) => {
                self.oidc_providers.insert(provider.url.clone(), Arc::new(provider.clone()));
            }
            Entity::SamlProvider(provider) => {
                self.saml_providers.insert(provider.name.clone(), Arc::new(provider.clone()));
            }
            Entity::ServiceCredential(credential) => self.service_credentials.put(credential),
            Entity::DeletionTask(task) => {
                self.deletion_tasks.insert(task.id.clone(), Arc::new(task.clone()));
            }
            Entity::Preferences(preferences) => {
                self.preferences = Some(Arc::new(preferences.clone()));
            }
            Entity::RevokedSession(RevokedSession { id, expires }) => {
                self.revoked_sessions.insert(id.clone(), *expires);
            }
            Entity::Bucket(bucket) => {
                self.bucket_policies.insert(bucket.name.clone(), BucketPolicy::of(bucket));
                self.buckets.insert(bucket.name.clone(), Arc::new(bucket.clone()));
            }
            // These live in the directory, and among the operators.
            Entity::Alias(_)
            | Entity::RootEmail(_)
            | Entity::OperatorCredential(_)
            | Entity::BucketName(_)
            | Entity::DelegationRequest(_) => {}
        }
    }

    fn remove(&mut self, key: &EntityKey) {
        match key {
            EntityKey::Settings => self.settings = None,
            EntityKey::User(id) => {
                let old = self.users.remove(*id);
                self.reindex_user(old.as_deref(), None);
            }
            EntityKey::Group(id) => {
                let old = self.groups.remove(*id);
                self.reindex_group(old.as_deref(), None);
            }
            EntityKey::Role(id) => {
                let old = self.roles.remove(*id);
                self.reindex_role(old.as_deref(), None);
            }
            EntityKey::Policy(id) => {
                self.policies.remove(*id);
                self.policy_sets.remove(id);
            }
            EntityKey::InstanceProfile(id) => {
                let old = self.instance_profiles.remove(*id);
                self.reindex_profile(old.as_deref(), None);
            }
            EntityKey::AccessKey(id) => self.remove_access_key(id),
            EntityKey::PasswordPolicy => self.password_policy = None,
            EntityKey::LoginProfile(user) => {
                self.login_profiles.remove(user);
            }
            EntityKey::MfaDevice(serial) => self.mfa_devices.remove(serial),
            EntityKey::CredentialReport => self.credential_report = None,
            EntityKey::SshPublicKey(id) => self.ssh_public_keys.remove(id.as_str()),
            EntityKey::SigningCertificate(id) => self.signing_certificates.remove(id),
            EntityKey::OidcProvider(url) => {
                self.oidc_providers.remove(url);
            }
            EntityKey::ServiceCredential(id) => self.service_credentials.remove(id.as_str()),
            EntityKey::DeletionTask(id) => {
                self.deletion_tasks.remove(id);
            }
            EntityKey::Preferences => self.preferences = None,
            EntityKey::SamlProvider(name) => {
                self.saml_providers.remove(name);
            }
            EntityKey::ServerCertificate(id) => {
                self.server_certificates.remove(*id);
            }
            EntityKey::RevokedSession(id) => {
                self.revoked_sessions.remove(id);
            }
            EntityKey::Bucket(name) => {
                self.bucket_policies.remove(name);
                self.buckets.remove(name);
            }
            EntityKey::Alias(_)
            | EntityKey::RootEmail(_)
            | EntityKey::OperatorCredential(_)
            | EntityKey::BucketName(_)
            | EntityKey::DelegationRequest(_) => {}
        }
    }

    fn put_access_key(&mut self, key: &AccessKey) {
        if self.access_keys.insert(key.id.clone(), Arc::new(key.clone())).is_none() {
            // INVARIANT: the order follows from the keys, not from the order of the changes: a state
            // that was read from the store equals the one that was written to it.
            let mut keys: Vec<&AccessKey> = self.keys_of(key.owner).map(|key| &**key).collect();
            keys.push(key);
            keys.sort_by(|one, other| one.age_order().cmp(&other.age_order()));
            let ids = keys.into_iter().map(|key| key.id.clone()).collect();
            self.keys_of.insert(key.owner, ids);
        }
    }

    fn remove_access_key(&mut self, id: &AccessKeyId) {
        let Some(key) = self.access_keys.remove(id) else { return };
        let ids = self.keys_of.get(&key.owner).map_or(&[][..], |ids| ids);
        let ids: Arc<[AccessKeyId]> = ids.iter().filter(|other| *other != id).cloned().collect();
        if ids.is_empty() {
            self.keys_of.remove(&key.owner);
        } else {
            self.keys_of.insert(key.owner, ids);
        }
    }
}
