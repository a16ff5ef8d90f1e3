//! What a gate works with for as long as the process lives, whatever is configured.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::metrics::MetricsRegistry;
use crate::sink::DecisionSink;

/// What a gate works with for as long as the process lives, whatever is configured.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineSettings {
    /// Where keys are fetched and issuers asked.
    pub runtime: Handle,
    /// Where the metrics are registered.
    pub registry: MetricsRegistry,
    /// Where the time comes from.
    pub clock: Clock,
    /// Where decisions are told, beside the metrics.
    pub sink: Option<Arc<dyn DecisionSink>>,
}

impl EngineSettings {
    /// The machine's clock, metrics in a registry of their own, and no sink.
    pub fn new(runtime: Handle) -> Self {
        Self { runtime, registry: MetricsRegistry::default(), clock: Clock::system(), sink: None }
    }

    /// Registers the metrics here.
    #[must_use]
    pub fn with_registry(self, registry: MetricsRegistry) -> Self {
        Self { registry, ..self }
    }

    /// Takes the time from here.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Tells each decision here.
    #[must_use]
    pub fn with_sink(self, sink: Arc<dyn DecisionSink>) -> Self {
        Self { sink: Some(sink), ..self }
    }
}
