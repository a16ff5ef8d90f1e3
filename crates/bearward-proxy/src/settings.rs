//! The settings of the proxy.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use bearward_core::Server;
use bearward_gate::Credentials;

/// The settings of the proxy. [`ProxySettings::new`] sets every default.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProxySettings {
    /// The addresses to listen on, with HTTP/1.1 without TLS. Never empty.
    pub listen: Vec<SocketAddr>,
    /// The number of threads that serve requests. Default: one for each processor.
    pub threads: usize,
    /// The maximum number of open client connections. Beyond it the one that is at rest for the longest time makes room for a new
    /// one, and where none is at rest, the new one waits. Each takes a file descriptor, and a second one while its request is at
    /// an upstream. Default: 10 000.
    pub max_connections: usize,
    /// The maximum number of open connections of one client address (of one /64 in IPv6); further ones are answered 503 and
    /// closed. Default: no such bound, because behind a load balancer all clients have one address.
    pub max_connections_per_address: Option<usize>,
    /// The maximum size of request line and header fields together, in bytes; a larger request is answered 431. Default: 32 KiB.
    pub max_header_bytes: usize,
    /// The upstreams that routes name.
    pub upstreams: Vec<UpstreamSettings>,
    /// How long a shutdown waits for requests in progress. Default: 20 s.
    pub drain: Duration,
    /// The maximum number of idle connections to all upstreams together. Default: 512.
    pub keepalive_pool: usize,
    /// How long a client's connection may be at rest between requests, and before the first. Default: 60 s.
    pub idle_timeout: Duration,
    /// How long a request's head may take, from its first byte; after that the answer is 408. Default: 30 s.
    pub header_timeout: Duration,
    /// How long a client may pause while it sends a body; after that the answer is 408. Default: 60 s.
    pub body_timeout: Duration,
    /// How long a client may take nothing of its answer, before its connection is closed. Default: 60 s.
    pub write_timeout: Duration,
    /// How long a whole request may take, from its head to the end of its answer. Default: unbounded, because streams may be long.
    pub request_timeout: Option<Duration>,
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
            max_connections_per_address: None,
            max_header_bytes: 32 * 1024,
            upstreams: upstreams.into_iter().collect(),
            drain: Duration::from_secs(20),
            keepalive_pool: 512,
            idle_timeout: Duration::from_secs(60),
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            request_timeout: None,
        }
    }
}

/// One upstream: its servers, and how the proxy connects to them. [`UpstreamSettings::new`] sets every default.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UpstreamSettings {
    /// The name that routes use; unique.
    pub name: String,
    /// Its servers, at least one. Names are resolved in the background, every ten seconds; all their addresses are used.
    pub servers: Vec<Server>,
    /// What happens to the client's `Authorization`.
    pub authorization: AuthorizationMode,
    /// The time limit for connecting. Default: 5 s.
    pub connect_timeout: Duration,
    /// The longest wait for the next bytes of an answer. Default: 60 s.
    pub read_timeout: Duration,
    /// The longest wait for the upstream to accept more bytes of a request. Default: 60 s.
    pub write_timeout: Duration,
    /// How long an idle connection stays open. Default: 60 s.
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

/// What happens to the client's `Authorization` in forwarded requests.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum AuthorizationMode {
    /// It is removed. The upstream gets the caller's identity from the identity headers, and no token that it could leak.
    #[default]
    Remove,
    /// It is forwarded unchanged, for upstreams that verify the token again.
    Forward,
    /// It is replaced by the gateway's own credentials, as a whole field value such as `Basic Z2F0ZXdheTpzZWNyZXQ=`.
    Replace(Credentials),
}

impl AuthorizationMode {
    /// The name in configuration.
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
