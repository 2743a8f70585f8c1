//! The beginning of an account. An operator's command: no API of AWS does this.

use iamd_wire::{ErrorCode, Secret, Timestamp};

use crate::account_id::{ACCOUNT_NUMBER_MAX, AccountId};
use crate::draw::Draw;
use crate::refusal::Refusal;
use crate::state::{
    AccessKey, AccessKeyStatus, AccountChanges, AccountSettings, AttachedPolicy, Change, Entity,
    InlinePolicies, KeyOwner, RootEmail, State, User,
};
use crate::unique_id::{AccessKeyId, IdPrefix, UniqueId};

/// The managed policy of an administrator.
const ADMINISTRATOR_ACCESS: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
/// Longest root e-mail address. RFC 5321, section 4.5.3.1.
const EMAIL_LENGTH_MAX: usize = 254;

/// What an operator says of a new account.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The number; drawn if absent.
    pub id: Option<AccountId>,
    /// The address by which root signs in.
    pub root_email: String,
    /// Root's password, hashed.
    pub root_password_hash: String,
    /// The first access key, if one is wanted.
    pub first_key: Option<FirstKey>,
}

/// The first access key of an account.
#[derive(Debug, Clone)]
pub struct FirstKey {
    /// Whose it is.
    pub owner: FirstKeyOwner,
    /// Key id and secret, if they are to be predictable; drawn otherwise.
    pub predictable: Option<(AccessKeyId, Secret)>,
}

/// Whose key the first one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstKeyOwner {
    /// Root's.
    Root,
    /// A new user's of this name, who gets AdministratorAccess.
    Administrator(String),
}

/// An account that is about to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Founded {
    /// Its number.
    pub account: AccountId,
    /// The first access key.
    pub first_key: Option<AccessKey>,
    /// What to commit.
    pub changes: Vec<AccountChanges>,
}

/// Plans a new account.
///
/// # Errors
/// A refusal when number, e-mail address or key id are taken, or are not what they should be.
pub fn found(state: &State, new: &NewAccount, draw: &mut Draw) -> Result<Founded, Refusal> {
    let account = free_account_id(state, new.id, draw)?;
    let email = checked_email(state, &new.root_email)?;
    let settings = AccountSettings {
        account,
        root_email: new.root_email.as_str().into(),
        root_password_hash: Some(new.root_password_hash.as_str().into()),
        created: created(state, draw.now()),
        alias: None,
        root_sessions_not_before: None,
        closed: None,
        sessions_not_before: None,
    };
    let mut own = vec![Change::Put(Entity::Settings(settings))];
    let first_key = match &new.first_key {
        Some(first) => Some(first_key(state, account, first, &mut own, draw)?),
        None => None,
    };
    let directory = vec![Change::Put(Entity::RootEmail(RootEmail { email, account }))];
    let changes = vec![
        AccountChanges { account, changes: own },
        AccountChanges { account: AccountId::DIRECTORY, changes: directory },
    ];
    Ok(Founded { account, first_key, changes })
}

/// When the new account was created, in whole seconds.
// CHOICE: later than every account before it, so that their order is known: the oldest account is
// the one that `iamd dev` tells of.
fn created(state: &State, now: Timestamp) -> Timestamp {
    let settings = state.accounts().filter_map(|account| account.settings());
    match settings.map(|settings| settings.created.seconds()).max() {
        Some(newest) if newest >= now.seconds() => Timestamp::from_seconds(newest + 1),
        Some(_) | None => now,
    }
}

