//! Rules for every kind of text: no paths of a build machine, no notes to oneself, no trailing space.

use super::File;

/// Where machines keep what belongs to one person or one build; apart, so that this is no finding.
const MACHINE_FOLDERS: [&str; 3] =
    [concat!("/", "home/"), concat!("/", "root/"), concat!("/", "work/")];
/// Notes to oneself.
const NOTES: [&str; 2] = [concat!("FIX", "ME"), concat!("XX", "X")];

/// Absolute paths that exist on one machine only.
pub(super) fn build_machine_paths(file: &File<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        for folder in MACHINE_FOLDERS {
            let absolute = line.match_indices(folder).any(|(place, _)| {
                let before = line.get(..place).and_then(|before| before.chars().next_back());
                // Behind a word it is the middle of some other path.
                before.is_none_or(|before| !before.is_alphanumeric() && !"_-.~}*".contains(before))
            });
            if absolute {
                let message = format!("`{folder}` is a folder of one machine");
                findings.push(file.finding(number + 1, message));
            }
        }
    }
    findings
}

/// Notes of the author to himself: an issue is the place for them.
pub(super) fn leftovers(file: &File<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        let words = line.split(|character: char| !character.is_alphanumeric() && character != '_');
        for note in words.filter(|word| NOTES.contains(word)) {
            let message = format!("`{note}` is left over: do it, or open an issue");
            findings.push(file.finding(number + 1, message));
        }
    }
    findings
}

/// White space at the end of lines.
pub(super) fn trailing_space(file: &File<'_>) -> Vec<String> {
    let lines = file.text.split('\n').enumerate();
    let trailing = lines.filter(|(_, line)| line.ends_with([' ', '\t', '\r']));
    trailing
        .map(|(number, _)| file.finding(number + 1, "white space at the end of the line"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File<'_> {
        File { path: "a.py", text }
    }

    #[test]
    fn absolute_paths_of_a_machine_are_found_and_parts_of_other_paths_are_not() {
        for folder in MACHINE_FOLDERS {
            let found = build_machine_paths(&file(&format!("ok\nopen(\"{folder}x\")\n"))).len();
            assert_eq!(found, 1, "{folder}");
            let inside = format!("see docs{folder}x and ./docs{folder}x\n");
            assert_eq!(build_machine_paths(&file(&inside)), Vec::<String>::new());
        }
    }

    #[test]
    fn notes_are_found_as_whole_words() {
        for note in NOTES {
            assert_eq!(leftovers(&file(&format!("# {note}: later\n"))).len(), 1);
            assert_eq!(leftovers(&file(&format!("AKIA{note}X\n"))), Vec::<String>::new());
        }
    }

    #[test]
    fn trailing_space_is_found_on_its_line() {
        let found = trailing_space(&file("a\nb \n\tc\t\nd\r\ne"));
        let lines: Vec<&str> =
            found.iter().map(|finding| finding.split(' ').next().unwrap()).collect();
        assert_eq!(lines, ["a.py:2:", "a.py:3:", "a.py:4:"]);
    }
}
