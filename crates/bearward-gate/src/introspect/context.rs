//! The dependencies of an introspector.

use std::sync::Arc;

use bearward_core::TokenRules;
use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::issuer::Published;
use crate::metrics::EngineMetrics;
use crate::net::http_client::HttpClient;

/// The dependencies of an introspector.
#[derive(Clone)]
pub(crate) struct Context {
    /// Sends requests that present no client certificate.
    pub(crate) client: HttpClient,
    /// The issuer's keys and endpoints.
    pub(crate) published: Arc<Published>,
    /// The rules that answers must meet.
    pub(crate) rules: Arc<TokenRules>,
    /// The runtime of the requests.
    pub(crate) runtime: Handle,
    /// The time for the checks.
    pub(crate) clock: Clock,
    /// Counts each introspection once, however many requests waited for it.
    pub(crate) metrics: EngineMetrics,
}
