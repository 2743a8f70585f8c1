//! What a state holds, in words: to compare with what was acknowledged, and states with each other.

use std::collections::{BTreeMap, BTreeSet};

use iamd_core::account_id::AccountId;
use iamd_core::quota::{ACCESS_KEYS_PER_USER, GROUPS_PER_USER, Quotas, VERSIONS_PER_POLICY};
use iamd_core::state::{Account, KeyOwner, State, User};

use super::client::root_email;
use super::command::ALIASES;

/// Most accounts of a run.
pub(super) const ACCOUNTS_MAX: u64 = 3;

/// The account with this number, from 1 on.
pub(super) fn account(number: u64) -> Option<AccountId> {
    AccountId::from_number(111_111_111_111 * number)
}

/// Things by name, each with what it is like.
pub(super) type Picture = BTreeMap<String, String>;

/// The keys that were revoked: their status is not in pictures, for it may change at any time.
pub(super) type RevokedKeys = BTreeSet<String>;

/// What commands create and change.
pub(super) fn picture(state: &State, revoked: &RevokedKeys) -> Picture {
    let mut picture = of_state(state);
    for (key, value) in &mut picture {
        if key.contains("/keys/") && !revoked.is_empty() {
            *value = without_status(value, revoked);
        }
    }
    picture
}

fn without_status(keys: &str, revoked: &RevokedKeys) -> String {
    let key = |text: &str| match text.split_once(':') {
        Some((id, _)) if revoked.contains(id) => format!("{id}:Revoked"),
        _ => text.to_owned(),
    };
    keys.split(',').map(key).collect::<Vec<_>>().join(",")
}

/// The keys of a picture that was made before this one was revoked.
pub(super) fn forget_status(picture: &mut Picture, revoked: &RevokedKeys) {
    for (key, value) in picture {
        if key.contains("/keys/") {
            *value = without_status(value, revoked);
        }
    }
}

fn of_state(state: &State) -> Picture {
    let mut picture = of_directory(state);
    for account in state.accounts() {
        of_account(account, &mut picture);
    }
    picture
}

fn of_directory(state: &State) -> Picture {
    let mut picture = Picture::new();
    for number in 1..=ACCOUNTS_MAX {
        let email = account(number).map(root_email).unwrap_or_default();
        if let Some(owner) = state.directory().account_of_root_email(&email) {
            picture.insert(format!("email/{email}"), owner.to_string());
        }
    }
    for alias in ALIASES {
        if let Some(owner) = state.directory().account_of_alias(alias) {
            picture.insert(format!("alias/{alias}"), owner.to_string());
        }
    }
    picture
}

fn of_account(account: &Account, picture: &mut Picture) {
    let id = account.id();
    let mut add = |key: String, value: String| picture.insert(format!("{id}/{key}"), value);
    if let Some(settings) = account.settings() {
        add("account".to_owned(), settings.root_email.to_string());
        if let Some(alias) = &settings.alias {
            add("alias".to_owned(), alias.to_string());
        }
    }
    for user in account.users().iter() {
        let name = &user.name;
        add(format!("user/{name}"), format!("{} tags", user.tags.len()));
        let keys = keys_of(account, KeyOwner::User(user.id));
        if !keys.is_empty() {
            add(format!("keys/{name}"), keys);
        }
        for group in user.groups.iter().filter_map(|group| account.groups().with_id(*group)) {
            add(format!("member/{name}/{}", group.name), String::new());
        }
        for policy in &user.attached {
            add(format!("attached-user/{name}/{}", policy.arn().replace('/', "|")), String::new());
        }
        if let Some(own) = user.inline.named("own") {
            add(format!("inline/{name}"), own.document.text().to_owned());
        }
        if let Some(boundary) = &user.boundary {
            add(format!("boundary/{name}"), boundary.arn().to_owned());
        }
    }
    for group in account.groups().iter() {
        add(format!("group/{}", group.name), String::new());
        for policy in &group.attached {
            let key = format!("attached-group/{}/{}", group.name, policy.arn().replace('/', "|"));
            add(key, String::new());
        }
    }
    for role in account.roles().iter() {
        add(format!("role/{}", role.name), String::new());
        for policy in &role.attached {
            let key = format!("attached-role/{}/{}", role.name, policy.arn().replace('/', "|"));
            add(key, String::new());
        }
    }
    for policy in account.policies().iter() {
        let numbers =
            format!("{}/{}/{}", policy.default_version, policy.next_version, policy.versions.len());
        add(format!("policy/{}", policy.name), numbers);
    }
}

fn keys_of(account: &Account, owner: KeyOwner) -> String {
    let keys = account.keys_of(owner).map(|key| format!("{}:{:?}", key.id, key.status));
    let mut keys: Vec<String> = keys.collect();
    keys.sort();
    keys.join(",")
}

