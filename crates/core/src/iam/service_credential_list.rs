//! Lists of service-specific credentials: of one user, or of all. Source: IAM API Reference.

use iamd_wire::ErrorCode;
use iamd_wire::iam::{
    ListServiceSpecificCredentialsRequest, ListServiceSpecificCredentialsResponse,
    ServiceSpecificCredentialMetadata,
};

use super::credential;
use super::resource;
use super::service_credential::{Form, form_of, shown_status};
use crate::draw::Draw;
use crate::marker::PageRequest;
use crate::name::FoldedName;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::state::{AgePlace, KeyOwner, ServiceCredential, User};

/// Lists credentials without their secrets, oldest first; those of all users by user name.
impl Operation for ListServiceSpecificCredentialsRequest {
    const ACTION: &'static str = "iam:ListServiceSpecificCredentials";
    const EFFECT: Effect = Effect::Read;
    type Output = ListServiceSpecificCredentialsResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        if self.all_users == Some(true) {
            // CHOICE: a permission on single users does not list all of them.
            return Ok(resource::list_target::<User>(scene, Self::ACTION));
        }
        credential::targets(scene, Self::ACTION, self.user_name.as_deref())
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let all_users = self.all_users == Some(true);
        if all_users && self.user_name.is_some() {
            // CHOICE: the text is ours; the model's documentation says that the two exclude each other.
            let message = "AllUsers cannot be specified together with UserName";
            return Err(Refusal::new(ErrorCode::InvalidParameterCombination, message));
        }
        if let Some(service) = &self.service_name {
            form_of(service)?;
        }
        let whose = match all_users {
            true => None,
            false => Some(credential::owner(scene, self.user_name.as_deref())?.0),
        };
        let service = self.service_name.as_deref();
        let list = format!("service-credentials:{}:{whose:?}:{service:?}", scene.account.id());
        let request =
            PageRequest { list: &list, marker: self.marker.as_deref(), max_items: self.max_items };
        let page = scene.marker_key.page(request, |behind| {
            let items = credentials(scene, whose, behind.as_deref().and_then(Place::read));
            let of_service = items.filter(move |(_, credential)| {
                service.is_none_or(|service| *credential.service == *service)
            });
            of_service
                .map(|(user, item)| (Place::of(user, item).written(), listed(scene, user, item)))
        })?;
        Ok(Planned::read(ListServiceSpecificCredentialsResponse {
            service_specific_credentials: Some(page.items),
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// Where a credential stands among those of all users: by user name, then by age.
struct Place {
    user: FoldedName,
    age: AgePlace,
}

impl Place {
    fn of(user: &User, credential: &ServiceCredential) -> Place {
        let age = (credential.created.seconds(), credential.id.as_str().into());
        Place { user: FoldedName::of(&user.name), age }
    }

    fn written(&self) -> String {
        format!("{}:{}:{}", self.user.as_str(), self.age.0, self.age.1)
    }

    /// User names have no colons.
    fn read(text: &str) -> Option<Place> {
        let (user, age) = text.split_once(':')?;
        let (created, id) = age.split_once(':')?;
        Some(Place { user: FoldedName::of(user), age: (created.parse().ok()?, id.into()) })
    }
}

/// The credentials of one owner or of all users, behind a place; found by seeking.
fn credentials<'a>(
    scene: &Scene<'a>,
    whose: Option<KeyOwner>,
    behind: Option<Place>,
) -> impl Iterator<Item = (&'a User, &'a ServiceCredential)> {
    let (users, all) = (scene.account.users(), scene.account.service_credentials());
    let (reached, age) = match behind {
        Some(place) => (Some(place.user), Some(place.age)),
        None => (None, None),
    };
    let only = match whose {
        Some(KeyOwner::User(id)) => users.with_id(id),
        Some(KeyOwner::Root) | None => None,
    };
    // The user in whose credentials the last page ended, and those behind him.
    let broken_off = reached.as_ref().filter(|_| whose.is_none());
    let broken_off = broken_off.and_then(|name| users.named(name.as_str()));
    let first = only.or(broken_off);
    let rest = whose.is_none().then(|| users.after(reached.as_ref()).map(|(_, user)| user));
    let of_first = first.into_iter().flat_map(move |user| {
        let items = all.after(KeyOwner::User(user.id), age.as_ref());
        items.map(move |(_, item)| (&**user, &**item)).collect::<Vec<_>>()
    });
    let of_rest = rest
        .into_iter()
        .flatten()
        .flat_map(move |user| all.of(KeyOwner::User(user.id)).map(move |item| (&**user, &**item)));
    of_first.chain(of_rest)
}

fn listed(
    scene: &Scene<'_>,
    user: &User,
    credential: &ServiceCredential,
) -> ServiceSpecificCredentialMetadata {
    let alias = credential.alias.to_string();
    let (name, key) = match form_of(&credential.service) {
        Ok(Form::ApiKey) => (None, Some(alias)),
        Ok(Form::Password) | Err(_) => (Some(alias), None),
    };
    ServiceSpecificCredentialMetadata {
        user_name: user.name.to_string(),
        status: shown_status(credential, scene.now),
        service_user_name: name,
        service_credential_alias: key,
        create_date: credential.created,
        expiration_date: credential.expires,
        service_specific_credential_id: credential.id.to_string(),
        service_name: credential.service.to_string(),
    }
}
