//! Credentials of one kind that belong to users or to root.

use std::ops::Bound;
use std::sync::Arc;

use super::entity::KeyOwner;

/// Where a credential stands in the list of its owner: when it was uploaded, in seconds since 1970,
/// and its id.
pub type AgePlace = (i64, Box<str>);

/// A credential that belongs to a user or to root.
pub trait Belonging {
    /// The id, unique inside its account.
    fn id(&self) -> &str;
    /// Whose it is.
    fn owner(&self) -> KeyOwner;
    /// Where it stands in the list of its owner: oldest first, those of one second by id.
    fn age_place(&self) -> AgePlace;
    /// What no other of its kind in the account may have, as a digest.
    fn content(&self) -> Option<[u8; 32]>;
}

/// Credentials of one kind; copies share what they have in common.
#[derive(Debug)]
pub struct Belongings<T> {
    by_id: imbl::HashMap<Box<str>, Arc<T>>,
    // The rest follows from the above.
    of_owner: imbl::HashMap<KeyOwner, imbl::OrdSet<AgePlace>>,
    contents: imbl::HashMap<[u8; 32], Box<str>>,
}

impl<T> Clone for Belongings<T> {
    fn clone(&self) -> Belongings<T> {
        Belongings {
            by_id: self.by_id.clone(),
            of_owner: self.of_owner.clone(),
            contents: self.contents.clone(),
        }
    }
}

impl<T> Default for Belongings<T> {
    fn default() -> Belongings<T> {
        Belongings {
            by_id: imbl::HashMap::new(),
            of_owner: imbl::HashMap::new(),
            contents: imbl::HashMap::new(),
        }
    }
}

impl<T: Belonging + Clone> Belongings<T> {
    /// The one with this id.
    pub fn with_id(&self, id: &str) -> Option<&Arc<T>> {
        self.by_id.get(id)
    }

    /// All, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.by_id.values()
    }

    /// The one with this content, where the kind has contents that are unique.
    pub fn with_content(&self, content: &[u8; 32]) -> Option<&Arc<T>> {
        self.by_id.get(self.contents.get(content)?)
    }

    /// Those of a user or of root, oldest first.
    pub fn of(&self, owner: KeyOwner) -> impl Iterator<Item = &Arc<T>> {
        self.after(owner, None).map(|(_, item)| item)
    }

    /// Those of a user or of root behind this place, oldest first; found by seeking.
    pub fn after<'a>(
        &'a self,
        owner: KeyOwner,
        place: Option<&AgePlace>,
    ) -> impl Iterator<Item = (&'a AgePlace, &'a Arc<T>)> + use<'a, T> {
        let from = place.map_or(Bound::Unbounded, |place| Bound::Excluded(place.clone()));
        let places = self.of_owner.get(&owner).into_iter();
        places
            .flat_map(move |places| places.range((from.clone(), Bound::Unbounded)))
            .filter_map(|place| Some((place, self.by_id.get(&place.1)?)))
    }

    /// Whether a user or root has any.
    pub fn has_any(&self, owner: KeyOwner) -> bool {
        self.of_owner.contains_key(&owner)
    }

    /// How many entries each index has: ids, places, contents.
    #[cfg(test)]
    pub(crate) fn index_sizes(&self) -> [usize; 3] {
        let places = self.of_owner.values().map(imbl::OrdSet::len).sum();
        [self.by_id.len(), places, self.contents.len()]
    }

    pub(super) fn put(&mut self, item: &T) {
        self.remove(item.id());
        self.of_owner.entry(item.owner()).or_default().insert(item.age_place());
        if let Some(content) = item.content() {
            self.contents.insert(content, item.id().into());
        }
        self.by_id.insert(item.id().into(), Arc::new(item.clone()));
    }

    pub(super) fn remove(&mut self, id: &str) {
        let Some(old) = self.by_id.remove(id) else { return };
        if let Some(content) = old.content() {
            self.contents.remove(&content);
        }
        let Some(places) = self.of_owner.get_mut(&old.owner()) else { return };
        places.remove(&old.age_place());
        if places.is_empty() {
            self.of_owner.remove(&old.owner());
        }
    }
}
