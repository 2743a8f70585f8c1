//! What the credentials of users that are keys or certificates have in common.

use iamd_wire::ErrorCode;
use iamd_wire::iam::StatusType;

use super::resource;
use super::user::{ROOT_NAME, Subject, subject};
use crate::arn;
use crate::marker::{Page, PageRequest};
use crate::operation::{Scene, Target};
use crate::refusal::Refusal;
use crate::state::{AccessKeyStatus, AgePlace, Belonging, Belongings, KeyOwner, User};

/// The targets of a request whose user name may be left out.
///
/// # Errors
/// `ValidationError` when the caller is neither a user nor root and names nobody.
pub(super) fn targets(
    scene: &Scene<'_>,
    action: &'static str,
    user_name: Option<&str>,
) -> Result<Vec<Target>, Refusal> {
    Ok(vec![match subject(scene, user_name)? {
        // Root's own; nobody else can leave the name out and mean root.
        Subject::Root => Target::new(action, arn::root(scene.account.id())),
        Subject::User(name) => resource::target::<User>(scene, action, &name),
    }])
}

/// Whose credentials a request is about, and the name that answers show.
///
/// # Errors
/// `NoSuchEntity` for a user who does not exist.
pub(super) fn owner(
    scene: &Scene<'_>,
    user_name: Option<&str>,
) -> Result<(KeyOwner, String), Refusal> {
    match subject(scene, user_name)? {
        Subject::Root => Ok((KeyOwner::Root, ROOT_NAME.to_owned())),
        Subject::User(name) => {
            let user = resource::find::<User>(scene.account, &name)?;
            Ok((KeyOwner::User(user.id), user.name.to_string()))
        }
    }
}

/// A list of the credentials of one owner.
pub(super) struct ListOf<'a> {
    /// Which list it is, for its markers.
    pub(super) kind: &'static str,
    pub(super) owner: KeyOwner,
    pub(super) marker: Option<&'a str>,
    pub(super) max_items: Option<i32>,
}

impl ListOf<'_> {
    /// A page, oldest first.
    ///
    /// # Errors
    /// `Invalid Marker.`
    pub(super) fn page<T: Belonging + Clone, S>(
        &self,
        scene: &Scene<'_>,
        all: &Belongings<T>,
        show: impl Fn(&T) -> S,
    ) -> Result<Page<S>, Refusal> {
        let list = format!("{}:{}:{:?}", self.kind, scene.account.id(), self.owner);
        let request = PageRequest { list: &list, marker: self.marker, max_items: self.max_items };
        scene.marker_key.page(request, |behind| {
            let behind = behind.as_deref().and_then(read_place);
            let items = all.after(self.owner, behind.as_ref());
            items.map(|((uploaded, id), item)| (format!("{uploaded}:{id}"), show(item)))
        })
    }
}

fn read_place(place: &str) -> Option<AgePlace> {
    let (uploaded, id) = place.split_once(':')?;
    Some((uploaded.parse().ok()?, id.into()))
}

/// The status that a request sets.
///
/// # Errors
/// `ValidationError` for `Expired`: only service-specific credentials expire.
pub(super) fn status(status: &StatusType) -> Result<AccessKeyStatus, Refusal> {
    match status {
        StatusType::Active => Ok(AccessKeyStatus::Active),
        StatusType::Inactive => Ok(AccessKeyStatus::Inactive),
        StatusType::Expired => Err(Refusal::new(
            ErrorCode::ValidationError,
            "1 validation error detected: Value at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]",
        )),
    }
}

/// A status as answers show it.
pub(super) fn shown_status(status: AccessKeyStatus) -> StatusType {
    match status {
        AccessKeyStatus::Active => StatusType::Active,
        AccessKeyStatus::Inactive => StatusType::Inactive,
    }
}
