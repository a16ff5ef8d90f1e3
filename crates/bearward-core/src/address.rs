//! Where something is reached: what the gateway connects to, and what requests are for.

mod endpoint;

pub use endpoint::{Endpoint, EndpointError, Origin, shown_url};
