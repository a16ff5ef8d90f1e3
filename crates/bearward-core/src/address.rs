//! Where something is reached: what the gateway connects to, and what requests are for.

mod endpoint;
pub(crate) mod host;
mod server;

pub use endpoint::{Endpoint, EndpointError, Origin, shown_url};
pub use host::{Host, HostError};
pub use server::{Server, ServerError};
