//! UUIDs: ids of requests and of records.

use std::fmt;

/// Characters of a UUID.
const LENGTH: usize = 36;
/// Where the two digits of each byte stand.
const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// A UUID of version 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(u128);

impl Uuid {
    /// The id of these 128 random bits.
    pub fn from_random(bits: u128) -> Uuid {
        Uuid((bits & !(0xF << 76) & !(0b11 << 62)) | (0x4 << 76) | (0b10 << 62))
    }

    /// Appends its 36 characters.
    pub fn push_to(self, text: &mut String) {
        text.push_str(std::str::from_utf8(&self.characters()).unwrap_or_default());
    }

    fn characters(self) -> [u8; LENGTH] {
        let mut text = [b'-'; LENGTH];
        for (byte, place) in self.0.to_be_bytes().into_iter().zip(PLACES) {
            if let Some([high, low]) = text.get_mut(place..place + 2) {
                *high = digit(byte >> 4);
                *low = digit(byte & 0xF);
            }
        }
        text
    }
}

fn digit(half: u8) -> u8 {
    DIGITS.get(usize::from(half)).copied().unwrap_or_default()
}

impl fmt::Display for Uuid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::str::from_utf8(&self.characters()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_form_of_uuids() {
        let id = Uuid::from_random(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(id.to_string(), "01234567-89ab-4def-8123-456789abcdef");
        assert_eq!(
            Uuid::from_random(u128::MAX).to_string(),
            "ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
        assert_eq!(Uuid::from_random(0).to_string(), "00000000-0000-4000-8000-000000000000");
        let mut text = "id ".to_owned();
        id.push_to(&mut text);
        assert_eq!(text, format!("id {id}"));
    }
}
