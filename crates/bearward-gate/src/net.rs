//! How the engine asks others: its HTTP client, whom that trusts, where it may connect, and one question at a time.

pub(crate) mod get;
pub(crate) mod http_client;
pub(crate) mod single_flight;
mod trusted_roots;
mod url;

pub use trusted_roots::{TrustedRoots, TrustedRootsError};
pub(crate) use url::shown;
pub use url::{UrlError, check_url};
