//! Outgoing requests: the HTTP client, its trusted roots, and single-flight requests.

pub(crate) mod get;
pub(crate) mod http_client;
mod jitter;
pub(crate) mod single_flight;
mod trusted_roots;

pub(crate) use self::jitter::jittered;
pub use self::trusted_roots::{TrustedRoots, TrustedRootsError};
