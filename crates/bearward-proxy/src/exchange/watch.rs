//! When a connection must have moved, and what others ask of it.
//!
//! One coarse clock for all connections of a thread instead of a timer for each read and write: a connection stores the time by
//! which something must have happened, and a ticker looks at all of them ten times a second. A time limit is kept to within a
//! tenth of a second, and never falls short.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

/// How often the clock moves.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// Milliseconds since its start, as of the last tick.
#[derive(Debug)]
pub(crate) struct CoarseClock {
    start: Instant,
    now: AtomicU64,
}

/// A time of a coarse clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Coarse(u64);

impl CoarseClock {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), now: AtomicU64::new(0) }
    }

    pub(crate) fn now(&self) -> Coarse {
        Coarse(self.now.load(Ordering::Relaxed))
    }

    /// Reads the real clock.
    pub(crate) fn tick(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        // A thread that stood still has not given anybody the chance to move, and time limits that begin in the same turn are
        // set by the time before: so for it, less time has passed.
        let most = self.now().after(TICK / 2).0;
        self.now.store(now.min(most), Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(crate) fn advance(&self, by: Duration) {
        self.now.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Coarse {
    /// That much later, and a tick more, because the clock may be that far behind.
    pub(crate) fn after(self, wait: Duration) -> Self {
        let wait = u64::try_from(wait.saturating_add(TICK).as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(wait))
    }

    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// What is watched of a connection. Its task waits; the ticker, the listener and a shutdown wake it.
#[derive(Debug)]
pub(crate) struct Watch {
    clock: Arc<CoarseClock>,
    task: OnceLock<Waker>,
    deadline: AtomicU64,
    /// Since when it is at rest; `u64::MAX` while it is not.
    idle_since: AtomicU64,
    must_end: AtomicBool,
}

const NEVER: u64 = u64::MAX;

impl Watch {
    pub(crate) fn new(clock: Arc<CoarseClock>) -> Self {
        Self {
            clock,
            task: OnceLock::new(),
            deadline: AtomicU64::new(NEVER),
            idle_since: AtomicU64::new(NEVER),
            must_end: AtomicBool::new(false),
        }
    }

    /// Notes which task is to be woken: the one that runs this, which stays the same for the connection's life.
    pub(crate) fn begin(&self, context: &Context<'_>) {
        // It is set once; a second call finds the same task.
        let _ = self.task.set(context.waker().clone());
    }

    pub(crate) fn now(&self) -> Coarse {
        self.clock.now()
    }

    /// Sets the time by which something must have happened.
    pub(crate) fn set_deadline(&self, deadline: Coarse) {
        self.deadline.store(deadline.0, Ordering::Relaxed);
    }

    pub(crate) fn set_deadline_in(&self, wait: Duration) {
        self.set_deadline(self.now().after(wait));
    }

    pub(crate) fn clear_deadline(&self) {
        self.deadline.store(NEVER, Ordering::Relaxed);
    }

    /// Whether the deadline has passed.
    pub(crate) fn is_late(&self) -> bool {
        self.now().0 >= self.deadline.load(Ordering::Relaxed)
    }

    /// Notes that the connection is at rest, and could be closed without loss.
    pub(crate) fn rest(&self) {
        self.idle_since.store(self.now().0, Ordering::SeqCst);
    }

    /// Notes that a request has begun.
    pub(crate) fn work(&self) {
        self.idle_since.store(NEVER, Ordering::SeqCst);
    }

    /// Since when the connection is at rest.
    pub(crate) fn idle_since(&self) -> Option<u64> {
        Some(self.idle_since.load(Ordering::SeqCst)).filter(|since| *since != NEVER && !self.must_end())
    }

    /// Whether it was asked to end while it was at rest, and is about to.
    pub(crate) fn is_leaving(&self) -> bool {
        self.must_end() && self.idle_since.load(Ordering::SeqCst) != NEVER
    }

    /// Asks the connection to end as soon as it is at rest.
    pub(crate) fn end(&self) {
        self.must_end.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Whether it was asked to end.
    pub(crate) fn must_end(&self) -> bool {
        self.must_end.load(Ordering::SeqCst)
    }

    /// Wakes the task where it is late.
    pub(crate) fn tick(&self) {
        if self.is_late() {
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(task) = self.task.get() {
            task.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_never_too_early() {
        let clock = Arc::new(CoarseClock::new());
        let watch = Watch::new(Arc::clone(&clock));
        assert!(!watch.is_late());
        let begun = Instant::now();
        watch.set_deadline_in(Duration::from_millis(30));
        while !watch.is_late() {
            std::thread::sleep(Duration::from_millis(1));
            clock.tick();
        }
        assert!(begun.elapsed() >= Duration::from_millis(30));
        // However long a thread stands still, what begins now has its time.
        std::thread::sleep(TICK * 3);
        watch.set_deadline_in(TICK);
        clock.tick();
        assert!(!watch.is_late());
        watch.clear_deadline();
        assert!(!watch.is_late());
    }

    #[test]
    fn only_what_is_at_rest_can_make_room() {
        let watch = Watch::new(Arc::new(CoarseClock::new()));
        assert_eq!(watch.idle_since(), None);
        watch.rest();
        assert_eq!(watch.idle_since(), Some(0));
        watch.work();
        assert_eq!(watch.idle_since(), None);
        watch.rest();
        watch.end();
        assert_eq!(watch.idle_since(), None, "it was asked already");
    }
}
