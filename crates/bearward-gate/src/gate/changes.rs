//! What a reload has changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decide::{Generation, Prover};
use crate::settings::CacheSettings;

/// What a reload has changed, by issuer identifier and route name, each list in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes {
    /// Issuers that are new.
    pub issuers_started: Vec<String>,
    /// Issuers whose settings changed: they started anew.
    pub issuers_restarted: Vec<String>,
    /// Issuers that are gone.
    pub issuers_stopped: Vec<String>,
    /// Routes that are new.
    pub routes_added: Vec<String>,
    /// Routes whose settings changed.
    pub routes_changed: Vec<String>,
    /// Routes that are gone.
    pub routes_removed: Vec<String>,
    /// Settings that changed and take effect only when the process starts again.
    pub needs_restart: Vec<&'static str>,
}

impl Changes {
    /// `memory`: the bounds that the engine's memory has for as long as the process lives.
    pub(super) fn between(before: &Generation, after: &Generation, memory: &CacheSettings) -> Self {
        let provers = |generation: &Generation| -> BTreeMap<_, _> {
            generation.provers().iter().map(|prover| (prover.name().to_string(), Arc::clone(prover))).collect()
        };
        let same_prover = |one: &Arc<Prover>, other: &Arc<Prover>| Arc::ptr_eq(one, other);
        let (issuers_started, issuers_restarted, issuers_stopped) =
            difference(&provers(before), &provers(after), same_prover);
        let routes = |generation: &Generation| -> BTreeMap<_, _> {
            generation.route_settings().iter().map(|route| (route.name.clone(), route.clone())).collect()
        };
        let (routes_added, routes_changed, routes_removed) =
            difference(&routes(before), &routes(after), |one, other| one == other);
        let cache = after.cache();
        let restart = [
            ("cache.max_entries", cache.max_entries != memory.max_entries),
            ("cache.negative_entries", cache.negative_entries != memory.negative_entries),
        ];
        let needs_restart = restart.into_iter().filter_map(|(setting, changed)| changed.then_some(setting)).collect();
        Self {
            issuers_started,
            issuers_restarted,
            issuers_stopped,
            routes_added,
            routes_changed,
            routes_removed,
            needs_restart,
        }
    }
}

/// The names that are in `after` alone, those whose value is another one, and those that are in `before` alone.
fn difference<T>(
    before: &BTreeMap<String, T>,
    after: &BTreeMap<String, T>,
    is_same: impl Fn(&T, &T) -> bool,
) -> (Vec<String>, Vec<String>, Vec<String>) {
    let (mut added, mut changed) = (Vec::new(), Vec::new());
    for (name, value) in after {
        match before.get(name) {
            None => added.push(name.clone()),
            Some(earlier) if !is_same(earlier, value) => changed.push(name.clone()),
            Some(_) => {}
        }
    }
    let removed = before.keys().filter(|name| !after.contains_key(*name)).cloned().collect();
    (added, changed, removed)
}
