//! Accepting connections, and spreading them over the threads by hand: a kernel that spreads them by address leaves one thread idle
//! and another with twice its share, where clients are few.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use bearward_gate::Counter;

use super::places::{Places, Share};

/// What a connection beyond its address's share is told, without its request being read.
const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// How long nothing is accepted after a failure, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections for as long as it is polled, and hands each on with its peer's address once there is a place for it.
pub(crate) async fn accept(
    listener: TcpListener,
    places: Arc<Places>,
    refused: Counter,
    hand_on: impl Fn(TcpStream, SocketAddr, Share),
) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // It is served on another thread, whose runtime takes it from there.
                let Ok(stream) = stream.set_nodelay(true).and_then(|()| stream.into_std()) else { continue };
                let Some(share) = places.share(peer.ip()) else {
                    refused.inc();
                    // What does not fit into an empty send buffer is not worth waiting for.
                    let _ = (&stream).write_all(NO_PLACE);
                    continue;
                };
                places.reserve().await;
                hand_on(stream, peer, share);
            }
            // A client that was gone before it was accepted is no fault of ours.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(target: "bearward::proxy", %error, "cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