/// The number of a new account: the wanted one if it is free, else one that is drawn.
///
/// # Errors
/// A refusal when the wanted number is taken.
pub fn free_account_id(
    state: &State,
    wanted: Option<AccountId>,
    draw: &mut Draw,
) -> Result<AccountId, Refusal> {
    if let Some(id) = wanted {
        return match state.account(id) {
            None => Ok(id),
            Some(_) => Err(taken(format!("the account {id} already exists"))),
        };
    }
    // Twelve digits that do not begin with a zero, as people expect of an account number.
    let least = (ACCOUNT_NUMBER_MAX + 1) / 10;
    for _ in 0..1_000 {
        let number = least + (draw.random() % u128::from(ACCOUNT_NUMBER_MAX + 1 - least)) as u64;
        match AccountId::from_number(number) {
            Some(id) if state.account(id).is_none() => return Ok(id),
            Some(_) | None => {}
        }
    }
    Err(taken("no free account number was found".to_owned()))
}

fn checked_email(state: &State, email: &str) -> Result<Box<str>, Refusal> {
    let looks_right = email.len() <= EMAIL_LENGTH_MAX
        && !email.chars().any(|character| character.is_whitespace() || character.is_control())
        && email.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        });
    if !looks_right {
        return Err(Refusal::new(
            ErrorCode::InvalidInput,
            format!("`{email}` is not an e-mail address"),
        ));
    }
    if state.directory().account_of_root_email(email).is_some() {
        return Err(taken(format!("the root e-mail address `{email}` belongs to another account")));
    }
    Ok(email.to_lowercase().into())
}

fn first_key(
    state: &State,
    account: AccountId,
    first: &FirstKey,
    changes: &mut Vec<Change>,
    draw: &mut Draw,
) -> Result<AccessKey, Refusal> {
    let owner = match &first.owner {
        FirstKeyOwner::Root => KeyOwner::Root,
        FirstKeyOwner::Administrator(name) => {
            let user = administrator(account, name, draw)?;
            let owner = KeyOwner::User(user.id);
            changes.push(Change::Put(Entity::User(user)));
            owner
        }
    };
    let (id, secret) = match &first.predictable {
        Some((id, _)) if state.access_key(id).is_some() => {
            return Err(taken(format!("the access key id {id} already exists")));
        }
        Some((id, _)) if id.as_str().starts_with(IdPrefix::TemporaryKey.as_str()) => {
            return Err(Refusal::new(
                ErrorCode::InvalidInput,
                "an access key id that begins with ASIA is for temporary credentials",
            ));
        }
        Some((id, _)) if id.as_str().starts_with(IdPrefix::OperatorKey.as_str()) => {
            return Err(Refusal::new(
                ErrorCode::InvalidInput,
                "an access key id that begins with OPER is for credentials of operators",
            ));
        }
        Some((id, secret)) => (id.clone(), secret.clone()),
        None => (AccessKeyId::draw(IdPrefix::LongTermKey, account, draw), draw.secret_access_key()),
    };
    let created = draw.now();
    let key = AccessKey { id, owner, secret, status: AccessKeyStatus::Active, created, rank: None };
    changes.push(Change::Put(Entity::AccessKey(key.clone())));
    Ok(key)
}

fn administrator(account: AccountId, name: &str, draw: &mut Draw) -> Result<User, Refusal> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(legal) {
        return Err(Refusal::new(
            ErrorCode::InvalidInput,
            format!("`{name}` is not a user name: 1 to 64 letters, digits or any of _+=,.@-"),
        ));
    }
    Ok(User {
        id: UniqueId::draw(IdPrefix::User, account, draw),
        name: name.into(),
        path: "/".into(),
        created: draw.now(),
        tags: Vec::new(),
        boundary: None,
        inline: InlinePolicies::default(),
        attached: vec![AttachedPolicy::of(ADMINISTRATOR_ACCESS)],
        groups: Vec::new(),
        sessions_not_before: None,
    })
}

