//! The task `dist`: what users install. An archive of program, manual pages, completions and unit,
//! and the same as a Debian package.

mod debian;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;

/// Command line of the task.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Packs this program instead of building one.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Where the results go; its contents are replaced. `target/dist` if absent.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Runs the task.
pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let root = crate::workspace_root()?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let out = arguments.out.clone().unwrap_or_else(|| target.join("dist"));
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => {
            let build = ["build", "--release", "--locked", "-p", "iamd"];
            command::run(command::cargo(&root, build))?;
            target.join("release").join("iamd")
        }
    };
    if out.exists() {
        fs::remove_dir_all(&out).map_err(|error| failed(&out, &error))?;
    }
    let name = format!("iamd-{}-{}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH);
    let tree = out.join(&name);
    stage(&root, &program, &tree)?;
    archive(&out, &name)?;
    if command::is_installed("dpkg-deb") {
        debian::package(&root, &tree, &out)?;
    } else {
        println!("SKIPPED: dpkg-deb is not installed: no Debian package is made");
    }
    fs::remove_dir_all(&tree).map_err(|error| failed(&tree, &error))
}

/// Puts everything where it belongs below `/usr`.
fn stage(root: &Path, program: &Path, tree: &Path) -> Result<(), String> {
    let installed = tree.join("bin").join("iamd");
    install(program, &installed, 0o755)?;
    let mut strip = Command::new("strip");
    // The program of a release is stripped already.
    let _ = strip.arg("--strip-all").arg(&installed).status();
    let files = [
        ("packaging/iamd.service", "lib/systemd/system/iamd.service"),
        ("packaging/iamd-gateway.service", "lib/systemd/system/iamd-gateway.service"),
        ("packaging/iamd.sysusers", "lib/sysusers.d/iamd.conf"),
        ("packaging/iamd.toml", "share/doc/iamd/examples/iamd.toml"),
        ("docs/operations.md", "share/doc/iamd/operations.md"),
        ("CHANGELOG.md", "share/doc/iamd/CHANGELOG.md"),
        ("LICENSE", "share/doc/iamd/copyright"),
    ];
    for (source, place) in files {
        install(&root.join(source), &tree.join(place), 0o644)?;
    }
    completions(&installed, tree)?;
    manual(&installed, &tree.join("share/man/man1"))
}

fn completions(program: &Path, tree: &Path) -> Result<(), String> {
    let shells = [
        ("bash", "share/bash-completion/completions/iamd"),
        ("zsh", "share/zsh/site-functions/_iamd"),
        ("fish", "share/fish/vendor_completions.d/iamd.fish"),
    ];
    for (shell, place) in shells {
        let mut print = Command::new(program);
        print.args(["completions", shell]);
        let path = tree.join(place);
        make_folder_of(&path)?;
        fs::write(&path, command::output(print)?).map_err(|error| failed(&path, &error))?;
    }
    Ok(())
}

fn manual(program: &Path, folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let mut write = Command::new(program);
    write.arg("manual").arg(folder);
    command::run(write)?;
    let pages = fs::read_dir(folder).map_err(|error| failed(folder, &error))?;
    let mut compress = Command::new("gzip");
    compress.args(["-9", "-n"]);
    for page in pages {
        compress.arg(page.map_err(|error| failed(folder, &error))?.path());
    }
    command::run(compress)
}

/// The same tree gives the same bytes.
fn archive(out: &Path, name: &str) -> Result<(), String> {
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"]);
    tar.arg("-C").arg(out).arg("-czf").arg(out.join(format!("{name}.tar.gz"))).arg(name);
    command::run(tar)
}

fn install(source: &Path, place: &Path, mode: u32) -> Result<(), String> {
    make_folder_of(place)?;
    fs::copy(source, place).map_err(|error| failed(source, &error))?;
    let permissions = fs::Permissions::from_mode(mode);
    fs::set_permissions(place, permissions).map_err(|error| failed(place, &error))
}

fn make_folder_of(path: &Path) -> Result<(), String> {
    let Some(folder) = path.parent() else { return Ok(()) };
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("`{}`: {error}", path.display())
}
