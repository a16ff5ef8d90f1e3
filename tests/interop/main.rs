//! Bearward understands authorization servers that it has nothing in common with: npm `oidc-provider`, run by
//! `tests/oidc-provider/op.mjs`, and npm `oauth2-mock-server`, run by `tests/oauth2-mock-server/mock.mjs`, which does on
//! demand what no server should. Needs Node.js, and so the cargo feature `interop`:
//!
//! ```sh
//! (cd tests/oidc-provider && npm ci --ignore-scripts) && (cd tests/oauth2-mock-server && npm ci --ignore-scripts)
//! cargo test --features interop --test interop
//! ```
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

mod access_tokens;
mod certificates;
mod client_authentication;
mod encrypted_tokens;
mod expect;
mod introspection_faults;
mod mock_server;
mod mutual_tls;
mod provider;
mod signed_answers;
#[path = "../support/mod.rs"]
mod support;
mod untyped_tokens;
