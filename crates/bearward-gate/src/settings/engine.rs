//! The parts of a gate that live as long as the process, across reloads.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::metrics::MetricsRegistry;
use crate::sink::DecisionSink;

/// The parts of a gate that live as long as the process: a [reload](crate::Gate::reload) does not change them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineSettings {
    /// The runtime of the tasks that fetch keys and introspect tokens.
    pub runtime: Handle,
    /// The registry of the metrics.
    pub registry: MetricsRegistry,
    /// The source of the current time.
    pub clock: Clock,
    /// The receiver of every decision, besides the metrics.
    pub sink: Option<Arc<dyn DecisionSink>>,
}

impl EngineSettings {
    /// The system clock, a new metrics registry, and no sink.
    pub fn new(runtime: Handle) -> Self {
        Self { runtime, registry: MetricsRegistry::default(), clock: Clock::system(), sink: None }
    }

    /// Registers the metrics in `registry`.
    #[must_use]
    pub fn with_registry(self, registry: MetricsRegistry) -> Self {
        Self { registry, ..self }
    }

    /// Takes the time from `clock`.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Reports each decision to `sink`.
    #[must_use]
    pub fn with_sink(self, sink: Arc<dyn DecisionSink>) -> Self {
        Self { sink: Some(sink), ..self }
    }
}
