//! Programs of others that some tests run against, where they are installed.

use std::path::Path;
use std::process::Command;

use crate::command;

/// A program that a test needs and the rest of the suite does not.
struct Peer {
    program: &'static str,
    /// What is not tested without it.
    without: &'static str,
    /// The Debian package that brings it, if one does.
    package: Option<&'static str>,
}

const PEERS: [Peer; 4] = [
    Peer {
        program: "terraform",
        without: "apply, plan and destroy of IAM resources are not tested",
        package: None,
    },
    Peer {
        program: "strace",
        without: "that a write is on disk before its answer is sent is not tested",
        package: Some("strace"),
    },
    Peer {
        program: "chromium",
        without: "uploads of a real browser through the gateway are not tested",
        package: Some("chromium"),
    },
    Peer {
        program: "chromedriver",
        without: "uploads of a real browser through the gateway are not tested",
        package: Some("chromium-driver"),
    },
];

/// Installs what may be installed, and says loudly what is still missing.
pub(super) fn prepare() {
    for peer in PEERS {
        let mut installed = command::is_installed(peer.program);
        if let Some(package) = peer.package.filter(|_| !installed && may_install()) {
            installed = install(package);
        }
        if !installed {
            println!("SKIPPED: {} is not installed: {}", peer.program, peer.without);
        }
    }
}

/// Whether Rust's library for a target is there, or could be installed where that is allowed.
pub(super) fn has_rust_target(target: &str) -> bool {
    let is_there = || {
        let mut rustc = Command::new("rustc");
        rustc.args(["--print", "target-libdir", "--target", target]);
        command::output(rustc).is_ok_and(|folder| Path::new(folder.trim()).is_dir())
    };
    let add = || {
        let mut rustup = Command::new("rustup");
        rustup.args(["target", "add", target]);
        may_install() && command::is_installed("rustup") && command::run(rustup).is_ok()
    };
    is_there() || (add() && is_there())
}

/// Whether this machine is ours to change: a CI machine that we are root on.
pub(super) fn may_install() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true") && is_root()
}

/// Installs a Debian package; whether that worked.
pub(super) fn install(package: &str) -> bool {
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        command::run(apt)
    };
    command::is_installed("apt-get")
        && apt(&["update", "-qq"]).is_ok()
        && apt(&["install", "-y", "-qq", "--no-install-recommends", package]).is_ok()
}

fn is_root() -> bool {
    let mut id = Command::new("id");
    id.arg("-u");
    command::output(id).is_ok_and(|id| id.trim() == "0")
}
