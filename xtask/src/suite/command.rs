//! Child processes: without standard input, with their output shown as it comes.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// A call of the cargo that runs this task, at the root of the workspace.
pub(crate) fn cargo<A: AsRef<OsStr>>(
    root: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(root);
    command
}

/// Runs to the end.
///
/// # Errors
/// A message that shows the command line when it cannot be started or ends with a failure.
pub(crate) fn run(mut command: Command) -> Result<(), String> {
    let shown = shown(&command);
    println!("$ {shown}");
    let status = command.stdin(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{shown}` ended with {status}")),
        Err(error) => Err(format!("cannot run `{shown}`: {error}")),
    }
}

/// Runs to the end and gives what it printed on standard output.
///
/// # Errors
/// As [`run`].
pub(crate) fn output(mut command: Command) -> Result<String, String> {
    let shown = shown(&command);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cannot run `{shown}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{shown}` ended with {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{shown}` does not print UTF-8"))
}

/// Whether a program can be started by this name.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path).any(|folder| folder.join(&file).is_file())
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_of_commands_are_told_apart() {
        let root = Path::new(".");
        assert!(output(cargo(root, ["--version"])).unwrap().starts_with("cargo "));
        let failure = run(cargo(root, ["no-such-command-of-cargo"])).unwrap_err();
        assert!(failure.contains("no-such-command-of-cargo` ended with"), "{failure}");
        let absent = run(Command::new("no-such-program-anywhere")).unwrap_err();
        assert!(absent.starts_with("cannot run `no-such-program-anywhere`"), "{absent}");
        assert!(!is_installed("no-such-program-anywhere"));
    }
}
