//! The task `test`: sets up what the tests need and runs all of them, on a bare machine too.

pub(crate) mod command;
mod peers;
mod python;
mod steps;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use steps::{STEPS, Step};

/// Command line of the task.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Runs the remaining steps after one has failed.
    #[arg(long)]
    keep_going: bool,
    /// Runs only this step; may be given several times.
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Lists the steps and runs none.
    #[arg(long)]
    list: bool,
}

/// Runs the task.
pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let steps = chosen(&arguments.only)?;
    if arguments.list {
        for step in steps {
            println!("{:<12} {}", step.name, step.about);
        }
        return Ok(());
    }
    let workspace = Workspace::find()?;
    let mut report = Report::default();
    for step in steps {
        let outcome = report.run(step, &workspace);
        if outcome.is_err() && !arguments.keep_going {
            break;
        }
    }
    report.finish()
}

/// Where things are.
struct Workspace {
    root: PathBuf,
    /// Cargo's target folder.
    target: PathBuf,
}

impl Workspace {
    fn find() -> Result<Workspace, String> {
        let root = crate::workspace_root()?;
        let metadata = command::cargo(&root, ["metadata", "--no-deps", "--format-version", "1"]);
        let metadata = command::output(metadata)?;
        let metadata: serde_json::Value = serde_json::from_str(&metadata)
            .map_err(|error| format!("cargo metadata is not JSON: {error}"))?;
        let target = metadata.get("target_directory").and_then(|target| target.as_str());
        let target = target.ok_or("cargo metadata names no target directory")?;
        Ok(Workspace { root, target: PathBuf::from(target) })
    }

    /// A program that cargo has built.
    fn built(&self, profile_folder: &str, name: &str) -> PathBuf {
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        self.target.join(profile_folder).join(Path::new(&file))
    }
}

/// The steps of these names, in the order of the list; all without names.
fn chosen(only: &[String]) -> Result<Vec<&'static Step>, String> {
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        return Err(format!("there is no step `{unknown}`; there are {}", names.join(", ")));
    }
    let wanted = |step: &&Step| only.is_empty() || only.iter().any(|name| name == step.name);
    Ok(STEPS.iter().filter(wanted).collect())
}

/// What has been run, and how it went.
#[derive(Default)]
struct Report {
    done: Vec<(&'static str, Duration, Result<(), String>)>,
}

impl Report {
    fn run(&mut self, step: &'static Step, workspace: &Workspace) -> Result<(), String> {
        println!("\n==== {}: {}", step.name, step.about);
        let start = Instant::now();
        let outcome = (step.run)(workspace);
        let taken = start.elapsed();
        match &outcome {
            Ok(()) => println!("==== {}: passed in {:.1} s", step.name, taken.as_secs_f64()),
            Err(message) => {
                println!(
                    "==== {}: FAILED after {:.1} s: {message}",
                    step.name,
                    taken.as_secs_f64()
                );
            }
        }
        self.done.push((step.name, taken, outcome.clone()));
        outcome
    }

    /// Prints the summary; an error if any step failed.
    fn finish(&self) -> Result<(), String> {
        println!();
        for (name, taken, outcome) in &self.done {
            let word = if outcome.is_ok() { "passed" } else { "FAILED" };
            println!("{word:<6} {name:<12} {:>7.1} s", taken.as_secs_f64());
        }
        let failed = self.done.iter().filter(|(_, _, outcome)| outcome.is_err()).count();
        let summary = format!("{} passed, {failed} failed", self.done.len() - failed);
        println!("{summary}");
        if failed == 0 { Ok(()) } else { Err(summary) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_chosen_in_the_order_of_the_list() {
        let names = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
            chosen(&only).map(|steps| steps.iter().map(|step| step.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["tidy", "format"]).unwrap(), ["format", "tidy"]);
        assert_eq!(names(&[]).unwrap().len(), STEPS.len());
        assert!(names(&["tidy", "nothing"]).unwrap_err().contains("no step `nothing`"));
    }

    #[test]
    fn a_failed_step_makes_the_whole_run_fail() {
        let mut report = Report::default();
        report.done.push(("a", Duration::ZERO, Ok(())));
        assert_eq!(report.finish(), Ok(()));
        report.done.push(("b", Duration::ZERO, Err("broken".to_owned())));
        assert_eq!(report.finish(), Err("1 passed, 1 failed".to_owned()));
    }
}
