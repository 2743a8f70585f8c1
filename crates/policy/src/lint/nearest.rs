//! The nearest of the names that exist.

use super::budget::Budget;

/// Longest name that is compared, in bytes; no name of AWS is longer.
const NAME_LENGTH_MAX: usize = 128;

/// The candidate that differs least from a name, if it is near enough to be meant.
pub(super) fn nearest<'c>(
    name: &str,
    candidates: impl Iterator<Item = (&'c str, &'c str)>,
    budget: &Budget,
) -> Option<&'c str> {
    if name.len() > NAME_LENGTH_MAX || !budget.take_name() {
        return None;
    }
    let most = 1 + name.len() / 6;
    let mut best = None;
    for (lower, shown) in candidates {
        // Names whose lengths differ more cannot be as near.
        if name.len().abs_diff(lower.len()) > most {
            continue;
        }
        if let Some(distance) = distance(name, lower, most)
            && best.is_none_or(|(least, _)| distance < least)
        {
            best = Some((distance, shown));
        }
    }
    best.map(|(_, shown)| shown)
}

/// How many bytes must be put in, taken out or changed; none if they are more than `most`.
pub(super) fn distance(one: &str, other: &str, most: usize) -> Option<usize> {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, byte) in one.bytes().enumerate() {
        let mut diagonal = number;
        let mut left = number + 1;
        let mut least = left;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (place, candidate) in row.iter_mut().skip(1).zip(other.bytes()) {
            let changed = diagonal + usize::from(byte != candidate);
            diagonal = *place;
            left = changed.min(left + 1).min(diagonal + 1);
            *place = left;
            least = least.min(left);
        }
        // What has come too far apart never comes nearer.
        if least > most {
            return None;
        }
    }
    row.last().copied().filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_changes() {
        for (one, other, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("getobjct", "getobject", 1),
            ("abc", "cab", 2),
            ("ab", "ba", 2),
        ] {
            assert_eq!(distance(one, other, 9), Some(expected), "{one} {other}");
            let less = expected.checked_sub(1);
            assert_eq!(less.and_then(|most| distance(one, other, most)), None);
        }
        let names = [("getobject", "GetObject"), ("putobject", "PutObject")];
        let budget = Budget::new();
        assert_eq!(nearest("getobjct", names.into_iter(), &budget), Some("GetObject"));
        assert_eq!(nearest("delete", names.into_iter(), &budget), None);
    }
}
