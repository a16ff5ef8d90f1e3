//! What is remembered for a while: entries with an end, and a bound on how many.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Entries by a key that is their secret or their name, each kept until its end.
pub(crate) struct Store<V> {
    capacity: usize,
    entries: Mutex<HashMap<String, Entry<V>>>,
}

struct Entry<V> {
    expires: u64,
    value: V,
}

/// There is no room for another entry. To drop an older one instead would bring a revoked token back to life, or let
/// an assertion be used again.
#[derive(Debug)]
pub(crate) struct Full;

impl<V> Store<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, entries: Mutex::default() }
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
        // Swept only when the room may run out, so that the cost of a sweep is shared by many.
        if entries.len() == entries.capacity() || entries.len() >= self.capacity {
            entries.retain(|_, entry| now < entry.expires);
        }
        let known = entries.get(key).is_some_and(|entry| now < entry.expires);
        if !wanted(known) {
            return Ok(false);
        }
        if entries.len() >= self.capacity && !entries.contains_key(key) {
            return Err(Full);
        }
        entries.insert(key.to_owned(), Entry { expires, value });
        Ok(true)
    }

    pub(crate) fn contains(&self, key: &str, now: u64) -> bool {
        self.lock().get(key).is_some_and(|entry| now < entry.expires)
    }

    /// Takes an entry out: nobody else gets it again.
    pub(crate) fn take(&self, key: &str, now: u64) -> Option<V> {
        self.lock().remove(key).filter(|entry| now < entry.expires).map(|entry| entry.value)
    }

    /// Looks at an entry and changes it, its end included, while nobody else can.
    pub(crate) fn update<T>(&self, key: &str, now: u64, change: impl FnOnce(&mut V, &mut u64) -> T) -> Option<T> {
        let mut entries = self.lock();
        let entry = entries.get_mut(key).filter(|entry| now < entry.expires)?;
        Some(change(&mut entry.value, &mut entry.expires))
    }

    // Nothing panics while the lock is held, and every change is whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry<V>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

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
        assert_eq!(store.lock().len(), 0);
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
        assert!(store.lock().len() < 100, "{}", store.lock().len());
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
    }
}
