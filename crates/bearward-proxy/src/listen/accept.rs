//! Accepting connections, and spreading them over the threads by hand: a kernel that spreads them by address leaves one thread idle
//! and another with twice its share, where clients are few.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::places::Places;

/// How long nothing is accepted after a failure, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections for as long as it is polled, and hands each on with its peer's address once there is a place for it.
pub(crate) async fn accept(
    listener: TcpListener,
    places: Arc<Places>,
    hand_on: impl Fn(TcpStream, SocketAddr),
) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // It is served on another thread, whose runtime takes it from there.
                let Ok(stream) = stream.set_nodelay(true).and_then(|()| stream.into_std()) else { continue };
                places.reserve().await;
                hand_on(stream, peer);
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
