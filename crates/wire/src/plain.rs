//! Texts in which no form of answer escapes anything.

/// A byte of one in each place.
const ONES: u64 = u64::MAX / 0xFF;
/// The highest bit of each place.
const HIGH: u64 = ONES << 7;

/// Whether a text has nothing but printable ASCII, and none of `"`, `&`, `<`, `>` and `\`: it stands in
/// XML and in JSON as it is. Nearly all texts do, so that it looks at eight bytes at once.
pub(crate) fn is_plain(text: &str) -> bool {
    let (parts, rest) = text.as_bytes().as_chunks::<8>();
    let mut last = [b' '; 8];
    if let Some(place) = last.get_mut(..rest.len()) {
        place.copy_from_slice(rest);
    }
    parts.iter().all(|part| are_plain(*part)) && are_plain(last)
}

/// In each place, the highest bit tells that something is wrong; a carry comes only out of a place where
/// something is.
fn are_plain(bytes: [u8; 8]) -> bool {
    let bytes = u64::from_le_bytes(bytes);
    let beyond_ascii_or_delete = bytes | bytes.wrapping_add(ONES);
    let control = bytes.wrapping_sub(ONES * u64::from(b' '));
    // Two characters each that differ in one bit.
    let quotes = zeros((bytes & !(ONES * 0x04)) ^ (ONES * u64::from(b'"')));
    let angles = zeros((bytes | (ONES * 0x02)) ^ (ONES * u64::from(b'>')));
    let backslashes = zeros(bytes ^ (ONES * u64::from(b'\\')));
    (beyond_ascii_or_delete | control | quotes | angles | backslashes) & HIGH == 0
}

/// The highest bit of places that are zero, if there are any.
fn zeros(bytes: u64) -> u64 {
    bytes.wrapping_sub(ONES) & !bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_in_every_place_is_told_apart() {
        for character in ('\0'..='\u{200}').chain(['\u{FFFD}', '\u{1F600}']) {
            let expected = (' '..='~').contains(&character) && !"\"&<>\\".contains(character);
            for before in 0..20 {
                for after in [0, 1, 7, 8, 9] {
                    let (start, end) = ("a".repeat(before), "~".repeat(after));
                    let text = format!("{start}{character}{end}");
                    assert_eq!(is_plain(&text), expected, "{text:?}");
                }
            }
        }
        assert!(is_plain(""));
    }
}
