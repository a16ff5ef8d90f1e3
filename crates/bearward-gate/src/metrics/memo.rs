//! Handles of metrics that are kept.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use arc_swap::ArcSwap;

/// Values made once for each key and then read without a lock: the handles of metrics, by their labels.
///
/// For few keys, such as configured names, methods and status codes: each new one copies all.
pub struct Memo<K, V>(ArcSwap<HashMap<K, V>>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(ArcSwap::from_pointee(HashMap::new()))
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Memo<K, V> {
    /// The value for `key`, which `make` gives the first time, with the key to keep it by.
    pub fn get<Q>(&self, key: &Q, make: impl FnOnce() -> (K, V)) -> V
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some(value) = self.0.load().get(key) {
            return value.clone();
        }
        let (key, value) = make();
        self.0.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.insert(key.clone(), value.clone());
            all
        });
        value
    }
}

impl<K, V> fmt::Debug for Memo<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").field("len", &self.0.load().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once_for_each_key() {
        let memo = Memo::default();
        for _ in 0..3 {
            for key in ["a", "b"] {
                assert_eq!(memo.get(key, || (key.to_owned(), format!("{key}{key}"))), format!("{key}{key}"));
            }
        }
        assert_eq!(memo.get("a", || panic!("made twice")), "aa");
    }
}
