//! Metrics behind types of our own, so that no metrics library stands in a public signature.
//!
//! A [`MetricsRegistry`] lives as long as the process. Each metric is registered once, by the part that counts it.

mod engine;
mod measured;
mod memo;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use prometheus::core::Collector;
use prometheus::{HistogramOpts, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

pub(crate) use self::engine::EngineMetrics;
pub use self::measured::Reading;
use self::measured::{Measured, MeasuredBy};
pub use self::memo::Memo;

/// The metrics of a process, told in Prometheus' text format. Clones share them.
///
/// ```
/// use bearward_gate::MetricsRegistry;
///
/// let registry = MetricsRegistry::default();
/// let orders = registry.counters("orders_total", "Orders taken.", &["shop"])?;
/// orders.with(&["corner"]).inc();
/// assert!(registry.text()?.contains("orders_total{shop=\"corner\"} 1\n"));
/// # Ok::<(), bearward_gate::MetricsError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MetricsRegistry(Registry);

/// Why a metric cannot be registered or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// The registry holds a metric of this name already, as when two gates share one registry.
    #[error("a metric named `{name}` is registered already")]
    Registered {
        /// The metric's name.
        name: String,
    },
    /// The name or a label is none that Prometheus knows.
    #[error("the metric `{name}` cannot be registered: {why}")]
    Unacceptable {
        /// The metric's name.
        name: String,
        /// What the library says.
        why: String,
    },
    /// The metrics cannot be written as text.
    #[error("the metrics cannot be written: {0}")]
    Unwritable(String),
}

impl MetricsRegistry {
    /// The media type of [`MetricsRegistry::text`].
    pub const MEDIA_TYPE: &str = prometheus::TEXT_FORMAT;

    /// Registers a count that only grows.
    ///
    /// # Errors
    ///
    /// A [`MetricsError`] where the name is taken or unusable; so with the other kinds.
    pub fn counter(&self, name: &str, help: &str) -> Result<Counter, MetricsError> {
        Ok(self.counters(name, help, &[])?.with(&[]))
    }

    /// Registers counts that only grow, told apart by `labels`.
    ///
    /// # Errors
    ///
    /// As [`MetricsRegistry::counter`].
    pub fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<Counters, MetricsError> {
        self.register(name, IntCounterVec::new(Opts::new(name, help), labels)).map(Counters)
    }

    /// Registers a number that is set.
    ///
    /// # Errors
    ///
    /// As [`MetricsRegistry::counter`].
    pub fn gauge(&self, name: &str, help: &str) -> Result<Gauge, MetricsError> {
        Ok(self.gauges(name, help, &[])?.with(&[]))
    }

    /// Registers numbers that are set, told apart by `labels`.
    ///
    /// # Errors
    ///
    /// As [`MetricsRegistry::counter`].
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<Gauges, MetricsError> {
        self.register(name, IntGaugeVec::new(Opts::new(name, help), labels)).map(Gauges)
    }

    /// Registers distributions of durations, told apart by `labels`; `buckets` are their upper bounds, in seconds.
    ///
    /// # Errors
    ///
    /// As [`MetricsRegistry::counter`].
    pub fn histograms(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> Result<Histograms, MetricsError> {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.register(name, prometheus::HistogramVec::new(options, labels)).map(Histograms)
    }

    /// Registers a number that is read each time the metrics are written, and not counted. `labels` are constant: the same
    /// name may be registered again with other values of the same labels.
    ///
    /// # Errors
    ///
    /// As [`MetricsRegistry::counter`].
    pub fn measured(
        &self,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
        read: impl Fn() -> Reading + Send + Sync + 'static,
    ) -> Result<(), MetricsError> {
        let labels: HashMap<_, _> = labels.iter().map(|(name, value)| (*name, *value)).collect();
        let measured = Measured::new(Opts::new(name, help).const_labels(owned(&labels)), Arc::new(read));
        self.register(name, measured).map(drop)
    }

    /// Registers numbers that are read each time the metrics are written, told apart by `label`: `read` gives the values that
    /// the label has now, each with its number.
    ///
    /// # Errors
    ///
    /// As [`MetricsRegistry::counter`].
    pub fn measured_by(
        &self,
        name: &str,
        help: &str,
        label: &str,
        read: impl Fn() -> Vec<(String, f64)> + Send + Sync + 'static,
    ) -> Result<(), MetricsError> {
        self.register(name, MeasuredBy::new(Opts::new(name, help), label, Arc::new(read))).map(drop)
    }

    /// All metrics, in Prometheus' text format.
    ///
    /// # Errors
    ///
    /// [`MetricsError::Unwritable`], which no metric of this project causes.
    pub fn text(&self) -> Result<String, MetricsError> {
        let written = TextEncoder::new().encode_to_string(&self.0.gather());
        written.map_err(|why| MetricsError::Unwritable(why.to_string()))
    }

    fn register<C: Collector + Clone + 'static>(
        &self,
        name: &str,
        collector: Result<C, prometheus::Error>,
    ) -> Result<C, MetricsError> {
        let error = |why| match why {
            prometheus::Error::AlreadyReg => MetricsError::Registered { name: name.to_owned() },
            why => MetricsError::Unacceptable { name: name.to_owned(), why: why.to_string() },
        };
        let collector = collector.map_err(error)?;
        self.0.register(Box::new(collector.clone())).map_err(error)?;
        Ok(collector)
    }
}

