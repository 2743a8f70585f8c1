//! The compiled evaluator beside the plain one, on random cases.

use std::collections::BTreeMap;

use iamd_simulate::case::Compiled;
use iamd_simulate::{generate, plain};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Questions that are put to each set of policies.
const QUESTIONS: usize = 8;

/// Comparisons: 200,000 unless `IAMD_COMPARE_CASES` says otherwise; `IAMD_COMPARE_SEED` gives other
/// ones.
#[test]
fn both_evaluators_decide_alike() {
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let cases = u32::try_from(number("IAMD_COMPARE_CASES", 200_000) / QUESTIONS as u64).unwrap();
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&number("IAMD_COMPARE_SEED", 1).to_le_bytes());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let strategy = (generate::texts(), prop::collection::vec(generate::question(), QUESTIONS));
    let seen = std::cell::RefCell::new(BTreeMap::new());
    runner
        .run(&strategy, |(texts, questions)| {
            let compiled = Compiled::of(&texts);
            for question in questions {
                let (fast, slow) = (compiled.outcome(&question), plain::decide(&question, &texts));
                prop_assert_eq!(fast, slow, "{:?}", question);
                *seen.borrow_mut().entry(slow.to_string()).or_insert(0_u64) += 1;
            }
            Ok(())
        })
        .unwrap();
    let seen = seen.into_inner();
    let all: u64 = seen.values().sum();
    println!("{all} comparisons: {seen:#?}");
    // A comparison is worth what it meets: no kind of outcome may be rare.
    for (outcome, least) in [
        ("allowed by identity", 5.0),
        ("allowed by resource", 2.0),
        ("allowed by trust", 0.5),
        ("explicitDeny by identity", 1.0),
        ("explicitDeny by resource", 0.2),
        ("implicitDeny by identity", 5.0),
        ("implicitDeny by resource", 2.0),
        ("implicitDeny by boundary", 0.2),
        ("implicitDeny by session", 0.2),
        ("implicitDeny by scp", 0.5),
        ("implicitDeny by trust", 0.5),
    ] {
        let share = seen.get(outcome).copied().unwrap_or(0) as f64 * 100.0 / all as f64;
        assert!(share >= least, "{outcome}: {share:.2} %");
    }
}
