//! Which statements of a set can concern a request at all.
//!
//! A statement is filed under what its actions and resources begin with; a request looks only under
//! what fits it. What is found is a candidate, not a match: the patterns themselves decide. So a
//! collision of two hashes costs time and never changes a decision.

use crate::action::{ActionKey, RequestActionKeys};
use crate::document::Body;
use crate::hash::{hash, mixed};

/// Sets with fewer statements are looked through one by one, which costs no more.
const STATEMENTS_MIN: usize = 4;

/// How much of what a resource pattern begins with counts, in bytes. The next lower length is taken,
/// so that a request needs no more look-ups than there are lengths.
const PREFIX_LENGTHS: [usize; 7] = [0, 16, 24, 32, 40, 48, 64];

/// What the resource patterns of a statement begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResourceKey {
    /// Which of [`PREFIX_LENGTHS`].
    class: u8,
    hash: u64,
}

impl ResourceKey {
    /// For patterns that may cover any resource.
    pub(crate) const ANY: ResourceKey = ResourceKey { class: 0, hash: 0 };

    /// For a pattern that begins with this literal text.
    pub(crate) fn of_literal(literal: &str) -> ResourceKey {
        let fits = |(_, length): &(usize, &usize)| **length <= literal.len();
        match PREFIX_LENGTHS.iter().enumerate().rev().find(fits) {
            Some((class, length)) if class > 0 => ResourceKey::new(class, literal, *length),
            Some(_) | None => ResourceKey::ANY,
        }
    }

    fn new(class: usize, text: &str, length: usize) -> ResourceKey {
        let prefix = text.as_bytes().get(..length).unwrap_or_default();
        ResourceKey { class: u8::try_from(class).unwrap_or(0), hash: hash(prefix) }
    }
}

/// Where a statement stands in its set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) document: u32,
    pub(crate) statement: u32,
}

/// The index of a set.
#[derive(Debug)]
pub(crate) struct Index {
    /// A power of two of slots, at most half of them taken.
    slots: Box<[Slot]>,
    places: Box<[Place]>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// Zero: the slot is empty.
    hash: u64,
    start: u32,
    length: u32,
    /// For an action: which lengths of resource prefixes are filed under it, a bit each.
    classes: u8,
}

/// Entries up to which an index has more room than it needs.
const SMALL_INDEX: usize = 128;

impl Index {
    /// The index of these statements; none where looking through them is as good.
    pub(crate) fn of<'b>(statements: impl Iterator<Item = (Place, &'b Body)>) -> Option<Index> {
        let mut count = 0;
        let mut filed: Vec<Filed> = Vec::new();
        for (place, body) in statements {
            count += 1;
            file(place, body, &mut filed);
        }
        if count < STATEMENTS_MIN {
            return None;
        }
        filed.sort_unstable_by_key(|filed| (filed.hash, filed.place));
        filed.dedup_by_key(|filed| (filed.hash, filed.place));
        Some(Index::from_filed(&filed))
    }

    fn from_filed(filed: &[Filed]) -> Index {
        // Sorted by hash, as they are.
        let mut combined: Vec<u64> = filed.iter().map(|filed| filed.hash).collect();
        combined.dedup();
        let mut actions: Vec<u64> = filed.iter().map(|filed| filed.action.hash()).collect();
        actions.sort_unstable();
        actions.dedup();
        let taken = combined.len() + actions.len();
        // In a small index a chance meeting of two hashes costs every decision, and room is cheap.
        let room = if taken <= SMALL_INDEX { 4 } else { 2 };
        let capacity = (taken * room).next_power_of_two().max(16);
        let mut index = Index {
            slots: vec![Slot::default(); capacity].into(),
            places: filed.iter().map(|filed| filed.place).collect(),
        };
        for (number, entry) in filed.iter().enumerate() {
            let start = u32::try_from(number).unwrap_or(u32::MAX);
            if let Some(slot) = index.slot_mut(entry.hash) {
                if slot.length == 0 {
                    slot.start = start;
                }
                slot.length += 1;
            }
            if let Some(slot) = index.slot_mut(entry.action.hash()) {
                slot.classes |= 1 << entry.class;
            }
        }
        index
    }

    /// Calls `visit` with the candidates for a request until it says stop. A statement may come twice.
    pub(crate) fn candidates(
        &self,
        actions: &RequestActionKeys,
        resource: &str,
        mut visit: impl FnMut(Place) -> std::ops::ControlFlow<()>,
    ) -> std::ops::ControlFlow<()> {
        for action in actions.iter() {
            let Some(classes) = self.slot(action.hash()).map(|slot| slot.classes) else { continue };
            for (class, length) in PREFIX_LENGTHS.iter().enumerate() {
                if classes & (1 << class) == 0 || *length > resource.len() {
                    continue;
                }
                let key = match class {
                    0 => ResourceKey::ANY,
                    _ => ResourceKey::new(class, resource, *length),
                };
                let Some(slot) = self.slot(combined(action, key)) else { continue };
                let range = slot.start as usize..(slot.start + slot.length) as usize;
                for place in self.places.get(range).unwrap_or_default() {
                    visit(*place)?;
                }
            }
        }
        std::ops::ControlFlow::Continue(())
    }

    /// Memory that the index takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        std::mem::size_of_val(&*self.slots) + std::mem::size_of_val(&*self.places)
    }

    fn slot(&self, hash: u64) -> Option<&Slot> {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots.get(at)?;
            if slot.hash == hash {
                return Some(slot);
            }
            if slot.hash == 0 {
                return None;
            }
            at = (at + 1) & mask;
        }
    }

    /// The slot of a hash, taken if it is not there; half of the slots stay empty.
    fn slot_mut(&mut self, hash: u64) -> Option<&mut Slot> {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots.get(at)?.hash != hash && self.slots.get(at)?.hash != 0 {
            at = (at + 1) & mask;
        }
        let slot = self.slots.get_mut(at)?;
        slot.hash = hash;
        Some(slot)
    }
}

/// A statement under one pair of keys.
struct Filed {
    hash: u64,
    action: ActionKey,
    class: u8,
    place: Place,
}

fn file(place: Place, body: &Body, filed: &mut Vec<Filed>) {
    for action in body.action.keys() {
        let resources = body.resource.as_ref().map(|clause| clause.keys());
        let any = resources.is_none().then_some(ResourceKey::ANY);
        for resource in resources.into_iter().flatten().chain(any) {
            let hash = combined(action, resource);
            filed.push(Filed { hash, action, class: resource.class, place });
        }
    }
}

fn combined(action: ActionKey, resource: ResourceKey) -> u64 {
    mixed(action.hash() ^ (u64::from(resource.class) + 1), resource.hash)
}
