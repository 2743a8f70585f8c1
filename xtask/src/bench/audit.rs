//! What the audit trail costs: the same requests to two servers, one of which keeps none; and what
//! the seals cost that make rows and records provable.

use std::process::Command;

use super::server::{Server, TemporaryFolder};
use super::{Arguments, CONNECTIONS, Programs, Row, median};

/// Users that are created in one round.
const CREATIONS: usize = 3_200;

/// CPU time of requests with a trail, beside the same without.
pub(super) fn rows(arguments: &Arguments, programs: &Programs) -> Result<Vec<Row>, String> {
    let (one, other) = (TemporaryFolder::make()?, TemporaryFolder::make()?);
    let on = Server::iamd(&programs.iamd, Some(one.path()), 1_000_000)?;
    let off = Server::iamd_with(&programs.iamd, Some(other.path()), 1_000_000, &["--no-audit"])?;
    let mut reads = Vec::new();
    let mut writes = Vec::new();
    for round in 0..=arguments.rounds {
        let read = |server: &Server| {
            let load = server.load("sts", "GetCallerIdentity", &[])?;
            server.cost(&load, arguments.requests, CONNECTIONS)
        };
        let write =
            |server: &Server| server.creation_cost(&format!("r{round}x"), CREATIONS, CONNECTIONS);
        let (quiet_read, read) = (read(&off)?, read(&on)?);
        let (quiet_write, write) = (write(&off)?, write(&on)?);
        // The first round warms caches and branch predictors.
        if round > 0 {
            reads.push((read, quiet_read));
            writes.push((write, quiet_write));
        }
    }
    Ok(vec![
        row("audit trail: GetCallerIdentity", &reads, (1.15, 1.08)),
        row("audit trail: CreateUser, durable, 32 clients", &writes, (1.10, 1.05)),
        seals(programs, median(writes.iter().map(|(on, _)| *on).collect()))?,
    ])
}

/// What of a CreateUser goes into seals, as if each had a commit and so a ledger of its own; with 32
/// clients, several share one.
fn seals(programs: &Programs, creation: f64) -> Result<Row, String> {
    let costs = seal_costs(programs)?;
    let cost = |name: &str| costs.get(name).and_then(serde_json::Value::as_f64).unwrap_or(f64::NAN);
    let [row, ledger, record] = [cost("row"), cost("ledger"), cost("record")];
    let all = row + ledger + record;
    Ok(Row {
        name: "seals: row, ledger and record of a CreateUser".to_owned(),
        measured: format!(
            "{:.1} + {:.1} + {:.1} µs of the {:.1} µs of CPU, beside the rest of them",
            row / 1e3,
            ledger / 1e3,
            record / 1e3,
            creation / 1e3
        ),
        ratio: creation / (creation - all),
        must: 1.10,
        stretch: 1.05,
    })
}

/// What `seal_cost` measured, in nanoseconds by name.
pub(super) fn seal_costs(programs: &Programs) -> Result<serde_json::Value, String> {
    let output = Command::new(&programs.seal_cost).output();
    let output = output.map_err(|error| format!("seal_cost cannot be started: {error}"))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("seal_cost answers something else: {error}"))
}

fn row(name: &str, costs: &[(f64, f64)], (must, stretch): (f64, f64)) -> Row {
    let microseconds =
        |pick: fn(&(f64, f64)) -> f64| median(costs.iter().map(pick).collect()) / 1e3;
    let (on, off) = (microseconds(|costs| costs.0), microseconds(|costs| costs.1));
    Row {
        name: name.to_owned(),
        measured: format!("{on:.1} µs of CPU beside {off:.1} µs: the same without a trail"),
        ratio: median(costs.iter().map(|(on, off)| on / off).collect()),
        must,
        stretch,
    }
}
