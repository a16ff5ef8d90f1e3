//! What the engine counts. Labels are configured names and closed enums only; never anything a token says.

use std::time::Duration;

use bearward_core::Reason;

use super::{Counter, Counters, Histogram, MetricsError, MetricsRegistry, Reading};
use crate::secrets::Secret;
use crate::source::Source;

/// The engine's metrics, all under `bearward_`.
#[derive(Clone, Debug)]
pub(crate) struct EngineMetrics {
    decisions: Counters,
    /// By source: cache, signature, introspection, none.
    decision_seconds: [Histogram; 4],
    requirement_refusals: Counters,
    pub(crate) cache_requests: Counters,
    pub(crate) key_set_fetches: Counters,
    pub(crate) introspections: Counters,
    pub(crate) introspection_circuit_openings: Counters,
    pub(crate) decryption_tries: Counters,
}

/// The upper bounds of the distribution of decisions, in seconds: from a remembered token to an issuer that is waited for.
const DECISION_BUCKETS: [f64; 18] =
    [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 5e-3, 2.5e-2, 0.1, 0.5, 2.5, 5.0, 10.0, 30.0];

impl EngineMetrics {
    pub(crate) fn new(registry: &MetricsRegistry) -> Result<Self, MetricsError> {
        let (name, help) = (
            "bearward_secret_files_failing",
            "Files of secrets in this process that cannot be used as they are now; their last good content is in use.",
        );
        registry.measured(name, help, &[], || Reading::Gauge(Secret::failing_files().len() as f64))?;
        Ok(Self {
            decisions: registry.counters(
                "bearward_decisions_total",
                "Verdicts on requests.",
                &["route", "issuer", "source", "verdict", "reason"],
            )?,
            decision_seconds: {
                let seconds = registry.histograms(
                    "bearward_decision_duration_seconds",
                    "Time from a request's headers to its verdict, by where the answer about the token came from.",
                    &["source"],
                    &DECISION_BUCKETS,
                )?;
                SOURCES.map(|source| seconds.with(&[source_name(source)]))
            },
            requirement_refusals: registry.counters(
                "bearward_requirement_refusals_total",
                "Admitted requests that did not meet what a handler asks for beyond its route.",
                &["route", "reason"],
            )?,
            cache_requests: registry.counters(
                "bearward_cache_requests_total",
                "Look-ups of tokens.",
                &["cache", "result"],
            )?,
            key_set_fetches: registry.counters(
                "bearward_key_set_fetches_total",
                "Fetches of an issuer's metadata and keys.",
                &["issuer", "result"],
            )?,
            introspections: registry.counters(
                "bearward_introspections_total",
                "Questions to an issuer about a token.",
                &["issuer", "outcome"],
            )?,
            introspection_circuit_openings: registry.counters(
                "bearward_introspection_circuit_openings_total",
                "How often introspection requests to an issuer were paused because earlier ones failed.",
                &["issuer"],
            )?,
            decryption_tries: registry.counters(
                "bearward_decryption_tries_total",
                "The gateway's own keys that were tried on encrypted tokens: each is a private-key operation.",
                &["issuer"],
            )?,
        })
    }

    /// The count of decisions with these labels; `reason` is that of a refusal. Empty labels stand for what was not found
    /// out.
    pub(crate) fn decisions(
        &self,
        route: &str,
        issuer: &str,
        source: Option<Source>,
        reason: Option<Reason>,
    ) -> Counter {
        let (verdict, reason) = reason.map_or(("admit", ""), |reason| ("refuse", reason.name()));
        self.decisions.with(&[route, issuer, source_name(source), verdict, reason])
    }

    /// Counts the time that a decision took.
    pub(crate) fn decided_in(&self, took: Duration, source: Option<Source>) {
        let seconds = SOURCES.iter().zip(&self.decision_seconds).find(|(known, _)| **known == source);
        if let Some((_, seconds)) = seconds {
            seconds.observe(took);
        }
    }

    pub(crate) fn refused_by_requirement(&self, route: &str, reason: Reason) {
        self.requirement_refusals.with(&[route, reason.name()]).inc();
    }
}

/// Where an answer about a token can come from, or that none was looked for.
const SOURCES: [Option<Source>; 4] = [Some(Source::Cache), Some(Source::Signature), Some(Source::Introspection), None];

fn source_name(source: Option<Source>) -> &'static str {
    source.map_or("none", Source::name)
}
