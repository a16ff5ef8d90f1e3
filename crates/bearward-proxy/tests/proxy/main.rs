//! The proxy end to end: real sockets, a client that writes raw bytes, an upstream that records the raw bytes it gets.
//!
//! The routes need no issuer: `/open/*` admits everybody, `/private/*` nobody.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod client;
mod forwarding;
mod framing;
mod gateway;
mod lifecycle;
mod log;
mod patience;
mod refusals;
mod upstream;
mod upstream_faults;
