//! Traces: a span for each request and for each call to the store, sent to a collector of
//! OpenTelemetry. Only in programs that are built with the feature `otlp`.
//!
//! Spans have a target of their own, which no other layer of the log listens to: without a
//! collector they cost one look at a flag.

/// What spans are called that go to the collector.
pub const TARGET: &str = "iamd::trace";

#[cfg(feature = "otlp")]
mod sending;

#[cfg(feature = "otlp")]
pub use sending::{Sending, adopt, name, start};

/// Programs without the feature have nothing to send.
#[cfg(not(feature = "otlp"))]
mod none {
    use hyper::HeaderMap;

    /// What ends the sending; nothing here.
    pub struct Sending;

    impl Sending {
        /// Sends what is left.
        pub async fn finish(self) {}
    }

    /// Puts a span into the trace that a request belongs to; nothing here.
    pub fn adopt(_: &tracing::Span, _: &HeaderMap) {}

    /// Gives a span another name than that of its kind; nothing here.
    pub fn name(_: &tracing::Span, _: String) {}
}

#[cfg(not(feature = "otlp"))]
pub use none::{Sending, adopt, name};

/// Whether this program can send traces.
pub const ARE_BUILT: bool = cfg!(feature = "otlp");