/// Everything that a state knows of an account, its indices included.
pub(super) fn portrait(state: &State, id: AccountId) -> Vec<String> {
    if id == AccountId::DIRECTORY {
        // It can only be asked.
        let shared = of_directory(state).into_iter();
        return shared.map(|(key, value)| format!("{key}: {value}")).collect();
    }
    let Some(account) = state.account(id) else { return Vec::new() };
    let mut lines = vec![format!("{:?}", account.settings())];
    for user in account.users().iter() {
        lines.push(format!("{user:?}"));
        lines.push(key_lines(account, KeyOwner::User(user.id)));
    }
    lines.push(key_lines(account, KeyOwner::Root));
    for group in account.groups().iter() {
        lines.push(format!("{group:?} has {:?}", account.members(group.id)));
    }
    for role in account.roles().iter() {
        lines.push(format!("{role:?} in {:?}", account.profiles_of_role(role.id)));
    }
    lines.extend(account.policies().iter().map(|policy| format!("{policy:?}")));
    lines.extend(account.instance_profiles().iter().map(|profile| format!("{profile:?}")));
    let mut uses: Vec<String> = account
        .used_policies()
        .map(|(policy, used)| format!("{policy:?} used by {used:?}"))
        .collect();
    uses.sort();
    lines.extend(uses);
    let revoked = account.revoked_sessions().iter();
    let mut revoked: Vec<String> =
        revoked.map(|(id, expires)| format!("{id} is revoked until {expires}")).collect();
    revoked.sort();
    lines.extend(revoked);
    lines
}

/// Oldest first, as answers show them.
fn key_lines(account: &Account, owner: KeyOwner) -> String {
    let keys = account.keys_of(owner);
    let line = |key: &std::sync::Arc<iamd_core::state::AccessKey>| {
        let secret = iamd_core::state::Entity::AccessKey(iamd_core::state::AccessKey::clone(key));
        format!("{:?}", secret.to_bytes())
    };
    keys.map(line).collect::<Vec<_>>().join(" ")
}

/// What a state has more of than it may.
pub(super) fn excess(state: &State, quotas: &Quotas) -> Option<String> {
    for account in state.accounts() {
        let counts = [
            ("users", account.users().len(), quotas.users),
            ("groups", account.groups().len(), quotas.groups),
            ("roles", account.roles().len(), quotas.roles),
            ("policies", account.policies().len(), quotas.policies),
        ];
        let of_users = account.users().iter().flat_map(|user| user_counts(account, user, quotas));
        let of_groups = account.groups().iter().map(|group| {
            ("policies of a group", group.attached.len(), quotas.attached_policies_per_group)
        });
        let of_roles = account.roles().iter().map(|role| {
            ("policies of a role", role.attached.len(), quotas.attached_policies_per_role)
        });
        let of_policies = account
            .policies()
            .iter()
            .map(|policy| ("versions of a policy", policy.versions.len(), VERSIONS_PER_POLICY));
        let mut all =
            counts.into_iter().chain(of_users).chain(of_groups).chain(of_roles).chain(of_policies);
        if let Some((name, count, most)) = all.find(|(_, count, most)| *count > *most as usize) {
            return Some(format!(
                "account {} has {count} {name}, and may have {most}",
                account.id()
            ));
        }
    }
    None
}

fn user_counts(account: &Account, user: &User, quotas: &Quotas) -> [(&'static str, usize, u32); 3] {
    let keys = account.keys_of(KeyOwner::User(user.id)).count();
    [
        ("keys of a user", keys, ACCESS_KEYS_PER_USER),
        ("groups of a user", user.groups.len(), GROUPS_PER_USER),
        ("policies of a user", user.attached.len(), quotas.attached_policies_per_user),
    ]
}

/// Where accounts and the directory of accounts do not say the same.
pub(super) fn disagreement(state: &State) -> Option<String> {
    let picture = of_directory(state);
    for account in state.accounts() {
        let id = account.id();
        let Some(settings) = account.settings() else {
            return Some(format!("account {id} has no settings"));
        };
        let email = format!("email/{}", settings.root_email);
        if picture.get(&email) != Some(&id.to_string()) {
            return Some(format!("the directory does not know `{email}` of account {id}"));
        }
        if !account.users().iter().any(|user| &*user.name == "admin") {
            return Some(format!("account {id} was founded without its administrator"));
        }
        if let Some(alias) = &settings.alias
            && picture.get(&format!("alias/{alias}")) != Some(&id.to_string())
        {
            return Some(format!(
                "the directory does not know the alias `{alias}` of account {id}"
            ));
        }
    }
    for alias in ALIASES {
        if let Some(owner) = state.directory().account_of_alias(alias) {
            let account = state.account(owner).and_then(|account| account.settings());
            if account.and_then(|settings| settings.alias.as_deref()) != Some(alias) {
                return Some(format!("account {owner} does not know its alias `{alias}`"));
            }
        }
    }
    None
}
