//! Relative links of Markdown files lead to something.

use super::File;

/// Links to files that are not there; `exists` is asked with paths below the root.
pub(super) fn broken(file: &File<'_>, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut findings = Vec::new();
    let mut in_code = false;
    for (number, line) in file.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for target in targets(line) {
            let leads = resolve(file.path, target).is_some_and(|path| exists(&path));
            if !leads {
                findings
                    .push(file.finding(number + 1, format!("the link `{target}` leads nowhere")));
            }
        }
    }
    findings
}

/// The relative targets of a line's links, without their fragments.
pub(super) fn targets(line: &str) -> impl Iterator<Item = &str> {
    let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let paths = links.filter(|link| !link.contains("://") && !link.starts_with("mailto:"));
    paths.filter_map(|link| link.split(['#', ' ']).next()).filter(|path| !path.is_empty())
}

/// A link's target below the root; none if it leaves the root.
pub(super) fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    if target.starts_with('/') {
        parts.clear();
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let there = ["docs/a.md", "README.md", "docs/pictures/b.svg"];
        broken(&File { path: "docs/a.md", text }, |path| there.contains(&path))
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        for text in [
            "[a](a.md) and [readme](../README.md#part) and ![b](pictures/b.svg)",
            "[out](https://example.com/x) [mail](mailto:a@example.com) [here](#part)",
            "```\n[code](nowhere.md)\n```",
            "[root](/README.md)",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn links_that_lead_nowhere_or_out_of_the_root_fail() {
        for text in ["[x](b.md)", "[x](../../README.md)", "[x](../docs/README.md)"] {
            assert_eq!(found(text).len(), 1, "{text}");
        }
    }
}
