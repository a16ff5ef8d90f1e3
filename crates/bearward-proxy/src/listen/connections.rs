//! A bound on the clients' connections.
//!
//! Each one takes a descriptor, and with a request under way a second one for the upstream. Without a bound a few
//! thousand silent connections use up the process's descriptors, and then nothing that needs one works any more:
//! neither key fetches nor the admin server, whose liveness probe would have the process killed. So no connection is
//! taken beyond the bound until one has ended; the next ones wait in the system's queue. A connection without a request
//! ends by itself when its time for a head is over (`bounded`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bearward_gate::{Counter, Gauge};
use pingora_core::apps::ServerApp;
use pingora_core::listeners::ConnectionFilter;
use pingora_core::protocols::Stream;
use pingora_core::server::ShutdownWatch;
use tokio::sync::Semaphore;

/// How often, at most, the log says that there is no place.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// The places for connections. A listener takes one for each connection that it accepts; [`Placed`] gives it back.
#[derive(Debug)]
pub(crate) struct Connections {
    places: Semaphore,
    most: usize,
    open: Gauge,
    waits: Counter,
    told: Mutex<Option<Instant>>,
}

impl Connections {
    /// Places for `most` connections, and at least one.
    pub(crate) fn new(most: usize, open: Gauge, waits: Counter) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self { places: Semaphore::new(most), most, open, waits, told: Mutex::new(None) }
    }

    fn full(&self) {
        self.waits.inc();
        // Nothing under the lock can leave it half done.
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            *told = Some(Instant::now());
            let most = self.most;
            tracing::warn!(target: "bearward::proxy", most, "no place for more connections: they wait until one ends");
        }
    }
}

/// Asked by a listener when it has accepted a connection and before it accepts the next one: it accepts none while this
/// waits.
#[async_trait]
impl ConnectionFilter for Connections {
    async fn should_accept(&self, _: Option<&std::net::SocketAddr>) -> bool {
        let place = match self.places.try_acquire() {
            Ok(place) => Ok(place),
            Err(_) => {
                self.full();
                self.places.acquire().await
            }
        };
        // Between here and `Placed` nothing of pingora's can fail that would lose it: setting TCP_NODELAY does not fail
        // on Linux, and there is no TLS handshake. The semaphore is never closed.
        place.map(tokio::sync::SemaphorePermit::forget).is_ok()
    }
}

/// An app whose connections have a place each.
pub(crate) struct Placed<A> {
    pub(crate) app: Arc<A>,
    pub(crate) connections: Arc<Connections>,
}

#[async_trait]
impl<A: ServerApp + Send + Sync + 'static> ServerApp for Placed<A> {
    async fn process_new(self: &Arc<Self>, stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        let _place = Place::of(&self.connections);
        // It serves every request of the connection.
        self.app.process_new(stream, shutdown).await
    }

    async fn cleanup(&self) {
        self.app.cleanup().await;
    }
}

/// A place that is taken, given back when it is dropped.
struct Place<'a>(&'a Connections);

impl<'a> Place<'a> {
    fn of(connections: &'a Connections) -> Self {
        connections.open.inc();
        Self(connections)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.open.dec();
        self.0.places.add_permits(1);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use bearward_gate::MetricsRegistry;

    use super::*;

    /// Whether a connection that comes now has a place at once.
    fn has_place(connections: &Connections) -> bool {
        let asked = pin!(connections.should_accept(None));
        asked.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(true)
    }

    #[test]
    fn a_place_is_given_back_when_its_connection_ends() {
        let open = MetricsRegistry::default().gauge("open", "open connections").unwrap();
        let waits = MetricsRegistry::default().counter("waits", "connections that waited").unwrap();
        let connections = Connections::new(2, open, waits);
        for round in 0..3 {
            assert!(has_place(&connections), "{round}: the first");
            let first = Place::of(&connections);
            assert!(has_place(&connections), "{round}: the second");
            let second = Place::of(&connections);
            assert_eq!(connections.open.get(), 2);
            assert!(!has_place(&connections), "{round}: no third one");
            drop(first);
            assert!(has_place(&connections), "{round}: after one has ended");
            drop((Place::of(&connections), second));
            assert_eq!((connections.open.get(), connections.waits.get()), (0, round + 1));
        }
    }
}
