//! Compares both evaluators: `compare [COMPARISONS [SEED]]`, a million unless told otherwise.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let comparisons = arguments.next().unwrap_or(Ok(1_000_000));
    let seed = arguments.next().unwrap_or(Ok(1));
    let (Ok(comparisons), Ok(seed)) = (comparisons, seed) else {
        eprintln!("compare [COMPARISONS [SEED]]");
        return ExitCode::from(2);
    };
    match iamd_simulate::compare::run(comparisons, seed) {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(difference) => {
            print!("{difference}");
            ExitCode::FAILURE
        }
    }
}
