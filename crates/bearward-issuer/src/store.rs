//! What is remembered for a while: entries with an end, and a bound on how many.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How many entries that have ended are dropped for each one that comes: more than one, so that what a burst has left
/// behind goes away, and few, so that no caller holds the lock for the sake of thousands of others.
const DROPPED_PER_INSERT: usize = 2;

/// Entries by a key that is their secret or their name, each kept until its end.
///
/// Each operation takes time that grows with the logarithm of the number of entries and not with the number, also in a
/// store that is full.
pub(crate) struct Store<V> {
    capacity: usize,
    entries: Mutex<Entries<V>>,
}

struct Entries<V> {
    by_key: HashMap<Arc<str>, Entry<V>>,
    /// The keys in the order in which their entries end.
    by_end: BTreeMap<End, Arc<str>>,
    /// The number of the next entry: it tells apart entries that end at the same time.
    next: u64,
}

struct Entry<V> {
    end: End,
    value: V,
}

/// When an entry ends, and its number.
type End = (u64, u64);

/// There is no room for another entry. To drop an older one instead would bring a revoked token back to life, or let
/// an assertion be used again.
#[derive(Debug)]
pub(crate) struct Full;

impl<V> Store<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        let entries = Entries { by_key: HashMap::new(), by_end: BTreeMap::new(), next: 0 };
        Self { capacity, entries: Mutex::new(entries) }
    }

    /// Remembers a value until just before `expires`, in the place of one of the same key.
    pub(crate) fn insert(&self, key: &str, value: V, expires: u64, now: u64) -> Result<(), Full> {
        self.put(key, value, expires, now, |_| true).map(|_| ())
    }

    /// Remembers a value unless there is one of the same key; whether it did.
    pub(crate) fn insert_new(&self, key: &str, value: V, expires: u64, now: u64) -> Result<bool, Full> {
        self.put(key, value, expires, now, |known| !known)
    }

    fn put(&self, key: &str, value: V, expires: u64, now: u64, wanted: impl Fn(bool) -> bool) -> Result<bool, Full> {
        // What has ended needs no remembering.
        if expires <= now {
            return Ok(true);
        }
        let mut entries = self.lock();
        entries.drop_ended(now);
        let known = entries.by_key.get(key).is_some_and(|entry| entry.lasts(now));
        if !wanted(known) {
            return Ok(false);
        }
        // Those that have ended were the first to be dropped: a store that is still full holds none of them.
        if entries.by_key.len() >= self.capacity && !entries.by_key.contains_key(key) {
            return Err(Full);
        }
        entries.set(key, value, expires);
        Ok(true)
    }

    pub(crate) fn contains(&self, key: &str, now: u64) -> bool {
        self.lock().by_key.get(key).is_some_and(|entry| entry.lasts(now))
    }

    /// Takes an entry out: no other caller gets it again.
    pub(crate) fn take(&self, key: &str, now: u64) -> Option<V> {
        self.lock().remove(key).filter(|entry| entry.lasts(now)).map(|entry| entry.value)
    }

    /// Looks at an entry and changes it, its end included, while no other caller can.
    pub(crate) fn update<T>(&self, key: &str, now: u64, change: impl FnOnce(&mut V, &mut u64) -> T) -> Option<T> {
        let mut entries = self.lock();
        let entry = entries.by_key.get_mut(key).filter(|entry| entry.lasts(now))?;
        let (mut expires, before) = (entry.end.0, entry.end);
        let changed = change(&mut entry.value, &mut expires);
        entry.end.0 = expires;
        let after = entry.end;
        if after != before
            && let Some(key) = entries.by_end.remove(&before)
        {
            entries.by_end.insert(after, key);
        }
        Some(changed)
    }

    // Nothing panics while the lock is held, and every change is whole.
    fn lock(&self) -> MutexGuard<'_, Entries<V>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Entry<V> {
    fn lasts(&self, now: u64) -> bool {
        now < self.end.0
    }
}

impl<V> Entries<V> {
    /// Drops a few of those that have ended, the first to end first.
    fn drop_ended(&mut self, now: u64) {
        for _ in 0..DROPPED_PER_INSERT {
            match self.by_end.first_entry() {
                Some(first) if first.key().0 <= now => drop(self.by_key.remove(&first.remove())),
                _ => return,
            }
        }
    }

