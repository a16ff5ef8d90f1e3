//! The end of a client's connection.
//!
//! A close with bytes unread resets the connection, and a client that is still sending would lose the answer (RFC 9112, 9.6). So the
//! sending side is closed first, and what still comes is read and dropped, up to a bound.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::buffer::Buffer;
use super::stream::{Stream, poll_read};
use super::watch::Watch;
use crate::http::body::Decoder;

/// How much more, in bytes, is read before the connection is closed.
const MOST: usize = 1024 * 1024;
/// How long this goes on.
const WAIT: Duration = Duration::from_secs(1);

/// Closes the sending side, and reads what still comes.
pub(crate) async fn close(client: &mut impl Stream, buffer: &mut Buffer, watch: &Watch) {
    // Whoever is gone needs no goodbye.
    if client.shutdown().await.is_ok() {
        drop_bytes(client, buffer, watch, MOST, WAIT, |_| false).await;
    }
}

/// Reads and drops the rest of a body of at most so many bytes. Whether its end came; what comes behind it is kept.
pub(crate) async fn drop_body(
    client: &mut impl Stream,
    buffer: &mut Buffer,
    watch: &Watch,
    mut body: Decoder,
    most: usize,
    wait: Duration,
) -> bool {
    drop_bytes(client, buffer, watch, most, wait, |buffer| {
        match body.decode(buffer.filled_mut()) {
            Ok(decoded) => buffer.consume(decoded.consumed),
            Err(_) => return false,
        }
        body.is_done()
    })
    .await
}

/// Reads until `is_done` says so, the end of the connection, or a bound.
async fn drop_bytes(
    client: &mut impl Stream,
    buffer: &mut Buffer,
    watch: &Watch,
    most: usize,
    wait: Duration,
    mut is_done: impl FnMut(&mut Buffer) -> bool,
) -> bool {
    watch.set_deadline_in(wait);
    let mut read = 0;
    poll_fn(|context| {
        loop {
            if is_done(buffer) {
                return Poll::Ready(true);
            }
            buffer.consume(usize::MAX);
            match poll_read(&mut *client, context, buffer) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(false),
                Poll::Ready(Ok(more)) => read += more,
                Poll::Pending if watch.is_late() => return Poll::Ready(false),
                Poll::Pending => return Poll::Pending,
            }
            if read > most {
                return Poll::Ready(false);
            }
        }
    })
    .await
}
