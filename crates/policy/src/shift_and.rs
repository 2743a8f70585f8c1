//! Finding a piece of a pattern that has `?` in it: all starts are tried at once.
//!
//! Bit `n` of the state says that the last characters of the text match the first `n + 1` of the
//! piece, so that a character costs a step per 64 characters of the piece, whatever either holds.
//! Source: Baeza-Yates and Gonnet, "A new approach to text searching", 1992: Shift-And.

/// Where the first match inside a text ends, in bytes; none in the piece stands for any character.
pub(crate) fn end_of_first(
    piece: impl Iterator<Item = Option<char>> + Clone,
    text: &str,
) -> Option<usize> {
    let length = piece.clone().count();
    if length == 0 || length > text.len() {
        return (length == 0).then_some(0);
    }
    if length <= 64 { short(piece, length, text) } else { long(piece, length, text) }
}

/// Of a piece for which one word will do: nothing is allocated.
fn short(
    piece: impl Iterator<Item = Option<char>> + Clone,
    length: usize,
    text: &str,
) -> Option<usize> {
    // Stored documents have no characters beyond Latin-1, and most have none beyond ASCII.
    let mut latin = [0_u64; 256];
    let mut any = 0;
    let mut has_others = false;
    for (place, character) in piece.clone().enumerate() {
        match character {
            None => any |= 1 << place,
            Some(character) => match latin.get_mut(character as usize) {
                Some(mask) => *mask |= 1 << place,
                None => has_others = true,
            },
        }
    }
    let others = |sought| {
        let places = piece.clone().enumerate().filter(|(_, character)| *character == Some(sought));
        places.fold(0, |mask, (place, _)| mask | 1 << place)
    };
    let mut state = 0_u64;
    for (at, character) in text.char_indices() {
        let own = match latin.get(character as usize) {
            Some(mask) => *mask,
            None if has_others => others(character),
            None => 0,
        };
        state = (state << 1 | 1) & (own | any);
        if state >> (length - 1) & 1 == 1 {
            return Some(at + character.len_utf8());
        }
    }
    None
}

fn long(
    piece: impl Iterator<Item = Option<char>> + Clone,
    length: usize,
    text: &str,
) -> Option<usize> {
    let masks = Masks::of(piece, length);
    let mut state = vec![0_u64; masks.words];
    let complete = 1 << ((length - 1) % 64);
    for (at, character) in text.char_indices() {
        let mut carry = 1;
        for (word, mask) in state.iter_mut().zip(masks.row(character)) {
            let carried = *word >> 63;
            *word = (*word << 1 | carry) & mask;
            carry = carried;
        }
        if state.last().is_some_and(|word| word & complete != 0) {
            return Some(at + character.len_utf8());
        }
    }
    None
}

/// For each character, at which places of the piece it may stand.
struct Masks {
    words: usize,
    /// The characters of the piece, sorted.
    characters: Vec<char>,
    /// A row for each of them; before them, the row of all others.
    rows: Vec<u64>,
    /// The rows of ASCII characters.
    ascii: [usize; 128],
}

impl Masks {
    fn of(piece: impl Iterator<Item = Option<char>> + Clone, length: usize) -> Masks {
        let mut characters: Vec<char> = piece.clone().flatten().collect();
        characters.sort_unstable();
        characters.dedup();
        let words = length.div_ceil(64);
        let rows = vec![0; (characters.len() + 1) * words];
        let mut masks = Masks { words, characters, rows, ascii: [0; 128] };
        for (place, character) in piece.enumerate() {
            let row = character.map_or(0, |character| masks.sought_row(character));
            if let Some(word) = masks.rows.get_mut(row * words + place / 64) {
                *word |= 1 << (place % 64);
            }
        }
        let (any, own) = masks.rows.split_at_mut(words);
        for row in own.chunks_exact_mut(words) {
            row.iter_mut().zip(&*any).for_each(|(word, any)| *word |= any);
        }
        for (number, character) in masks.characters.iter().enumerate() {
            if let Some(row) = masks.ascii.get_mut(*character as usize) {
                *row = number + 1;
            }
        }
        masks
    }

    /// The words of a character.
    fn row(&self, character: char) -> &[u64] {
        let row = self.ascii.get(character as usize).copied();
        let row = row.unwrap_or_else(|| self.sought_row(character));
        self.rows.get(row * self.words..).unwrap_or_default()
    }

    fn sought_row(&self, character: char) -> usize {
        self.characters.binary_search(&character).map_or(0, |number| number + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(piece: &str, text: &str) -> Option<usize> {
        end_of_first(piece.chars().map(|it| (it != '?').then_some(it)), text)
    }

    #[test]
    fn the_first_match_is_found() {
        for (piece, text, expected) in [
            ("", "", Some(0)),
            ("?", "", None),
            ("?", "é", Some(2)),
            ("a?", "xaa", Some(3)),
            ("aa?b", "aaaxb", Some(5)),
            ("aa?b", "aaxbaaxb", Some(4)),
            ("?😀?é", "aa😀bé", Some(9)),
            ("a?b", "axcaxx", None),
        ] {
            assert_eq!(found(piece, text), expected, "{piece} {text}");
        }
    }

    #[test]
    fn pieces_longer_than_a_word_are_found() {
        for length in [63, 64, 65, 128, 129, 200] {
            let piece = format!("?{}b", "a".repeat(length - 2));
            let text = format!("{}bx", "a".repeat(300));
            assert_eq!(found(&piece, &text), Some(301), "{length}");
            assert_eq!(found(&format!("{piece}b"), &text), None, "{length}");
            let text = format!("é{}b", "é".repeat(300));
            assert_eq!(found(&piece.replace('a', "é"), &text), Some(603), "{length}");
            assert_eq!(found(&piece.replace('a', "è"), &text), None, "{length}");
        }
    }
}
