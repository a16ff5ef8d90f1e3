//! New connections to upstreams.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::net::TcpStream;

use super::stream::UpstreamStream;
use crate::exchange::watch::Watch;

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum ConnectError {
    Refused(io::Error),
    TooSlow,
}

/// Connects within this time.
pub(crate) async fn connect(
    address: SocketAddr,
    within: Duration,
    watch: &Watch,
) -> Result<UpstreamStream, ConnectError> {
    watch.set_deadline_in(within);
    let mut opening = pin!(open(address));
    poll_fn(|context| match opening.as_mut().poll(context) {
        Poll::Ready(stream) => Poll::Ready(stream.map_err(ConnectError::Refused)),
        Poll::Pending if watch.is_late() => Poll::Ready(Err(ConnectError::TooSlow)),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// All that comes before the first byte of a request; a handshake would stand here, and share the time limit.
async fn open(address: SocketAddr) -> io::Result<UpstreamStream> {
    let stream = TcpStream::connect(address).await?;
    // A head and a body that are written apart must not wait for each other's acknowledgement.
    stream.set_nodelay(true)?;
    Ok(UpstreamStream::Plain(stream))
}
