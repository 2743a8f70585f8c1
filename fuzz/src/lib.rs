//! Development only: targets of coverage-guided fuzzing, for everything that strangers send.
//!
//! A target is a function of bytes that panics when something is wrong. `cargo xtask fuzz` searches
//! for bytes that make it panic, take long or take much memory; the tests replay what was kept.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "never shipped; a panic is what a target reports"
)]

mod arn;
#[allow(dead_code, unreachable_pub, reason = "a part of `iamd`")]
mod backup;
mod blocks;
mod certificates;
mod chunks;
mod condition;
mod decision;
mod form;
mod input;
mod marker;
mod metadata;
mod pattern;
mod policy;
mod query;
mod render;
mod route;
mod session;
mod sigv4;
mod ssh_keys;

// What other crates keep for themselves, as it is there: not all of it is called here.
#[allow(dead_code, reason = "a part of `iamd-core`")]
#[path = "../../crates/core/src/certificate.rs"]
mod certificate;
#[allow(dead_code, unreachable_pub, reason = "a part of `iamd`")]
#[path = "../../crates/iamd/src/entropy.rs"]
mod entropy;
#[allow(dead_code, unreachable_pub, reason = "a part of `iamd`")]
#[path = "../../crates/iamd/src/fault.rs"]
mod fault;
#[allow(dead_code, unreachable_pub, unused_imports, reason = "a part of `iamd`")]
#[path = "../../crates/iamd/src/keys/mod.rs"]
mod keys;
#[allow(dead_code, reason = "a part of `iamd-core`")]
#[path = "../../crates/core/src/pem.rs"]
mod pem;
#[allow(dead_code, reason = "a part of `iamd-core`")]
#[path = "../../crates/core/src/ssh.rs"]
mod ssh;

use std::fs;
use std::path::{Path, PathBuf};

/// A target.
pub struct Target {
    /// Its name on the command line, and of its folders.
    pub name: &'static str,
    /// Longest input, in bytes; longer ones find nothing new, and each costs more.
    pub length_max: usize,
    /// Panics when something is wrong.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "policy", length_max: 8_192, run: policy::run },
    Target { name: "arn", length_max: 256, run: arn::run },
    Target { name: "condition", length_max: 512, run: condition::run },
    Target { name: "pattern", length_max: 512, run: pattern::run },
    Target { name: "decision", length_max: 8_192, run: decision::run },
    Target { name: "sigv4", length_max: 2_048, run: sigv4::run },
    Target { name: "query", length_max: 4_096, run: query::run },
    Target { name: "session", length_max: 1_024, run: session::run },
    Target { name: "marker", length_max: 256, run: marker::run },
    Target { name: "metadata", length_max: 8_192, run: metadata::run },
    Target { name: "render", length_max: 1_024, run: render::run },
    Target { name: "pem", length_max: 1_024, run: blocks::run },
    Target { name: "ssh", length_max: 1_024, run: ssh_keys::run },
    Target { name: "certificate", length_max: 4_096, run: certificates::run },
    Target { name: "route", length_max: 2_048, run: route::run },
    Target { name: "chunks", length_max: 1_024, run: chunks::run },
    Target { name: "form", length_max: 2_048, run: form::run },
    Target { name: "backup", length_max: 1_024, run: backup::run },
];

impl Target {
    /// The target of this name.
    pub fn find(name: &str) -> Option<&'static Target> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// What is replayed: the seeds, written by hand, and the corpus, kept by the fuzzer; in order.
    ///
    /// # Errors
    /// When the folder of the seeds, which every target has, cannot be read.
    pub fn kept(&self) -> std::io::Result<Vec<PathBuf>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        for entry in fs::read_dir(root.join("seeds").join(self.name))? {
            files.push(entry?.path());
        }
        // A target that is new has no corpus yet.
        if let Ok(corpus) = fs::read_dir(root.join("corpus").join(self.name)) {
            for entry in corpus {
                files.push(entry?.path());
            }
        }
        files.sort();
        Ok(files)
    }
}
