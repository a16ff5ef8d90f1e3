//! How the engine asks others: its HTTP client, whom that trusts, and one question at a time.

pub(crate) mod get;
pub(crate) mod http_client;
mod jitter;
pub(crate) mod single_flight;
mod trusted_roots;

pub(crate) use self::jitter::jittered;
pub use self::trusted_roots::{TrustedRoots, TrustedRootsError};
