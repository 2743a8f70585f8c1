//! ASCII lower case without an allocation.

/// Longest text that is kept on the stack, in bytes; the longest action of AWS has 82.
const SHORT_MAX: usize = 96;

/// A text with its ASCII letters in lower case.
pub(crate) enum Lowered {
    Short { bytes: [u8; SHORT_MAX], length: usize },
    Long(String),
}

impl Lowered {
    pub(crate) fn new(text: &str) -> Lowered {
        let mut bytes = [0; SHORT_MAX];
        let length = text.len();
        match bytes.get_mut(..length) {
            Some(place) => {
                place.copy_from_slice(text.as_bytes());
                place.make_ascii_lowercase();
                Lowered::Short { bytes, length }
            }
            None => Lowered::Long(text.to_ascii_lowercase()),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            // INVARIANT: lowering ASCII letters leaves UTF-8 valid.
            Lowered::Short { bytes, length } => {
                bytes.get(..*length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
            }
            Lowered::Long(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_texts_are_lowered() {
        assert_eq!(Lowered::new("S3:GetÖbject").as_str(), "s3:getÖbject");
        let long = "A".repeat(SHORT_MAX + 1);
        assert_eq!(Lowered::new(&long).as_str(), long.to_lowercase());
        assert_eq!(Lowered::new("").as_str(), "");
    }
}
