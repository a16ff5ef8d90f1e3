//! The end of a client's connection.
//!
//! A close with bytes unread resets the connection, and a client that is still sending would lose the answer (RFC 9112, 9.6). So the
//! sending side is closed first, and what still comes is read and dropped, up to a bound.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

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
    watch.set_deadline_in(WAIT);
    let is_told = poll_fn(|context| match Pin::new(&mut *client).poll_shutdown(context) {
        // With TLS this is a write, and a client that takes nothing must not hold it up.
        Poll::Pending if watch.is_late() => Poll::Ready(false),
        shut => shut.map(|shut| shut.is_ok()),
    })
    .await;
    // Whoever is gone needs no goodbye.
    if is_told {
        drop_bytes(client, buffer, watch, MOST, WAIT, |_| None).await;
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
        // Behind broken framing nothing is known of any end.
        let Ok(decoded) = body.decode(buffer.filled_mut()) else { return Some(false) };
        buffer.consume(decoded.consumed);
        body.is_done().then_some(true)
    })
    .await
}

/// Reads until `found` has an answer, the end of the connection, or a bound.
async fn drop_bytes(
    client: &mut impl Stream,
    buffer: &mut Buffer,
    watch: &Watch,
    most: usize,
    wait: Duration,
    mut found: impl FnMut(&mut Buffer) -> Option<bool>,
) -> bool {
    watch.set_deadline_in(wait);
    let mut read = 0;
    poll_fn(|context| {
        loop {
            if let Some(found) = found(buffer) {
                return Poll::Ready(found);
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
