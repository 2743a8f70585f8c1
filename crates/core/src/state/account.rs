//! One account: its entities, and the indices that follow from them.

use std::sync::Arc;

use iamd_policy::PolicySet;
use iamd_wire::Timestamp;

use super::Change;
use super::access_key::AccessKey;
use super::belongings::Belongings;
use super::certificate::{ServerCertificate, SigningCertificate, SshPublicKey};
use super::collection::{Collection, Named};
use super::entity::{
    AccountSettings, AttachedPolicy, Entity, EntityKey, Group, InstanceProfile, KeyOwner, Policy,
    Role, User,
};
use super::mfa_devices::MfaDevices;
use super::operator::RevokedSession;
use super::policy_use::PolicyUse;
use super::provider::OidcProvider;
use super::sign_in::{CredentialReport, LoginProfile, PasswordPolicy};
use crate::account_id::AccountId;
use crate::arn;
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
    access_keys: imbl::HashMap<AccessKeyId, Arc<AccessKey>>,
    password_policy: Option<Arc<PasswordPolicy>>,
    login_profiles: imbl::HashMap<UniqueId, Arc<LoginProfile>>,
    mfa_devices: MfaDevices,
    credential_report: Option<Arc<CredentialReport>>,
    ssh_public_keys: Belongings<SshPublicKey>,
    signing_certificates: Belongings<SigningCertificate>,
    server_certificates: Collection<ServerCertificate>,
    oidc_providers: imbl::OrdMap<Box<str>, Arc<OidcProvider>>,
    revoked_sessions: imbl::HashMap<AccessKeyId, Timestamp>,
    // The rest follows from the above.
    keys_of: imbl::HashMap<KeyOwner, Arc<[AccessKeyId]>>,
    members: imbl::HashMap<UniqueId, imbl::OrdSet<FoldedName>>,
    policy_uses: imbl::HashMap<AttachedPolicy, PolicyUse>,
    profiles_of_role: imbl::HashMap<UniqueId, imbl::OrdSet<FoldedName>>,
    policy_sets: imbl::HashMap<UniqueId, PolicySet>,
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
            access_keys: imbl::HashMap::new(),
            password_policy: None,
            login_profiles: imbl::HashMap::new(),
            mfa_devices: MfaDevices::default(),
            credential_report: None,
            ssh_public_keys: Belongings::default(),
            signing_certificates: Belongings::default(),
            server_certificates: Collection::default(),
            oidc_providers: imbl::OrdMap::new(),
            revoked_sessions: imbl::HashMap::new(),
            keys_of: imbl::HashMap::new(),
            members: imbl::HashMap::new(),
            policy_uses: imbl::HashMap::new(),
            profiles_of_role: imbl::HashMap::new(),
            policy_sets: imbl::HashMap::new(),
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

    /// The members of a group, by folded name.
    pub fn members(&self, group: UniqueId) -> Option<&imbl::OrdSet<FoldedName>> {
        self.members.get(&group)
    }

    /// Who uses the managed policy of this ARN.
    pub fn policy_use(&self, policy: &AttachedPolicy) -> Option<&PolicyUse> {
        self.policy_uses.get(policy)
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
            Entity::RevokedSession(RevokedSession { id, expires }) => {
                self.revoked_sessions.insert(id.clone(), *expires);
            }
            // These live in the directory, and among the operators.
            Entity::Alias(_)
            | Entity::RootEmail(_)
            | Entity::OperatorCredential(_)
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
            EntityKey::ServerCertificate(id) => {
                self.server_certificates.remove(*id);
            }
            EntityKey::RevokedSession(id) => {
                self.revoked_sessions.remove(id);
            }
            EntityKey::Alias(_)
            | EntityKey::RootEmail(_)
            | EntityKey::OperatorCredential(_)
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

    fn reindex_user(&mut self, old: Option<&User>, new: Option<&User>) {
        if let Some(user) = old {
            let name = FoldedName::of(&user.name);
            user.groups.iter().for_each(|group| drop_from(&mut self.members, group, &name));
            self.forget_uses(&user.attached, |r#use| &mut r#use.users, &name);
            self.forget_uses(user.boundary.as_slice(), |r#use| &mut r#use.bounded_users, &name);
        }
        if let Some(user) = new {
            let name = FoldedName::of(&user.name);
            user.groups.iter().for_each(|group| add_to(&mut self.members, *group, &name));
            self.note_uses(&user.attached, |r#use| &mut r#use.users, &name);
            self.note_uses(user.boundary.as_slice(), |r#use| &mut r#use.bounded_users, &name);
        }
    }

    fn reindex_group(&mut self, old: Option<&Group>, new: Option<&Group>) {
        if let Some(group) = old {
            let name = FoldedName::of(&group.name);
            self.forget_uses(&group.attached, |r#use| &mut r#use.groups, &name);
        }
        if let Some(group) = new {
            let name = FoldedName::of(&group.name);
            self.note_uses(&group.attached, |r#use| &mut r#use.groups, &name);
        }
    }

    fn reindex_role(&mut self, old: Option<&Role>, new: Option<&Role>) {
        if let Some(role) = old {
            let name = FoldedName::of(&role.name);
            self.forget_uses(&role.attached, |r#use| &mut r#use.roles, &name);
            self.forget_uses(role.boundary.as_slice(), |r#use| &mut r#use.bounded_roles, &name);
        }
        if let Some(role) = new {
            let name = FoldedName::of(&role.name);
            self.note_uses(&role.attached, |r#use| &mut r#use.roles, &name);
            self.note_uses(role.boundary.as_slice(), |r#use| &mut r#use.bounded_roles, &name);
        }
    }

    fn reindex_profile(&mut self, old: Option<&InstanceProfile>, new: Option<&InstanceProfile>) {
        if let Some((profile, role)) = old.and_then(|profile| Some((profile, profile.role?))) {
            drop_from(&mut self.profiles_of_role, &role, &FoldedName::of(profile.name()));
        }
        if let Some((profile, role)) = new.and_then(|profile| Some((profile, profile.role?))) {
            add_to(&mut self.profiles_of_role, role, &FoldedName::of(profile.name()));
        }
    }

    fn note_uses(
        &mut self,
        policies: &[AttachedPolicy],
        side: impl Fn(&mut PolicyUse) -> &mut imbl::OrdSet<FoldedName>,
        name: &FoldedName,
    ) {
        for policy in policies {
            let r#use = self.policy_uses.entry(policy.clone()).or_default();
            side(r#use).insert(name.clone());
        }
    }

    fn forget_uses(
        &mut self,
        policies: &[AttachedPolicy],
        side: impl Fn(&mut PolicyUse) -> &mut imbl::OrdSet<FoldedName>,
        name: &FoldedName,
    ) {
        for policy in policies {
            let Some(r#use) = self.policy_uses.get_mut(policy) else { continue };
            side(r#use).remove(name);
            if r#use.is_empty() {
                self.policy_uses.remove(policy);
            }
        }
    }
}

/// The version in force of a managed policy, for decisions.
fn set_in_force(account: AccountId, policy: &Policy) -> PolicySet {
    let name = arn::policy(account, policy).into();
    let document = policy.version_in_force().map(|version| version.document.compiled().clone());
    document.map(|document| (name, document)).into_iter().collect()
}

type NamesById = imbl::HashMap<UniqueId, imbl::OrdSet<FoldedName>>;

fn add_to(index: &mut NamesById, id: UniqueId, name: &FoldedName) {
    index.entry(id).or_default().insert(name.clone());
}

fn drop_from(index: &mut NamesById, id: &UniqueId, name: &FoldedName) {
    let Some(names) = index.get_mut(id) else { return };
    names.remove(name);
    if names.is_empty() {
        index.remove(id);
    }
}
