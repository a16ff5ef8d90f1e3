//! The real binary over real sockets, a module for each promise to users. What needs Node.js, Python or a browser is a binary of
//! its own, in `interop`.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

mod answers;
mod boundary;
mod command_line;
mod configuration;
mod connections;
mod demo;
mod flood;
mod identity_headers;
mod introspection_kinds;
mod issuer_answers;
mod log;
mod no_secrets_in_logs;
mod optional_tokens;
mod paths;
mod secret_files;
mod startup;
mod support;
mod tokens_both;
mod upstreams;
