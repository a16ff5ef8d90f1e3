//! What readiness wants to know.

use std::sync::Arc;
use std::time::Duration;

use super::error::IssuerError;

/// The state of one issuer, for `/readyz` and for people.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct IssuerStatus {
    /// The issuer identifier.
    pub issuer: String,
    /// Whether a route takes its tokens: for readiness, one that no route uses does not count.
    pub used: bool,
    /// Whether its tokens can be judged now: its keys are here, or it publishes none and answers for each token; where it is
    /// asked about every token, it must be known whom to ask.
    pub ready: bool,
    /// How many keys can verify.
    pub keys: usize,
    /// How many keys of its set were left out.
    pub skipped: usize,
    /// How long ago the keys in use were fetched or confirmed.
    pub age: Option<Duration>,
    /// Whether referential tokens can be asked about: `None` where that is not configured.
    pub introspection: Option<bool>,
    /// Whether the issuer is left alone for a while, because questions about tokens failed.
    pub introspection_paused: bool,
    /// Why the last fetch failed; `None` where it did not.
    pub last_error: Option<Arc<IssuerError>>,
}
