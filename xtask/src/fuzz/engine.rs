//! libFuzzer around the targets: built instrumented with the compiler's own passes, so that a stable
//! toolchain and a C++ compiler are all it takes.

use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Target;
use super::progress::Progress;
use crate::command;

/// Seconds after which an input counts as found because it hangs. Everything takes microseconds but
/// the worst documents; a busy machine must not raise an alarm.
const INPUT_SECONDS_MAX: u64 = 5;
/// Memory that the fuzzer may take, in MiB; most of it is the corpus in memory.
const MEMORY_MEBIBYTES_MAX: u64 = 1_024;
/// The largest single allocation, in MiB, which no input of a few kilobytes may need.
const ALLOCATION_MEBIBYTES_MAX: u64 = 64;

/// What cargo-fuzz passes, without a sanitizer, of which stable Rust has none: the code has no
/// `unsafe` for one to watch.
const INSTRUMENTATION: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// The built engine.
pub(super) struct Engine {
    pub(super) root: PathBuf,
    program: PathBuf,
    /// Where the fuzzer works: inputs found so far, which nobody has looked at.
    work: PathBuf,
}

impl Engine {
    /// Builds it, in a target folder of its own.
    ///
    /// # Errors
    /// When there is no C++ compiler, or something does not build.
    pub(super) fn build(root: &Path) -> Result<Engine, String> {
        if std::env::var_os("CXX").is_none() && !command::is_installed("c++") {
            return Err("libFuzzer is built with a C++ compiler, and there is no `c++`".to_owned());
        }
        let host = host(root)?;
        let target = target_folder(root)?.join("fuzz");
        // Named, the target keeps the flags away from build scripts and procedural macros.
        let arguments = ["build", "--profile", "fuzz", "-p", "iamd-fuzz", "--features", "engine"];
        let mut build = command::cargo(root, arguments);
        build.args(["--bin", "fuzz", "--target", &host]).arg("--target-dir").arg(&target);
        build.env("RUSTFLAGS", INSTRUMENTATION);
        command::run(build)?;
        let program = target.join(host).join("fuzz").join("fuzz");
        Ok(Engine { root: root.to_path_buf(), program, work: target.join("work") })
    }

    /// Searches for so many seconds, from everything that is kept or was found before.
    pub(super) fn search(&self, target: &Target, seconds: u64) -> Result<Progress, String> {
        let artifacts = target.artifacts(&self.root);
        let (found, corpus) = (self.found(target), target.corpus(&self.root));
        for folder in [&artifacts, &found, &corpus] {
            make(folder)?;
        }
        let mut search = self.command(target);
        search.args([&found, &corpus, &target.seeds(&self.root)]);
        search.args([
            format!("-max_total_time={seconds}"),
            format!("-max_len={}", target.length_max),
            format!("-timeout={INPUT_SECONDS_MAX}"),
            "-report_slow_units=1".to_owned(),
            format!("-rss_limit_mb={MEMORY_MEBIBYTES_MAX}"),
            format!("-malloc_limit_mb={ALLOCATION_MEBIBYTES_MAX}"),
            format!("-artifact_prefix={}/", artifacts.display()),
            "-print_final_stats=1".to_owned(),
        ]);
        let dictionary = self.root.join(format!("fuzz/dictionaries/{}.dict", target.name));
        if dictionary.is_file() {
            search.arg(format!("-dict={}", dictionary.display()));
        }
        println!("\n==== {}: {seconds} s", target.name);
        let mut child =
            search.stderr(Stdio::piped()).spawn().map_err(|error| self.broken(&error))?;
        let mut progress = Progress::default();
        if let Some(output) = child.stderr.take() {
            progress.follow(&target.name, BufReader::new(output));
        }
        let status = child.wait().map_err(|error| self.broken(&error))?;
        if !status.success() && progress.found.is_empty() {
            return Err(format!("the fuzzer ended with {status}, and left nothing behind"));
        }
        Ok(progress)
    }

    /// Copies into `folder` what covers more than is there, from the corpus and what was found.
    pub(super) fn merge(&self, target: &Target, folder: &Path) -> Result<(), String> {
        let mut merge = self.command(target);
        merge.args(["-set_cover_merge=1", &format!("-max_len={}", target.length_max)]);
        merge.arg(format!("-timeout={INPUT_SECONDS_MAX}"));
        merge.arg(format!("-artifact_prefix={}/", target.artifacts(&self.root).display()));
        merge.arg(folder).arg(target.corpus(&self.root)).arg(self.found(target));
        let status = merge.stderr(Stdio::null()).status().map_err(|error| self.broken(&error))?;
        if status.success() { Ok(()) } else { Err(format!("the merge ended with {status}")) }
    }

    /// A folder of its own for a step of the work, empty.
    pub(super) fn scratch(&self, target: &Target, step: &str) -> Result<PathBuf, String> {
        let folder = self.work.join(step).join(&target.name);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
        }
        make(&folder)?;
        Ok(folder)
    }

    fn found(&self, target: &Target) -> PathBuf {
        self.work.join("found").join(&target.name)
    }

    fn command(&self, target: &Target) -> Command {
        let mut command = Command::new(&self.program);
        command.env("IAMD_FUZZ_TARGET", &target.name).current_dir(&self.work);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn broken(&self, error: &std::io::Error) -> String {
        format!("cannot run `{}`: {error}", self.program.display())
    }
}

fn make(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder)
        .map_err(|error| format!("cannot make `{}`: {error}", folder.display()))
}

/// The platform that the compiler builds for by default.
fn host(root: &Path) -> Result<String, String> {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.arg("-vV").current_dir(root);
    let version = command::output(rustc)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say its host".to_owned())
}

fn target_folder(root: &Path) -> Result<PathBuf, String> {
    let metadata = command::cargo(root, ["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: serde_json::Value = serde_json::from_str(&command::output(metadata)?)
        .map_err(|error| format!("cargo metadata is not JSON: {error}"))?;
    let target = metadata.get("target_directory").and_then(|target| target.as_str());
    target.map(PathBuf::from).ok_or_else(|| "cargo metadata names no target directory".to_owned())
}
