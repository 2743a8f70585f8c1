//! The compiled evaluator beside the plain one, on random cases.

use iamd_simulate::compare;

/// Comparisons: 200,000 unless `IAMD_COMPARE_CASES` says otherwise; `IAMD_COMPARE_SEED` gives other
/// ones.
#[test]
fn both_evaluators_decide_alike() {
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let comparisons = number("IAMD_COMPARE_CASES", 200_000);
    let report = match compare::run(comparisons, number("IAMD_COMPARE_SEED", 1)) {
        Ok(report) => report,
        Err(difference) => panic!("{difference}"),
    };
    println!("{report}");
    // A comparison is worth what it meets: no kind of outcome may be rare.
    for (outcome, least) in [
        ("allowed by identity", 5.0),
        ("allowed by resource", 2.0),
        ("allowed by trust", 0.5),
        ("explicitDeny by scp", 0.5),
        ("explicitDeny by rcp", 0.5),
        ("explicitDeny by endpoint", 0.2),
        ("explicitDeny by resource", 1.0),
        ("explicitDeny by trust", 0.2),
        ("explicitDeny by identity", 2.0),
        ("explicitDeny by boundary", 0.5),
        ("explicitDeny by session", 0.5),
        ("implicitDeny by scp", 0.5),
        ("implicitDeny by endpoint", 0.5),
        ("implicitDeny by resource", 2.0),
        ("implicitDeny by trust", 0.5),
        ("implicitDeny by identity", 5.0),
        ("implicitDeny by boundary", 0.5),
        ("implicitDeny by session", 0.5),
    ] {
        let share = report.share(outcome);
        assert!(share >= least, "{outcome}: {share:.2} %");
    }
}
