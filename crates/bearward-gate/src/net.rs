//! How the engine asks others: its HTTP client, whom that trusts, where it may connect, and one question at a time.

pub(crate) mod get;
pub(crate) mod http_client;
pub(crate) mod single_flight;
mod trusted_roots;

pub(crate) use bearward_core::shown_url as shown;
use bearward_core::{Endpoint, EndpointError};
pub use trusted_roots::{TrustedRoots, TrustedRootsError};

/// Whether the gateway may connect there.
pub(crate) fn check_url(url: &str) -> Result<(), EndpointError> {
    Endpoint::parse(url).map(drop)
}