    fn set(&mut self, key: &str, value: V, expires: u64) {
        self.remove(key);
        let (key, end) = (Arc::<str>::from(key), (expires, self.next));
        // One for each entry of a process: it would take centuries to come around.
        self.next = self.next.wrapping_add(1);
        self.by_end.insert(end, Arc::clone(&key));
        self.by_key.insert(key, Entry { end, value });
    }

    fn remove(&mut self, key: &str) -> Option<Entry<V>> {
        let entry = self.by_key.remove(key)?;
        self.by_end.remove(&entry.end);
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    /// How many entries are held. Both maps must hold the same ones.
    fn length<V>(store: &Store<V>) -> usize {
        let entries = store.lock();
        assert_eq!(entries.by_key.len(), entries.by_end.len());
        assert!(entries.by_end.iter().all(|(end, key)| entries.by_key.get(key).is_some_and(|entry| entry.end == *end)));
        entries.by_key.len()
    }

    #[test]
    fn an_entry_lasts_until_its_end() {
        let store = Store::new(10);
        store.insert("a", 1, 2000, 1000).unwrap();
        assert!(store.contains("a", 1000) && store.contains("a", 1999));
        assert!(!store.contains("a", 2000) && !store.contains("b", 1000));
        assert_eq!(store.update("a", 2000, |_, _| ()), None);
        assert_eq!(store.update("a", 1999, |value, expires| (*value, *expires)), Some((1, 2000)));
        assert_eq!((store.take("a", 1999), store.take("a", 1999)), (Some(1), None));
    }

    #[test]
    fn what_has_ended_takes_no_room() {
        let store = Store::new(10);
        store.insert("a", (), 1000, 1000).unwrap();
        assert_eq!(length(&store), 0);
    }

    #[test]
    fn a_new_entry_does_not_replace_one_that_lasts() {
        let store = Store::new(10);
        assert!(store.insert_new("a", (), 2000, 1000).unwrap());
        assert!(!store.insert_new("a", (), 3000, 1999).unwrap());
        assert!(store.insert_new("a", (), 3000, 2000).unwrap(), "the first one has ended");
    }

    #[test]
    fn the_store_is_swept_before_it_grows() {
        let store = Store::new(100_000);
        for number in 0..10_000_u64 {
            // Each lives for ten seconds, and one comes every second.
            store.insert(&number.to_string(), (), number + 10, number).unwrap();
        }
        assert!(length(&store) < 100, "{}", length(&store));
    }

    #[test]
    fn an_insert_drops_a_few_that_have_ended_and_never_all_of_them() {
        let store = Store::new(1000);
        for number in 0..1000 {
            store.insert(&number.to_string(), (), 2000, 1000).unwrap();
        }
        for (inserted, held) in [("a", 999), ("b", 998), ("c", 997)] {
            store.insert(inserted, (), 3000, 2000).unwrap();
            assert_eq!(length(&store), held, "two went and one came");
        }
        // One that is refused because it is known, and one that has ended already, do no more.
        assert!(!store.insert_new("a", (), 3000, 2000).unwrap());
        assert_eq!(length(&store), 995);
        store.insert("late", (), 2000, 2000).unwrap();
        assert_eq!(length(&store), 995);
        for number in 0..1000 {
            store.insert(&format!("new {number}"), (), 3000, 2000).unwrap_or_else(|Full| assert!(number >= 997));
        }
        assert_eq!(length(&store), 1000);
    }

    #[test]
    fn what_is_replaced_or_changed_ends_when_it_says_last() {
        let store = Store::new(10);
        store.insert("a", 1, 2000, 1000).unwrap();
        store.insert("a", 2, 1500, 1000).unwrap();
        store.insert("b", 1, 1500, 1000).unwrap();
        store.update("b", 1000, |_, expires| *expires = 4000).unwrap();
        store.insert("c", 1, 4000, 1500).unwrap();
        assert_eq!(length(&store), 2, "a has ended, b has not");
        assert!(store.contains("b", 3999) && !store.contains("a", 1500));
        store.take("b", 1600).unwrap();
        assert_eq!(length(&store), 1);
    }

    #[test]
    fn a_full_store_refuses_rather_than_forgets() {
        let store = Store::new(1000);
        for number in 0..1000 {
            store.insert(&number.to_string(), (), 2000, 1000).unwrap();
        }
        assert!(store.insert("one more", (), 2000, 1000).is_err());
        assert!(store.insert("0", (), 2000, 1000).is_ok(), "what is known needs no room");
        assert!(store.contains("0", 1000));
        assert!(store.insert("one more", (), 3000, 2000).is_ok(), "the others have ended");
        assert!(length(&store) <= 1000);
    }
}
