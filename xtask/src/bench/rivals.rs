//! Other policy engines on the measured workload, built only when they are asked for.

use std::path::Path;
use std::process::Command;

/// What a decision costs in one engine under one workload.
pub(super) struct Cost {
    pub(super) engine: String,
    pub(super) workload: String,
    pub(super) nanoseconds: f64,
}

/// Builds and runs the engines; they are a workspace of their own under `xtask/rivals`.
pub(super) fn measure(root: &Path, target: &Path) -> Result<Vec<Cost>, String> {
    let output = Command::new("cargo")
        .args(["run", "--quiet", "--release", "--locked"])
        .arg("--manifest-path")
        .arg(root.join("xtask/rivals/Cargo.toml"))
        .env("CARGO_TARGET_DIR", target.join("rivals"))
        .stderr(std::process::Stdio::inherit())
        .output();
    let output = output.map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !output.status.success() {
        return Err("the other engines do not build or do not decide".to_owned());
    }
    String::from_utf8_lossy(&output.stdout).lines().map(cost).collect()
}

fn cost(line: &str) -> Result<Cost, String> {
    let value: serde_json::Value =
        serde_json::from_str(line).map_err(|error| format!("rivals: {error}"))?;
    let text = |name: &str| value.get(name).and_then(|text| text.as_str()).map(str::to_owned);
    let cost = text("engine")
        .zip(text("name"))
        .zip(value.get("nanoseconds").and_then(serde_json::Value::as_f64));
    let ((engine, workload), nanoseconds) = cost.ok_or(format!("rivals: `{line}`"))?;
    Ok(Cost { engine, workload, nanoseconds })
}

/// A table with a column for each engine, iamd first.
pub(super) fn table(own: &[(String, f64)], costs: &[Cost]) -> String {
    let mut engines: Vec<&str> = Vec::new();
    for cost in costs {
        if !engines.contains(&cost.engine.as_str()) {
            engines.push(&cost.engine);
        }
    }
    let mut text = format!("| statements in force | iamd-policy | {} |\n", engines.join(" | "));
    text.push_str(&format!("|---|---|{}\n", "---|".repeat(engines.len())));
    for (workload, nanoseconds) in own {
        let others: Vec<String> = engines
            .iter()
            .filter_map(|engine| {
                costs.iter().find(|cost| cost.engine == *engine && cost.workload == *workload)
            })
            .map(|cost| {
                format!("{:.0} ({:.0} x)", cost.nanoseconds, cost.nanoseconds / nanoseconds)
            })
            .collect();
        if !others.is_empty() {
            text.push_str(&format!("| {workload} | {nanoseconds:.0} | {} |\n", others.join(" | ")));
        }
    }
    text
}
