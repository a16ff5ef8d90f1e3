//! The engine from outside, a module for each promise: scripted issuers on loopback, requests in, decisions out. What counts
//! allocations is a binary of its own beside this one.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

mod bound_tokens;
mod builder;
mod cache;
mod cache_lives;
mod client_authentication;
mod credential_places;
mod decisions;
mod encrypted;
mod explain;
mod forgetting;
mod isolation;
mod issuer_faults;
mod key_set_faults;
mod key_set_requests;
mod key_set_times;
mod key_sources;
mod metadata;
mod per_request;
mod reload;
mod reload_leftovers;
mod remembered_answers;
mod silence;
mod support;
mod token_formats;
