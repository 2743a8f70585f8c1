//! Whether one text with wildcards covers all that another one does.

/// A text with wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob(Vec<Symbol>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbol {
    /// A character that stands for itself.
    Itself(char),
    /// `?`: exactly one character.
    AnyOne,
    /// `*`: any run of characters, an empty one too.
    AnyRun,
}

impl Glob {
    /// Takes `*` and `?` for wildcards.
    pub(super) fn parse(text: &str) -> Glob {
        let symbols = text.chars().map(|character| match character {
            '*' => Symbol::AnyRun,
            '?' => Symbol::AnyOne,
            other => Symbol::Itself(other),
        });
        Glob(symbols.collect())
    }

    /// The same, with anything behind.
    pub(super) fn with_anything_behind(mut self) -> Glob {
        self.0.push(Symbol::AnyRun);
        self
    }

    /// Whether every text that the other one matches is matched by this one.
    ///
    /// A yes is certain; a no is not: `?*` is not seen to cover `*?`.
    pub(super) fn covers(&self, other: &Glob) -> bool {
        // The other one is read like a text in which a wildcard is a character of its own: matched by
        // a run, and a single one also by a single one. Only the last run is ever tried again.
        let (mut at, mut read) = (0, 0);
        let mut last_run: Option<(usize, usize)> = None;
        while let Some(symbol) = other.0.get(read) {
            match (self.0.get(at), symbol) {
                (Some(Symbol::AnyRun), _) => {
                    last_run = Some((at, read));
                    at += 1;
                    continue;
                }
                (Some(Symbol::AnyOne), Symbol::AnyOne | Symbol::Itself(_)) => at += 1,
                (Some(Symbol::Itself(own)), Symbol::Itself(others)) if own == others => at += 1,
                _ => {
                    let Some((run, taken)) = last_run else { return false };
                    last_run = Some((run, taken + 1));
                    (at, read) = (run + 1, taken + 1);
                    continue;
                }
            }
            read += 1;
        }
        self.0.iter().skip(at).all(|symbol| *symbol == Symbol::AnyRun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_what_it_must_and_nothing_else() {
        for (one, other, expected) in [
            ("*", "", true),
            ("*", "a*b?", true),
            ("", "", true),
            ("", "*", false),
            ("get*", "getobject*", true),
            ("getobject*", "get*", false),
            ("get?", "get?", true),
            ("get?", "getx", true),
            ("get?", "get*", false),
            ("getx", "get?", false),
            ("*object", "get*object", true),
            ("*object", "get*objects", false),
            ("a*b*c", "a?b*xbc", true),
            ("a*bc", "abcbc", true),
            ("a*bc", "abcb", false),
            ("**", "*", true),
            ("a*", "b", false),
        ] {
            let covers = Glob::parse(one).covers(&Glob::parse(other));
            assert_eq!(covers, expected, "{one} {other}");
        }
    }

    /// Every text over three letters up to a length, against every short pair of globs.
    #[test]
    fn a_yes_holds_for_all_texts() {
        let words = |letters: &[char], most: usize| {
            let mut words = vec![String::new()];
            let mut last = words.clone();
            for _ in 0..most {
                let longer = |word: &String| {
                    letters.iter().map(move |letter| format!("{word}{letter}")).collect::<Vec<_>>()
                };
                last = last.iter().flat_map(longer).collect();
                words.extend(last.iter().cloned());
            }
            words
        };
        let texts: Vec<Glob> =
            words(&['a', 'b', 'c'], 5).iter().map(|text| Glob::parse(text)).collect();
        let globs: Vec<Glob> =
            words(&['a', 'b', '*', '?'], 3).iter().map(|text| Glob::parse(text)).collect();
        let mut yes = 0;
        for one in &globs {
            for other in &globs {
                if one.covers(other) {
                    yes += 1;
                    // A glob without wildcards is a text.
                    let broken = texts.iter().find(|text| other.covers(text) && !one.covers(text));
                    assert_eq!(broken, None, "{one:?} {other:?}");
                }
            }
        }
        assert!(yes > globs.len());
    }
}
