//! iamd: AWS IAM and STS that anyone can run.

#![allow(unreachable_pub, reason = "in a program, `pub` says what a module offers to the others")]

mod authenticate;
mod clock;
mod command;
mod doors;
mod entropy;
mod fault;
mod founder;
mod keys;
mod log;
mod node;
mod operator;
mod password;
mod server;
mod signing_keys;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    command::run()
}
