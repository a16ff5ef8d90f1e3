//! What the proxy needs to know, without the proxy: a configuration can be read and tested where no proxy is built. The binary,
//! which knows both, holds that they have the same defaults.

use std::net::SocketAddr;
use std::time::Duration;

use bearward_gate::Credentials;

/// Where requests come in, and where they go.
#[derive(Clone, Debug)]
pub struct ProxySettings {
    /// The addresses to listen on. Never empty.
    pub listen: Vec<SocketAddr>,
    /// How many threads serve requests.
    pub threads: usize,
    /// How many connections of clients are open at once.
    pub max_connections: usize,
    /// The largest request line and headers together, in bytes.
    pub max_header_bytes: usize,
    /// Where the routes lead to.
    pub upstreams: Vec<UpstreamSettings>,
    /// How long requests under way may still take when the gateway is told to stop.
    pub drain: Duration,
    /// How many idle connections to upstreams are kept in all.
    pub keepalive_pool: usize,
}

/// One upstream: the servers behind it, and how they are spoken to.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// The name by which routes call it; unique.
    pub name: String,
    /// `host:port` of each server.
    pub servers: Vec<String>,
    /// What becomes of the client's `Authorization`.
    pub authorization: AuthorizationMode,
    /// How long it may take to connect.
    pub connect_timeout: Duration,
    /// How long the upstream may be silent.
    pub read_timeout: Duration,
    /// How long the upstream may take nothing of a request.
    pub write_timeout: Duration,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
}

/// What becomes of the client's `Authorization` on the way to the upstream.
#[derive(Clone, Debug)]
pub enum AuthorizationMode {
    /// It is removed.
    Remove,
    /// It is passed on as it came.
    Forward,
    /// It is replaced by this whole field value.
    Replace(Credentials),
}
