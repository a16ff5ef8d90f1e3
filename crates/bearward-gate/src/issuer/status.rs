//! The state of one issuer, for readiness and operators.

use std::sync::Arc;
use std::time::Duration;

use super::error::IssuerError;

/// The state of one issuer, for readiness and operators.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct IssuerStatus {
    /// The issuer identifier.
    pub issuer: String,
    /// Whether a route accepts its tokens. An issuer that no route uses does not count for readiness.
    pub used: bool,
    /// Whether its tokens can be verified now: its keys are available, or it publishes none and introspects every token. If
    /// every token is introspected, the endpoint must be known.
    pub ready: bool,
    /// The number of usable keys.
    pub keys: usize,
    /// The number of skipped keys in its set.
    pub skipped: usize,
    /// How long ago the keys in use were fetched or confirmed.
    pub age: Option<Duration>,
    /// Whether the introspection endpoint is known; `None` if introspection is not configured.
    pub introspection: Option<bool>,
    /// Whether the issuer gets no introspection requests for a while, because earlier ones failed.
    pub introspection_paused: bool,
    /// Why the last fetch failed; `None` if it succeeded.
    pub last_error: Option<Arc<IssuerError>>,
}
