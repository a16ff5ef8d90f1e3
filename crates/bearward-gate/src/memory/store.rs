//! A bounded map, shared by all threads.
//!
//! In shards, each behind a lock of its own that is held for some tens of nanoseconds: what one thread puts in, takes out or
//! forgets is so for every thread from then on, which no copy kept by a thread could promise.
//!
//! Where it is full, what was used since it was last looked at gets another round, and the first that was not goes ("second
//! chance"). What is new has not been used yet: a thousand tokens that come once do not drive out those that come again.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::key::Key;

/// The most shards. Many more than threads, so that two of them seldom meet at one.
const MAX_SHARDS: u64 = 64;

/// What a shard should be able to hold at least.
const WORTH_A_SHARD: u64 = 256;

/// How many may get another round before one goes all the same: the most that one insertion has to look at for each that goes.
const MAX_SPARED: usize = 64;

/// How many each insertion looks at besides, for those whose time is over.
const SWEPT: usize = 2;

/// Values by their keys, each for its lifetime, and all together within a weight.
pub(super) struct Store<V> {
    shards: Box<[RwLock<Shard<V>>]>,
    /// By this keys have their places: drawn for each store, so that nobody can aim at one.
    places: RandomState,
    max_weight: u64,
    /// Of all shards.
    weight: AtomicI64,
    count: AtomicI64,
    /// From when times are counted.
    epoch: Instant,
}

/// A time, in nanoseconds since the store was made: half as wide as one of the clock.
type Ticks = u64;

impl<V> Store<V> {
    pub(super) fn new(max_weight: u64) -> Self {
        let shards = (max_weight / WORTH_A_SHARD).clamp(1, MAX_SHARDS);
        let shards = (0..shards).map(|_| RwLock::default()).collect();
        let (weight, count, epoch) = (AtomicI64::new(0), AtomicI64::new(0), Instant::now());
        Self { shards, places: RandomState::new(), max_weight, weight, count, epoch }
    }

    /// What `read` makes of the value that is there and whose time is not over at `now`. Called under the lock: it must be quick.
    pub(super) fn read<R>(&self, key: &Key, now: Instant, read: impl FnOnce(&V) -> Option<R>) -> Option<R> {
        let place = self.place(key);
        // Nothing panics under the lock that would leave a shard half changed.
        let shard = self.shard(place)?.read().unwrap_or_else(PoisonError::into_inner);
        let slot = shard.slot(place).filter(|slot| slot.key == *key && self.ticks(now) < slot.until)?;
        let found = read(&slot.value)?;
        // Written once a round and not with each use, so that threads that read the same do not wait for each other.
        if !slot.used.load(Ordering::Relaxed) {
            slot.used.store(true, Ordering::Relaxed);
        }
        Some(found)
    }

    /// Puts a value there, in place of any other.
    pub(super) fn insert(&self, key: Key, value: V, weight: u32, now: Instant, lifetime: Duration) {
        let place = self.place(&key);
        let now = self.ticks(now);
        let until = now.saturating_add(Ticks::try_from(lifetime.as_nanos()).unwrap_or(Ticks::MAX));
        let shard = self.shard(place).filter(|_| u64::from(weight) <= self.max_weight);
        let Some(shard) = shard else { return self.remove(&key) };
        self.make_room(place, weight, now);
        let slot = Slot { key, value, until, weight, used: AtomicBool::new(false) };
        let change = shard.write().unwrap_or_else(PoisonError::into_inner).put(place, slot, now, &self.places);
        self.account(change);
    }

    pub(super) fn remove(&self, key: &Key) {
        let place = self.place(key);
        let Some(shard) = self.shard(place) else { return };
        let change = shard.write().unwrap_or_else(PoisonError::into_inner).remove(place, key, &self.places);
        self.account(change);
    }

    /// How many values there are, those among them whose time is over and that are not swept away yet.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed).try_into().unwrap_or_default()
    }

    /// Takes values out until one of this weight fits in, first of the shard where it has its place.
    fn make_room(&self, place: u64, weight: u32, now: Ticks) {
        let is_full = || {
            let held = u64::try_from(self.weight.load(Ordering::Relaxed)).unwrap_or_default();
            held.saturating_add(weight.into()) > self.max_weight
        };
        for shard in self.shards.iter().cycle().skip(self.number(place)).take(self.shards.len()) {
            while is_full() {
                let change = shard.write().unwrap_or_else(PoisonError::into_inner).evict(now, &self.places);
                self.account(change);
                if change.count == 0 {
                    break;
                }
            }
        }
    }

    fn account(&self, change: Change) {
        self.weight.fetch_add(change.weight, Ordering::Relaxed);
        self.count.fetch_add(change.count, Ordering::Relaxed);
    }

    fn ticks(&self, time: Instant) -> Ticks {
        Ticks::try_from(time.saturating_duration_since(self.epoch).as_nanos()).unwrap_or(Ticks::MAX)
    }

    fn place(&self, key: &Key) -> u64 {
        place(&self.places, key)
    }

    /// By other bits than those by which a shard finds what it holds.
    fn number(&self, place: u64) -> usize {
        (place >> 32) as usize % self.shards.len()
    }

    fn shard(&self, place: u64) -> Option<&RwLock<Shard<V>>> {
        self.shards.get(self.number(place))
    }
}

