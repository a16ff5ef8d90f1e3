//! Clients and a browser that know nothing of Bearward get along with `bearward issuer`: npm `openid-client` and
//! `oauth4webapi`, PyPI `authlib`, and Debian's chromium. Their scripts stand in `tests/issuer-clients`. Needs Node.js, Python
//! and chromium, and so the cargo feature `interop`:
//!
//! ```sh
//! (cd tests/issuer-clients && npm ci --ignore-scripts)
//! python3 -m venv target/authlib && target/authlib/bin/pip install -r tests/issuer-clients/requirements.txt
//! cargo test --features interop --test issuer_clients
//! ```
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

mod browser;
mod libraries;
#[path = "../support/mod.rs"]
mod support;
mod tenant;