fn owned(labels: &HashMap<&str, &str>) -> HashMap<String, String> {
    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Counts that only grow, told apart by labels.
#[derive(Clone)]
pub struct Counters(IntCounterVec);

impl Counters {
    /// The count for these values of the labels, in their order; it is there from now on, at zero at first. A handle that is
    /// kept saves the look-up.
    #[must_use]
    pub fn with(&self, values: &[&str]) -> Counter {
        Counter(self.0.with_label_values(values))
    }
}

/// A count that only grows.
#[derive(Clone)]
pub struct Counter(prometheus::IntCounter);

impl Counter {
    /// One more.
    pub fn inc(&self) {
        self.0.inc();
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.inc_by(more);
    }

    /// The count.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

/// Numbers that are set, told apart by labels.
#[derive(Clone)]
pub struct Gauges(IntGaugeVec);

impl Gauges {
    /// The number for these values of the labels, in their order; it is there from now on, zero at first.
    #[must_use]
    pub fn with(&self, values: &[&str]) -> Gauge {
        Gauge(self.0.with_label_values(values))
    }
}

/// A number that is set.
#[derive(Clone)]
pub struct Gauge(prometheus::IntGauge);

impl Gauge {
    /// Sets it.
    pub fn set(&self, value: i64) {
        self.0.set(value);
    }

    /// One more.
    pub fn inc(&self) {
        self.0.inc();
    }

    /// One less.
    pub fn dec(&self) {
        self.0.dec();
    }

    /// The number.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.0.get()
    }
}

/// Distributions of durations, told apart by labels.
#[derive(Clone)]
pub struct Histograms(prometheus::HistogramVec);

impl Histograms {
    /// The distribution for these values of the labels, in their order.
    #[must_use]
    pub fn with(&self, values: &[&str]) -> Histogram {
        Histogram(self.0.with_label_values(values))
    }
}

/// A distribution of durations.
#[derive(Clone)]
pub struct Histogram(prometheus::Histogram);

impl Histogram {
    /// One more of this length.
    pub fn observe(&self, took: std::time::Duration) {
        self.0.observe(took.as_secs_f64());
    }
}

macro_rules! shows_its_name {
    ($($metric:ident),*) => {$(
        impl fmt::Debug for $metric {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($metric))
            }
        }
    )*};
}

shows_its_name!(Counters, Counter, Gauges, Gauge, Histograms, Histogram);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn a_name_is_registered_once() {
        let registry = MetricsRegistry::default();
        registry.gauge("a", "A.").unwrap().set(-3);
        assert!(matches!(registry.counter("a", "A."), Err(MetricsError::Registered { name }) if name == "a"));
        assert!(matches!(registry.counter("a b", "A."), Err(MetricsError::Unacceptable { .. })));
        assert_eq!(registry.text().unwrap(), "# HELP a A.\n# TYPE a gauge\na -3\n");
    }

    #[test]
    fn what_is_measured_is_read_when_it_is_told() {
        let registry = MetricsRegistry::default();
        let (inside, count) = (registry.counter("b_total", "B.").unwrap(), registry.counter("c_total", "C.").unwrap());
        let read = move || {
            inside.inc();
            Reading::Counter(inside.get() as f64)
        };
        registry.measured("a_total", "A.", &[("kind", "x")], read).unwrap();
        registry.measured("a_total", "A.", &[("kind", "y")], || Reading::Counter(0.5)).unwrap();
        registry.measured("d", "D.", &[], || Reading::Gauge(-1.5)).unwrap();
        registry.measured("e", "E.", &[], || Reading::Absent).unwrap();
        count.inc();
        registry.measured_by("f", "F.", "x", || vec![("1".to_owned(), 0.0), ("2".to_owned(), 1.0)]).unwrap();
        let text = registry.text().unwrap();
        assert!(text.contains("f{x=\"1\"} 0\nf{x=\"2\"} 1\n"), "{text}");
        assert!(text.contains("a_total{kind=\"x\"} 1\n") && text.contains("a_total{kind=\"y\"} 0.5\n"), "{text}");
        assert!(text.contains("\nd -1.5\n") && !text.contains("\ne "), "{text}");
        assert!(registry.text().unwrap().contains("a_total{kind=\"x\"} 2\n"));
    }

    /// Two servers may ask at the same time, each for all.
    #[test]
    fn what_is_measured_is_told_whole_to_all_that_ask_at_once() {
        let registry = MetricsRegistry::default();
        let read = || (0..100).map(|at| (at.to_string(), 1.0)).collect();
        registry.measured_by("f", "F.", "x", read).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let told = registry.text().unwrap().lines().filter(|line| line.starts_with("f{")).count();
                        assert_eq!(told, 100);
                    }
                });
            }
        });
    }
}