/// What became more, or less.
#[derive(Clone, Copy, Debug, Default)]
struct Change {
    weight: i64,
    count: i64,
}

impl Change {
    fn and(self, other: Self) -> Self {
        Self { weight: self.weight + other.weight, count: self.count + other.count }
    }
}

fn place(places: &RandomState, key: &Key) -> u64 {
    places.hash_one(key.start())
}

struct Slot<V> {
    key: Key,
    value: V,
    until: Ticks,
    weight: u32,
    /// Whether it was read since it was last looked at.
    used: AtomicBool,
}

impl<V> Slot<V> {
    fn change(&self, sign: i64) -> Change {
        Change { weight: sign * i64::from(self.weight), count: sign }
    }
}

struct Shard<V> {
    /// Where in `slots` the value of a place is. Two keys with the same place, of which there are none in practice, cannot both be
    /// there; which of them is, the slot says.
    index: HashMap<u64, usize, BuildHasherDefault<Placed>>,
    slots: Vec<Slot<V>>,
    /// The next that may have to go.
    hand: usize,
    /// The next whose time may be over.
    broom: usize,
}

impl<V> Default for Shard<V> {
    fn default() -> Self {
        Self { index: HashMap::default(), slots: Vec::new(), hand: 0, broom: 0 }
    }
}

impl<V> Shard<V> {
    fn slot(&self, place: u64) -> Option<&Slot<V>> {
        self.slots.get(*self.index.get(&place)?)
    }

    fn put(&mut self, place: u64, slot: Slot<V>, now: Ticks, places: &RandomState) -> Change {
        let more = slot.change(1);
        let known = self.index.get(&place).and_then(|at| self.slots.get_mut(*at));
        let change = match known {
            Some(known) => mem::replace(known, slot).change(-1).and(more),
            None => {
                // By an eighth and not by all: most of what doubling takes would stay unused.
                if self.slots.len() == self.slots.capacity() {
                    self.slots.reserve_exact(self.slots.len() / 8 + 8);
                }
                self.index.insert(place, self.slots.len());
                self.slots.push(slot);
                more
            }
        };
        change.and(self.sweep(now, places))
    }

    fn remove(&mut self, place: u64, key: &Key, places: &RandomState) -> Change {
        let at = self.index.get(&place).copied();
        let at = at.filter(|at| self.slots.get(*at).is_some_and(|slot| slot.key == *key));
        at.map(|at| self.take(at, places)).unwrap_or_default()
    }

    /// Takes out one value, if there is any.
    fn evict(&mut self, now: Ticks, places: &RandomState) -> Change {
        for _ in 0..MAX_SPARED {
            if self.hand >= self.slots.len() {
                self.hand = 0;
            }
            let spared =
                self.slots.get_mut(self.hand).is_some_and(|slot| now < slot.until && mem::take(slot.used.get_mut()));
            if !spared {
                break;
            }
            self.hand += 1;
        }
        if self.hand >= self.slots.len() {
            self.hand = 0;
        }
        let change = self.take(self.hand, places);
        // What stands there now is the newest, which has its round before it.
        self.hand += 1;
        change
    }

    /// Takes out what has had its time, of the next few: done with each value that comes, it keeps those from piling up.
    fn sweep(&mut self, now: Ticks, places: &RandomState) -> Change {
        let mut change = Change::default();
        for _ in 0..SWEPT {
            if self.broom >= self.slots.len() {
                self.broom = 0;
            }
            if self.slots.get(self.broom).is_some_and(|slot| slot.until <= now) {
                change = change.and(self.take(self.broom, places));
            }
            // What may have taken its place there is the newest, and waits for the next round.
            self.broom += 1;
        }
        change
    }

    fn take(&mut self, at: usize, places: &RandomState) -> Change {
        if at >= self.slots.len() {
            return Change::default();
        }
        let gone = self.slots.swap_remove(at);
        self.index.remove(&place(places, &gone.key));
        if let Some(moved) = self.slots.get(at) {
            self.index.insert(place(places, &moved.key), at);
        }
        gone.change(-1)
    }
}

/// A place is a keyed hash already.
#[derive(Default)]
struct Placed(u64);

