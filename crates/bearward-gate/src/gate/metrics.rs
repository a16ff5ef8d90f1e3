//! The state of the issuers as metrics. They are read from the configuration in use whenever they are scraped, so that neither a
//! reload nor a fetch that ends after one leaves numbers of an issuer that is gone.

use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use bearward_core::UnixTime;

use crate::clock::Clock;
use crate::decide::Generation;
use crate::issuer::IssuerStatus;
use crate::metrics::{MetricsError, MetricsRegistry};

/// A metric of each issuer: its name, its help, and how it is read at a time; `None` if it says nothing of this issuer.
type IssuerGauge = (&'static str, &'static str, fn(&IssuerStatus, UnixTime) -> Option<f64>);

const GAUGES: [IssuerGauge; 5] = [
    ("bearward_issuer_ready", "Whether tokens of an issuer can be judged now: 1 or 0.", |issuer, _| {
        Some(flag(issuer.ready))
    }),
    ("bearward_key_set_keys", "Keys that can verify.", |issuer, _| {
        // An issuer that was asked and has none shows 0, which an alert can compare; one that publishes none shows nothing.
        (issuer.age.is_some() || issuer.last_error.is_some()).then(|| count(issuer.keys))
    }),
    ("bearward_key_set_skipped_keys", "Keys that were left out.", |issuer, _| {
        issuer.age.map(|_| count(issuer.skipped))
    }),
    (
        "bearward_key_set_fetched_timestamp_seconds",
        "When the keys in use were fetched or last confirmed.",
        |issuer, now| issuer.age.map(|age| Duration::from_secs(now.0).saturating_sub(age).as_secs_f64()),
    ),
    (
        "bearward_introspection_circuit_open",
        "Whether an issuer gets no introspection requests for a while because earlier ones failed: 1 or 0.",
        |issuer, _| issuer.introspection.map(|_| flag(issuer.introspection_paused)),
    ),
];

/// Registers the metrics of the issuers of the configuration in use.
pub(super) fn measure_issuers(
    registry: &MetricsRegistry,
    clock: &Clock,
    current: &Arc<ArcSwap<Generation>>,
) -> Result<(), MetricsError> {
    for (name, help, read) in GAUGES {
        // Weak: a registry that outlives the gate must not keep its issuers running.
        let current: Weak<ArcSwap<Generation>> = Arc::downgrade(current);
        let clock = clock.clone();
        registry.measured_by(name, help, "issuer", move || {
            let issuers = current.upgrade().map(|current| current.load().status()).unwrap_or_default();
            let now = clock.now();
            issuers.into_iter().filter_map(|issuer| read(&issuer, now).map(|number| (issuer.issuer, number))).collect()
        })?;
    }
    Ok(())
}

fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
