//! What decisions cost in other policy engines, as JSON lines for `cargo xtask bench --rivals`:
//! nanoseconds per decision of the measured workload, request building included, policies parsed
//! beforehand.

#[path = "../../../crates/policy/examples/decide_cost/workload.rs"]
mod workload;

mod cedar;
mod iam;

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The same allocator as that of iamd.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The least time that is measured at once.
const TRY: Duration = Duration::from_millis(100);
/// Tries, of which the quickest counts: what others take on the machine only adds.
const TRIES: u32 = 5;

/// A policy engine with policies in force.
trait Engine {
    /// Whether the measured request is allowed; built anew each time.
    fn is_allowed(&self) -> bool;
}

fn main() -> Result<(), String> {
    let workloads = [
        ("5 statements", workload::policies(1)),
        ("500 statements, none concerns the request", workload::policies(100)),
        ("500 statements, 50 share the action", workload::mixed(90, 10)),
        ("5,000 statements, none concerns the request", workload::policies(1_000)),
    ];
    for (name, policies) in workloads {
        report("iam-rs", name, &iam::Iam::new(&policies)?, &iam::Iam::new(&allowing(&policies))?)?;
        let cedar = cedar::Cedar::new(&policies)?;
        report("Cedar", name, &cedar, &cedar::Cedar::new(&allowing(&policies))?)?;
    }
    Ok(())
}

/// The same policies, and one that allows the measured request.
fn allowing(policies: &[Vec<workload::Statement>]) -> Vec<Vec<workload::Statement>> {
    let copy = |statement: &workload::Statement| workload::Statement {
        actions: statement.actions.clone(),
        resource: statement.resource.clone(),
        condition: statement.condition,
    };
    let mut all: Vec<Vec<workload::Statement>> =
        policies.iter().map(|policy| policy.iter().map(copy).collect()).collect();
    all.push(vec![workload::Statement {
        actions: vec![workload::ACTION.to_owned()],
        resource: "arn:aws:s3:::bucket-7/*".to_owned(),
        condition: workload::Condition::Encrypted,
    }]);
    all
}

/// Measures an engine, after it has shown that it decides at all.
fn report(
    engine: &str,
    name: &str,
    denying: &impl Engine,
    allowing: &impl Engine,
) -> Result<(), String> {
    if denying.is_allowed() || !allowing.is_allowed() {
        return Err(format!("{engine} decides wrongly on the workload `{name}`"));
    }
    let cost = measured(|| denying.is_allowed());
    println!(r#"{{"engine":"{engine}","name":"{name}","nanoseconds":{cost:.1}}}"#);
    Ok(())
}

/// Nanoseconds per repetition.
fn measured<T>(mut work: impl FnMut() -> T) -> f64 {
    let mut repeat = |count: u32| {
        let start = Instant::now();
        (0..count).for_each(|_| {
            black_box(work());
        });
        start.elapsed()
    };
    let mut count = 1;
    while repeat(count) < TRY {
        count *= 2;
    }
    let quickest = (0..TRIES).map(|_| repeat(count)).min().unwrap_or_default();
    quickest.as_nanos() as f64 / f64::from(count)
}