impl Hasher for Placed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Not used: places are hashed by the next one.
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, place: u64) {
        self.0 = place;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;
    use crate::memory::ProverSetId;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn key(n: u64) -> Key {
        Key::numbered(n, ProverSetId(1))
    }

    fn read(store: &Store<u64>, n: u64, now: Instant) -> Option<u64> {
        store.read(&key(n), now, |value| Some(*value))
    }

    #[test]
    fn what_was_put_in_is_there_until_its_time_is_over_or_it_is_removed() {
        let (store, now) = (Store::new(1_000_000), Instant::now());
        for n in 0..10_000 {
            store.insert(key(n), n, 1, now, HOUR);
        }
        store.insert(key(7), 70, 1, now, HOUR / 2);
        store.remove(&key(8));
        store.remove(&key(10_001));
        assert_eq!((read(&store, 6, now), read(&store, 7, now), read(&store, 8, now)), (Some(6), Some(70), None));
        assert!((9..10_000).all(|n| read(&store, n, now) == Some(n)));
        assert_eq!(store.count(), 9_999);
        let later = now + HOUR / 2;
        assert_eq!((read(&store, 6, later), read(&store, 7, later)), (Some(6), None));
        assert_eq!(read(&store, 6, now + HOUR), None);
        assert_eq!(store.read(&Key::numbered(6, ProverSetId(2)), now, |value| Some(*value)), None, "of another set");
    }

    #[test]
    fn the_bound_holds_with_every_insertion() {
        for max in [0, 1, 5, 1_000, 40_000] {
            let (store, now) = (Store::new(max), Instant::now());
            for n in 0..100_000_u64 {
                let weight = u32::try_from(n % 4 + 1).unwrap();
                store.insert(key(n), n, weight, now, HOUR);
                assert!(store.weight.load(Ordering::Relaxed) <= i64::try_from(max).unwrap(), "{max}");
            }
            let weight = |shard: &RwLock<Shard<u64>>| {
                let shard = shard.read().unwrap();
                assert_eq!(shard.index.len(), shard.slots.len());
                assert!(shard.slots.iter().all(|slot| shard.slot(store.place(&slot.key)).unwrap().key == slot.key));
                shard.slots.iter().map(|slot| i64::from(slot.weight)).sum::<i64>()
            };
            assert_eq!(store.shards.iter().map(weight).sum::<i64>(), store.weight.load(Ordering::Relaxed), "{max}");
        }
        let (store, now) = (Store::new(10), Instant::now());
        store.insert(key(1), 1, 1, now, HOUR);
        store.insert(key(1), 2, 11, now, HOUR);
        assert_eq!(
            (read(&store, 1, now), store.count()),
            (None, 0),
            "what is too large is not kept, nor what was there"
        );
    }

    #[test]
    fn what_comes_again_outlives_what_comes_once() {
        let (store, now) = (Store::new(1_000), Instant::now());
        for n in 0..500 {
            store.insert(key(n), n, 1, now, HOUR);
        }
        for n in 500..50_000 {
            if n % 100 == 0 {
                assert!((0..500).filter(|n| read(&store, *n, now).is_some()).count() > 0);
            }
            store.insert(key(n), n, 1, now, HOUR);
        }
        let kept = (0..500).filter(|n| read(&store, *n, now).is_some()).count();
        assert!(kept > 490, "{kept}");
    }

    #[test]
    fn what_has_had_its_time_makes_room_first_and_is_swept_away() {
        let (store, now) = (Store::new(1_000), Instant::now());
        (0..500).for_each(|n| store.insert(key(n), n, 1, now, HOUR / 2));
        assert!((0..500).filter(|n| read(&store, *n, now).is_some()).count() > 0);
        let later = now + HOUR / 2;
        (500..1_500).for_each(|n| store.insert(key(n), n, 1, later, HOUR));
        assert!((500..1_500).filter(|n| read(&store, *n, later).is_some()).count() > 900);
        let (store, now) = (Store::new(1_000_000), Instant::now());
        (0..10_000).for_each(|n| store.insert(key(n), n, 1, now, HOUR / 2));
        (10_000..20_000).for_each(|n| store.insert(key(n), n, 1, now + HOUR / 2, HOUR));
        assert!(store.count() < 10_500, "{}", store.count());
    }

    #[test]
    fn what_one_thread_forgets_no_other_finds() {
        let (store, now) = (Store::new(100_000), Instant::now());
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                let store = &store;
                scope.spawn(move || {
                    for n in (thread * 10_000)..(thread * 10_000 + 5_000) {
                        store.insert(key(n), n, 1, now, HOUR);
                        // Read by all the others too.
                        assert_eq!(read(store, n, now), Some(n));
                        scope_reads(store, n, now);
                        store.remove(&key(n));
                        assert_eq!(read(store, n, now), None);
                    }
                });
            }
        });
        assert_eq!((store.count(), store.weight.load(Ordering::Relaxed)), (0, 0));
    }

    /// Looks at some keys of other threads: each is there as it was put in, or not at all.
    fn scope_reads(store: &Store<u64>, n: u64, now: Instant) {
        for other in 0..4 {
            let n = other * 10_000 + n % 10_000;
            assert!(read(store, n, now).is_none_or(|found| found == n));
        }
    }
}
