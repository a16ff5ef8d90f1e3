//! What a run has found, row by row.

use crate::comparison::{By, Comparison};
use crate::pair::{FOREIGN, Pairs, Sample};
use crate::statistics::{Summary, summary};

/// One line of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) what: String,
    pub(crate) unit: Unit,
    /// What was found; nothing where it could not be measured, which the notes tell of.
    pub(crate) value: Option<Summary>,
    /// The most that is allowed, and what is aimed at.
    pub(crate) limits: Option<(f64, f64)>,
    /// How many pairs or repetitions count.
    pub(crate) count: usize,
    /// Both sides of a comparison, with their names.
    pub(crate) sides: Vec<(&'static str, SideResult)>,
    pub(crate) notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Ratio,
    Microseconds,
    Milliseconds,
    Megabytes,
    Kilobytes,
}

/// The medians of one side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SideResult {
    pub(crate) cpu: f64,
    pub(crate) system: f64,
    pub(crate) per_second: f64,
    pub(crate) busy: f64,
    /// What load generator, upstream and introspection took of CPU, as a share of what the proxy took.
    pub(crate) load: f64,
    pub(crate) asked: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Where a value stands against its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Unknown,
    Free,
    Aim,
    Must,
    Missed,
}

impl Row {
    /// A row whose value could not be had.
    pub(crate) fn missing(id: &str, what: &str, unit: Unit, limits: Option<(f64, f64)>, why: String) -> Self {
        let (id, what) = (id.to_owned(), what.to_owned());
        Self { id, what, unit, value: None, limits, count: 0, sides: Vec::new(), notes: vec![why] }
    }

    /// What measuring pairs has come to, when `wanted` of them were.
    pub(crate) fn of(comparison: &Comparison, result: anyhow::Result<Pairs>, wanted: usize) -> Self {
        let (unit, unit_value): (_, fn(&(Sample, Sample)) -> f64) = match comparison.by {
            By::Cpu => (Unit::Ratio, |(a, b)| a.cpu / b.cpu),
            By::Latency => (Unit::Microseconds, |(a, b)| a.p50 - b.p50),
        };
        let mut row = Self::missing(comparison.id, comparison.what, unit, comparison.limits, String::new());
        row.notes.clear();
        let pairs = match result {
            Ok(pairs) => pairs,
            Err(error) => {
                row.notes.push(format!("{error:#}"));
                return row;
            }
        };
        let (used, is_quiet) = pairs.used(wanted);
        if !is_quiet {
            let foreign = used.iter().map(|(a, b)| a.foreign.max(b.foreign));
            let foreign = summary(foreign).map_or(0.0, |foreign| foreign.median);
            row.notes.push(format!("others used {foreign:.2} of a core meanwhile"));
        } else if !pairs.disturbed.is_empty() {
            let count = pairs.disturbed.len();
            row.notes.push(format!("{count} thrown away: others used more than {FOREIGN} of a core"));
        }
        if let Some(what) = pairs.wrong.last() {
            row.notes.push(format!("{} thrown away: {what}", pairs.wrong.len()));
        }
        // A queue at the core says nothing of a proxy: latency needs a quiet machine.
        if is_quiet || unit == Unit::Ratio {
            row.value = summary(used.iter().map(unit_value));
        }
        row.count = used.len();
        if !used.is_empty() {
            row.sides = vec![
                (comparison.a.proxy.name(), side(used.iter().map(|pair| pair.0))),
                (comparison.b.proxy.name(), side(used.iter().map(|pair| pair.1))),
            ];
        }
        for (name, side) in &row.sides {
            if side.load > 1.0 {
                row.notes.push(format!("{name}: the load generator's side took {:.2} of the proxy's CPU", side.load));
            }
        }
        row
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match (self.value, self.limits) {
            (None, _) => Verdict::Unknown,
            (_, None) => Verdict::Free,
            (Some(value), Some((_, aim))) if value.median <= aim => Verdict::Aim,
            (Some(value), Some((must, _))) if value.median <= must => Verdict::Must,
            _ => Verdict::Missed,
        }
    }
}

impl Pairs {
    /// The pairs that a result is made of, and whether the machine was quiet meanwhile. Where too few were quiet, all
    /// count, and the result says so.
    fn used(&self, wanted: usize) -> (Vec<(Sample, Sample)>, bool) {
        if self.kept.len() * 2 >= wanted {
            (self.kept.clone(), true)
        } else {
            ([self.kept.clone(), self.disturbed.clone()].concat(), false)
        }
    }
}

fn side(samples: impl Iterator<Item = Sample> + Clone) -> SideResult {
    let median = |get: fn(Sample) -> f64| summary(samples.clone().map(get)).map_or(0.0, |found| found.median);
    SideResult {
        cpu: median(|sample| sample.cpu),
        system: median(|sample| sample.system),
        per_second: median(|sample| sample.per_second),
        busy: median(|sample| sample.busy),
        load: median(|sample| sample.load / sample.busy),
        asked: median(|sample| sample.asked),
        p50: median(|sample| sample.p50),
        p99: median(|sample| sample.p99),
    }
}

impl Unit {
    /// A value with its unit, where it has one.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Ratio => format!("{value:.2}"),
            Self::Microseconds => format!("{value:.0} us"),
            Self::Milliseconds => format!("{value:.0} ms"),
            Self::Megabytes => format!("{value:.1} MB"),
            Self::Kilobytes => format!("{value:.1} KB"),
        }
    }
}

impl Verdict {
    pub(crate) fn show(self) -> &'static str {
        match self {
            Self::Unknown => "not measured",
            Self::Free => "",
            Self::Aim => "aim met",
            Self::Must => "met",
            Self::Missed => "**missed**",
        }
    }
}