fn taken(message: String) -> Refusal {
    Refusal::new(ErrorCode::EntityAlreadyExists, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{ACCOUNT, NOW, World};

    fn new_account() -> NewAccount {
        NewAccount {
            id: None,
            root_email: "Ana@Example.com".to_owned(),
            root_password_hash: "hash".to_owned(),
            first_key: None,
        }
    }

    fn refusal(state: &State, new: &NewAccount) -> String {
        found(state, new, &mut Draw::new(NOW, [9; 32])).unwrap_err().to_string()
    }

    #[test]
    fn an_account_begins_with_root_and_an_administrator() {
        let mut world = World::new();
        let owner = FirstKeyOwner::Administrator("admin".to_owned());
        let new =
            NewAccount { first_key: Some(FirstKey { owner, predictable: None }), ..new_account() };
        let founded = found(&world.state, &new, &mut Draw::new(NOW, [9; 32])).unwrap();
        world.commit(&founded.changes);
        let number = founded.account.to_string();
        assert!(number.len() == 12 && !number.starts_with('0'));
        let key = founded.first_key.unwrap();
        assert_eq!(key.id.account(), Some(founded.account));
        let admin = world.user_of(&number, "admin");
        world.ok(&admin, "CreateUser&UserName=bob");
        let directory = world.state.directory();
        assert_eq!(directory.account_of_root_email("ana@EXAMPLE.com"), Some(founded.account));
        let again = refusal(
            &world.state,
            &NewAccount { root_email: "ANA@example.COM".to_owned(), ..new_account() },
        );
        assert!(again.starts_with("EntityAlreadyExists: "), "{again}");
    }

    #[test]
    fn accounts_of_one_second_keep_their_order() {
        let mut world = World::new();
        let mut last = i64::MIN;
        for number in 0..5 {
            let root_email = format!("root{number}@example.com");
            let new = NewAccount { root_email, ..new_account() };
            let founded = found(&world.state, &new, &mut Draw::new(NOW, [number; 32])).unwrap();
            world.commit(&founded.changes);
            let account = world.state.account(founded.account).unwrap();
            let created = account.settings().unwrap().created.seconds();
            assert!(created > last && created >= NOW.seconds());
            last = created;
        }
    }

    #[test]
    fn a_predictable_key_is_found_though_its_id_carries_no_account() {
        let mut world = World::new();
        let id: AccessKeyId = "AKIAIOSFODNN7EXAMPLE".parse().unwrap();
        let first_key = |id: &str| FirstKey {
            owner: FirstKeyOwner::Root,
            predictable: Some((id.parse().unwrap(), Secret::from("secret".to_owned()))),
        };
        let new = NewAccount { first_key: Some(first_key(id.as_str())), ..new_account() };
        let founded = found(&world.state, &new, &mut Draw::new(NOW, [9; 32])).unwrap();
        world.commit(&founded.changes);
        let (account, key) = world.state.access_key(&id).unwrap();
        assert_eq!((account.id(), key.owner), (founded.account, KeyOwner::Root));
        let other = NewAccount { root_email: "b@example.com".to_owned(), ..new };
        assert!(refusal(&world.state, &other).starts_with("EntityAlreadyExists: "));
        let temporary = NewAccount { first_key: Some(first_key("ASIAIOSFODNN7EXAMPLE")), ..other };
        assert!(refusal(&world.state, &temporary).starts_with("InvalidInput: "));
    }

    #[test]
    fn what_is_taken_or_wrong_is_refused() {
        let world = World::new();
        let taken = NewAccount { id: Some(ACCOUNT.parse().unwrap()), ..new_account() };
        assert!(refusal(&world.state, &taken).starts_with("EntityAlreadyExists: "));
        for email in
            ["", "ana", "@example.com", "ana@", "a@b@c", "a b@example.com", &"a".repeat(300)]
        {
            let wrong = NewAccount { root_email: email.to_owned(), ..new_account() };
            assert!(refusal(&world.state, &wrong).starts_with("InvalidInput: "), "{email}");
        }
        for name in ["", "a/b", "ä", &"a".repeat(65)] {
            let owner = FirstKeyOwner::Administrator(name.to_owned());
            let first_key = Some(FirstKey { owner, predictable: None });
            let wrong = NewAccount { first_key, ..new_account() };
            assert!(refusal(&world.state, &wrong).starts_with("InvalidInput: "), "{name}");
        }
    }
}
