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
    command::run()
}
