//! A WebSocket: bytes both ways, until both sides have closed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::buffer::{Buffer, Buffers};
use super::half::{Half, HalfError};
use super::watch::{Coarse, Watch};
use crate::http::framing::Framing;

/// How a tunnel ended.
#[derive(Debug)]
pub(crate) enum TunnelEnd {
    /// Both sides have closed.
    Closed,
    /// Nothing moved for too long.
    Idle,
    /// The client broke off.
    ClientGone,
    /// The upstream broke off.
    UpstreamGone(io::Error),
}

/// Passes bytes on. What either side has sent already stands in the buffers, and the answer's head in the outgoing vector.
pub(crate) async fn run(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    upstream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    buffers: &mut Buffers,
    watch: &Watch,
    idle: Duration,
) -> TunnelEnd {
    let Buffers { request, answer, to_upstream, to_client } = buffers;
    to_upstream.clear();
    let mut up = Way::new();
    let mut down = Way::new();
    let mut moved = watch.now();
    std::future::poll_fn(|context| {
        let before = (up.half.written(), down.half.written());
        match up.poll(context, client, request, to_upstream, upstream) {
            Poll::Ready(Err(HalfError::Read(_) | HalfError::Broken)) => return Poll::Ready(TunnelEnd::ClientGone),
            Poll::Ready(Err(HalfError::Write(error))) => return Poll::Ready(TunnelEnd::UpstreamGone(error)),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        match down.poll(context, upstream, answer, to_client, client) {
            Poll::Ready(Err(HalfError::Read(error))) => return Poll::Ready(TunnelEnd::UpstreamGone(error)),
            Poll::Ready(Err(HalfError::Write(_) | HalfError::Broken)) => return Poll::Ready(TunnelEnd::ClientGone),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        if up.is_closed && down.is_closed {
            return Poll::Ready(TunnelEnd::Closed);
        }
        if before != (up.half.written(), down.half.written()) {
            moved = watch.now();
        }
        let deadline: Coarse = moved.after(idle);
        if watch.now() >= deadline {
            return Poll::Ready(TunnelEnd::Idle);
        }
        watch.set_deadline(deadline);
        Poll::Pending
    })
    .await
}

/// One direction, and whether its end has been passed on.
struct Way {
    half: Half,
    is_closed: bool,
}

impl Way {
    fn new() -> Self {
        Self { half: Half::new(Framing::UntilClose, false), is_closed: false }
    }

    fn poll<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        from: &mut R,
        input: &mut Buffer,
        out: &mut Vec<u8>,
        to: &mut W,
    ) -> Poll<Result<(), HalfError>> {
        if self.is_closed {
            return Poll::Ready(Ok(()));
        }
        ready!(self.half.poll(context, from, input, out, to))?;
        // One side has no more to say; the other may.
        let closed = ready!(Pin::new(to).poll_shutdown(context));
        self.is_closed = true;
        Poll::Ready(closed.map_err(HalfError::Write))
    }
}
