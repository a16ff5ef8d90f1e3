//! Rules on bytes and header fields: which requests are accepted, and what is forwarded. No sockets, no tokens, and nothing of the
//! HTTP library.

pub(crate) mod forwarding;
mod framing;
pub(crate) mod head;
pub(crate) mod request;
pub(crate) mod target;
