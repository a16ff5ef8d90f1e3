//! Connections for upgrade requests, whose answer is not read before the end of the request.
//!
//! pingora 0.9 hands a request's body to its upstream half through a queue, the end of an empty one too, and that half
//! looks at the queue and at the upstream's answer in random order (`pingora-proxy`, `proxy_h1.rs`,
//! `proxy_handle_upstream`). Where a `101` is there already and comes first, the end of the request's body is then
//! taken for the end of the tunnel, and the connection closed under the client. A server on the same machine is often
//! that fast. So the first look at the answer of such a request finds nothing, however early it came: the end of the
//! body, which was queued before, is all there is to take.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::connectors::L4Connect;
use pingora_core::protocols::l4::ext::connect;
use pingora_core::protocols::l4::socket::SocketAddr;
use pingora_core::protocols::l4::stream::Stream;
use pingora_core::protocols::l4::virt::{VirtualSockOpt, VirtualSocket, VirtualSocketStream};
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error, ErrorType, Result};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Makes the next connection to this peer a new one, for this upgrade only.
pub(crate) fn prepare(peer: &mut HttpPeer) {
    // pingora pools connections by group, and this group has no other connection.
    static GROUP: AtomicU64 = AtomicU64::new(1);
    peer.group_key = GROUP.fetch_add(1, Ordering::Relaxed);
    peer.options.idle_timeout = Some(Duration::ZERO);
    peer.options.custom_l4 = Some(Arc::new(Connector));
}

#[derive(Debug)]
struct Connector;

#[async_trait]
impl L4Connect for Connector {
    /// pingora enforces the peer's total time to connect.
    async fn connect(&self, address: &SocketAddr) -> Result<Stream> {
        let Some(address) = address.as_inet() else {
            return Err(Error::new(ErrorType::Custom("an upstream that is no IP address")));
        };
        let socket = LateReader { stream: connect(address, None).await?, looked: false };
        Ok(VirtualSocketStream::new(Box::new(socket)).into())
    }
}

/// A connection whose first read finds nothing.
#[derive(Debug)]
struct LateReader<S> {
    stream: S,
    looked: bool,
}

impl VirtualSocket for LateReader<TcpStream> {
    fn set_socket_option(&self, option: VirtualSockOpt) -> io::Result<()> {
        match option {
            VirtualSockOpt::NoDelay => self.stream.set_nodelay(true),
            // Keep-alive probes, which no upstream asks for.
            _ => Ok(()),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LateReader<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.looked {
            self.looked = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LateReader<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
