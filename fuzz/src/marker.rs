//! Pagination markers.
//!
//! Input: a line with the list, and a marker, or a place in the list.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use iamd_core::marker::MarkerKey;

use crate::input::line;

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (list, rest) = line(text);
    let key = MarkerKey::new(&[3; 32]);
    assert!(key.open(list, rest).is_err(), "a marker that nobody sealed is open");
    let marker = key.seal(list, rest);
    assert_eq!(key.open(list, &marker).as_deref(), Ok(rest));
    assert!(key.open(rest, &marker).is_err() || list == rest, "the marker of another list");
    assert!(MarkerKey::new(&[4; 32]).open(list, &marker).is_err(), "the marker of another key");
    moved(&key, list, rest, &marker);
}

/// Bytes of a marker before the place in the list.
const TAG_LENGTH: usize = 16;

/// INVARIANT: the border between the list and the place in it cannot be moved.
fn moved(key: &MarkerKey, list: &str, rest: &str, marker: &str) {
    let Some(first) = rest.chars().next() else { return };
    let mut bytes = URL_SAFE_NO_PAD.decode(marker).expect("a marker is Base64");
    bytes.drain(TAG_LENGTH..TAG_LENGTH + first.len_utf8());
    let shorter = URL_SAFE_NO_PAD.encode(bytes);
    assert!(key.open(&format!("{list}{first}"), &shorter).is_err(), "a marker of another list");
}
