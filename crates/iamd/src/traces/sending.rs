//! Sending spans with OTLP over HTTP.

use std::time::Duration;

use hyper::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::runtime::Tokio;
use opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use tracing::Span;
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use super::TARGET;
use crate::fault::Fault;

/// How long the collector may take for a batch, and for the last one at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// What ends the sending.
pub struct Sending(SdkTracerProvider);

impl Sending {
    /// Sends what is left.
    pub async fn finish(self) {
        // It waits for the answer of the collector on the thread that it is called on.
        let done = tokio::task::spawn_blocking(move || self.0.shutdown());
        if let Ok(Err(error)) = done.await {
            tracing::warn!("the last traces were not sent: {error}");
        }
    }
}

/// Starts sending to a collector such as `http://127.0.0.1:4318`; gives the layer that listens.
///
/// # Errors
/// [`Fault::Refused`] for an address that is none.
pub fn start<S>(endpoint: &str) -> Result<(Sending, impl Layer<S> + use<S>), Fault>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| Fault::Refused(format!("`traces.endpoint`: {error}")))?;
    let processor = BatchSpanProcessor::builder(exporter, Tokio).build();
    let resource = Resource::builder()
        .with_service_name("iamd")
        .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider =
        SdkTracerProvider::builder().with_resource(resource).with_span_processor(processor).build();
    let tracer: Tracer = provider.tracer("iamd");
    let layer = OpenTelemetryLayer::new(tracer)
        .with_location(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_threads(false)
        .with_filter(Targets::new().with_target(TARGET, tracing::Level::TRACE));
    Ok((Sending(provider), layer))
}

/// Puts a span into the trace that the header `traceparent` of a request names.
pub fn adopt(span: &Span, headers: &HeaderMap) {
    if span.is_disabled() {
        return;
    }
    let _ = span.set_parent(TraceContextPropagator::new().extract(&Headers(headers)));
}

/// Gives a span another name than that of its kind.
pub fn name(span: &Span, name: String) {
    span.context().span().update_name(name);
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}
