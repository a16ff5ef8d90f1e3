//! The rules from outside, a module for each promise. What counts allocations is a binary of its own beside this one.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

mod attacks_page;
mod checks;
mod claims;
mod decryption_keys;
mod differential;
mod encrypted_token_attacks;
mod encrypted_tokens;
mod introspection_answers;
mod introspection_confirmation;
mod introspection_kinds;
mod issuer_rules;
mod key_sets;
mod other_verifiers;
mod properties;
mod signature_and_header;
mod signed_introspection_answers;
mod spelling;
mod support;
