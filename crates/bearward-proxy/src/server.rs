//! Starting and stopping.
//!
//! pingora's own `Server` is not used. On shutdown it sleeps its whole grace period even if no request is in progress, and
//! with a grace period of zero it cuts off every request, because `graceful_shutdown_timeout` only waits for blocking threads.
//! If a listener cannot be bound, the process continues without it. And it handles signals, daemons and exit codes, which are
//! the binary's. So only the listening service of pingora is used: it runs on a runtime of this crate, with sockets that are
//! already bound.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::IntoRawFd as _;
use std::sync::Arc;
use std::time::Duration;

use bearward_gate::{Gate, Gauge, MetricsRegistry, RequestIds};
use pingora_core::server::configuration::ServerConf;
use pingora_core::server::{Fds, ListenFds};
use pingora_core::services::Service as _;
use pingora_core::services::listening::Service;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::error::ProxyError;
use crate::exchange::service::{HEAD_TIMEOUT, MAX_ATTEMPTS, Proxy};
use crate::listen::bind;
use crate::listen::connections::{Connections, Limited};
use crate::listen::head_timeout::HeadTimeout;
use crate::metrics::Metrics;
use crate::settings::ProxySettings;
use crate::upstream::Upstreams;

/// How long the first requests wait for the names of upstreams to be resolved.
const FIRST_RESOLUTION: Duration = Duration::from_secs(2);
/// How often a shutdown checks for requests in progress.
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
    let upstreams = Arc::new(Upstreams::new(settings.upstreams)?);
    let metrics = Arc::new(Metrics::new(registry)?);
    let listeners = bind(&settings.listen)?;
    let connections =
        Connections::new(settings.max_connections, metrics.connections.clone(), metrics.connection_waits.clone());
    let runtime = Builder::new_multi_thread()
        .worker_threads(settings.threads.max(1))
        .thread_name("bearward-proxy")
        .enable_all()
        .build()
        .map_err(ProxyError::Threads)?;

    let proxy = Proxy {
        gate,
        upstreams: Arc::clone(&upstreams),
        metrics: Arc::clone(&metrics),
        max_header_bytes: settings.max_header_bytes,
        request_ids: RequestIds::default(),
    };
    let conf = Arc::new(ServerConf {
        threads: settings.threads.max(1),
        upstream_keepalive_pool_size: settings.keepalive_pool,
        max_retries: MAX_ATTEMPTS.into(), // pingora means attempts
        ..ServerConf::default()
    });
    let served = runtime.block_on(async {
        resolve(&upstreams).await;
        serve(&conf, proxy, Arc::new(connections), listeners, shutdown, serving).await?;
        drain(&metrics.in_flight, settings.drain).await;
        Ok(())
    });
    end(runtime);
    served
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
    conf: &Arc<ServerConf>,
    proxy: Proxy,
    connections: Arc<Connections>,
    listeners: Vec<(SocketAddr, TcpListener)>,
    mut shutdown: watch::Receiver<bool>,
    serving: impl FnOnce(),
) -> Result<(), ProxyError> {
    let app = HeadTimeout { app: Arc::new(pingora_proxy::http_proxy(conf, proxy)), head_timeout: HEAD_TIMEOUT };
    let app = Limited { app: Arc::new(app), connections: Arc::clone(&connections) };
    let mut service = Service::new("bearward".to_owned(), app);
    service.set_connection_filter(connections);
    let mut sockets = Fds::new();
    for (address, listener) in listeners {
        let bound = listener.local_addr().unwrap_or(address);
        tracing::info!(target: "bearward::proxy", address = %bound, "listening");
        // pingora finds the socket by the address and owns it from then on.
        service.add_tcp(&bound.to_string());
        sockets.add(bound.to_string(), listener.into_raw_fd());
    }
    let sockets: ListenFds = Arc::new(sockets.into());

    // A separate channel: pingora waits for a change, and the caller's value may have changed already.
    let (stop, stopped) = watch::channel(false);
    let mut service = tokio::spawn(async move { service.start_service(Some(sockets), stopped, 1).await });
    // The operating system accepts connections since the sockets were bound, and queues them for the task.
    serving();
    tokio::select! {
        // It has panicked, or its listeners have ended by themselves.
        _ = &mut service => Err(ProxyError::Stopped),
        _ = shutdown.wait_for(|shutdown| *shutdown) => {
            tracing::info!(target: "bearward::proxy", "shutting down: no new connections");
            // The receiver lives in the task above, which is running.
            let _ = stop.send(true);
            service.await.map_err(|_| ProxyError::Stopped)
        }
    }
}

/// Waits for the requests in progress.
async fn drain(in_flight: &Gauge, most: Duration) {
    let deadline = Instant::now() + most;
    loop {
        // First a pause, because a connection that was just accepted may have a request that is not counted yet.
        tokio::time::sleep(DRAIN_POLL).await;
        if in_flight.get() <= 0 {
            return;
        }
        if Instant::now() >= deadline {
            let left = in_flight.get();
            tracing::warn!(target: "bearward::proxy", left, "the drain time is over; cutting off the remaining requests");
            return;
        }
    }
}

/// Ends the threads, without waiting for name resolution.
fn end(runtime: Runtime) {
    runtime.shutdown_timeout(Duration::from_millis(100));
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_drain_ends_with_the_last_request_or_with_its_time() {
        let in_flight = MetricsRegistry::default().gauge("in_flight", "Requests.").unwrap();
        let begun = Instant::now();
        drain(&in_flight, Duration::from_secs(60)).await;
        in_flight.inc();
        drain(&in_flight, Duration::from_millis(30)).await;
        assert!((30..5_000).contains(&begun.elapsed().as_millis()));
    }
}
