//! Rules for Rust sources: length of functions and files, names of modules, leftovers, first lines.

use super::File;
use super::allowed::Allowed;
use super::function::{block_end, functions};
use super::{constant_time, mask};

/// Longest function, in lines of its body.
const FUNCTION_LINES_MAX: usize = 70;
/// Longest file, in lines, test modules not counted.
const FILE_LINES_MAX: usize = 500;
/// Names that say nothing about what is in a module.
const EMPTY_NAMES: [&str; 8] =
    ["util", "utils", "misc", "common", "manager", "managers", "helper", "helpers"];
/// Macros that are for the moment of writing only; apart, so that this line is no finding.
const LEFTOVER_MACROS: [&str; 2] = [concat!("dbg", "!"), concat!("todo", "!")];

/// All findings of one Rust file.
pub(super) fn check(file: &File<'_>, allowed: &mut Allowed) -> Vec<String> {
    let code = mask::code(file.text);
    let mut findings = long_functions(file, &code, allowed);
    findings.extend(long_file(file, &code, allowed));
    findings.extend(empty_names(file, &code));
    findings.extend(leftover_macros(file, &code));
    findings.extend(constant_time::check(file, &code));
    findings.extend(undocumented(file));
    findings
}

fn long_functions(file: &File<'_>, code: &str, allowed: &mut Allowed) -> Vec<String> {
    let long = functions(code).into_iter().filter(|found| found.body_lines > FUNCTION_LINES_MAX);
    let forbidden = long.filter(|found| !allowed.permits(file.path, &found.name));
    forbidden
        .map(|found| {
            let message = format!(
                "function `{}` has {} lines, {FUNCTION_LINES_MAX} are the limit: split it",
                found.name, found.body_lines
            );
            file.finding(found.line, message)
        })
        .collect()
}

fn long_file(file: &File<'_>, code: &str, allowed: &mut Allowed) -> Option<String> {
    let lines = product_lines(file.path, code);
    if lines <= FILE_LINES_MAX || allowed.permits(file.path, Allowed::WHOLE_FILE) {
        return None;
    }
    let message = format!(
        "{lines} lines without tests, {FILE_LINES_MAX} are the limit: look for the second subject"
    );
    Some(file.finding(1, message))
}

/// Lines of a file that are not test code.
fn product_lines(path: &str, code: &str) -> usize {
    let is_test_file = path.split('/').any(|part| {
        let name = part.strip_suffix(".rs").unwrap_or(part);
        name == "tests" || name.ends_with("_tests") || name == "benches" || name == "examples"
    });
    if is_test_file {
        return 0;
    }
    let mut lines = code.lines().count();
    for (place, attribute) in code.match_indices("#[cfg(test)]") {
        let rest = code.get(place + attribute.len()..).unwrap_or_default();
        let module = rest.trim_start();
        let module = module.strip_prefix("pub(crate) ").unwrap_or(module);
        // Only modules: a file may have single test functions among its code.
        if module.starts_with("mod ")
            && let Some(open) = rest.find(['{', ';'])
            && let Some(block) = rest.get(open..)
        {
            let skipped = block_end(block).and_then(|end| block.get(..end));
            lines -= skipped.unwrap_or_default().matches('\n').count();
        }
    }
    lines
}

fn empty_names(file: &File<'_>, code: &str) -> Vec<String> {
    let parts = file.path.split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part));
    let named: Vec<&str> = parts.filter(|part| EMPTY_NAMES.contains(part)).collect();
    let mut findings: Vec<String> = named.iter().map(|name| file.finding(1, empty(name))).collect();
    for (number, line) in code.lines().enumerate() {
        let mut words = line.split_whitespace().skip_while(|word| *word != "mod").skip(1);
        let name = words.next().map(|word| word.trim_end_matches(['{', ';']));
        if let Some(name) = name.filter(|name| EMPTY_NAMES.contains(name)) {
            findings.push(file.finding(number + 1, empty(name)));
        }
    }
    findings
}

fn empty(name: &str) -> String {
    format!("a module named `{name}` says nothing about its subject: name the subject")
}

