//! The task `fuzz`: coverage-guided fuzzing of everything that strangers send, with libFuzzer.
//!
//! The targets are functions of the crate under `fuzz/`, whose tests replay what is kept here.

mod corpus;
mod engine;
mod progress;

use std::path::{Path, PathBuf};

use crate::command;
use engine::Engine;
use progress::Progress;

/// Command line of the task.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Seconds for each target.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Runs one input through the target, without instrumentation, and ends.
    #[arg(long, value_name = "FILE")]
    reproduce: Option<PathBuf>,
    /// The targets; all of them by default.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

/// Runs the task.
pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let root = crate::workspace_root()?;
    let targets = chosen(targets(&root)?, &arguments.targets)?;
    if let Some(file) = &arguments.reproduce {
        let [target] = targets.as_slice() else {
            return Err("an input is for one target: name it".to_owned());
        };
        return reproduce(&root, target, file);
    }
    let engine = Engine::build(&root)?;
    let mut done = Vec::new();
    for target in targets {
        let progress = engine.search(&target, arguments.seconds)?;
        let kept = corpus::keep(&engine, &target)?;
        done.push((target, progress, kept));
    }
    summary(&root, &done)
}

/// A target, as the crate under `fuzz/` lists it.
struct Target {
    name: String,
    /// Longest input, in bytes.
    length_max: usize,
}

/// The folders of a target under `fuzz/`.
impl Target {
    fn seeds(&self, root: &Path) -> PathBuf {
        root.join("fuzz/seeds").join(&self.name)
    }

    fn corpus(&self, root: &Path) -> PathBuf {
        root.join("fuzz/corpus").join(&self.name)
    }

    fn artifacts(&self, root: &Path) -> PathBuf {
        root.join("fuzz/artifacts").join(&self.name)
    }
}

fn targets(root: &Path) -> Result<Vec<Target>, String> {
    let list = command::output(command::cargo(root, [&REPLAY[..], &["--list"]].concat()))?;
    let target = |line: &str| {
        let (name, length) = line.split_once(' ')?;
        Some(Target { name: name.to_owned(), length_max: length.parse().ok()? })
    };
    let targets: Option<Vec<Target>> = list.lines().map(target).collect();
    targets.ok_or_else(|| "the list of targets cannot be read".to_owned())
}

/// The program that replays without instrumentation.
const REPLAY: [&str; 7] = ["run", "-q", "-p", "iamd-fuzz", "--bin", "replay", "--"];

fn chosen(all: Vec<Target>, only: &[String]) -> Result<Vec<Target>, String> {
    if let Some(unknown) = only.iter().find(|name| all.iter().all(|target| target.name != **name)) {
        let names: Vec<&str> = all.iter().map(|target| target.name.as_str()).collect();
        return Err(format!("there is no target `{unknown}`; there are {}", names.join(", ")));
    }
    let is_wanted = |target: &Target| only.is_empty() || only.contains(&target.name);
    Ok(all.into_iter().filter(is_wanted).collect())
}

fn reproduce(root: &Path, target: &Target, file: &Path) -> Result<(), String> {
    let file = std::path::absolute(file).map_err(|error| error.to_string())?;
    let mut replay = command::cargo(root, REPLAY);
    replay.arg(&target.name).arg(file);
    command::run(replay)
}

/// Prints what was done; an error if something was found.
fn summary(root: &Path, done: &[(Target, Progress, corpus::Kept)]) -> Result<(), String> {
    println!(
        "\n{:<10} {:>12} {:>8} {:>9} {:>6} {:>8}  found",
        "target", "executions", "edges", "features", "files", "bytes"
    );
    for (target, progress, kept) in done {
        let Progress { executions, edges, features, .. } = progress;
        let found = if progress.found.is_empty() { "nothing" } else { "SOMETHING" };
        let (name, corpus::Kept { files, bytes }) = (&target.name, kept);
        println!(
            "{name:<10} {executions:>12} {edges:>8} {features:>9} {files:>6} {bytes:>8}  {found}"
        );
    }
    let mut count = 0;
    for (target, progress, _) in done {
        for file in &progress.found {
            let file = file.strip_prefix(root).unwrap_or(file);
            println!("cargo xtask fuzz --reproduce {} {}", file.display(), target.name);
            count += 1;
        }
    }
    if count == 0 {
        Ok(())
    } else {
        Err(format!("{count} inputs found; the lines above reproduce them"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Vec<Target> {
        let target = |name: &str| Target { name: name.to_owned(), length_max: 1 };
        vec![target("a"), target("b")]
    }

    #[test]
    fn targets_are_chosen_by_name() {
        assert_eq!(chosen(some(), &[]).unwrap().len(), 2);
        let one = chosen(some(), &["b".to_owned()]).unwrap();
        assert_eq!(one.iter().map(|target| &*target.name).collect::<Vec<_>>(), ["b"]);
        let unknown = chosen(some(), &["c".to_owned()]).err().unwrap();
        assert_eq!(unknown, "there is no target `c`; there are a, b");
    }

    #[test]
    fn what_was_found_makes_the_run_fail() {
        let done = |found: Vec<PathBuf>| {
            let target = Target { name: "a".to_owned(), length_max: 1 };
            [(target, Progress { found, ..Progress::default() }, corpus::Kept::default())]
        };
        assert_eq!(summary(Path::new("/"), &done(Vec::new())), Ok(()));
        assert!(summary(Path::new("/"), &done(vec![PathBuf::from("crash-1")])).is_err());
    }
}
