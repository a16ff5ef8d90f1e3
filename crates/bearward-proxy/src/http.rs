//! Rules on bytes and header fields, RFC 9112 and what it leaves to us: what is read, and what is forwarded. No sockets, no tokens.

pub(crate) mod answer;
pub(crate) mod body;
mod chunked;
pub(crate) mod connection;
pub(crate) mod fields;
pub(crate) mod forwarding;
pub(crate) mod framing;
pub(crate) mod head;
mod octets;
pub(crate) mod request;
pub(crate) mod target;
