//! Starting and stopping.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bearward_gate::{Gate, MetricsRegistry};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::error::ProxyError;
use crate::exchange::watch::Watch;
use crate::listen::accept::accept;
use crate::listen::bind;
use crate::listen::places::Place;
use crate::serve::connection::Connection;
use crate::serve::worker::{Shared, Worker};
use crate::settings::ProxySettings;
use crate::upstream::Upstreams;

/// How long the first requests wait for the names of upstreams to be resolved.
const FIRST_RESOLUTION: Duration = Duration::from_secs(2);
/// How often a shutdown checks for connections that are still open.
const DRAIN_POLL: Duration = Duration::from_millis(10);

/// Serves requests until `shutdown` becomes true or its sender is dropped, and then until the requests in progress are done or
/// the time of `drain` is over. It calls `serving` once, when connections are accepted on every address.
///
/// It blocks its thread, which must not belong to a tokio runtime. The gate may run on another runtime.
///
/// # Errors
///
/// Before it serves: invalid settings, an address that cannot be bound, metrics that the registry already has. After that only
/// [`ProxyError::Stopped`].
pub fn run(
    settings: ProxySettings,
    gate: Arc<Gate>,
    registry: &MetricsRegistry,
    shutdown: watch::Receiver<bool>,
    serving: impl FnOnce(),
) -> Result<(), ProxyError> {
    let threads = settings.threads.max(1);
    let shared = Arc::new(Shared::new(&settings, threads, gate, registry)?);
    let listeners = bind(&settings.listen)?;
    let workers = (0..threads)
        .map(|thread| {
            // Each thread keeps its share, and one at least where any are kept.
            let pool = settings.keepalive_pool.div_ceil(threads);
            Thread::start(Worker::new(Arc::clone(&shared), thread, pool))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let runtime = current_thread()?;
    let served = runtime.block_on(async {
        resolve(&shared.upstreams).await;
        serve(&shared, &workers, listeners, shutdown, serving).await?;
        drain(&shared, settings.drain).await;
        Ok(())
    });
    for worker in workers {
        worker.end();
    }
    end(runtime);
    served
}

/// A thread that serves connections.
struct Thread {
    worker: Arc<Worker>,
    connections: mpsc::UnboundedSender<(TcpStream, SocketAddr, Place)>,
    handle: JoinHandle<()>,
}

impl Thread {
    fn start(worker: Worker) -> Result<Self, ProxyError> {
        let worker = Arc::new(worker);
        let runtime = current_thread()?;
        // It holds no more than there are places.
        let (connections, mut new) = mpsc::unbounded_channel::<(TcpStream, SocketAddr, Place)>();
        let serve = {
            let worker = Arc::clone(&worker);
            move || {
                runtime.block_on(async {
                    let ticking = Arc::clone(&worker);
                    tokio::spawn(async move { ticking.tick().await });
                    while let Some((stream, peer, place)) = new.recv().await {
                        match tokio::net::TcpStream::from_std(stream) {
                            Ok(stream) => {
                                tokio::spawn(Connection::new(stream, peer, Arc::clone(&worker), place).serve());
                            }
                            Err(error) => tracing::warn!(target: "bearward::proxy", %error, "a connection is lost"),
                        }
                    }
                });
                end(runtime);
            }
        };
        let name = format!("bearward-{}", worker.thread);
        let handle = thread::Builder::new().name(name).spawn(serve).map_err(ProxyError::Threads)?;
        Ok(Self { worker, connections, handle })
    }

    fn is_running(&self) -> bool {
        !self.handle.is_finished()
    }

    /// Cuts off whatever it still serves.
    fn end(self) {
        drop(self.connections);
        // It has nothing to tell: a panic in it is one outside of any request, and was logged.
        let _ = self.handle.join();
    }
}

fn current_thread() -> Result<Runtime, ProxyError> {
    Builder::new_current_thread().enable_all().build().map_err(ProxyError::Threads)
}

/// Resolves the upstreams' names, waits at most [`FIRST_RESOLUTION`], and continues in the background.
async fn resolve(upstreams: &Upstreams) {
    let mut first = JoinSet::new();
    for upstream in upstreams.iter().filter(|upstream| upstream.has_names()) {
        let upstream = Arc::clone(upstream);
        first.spawn(async move {
            upstream.resolve().await;
            tokio::spawn(upstream.keep_resolved());
        });
    }
    if tokio::time::timeout(FIRST_RESOLUTION, async { while first.join_next().await.is_some() {} }).await.is_err() {
        first.detach_all();
    }
}

/// Accepts connections until the shutdown.
async fn serve(
    shared: &Arc<Shared>,
    workers: &[Thread],
    listeners: Vec<(SocketAddr, TcpListener)>,
    mut shutdown: watch::Receiver<bool>,
    serving: impl FnOnce(),
) -> Result<(), ProxyError> {
    let mut accepting = JoinSet::new();
    let senders: Arc<[_]> =
        workers.iter().map(|thread| (Arc::clone(&thread.worker.clock), thread.connections.clone())).collect();
    for (address, listener) in listeners {
        let bound = listener.local_addr().unwrap_or(address);
        tracing::info!(target: "bearward::proxy", address = %bound, "listening");
        let (places, senders) = (Arc::clone(&shared.places), Arc::clone(&senders));
        let refused = shared.metrics.connections_refused.clone();
        accepting.spawn(accept(listener, Arc::clone(&places), refused, move |stream, peer, share| {
            let thread = places.quietest_thread();
            if let Some((clock, sender)) = senders.get(thread) {
                let place = places.enter(thread, Watch::new(Arc::clone(clock)), share);
                // A thread that has ended gives the place back with the connection.
                let _ = sender.send((stream, peer, place));
            }
        }));
    }
    drop(senders);
    serving();
    let mut alive = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            // Listeners end by an error alone.
            _ = accepting.join_next() => return Err(ProxyError::Stopped),
            _ = alive.tick() => if !workers.iter().all(Thread::is_running) { return Err(ProxyError::Stopped) },
            _ = shutdown.wait_for(|shutdown| *shutdown) => break,
        }
    }
    tracing::info!(target: "bearward::proxy", "shutting down: no new connections");
    accepting.shutdown().await;
    shared.places.stop();
    Ok(())
}

/// Waits for the connections whose requests are in progress.
async fn drain(shared: &Shared, most: Duration) {
    let deadline = Instant::now() + most;
    while shared.places.taken() > 0 {
        if Instant::now() >= deadline {
            let left = shared.metrics.in_flight.get();
            tracing::warn!(target: "bearward::proxy", left, "the drain time is over; cutting off the remaining requests");
            return;
        }
        tokio::time::sleep(DRAIN_POLL).await;
    }
}

/// Ends a runtime, without waiting for name resolution.
fn end(runtime: Runtime) {
    runtime.shutdown_timeout(Duration::from_millis(100));
}
