//! Bearward gets along with programs that it has nothing in common with. The gateway understands authorization servers: npm
//! `oidc-provider`, run by `tests/oidc-provider/op.mjs`, and npm `oauth2-mock-server`, run by `tests/oauth2-mock-server/mock.mjs`,
//! which does on demand what no server should. Clients and a browser understand the development issuer: `issuer_clients`. Parsers of
//! others read what it forwards: `other_parsers`.
//!
//! Needs Node.js, Python and chromium, and so the cargo feature `interop`; `tests/run interop` installs what it needs and runs it.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

mod access_tokens;
mod certificates;
mod client_authentication;
mod encrypted_tokens;
mod expect;
mod introspection_faults;
mod issuer_clients;
mod mock_server;
mod mutual_tls;
mod other_parsers;
mod provider;
mod signed_answers;
mod untyped_tokens;

// What the end-to-end tests beside this folder share.
#[path = ".."]
mod tests {
    pub(crate) mod support;
}
use tests::support;
