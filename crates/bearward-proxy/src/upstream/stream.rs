//! The kinds of connections to upstreams. What forwards a request knows of one only that it reads and writes.
//!
//! An enum, because requests of one thread share idle connections of every kind, and a branch on it costs nothing beside the call of
//! the system that follows. A kind with much state belongs in a box, or every connection takes its room.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connection to an upstream.
#[derive(Debug)]
pub(crate) enum UpstreamStream {
    Plain(TcpStream),
    /// For requests that are served without a socket.
    #[cfg(any(test, feature = "in-memory"))]
    Memory(tokio::io::DuplexStream),
}

/// Calls the same on whatever kind it is.
macro_rules! on_each {
    ($of:expr, $stream:ident => $call:expr) => {
        match $of {
            Self::Plain($stream) => $call,
            #[cfg(any(test, feature = "in-memory"))]
            Self::Memory($stream) => $call,
        }
    };
}

impl UpstreamStream {
    /// Whether nothing has come on it. What comes before a request answers nothing: a close, or a timeout's `408`.
    pub(crate) fn is_silent(&mut self) -> bool {
        match self {
            // Not `poll_read`: a task that has used up its turn would find nothing, whatever has come.
            Self::Plain(stream) => {
                matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
            }
            #[cfg(any(test, feature = "in-memory"))]
            Self::Memory(stream) => {
                let mut context = Context::from_waker(std::task::Waker::noop());
                Pin::new(stream).poll_read(&mut context, &mut ReadBuf::new(&mut [0])).is_pending()
            }
        }
    }
}

impl AsyncRead for UpstreamStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        on_each!(self.get_mut(), stream => Pin::new(stream).poll_read(context, into))
    }
}

impl AsyncWrite for UpstreamStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        on_each!(self.get_mut(), stream => Pin::new(stream).poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        on_each!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        on_each!(self, stream => stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_each!(self.get_mut(), stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_each!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(context))
    }
}
