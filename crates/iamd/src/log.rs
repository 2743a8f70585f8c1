//! The log: structured, on standard error.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::fault::Fault;
use crate::traces::{self, Sending};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Starts the log. `filter` is in the form of `tracing`, such as `info` or `iamd=debug`.
pub fn start(format: LogFormat, filter: &str) {
    // Nobody asked for traces, so nothing can be wrong with where they go.
    let _ = start_with_traces(format, filter, "");
}

/// The same, and traces to a collector, if one is named.
///
/// # Errors
/// [`Fault::Refused`] for a collector that cannot be one, or a program without the feature.
pub fn start_with_traces(
    format: LogFormat,
    filter: &str,
    collector: &str,
) -> Result<Option<Sending>, Fault> {
    // Spans are for the collector; a log that listened to them would make every request pay.
    let filter = EnvFilter::builder().parse_lossy(format!("{filter},{}=off", traces::TARGET));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(colours).with_filter(filter).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_filter(filter).boxed(),
    };
    let registry = tracing_subscriber::registry().with(layer);
    // A second start, which only tests could make, keeps the first log.
    #[cfg(feature = "otlp")]
    if !collector.is_empty() {
        let (sending, layer) = traces::start(collector)?;
        let _ = registry.with(layer).try_init();
        return Ok(Some(sending));
    }
    let _ = registry.try_init();
    if collector.is_empty() {
        return Ok(None);
    }
    Err(Fault::Refused("this program was built without traces".to_owned()))
}
