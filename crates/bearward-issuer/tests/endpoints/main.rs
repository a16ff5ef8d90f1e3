//! The endpoints as their clients see them: real sockets, and tokens verified with nothing but the published keys.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking, and so do their helpers"
)]

mod applications;
mod assertions;
mod authorization_code;
mod browser;
mod client;
mod dev_controls;
mod faults;
mod introspection;
mod issuer_api;
mod key_rotation;
mod metadata;
mod openid_connect;
mod property_pairs;
mod refresh_tokens;
mod resources;
mod revocation;
mod running;
mod sign_in_page;
mod signed_introspection;
mod token_endpoint;
