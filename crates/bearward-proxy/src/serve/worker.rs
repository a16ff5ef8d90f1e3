//! What the connections share.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use bearward_gate::{Gate, MetricsRegistry, RequestIds};

use crate::error::ProxyError;
use crate::exchange::buffer::BufferPool;
use crate::exchange::watch::{CoarseClock, TICK};
use crate::listen::places::Places;
use crate::metrics::Metrics;
use crate::settings::ProxySettings;
use crate::upstream::Upstreams;
use crate::upstream::idle::IdleBound;

/// How often idle connections to upstreams are looked at.
const SWEEP_EVERY: u32 = 10;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) gate: Arc<Gate>,
    pub(crate) upstreams: Upstreams,
    pub(crate) metrics: Metrics,
    pub(crate) request_ids: RequestIds,
    pub(crate) places: Arc<Places>,
    pub(crate) limits: ClientLimits,
    /// How this process calls itself in `Via`: another name at each start, so that an edge and a sidecar of this kind are two.
    pub(crate) pseudonym: String,
}

impl Shared {
    pub(crate) fn new(
        settings: &ProxySettings,
        threads: usize,
        gate: Arc<Gate>,
        registry: &MetricsRegistry,
    ) -> Result<Self, ProxyError> {
        let metrics = Metrics::new(registry)?;
        let upstreams = Upstreams::new(settings.upstreams.clone(), threads)?;
        let places = Arc::new(Places::new(
            settings.max_connections,
            settings.max_connections_per_address,
            threads,
            metrics.connections.clone(),
            metrics.connection_waits.clone(),
        ));
        let limits = ClientLimits {
            max_header_bytes: settings.max_header_bytes,
            idle: settings.idle_timeout,
            head: settings.header_timeout,
            body: settings.body_timeout,
            write: settings.write_timeout,
            request: settings.request_timeout,
        };
        let request_ids = RequestIds::default();
        Ok(Self { gate, upstreams, metrics, request_ids, places, limits, pseudonym: pseudonym() })
    }
}

/// A name that no other process has: what `Via` is told by.
fn pseudonym() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    // Keys that the operating system drew; not secret, only unlike those of others.
    format!("bearward-{:016x}", RandomState::new().hash_one(std::process::id()))
}

/// What a client may take of room and time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientLimits {
    pub(crate) max_header_bytes: usize,
    /// How long a connection may be at rest.
    pub(crate) idle: Duration,
    /// How long a head may take, from its first byte.
    pub(crate) head: Duration,
    /// How long a body may stand still.
    pub(crate) body: Duration,
    /// How long a client may take nothing of its answer.
    pub(crate) write: Duration,
    /// How long a whole request may take, where that is bounded.
    pub(crate) request: Option<Duration>,
}

/// What the connections of one thread share.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) thread: usize,
    pub(crate) clock: Arc<CoarseClock>,
    pub(crate) buffers: BufferPool,
    pub(crate) idle_bound: IdleBound,
    /// `Date`, as of the last second.
    date: ArcSwap<String>,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, thread: usize, keepalive_pool: usize) -> Self {
        Self {
            shared,
            thread,
            clock: Arc::new(CoarseClock::new()),
            buffers: BufferPool::default(),
            idle_bound: IdleBound::new(keepalive_pool),
            date: ArcSwap::from_pointee(date()),
        }
    }

    /// The time, as `Date` has it (RFC 9110, 5.6.7).
    pub(crate) fn date(&self) -> Arc<String> {
        self.date.load_full()
    }

    /// Moves the clock, ends what is late, and closes what was idle for too long, for as long as it is polled.
    pub(crate) async fn tick(&self) {
        let mut interval = tokio::time::interval(TICK);
        for count in (0..SWEEP_EVERY).cycle() {
            interval.tick().await;
            self.clock.tick();
            self.shared.places.tick(self.thread);
            if count == 0 {
                self.date.store(Arc::new(date()));
                for upstream in self.shared.upstreams.iter() {
                    upstream.sweep(self.thread, self.clock.now());
                }
            }
        }
    }
}

fn date() -> String {
    httpdate::fmt_http_date(SystemTime::now())
}
