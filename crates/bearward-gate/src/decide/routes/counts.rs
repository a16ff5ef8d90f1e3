//! The counts of one route's decisions, kept so that no request looks one up by its labels.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bearward_core::Reason;

use crate::memory::ProverId;
use crate::metrics::Counter;
use crate::source::Source;

/// What decisions are counted apart by, within a route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) prover: Option<ProverId>,
    pub(crate) source: Option<Source>,
    /// `None` where the request was admitted.
    pub(crate) reason: Option<Reason>,
}

impl Kind {
    fn order(&self) -> impl Ord {
        (self.prover, self.source, self.reason.map(Reason::name))
    }
}

/// Counts by their kinds, in order. Each new kind copies them all, so they are few: one for each issuer and source, and those of
/// requests that are refused before an issuer is found. What is refused later costs more than a look-up.
#[derive(Default)]
pub(super) struct Counts(ArcSwap<Vec<(Kind, Counter)>>);

impl Counts {
    /// Counts one more; `make` gives the count the first time.
    pub(super) fn inc(&self, kind: &Kind, make: impl FnOnce() -> Counter) {
        if kind.prover.is_some() && kind.reason.is_some() {
            return make().inc();
        }
        let known = self.0.load();
        if let Some((_, count)) = find(&known, kind).ok().and_then(|at| known.get(at)) {
            return count.inc();
        }
        let count = make();
        count.inc();
        self.0.rcu(|known| match find(known, kind) {
            Ok(_) => Arc::clone(known),
            Err(at) => {
                let mut more = Vec::with_capacity(known.len() + 1);
                more.extend_from_slice(known);
                more.insert(at, (*kind, count.clone()));
                Arc::new(more)
            }
        });
    }
}

fn find(known: &[(Kind, Counter)], kind: &Kind) -> Result<usize, usize> {
    known.binary_search_by_key(&kind.order(), |(known, _)| known.order())
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts").field("len", &self.0.load().len()).finish()
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;
    use crate::metrics::MetricsRegistry;

    #[test]
    fn a_count_is_made_once_for_each_kind() {
        let counters = MetricsRegistry::default().counters("a_total", "A.", &["kind"]).unwrap();
        let counts = Counts::default();
        let kind = |n: u64| Kind {
            prover: (n > 0).then_some(ProverId(n)),
            source: [None, Some(Source::Cache), Some(Source::Signature)][n as usize % 3],
            reason: (n == 0).then_some(Reason::ScopeMissing),
        };
        for round in 0..3 {
            for n in [7, 3, 0, 5, 1, 2, 6, 4] {
                counts.inc(&kind(n), || {
                    assert_eq!(round, 0, "made again: {n}");
                    counters.with(&[&n.to_string()])
                });
            }
        }
        for n in 0..8_u64 {
            assert_eq!(counters.with(&[&n.to_string()]).get(), 3, "{n}");
        }
    }
}
