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
    options: Opts,
    label: String,
    desc: Desc,
    read: Arc<dyn Fn() -> Vec<(String, f64)> + Send + Sync>,
}

impl MeasuredBy {
    pub(super) fn new(
        options: Opts,
        label: &str,
        read: Arc<dyn Fn() -> Vec<(String, f64)> + Send + Sync>,
    ) -> Result<Self, prometheus::Error> {
        let gauges = GaugeVec::new(options.clone(), &[label])?;
        let desc = gauges.desc().into_iter().next().cloned().ok_or_else(|| prometheus::Error::Msg("no name".into()))?;
        Ok(Self { options, label: label.to_owned(), desc, read })
    }
}

impl Collector for MeasuredBy {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // Made anew each time: what is no longer there is not told any more, and of several that ask at once each is told all.
        // The options were good before, so the fallback is never used.
        let Ok(gauges) = GaugeVec::new(self.options.clone(), &[&self.label]) else { return Vec::new() };
        for (value, number) in (self.read)() {
            gauges.with_label_values(&[&value]).set(number);
        }
        gauges.collect()
    }
}
