//! Pagination markers: where a list goes on, authenticated so that no client can forge one.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::refusal::Refusal;
use crate::text;

const TAG_LENGTH: usize = 16;
/// Most items on a page when the request does not say. IAM API Reference, `MaxItems`.
pub const PAGE_ITEMS_DEFAULT: usize = 100;

/// The key that authenticates markers; the same on every node.
pub struct MarkerKey(hmac::Key);

impl fmt::Debug for MarkerKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MarkerKey(..)")
    }
}

impl MarkerKey {
    /// The key of these bytes.
    pub fn new(bytes: &[u8; 32]) -> MarkerKey {
        MarkerKey(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The marker of a list (`list` says which, its filters included) that goes on behind `last`.
    pub fn seal(&self, list: &str, last: &str) -> String {
        let tag = self.proof(list, last.as_bytes());
        let tag = tag.get(..TAG_LENGTH).unwrap_or_default();
        let mut bytes = Vec::with_capacity(TAG_LENGTH + last.len());
        bytes.extend_from_slice(tag);
        bytes.extend_from_slice(last.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Behind what the list goes on.
    ///
    /// # Errors
    /// `Invalid Marker.` when the marker was not issued for this list.
    pub fn open(&self, list: &str, marker: &str) -> Result<String, Refusal> {
        self.opened(list, marker).ok_or_else(text::invalid_marker)
    }

    /// Proof, of 32 bytes, that this server made a content for a purpose, which is no list's name.
    pub(crate) fn proof(&self, purpose: &str, content: &[u8]) -> Box<[u8]> {
        hmac::sign(&self.0, &message(purpose, content)).as_ref().into()
    }

    fn opened(&self, list: &str, marker: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(marker).ok()?;
        let (tag, last) = bytes.split_at_checked(TAG_LENGTH)?;
        let last = std::str::from_utf8(last).ok()?;
        let expected = self.proof(list, last.as_bytes());
        let expected = expected.get(..TAG_LENGTH)?;
        aws_lc_rs::constant_time::verify_slices_are_equal(expected, tag).ok()?;
        Some(last.to_owned())
    }
}

/// Injective: the length of the first part stands before it.
fn message(list: &str, last: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(8 + list.len() + last.len());
    message.extend_from_slice(&(list.len() as u64).to_be_bytes());
    message.extend_from_slice(list.as_bytes());
    message.extend_from_slice(last);
    message
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Whether more follow.
    pub is_truncated: bool,
    /// Where the next page starts; present exactly if more follow.
    pub marker: Option<String>,
}

/// What a request says about the page it wants.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest<'a> {
    /// Which list it is: operation, account and filters.
    pub list: &'a str,
    /// The marker of the previous page.
    pub marker: Option<&'a str>,
    /// Most items on the page, 1 to 1,000.
    pub max_items: Option<i32>,
}

impl MarkerKey {
    /// Cuts one page out of `items`, which start behind the place the marker names.
    ///
    /// `items` is called with that place and gives the items with their places, in order.
    ///
    /// # Errors
    /// `Invalid Marker.`
    pub fn page<P, T, I>(
        &self,
        request: PageRequest<'_>,
        items: impl FnOnce(Option<String>) -> I,
    ) -> Result<Page<T>, Refusal>
    where
        P: fmt::Display,
        I: Iterator<Item = (P, T)>,
    {
        self.page_within(request, (0, |_: &T| 0), items)
    }

    /// The same for items of very different weight: the page ends with the item that makes it
    /// heavier than the first of the two numbers says.
    ///
    /// # Errors
    /// `Invalid Marker.`
    pub fn page_within<P, T, I>(
        &self,
        request: PageRequest<'_>,
        (weight_max, weight_of): (usize, impl Fn(&T) -> usize),
        items: impl FnOnce(Option<String>) -> I,
    ) -> Result<Page<T>, Refusal>
    where
        P: fmt::Display,
        I: Iterator<Item = (P, T)>,
    {
        let behind = request.marker.map(|marker| self.open(request.list, marker)).transpose()?;
        let most = request.max_items.and_then(|most| usize::try_from(most).ok());
        let most = most.unwrap_or(PAGE_ITEMS_DEFAULT).max(1);
        let items_expected = Vec::with_capacity(most.min(PAGE_ITEMS_DEFAULT));
        let mut page = Page { items: items_expected, is_truncated: false, marker: None };
        let mut last = None;
        let mut weight = 0_usize;
        for (place, item) in items(behind) {
            if page.items.len() == most || weight > weight_max {
                page.is_truncated = true;
                break;
            }
            weight = weight.saturating_add(weight_of(&item));
            page.items.push(item);
            last = Some(place);
        }
        if page.is_truncated {
            page.marker = last.map(|last| self.seal(request.list, &last.to_string()));
        }
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_opens_only_for_its_list_and_only_unaltered() {
        let key = MarkerKey::new(&[3; 32]);
        let marker = key.seal("ListUsers/1", "bob");
        assert_eq!(key.open("ListUsers/1", &marker).unwrap(), "bob");
        assert!(key.open("ListUsers/2", &marker).is_err());
        assert!(MarkerKey::new(&[4; 32]).open("ListUsers/1", &marker).is_err());
        for place in 0..marker.len() {
            let mut altered = marker.clone().into_bytes();
            altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            if URL_SAFE_NO_PAD.decode(&altered).ok() != URL_SAFE_NO_PAD.decode(&marker).ok() {
                assert!(key.open("ListUsers/1", &altered).is_err(), "{altered}");
            }
        }
        for wrong in ["", "A", "bob", &"A".repeat(500)] {
            assert_eq!(key.open("ListUsers/1", wrong), Err(text::invalid_marker()));
        }
    }

    #[test]
    fn pages_join_up_to_the_whole_list() {
        let key = MarkerKey::new(&[3; 32]);
        let all: Vec<String> = (0..10).map(|number| format!("{number}")).collect();
        for size in 1..12 {
            let (mut seen, mut marker) = (Vec::new(), None);
            loop {
                let request = PageRequest {
                    list: "numbers",
                    marker: marker.as_deref(),
                    max_items: Some(size),
                };
                let page = key
                    .page(request, |behind| {
                        let all = all.clone().into_iter();
                        all.filter(move |item| behind.as_ref().is_none_or(|place| item > place))
                            .map(|item| (item.clone(), item))
                    })
                    .unwrap();
                assert_eq!(page.marker.is_some(), page.is_truncated);
                seen.extend(page.items);
                marker = page.marker;
                if marker.is_none() {
                    break;
                }
            }
            assert_eq!(seen, all);
        }
    }
}
