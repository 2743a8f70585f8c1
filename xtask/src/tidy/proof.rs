//! Tests that a page names as proof are there.

use super::File;
use super::link;

/// Pages whose tables name tests.
const PAGES: [&str; 1] = ["docs/attacks.md"];

/// Names of tests in code marks, in a table, that none of the files linked on the line has.
pub(super) fn missing(file: &File<'_>, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    if !PAGES.contains(&file.path) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        let proof = line.rsplit('|').nth(1).filter(|_| line.starts_with('|')).unwrap_or_default();
        let sources: Vec<String> = link::targets(proof)
            .filter_map(|target| read(&link::resolve(file.path, target)?))
            .collect();
        for name in names(proof) {
            let is_there = [format!("fn {name}("), format!("def {name}(")]
                .iter()
                .any(|head| sources.iter().any(|source| source.contains(head.as_str())));
            if !is_there {
                let message = format!("there is no test `{name}` in the linked files");
                findings.push(file.finding(number + 1, message));
            }
        }
    }
    findings
}

/// What stands between code marks and looks like the name of a test.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |word: &&str| {
        word.contains('_')
            && word.chars().all(|letter| {
                letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_'
            })
    };
    text.split('`').skip(1).step_by(2).filter(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_not_there_is_found() {
        let read =
            |path: &str| (path == "crates/a.rs").then(|| "fn a_bomb_is_refused() {}".to_owned());
        let found = |line: &str| missing(&File { path: "docs/attacks.md", text: line }, read).len();
        assert_eq!(found("| bombs | `a_bomb_is_refused` in [a.rs](../crates/a.rs) |"), 0);
        assert_eq!(found("| bombs | `a_bomb_is_served` in [a.rs](../crates/a.rs) |"), 1);
        assert_eq!(found("| bombs | `a_bomb_is_refused` in [b.rs](../crates/b.rs) |"), 1);
        assert_eq!(found("| `not_a_test` | none |"), 0, "only the last column is proof");
    }
}
