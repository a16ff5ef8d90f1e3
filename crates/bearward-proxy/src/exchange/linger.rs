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

/// How long what still comes is read, in all. A client may have to send a large body before it reads.
const WAIT: Duration = Duration::from_secs(30);
/// How long nothing may come.
const SILENCE: Duration = Duration::from_secs(1);

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
        let wait = if watch.must_end() { SILENCE } else { WAIT };
        drop_bytes(client, buffer, watch, Bounds { most: usize::MAX, wait, silence: SILENCE }, |_| None).await;
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
    drop_bytes(client, buffer, watch, Bounds { most, wait, silence: wait }, |buffer| {
        // Behind broken framing nothing is known of any end.
        let Ok(decoded) = body.decode(buffer.filled_mut()) else { return Some(false) };
        buffer.consume(decoded.consumed);
        body.is_done().then_some(true)
    })
    .await
}

/// How much is read, in bytes, how long, and how long nothing may come.
struct Bounds {
    most: usize,
    wait: Duration,
    silence: Duration,
}

/// Reads until `found` has an answer, the end of the connection, or a bound.
async fn drop_bytes(
    client: &mut impl Stream,
    buffer: &mut Buffer,
    watch: &Watch,
    bounds: Bounds,
    mut found: impl FnMut(&mut Buffer) -> Option<bool>,
) -> bool {
    let end = watch.now().after(bounds.wait);
    watch.set_deadline(watch.now().after(bounds.silence).min(end));
    let knew_the_end = watch.must_end();
    let mut read: usize = 0;
    poll_fn(|context| {
        loop {
            if let Some(found) = found(buffer) {
                return Poll::Ready(found);
            }
            buffer.consume(usize::MAX);
            match poll_read(&mut *client, context, buffer) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(false),
                Poll::Ready(Ok(more)) => read = read.saturating_add(more),
                // A shutdown, or another connection that needs the place.
                Poll::Pending if watch.must_end() && !knew_the_end => return Poll::Ready(false),
                Poll::Pending if watch.is_late() => return Poll::Ready(false),
                Poll::Pending => return Poll::Pending,
            }
            if read > bounds.most || watch.now() >= end {
                return Poll::Ready(false);
            }
            watch.set_deadline(watch.now().after(bounds.silence).min(end));
        }
    })
    .await
}
