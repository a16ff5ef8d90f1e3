//! What a run does, from what its command line says.

use std::env;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::comparison::{self, Comparison, is_called};
use crate::footprint::{self, Footprint};
use crate::peers::Proxy;

pub(crate) struct Plan {
    pub(crate) tasks: Vec<Task>,
    /// How many pairs a comparison is made of.
    pub(crate) pairs: usize,
    /// How long it may wait, in all, for others to leave the cores alone.
    pub(crate) patience: Duration,
    /// Whether everything is measured, so that the page in `docs/` can be written.
    pub(crate) is_full: bool,
}

pub(crate) enum Task {
    Compare(Box<Comparison>),
    /// Memory or start of one proxy.
    Weigh(Footprint, Proxy),
}

const FULL_PAIRS: usize = 9;
const QUICK_PAIRS: usize = 4;

impl Plan {
    /// Nothing for everything, `quick`, or the names of what is to be measured.
    pub(crate) fn read(names: &[String]) -> Result<Self> {
        let is_quick = names.iter().any(|name| name == "quick");
        let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| *name != "quick").collect();
        for name in &names {
            let is_known = comparison::all().iter().any(|comparison| comparison.is_called(name))
                || footprint::ALL.iter().any(|footprint| is_called(footprint.id, name));
            ensure!(is_known, "nothing is called {name}; these are:\n{}", list());
        }
        let wants = |id: &str, quick: bool| match names.as_slice() {
            [] => quick || !is_quick,
            names => names.iter().any(|name| is_called(id, name)),
        };
        let comparisons = comparison::all().into_iter().filter(|comparison| wants(comparison.id, comparison.quick));
        let footprints = footprint::ALL.into_iter().filter(|footprint| wants(footprint.id, footprint.quick));
        let weigh = |footprint: Footprint| {
            // A quick run has no time for the others.
            let proxies = footprint.proxies().take(if is_quick { 1 } else { usize::MAX });
            proxies.map(move |proxy| Task::Weigh(footprint, proxy)).collect::<Vec<_>>()
        };
        Ok(Self {
            tasks: comparisons
                .map(|comparison| Task::Compare(Box::new(comparison)))
                .chain(footprints.flat_map(weigh))
                .collect(),
            pairs: match env::var("BENCH_PAIRS") {
                Ok(text) => text.parse().context("BENCH_PAIRS is a number")?,
                Err(_) => {
                    if is_quick {
                        QUICK_PAIRS
                    } else {
                        FULL_PAIRS
                    }
                }
            },
            patience: patience(is_quick)?,
            is_full: names.is_empty() && !is_quick,
        })
    }

    /// The proxies that take part.
    pub(crate) fn proxies(&self) -> Vec<Proxy> {
        let takes_part = |proxy: Proxy| {
            self.tasks.iter().any(|task| match task {
                Task::Compare(comparison) => [comparison.a.proxy, comparison.b.proxy].contains(&proxy),
                Task::Weigh(_, of) => *of == proxy,
            })
        };
        Proxy::ALL.into_iter().filter(|proxy| takes_part(*proxy)).collect()
    }
}

/// What `BENCH_PATIENCE` says in seconds, or ten minutes, or one.
fn patience(is_quick: bool) -> Result<Duration> {
    let seconds = match env::var("BENCH_PATIENCE") {
        Ok(text) => text.parse().context("BENCH_PATIENCE is a number of seconds")?,
        Err(_) if is_quick => 60,
        Err(_) => 600,
    };
    Ok(Duration::from_secs(seconds))
}

/// What can be measured, a line each.
pub(crate) fn list() -> String {
    let comparisons = comparison::all();
    let lines = comparisons.iter().map(|comparison| (comparison.id, comparison.what));
    let lines = lines.chain(footprint::ALL.iter().map(|footprint| (footprint.id, footprint.what)));
    lines.map(|(id, what)| format!("  {id:<19} {what}")).collect::<Vec<_>>().join("\n")
}
