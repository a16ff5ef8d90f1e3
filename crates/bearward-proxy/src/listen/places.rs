//! A bound on client connections.
//!
//! Each one takes a file descriptor, and with a request in progress a second one for the upstream. Without a bound a few
//! thousand silent connections use up the descriptors of the process. Then nothing that needs one works: neither key fetches
//! nor the admin server, whose failing liveness probe would get the process killed. So beyond the bound a connection at rest makes
//! room for a new one, and where none is at rest, the new one waits.

#[cfg(test)]
mod threads;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bearward_gate::{Counter, Gauge};
use slab::Slab;
use tokio::sync::Notify;

use crate::exchange::watch::{TICK, Watch};

/// How often, at most, the bound is logged.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// The places for connections, and the connections that have one.
#[derive(Debug)]
pub(crate) struct Places {
    most: usize,
    taken: AtomicUsize,
    /// How many one address may have, and how many each has; only where that is bounded.
    shares: Option<(usize, Mutex<HashMap<IpAddr, usize>>)>,
    /// The connections of each thread.
    threads: Vec<Mutex<Slab<Arc<Watch>>>>,
    freed: Notify,
    is_stopping: AtomicBool,
    open: Gauge,
    waits: Counter,
    last_warning: Mutex<Option<Instant>>,
}

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    thread: usize,
    key: usize,
    _share: Share,
    pub(crate) watch: Arc<Watch>,
}

/// A connection's part in the share of its address, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share(Option<(Arc<Places>, IpAddr)>);

impl Places {
    /// Places for `most` connections, and at least one.
    pub(crate) fn new(most: usize, share: Option<usize>, threads: usize, open: Gauge, waits: Counter) -> Self {
        Self {
            most: most.max(1),
            taken: AtomicUsize::new(0),
            shares: share.map(|share| (share, Mutex::default())),
            threads: std::iter::repeat_with(Mutex::default).take(threads).collect(),
            freed: Notify::new(),
            is_stopping: AtomicBool::new(false),
            open,
            waits,
            last_warning: Mutex::default(),
        }
    }

    /// A part in the share of this address; `None` where it has its share already.
    pub(crate) fn share(self: &Arc<Self>, address: IpAddr) -> Option<Share> {
        let Some((most, taken)) = &self.shares else { return Some(Share(None)) };
        let address = network(address);
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(address).or_default();
        if *count >= *most {
            return None;
        }
        *count += 1;
        Some(Share(Some((Arc::clone(self), address))))
    }

    /// Waits for a place, and reserves it: [`Places::enter`] takes it.
    pub(crate) async fn reserve(&self) {
        if self.try_reserve() {
            return;
        }
        self.full();
        loop {
            self.make_room();
            // Nobody tells when a connection comes to rest, so that is looked for as well.
            let _ = tokio::time::timeout(TICK, self.freed.notified()).await;
            if self.try_reserve() {
                return;
            }
        }
    }

