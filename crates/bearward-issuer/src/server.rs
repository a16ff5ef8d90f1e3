//! An issuer on a socket.

use std::{future::IntoFuture, net::SocketAddr, time::Duration};

use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::timeout};

use crate::Issuer;

/// How long [`RunningIssuer::shutdown`] waits for requests under way.
const GRACE: Duration = Duration::from_secs(2);

/// An issuer that is being served in the background. Dropping it stops it as well, without waiting.
#[derive(Debug)]
#[must_use = "it stops when dropped"]
pub struct RunningIssuer {
    issuer: Issuer,
    address: SocketAddr,
    /// Its end tells the server to stop: by a message, or by being dropped.
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl RunningIssuer {
    pub(crate) fn start(issuer: Issuer, listener: TcpListener, address: SocketAddr) -> Self {
        let (stop, stopped) = oneshot::channel();
        let service = issuer.router().into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, service).with_graceful_shutdown(async {
            let _sent_or_dropped = stopped.await;
        });
        let server = tokio::spawn(async {
            // Documented never to end in an error: it sleeps and retries when a connection cannot be accepted.
            let _never = server.into_future().await;
        });
        Self { issuer, address, stop, server }
    }

    /// The issuer identifier and base URL, without a slash at the end.
    pub fn url(&self) -> &str {
        self.issuer.url()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The issuer itself, to mint tokens or to rotate keys.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Stops accepting, waits up to two seconds for requests under way, and returns once the port is free.
    pub async fn shutdown(self) {
        let Self { stop, mut server, .. } = self;
        let _already_gone = stop.send(());
        if timeout(GRACE, &mut server).await.is_err() {
            server.abort();
            let _aborted = server.await;
        }
    }
}
