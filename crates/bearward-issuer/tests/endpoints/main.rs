//! The endpoints as their clients see them: real sockets, and tokens verified with nothing but the published keys.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking, and so do their helpers"
)]

mod client;
mod dev_controls;
mod introspection;
mod key_rotation;
mod metadata;
mod revocation;
mod running;
mod token_endpoint;
