//! Rules on bytes and header fields: what a request may look like, and what of it is passed on. No sockets and no tokens, and
//! nothing of the library that serves.

pub(crate) mod forwarding;
mod framing;
pub(crate) mod request;
pub(crate) mod target;
