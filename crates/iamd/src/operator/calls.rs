//! Calls through the gateway, shown as they end.

use std::io::Write;

use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use super::wish::Site;
use crate::fault::Fault;

/// Writes one line of JSON for each call, until nobody reads them.
pub(super) async fn watch(site: &Site<'_>) -> Result<(), Fault> {
    let mut out = site.output.take()?;
    let mut calls = site.node.calls().watch();
    // A thread of its own: writing waits for whoever reads.
    let writing = tokio::task::spawn_blocking(move || {
        loop {
            let line = match calls.blocking_recv() {
                Ok(facts) => serde_json::to_string(&*facts),
                // Who reads slowly hears how much he missed.
                Err(RecvError::Lagged(count)) => serde_json::to_string(&json!({ "lost": count })),
                Err(RecvError::Closed) => return,
            };
            let Ok(line) = line else { continue };
            if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                return;
            }
        }
    });
    writing.await.map_err(|error| Fault::Bug(error.to_string()))
}
