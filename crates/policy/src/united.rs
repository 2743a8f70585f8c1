//! Many patterns matched at once: for many values of a condition beside many values of a request.
//!
//! All patterns together are one automaton. Bit `n` of its state says that what was read of the text
//! matches the first symbols of a pattern; a `*` behind them keeps the bit. A character costs a step
//! per 64 symbols of all patterns, whatever they and the text hold.
//! Source: Navarro and Raffinot, "Flexible Pattern Matching in Strings", 2002, chapter 4: extended
//! Shift-And.

use crate::pattern::Glob;

/// Fewer pairs of a pattern and a text are compared one by one without asking what that costs.
const PAIRS_MIN: usize = 16;

/// What steps cost beside each other, in nanoseconds of an ordinary machine: an estimate is enough, as
/// both ways give the same answer.
mod cost {
    /// A search for a literal piece.
    pub(super) const LITERAL: usize = 20;
    /// Making ready to search for a piece with `?`, and a character of that.
    pub(super) const WILD: usize = 60;
    pub(super) const WILD_CHARACTER: usize = 2;
    /// A character, beside its words.
    pub(super) const CHARACTER: usize = 2;
    /// A symbol of a pattern, when the automaton is made.
    pub(super) const SYMBOL: usize = 6;
}

/// Several patterns.
pub(crate) struct United {
    words: usize,
    /// The state before anything is read: no symbol of any pattern.
    start: Box<[u64]>,
    /// States that end a pattern.
    ends: Box<[u64]>,
    /// States behind which a `*` stands.
    runs: Box<[u64]>,
    /// The characters of the patterns, sorted.
    characters: Vec<char>,
    /// For each of them, which states it leads to; before them, the same for all other characters.
    rows: Vec<u64>,
    /// The rows of ASCII characters.
    ascii: [usize; 128],
}

impl United {
    /// The patterns as one, if that is quicker for texts of this number and total length in bytes.
    pub(crate) fn if_quicker(globs: &[&Glob], texts: usize, texts_length: usize) -> Option<United> {
        if globs.len().saturating_mul(texts) < PAIRS_MIN {
            return None;
        }
        let wild = cost::WILD * texts + cost::WILD_CHARACTER * texts_length;
        let one_by_one: usize = globs
            .iter()
            .flat_map(|glob| glob.searched_pieces())
            .map(|is_literal| if is_literal { cost::LITERAL * texts } else { wild })
            .sum();
        let symbols: usize = globs.iter().map(|glob| glob.symbols().count() + 1).sum();
        let together = symbols * cost::SYMBOL
            + texts_length.saturating_mul(cost::CHARACTER + symbols.div_ceil(64));
        (together < one_by_one).then(|| United::of(globs))
    }

    fn of(globs: &[&Glob]) -> United {
        let states: usize = globs.iter().map(|glob| glob.symbols().count() + 1).sum();
        let words = states.div_ceil(64);
        let mut characters: Vec<char> =
            globs.iter().flat_map(|glob| glob.symbols()).filter_map(|it| it.character).collect();
        characters.sort_unstable();
        characters.dedup();
        let mut ascii = [0; 128];
        for (number, character) in characters.iter().enumerate() {
            if let Some(row) = ascii.get_mut(*character as usize) {
                *row = number + 1;
            }
        }
        let none = vec![0; words];
        let mut united = United {
            words,
            start: none.clone().into(),
            ends: none.clone().into(),
            runs: none.into(),
            rows: vec![0; (characters.len() + 1) * words],
            characters,
            ascii,
        };
        let mut state = 0;
        for glob in globs {
            united.add(glob, &mut state);
        }
        united.let_any_lead_on();
        united
    }

    /// Adds a pattern, whose states begin with this one; behind them the next pattern's begin.
    fn add(&mut self, glob: &Glob, state: &mut usize) {
        set(&mut self.start, *state);
        if glob.begins_with_run() {
            set(&mut self.runs, *state);
        }
        for symbol in glob.symbols() {
            *state += 1;
            let row = symbol.character.map_or(0, |character| self.row(character));
            set(&mut self.rows, row * self.words * 64 + *state);
            if symbol.has_run_behind {
                set(&mut self.runs, *state);
            }
        }
        set(&mut self.ends, *state);
        *state += 1;
    }

