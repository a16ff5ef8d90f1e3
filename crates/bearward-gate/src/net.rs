//! Outgoing requests: the HTTP client, its trusted roots, and single-flight requests.

pub(crate) mod get;
pub(crate) mod http_client;
mod jitter;
mod machine_roots;
pub(crate) mod single_flight;
mod trusted_roots;

pub(crate) use self::jitter::jittered;
pub use self::machine_roots::{MachineRootsProblem, check_machine_roots};
pub use self::trusted_roots::{TrustedRoots, TrustedRootsError};
