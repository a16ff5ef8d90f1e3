//! What lives as long as the process, whatever is configured.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::memory::{Memory, ProverId, ProverSetId};
use crate::metrics::{EngineMetrics, MetricsError};
use crate::net::http_client::HttpClient;
use crate::settings::{CacheSettings, EngineSettings};
use crate::sink::DecisionSink;

/// What all generations of a gate share. Clones share it.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) memory: Memory,
    pub(crate) clock: Clock,
    pub(crate) client: HttpClient,
    pub(crate) metrics: EngineMetrics,
    pub(crate) runtime: Handle,
    pub(crate) sink: Option<Arc<dyn DecisionSink>>,
    /// The last number that was given to a prover, to a set of them or to a set of identity headers.
    numbers: Arc<AtomicU64>,
}

impl Engine {
    /// An engine without generations. The bounds of its memory are those of `cache` for as long as it lives.
    pub(crate) fn new(cache: &CacheSettings, settings: EngineSettings) -> Result<Self, MetricsError> {
        let EngineSettings { runtime, registry, clock, sink } = settings;
        let metrics = EngineMetrics::new(&registry)?;
        let memory = Memory::new(cache.clone(), clock.clone(), &metrics);
        memory.measure(&registry)?;
        Ok(Self { memory, clock, client: HttpClient::new(), metrics, runtime, sink, numbers: Arc::default() })
    }

    /// A number that nothing else of this engine has; one or more.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn next_prover(&self) -> ProverId {
        ProverId(self.next_number())
    }

    pub(crate) fn next_prover_set(&self) -> ProverSetId {
        ProverSetId(self.next_number())
    }
}
