//! Listeners, and the connections that they accept.

pub(crate) mod accept;
pub(crate) mod places;

use std::net::{SocketAddr, TcpListener};

use crate::error::ProxyError;

/// Checks that all of these addresses can be bound, by binding them for a moment.
///
/// # Errors
///
/// [`ProxyError::Bind`] for the first that cannot, with what to do; [`ProxyError::NoListenAddress`] for an empty list.
pub fn bind_check(listen: &[SocketAddr]) -> Result<(), ProxyError> {
    bind(listen).map(drop)
}

/// Binds all addresses.
pub(crate) fn bind(listen: &[SocketAddr]) -> Result<Vec<(SocketAddr, TcpListener)>, ProxyError> {
    if listen.is_empty() {
        return Err(ProxyError::NoListenAddress);
    }
    let bind = |address: &SocketAddr| {
        let address = *address;
        TcpListener::bind(address)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| (address, listener)))
            .map_err(|source| ProxyError::Bind { address, source })
    };
    listen.iter().map(bind).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_bind_check_tells_an_address_in_use_and_leaves_a_free_one_free() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let error = bind_check(&[address]).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("cannot listen on {address}: the address is in use")),
            "{error}"
        );
        drop(taken);
        bind_check(&[address]).unwrap();
        bind_check(&[address]).unwrap();
        assert!(matches!(bind_check(&[]), Err(ProxyError::NoListenAddress)));
    }
}
