//! The Python environment of the end-to-end tests: `.venv` with exactly the pinned packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::peers;
use crate::command;

/// What must be installed.
const REQUIREMENTS: &str = "tests/requirements.txt";
/// Oldest Python that the tests are written for.
const VERSION_MIN: (u32, u32) = (3, 11);

/// The Python of the environment, which is made if it is missing or holds other packages.
///
/// # Errors
/// A message that says what is missing on this machine.
pub(super) fn environment(root: &Path) -> Result<PathBuf, String> {
    let requirements = root.join(REQUIREMENTS);
    let wanted = fs::read_to_string(&requirements)
        .map_err(|error| format!("cannot read `{}`: {error}", requirements.display()))?;
    let folder = root.join(".venv");
    let python = folder.join("bin").join("python");
    // Written last, so that an interrupted installation is no installation.
    let stamp = folder.join("installed.txt");
    let installed = fs::read_to_string(&stamp).unwrap_or_default();
    if installed == wanted && works(&python) {
        return Ok(python);
    }
    create(root, &folder)?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    install.args(["--no-deps", "--requirement"]).arg(&requirements);
    command::run(install)?;
    let mut check = Command::new(&python);
    check.args(["-m", "pip", "--disable-pip-version-check", "check"]);
    command::run(check)?;
    fs::write(&stamp, wanted)
        .map_err(|error| format!("cannot write `{}`: {error}", stamp.display()))?;
    Ok(python)
}

fn works(python: &Path) -> bool {
    let mut probe = Command::new(python);
    probe.args(["-c", ""]);
    python.is_file() && command::output(probe).is_ok()
}

fn create(root: &Path, folder: &Path) -> Result<(), String> {
    let python = system_python(root)?;
    let make = || {
        let mut make = Command::new(python);
        make.args(["-m", "venv", "--clear"]).arg(folder);
        make
    };
    // Debian keeps the module apart from Python itself.
    command::run(make()).or_else(|message| {
        if peers::may_install() && peers::install("python3-venv") {
            command::run(make())
        } else {
            Err(format!("{message}; install Python's module `venv` (Debian: python3-venv)"))
        }
    })
}

fn system_python(root: &Path) -> Result<&'static str, String> {
    let (major, minor) = VERSION_MIN;
    for python in ["python3.11", "python3", "python"] {
        if !command::is_installed(python) {
            continue;
        }
        let mut probe = Command::new(python);
        probe.current_dir(root);
        probe.args(["-c", "import sys; print(*sys.version_info[:2])"]);
        let version = command::output(probe).unwrap_or_default();
        if parse_version(&version).is_some_and(|version| version >= VERSION_MIN) {
            return Ok(python);
        }
    }
    Err(format!("Python {major}.{minor} or newer is not installed"))
}

fn parse_version(printed: &str) -> Option<(u32, u32)> {
    let mut numbers = printed.split_whitespace().map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_numbers() {
        assert_eq!(parse_version("3 11\n"), Some((3, 11)));
        assert!(parse_version("3 9").unwrap() < VERSION_MIN);
        assert!(parse_version("3 14").unwrap() > VERSION_MIN);
        for wrong in ["", "3", "three eleven"] {
            assert_eq!(parse_version(wrong), None, "{wrong}");
        }
    }
}
