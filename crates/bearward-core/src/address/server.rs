//! A server of an upstream: `host:port`.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::host::{Host, HostError, port, split_port};

/// A host and a port to connect to, as they were written.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Server {
    text: Arc<str>,
    host: Host,
    port: u16,
}

/// Why a text is no [`Server`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// There is no port.
    #[error("there is no port")]
    NoPort,
    /// The port is not a number from 1 to 65535.
    #[error("a port is a number from 1 to 65535")]
    Port,
    /// The host is none.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl Server {
    /// Reads `host:port`; an IPv6 address stands in brackets.
    ///
    /// # Errors
    ///
    /// A [`ServerError`] where it is not that.
    pub fn parse(text: &str) -> Result<Self, ServerError> {
        let (host, digits) = match split_port(text) {
            // `::1`, whose colons begin no port.
            ("", _) => (text, None),
            split => split,
        };
        let host = Host::parse(host)?;
        let port = port(digits.ok_or(ServerError::NoPort)?).filter(|port| *port > 0).ok_or(ServerError::Port)?;
        Ok(Self { text: text.into(), host, port })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host, in canonical form.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, which is never 0.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where to connect to, if the host is an address.
    pub fn address(&self) -> Option<SocketAddr> {
        self.host.ip().map(|ip| SocketAddr::new(ip, self.port))
    }

    /// The host as a resolver is asked for it: with its final dot, which keeps the resolver from trying the name below its
    /// own domains first (RFC 1034, 3.1).
    pub fn name(&self) -> &str {
        split_port(&self.text).0
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_host_and_a_port() {
        for (text, name, port, address) in [
            ("127.0.0.1:3000", "127.0.0.1", 3_000, Some("127.0.0.1:3000")),
            ("orders.internal:80", "orders.internal", 80, None),
            ("orders.svc.cluster.local.:80", "orders.svc.cluster.local.", 80, None),
            ("my_service:8080", "my_service", 8_080, None),
            ("Localhost:65535", "Localhost", 65_535, None),
            ("[::1]:3000", "[::1]", 3_000, Some("[::1]:3000")),
            ("[0:0::1]:1", "[0:0::1]", 1, Some("[::1]:1")),
        ] {
            let server = Server::parse(text).unwrap();
            assert_eq!((server.name(), server.port()), (name, port), "{text}");
            assert_eq!(server.address(), address.map(|address| address.parse().unwrap()), "{text}");
            assert_eq!(server.to_string(), text);
        }
        assert_eq!(Server::parse("Orders.internal.:80").unwrap().host(), &Host::parse("orders.internal").unwrap());
    }

    #[test]
    fn what_is_no_server_is_told() {
        for (text, why) in [
            ("orders", ServerError::NoPort),
            ("127.0.0.1", ServerError::NoPort),
            ("[::1]", ServerError::NoPort),
            ("orders:", ServerError::Port),
            ("orders:0", ServerError::Port),
            ("orders:65536", ServerError::Port),
            ("orders:+80", ServerError::Port),
            ("orders:http", ServerError::Port),
            ("orders:80:80", ServerError::Port),
            ("http://a:80", ServerError::Port),
            ("", ServerError::Host(HostError::Length)),
            (":3000", ServerError::Host(HostError::Character)),
            (".:80", ServerError::Host(HostError::Length)),
            ("orders..:80", ServerError::Host(HostError::Length)),
            ("a b:80", ServerError::Host(HostError::Character)),
            ("u@a:80", ServerError::Host(HostError::Character)),
            ("b\u{fc}cher:80", ServerError::Host(HostError::NotAscii)),
            ("127.1:80", ServerError::Host(HostError::Ipv4)),
            ("127.0.0.1.:80", ServerError::Host(HostError::Ipv4)),
            ("::1", ServerError::Host(HostError::NoBrackets)),
            ("::1:3000", ServerError::Host(HostError::NoBrackets)),
            ("[::1].:80", ServerError::Host(HostError::Ipv6)),
            ("[orders]:80", ServerError::Host(HostError::Ipv6)),
        ] {
            assert_eq!(Server::parse(text), Err(why), "{text}");
        }
    }
}
