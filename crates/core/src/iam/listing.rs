//! Lists of resources that are written from the state itself: nothing of an item is copied before it
//! becomes a part of the answer.

use std::marker::PhantomData;
use std::sync::Arc;

use iamd_wire::Timestamp;
use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

use super::resource::{self, ListRequest, Resource};
use crate::arn;
use crate::marker::PageRequest;
use crate::name::FoldedName;
use crate::operation::Scene;
use crate::refusal::Refusal;
use crate::state::{Account, Group, User};

/// A resource whose lists show only what every resource has: users and groups.
pub(super) trait Listed: Resource {
    /// The member of the answer that holds the list.
    const MEMBER: &'static str;
    /// The members of an item with its name and its unique id.
    const NAME_AND_ID: [&'static str; 2];

    /// When it was created.
    fn created(&self) -> Timestamp;
}

impl Listed for User {
    const MEMBER: &'static str = "Users";
    const NAME_AND_ID: [&'static str; 2] = ["UserName", "UserId"];

    fn created(&self) -> Timestamp {
        self.created
    }
}

impl Listed for Group {
    const MEMBER: &'static str = "Groups";
    const NAME_AND_ID: [&'static str; 2] = ["GroupName", "GroupId"];

    fn created(&self) -> Timestamp {
        self.created
    }
}

/// The answer with a page of the resources of a kind, sorted by name.
#[derive(Debug)]
pub struct Listing<R> {
    account: Arc<Account>,
    path_prefix: Box<str>,
    /// The page begins behind this name.
    behind: Option<FoldedName>,
    /// How many are on it.
    count: usize,
    /// Where the next page starts; present exactly if more follow.
    marker: Option<String>,
    kind: PhantomData<R>,
}

/// The page that a request asks for, of resources below its path prefix.
///
/// # Errors
/// `Invalid Marker.`
pub(super) fn listing<R: Listed>(
    scene: &Scene<'_>,
    request: ListRequest<'_>,
) -> Result<Listing<R>, Refusal> {
    let prefix = request.path_prefix.unwrap_or("/");
    let mut start = None;
    let list = resource::list_name::<R>(scene, prefix);
    let page = PageRequest { list: &list, marker: request.marker, max_items: request.max_items };
    let page = scene.marker_key.page(page, |behind| {
        start = behind.map(|place| FoldedName::of(&place));
        found::<R>(scene.account, start.as_ref(), prefix).map(|(name, _)| (name, ()))
    })?;
    Ok(Listing {
        account: Arc::clone(scene.account),
        path_prefix: prefix.into(),
        behind: start,
        count: page.items.len(),
        marker: page.marker,
        kind: PhantomData,
    })
}

/// The resources behind a name, below a path prefix.
fn found<'a, R: Resource + 'a>(
    account: &'a Account,
    behind: Option<&FoldedName>,
    prefix: &'a str,
) -> impl Iterator<Item = (&'a FoldedName, &'a R)> + use<'a, R> {
    let resources = R::all(account).after(behind).map(|(name, resource)| (name, &**resource));
    resources.filter(move |(_, resource)| resource.path().starts_with(prefix))
}

impl<R: Listed> Serialize for Listing<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut answer = serializer.serialize_struct("Listing", 3)?;
        answer.serialize_field(R::MEMBER, &Items(self))?;
        answer.serialize_field("IsTruncated", &self.marker.is_some())?;
        if let Some(marker) = &self.marker {
            answer.serialize_field("Marker", marker)?;
        }
        answer.end()
    }
}

/// The items of a list.
struct Items<'a, R>(&'a Listing<R>);

impl<R: Listed> Serialize for Items<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Listing { account, path_prefix, behind, count, .. } = self.0;
        let start = arn::iam(account.id(), R::TYPE, "", "");
        let mut items = serializer.serialize_seq(Some(*count))?;
        for (_, resource) in found::<R>(account, behind.as_ref(), path_prefix).take(*count) {
            items.serialize_element(&Item { resource, start: &start })?;
        }
        items.end()
    }
}

/// One item, as lists show it: without tags and boundary.
struct Item<'a, R> {
    resource: &'a R,
    /// What all ARNs of the list begin with.
    start: &'a str,
}

impl<R: Listed> Serialize for Item<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Item { resource, start } = *self;
        let (path, name) = (resource.path(), resource.name());
        let [name_member, id_member] = R::NAME_AND_ID;
        let mut arn = String::with_capacity(start.len() + path.len() + name.len());
        arn.push_str(start);
        arn.push_str(path);
        arn.push_str(name);
        let mut item = serializer.serialize_struct("Item", 5)?;
        item.serialize_field("Path", path)?;
        item.serialize_field(name_member, name)?;
        item.serialize_field(id_member, resource.id().as_str())?;
        item.serialize_field("Arn", &arn)?;
        item.serialize_field("CreateDate", &resource.created())?;
        item.end()
    }
}

#[cfg(test)]
mod tests {
    use iamd_wire::iam::{ListGroupsResponse, ListUsersResponse};
    use iamd_wire::{Service, xml};

    use super::super::{group, user};
    use super::*;
    use crate::test_support::World;

    fn rendered<T: Serialize>(operation: &str, output: &T) -> String {
        let operation = Service::Iam.operation(operation).unwrap();
        xml::response(operation, output, "request").unwrap()
    }

    #[test]
    fn a_page_is_what_the_types_of_the_service_would_be() {
        let world = World::with(&[
            "CreateUser&UserName=ana&Path=/a%26b/c/",
            "CreateUser&UserName=Bob,%2B%3D@x",
            "CreateUser&UserName=carl&Path=/a%26b/",
            "CreateGroup&GroupName=Team&Path=/a%26b/",
            "CreateGroup&GroupName=others",
        ]);
        let root = world.root();
        let scene = world.scene(&root);
        let account = scene.account;
        for (path_prefix, max_items) in
            [(None, None), (None, Some(1)), (None, Some(2)), (Some("/a&b/"), Some(1))]
        {
            let mut marker = None;
            loop {
                let request = ListRequest { path_prefix, marker: marker.as_deref(), max_items };
                let page = resource::list(&scene, request, |it| user::listed(account, it)).unwrap();
                let users = ListUsersResponse {
                    users: page.items,
                    is_truncated: Some(page.is_truncated),
                    marker: page.marker.clone(),
                };
                let listing = listing::<User>(&scene, request).unwrap();
                assert_eq!(rendered("ListUsers", &listing), rendered("ListUsers", &users));
                marker = page.marker;
                if marker.is_none() {
                    break;
                }
            }
            let request = ListRequest { path_prefix, marker: None, max_items };
            let page = resource::list(&scene, request, |it| group::shown(account, it)).unwrap();
            let groups = ListGroupsResponse {
                groups: page.items,
                is_truncated: Some(page.is_truncated),
                marker: page.marker,
            };
            let listing = listing::<Group>(&scene, request).unwrap();
            assert_eq!(rendered("ListGroups", &listing), rendered("ListGroups", &groups));
        }
        assert!(
            listing::<User>(
                &scene,
                ListRequest { path_prefix: None, marker: Some("forged"), max_items: None }
            )
            .is_err()
        );
    }
}
