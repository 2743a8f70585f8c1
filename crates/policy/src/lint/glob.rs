//! What one pattern has in common with another.

use super::budget::Budget;
use crate::hash::hash;
use crate::pattern::variable_at_start;

/// Whether every text that one pattern of characters, `*` and `?` matches is matched by a wider one.
///
/// A yes is certain; a no is not: `?*` is not seen to cover `*?`. Takes at most as many steps as the
/// product of their lengths.
///
/// ```
/// assert!(iamd_policy::covers("get*", "getobject*"));
/// assert!(!iamd_policy::covers("getobject*", "get*"));
/// ```
pub fn covers(wider: &str, other: &str) -> bool {
    Glob::parse(wider, false).covers_while(&Glob::parse(other, false), || true)
}

/// A text with wildcards and policy variables.
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
    /// A policy variable, told from others by the hash of its text.
    Variable(u64),
}

impl Glob {
    /// Reads wildcards and, if they have a meaning, variables.
    pub(super) fn parse(text: &str, variables: bool) -> Glob {
        let mut symbols = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let variable = if variables { variable_at_start(rest) } else { None };
            let (symbol, length) = match (variable, character) {
                (Some("${*}" | "${?}" | "${$}"), _) => {
                    (Symbol::Itself(rest.chars().nth(2).unwrap_or('$')), 4)
                }
                (Some(variable), _) => {
                    (Symbol::Variable(hash(variable.as_bytes())), variable.len())
                }
                (None, '*') => (Symbol::AnyRun, 1),
                (None, '?') => (Symbol::AnyOne, 1),
                (None, other) => (Symbol::Itself(other), other.len_utf8()),
            };
            symbols.push(symbol);
            rest = rest.get(length..).unwrap_or_default();
        }
        Glob(symbols)
    }

    /// Reads what the data say of names: `${...}` stands for anything.
    pub(super) fn of_form(form: &str) -> Glob {
        let Glob(mut symbols) = Glob::parse(form, true);
        for symbol in &mut symbols {
            if let Symbol::Variable(_) = symbol {
                *symbol = Symbol::AnyRun;
            }
        }
        Glob(symbols)
    }

    /// Whether it has wildcards.
    pub(super) fn is_wild(&self) -> bool {
        self.0.iter().any(|symbol| matches!(symbol, Symbol::AnyOne | Symbol::AnyRun))
    }

    /// Whether it has policy variables.
    pub(super) fn has_variables(&self) -> bool {
        self.0.iter().any(|symbol| matches!(symbol, Symbol::Variable(_)))
    }

    /// Whether it matches everything.
    pub(super) fn is_everything(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|symbol| *symbol == Symbol::AnyRun)
    }

    /// Whether it begins with this character.
    pub(super) fn begins_with(&self, character: char) -> bool {
        self.0.first() == Some(&Symbol::Itself(character))
    }

    /// Whether it begins with a wildcard.
    pub(super) fn begins_wild(&self) -> bool {
        matches!(self.0.first(), Some(Symbol::AnyOne | Symbol::AnyRun))
    }

    /// Whether this character stands in it for itself.
    pub(super) fn has(&self, character: char) -> bool {
        self.0.contains(&Symbol::Itself(character))
    }

    /// Whether every text that the other one matches is matched by this one.
    ///
    /// A yes is certain; a no is not: `?*` is not seen to cover `*?`, and the budget may be spent.
    pub(super) fn covers(&self, other: &Glob, budget: &Budget) -> bool {
        self.covers_while(other, || budget.take(1))
    }

    /// The same for as long as another step may be taken.
    fn covers_while(&self, other: &Glob, may_step: impl Fn() -> bool) -> bool {
        // The other one is read like a text in which a wildcard or a variable is a character of its
        // own: matched by a run or by itself. Only the last run is ever tried again.
        let (mut at, mut read) = (0, 0);
        let mut last_run: Option<(usize, usize)> = None;
        while let Some(symbol) = other.0.get(read) {
            if !may_step() {
                return false;
            }
            let own = self.0.get(at);
            let fits = match (own, symbol) {
                (Some(Symbol::AnyRun), _) => {
                    last_run = Some((at, read));
                    at += 1;
                    continue;
                }
                (Some(Symbol::AnyOne), Symbol::AnyOne | Symbol::Itself(_)) => true,
                (Some(own), symbol) => own == symbol,
                (None, _) => false,
            };
            if fits {
                at += 1;
                read += 1;
                continue;
            }
            let Some((run, taken)) = last_run else { return false };
            last_run = Some((run, taken + 1));
            (at, read) = (run + 1, taken + 1);
        }
        self.0.iter().skip(at).all(|symbol| *symbol == Symbol::AnyRun)
    }

    /// Whether some text may be matched by both; variables stand for anything.
    ///
    /// A no is certain; a yes is not, if the budget is spent.
    pub(super) fn meets(&self, other: &Glob, budget: &Budget) -> bool {
        if self.differs_at_start(other) {
            return false;
        }
        if self.is_everything() || other.is_everything() {
            return true;
        }
        // reached[n]: what was read of this one, and the first n symbols of the other, can be one text.
        let mut reached = vec![true];
        for symbol in &other.0 {
            reached.push(reached.last() == Some(&true) && symbol.is_run());
        }
        for own in &self.0 {
            if !budget.take(reached.len()) {
                return true;
            }
            let mut diagonal = reached.first().copied().unwrap_or(false);
            let mut left = diagonal && own.is_run();
            if let Some(first) = reached.first_mut() {
                *first = left;
            }
            for (place, symbol) in reached.iter_mut().skip(1).zip(&other.0) {
                let above = *place;
                let both = !own.is_run() && !symbol.is_run() && diagonal && own.can_be(*symbol);
                let longer = (symbol.is_run() && left) || (own.is_run() && above);
                // A run of one takes in a single character of the other.
                let by_run = (symbol.is_run() && above) || (own.is_run() && left);
                *place = both || longer || by_run;
                diagonal = above;
                left = *place;
            }
            if !reached.contains(&true) {
                return false;
            }
        }
        reached.last() == Some(&true)
    }

    /// Whether both begin with characters of which some pair differs.
    fn differs_at_start(&self, other: &Glob) -> bool {
        let pairs = self.0.iter().zip(&other.0).map_while(|(own, other)| match (own, other) {
            (Symbol::Itself(own), Symbol::Itself(other)) => Some(own == other),
            _ => None,
        });
        pairs.into_iter().any(|same| !same)
    }
}

