//! Inputs that are taken apart: lines, so that seeds can be read and a mutation stays in its part.

/// The text before the first line break, and what follows.
pub(crate) fn line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

/// The first lines of a text, absent ones empty, and what follows.
pub(crate) fn lines<const COUNT: usize>(text: &str) -> ([&str; COUNT], &str) {
    let mut rest = text;
    let lines = std::array::from_fn(|_| {
        let (first, behind) = line(rest);
        rest = behind;
        first
    });
    (lines, rest)
}

/// A text as a JSON string, quotes included.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
