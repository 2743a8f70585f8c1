//! What proves something is compared in constant time.

use super::File;

/// Words of values whose comparison must not tell how much of them was right. Secrets are of the
/// type `Secret`, which compares itself in constant time.
const PROOFS: [&str; 4] = ["signature", "tag", "mac", "session_token"];
/// Crates in which such values occur.
const PLACES: [&str; 3] = ["crates/wire/src/sigv4/", "crates/core/src/", "crates/iamd/src/"];

/// Comparisons with `==` or `!=` of what one of the words is the last part of.
pub(super) fn check(file: &File<'_>, code: &str) -> Vec<String> {
    let is_test = file.path.contains("/tests") || file.path.ends_with("_tests.rs");
    if is_test || !PLACES.iter().any(|place| file.path.starts_with(place)) {
        return Vec::new();
    }
    let product = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut findings = Vec::new();
    for (number, line) in product.lines().enumerate() {
        for operator in [" == ", " != "] {
            let sides = line.split(operator).collect::<Vec<_>>();
            let compared = sides.windows(2).flat_map(|pair| match pair {
                [left, right] => vec![last_word(left), first_word(right)],
                _ => Vec::new(),
            });
            for word in compared {
                if PROOFS.contains(&word) {
                    let message =
                        format!("`{word}` is compared in variable time: use `subtle` or aws-lc-rs");
                    findings.push(file.finding(number + 1, message));
                }
            }
        }
    }
    findings
}

/// The last name of the path that an expression ends with: `tag` of `self.tag`, `key.tag()`.
fn last_word(text: &str) -> &str {
    let text = text.trim_end().trim_end_matches(['(', ')', '&', '*']);
    let start = text.rfind(|letter: char| !letter.is_alphanumeric() && letter != '_');
    start.map_or(text, |start| text.get(start + 1..).unwrap_or_default())
}

/// The last name of the path that an expression begins with.
fn first_word(text: &str) -> &str {
    let text = text.trim_start().trim_start_matches(['&', '*', '(']);
    let end = text.find(|letter: char| !letter.is_alphanumeric() && !"_.:".contains(letter));
    last_word(end.map_or(text, |end| text.get(..end).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proves_is_compared_in_constant_time() {
        let found = |path: &str, code: &str| check(&File { path, text: code }, code).len();
        let place = "crates/core/src/marker.rs";
        for line in [
            "if tag == expected {",
            "if expected != self.tag {",
            "known.signature() == claim.signature()",
            "return *mac == other;",
        ] {
            assert!(found(place, line) > 0, "{line}");
        }
        for line in [
            "if tag.len() == 16 {",
            "tag.ct_eq(expected).into()",
            "if staged == expected {",
            "let tag = other;",
        ] {
            assert_eq!(found(place, line), 0, "{line}");
        }
        assert_eq!(found("crates/policy/src/a.rs", "tag == other"), 0);
        let test = "fn a() {}\n#[cfg(test)]\nmod tests {\n    a.tag == b.tag\n}\n";
        assert_eq!(found(place, test), 0);
    }
}
