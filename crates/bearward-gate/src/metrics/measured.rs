//! Metrics that are read when they are told.

use std::sync::Arc;

use prometheus::core::{Collector, Desc, Describer as _};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, GaugeVec, Opts};

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reading {
    /// A count that only grows.
    Counter(f64),
    /// A number that may become less.
    Gauge(f64),
    /// Nothing: the metric is left out this time.
    Absent,
}

/// A metric that asks for its value each time.
#[derive(Clone)]
pub(super) struct Measured {
    options: Opts,
    desc: Desc,
    read: Arc<dyn Fn() -> Reading + Send + Sync>,
}

impl Measured {
    pub(super) fn new(options: Opts, read: Arc<dyn Fn() -> Reading + Send + Sync>) -> Result<Self, prometheus::Error> {
        Ok(Self { desc: options.describe()?, options, read })
    }
}

impl Collector for Measured {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let options = self.options.clone();
        // The options were good when they were described, so the fallback is never used.
        match (self.read)() {
            Reading::Counter(value) => Counter::with_opts(options).map(|counter| {
                counter.inc_by(value.max(0.0));
                counter.collect()
            }),
            Reading::Gauge(value) => Gauge::with_opts(options).map(|gauge| {
                gauge.set(value);
                gauge.collect()
            }),
            Reading::Absent => Ok(Vec::new()),
        }
        .unwrap_or_default()
    }
}

/// Numbers that are asked for each time, told apart by one label.
#[derive(Clone)]
pub(super) struct MeasuredBy {
    gauges: GaugeVec,
    read: Arc<dyn Fn() -> Vec<(String, f64)> + Send + Sync>,
}

impl MeasuredBy {
    pub(super) fn new(
        options: Opts,
        label: &str,
        read: Arc<dyn Fn() -> Vec<(String, f64)> + Send + Sync>,
    ) -> Result<Self, prometheus::Error> {
        Ok(Self { gauges: GaugeVec::new(options, &[label])?, read })
    }
}

impl Collector for MeasuredBy {
    fn desc(&self) -> Vec<&Desc> {
        self.gauges.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // What is no longer there is not told any more.
        self.gauges.reset();
        for (value, number) in (self.read)() {
            self.gauges.with_label_values(&[&value]).set(number);
        }
        self.gauges.collect()
    }
}
