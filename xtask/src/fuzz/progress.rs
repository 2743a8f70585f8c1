//! What libFuzzer prints, read and passed on.

use std::io::BufRead;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How often progress is shown.
const INTERVAL: Duration = Duration::from_secs(15);

/// What a search has done.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) executions: u64,
    /// Edges of the control flow that were reached.
    pub(super) edges: u64,
    /// Edges with how often they were passed, and comparisons with how near they came.
    pub(super) features: u64,
    /// Inputs that failed, or that took long or much memory.
    pub(super) found: Vec<PathBuf>,
}

impl Progress {
    /// Reads to the end. Shows progress now and then, and everything about what is found.
    pub(super) fn follow(&mut self, name: &str, output: impl BufRead) {
        let mut shown = Instant::now();
        // What a target prints need not be UTF-8.
        for line in output.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            if self.read(&line) {
                if shown.elapsed() >= INTERVAL {
                    shown = Instant::now();
                    let Progress { executions, edges, features, .. } = self;
                    println!("{name}: {executions} executions, {edges} edges, {features} features");
                }
            } else if !CHATTER.iter().any(|start| line.trim_start().starts_with(start)) {
                println!("{line}");
            }
        }
    }

    /// Takes in a line; whether it was only about progress.
    fn read(&mut self, line: &str) -> bool {
        if let Some((_, file)) = line.split_once("Test unit written to ") {
            self.found.push(PathBuf::from(file.trim()));
            return false;
        }
        if let Some(executions) = line.strip_prefix("stat::number_of_executed_units:") {
            self.executions = executions.trim().parse().unwrap_or(self.executions);
            return true;
        }
        let Some(status) = line.strip_prefix('#') else { return line.starts_with("stat::") };
        let words: Vec<&str> = status.split_whitespace().collect();
        let number = |word: Option<&&str>| word.and_then(|word| word.parse().ok());
        let after = |label: &str| {
            let place = words.iter().position(|word| *word == label)?;
            number(words.get(place + 1))
        };
        self.executions = number(words.first()).unwrap_or(self.executions);
        self.edges = after("cov:").unwrap_or(self.edges);
        self.features = after("ft:").unwrap_or(self.features);
        true
    }
}

/// How lines begin that tell a reader nothing.
const CHATTER: [&str; 8] = [
    "INFO:",
    "WARNING: Failed to find",
    "NEW_FUNC",
    "Dictionary:",
    "Done ",
    "###### ",
    "\"",
    "MS:",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_the_engine_is_understood() {
        let output = "INFO: Seed: 1\n\
            #2\tINITED cov: 70 ft: 80 corp: 1/1b exec/s: 0 rss: 39Mb\n\
            #65536\tpulse  cov: 75 ft: 99 corp: 7/60b lim: 100 exec/s: 32768 rss: 50Mb\n\
            stat::number_of_executed_units: 70000\n\
            stat::peak_rss_mb: 50\n\
            artifact_prefix='x/'; Test unit written to x/crash-1\n";
        let mut progress = Progress::default();
        progress.follow("policy", output.as_bytes());
        let Progress { executions, edges, features, found } = progress;
        assert_eq!((executions, edges, features), (70_000, 75, 99));
        assert_eq!(found, [PathBuf::from("x/crash-1")]);
    }
}
