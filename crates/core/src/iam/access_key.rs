//! Access keys of users and of root. Source: IAM API Reference; IAM User Guide, "Manage access keys".

use iamd_wire::iam::{
    AccessKey as WireAccessKey, AccessKeyLastUsed, AccessKeyMetadata, CreateAccessKeyRequest,
    CreateAccessKeyResponse, DeleteAccessKeyRequest, GetAccessKeyLastUsedRequest,
    GetAccessKeyLastUsedResponse, ListAccessKeysRequest, ListAccessKeysResponse, StatusType,
    UpdateAccessKeyRequest,
};
use iamd_wire::{NoOutput, Timestamp};

use super::resource;
use super::user::{ROOT_NAME, Subject, subject};
use crate::arn;
use crate::caller::Identity;
use crate::draw::Draw;
use crate::marker::PageRequest;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::quota;
use crate::refusal::Refusal;
use crate::state::{AccessKey, AccessKeyStatus, Change, Entity, EntityKey, KeyOwner, User};
use crate::text;
use crate::unique_id::{AccessKeyId, IdPrefix};

/// Creates an access key; the only answer that ever shows its secret.
impl Operation for CreateAccessKeyRequest {
    const ACTION: &'static str = "iam:CreateAccessKey";
    const EFFECT: Effect = Effect::Write;
    type Output = CreateAccessKeyResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        targets(scene, Self::ACTION, self.user_name.as_deref())
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let (owner, user_name) = owner(scene, self.user_name.as_deref())?;
        if scene.account.keys_of(owner).count() >= quota::ACCESS_KEYS_PER_USER as usize {
            return Err(text::quota_exceeded("AccessKeysPerUser", quota::ACCESS_KEYS_PER_USER));
        }
        let key = AccessKey {
            id: fresh_id(scene, draw),
            owner,
            secret: draw.secret_access_key(),
            status: AccessKeyStatus::Active,
            created: draw.now(),
            rank: rank(scene, owner, draw.now()),
        };
        let output = CreateAccessKeyResponse {
            access_key: WireAccessKey {
                user_name,
                access_key_id: key.id.to_string(),
                status: StatusType::Active,
                secret_access_key: key.secret.clone(),
                create_date: Some(key.created),
            },
        };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::AccessKey(key))], output))
    }
}

/// Lists access keys, oldest first, without their secrets.
impl Operation for ListAccessKeysRequest {
    const ACTION: &'static str = "iam:ListAccessKeys";
    const EFFECT: Effect = Effect::Read;
    type Output = ListAccessKeysResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        named_targets(scene, Self::ACTION, self.user_name.as_deref())
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let (owner, user_name) = owner(scene, self.user_name.as_deref())?;
        let list = format!("keys:{}:{owner:?}", scene.account.id());
        let request =
            PageRequest { list: &list, marker: self.marker.as_deref(), max_items: self.max_items };
        let page = scene.marker_key.page(request, |behind| {
            let behind = behind.as_deref().and_then(read_place);
            let keys = scene.account.keys_of(owner);
            let rest = keys.filter(move |key| {
                let after = |(time, rank, id): &(i64, u8, String)| {
                    key.age_order() > (*time, *rank, id.as_str())
                };
                behind.as_ref().is_none_or(after)
            });
            rest.map(|key| (place(key), listed(key, &user_name)))
        })?;
        Ok(Planned::read(ListAccessKeysResponse {
            access_key_metadata: page.items,
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// Activates or deactivates an access key.
impl Operation for UpdateAccessKeyRequest {
    const ACTION: &'static str = "iam:UpdateAccessKey";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        named_targets(scene, Self::ACTION, self.user_name.as_deref())
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let key = find(scene, self.user_name.as_deref(), &self.access_key_id)?;
        let status = match self.status {
            StatusType::Active => AccessKeyStatus::Active,
            StatusType::Inactive => AccessKeyStatus::Inactive,
            // Only service-specific credentials expire.
            StatusType::Expired => return Err(not_a_key_status()),
        };
        let key = AccessKey { status, ..key.clone() };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::AccessKey(key))], NoOutput))
    }
}

/// Deletes an access key; it is refused from then on.
impl Operation for DeleteAccessKeyRequest {
    const ACTION: &'static str = "iam:DeleteAccessKey";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        targets(scene, Self::ACTION, self.user_name.as_deref())
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let key = find(scene, self.user_name.as_deref(), &self.access_key_id)?;
        let changes = vec![Change::Remove(EntityKey::AccessKey(key.id.clone()))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// Tells when and for what a key was last used.
impl Operation for GetAccessKeyLastUsedRequest {
    const ACTION: &'static str = "iam:GetAccessKeyLastUsed";
    const EFFECT: Effect = Effect::Read;
    type Output = GetAccessKeyLastUsedResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let key = known_key(scene, &self.access_key_id)?;
        Ok(vec![match owner_of(scene, key) {
            Some(user) => resource::target_of(scene, Self::ACTION, user),
            None => Target::new(Self::ACTION, arn::root(scene.account.id())),
        }])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let key = known_key(scene, &self.access_key_id)?;
        let last_use = scene.facts.access_key_last_use(&key.id);
        let or_never = |word: Option<&str>| word.unwrap_or("N/A").to_owned();
        Ok(Planned::read(GetAccessKeyLastUsedResponse {
            user_name: Some(name_of(scene, key)),
            access_key_last_used: Some(AccessKeyLastUsed {
                last_used_date: last_use.as_ref().map(|last| last.time),
                service_name: or_never(last_use.as_ref().map(|last| &*last.service)),
                region: or_never(last_use.as_ref().map(|last| &*last.region)),
            }),
        }))
    }
}

/// The key of this id in the caller's account.
///
/// # Errors
/// The access that AWS refuses on a key that does not exist, or is another account's.
fn known_key<'a>(scene: &Scene<'a>, id: &str) -> Result<&'a AccessKey, Refusal> {
    let key = id.parse().ok().and_then(|id: AccessKeyId| scene.account.access_key(&id));
    key.map(|key| &**key).ok_or_else(|| text::access_key_not_authorized(&scene.caller.arn(), id))
}

