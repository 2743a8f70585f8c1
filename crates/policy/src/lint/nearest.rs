//! The nearest of the names that exist.

/// Longest name that is compared, in bytes; no name of AWS is longer.
const NAME_LENGTH_MAX: usize = 128;

/// The candidate that differs least from a name, if it is near enough to be meant.
pub(super) fn nearest<'c>(
    name: &str,
    candidates: impl Iterator<Item = (&'c str, &'c str)>,
) -> Option<&'c str> {
    if name.len() > NAME_LENGTH_MAX {
        return None;
    }
    let most = 1 + name.len() / 6;
    // Each character that one has more is a change; candidates are ASCII.
    let length = name.chars().count();
    let comparable = candidates.filter(|(lower, _)| lower.len().abs_diff(length) <= most);
    let measured = comparable.map(|(lower, shown)| (distance(name, lower), shown));
    measured
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, shown)| shown)
}

/// How many characters must be put in, taken out or changed.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, character) in one.chars().enumerate() {
        let mut diagonal = number;
        let mut left = number + 1;
        let mut next = vec![left];
        for (above, candidate) in row.iter().skip(1).zip(&other) {
            let changed = diagonal + usize::from(character != *candidate);
            left = changed.min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
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
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
        let names = [("getobject", "GetObject"), ("putobject", "PutObject")];
        assert_eq!(nearest("getobjct", names.into_iter()), Some("GetObject"));
        assert_eq!(nearest("delete", names.into_iter()), None);
    }
}
