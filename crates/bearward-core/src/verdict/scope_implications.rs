//! Which scopes stand for others.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Scope, Scopes};

/// Which scopes include others: `orders:admin` may include `orders:read`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeImplications {
    /// By a scope, all those that imply it.
    implied_by: BTreeMap<String, BTreeSet<String>>,
}

impl ScopeImplications {
    /// Reads pairs of a scope and those that it implies; what those imply in turn, it implies as well.
    pub fn new(pairs: impl IntoIterator<Item = (Scope, Vec<Scope>)>) -> Self {
        let mut implied_by: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (scope, implied) in pairs {
            for implied in implied {
                implied_by.entry(implied.as_str().to_owned()).or_default().insert(scope.as_str().to_owned());
            }
        }
        loop {
            let before: usize = implied_by.values().map(BTreeSet::len).sum();
            let known = implied_by.clone();
            for implying in implied_by.values_mut() {
                let further: Vec<_> = implying.iter().filter_map(|scope| known.get(scope)).flatten().cloned().collect();
                implying.extend(further);
            }
            if implied_by.values().map(BTreeSet::len).sum::<usize>() == before {
                return Self { implied_by };
            }
        }
    }

    /// Whether a token with the scopes `granted` has `needed`, by name or by implication.
    pub fn grant<'a>(&self, granted: impl Into<Scopes<'a>>, needed: &Scope) -> bool {
        let granted = granted.into();
        granted.contains(needed)
            || self
                .implied_by
                .get(needed.as_str())
                .is_some_and(|implying| granted.iter().any(|scope| implying.contains(scope)))
    }
}