/// A place in a list of keys: when the key was made, its rank, and its id.
fn place(key: &AccessKey) -> String {
    let (created, rank, id) = key.age_order();
    format!("{created}:{rank}:{id}")
}

fn read_place(place: &str) -> Option<(i64, u8, String)> {
    let (created, rest) = place.split_once(':')?;
    let (rank, id) = rest.split_once(':')?;
    Some((created.parse().ok()?, rank.parse().ok()?, id.to_owned()))
}

/// The rank of a new key: behind all of its owner that were created in this second.
fn rank(scene: &Scene<'_>, owner: KeyOwner, now: Timestamp) -> Option<u8> {
    let of_now = scene.account.keys_of(owner).filter(|key| key.created == now);
    let last = of_now.map(|key| key.rank.unwrap_or_default()).max()?;
    Some(last.saturating_add(1))
}

/// An id that no key has.
fn fresh_id(scene: &Scene<'_>, draw: &mut Draw) -> AccessKeyId {
    loop {
        let id = AccessKeyId::draw(IdPrefix::LongTermKey, scene.account.id(), draw);
        if scene.state.access_key(&id).is_none() {
            return id;
        }
    }
}

/// The targets of listing and updating keys: a user's temporary key names no user by itself.
///
/// Source: IAM API Reference, ListAccessKeys and UpdateAccessKey, `UserName`: "If a temporary
/// access key is used, then UserName is required."
fn named_targets(
    scene: &Scene<'_>,
    action: &'static str,
    user_name: Option<&str>,
) -> Result<Vec<Target>, Refusal> {
    // CHOICE: root has no user name to give, so that his sessions may leave it out.
    let is_user = matches!(scene.caller.identity, Identity::User(_));
    if user_name.is_none() && is_user && scene.caller.session().is_some() {
        return Err(text::user_name_required());
    }
    targets(scene, action, user_name)
}

fn targets(
    scene: &Scene<'_>,
    action: &'static str,
    user_name: Option<&str>,
) -> Result<Vec<Target>, Refusal> {
    Ok(vec![match subject(scene, user_name)? {
        // Root's own keys; nobody else can leave the name out and mean root.
        Subject::Root => Target::new(action, arn::root(scene.account.id())),
        Subject::User(name) => resource::target::<User>(scene, action, &name),
    }])
}

/// Whose keys a request is about, and the name that answers show.
fn owner(scene: &Scene<'_>, user_name: Option<&str>) -> Result<(KeyOwner, String), Refusal> {
    match subject(scene, user_name)? {
        Subject::Root => Ok((KeyOwner::Root, ROOT_NAME.to_owned())),
        Subject::User(name) => {
            let user = resource::find::<User>(scene.account, &name)?;
            Ok((KeyOwner::User(user.id), user.name.to_string()))
        }
    }
}

fn find<'a>(
    scene: &Scene<'a>,
    user_name: Option<&str>,
    id: &str,
) -> Result<&'a AccessKey, Refusal> {
    let (owner, _) = owner(scene, user_name)?;
    let key = id.parse().ok().and_then(|id: AccessKeyId| scene.account.access_key(&id));
    // A key of somebody else is not found, so that a permission on one user reaches no other.
    key.map(|key| &**key)
        .filter(|key| key.owner == owner)
        .ok_or_else(|| text::no_such_access_key(id))
}

fn owner_of<'a>(scene: &Scene<'a>, key: &AccessKey) -> Option<&'a User> {
    match key.owner {
        KeyOwner::Root => None,
        KeyOwner::User(id) => scene.account.users().with_id(id).map(|user| &**user),
    }
}

fn name_of(scene: &Scene<'_>, key: &AccessKey) -> String {
    owner_of(scene, key).map_or_else(|| ROOT_NAME.to_owned(), |user| user.name.to_string())
}

fn listed(key: &AccessKey, user_name: &str) -> AccessKeyMetadata {
    AccessKeyMetadata {
        user_name: Some(user_name.to_owned()),
        access_key_id: Some(key.id.to_string()),
        status: Some(match key.status {
            AccessKeyStatus::Active => StatusType::Active,
            AccessKeyStatus::Inactive => StatusType::Inactive,
        }),
        create_date: Some(key.created),
    }
}

fn not_a_key_status() -> Refusal {
    Refusal::new(
        iamd_wire::ErrorCode::ValidationError,
        "1 validation error detected: Value at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]",
    )
}
