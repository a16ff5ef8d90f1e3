//! The connections of the admin server: bounded, and whoever holds one without asking makes room for those who ask.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use bearward_gate::Counter;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// The longest that a connection may take to send a request's head, or stay idle between two. Probes and scrapes send theirs
/// at once.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest that a connection may last, whatever it does. Nothing else ends one whose client asks and never reads: no
/// head is awaited while an answer cannot be written.
const CONNECTION_LIFE: Duration = Duration::from_secs(300);
/// The pause after a connection could not be accepted, and how often the log says so.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Serves for ever. Beyond `places` connections, the one that makes room is the oldest of those that have never asked, or else
/// the one that has asked least recently; `displaced` counts them.
pub(super) async fn serve(listener: TcpListener, router: Router, places: usize, displaced: Counter) {
    let places = Arc::new(Places { most: places.max(1), displaced, held: Mutex::default() });
    let service = TowerToHyperService::new(router);
    let mut told: Option<Instant> = None;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (seat, displaced) = Places::take(&places);
                let service = service.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = serve_connection(stream, service, seat) => {}
                        _ = displaced => {}
                    }
                });
            }
            Err(error) => {
                // Out of descriptors, mostly: one of ours may be given back at once.
                places.make_room();
                if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
                    tracing::warn!(%error, "admin server cannot accept a connection");
                    told = Some(Instant::now());
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_connection<S>(stream: S, service: TowerToHyperService<Router>, seat: Seat)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answers = service_fn(|request| {
        let answer = service.call(request);
        seat.asks();
        async {
            let answer = answer.await;
            seat.is_answered();
            answer
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), answers);
    match tokio::time::timeout(CONNECTION_LIFE, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "admin connection ended"),
        Err(_) => tracing::debug!("admin connection ended: its time is over"),
    }
}

/// The connections that are open.
struct Places {
    most: usize,
    displaced: Counter,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// Grows with each thing that happens, so that what is lower is longer ago.
    clock: u64,
    /// By the time at which they were taken.
    connections: BTreeMap<u64, Connection>,
}

struct Connection {
    /// An answer is being made, which takes a moment.
    is_asking: bool,
    /// When it last sent a whole head, or nothing if it never has.
    asked: Option<u64>,
    /// Dropped, it ends the connection.
    _displace: oneshot::Sender<()>,
}

impl Places {
    /// A place, and what comes when somebody else needs it.
    fn take(places: &Arc<Self>) -> (Seat, oneshot::Receiver<()>) {
        let (displace, displaced) = oneshot::channel();
        let mut held = places.held();
        while held.connections.len() >= places.most && held.displace() {
            places.displaced.inc();
        }
        held.clock += 1;
        let number = held.clock;
        held.connections.insert(number, Connection { is_asking: false, asked: None, _displace: displace });
        drop(held);
        (Seat { places: Arc::clone(places), number }, displaced)
    }

    fn make_room(&self) {
        if self.held().displace() {
            self.displaced.inc();
        }
    }

    /// A panic under the lock leaves no half-made state behind.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Ends a connection, if there is one.
    fn displace(&mut self) -> bool {
        let order = |(number, connection): &(&u64, &Connection)| (connection.is_asking, connection.asked, **number);
        let next = self.connections.iter().min_by_key(order).map(|(number, _)| *number);
        next.is_some_and(|number| self.connections.remove(&number).is_some())
    }
}

/// The place of one connection, which is free again when this is dropped.
struct Seat {
    places: Arc<Places>,
    number: u64,
}

impl Seat {
    fn asks(&self) {
        let mut held = self.places.held();
        held.clock += 1;
        let now = held.clock;
        if let Some(connection) = held.connections.get_mut(&self.number) {
            (connection.is_asking, connection.asked) = (true, Some(now));
        }
    }

    fn is_answered(&self) {
        if let Some(connection) = self.places.held().connections.get_mut(&self.number) {
            connection.is_asking = false;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.places.held().connections.remove(&self.number);
    }
}

/// Starts [`serve`] on this runtime.
///
/// # Errors
///
/// When the runtime cannot take the listener.
pub(super) fn spawn(
    listener: std::net::TcpListener,
    router: Router,
    places: usize,
    displaced: Counter,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    tokio::spawn(serve(listener, router, places, displaced));
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use axum::routing::get;
    use bearward_gate::MetricsRegistry;
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    fn places(most: usize) -> Arc<Places> {
        let displaced = MetricsRegistry::default().counter("displaced", "Connections.").unwrap();
        Arc::new(Places { most, displaced, held: Mutex::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_and_never_reads_gives_its_place_back() {
        let router = Router::new().route("/metrics", get(|| async { "0".repeat(64 << 10) }));
        let (mut client, server) = tokio::io::duplex(1 << 10);
        let asks = tokio::spawn(async move {
            while client.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await.is_ok() {}
        });
        let (begun, places) = (Instant::now(), places(1));
        let (seat, _displaced) = Places::take(&places);
        serve_connection(server, TowerToHyperService::new(router), seat).await;
        // Not sooner: the time for a head does not end it.
        assert_eq!(begun.elapsed().as_secs(), CONNECTION_LIFE.as_secs());
        assert!(asks.await.is_ok());
        assert!(places.held().connections.is_empty());
    }

    #[test]
    fn those_who_never_asked_make_room_first_and_those_who_are_being_answered_last() {
        let places = places(4);
        let mut seats: Vec<_> = (0..4).map(|_| Places::take(&places)).collect();
        let number = |seats: &[(Seat, oneshot::Receiver<()>)], at: usize| seats.get(at).unwrap().0.number;
        for (at, answered) in [(2, false), (1, true), (0, true)] {
            let seat = &seats.get(at).unwrap().0;
            seat.asks();
            if answered {
                seat.is_answered();
            }
        }
        for gone in [3, 1, 0, 2] {
            let gone = number(&seats, gone);
            assert!(places.held().connections.contains_key(&gone), "{gone}");
            let newest = Places::take(&places);
            newest.0.asks();
            assert!(!places.held().connections.contains_key(&gone), "{gone}");
            assert_eq!(places.held().connections.len(), 4);
            seats.push(newest);
        }
        assert_eq!(places.displaced.get(), 4);
        drop(seats);
        assert!(places.held().connections.is_empty());
    }
}
