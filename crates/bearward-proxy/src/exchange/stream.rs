//! What an exchange needs of its streams. Of an upstream's it needs reading and writing alone.

use std::future::Future as _;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::buffer::Buffer;

/// A client's connection.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {
    /// Ready where a read may find something, so that a connection at rest needs no buffer.
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Whether the other side is known to have closed, though not all that it sent has been read.
    fn is_closed(&self) -> bool;

    /// Has the connection be reset when it is dropped, so that its end is not taken for that of an answer.
    fn reset_when_dropped(&self);
}

impl Stream for TcpStream {
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(context)
    }

    fn is_closed(&self) -> bool {
        let ready = pin!(self.ready(Interest::READABLE)).poll(&mut Context::from_waker(Waker::noop()));
        matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed())
    }

    fn reset_when_dropped(&self) {
        // Where it is not possible, the connection is gone already.
        let _ = self.set_zero_linger();
    }
}

/// Reads more into a buffer that has room; how much, and 0 at the end.
pub(crate) fn poll_read(
    stream: &mut (impl AsyncRead + Unpin),
    context: &mut Context<'_>,
    into: &mut Buffer,
) -> Poll<io::Result<usize>> {
    let mut room = ReadBuf::new(into.room());
    match std::pin::Pin::new(stream).poll_read(context, &mut room) {
        Poll::Ready(Ok(())) => {
            let read = room.filled().len();
            into.add(read);
            Poll::Ready(Ok(read))
        }
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        Poll::Pending => Poll::Pending,
    }
}

#[cfg(any(test, feature = "in-memory"))]
impl Stream for tokio::io::DuplexStream {
    fn poll_readable(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn is_closed(&self) -> bool {
        false
    }

    fn reset_when_dropped(&self) {}
}
