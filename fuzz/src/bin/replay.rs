//! Runs one input through a target, without instrumentation: `replay TARGET FILE`. `replay --list`
//! prints the targets, each with the length of its longest input.

use std::process::ExitCode;

use iamd_fuzz::{TARGETS, Target};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (name, file) = (arguments.next().unwrap_or_default(), arguments.next());
    if name == "--list" {
        TARGETS.iter().for_each(|target| println!("{} {}", target.name, target.length_max));
        return ExitCode::SUCCESS;
    }
    let (Some(target), Some(file)) = (Target::find(&name), file) else {
        eprintln!("usage: replay TARGET FILE; `replay --list` prints the targets");
        return ExitCode::from(2);
    };
    match std::fs::read(&file) {
        Ok(input) => (target.run)(&input),
        Err(error) => {
            eprintln!("cannot read `{file}`: {error}");
            return ExitCode::from(2);
        }
    }
    println!("{name}: nothing is wrong");
    ExitCode::SUCCESS
}
