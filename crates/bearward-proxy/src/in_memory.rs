//! Requests through the whole proxy on one thread, without a socket: for counts of instructions and for tests. It is no part of what
//! the crate promises.

use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use bearward_gate::{Gate, MetricsRegistry};
use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

use crate::error::ProxyError;
use crate::exchange::watch::Watch;
use crate::serve::connection::Connection;
use crate::serve::worker::{Shared, Worker};
use crate::settings::ProxySettings;
use crate::upstream::stream::UpstreamStream;

/// How much a stream holds that is not read yet.
const HOLDS: usize = 64 * 1024;

/// One client's connection, and one to an upstream.
pub struct InMemory {
    connection: Pin<Box<dyn Future<Output = ()> + Send>>,
    client: DuplexStream,
    upstream: DuplexStream,
    forwarded: Received,
    answered: Received,
}

/// Bytes that were read, in room that is made once.
struct Received {
    bytes: Vec<u8>,
    length: usize,
}

impl std::fmt::Debug for InMemory {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("InMemory").finish_non_exhaustive()
    }
}

impl InMemory {
    /// The connections, where all routes go to the first upstream of the settings, and that has an address.
    ///
    /// # Errors
    ///
    /// Invalid settings.
    pub fn new(settings: &ProxySettings, gate: Arc<Gate>) -> Result<Self, ProxyError> {
        let shared = Arc::new(Shared::new(settings, 1, gate, &MetricsRegistry::default())?);
        let worker = Arc::new(Worker::new(Arc::clone(&shared), 0, 1));
        let (upstream, kept) = duplex(HOLDS);
        // A connection that is idle is used before one is opened, and stands there again behind each answer.
        if let Some(address) = shared.upstreams.iter().next().and_then(|upstream| upstream.pick(None)) {
            address.idle.keep(0, &worker.idle_bound, UpstreamStream::Memory(kept), worker.clock.now());
        }
        let (client, stream) = duplex(HOLDS);
        // There is a place: the settings have one at least.
        let _ = shared.places.reserve().now_or_never();
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let share = shared.places.share(peer).ok_or(ProxyError::Stopped)?;
        let place = shared.places.enter(0, Watch::new(Arc::clone(&worker.clock)), share);
        let connection = Box::pin(Connection::new(stream, (peer, 0).into(), worker, place).serve());
        let [forwarded, answered] = [(); 2].map(|()| Received { bytes: vec![0; HOLDS], length: 0 });
        Ok(Self { connection, client, upstream, forwarded, answered })
    }

    /// What the upstream got of the last request.
    pub fn forwarded(&self) -> &[u8] {
        self.forwarded.all()
    }

    /// What the client got of the last answer.
    pub fn answered(&self) -> &[u8] {
        self.answered.all()
    }

    /// Has the client send a request, and the upstream answer it where it got any.
    pub fn exchange(&mut self, request: &[u8], answer: &[u8]) {
        write(&mut self.client, request);
        self.run();
        self.forwarded.read(&mut self.upstream);
        if self.forwarded.length > 0 {
            write(&mut self.upstream, answer);
            self.run();
        }
        self.answered.read(&mut self.client);
    }

    /// As far as it goes without waiting. It never ends, because the client stays.
    fn run(&mut self) {
        let _ = self.connection.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
}

/// Writes what fits, at once.
fn write(stream: &mut DuplexStream, bytes: &[u8]) {
    let _ = Pin::new(stream).poll_write(&mut Context::from_waker(Waker::noop()), bytes);
}

impl Received {
    fn all(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Reads what is there.
    fn read(&mut self, stream: &mut DuplexStream) {
        let mut room = ReadBuf::new(&mut self.bytes);
        let _ = Pin::new(stream).poll_read(&mut Context::from_waker(Waker::noop()), &mut room);
        self.length = room.filled().len();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
pub(crate) mod tests {
    use bearward_core::{Access, PathPattern, Requirement, Server};
    use bearward_gate::{EngineSettings, GateSettings, RouteSettings};

    use super::*;
    use crate::settings::UpstreamSettings;

    /// An open route and one that wants a token, to one upstream.
    pub(crate) fn open_and_private() -> (ProxySettings, Arc<Gate>) {
        let route = |name: &str, access| {
            let mut route = RouteSettings::new(name, PathPattern::parse(&format!("/{name}/*")).unwrap(), access);
            "orders".clone_into(&mut route.upstream);
            route
        };
        let routes = vec![route("open", Access::Open), route("private", Access::Token(Requirement::default()))];
        let engine = EngineSettings::new(tokio::runtime::Handle::current());
        let gate = Arc::new(Gate::new(GateSettings::new(Vec::new(), routes), engine).unwrap());
        let upstream = UpstreamSettings::new("orders", [Server::parse("127.0.0.1:1").unwrap()]);
        (ProxySettings::new([], [upstream]), gate)
    }

    #[tokio::test]
    async fn a_request_needs_no_socket_and_a_refusal_no_upstream() {
        let (settings, gate) = open_and_private();
        let mut memory = InMemory::new(&settings, gate).unwrap();
        for _ in 0..3 {
            memory.exchange(
                b"POST /open/a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
                b"HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\nyes",
            );
            assert!(memory.forwarded().starts_with(b"POST /open/a HTTP/1.1\r\n"));
            assert!(memory.forwarded().ends_with(b"\r\n\r\nhi"));
            assert!(memory.answered().starts_with(b"HTTP/1.1 201 Created\r\n"));
            assert!(memory.answered().ends_with(b"\r\n\r\nyes"));
            memory.exchange(b"GET /private/a HTTP/1.1\r\nHost: a\r\n\r\n", b"");
            assert!(memory.forwarded().is_empty() && memory.answered().starts_with(b"HTTP/1.1 401 "));
        }
    }
}
