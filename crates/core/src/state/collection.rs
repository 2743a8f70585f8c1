//! Entities of one kind, by name and by unique id.

use std::ops::Bound;
use std::sync::Arc;

use super::account::full;
use super::certificate::ServerCertificate;
use super::entity::{Group, InstanceProfile, Policy, Role, User};
use crate::name::FoldedName;
use crate::unique_id::UniqueId;

/// An entity with a name, unique without regard to letter case, and an id that outlives the name.
pub trait Named {
    /// The unique id.
    fn id(&self) -> UniqueId;
    /// The name, in the letter case it was given.
    fn name(&self) -> &str;
    /// The path, `/` or `/.../`.
    fn path(&self) -> &str;
}

macro_rules! named {
    ($($entity:ty),*) => {$(
        impl Named for $entity {
            fn id(&self) -> UniqueId {
                self.id
            }
            fn name(&self) -> &str {
                &self.name
            }
            fn path(&self) -> &str {
                &self.path
            }
        }
    )*};
}

named!(User, Group, Role, Policy, InstanceProfile, ServerCertificate);

/// Entities of one kind; copies share what they have in common.
#[derive(Debug)]
pub struct Collection<T> {
    by_name: imbl::OrdMap<FoldedName, Arc<T>>,
    /// Sorted, because a hash map of very many takes several times the memory.
    by_id: imbl::OrdMap<UniqueId, Arc<T>>,
}

impl<T> Clone for Collection<T> {
    fn clone(&self) -> Collection<T> {
        Collection { by_name: self.by_name.clone(), by_id: self.by_id.clone() }
    }
}

impl<T> Default for Collection<T> {
    fn default() -> Collection<T> {
        Collection { by_name: imbl::OrdMap::new(), by_id: imbl::OrdMap::new() }
    }
}

impl<T: Named> Collection<T> {
    /// The entity of this name, whatever its letter case.
    pub fn named(&self, name: &str) -> Option<&Arc<T>> {
        self.by_name.get(&FoldedName::of(name))
    }

    /// The entity of this unique id.
    pub fn with_id(&self, id: UniqueId) -> Option<&Arc<T>> {
        self.by_id.get(&id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// All, sorted by folded name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.by_name.values()
    }

    /// Those behind this folded name, sorted by folded name; found by seeking.
    pub fn after<'a>(
        &'a self,
        name: Option<&FoldedName>,
    ) -> impl Iterator<Item = (&'a FoldedName, &'a Arc<T>)> + use<'a, T> {
        let from = match name {
            Some(name) => Bound::Excluded(name),
            None => Bound::Unbounded,
        };
        self.by_name.range::<_, FoldedName>((from, Bound::Unbounded))
    }

    /// All of these; the same by folded name, and sorted by that.
    pub(super) fn filled(all: Vec<Arc<T>>, by_name: Vec<(FoldedName, Arc<T>)>) -> Collection<T> {
        let mut by_id: Vec<(UniqueId, Arc<T>)> =
            all.into_iter().map(|entity| (entity.id(), entity)).collect();
        // Where they were read, they are in this order already.
        by_id.sort_by_key(|(id, _)| *id);
        Collection { by_name: full(by_name), by_id: full(by_id) }
    }

    /// Adds the entity, or puts it in the place of the one with its id; gives back the old one.
    pub(super) fn put(&mut self, entity: Arc<T>) -> Option<Arc<T>> {
        let old = self.by_id.insert(entity.id(), Arc::clone(&entity));
        let name = FoldedName::of(entity.name());
        if let Some(old) = &old {
            let old_name = FoldedName::of(old.name());
            if old_name != name {
                self.forget_name(&old_name, entity.id());
            }
        }
        self.by_name.insert(name, entity);
        old
    }

    /// Takes the entity of this id out.
    pub(super) fn remove(&mut self, id: UniqueId) -> Option<Arc<T>> {
        let old = self.by_id.remove(&id)?;
        self.forget_name(&FoldedName::of(old.name()), id);
        Some(old)
    }

    /// Frees a name, unless another entity has taken it over in the meantime.
    fn forget_name(&mut self, name: &FoldedName, id: UniqueId) {
        if self.by_name.get(name).is_some_and(|holder| holder.id() == id) {
            self.by_name.remove(name);
        }
    }
}
