//! The steps of the suite, in the order in which they run: what fails fastest comes first.

use std::process::Command;

use super::{Workspace, peers, python};
use crate::command;

/// One step.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) run: fn(&Workspace) -> Result<(), String>,
}

/// All steps.
pub(super) const STEPS: &[Step] = &[
    Step { name: "format", about: "the sources are formatted", run: format },
    Step { name: "tidy", about: "the house rules are kept", run: tidy },
    Step { name: "codegen", about: "the generated sources are fresh", run: codegen },
    Step { name: "lint", about: "clippy has nothing to say", run: lint },
    Step { name: "doc", about: "the documentation of the code has no dead links", run: doc },
    Step {
        name: "unit",
        about: "unit, property, conformance and documentation tests, and replayed inputs",
        run: unit,
    },
    Step {
        name: "simulation",
        about: "the node on a store that fails, from 1,000 seeds",
        run: simulation,
    },
    Step { name: "wasm", about: "the policy engine builds for WebAssembly", run: wasm },
    Step {
        name: "round-trip",
        about: "botocore and our codecs understand each other",
        run: round_trip,
    },
    Step {
        name: "build",
        about: "the program, optimised; with all features; a store and a client to test with",
        run: build,
    },
    Step { name: "package", about: "the archive and the Debian package, around it", run: package },
    Step { name: "end-to-end", about: "real clients against the built program", run: end_to_end },
];

/// The folder, below the target folder, of the store that the gateway is tested with: a workspace of
/// its own under `xtask/store`.
const STORE: &str = "store";
/// The same of the client that is made with the AWS SDK for Rust, under `xtask/rust-client`.
const RUST_CLIENT: &str = "rust-client";
/// The profile of programs that are tested from outside.
const PROFILE: &str = "fast";

fn format(workspace: &Workspace) -> Result<(), String> {
    command::run(command::cargo(&workspace.root, ["fmt", "--all", "--check"]))
}

fn tidy(workspace: &Workspace) -> Result<(), String> {
    task(workspace, &["tidy"])
}

fn codegen(workspace: &Workspace) -> Result<(), String> {
    task(workspace, &["codegen", "--check"])
}

/// Another task of this program.
fn task(workspace: &Workspace, arguments: &[&str]) -> Result<(), String> {
    let program = std::env::current_exe()
        .map_err(|error| format!("cannot find the running program: {error}"))?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&workspace.root);
    command::run(command)
}

fn lint(workspace: &Workspace) -> Result<(), String> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    command::run(command::cargo(&workspace.root, arguments))?;
    let with_traces = ["clippy", "-p", "iamd", "--features", "otlp", "--", "-D", "warnings"];
    command::run(command::cargo(&workspace.root, with_traces))
}

fn doc(workspace: &Workspace) -> Result<(), String> {
    let mut command =
        command::cargo(&workspace.root, ["doc", "--workspace", "--no-deps", "--quiet"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    command::run(command)
}

fn unit(workspace: &Workspace) -> Result<(), String> {
    command::run(command::cargo(&workspace.root, ["test", "--workspace", "--quiet"]))
}

fn simulation(workspace: &Workspace) -> Result<(), String> {
    task(workspace, &["simulate"])
}

fn wasm(workspace: &Workspace) -> Result<(), String> {
    const TARGET: &str = "wasm32-unknown-unknown";
    if !peers::has_rust_target(TARGET) {
        println!(
            "SKIPPED: Rust for {TARGET} is not installed: that iamd-policy builds there is not tested"
        );
        return Ok(());
    }
    let arguments = ["build", "-p", "iamd-policy", "--target", TARGET];
    command::run(command::cargo(&workspace.root, arguments))
}

fn round_trip(workspace: &Workspace) -> Result<(), String> {
    let arguments =
        ["build", "-p", "iamd-wire", "--features", "round-trip", "--example", "round_trip"];
    command::run(command::cargo(&workspace.root, arguments))?;
    let program = workspace.built("debug/examples", "round_trip");
    let mut pytest = pytest(workspace)?;
    pytest.arg("tests/round_trip").env("IAMD_ROUND_TRIP_BIN", program);
    command::run(pytest)
}

fn build(workspace: &Workspace) -> Result<(), String> {
    let arguments = ["build", "--profile", PROFILE, "-p", "iamd"];
    command::run(command::cargo(&workspace.root, arguments))?;
    // What the unit tests have built serves again.
    let with_traces = ["build", "-p", "iamd", "--features", "otlp"];
    command::run(command::cargo(&workspace.root, with_traces))?;
    build_apart(workspace, STORE)?;
    build_apart(workspace, RUST_CLIENT)
}

/// Builds a workspace of its own, `xtask/NAME`, into a folder of that name.
fn build_apart(workspace: &Workspace, name: &str) -> Result<(), String> {
    let manifest = workspace.root.join("xtask").join(name).join("Cargo.toml");
    let mut command = command::cargo(&workspace.root, ["build", "--locked", "--manifest-path"]);
    command.arg(manifest).env("CARGO_TARGET_DIR", workspace.target.join(name));
    command::run(command)
}

fn package(workspace: &Workspace) -> Result<(), String> {
    let program = workspace.built(PROFILE, "iamd");
    let folder = workspace.target.join("dist");
    task(
        workspace,
        &["dist", "--program", &program.to_string_lossy(), "--out", &folder.to_string_lossy()],
    )
}

fn end_to_end(workspace: &Workspace) -> Result<(), String> {
    let program = workspace.built(PROFILE, "iamd");
    if !program.is_file() {
        return Err(format!("`{}` is not built: run the step `build` first", program.display()));
    }
    peers::prepare();
    let mut pytest = pytest(workspace)?;
    // Each file starts its own servers, so files can run side by side.
    pytest.args(["-n", "2", "--dist", "loadfile", "tests/e2e", "tests/policy_cli"]);
    pytest.env("IAMD_BIN", program).env("IAMD_OTLP_BIN", workspace.built("debug", "iamd"));
    pytest.env("IAMD_DIST", workspace.target.join("dist"));
    pytest.env("IAMD_STORE_BIN", workspace.built("store/debug", "store"));
    let rust_client = workspace.built("rust-client/debug", "rust-client");
    pytest.env("IAMD_RUST_CLIENT_BIN", rust_client);
    command::run(pytest)
}

fn pytest(workspace: &Workspace) -> Result<Command, String> {
    let python = python::environment(&workspace.root)?;
    let mut command = Command::new(python);
    command.args(["-m", "pytest", "-q", "-r", "s", "-p", "no:cacheprovider", "--durations=5"]);
    command.current_dir(&workspace.root);
    Ok(command)
}