fn leftover_macros(file: &File<'_>, code: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in code.lines().enumerate() {
        for leftover in LEFTOVER_MACROS {
            let before = line.find(leftover).and_then(|place| line.get(..place));
            let last = before.map(|before| before.chars().next_back());
            if last
                .is_some_and(|last| last.is_none_or(|last| !last.is_alphanumeric() && last != '_'))
            {
                findings.push(file.finding(number + 1, format!("`{leftover}` is left over")));
            }
        }
    }
    findings
}

/// Every source file says in its first line what it is about.
fn undocumented(file: &File<'_>) -> Option<String> {
    let begins = file.text.starts_with("//! ");
    (!begins)
        .then(|| file.finding(1, "the first line does not say what the file is about (`//! ..`)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str, allow_list: &str) -> Vec<String> {
        let mut allowed = Allowed::parse("allow", allow_list).unwrap();
        check(&File { path, text }, &mut allowed)
    }

    fn function_of(lines: usize) -> String {
        format!("//! Doc.\nfn long() {{\n{}}}\n", "    step();\n".repeat(lines))
    }

    #[test]
    fn a_function_of_seventy_lines_passes_and_one_more_fails() {
        assert_eq!(findings("crates/a/src/b.rs", &function_of(70), ""), Vec::<String>::new());
        let found = findings("crates/a/src/b.rs", &function_of(71), "");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/a/src/b.rs:2: function `long` has 71 lines"));
        let allow_list = "crates/a/src/b.rs long\n";
        assert_eq!(
            findings("crates/a/src/b.rs", &function_of(71), allow_list),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_file_of_five_hundred_lines_passes_and_one_more_fails() {
        let file = |lines: usize| format!("//! Doc.\n{}", "const A: u8 = 1;\n".repeat(lines - 1));
        assert_eq!(findings("a.rs", &file(500), ""), Vec::<String>::new());
        assert_eq!(findings("a.rs", &file(501), "").len(), 1);
        assert_eq!(findings("src/tests.rs", &file(501), ""), Vec::<String>::new());
        assert_eq!(findings("a.rs", &file(501), "a.rs *\n"), Vec::<String>::new());
    }

    #[test]
    fn inline_test_modules_do_not_count_as_product_lines() {
        let text = format!(
            "//! Doc.\n{}#[cfg(test)]\nmod tests {{\n{}}}\n",
            "const A: u8 = 1;\n".repeat(450),
            "const B: u8 = 1;\n".repeat(450)
        );
        assert_eq!(findings("a.rs", &text, ""), Vec::<String>::new());
        let without_attribute = text.replace("#[cfg(test)]\n", "");
        assert_eq!(findings("a.rs", &without_attribute, "").len(), 1);
    }

    #[test]
    fn modules_need_a_name_that_says_something() {
        for path in ["crates/a/src/util.rs", "crates/a/src/common/name.rs"] {
            assert_eq!(findings(path, "//! Doc.\n", "").len(), 1, "{path}");
        }
        assert_eq!(findings("a.rs", "//! Doc.\npub(crate) mod helpers {\n}\n", "").len(), 1);
        assert_eq!(findings("utility.rs", "//! Doc.\nmod commons;\n", ""), Vec::<String>::new());
    }

    #[test]
    fn leftover_macros_are_found_in_code_and_not_in_words_about_them() {
        for leftover in LEFTOVER_MACROS {
            let text = format!("//! Doc.\nfn a() {{\n    {leftover}(1);\n}}\n");
            assert_eq!(findings("a.rs", &text, "").len(), 1, "{text}");
            let text = format!(
                "//! Doc.\n// A comment about {leftover}.\nconst A: &str = \"{leftover}\";\n"
            );
            assert_eq!(findings("a.rs", &text, ""), Vec::<String>::new());
        }
    }

    #[test]
    fn the_first_line_says_what_the_file_is_about() {
        assert_eq!(findings("a.rs", "use std::fs;\n", "").len(), 1);
        assert_eq!(findings("a.rs", "//! About.\n", ""), Vec::<String>::new());
    }
}
