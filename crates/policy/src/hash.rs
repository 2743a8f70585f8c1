//! A quick hash for the index: not for anything that a collision could harm.

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
const OTHER: u64 = 0xD6E8_FEB8_6659_FD93;

/// The hash of some bytes; never zero.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut state = bytes.len() as u64 ^ OTHER;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for chunk in chunks {
        state = fold(state ^ u64::from_le_bytes(*chunk), MULTIPLIER);
    }
    let mut last = [0; 8];
    if let Some(place) = last.get_mut(..rest.len()) {
        place.copy_from_slice(rest);
    }
    fold(state ^ u64::from_le_bytes(last), OTHER).max(1)
}

/// One hash out of two; never zero.
pub(crate) fn mixed(one: u64, other: u64) -> u64 {
    fold(one ^ MULTIPLIER, other ^ OTHER).max(1)
}

/// High and low half of the product, so that every bit counts.
fn fold(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_texts_have_different_hashes() {
        let texts = ["", "\0", "a", "b", "ab", "s3:getobject", "s3:getobjecu", "s3:getobject\0"];
        let hashes: std::collections::HashSet<u64> =
            texts.iter().map(|text| hash(text.as_bytes())).collect();
        assert_eq!(hashes.len(), texts.len());
        assert!(!hashes.contains(&0));
        assert_ne!(mixed(1, 2), mixed(2, 1));
    }
}