impl Symbol {
    fn is_run(self) -> bool {
        matches!(self, Symbol::AnyRun | Symbol::Variable(_))
    }

    fn can_be(self, other: Symbol) -> bool {
        self == other || self == Symbol::AnyOne || other == Symbol::AnyOne
    }
}

/// The fields between the first `most - 1` colons; those inside of variables do not count.
pub(super) fn fields(text: &str, most: usize) -> Vec<&str> {
    let mut fields = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if fields.len() + 1 == most {
            break;
        }
        if let Some(variable) = variable_at_start(rest) {
            at += variable.len();
            continue;
        }
        if rest.starts_with(':') {
            fields.push(text.get(start..at).unwrap_or_default());
            start = at + 1;
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    fields.push(text.get(start..).unwrap_or_default());
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        Glob::parse(text, true)
    }

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
            ("a/*", "a/${aws:username}", true),
            ("a/?", "a/${aws:username}", false),
            ("a/${aws:username}*", "a/${aws:username}/b", true),
            ("a/${aws:username}", "a/${aws:userid}", false),
            ("a${*}", "a*", false),
        ] {
            let covers = glob(one).covers(&glob(other), &Budget::new());
            assert_eq!(covers, expected, "{one} {other}");
            if !format!("{one}{other}").contains("${") {
                assert_eq!(super::covers(one, other), expected, "{one} {other}");
            }
        }
    }

    #[test]
    fn meets_where_a_text_can_be_of_both() {
        for (one, other, expected) in [
            ("", "", true),
            ("", "*", true),
            ("", "?", false),
            ("a*", "*b", true),
            ("a*c", "b*", false),
            ("instance/*", "instance/${InstanceId}", true),
            ("inst*", "instance/${InstanceId}", true),
            ("bucket", "${Bucket}/${Object}", false),
            ("bucket*", "${Bucket}/${Object}", true),
            ("role/x", "user/${Name}", false),
            ("?ole/x", "role/${Name}", true),
            ("a?", "a", false),
            ("*/end", "start/*", true),
            ("*x", "*y", false),
            ("${aws:username}", "anything", true),
        ] {
            let budget = Budget::new();
            assert_eq!(glob(one).meets(&glob(other), &budget), expected, "{one} {other}");
            assert_eq!(glob(other).meets(&glob(one), &budget), expected, "{other} {one}");
        }
    }

    #[test]
    fn colons_inside_of_variables_separate_nothing() {
        assert_eq!(fields("arn:aws:s3:::${aws:username}:x", 6).len(), 6);
        assert_eq!(
            fields("arn:aws:x:${aws:a}:b:c:d", 6),
            ["arn", "aws", "x", "${aws:a}", "b", "c:d"]
        );
        assert_eq!(fields("arn:aws", 6), ["arn", "aws"]);
        assert_eq!(fields("a:${k, 'b:}:c'}:d", 3), ["a", "${k, 'b:}:c'}", "d"]);
    }

    #[test]
    fn what_a_decision_reads_as_text_is_text() {
        // No variables: the key has a quote, the default none, or something follows it.
        for text in ["${a'b:c}", "${a, b:c}", "${a, 'b' c:d}", "${:"] {
            assert!(!glob(text).has_variables(), "{text}");
            assert_eq!(fields(text, 2).len(), 2, "{text}");
        }
        assert!(glob("${a'b}${aws:username}").has_variables());
    }

    /// Every short pair of globs against every text over two letters.
    #[test]
    fn covers_and_meets_agree_with_matching() {
        let words = |letters: &[char], most: usize| {
            let mut words = vec![String::new()];
            let mut last = words.clone();
            for _ in 0..most {
                last = last
                    .iter()
                    .flat_map(|word| letters.iter().map(move |letter| format!("{word}{letter}")))
                    .collect();
                words.extend(last.iter().cloned());
            }
            words
        };
        let texts: Vec<Glob> = words(&['a', 'b', 'c'], 5).iter().map(|text| glob(text)).collect();
        let globs: Vec<Glob> =
            words(&['a', 'b', '*', '?'], 3).iter().map(|text| glob(text)).collect();
        let mut yes = 0;
        for one in &globs {
            for other in &globs {
                let budget = Budget::new();
                let in_both =
                    |text: &&Glob| one.covers(text, &budget) && other.covers(text, &budget);
                let meets = texts.iter().find(in_both).is_some();
                assert_eq!(one.meets(other, &budget), meets, "{one:?} {other:?}");
                if one.covers(other, &budget) {
                    yes += 1;
                    let broken = texts
                        .iter()
                        .find(|text| other.covers(text, &budget) && !one.covers(text, &budget));
                    assert_eq!(broken, None, "{one:?} {other:?}");
                }
            }
        }
        assert!(yes > globs.len());
    }
}
