//! The task `tidy`: house rules that the compiler does not check.
//!
//! Each rule is a pure function from a file's path and text to findings, so that each has its test.

mod allowed;
mod constant_time;
mod function;
mod link;
mod mask;
mod proof;
mod prose;
mod rust;

use std::fs;
use std::path::{Path, PathBuf};

use allowed::Allowed;

/// Command line of the task.
#[derive(clap::Args)]
pub(crate) struct Arguments {}

/// Runs the task.
pub(crate) fn run(_arguments: &Arguments) -> Result<(), String> {
    let root = crate::workspace_root()?;
    let allow_list = read(&root.join(ALLOW_LIST))?;
    let mut allowed = Allowed::parse(ALLOW_LIST, &allow_list)?;
    let mut findings = Vec::new();
    let files = files(&root)?;
    for path in &files {
        if !is_text(path) {
            continue;
        }
        let text = read(&root.join(path))?;
        let file = File { path, text: &text };
        findings.extend(check(&root, &file, &mut allowed));
    }
    findings.extend(allowed.unneeded());
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => {
            println!("tidy: {} files, nothing to tidy", files.len());
            Ok(())
        }
        count => Err(format!("{count} findings; the rules are in xtask/src/tidy")),
    }
}

/// Where exceptions are listed; the list only shrinks.
const ALLOW_LIST: &str = "xtask/tidy.allow";

/// Folders that hold nothing of ours.
const SKIPPED_FOLDERS: [&str; 8] = [
    ".git",
    ".venv",
    ".pytest_cache",
    "__pycache__",
    "iamd-data",
    "node_modules",
    "proptest-regressions",
    "target",
];

/// Endings of the files that are read.
const TEXT_ENDINGS: [&str; 12] =
    ["rs", "py", "md", "toml", "sh", "yml", "yaml", "js", "css", "html", "tf", "allow"];

/// A file of the workspace.
struct File<'a> {
    /// Its path below the root, with `/` between the parts.
    path: &'a str,
    text: &'a str,
}

impl File<'_> {
    fn ends_with(&self, ending: &str) -> bool {
        Path::new(self.path).extension().is_some_and(|found| found == ending)
    }

    /// Whether a machine wrote it.
    fn is_generated(&self) -> bool {
        self.path.split('/').any(|part| part == "generated")
    }

    fn finding(&self, line: usize, message: impl Into<String>) -> String {
        format!("{}:{line}: {}", self.path, message.into())
    }
}

/// All findings of one file.
fn check(root: &Path, file: &File<'_>, allowed: &mut Allowed) -> Vec<String> {
    let mut findings = prose::build_machine_paths(file);
    findings.extend(prose::leftovers(file));
    if file.ends_with("py") || file.ends_with("md") {
        findings.extend(prose::trailing_space(file));
    }
    if file.ends_with("md") {
        let exists = |target: &str| root.join(target).exists();
        findings.extend(link::broken(file, exists));
        findings.extend(proof::missing(file, |path| read(&root.join(path)).ok()));
    }
    if file.ends_with("rs") && !file.is_generated() {
        findings.extend(rust::check(file, allowed));
    }
    findings
}

fn is_text(path: &str) -> bool {
    let ending = Path::new(path).extension().and_then(|ending| ending.to_str());
    path.starts_with(".ci/") || ending.is_some_and(|ending| TEXT_ENDINGS.contains(&ending))
}

/// All files of the workspace, sorted, by their paths below its root.
fn files(root: &Path) -> Result<Vec<String>, String> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| cannot_read(&folder, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| cannot_read(&folder, &error))?;
            let kind = entry.file_type().map_err(|error| cannot_read(&entry.path(), &error))?;
            let name = entry.file_name();
            // Not only folders: in a work tree of git, `.git` is a file.
            if SKIPPED_FOLDERS.iter().any(|skipped| name == *skipped) {
                continue;
            }
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.extend(below(root, &entry.path()));
            }
        }
    }
    files.sort();
    Ok(files)
}

fn below(root: &Path, path: &Path) -> Option<String> {
    let parts: PathBuf = path.strip_prefix(root).ok()?.to_path_buf();
    let parts: Option<Vec<&str>> = parts.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| cannot_read(path, &error))
}

fn cannot_read(path: &Path, error: &std::io::Error) -> String {
    format!("cannot read `{}`: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_found_without_what_others_made() {
        let root = crate::workspace_root().unwrap();
        let files = files(&root).unwrap();
        assert!(files.iter().any(|path| path == "xtask/src/tidy.rs"));
        let foreign = |path: &&String| path.split('/').any(|part| SKIPPED_FOLDERS.contains(&part));
        assert_eq!(files.iter().find(foreign), None);
    }

    #[test]
    fn endings_and_generated_files_are_known_by_their_path() {
        let file = File { path: "crates/wire/src/generated/iam/mod.rs", text: "" };
        assert!(file.is_generated() && file.ends_with("rs") && !file.ends_with("md"));
        assert!(!File { path: "crates/wire/src/regenerated.rs", text: "" }.is_generated());
        assert!(is_text(".ci/run") && is_text("README.md") && !is_text("crates/core/data/x.cbor"));
    }
}
