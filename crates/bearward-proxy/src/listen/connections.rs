//! A bound on client connections.
//!
//! Each one takes a file descriptor, and with a request in progress a second one for the upstream. Without a bound a few
//! thousand silent connections use up the descriptors of the process. Then nothing that needs one works: neither key fetches
//! nor the admin server, whose failing liveness probe would get the process killed. So no connection is accepted beyond the
//! bound until another ends; further ones wait in the operating system's queue. A connection without a request is closed when
//! the time for its head is over (`head_timeout`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bearward_gate::{Counter, Gauge};
use pingora_core::apps::ServerApp;
use pingora_core::listeners::ConnectionFilter;
use pingora_core::protocols::Stream;
use pingora_core::server::ShutdownWatch;
use tokio::sync::Semaphore;

/// How often, at most, the bound is logged.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// The slots for connections. A listener takes one for each connection that it accepts; [`Limited`] releases it.
#[derive(Debug)]
pub(crate) struct Connections {
    slots: Semaphore,
    most: usize,
    open: Gauge,
    waits: Counter,
    last_warning: Mutex<Option<Instant>>,
}

impl Connections {
    /// Slots for `most` connections, and at least one.
    pub(crate) fn new(most: usize, open: Gauge, waits: Counter) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self { slots: Semaphore::new(most), most, open, waits, last_warning: Mutex::new(None) }
    }

    fn full(&self) {
        self.waits.inc();
        // Nothing under the lock can leave it half done.
        let mut last_warning = self.last_warning.lock().unwrap_or_else(PoisonError::into_inner);
        if last_warning.is_none_or(|last| last.elapsed() >= WARN_EVERY) {
            *last_warning = Some(Instant::now());
            let most = self.most;
            tracing::warn!(target: "bearward::proxy", most, "the maximum number of connections is open: more wait until one ends");
        }
    }
}

/// A listener calls this for each connection, before it accepts the next one. It accepts none while this waits.
#[async_trait]
impl ConnectionFilter for Connections {
    async fn should_accept(&self, _: Option<&std::net::SocketAddr>) -> bool {
        let slot = match self.slots.try_acquire() {
            Ok(slot) => Ok(slot),
            Err(_) => {
                self.full();
                self.slots.acquire().await
            }
        };
        // Between here and `Limited` nothing in pingora can fail and lose the slot: setting TCP_NODELAY does not fail on Linux,
        // and there is no TLS handshake. The semaphore is never closed.
        slot.map(tokio::sync::SemaphorePermit::forget).is_ok()
    }
}

/// An app whose connections have a slot each.
pub(crate) struct Limited<A> {
    pub(crate) app: Arc<A>,
    pub(crate) connections: Arc<Connections>,
}

#[async_trait]
impl<A: ServerApp + Send + Sync + 'static> ServerApp for Limited<A> {
    async fn process_new(self: &Arc<Self>, stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        let _slot = Slot::of(&self.connections);
        // It serves every request of the connection.
        self.app.process_new(stream, shutdown).await
    }

    async fn cleanup(&self) {
        self.app.cleanup().await;
    }
}

/// A taken slot, which is released on drop.
struct Slot<'a>(&'a Connections);

impl<'a> Slot<'a> {
    fn of(connections: &'a Connections) -> Self {
        connections.open.inc();
        Self(connections)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.open.dec();
        self.0.slots.add_permits(1);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use bearward_gate::MetricsRegistry;

    use super::*;

    /// Whether a new connection gets a slot at once.
    fn has_slot(connections: &Connections) -> bool {
        let asked = pin!(connections.should_accept(None));
        asked.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(true)
    }

    #[test]
    fn a_slot_is_released_when_its_connection_ends() {
        let open = MetricsRegistry::default().gauge("open", "open connections").unwrap();
        let waits = MetricsRegistry::default().counter("waits", "connections that waited").unwrap();
        let connections = Connections::new(2, open, waits);
        for round in 0..3 {
            assert!(has_slot(&connections), "{round}: the first");
            let first = Slot::of(&connections);
            assert!(has_slot(&connections), "{round}: the second");
            let second = Slot::of(&connections);
            assert_eq!(connections.open.get(), 2);
            assert!(!has_slot(&connections), "{round}: no third one");
            drop(first);
            assert!(has_slot(&connections), "{round}: after one has ended");
            drop((Slot::of(&connections), second));
            assert_eq!((connections.open.get(), connections.waits.get()), (0, round + 1));
        }
    }
}
