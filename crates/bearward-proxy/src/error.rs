//! The errors of the proxy.

use std::io;
use std::net::SocketAddr;

use bearward_gate::MetricsError;

/// Why the proxy cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// There is no address to listen on.
    #[error("no address to listen on: set `listen`")]
    NoListenAddress,
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {}", advice(.source))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
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
    /// A metric cannot be registered, because the registry already has one of its name.
    #[error("cannot register the proxy's metrics")]
    Metrics(#[from] MetricsError),
    /// The threads that serve requests could not be started.
    #[error("cannot start the proxy's threads")]
    Threads(#[source] io::Error),
    /// The service ended without a shutdown.
    #[error("the proxy stopped without a shutdown: this is a defect, see the log")]
    Stopped,
}

/// The error of the operating system, and what to do about it.
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
            "this machine has no such address; `0.0.0.0` or `[::]` listens on all its addresses".to_owned()
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
}
