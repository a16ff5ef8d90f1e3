//! What must hold of `bearward-core`, of the configuration and of HTTP/1 as the proxy reads and writes it, whatever they are given:
//! one function for each fuzz target, which takes the input, panics where a property does not hold, and tells whether the input was
//! accepted.
//!
//! The properties are stated against readers of their own (`serde_json`, `httparse` and hyper as they come, percent-decoding and
//! chunks written anew), so that they do not repeat the mistakes of the code that they hold to account.
#![forbid(unsafe_code)]

mod answer_kinds;
mod claims;
mod configuration;
mod credential;
pub mod fixture;
mod http_answer;
mod http_chunks;
mod http_forwarding;
mod http_heads;
mod hyper_over;
mod introspection;
mod jwe;
mod jwk_set;
mod jws;
mod path;
mod properties;

pub use answer_kinds::{token_review, tokeninfo};
pub use claims::claims;
pub use configuration::configuration;
pub use credential::credential;
pub use http_answer::http_answer;
pub use http_chunks::http_chunks;
pub use http_forwarding::http_forwarding;
pub use http_heads::{http_request, http_response};
pub use introspection::{introspection, signed_introspection};
pub use jwe::{decryption_keys, jwe};
pub use jwk_set::jwk_set;
pub use jws::jws;
pub use path::path;

/// Most properties are of what is accepted. If the seed that must be is not, the target has come apart from the rules,
/// and would hold whatever they do.
pub fn must_accept(target: fn(&[u8]) -> bool, seed: &[u8]) {
    assert!(target(seed), "the target's own example is refused");
}
