//! What a proxy is built from.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use bearward_core::Server;
use bearward_gate::Credentials;

/// Everything that the proxy needs to know beyond what the gate decides. [`ProxySettings::new`] has every default.
#[derive(Clone, Debug)]
#[non_exhaustive]
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

/// One upstream: its servers, and how the proxy speaks to them. [`UpstreamSettings::new`] has every default.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UpstreamSettings {
    /// The name by which routes call it; unique.
    pub name: String,
    /// Its servers, at least one. Names are resolved in the background, every ten seconds; all their addresses are used.
    pub servers: Vec<Server>,
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
    pub fn new(name: impl Into<String>, servers: impl IntoIterator<Item = Server>) -> Self {
        Self {
            name: name.into(),
            servers: servers.into_iter().collect(),
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
#[non_exhaustive]
pub enum AuthorizationMode {
    /// It is removed: the upstream learns who calls from the identity headers, and holds no token that it could lose.
    #[default]
    Remove,
    /// It is passed on as it came, for upstreams that judge the token once more.
    Forward,
    /// It is replaced by this whole field value, such as `Basic Z2F0ZXdheTpzZWNyZXQ=`: the gateway's own credentials.
    Replace(Credentials),
}

impl AuthorizationMode {
    /// As the configuration calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Remove => "remove",
            Self::Forward => "forward",
            Self::Replace(_) => "replace",
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn settings_hold_the_documented_defaults() {
        let upstream = UpstreamSettings::new("orders", [Server::parse("127.0.0.1:3000").unwrap()]);
        assert!(matches!(upstream.authorization, AuthorizationMode::Remove));
        assert_eq!(upstream.connect_timeout, Duration::from_secs(5));
        let settings = ProxySettings::new(["127.0.0.1:0".parse().unwrap()], [upstream]);
        assert_eq!((settings.max_header_bytes, settings.keepalive_pool), (32 * 1024, 512));
        assert_eq!(settings.max_connections, 10_000);
        assert_eq!(settings.drain, Duration::from_secs(20));
        assert!(settings.threads >= 1);
    }
}
