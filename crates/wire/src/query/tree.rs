//! The structure in the names of parameters, seen without building it.

use std::borrow::Cow;
use std::cmp::Ordering;

/// Up to this many pairs, looking at each costs less than searching.
const SCAN_MAX: usize = 16;

pub(super) type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// A part of the request: the parameters whose names begin alike.
///
/// The pairs are sorted by [`order`], so that a part is a slice; nothing is allocated for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'a> {
    /// The value of the parameter of exactly this name.
    value: Option<&'a str>,
    /// The parameters below.
    below: &'a [Pair<'a>],
    /// Bytes of each name that lead here, the dot included.
    prefix: usize,
}

impl<'a> Node<'a> {
    pub(super) fn root(pairs: &'a [Pair<'a>]) -> Node<'a> {
        Node { value: None, below: pairs, prefix: 0 }
    }

    /// The value of the parameter of exactly this name.
    pub(crate) fn value(self) -> Option<&'a str> {
        self.value
    }

    /// The part below this segment.
    pub(crate) fn child(self, segment: &str) -> Option<Node<'a>> {
        let found = if self.below.len() <= SCAN_MAX {
            self.scanned(segment)
        } else {
            let start = self.below.partition_point(|pair| head(pair, self.prefix, segment).is_lt());
            let from = self.below.get(start..).unwrap_or_default();
            let end = from.partition_point(|pair| head(pair, self.prefix, segment).is_eq());
            from.get(..end).unwrap_or_default()
        };
        let prefix = self.prefix + segment.len();
        match found {
            [] => None,
            // INVARIANT: names are unique, and the name that ends here sorts first.
            [exact, below @ ..] if exact.0.len() == prefix => {
                Some(Node { value: Some(&exact.1), below, prefix: prefix + 1 })
            }
            below => Some(Node { value: None, below, prefix: prefix + 1 }),
        }
    }

    /// The pairs below this segment, found by looking at each.
    fn scanned(self, segment: &str) -> &'a [Pair<'a>] {
        let first = segment.as_bytes().first();
        let is_below = |pair: &Pair<'_>| {
            let rest = rest(pair, self.prefix);
            // Most names differ at once.
            if first.is_some() && first != rest.as_bytes().first() {
                return false;
            }
            let after = rest.strip_prefix(segment);
            after.is_some_and(|after| after.is_empty() || after.starts_with('.'))
        };
        let Some(start) = self.below.iter().position(is_below) else { return &[] };
        let from = self.below.get(start..).unwrap_or_default();
        let end = from.iter().position(|pair| !is_below(pair)).unwrap_or(from.len());
        from.get(..end).unwrap_or_default()
    }

    /// The items of a list or entries of a map below `word`, by ascending number; gaps are closed.
    pub(crate) fn items(self, word: &str) -> Vec<(u32, Node<'a>)> {
        let Some(list) = self.child(word) else {
            return Vec::new();
        };
        let mut items: Vec<(u32, Node<'a>)> = Vec::new();
        let mut open = list.below;
        while let Some(pair) = open.first() {
            let segment = rest(pair, list.prefix).split('.').next().unwrap_or_default();
            let item = Node { value: None, below: open, prefix: list.prefix }.child(segment);
            let taken = item.map_or(1, |item| item.below.len() + usize::from(item.value.is_some()));
            open = open.get(taken.max(1)..).unwrap_or_default();
            if let (Ok(index), Some(item)) = (segment.parse::<u32>(), item) {
                items.push((index, item));
            }
        }
        items.sort_by_key(|(index, _)| *index);
        items
    }
}

/// The order of names: by bytes, except that a dot comes before every other byte, so that the names
/// below a segment follow it without others in between.
pub(super) fn order(one: &str, other: &str) -> Ordering {
    let rank = |byte: u8| if byte == b'.' { 0 } else { u16::from(byte) + 1 };
    let differing = one.bytes().zip(other.bytes()).find(|(one, other)| one != other);
    differing.map_or(one.len().cmp(&other.len()), |(one, other)| rank(one).cmp(&rank(other)))
}

/// Where the pair's next segment stands to `segment`.
fn head(pair: &Pair<'_>, prefix: usize, segment: &str) -> Ordering {
    let rest = rest(pair, prefix);
    match rest.strip_prefix(segment) {
        Some(after) if after.is_empty() || after.starts_with('.') => Ordering::Equal,
        Some(_) | None => order(rest, segment),
    }
}

fn rest<'b>(pair: &'b Pair<'_>, prefix: usize) -> &'b str {
    pair.0.get(prefix..).unwrap_or_default()
}