    fn try_reserve(&self) -> bool {
        let more = |taken| (taken < self.most).then_some(taken + 1);
        self.taken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    /// The thread with the fewest connections.
    pub(crate) fn quietest_thread(&self) -> usize {
        let connections = |thread: &usize| self.of(*thread).map_or(usize::MAX, |all| all.len());
        (0..self.threads.len()).min_by_key(connections).unwrap_or_default()
    }

    /// Takes a reserved place, on this thread.
    pub(crate) fn enter(self: &Arc<Self>, thread: usize, watch: Watch, share: Share) -> Place {
        let watch = Arc::new(watch);
        let key = self.of(thread).map_or(usize::MAX, |mut all| all.insert(Arc::clone(&watch)));
        self.open.inc();
        if self.is_stopping() {
            watch.end();
        }
        Place { places: Arc::clone(self), thread, key, _share: share, watch }
    }

    /// Wakes the connections of a thread that are late.
    pub(crate) fn tick(&self, thread: usize) {
        if let Some(all) = self.of(thread) {
            all.iter().for_each(|(_, watch)| watch.tick());
        }
    }

    /// Has every connection end as soon as it is at rest.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        for all in (0..self.threads.len()).filter_map(|thread| self.of(thread)) {
            all.iter().for_each(|(_, watch)| watch.end());
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// How many places are taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }

    /// Asks the connection that is at rest for the longest time to end.
    fn make_room(&self) {
        let mut longest: Option<(u64, Arc<Watch>)> = None;
        for all in (0..self.threads.len()).filter_map(|thread| self.of(thread)) {
            for (_, watch) in all.iter() {
                // One that was asked is still on its way out.
                if watch.is_leaving() {
                    return;
                }
                if let Some(since) = watch.idle_since()
                    && longest.as_ref().is_none_or(|(before, _)| since < *before)
                {
                    longest = Some((since, Arc::clone(watch)));
                }
            }
        }
        if let Some((_, watch)) = longest {
            watch.end();
        }
    }

    fn full(&self) {
        self.waits.inc();
        let mut last_warning = self.last_warning.lock().unwrap_or_else(PoisonError::into_inner);
        if last_warning.is_none_or(|last| last.elapsed() >= WARN_EVERY) {
            *last_warning = Some(Instant::now());
            let most = self.most;
            tracing::warn!(target: "bearward::proxy", most, "the maximum number of connections is open: one at rest makes room, or more wait until one ends");
        }
    }

    fn of(&self, thread: usize) -> Option<MutexGuard<'_, Slab<Arc<Watch>>>> {
        // Nothing under the lock leaves a half-made state behind.
        Some(self.threads.get(thread)?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What counts as one address: whoever has an IPv6 network has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64).into(),
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some((places, address)) = &self.0 else { return };
        let Some((_, taken)) = &places.shares else { return };
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(address);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(mut all) = self.places.of(self.thread) {
            all.try_remove(self.key);
        }
        self.places.open.dec();
        self.places.taken.fetch_sub(1, Ordering::SeqCst);
        self.places.freed.notify_one();
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use bearward_gate::MetricsRegistry;

    use super::*;
    use crate::exchange::watch::CoarseClock;

    fn places(most: usize) -> Arc<Places> {
        let open = MetricsRegistry::default().gauge("open", "open connections").unwrap();
        let waits = MetricsRegistry::default().counter("waits", "connections that waited").unwrap();
        Arc::new(Places::new(most, Some(2), 2, open, waits))
    }

    fn enter(places: &Arc<Places>) -> Place {
        places.enter(places.quietest_thread(), Watch::new(Arc::new(CoarseClock::new())), Share(None))
    }

    /// Whether a new connection gets a place at once.
    fn has_place(places: &Places) -> bool {
        pin!(places.reserve()).poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[tokio::test]
    async fn a_place_is_free_again_when_its_connection_ends() {
        let places = places(2);
        for round in 0..3 {
            assert!(has_place(&places), "{round}: the first");
            let first = enter(&places);
            assert!(has_place(&places), "{round}: the second");
            let second = enter(&places);
            assert_eq!((first.thread, second.thread), (0, 1), "spread over the threads");
            assert_eq!((places.open.get(), places.taken()), (2, 2));
            assert!(!has_place(&places), "{round}: no third one");
            drop(first);
            assert!(has_place(&places), "{round}: after one has ended");
            drop((enter(&places), second));
            assert_eq!((places.open.get(), places.taken(), places.waits.get()), (0, 0, round + 1));
        }
    }

    #[tokio::test]
    async fn the_one_at_rest_for_the_longest_time_makes_room() {
        let places = places(3);
        let clock = Arc::new(CoarseClock::new());
        let mut all: Vec<_> = (0..3)
            .map(|_| {
                assert!(has_place(&places));
                let place = places.enter(places.quietest_thread(), Watch::new(Arc::clone(&clock)), Share(None));
                std::thread::sleep(Duration::from_millis(5));
                clock.tick();
                place.watch.rest();
                place
            })
            .collect();
        all.first().unwrap().watch.work();
        let ended = |all: &[Place]| all.iter().map(|place| place.watch.must_end()).collect::<Vec<_>>();
        for _ in 0..3 {
            assert!(!has_place(&places));
            assert_eq!(ended(&all), [false, true, false], "one leaves, and no other is asked meanwhile");
        }
        drop(all.remove(1));
        assert!(has_place(&places));
        all.push(places.enter(0, Watch::new(Arc::clone(&clock)), Share(None)));
        assert!(!has_place(&places));
        assert_eq!(ended(&all), [false, true, false]);
        all[1].watch.work();
        assert!(!has_place(&places));
        assert_eq!(ended(&all), [false, true, false], "one with a request makes no room");
    }

    #[test]
    fn an_address_has_its_share_and_no_more() {
        let places = places(9);
        let share = |address: &str| places.share(address.parse().unwrap());
        let first = [share("192.0.2.1"), share("::ffff:192.0.2.1")];
        assert!(first.iter().all(Option::is_some) && share("192.0.2.1").is_none());
        assert!(share("192.0.2.2").is_some());
        drop(first);
        assert!(share("192.0.2.1").is_some());
        let network = [share("2001:db8::1"), share("2001:db8::2")];
        assert!(share("2001:db8::3").is_none() && share("2001:db8:0:1::1").is_some());
        drop(network);
        assert!(places.shares.as_ref().unwrap().1.lock().unwrap().is_empty(), "nothing is kept of who is gone");
    }

    #[test]
    fn a_stop_reaches_those_that_are_here_and_those_that_come() {
        let places = places(9);
        let before = enter(&places);
        places.stop();
        assert!(before.watch.must_end() && enter(&places).watch.must_end());
    }
}
