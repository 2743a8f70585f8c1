//! iamd: AWS IAM and STS that anyone can run.

#![allow(unreachable_pub, reason = "in a program, `pub` says what a module offers to the others")]

mod aside;
mod audit;
mod authenticate;
mod backup;
mod calls;
mod clock;
mod command;
mod config;
mod doors;
mod entropy;
mod fault;
mod follower;
mod founder;
mod keys;
mod limits;
mod log;
mod metrics;
mod mfa_tokens;
mod node;
mod operator;
mod password;
mod proxies;
mod server;
mod signing_keys;
mod tls;
mod traces;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The allocator asks for pages of 2 MiB; a process at rest has a few KiB in each of them. Where the
    // system does not know of this, it goes on with them.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    command::run()
}
