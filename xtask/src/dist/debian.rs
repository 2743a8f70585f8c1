//! The Debian package.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{failed, install};
use crate::command;

/// Makes the package of a tree that belongs below `/usr`.
///
/// # Errors
/// A message that says what failed.
pub(super) fn package(root: &Path, tree: &Path, out: &Path) -> Result<(), String> {
    let sources = root.join("packaging");
    let stage = out.join("debian");
    let mut copy = Command::new("cp");
    fs::create_dir_all(&stage).map_err(|error| failed(&stage, &error))?;
    copy.arg("-a").arg(tree).arg(stage.join("usr"));
    command::run(copy)?;
    install(&sources.join("iamd.toml"), &stage.join("etc/iamd/iamd.toml"), 0o644)?;
    for (file, mode) in
        [("conffiles", 0o644), ("postinst", 0o755), ("prerm", 0o755), ("postrm", 0o755)]
    {
        install(&sources.join("debian").join(file), &stage.join("DEBIAN").join(file), mode)?;
    }
    let template = sources.join("debian").join("control");
    let text = fs::read_to_string(&template).map_err(|error| failed(&template, &error))?;
    let program = tree.join("bin").join("iamd");
    let program = fs::read(&program).map_err(|error| failed(&program, &error))?;
    let control = stage.join("DEBIAN").join("control");
    let text = filled(
        &text,
        &[
            ("version", env!("CARGO_PKG_VERSION")),
            ("architecture", architecture()?),
            ("installed_size", &(kibibytes(&stage)?.to_string())),
            (
                "libc",
                &libc_version(&program).ok_or("the program names no version of the C library")?,
            ),
            ("homepage", env!("CARGO_PKG_REPOSITORY")),
        ],
    );
    fs::write(&control, text).map_err(|error| failed(&control, &error))?;
    let mut build = Command::new("dpkg-deb");
    build.args(["--root-owner-group", "-Zxz", "--build"]).arg(&stage).arg(out);
    build.env("SOURCE_DATE_EPOCH", "0");
    command::run(build)?;
    fs::remove_dir_all(&stage).map_err(|error| failed(&stage, &error))
}

fn filled(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = template.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}

fn architecture() -> Result<&'static str, String> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64"),
        other => Err(format!("Debian's name of the architecture `{other}` is not known here")),
    }
}

fn kibibytes(folder: &Path) -> Result<u64, String> {
    let mut sum = 0;
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
        let path = entry.map_err(|error| failed(folder, &error))?.path();
        let metadata = path.symlink_metadata().map_err(|error| failed(&path, &error))?;
        sum += if metadata.is_dir() { kibibytes(&path)? } else { metadata.len().div_ceil(1024) };
    }
    Ok(sum)
}

/// The newest version of the C library that a program asks for: the names of symbol versions stand
/// in it as text.
fn libc_version(program: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"GLIBC_2.";
    let digits = |rest: &[u8]| {
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        std::str::from_utf8(rest.get(..count)?).ok()?.parse::<u32>().ok()
    };
    let versions = program.windows(NAME.len()).enumerate().filter(|(_, bytes)| *bytes == NAME);
    let minor =
        versions.filter_map(|(place, _)| digits(program.get(place + NAME.len()..)?)).max()?;
    Some(format!("2.{minor}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_symbol_version_counts() {
        let program = b"..GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.17\0GLIBC_2.\0GLIBC_2.9";
        assert_eq!(libc_version(program).as_deref(), Some("2.34"));
        assert_eq!(libc_version(b"static"), None);
    }

    #[test]
    fn templates_are_filled() {
        assert_eq!(filled("a {x} {y}", &[("x", "1"), ("y", "2")]), "a 1 2");
    }
}