    /// What any character leads to, a character of a pattern leads to as well.
    fn let_any_lead_on(&mut self) {
        let (any, own) = self.rows.split_at_mut(self.words);
        for row in own.chunks_exact_mut(self.words.max(1)) {
            row.iter_mut().zip(&*any).for_each(|(word, any)| *word |= any);
        }
    }

    /// Whether one of the patterns matches the whole text.
    pub(crate) fn matches(&self, text: &str) -> bool {
        // A word before the first one, so that each has one before it.
        let mut state = vec![0; self.words + 1];
        let mut next = state.clone();
        if let Some(own) = state.get_mut(1..) {
            own.copy_from_slice(&self.start);
        }
        for character in text.chars() {
            let from = self.row(character) * self.words;
            let row = self.rows.get(from..from + self.words).unwrap_or_default();
            if !self.step(row, &state, &mut next) {
                return false;
            }
            std::mem::swap(&mut state, &mut next);
        }
        state.iter().skip(1).zip(&self.ends).any(|(own, ends)| own & ends != 0)
    }

    /// The state after a character; tells whether any text can still match.
    fn step(&self, row: &[u64], state: &[u64], next: &mut [u64]) -> bool {
        let before = state.iter();
        let own = state.get(1..).unwrap_or_default().iter();
        let masks = row.iter().zip(&self.runs);
        let next = next.get_mut(1..).unwrap_or_default().iter_mut();
        let mut alive = 0;
        for ((next, (before, own)), (row, runs)) in next.zip(before.zip(own)).zip(masks) {
            // No character leads to the first state of a pattern from the last one of another.
            *next = ((own << 1 | before >> 63) & row) | (own & runs);
            alive |= *next;
        }
        alive != 0
    }

    /// The number of a character's row.
    fn row(&self, character: char) -> usize {
        match self.ascii.get(character as usize) {
            Some(row) => *row,
            None => self.characters.binary_search(&character).map_or(0, |number| number + 1),
        }
    }
}

fn set(words: &mut [u64], bit: usize) {
    if let Some(word) = words.get_mut(bit / 64) {
        *word |= 1 << (bit % 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::{Meaning, Template};

    fn glob(pattern: &str) -> Glob {
        Glob::of(&Template::parse(pattern, Meaning { wildcards: true, variables: false }))
    }

    fn agree(patterns: &[String], text: &str) {
        let globs: Vec<Glob> = patterns.iter().map(|pattern| glob(pattern)).collect();
        let globs: Vec<&Glob> = globs.iter().collect();
        let one_by_one = globs.iter().any(|glob| glob.matches(text));
        assert_eq!(United::of(&globs).matches(text), one_by_one, "{patterns:?} {text}");
    }

    proptest::proptest! {
        // Few letters, so that patterns often match in part; some longer than a word together.
        #![proptest_config(proptest::test_runner::Config::with_cases(4_000))]
        #[test]
        fn together_they_match_what_one_of_them_matches(
            patterns in proptest::collection::vec(r"[ab*?é]{0,8}|\*?[ab]{1,3}\?[ab]{1,2}\*[ab]?", 1..16),
            text in "[ab]{0,8}|[abé]{0,10}",
        ) {
            agree(&patterns, &text);
        }
    }

    #[test]
    fn patterns_do_not_reach_into_each_other() {
        let patterns = ["a".to_owned(), "b*".to_owned(), String::new(), "?c".to_owned()];
        for text in ["", "a", "ab", "b", "bc", "abc", "c", "cc", "ac", "aac"] {
            agree(&patterns, text);
        }
        for length in [62, 63, 64, 65, 127, 128, 129] {
            let patterns = ["a".repeat(length), format!("*{}?b", "a".repeat(length)), "?".into()];
            for text in ["a".repeat(length), "a".repeat(length + 1), "a".repeat(length + 2) + "b"] {
                agree(&patterns, &text);
                agree(&patterns, &text[1..]);
            }
        }
    }

    #[test]
    fn many_searches_are_made_together_and_few_are_not() {
        let globs: Vec<Glob> = (0..100).map(|number| glob(&format!("*a?{number}*"))).collect();
        let globs: Vec<&Glob> = globs.iter().collect();
        assert!(United::if_quicker(&globs, 50, 6_400).is_some());
        assert!(United::if_quicker(&globs[..1], 1, 128).is_none());
        let plain: Vec<Glob> = (0..100).map(|number| glob(&format!("a{number}*"))).collect();
        let plain: Vec<&Glob> = plain.iter().collect();
        assert!(United::if_quicker(&plain, 50, 6_400).is_none());
    }
}
