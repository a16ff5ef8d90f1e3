//! What the engine counts. Labels are configured names and closed enums only; never anything a token says.

use std::time::Duration;

use bearward_core::Reason;
use prometheus::core::Collector;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

use crate::decide::decision::{Decision, Verdict};

/// The engine's metrics, all under `bearward_`.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    decisions: IntCounterVec,
    decision_seconds: HistogramVec,
    requirement_refusals: IntCounterVec,
    pub(crate) cache_requests: IntCounterVec,
    pub(crate) cache_entries: IntGaugeVec,
    pub(crate) key_set_fetches: IntCounterVec,
    pub(crate) key_set_keys: IntGaugeVec,
    pub(crate) key_set_skipped: IntGaugeVec,
    pub(crate) key_set_fetched: IntGaugeVec,
    pub(crate) issuer_ready: IntGaugeVec,
    pub(crate) introspections: IntCounterVec,
    pub(crate) introspection_circuit_open: IntGaugeVec,
    pub(crate) introspection_circuit_openings: IntCounterVec,
}

impl Metrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            register(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            register(registry, IntGaugeVec::new(Opts::new(name, help), labels)?)
        };
        let decision_seconds = HistogramOpts::new(
            "bearward_decision_duration_seconds",
            "Time from a request's headers to its verdict, by where the answer about the token came from.",
        )
        .buckets(vec![
            1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 5e-3, 2.5e-2, 0.1, 0.5, 2.5, 5.0, 10.0,
            30.0,
        ]);
        Ok(Self {
            decisions: counter(
                "bearward_decisions_total",
                "Verdicts on requests.",
                &["route", "issuer", "source", "verdict", "reason"],
            )?,
            decision_seconds: register(registry, HistogramVec::new(decision_seconds, &["source"])?)?,
            requirement_refusals: counter(
                "bearward_requirement_refusals_total",
                "Admitted requests that did not meet what a handler asks for beyond its route.",
                &["route", "reason"],
            )?,
            cache_requests: counter("bearward_cache_requests_total", "Look-ups of tokens.", &["cache", "result"])?,
            cache_entries: gauge("bearward_cache_entries", "Tokens remembered, about.", &["cache"])?,
            key_set_fetches: counter(
                "bearward_key_set_fetches_total",
                "Fetches of an issuer's metadata and keys.",
                &["issuer", "result"],
            )?,
            key_set_keys: gauge("bearward_key_set_keys", "Keys that can verify.", &["issuer"])?,
            key_set_skipped: gauge("bearward_key_set_skipped_keys", "Keys that were left out.", &["issuer"])?,
            key_set_fetched: gauge(
                "bearward_key_set_fetched_timestamp_seconds",
                "When the keys in use were fetched or last confirmed.",
                &["issuer"],
            )?,
            issuer_ready: gauge(
                "bearward_issuer_ready",
                "Whether tokens of an issuer can be judged now: 1 or 0.",
                &["issuer"],
            )?,
            introspections: counter(
                "bearward_introspections_total",
                "Questions to an issuer about a token.",
                &["issuer", "outcome"],
            )?,
            introspection_circuit_open: gauge(
                "bearward_introspection_circuit_open",
                "Whether an issuer is left alone because questions about tokens failed: 1 or 0.",
                &["issuer"],
            )?,
            introspection_circuit_openings: counter(
                "bearward_introspection_circuit_openings_total",
                "How often an issuer was left alone because questions about tokens failed.",
                &["issuer"],
            )?,
        })
    }

    pub(crate) fn record(&self, decision: &Decision, took: Duration) {
        let route = decision.route.as_ref().map_or("", |route| route.name());
        let issuer = decision.issuer.as_deref().unwrap_or("");
        let source = decision.source.map_or("none", |source| source.name());
        let (verdict, reason) = match &decision.verdict {
            Verdict::Admit(_) => ("admit", ""),
            Verdict::Refuse(refusal) => ("refuse", refusal.reason().name()),
        };
        self.decisions.with_label_values(&[route, issuer, source, verdict, reason]).inc();
        self.decision_seconds.with_label_values(&[source]).observe(took.as_secs_f64());
    }

    pub(crate) fn refused_by_requirement(&self, route: &str, reason: Reason) {
        self.requirement_refusals.with_label_values(&[route, reason.name()]).inc();
    }
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> Result<C, prometheus::Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}
