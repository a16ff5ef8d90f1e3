//! What an introspector works with.

use std::sync::Arc;

use bearward_core::TokenRules;
use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::issuer::Published;
use crate::metrics::EngineMetrics;
use crate::net::http_client::HttpClient;

/// What an introspector works with.
#[derive(Clone)]
pub(crate) struct Context {
    /// By which questions are sent, unless they need a certificate.
    pub(crate) client: HttpClient,
    /// Where the issuer's keys and endpoints are known.
    pub(crate) published: Arc<Published>,
    /// What answers are held against.
    pub(crate) rules: Arc<TokenRules>,
    /// Where questions are asked.
    pub(crate) runtime: Handle,
    /// The time by which answers are judged.
    pub(crate) clock: Clock,
    /// What counts each question once, however many requests waited for it.
    pub(crate) metrics: EngineMetrics,
}
