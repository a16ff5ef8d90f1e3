//! What a proxy is built from, and what can be wrong with it.

use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use bearward_gate::{Credentials, MetricsError};

/// Everything the proxy needs to know beyond what the gate decides.
#[derive(Clone, Debug)]
pub struct ProxySettings {
    /// The addresses to listen on, in clear HTTP/1.1. Never empty.
    pub listen: Vec<SocketAddr>,
    /// How many threads serve requests. Default: one for each processor.
    pub threads: usize,
    /// How many connections of clients are open at once; further ones wait. Each takes a descriptor, and a second one
    /// while it has a request with an upstream. Default: 10 000.
    pub max_connections: usize,
    /// The largest request line and header block together, in bytes; a larger one is 431. Default: 32 KiB. No more than
    /// 1 MiB takes effect, the most that is ever read.
    pub max_header_bytes: usize,
    /// Where the routes lead to.
    pub upstreams: Vec<UpstreamSettings>,
    /// How long requests that are being served may still take once a shutdown was asked for. Default: 20 s.
    pub drain: Duration,
    /// How many idle connections to upstreams are kept in all. Default: 512.
    pub keepalive_pool: usize,
}

impl ProxySettings {
    /// Settings with every default.
    pub fn new(
        listen: impl IntoIterator<Item = SocketAddr>,
        upstreams: impl IntoIterator<Item = UpstreamSettings>,
    ) -> Self {
        Self {
            listen: listen.into_iter().collect(),
            threads: thread::available_parallelism().map_or(1, usize::from),
            max_connections: 10_000,
            max_header_bytes: 32 * 1024,
            upstreams: upstreams.into_iter().collect(),
            drain: Duration::from_secs(20),
            keepalive_pool: 512,
        }
    }
}

/// One upstream: the servers behind it, and how they are spoken to.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// The name by which routes call it; unique.
    pub name: String,
    /// `host:port` of each server. Names are resolved in the background, every ten seconds; all their addresses are used.
    pub servers: Vec<String>,
    /// What becomes of the client's `Authorization`.
    pub authorization: AuthorizationMode,
    /// How long a connection may take to come about. Default: 5 s.
    pub connect_timeout: Duration,
    /// How long the upstream may be silent while its answer is awaited or read. Default: 60 s.
    pub read_timeout: Duration,
    /// How long the upstream may take no byte of the request. Default: 60 s.
    pub write_timeout: Duration,
    /// How long an idle connection is kept for the next request. Default: 60 s.
    pub idle_timeout: Duration,
}

impl UpstreamSettings {
    /// An upstream with every default; `Authorization` is removed.
    pub fn new<S: Into<String>>(name: impl Into<String>, servers: impl IntoIterator<Item = S>) -> Self {
        Self {
            name: name.into(),
            servers: servers.into_iter().map(Into::into).collect(),
            authorization: AuthorizationMode::Remove,
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(60),
        }
    }
}

/// What becomes of the client's `Authorization` on the way to the upstream.
#[derive(Clone, Debug, Default)]
pub enum AuthorizationMode {
    /// It is removed: the upstream learns who calls from the identity headers, and holds no token that it could lose.
    #[default]
    Remove,
    /// It is passed on as it came, for upstreams that judge the token once more.
    Forward,
    /// It is replaced by this whole field value, such as `Basic Z2F0ZXdheTpzZWNyZXQ=`: the gateway's own credentials.
    Replace(Credentials),
}

/// Why the proxy cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// There is no address to listen on.
    #[error("no address to listen on: set `listen`")]
    NoListenAddress,
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {}", advice(.source))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// Two upstreams have one name.
    #[error("two upstreams are named `{name}`: give each its own name")]
    UpstreamRepeated {
        /// The name.
        name: String,
    },
    /// An upstream has no server.
    #[error("upstream `{name}` has no server: set `servers = [\"host:port\"]`")]
    UpstreamEmpty {
        /// The upstream's name.
        name: String,
    },
    /// A server is not `host:port`.
    #[error("upstream `{name}`: `{server}` is not `host:port` (an IPv6 address stands in brackets: `[::1]:3000`)")]
    UpstreamServer {
        /// The upstream's name.
        name: String,
        /// The server as given.
        server: String,
    },
    /// A metric could not be registered: the registry already holds one of its name.
    #[error("cannot register the proxy's metrics")]
    Metrics(#[from] MetricsError),
    /// The threads that serve requests could not be started.
    #[error("cannot start the proxy's threads")]
    Threads(#[source] io::Error),
    /// The service ended although nobody asked it to.
    #[error("the proxy stopped by itself: this is a defect, and the log says more")]
    Stopped,
}

/// What the operating system says, and what to do about it.
fn advice(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the address is in use; stop the process that holds it (`ss -ltnp` names it) or listen elsewhere".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied; a port below 1024 needs CAP_NET_BIND_SERVICE, so choose a higher one or grant it"
                .to_owned()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address; `0.0.0.0` or `[::]` stands for all it has".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_bind_error_names_the_address_and_the_way_out() {
        let address = "127.0.0.1:8080".parse().unwrap();
        let error = |kind: io::ErrorKind| ProxyError::Bind { address, source: kind.into() }.to_string();
        let in_use = error(io::ErrorKind::AddrInUse);
        assert!(
            in_use.starts_with("cannot listen on 127.0.0.1:8080: the address is in use; stop the process"),
            "{in_use}"
        );
        assert!(error(io::ErrorKind::PermissionDenied).contains("CAP_NET_BIND_SERVICE"));
        assert!(error(io::ErrorKind::AddrNotAvailable).contains("0.0.0.0"));
    }

    #[test]
    fn settings_hold_the_documented_defaults() {
        let upstream = UpstreamSettings::new("orders", ["127.0.0.1:3000"]);
        assert!(matches!(upstream.authorization, AuthorizationMode::Remove));
        assert_eq!(upstream.connect_timeout, Duration::from_secs(5));
        let settings = ProxySettings::new(["127.0.0.1:0".parse().unwrap()], [upstream]);
        assert_eq!((settings.max_header_bytes, settings.keepalive_pool), (32 * 1024, 512));
        assert_eq!(settings.max_connections, 10_000);
        assert_eq!(settings.drain, Duration::from_secs(20));
        assert!(settings.threads >= 1);
    }
}
