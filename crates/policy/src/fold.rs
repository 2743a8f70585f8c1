//! Comparing without regard to letter case.

/// Whether two texts are the same but for letter case, beyond ASCII too.
pub(crate) fn same(left: &str, right: &str) -> bool {
    if left.is_ascii() && right.is_ascii() {
        return left.eq_ignore_ascii_case(right);
    }
    left.chars().flat_map(char::to_lowercase).eq(right.chars().flat_map(char::to_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_does_not_count_anywhere() {
        assert!(same("Größe", "gRÖßE"));
        assert!(same("aws:UserName", "aws:username"));
        assert!(!same("ä", "a"));
        assert!(!same("ab", "abc"));
    }
}
