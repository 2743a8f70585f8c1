//! The engine, libFuzzer, around one target: the one that the environment variable
//! `IAMD_FUZZ_TARGET` names. `cargo xtask fuzz` builds it instrumented and runs it.

#![no_main]

use std::sync::LazyLock;

use iamd_fuzz::Target;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("IAMD_FUZZ_TARGET").unwrap_or_default();
    Target::find(&name).unwrap_or_else(|| {
        eprintln!("IAMD_FUZZ_TARGET names no target: `{name}`");
        std::process::exit(2)
    })
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| (TARGET.run)(input));
