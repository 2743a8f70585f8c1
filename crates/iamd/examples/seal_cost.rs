//! What it costs to prove rows and records later, for `cargo xtask bench --audit`: the CPU time of
//! sealing a row, of a step of its account's ledger, and of appending a record to its log, each as a
//! write of one user does it; and of a SHA-256, for what the gateway hashes. Prints one line of JSON.

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "parts of the program, of which little is measured"
)]

#[path = "../src/entropy.rs"]
mod entropy;
#[path = "../src/fault.rs"]
mod fault;
#[path = "../src/keys/mod.rs"]
mod keys;

use std::error::Error;

use iamd_core::account_id::AccountId;
use iamd_core::record::RecordKey;
use keys::{Entry, Ledger, LogHead, MasterKey, SealingKey};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: u32 = 50_000;
/// Bytes of the row of a user without tags, and of the record of CreateUser.
const ROW_LENGTH: usize = 128;
const RECORD_LENGTH: usize = 1_150;

fn main() -> Result<(), Box<dyn Error>> {
    let with = MasterKey::fresh()?.sealing()?;
    // The first round warms caches and branch predictors.
    measured(&with)?;
    let [row, ledger, record] = measured(&with)?;
    let hash = hash_cost()?;
    println!(r#"{{"row":{row},"ledger":{ledger},"record":{record},"hash":{hash}}}"#);
    Ok(())
}

/// Nanoseconds of each of the three.
fn measured(with: &SealingKey) -> Result<[f64; 3], Box<dyn Error>> {
    let account = AccountId::from_number(111_122_223_333).ok_or("the account has a number")?;
    let keys: Vec<RecordKey> =
        (0..ROUNDS).map(|number| RecordKey { kind: 2, id: format!("AIDA{number:017}") }).collect();
    let (mut ledger, mut log) = (Ledger::new(with), LogHead::default());
    let text = "x".repeat(RECORD_LENGTH);

    let start = cpu_nanoseconds()?;
    for key in &keys {
        let sealed = with.seal_row(account, key, ledger.revision().next(), vec![7; ROW_LENGTH])?;
        std::hint::black_box(sealed);
    }
    let rows = cpu_nanoseconds()?;
    for key in &keys {
        let entry = Entry { key, is_removed: false };
        let step = ledger.step(with, account, [entry], log.clone())?;
        ledger.take(step);
    }
    let ledgers = cpu_nanoseconds()?;
    for _ in &keys {
        std::hint::black_box(log.append(with, account, &text)?);
    }
    let records = cpu_nanoseconds()?;
    let each = |from: f64, to: f64| (to - from) / f64::from(ROUNDS);
    Ok([each(start, rows), each(rows, ledgers), each(ledgers, records)])
}

/// Nanoseconds that the SHA-256 of a KiB takes, of a text that is long.
fn hash_cost() -> Result<f64, Box<dyn Error>> {
    const KIBIBYTES: u32 = 64 * 1024;
    let text = vec![7; 1024 * KIBIBYTES as usize];
    let start = cpu_nanoseconds()?;
    std::hint::black_box(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &text));
    Ok((cpu_nanoseconds()? - start) / f64::from(KIBIBYTES))
}

/// Nanoseconds of CPU time that this thread has taken so far, from the scheduler's own accounts.
fn cpu_nanoseconds() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().unwrap_or_default().parse()?)
}
