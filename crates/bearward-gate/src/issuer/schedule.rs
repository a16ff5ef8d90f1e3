//! When keys and metadata are fetched: in the background, on demand of a request, and after a failure.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tracing::warn;

use super::error::IssuerError;
use crate::metrics::EngineMetrics;
use crate::net::jittered;
use crate::net::single_flight::SingleFlight;

/// The first pause after a failed fetch; it doubles up to [`MAX_BACKOFF`].
const MIN_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// How many requests may wait for one issuer's keys. The rest use the known keys at once.
const MAX_WAITING: usize = 1_024;

/// The result of a request's demand for newer keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// A fetch ran after the demand.
    Fetched,
    /// A fetch that was already running has ended. It may have begun before the issuer changed its keys.
    Joined,
    /// No fetch: the cooldown after an earlier demand is not over.
    Held,
    /// No fetch: too many requests are waiting.
    Busy,
}

/// The fetches of one issuer, at most one at a time.
pub(super) struct Schedule {
    issuer: Arc<str>,
    cooldown: Duration,
    runtime: Handle,
    metrics: EngineMetrics,
    /// How many fetches failed in a row, and why the last one did.
    failures: AtomicU32,
    last_error: ArcSwapOption<IssuerError>,
    fetching: AtomicBool,
    /// The running fetch. Its result is `false` if the cooldown did not allow it.
    flights: SingleFlight<(), bool>,
    waiting: Semaphore,
    /// When a token last caused a fetch.
    last_demand: Mutex<Option<Instant>>,
    /// Notified when the cooldown held back a demand.
    missed: Notify,
    /// Notified after each fetch, whatever its result.
    fetched: Notify,
}

/// The source that a schedule fetches from.
pub(super) trait Fetch: Send + Sync + 'static {
    /// Fetches everything that is needed. With `afresh`, known metadata is not relied on, because the last fetch failed.
    fn fetch(&self, afresh: bool) -> impl Future<Output = Result<(), IssuerError>> + Send;

    /// The time until the next fetch, after a successful one.
    fn next_pause(&self) -> Duration;
}

impl Schedule {
    pub(super) fn new(issuer: Arc<str>, cooldown: Duration, runtime: Handle, metrics: EngineMetrics) -> Arc<Self> {
        Arc::new(Self {
            issuer,
            cooldown,
            runtime,
            metrics,
            failures: AtomicU32::new(0),
            last_error: ArcSwapOption::empty(),
            fetching: AtomicBool::new(false),
            flights: SingleFlight::new(1),
            waiting: Semaphore::new(MAX_WAITING),
            last_demand: Mutex::new(None),
            missed: Notify::new(),
            fetched: Notify::new(),
        })
    }

    /// Why the last fetch failed; `None` if it succeeded.
    pub(super) fn last_error(&self) -> Option<Arc<IssuerError>> {
        self.last_error.load_full()
    }

    /// Completes when the next fetch ends.
    pub(super) fn next_fetch(&self) -> impl Future<Output = ()> {
        self.fetched.notified()
    }

    /// Fetches once because a request needs something that is missing: an unknown key, the first keys, an endpoint.
    ///
    /// Demands at the same time share one fetch, and demands cause at most one fetch per cooldown, so tokens with invented key
    /// identifiers cannot make the gateway flood the issuer. Within the cooldown this returns at once, and a fetch follows when
    /// the cooldown is over: invalid tokens delay a new key by one cooldown at most.
    pub(super) async fn on_demand<F: Fetch>(self: &Arc<Self>, what: &Arc<F>) -> Demand {
        let Ok(_place) = self.waiting.try_acquire() else { return Demand::Busy };
        if !self.fetching.load(Ordering::Acquire) && !self.cooldown_left().is_zero() {
            self.missed.notify_one();
            return Demand::Held;
        }
        let mut is_own = false;
        let flight = self.flights.run((), &self.runtime, || {
            is_own = true;
            let (this, what) = (Arc::clone(self), Arc::clone(what));
            async move {
                let is_due = this.start_cooldown();
                if is_due {
                    this.fetch(&*what).await;
                    if this.has_failed() {
                        // The background task is not aware of it yet, and tries again when the cooldown is over.
                        this.missed.notify_one();
                    }
                }
                is_due
            }
        });
        match flight.await {
            Ok(true) if is_own => Demand::Fetched,
            Ok(true) => Demand::Joined,
            // Nothing was fetched.
            Ok(false) | Err(_) => Demand::Held,
        }
    }

    /// Repeats the fetch while it is polled.
    pub(super) async fn keep_fresh<F: Fetch>(self: Arc<Self>, what: Arc<F>) {
        loop {
            let (this, fetched) = (Arc::clone(&self), Arc::clone(&what));
            let flight = self.flights.run((), &self.runtime, move || async move {
                this.fetch(&*fetched).await;
                true
            });
            match flight.await {
                Ok(true) => {}
                // It joined a demand that the cooldown held back, so nothing was fetched.
                Ok(false) => continue,
                Err(_) => self.settle(Err(IssuerError::Lost)),
            }
            tokio::select! {
                () = tokio::time::sleep(jittered(self.next_pause(&*what))) => {}
                () = self.held_demand_and_cooldown() => {}
            }
        }
    }

    /// Records the result of a fetch.
    pub(super) fn settle(&self, outcome: Result<(), IssuerError>) {
        let result = if outcome.is_ok() { "ok" } else { "failed" };
        self.metrics.key_set_fetches.with(&[&*self.issuer, result]).inc();
        match outcome {
            Ok(()) => {
                self.failures.store(0, Ordering::Relaxed);
                self.last_error.store(None);
            }
            Err(error) => {
                let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
                let issuer = &*self.issuer;
                warn!(issuer, failures, %error, "cannot fetch from the issuer; the known keys and endpoints stay in use");
                self.last_error.store(Some(Arc::new(error)));
            }
        }
    }

    async fn fetch<F: Fetch>(&self, what: &F) {
        let _fetching = Fetching::begin(&self.fetching);
        self.settle(what.fetch(self.has_failed()).await);
        self.fetched.notify_waiters();
    }

    fn has_failed(&self) -> bool {
        self.failures.load(Ordering::Relaxed) > 0
    }

    fn next_pause<F: Fetch>(&self, what: &F) -> Duration {
        match self.failures.load(Ordering::Relaxed) {
            0 => what.next_pause(),
            failures => MIN_BACKOFF.saturating_mul(1 << (failures - 1).min(6)).min(MAX_BACKOFF),
        }
    }

    /// Waits for a demand that was held back, and for the end of its cooldown. The next cooldown has then begun.
    async fn held_demand_and_cooldown(&self) {
        loop {
            self.missed.notified().await;
            tokio::time::sleep(self.cooldown_left()).await;
            if self.start_cooldown() {
                return;
            }
            // Another request was first, and its fetch met this demand.
        }
    }

    fn cooldown_left(&self) -> Duration {
        let last = *self.last_demand.lock().unwrap_or_else(PoisonError::into_inner);
        last.map_or(Duration::ZERO, |last| self.cooldown.saturating_sub(last.elapsed()))
    }

    /// Begins the next cooldown if none is running: of all demands at its end, only one may fetch.
    fn start_cooldown(&self) -> bool {
        let mut last = self.last_demand.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = last.is_none_or(|last| last.elapsed() >= self.cooldown);
        if is_over {
            *last = Some(Instant::now());
        }
        is_over
    }
}

/// Marks a fetch as running until it ends, panics or is dropped.
struct Fetching<'a>(&'a AtomicBool);

impl<'a> Fetching<'a> {
    fn begin(flag: &'a AtomicBool) -> Self {
        flag.store(true, Ordering::Release);
        Self(flag)
    }
}

impl Drop for Fetching<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use futures_util::future::join_all;

    use super::*;
    use crate::metrics::MetricsRegistry;

    const COOLDOWN: Duration = Duration::from_secs(10);
    /// Between two regular fetches, apart from the jitter.
    const PAUSE: Duration = Duration::from_secs(1_000);

    /// An issuer that is told how to be.
    struct Scripted {
        fails: AtomicBool,
        takes: Mutex<Duration>,
        /// When a fetch began, and whether it was to rely on nothing.
        asked: Mutex<Vec<(Duration, bool)>>,
        begun: Instant,
    }

    impl Fetch for Scripted {
        async fn fetch(&self, afresh: bool) -> Result<(), IssuerError> {
            self.asked.lock().unwrap().push((self.begun.elapsed(), afresh));
            let takes = *self.takes.lock().unwrap();
            tokio::time::sleep(takes).await;
            if self.fails.load(Ordering::Relaxed) { Err(IssuerError::Lost) } else { Ok(()) }
        }

        fn next_pause(&self) -> Duration {
            PAUSE
        }
    }

    impl Scripted {
        fn asked(&self) -> usize {
            self.asked.lock().unwrap().len()
        }
    }

    fn start() -> (Arc<Schedule>, Arc<Scripted>) {
        let metrics = EngineMetrics::new(&MetricsRegistry::default()).unwrap();
        let schedule = Schedule::new("https://auth.example.com".into(), COOLDOWN, Handle::current(), metrics);
        let (fails, takes, asked) = (AtomicBool::new(false), Mutex::default(), Mutex::default());
        (schedule, Arc::new(Scripted { fails, takes, asked, begun: Instant::now() }))
    }

    async fn pass(span: Duration) {
        tokio::time::sleep(span).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_wish_is_granted_once_in_each_cooldown() {
        let (schedule, issuer) = start();
        for round in 1..=3 {
            assert_eq!(schedule.on_demand(&issuer).await, Demand::Fetched);
            assert_eq!(schedule.on_demand(&issuer).await, Demand::Held);
            pass(COOLDOWN - Duration::from_millis(1)).await;
            assert_eq!(schedule.on_demand(&issuer).await, Demand::Held);
            assert_eq!(issuer.asked(), round);
            pass(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_come_during_a_fetch_wait_for_it_and_no_more_than_may() {
        let (schedule, issuer) = start();
        *issuer.takes.lock().unwrap() = Duration::from_secs(1);
        let demands = join_all((0..MAX_WAITING + 2).map(|_| schedule.on_demand(&issuer))).await;
        let count = |demand| demands.iter().filter(|found| **found == demand).count();
        assert_eq!([Demand::Fetched, Demand::Joined, Demand::Busy].map(count), [1, MAX_WAITING - 1, 2]);
        assert_eq!(issuer.asked(), 1);
    }

    /// A fetch because of the keys' age, within the cooldown of a wish: it is as good as one of its own.
    #[tokio::test(start_paused = true)]
    async fn a_fetch_under_way_is_waited_for_within_the_cooldown_too() {
        let (schedule, issuer) = start();
        assert_eq!(schedule.on_demand(&issuer).await, Demand::Fetched);
        *issuer.takes.lock().unwrap() = Duration::from_secs(1);
        let background = tokio::spawn(Arc::clone(&schedule).keep_fresh(Arc::clone(&issuer)));
        pass(Duration::from_millis(500)).await;
        assert_eq!(schedule.on_demand(&issuer).await, Demand::Joined);
        assert_eq!(schedule.on_demand(&issuer).await, Demand::Held);
        assert_eq!(issuer.asked(), 2);
        background.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_wish_that_is_held_back_is_granted_when_the_cooldown_is_over() {
        let (schedule, issuer) = start();
        let background = tokio::spawn(Arc::clone(&schedule).keep_fresh(Arc::clone(&issuer)));
        pass(Duration::from_secs(1)).await;
        assert_eq!(issuer.asked(), 1);
        assert_eq!(schedule.on_demand(&issuer).await, Demand::Fetched);
        assert_eq!(schedule.on_demand(&issuer).await, Demand::Held);
        pass(COOLDOWN - Duration::from_millis(1)).await;
        assert_eq!(issuer.asked(), 2);
        pass(Duration::from_millis(2)).await;
        assert_eq!(issuer.asked(), 3);
        // That was a wish too: the next cooldown has begun.
        assert_eq!(schedule.on_demand(&issuer).await, Demand::Held);
        pass(COOLDOWN).await;
        assert_eq!(issuer.asked(), 4);
        pass(COOLDOWN * 5).await;
        assert_eq!(issuer.asked(), 4, "nobody wished for more");
        background.abort();
    }

    /// When the cooldown ends, a request and the wish that was held back come at the same moment.
    #[tokio::test(start_paused = true)]
    async fn two_wishes_at_the_end_of_a_cooldown_are_one_fetch() {
        let (schedule, issuer) = start();
        let background = tokio::spawn(Arc::clone(&schedule).keep_fresh(Arc::clone(&issuer)));
        pass(Duration::from_secs(1)).await;
        assert_eq!(schedule.on_demand(&issuer).await, Demand::Fetched);
        assert_eq!(schedule.on_demand(&issuer).await, Demand::Held);
        pass(COOLDOWN).await;
        schedule.on_demand(&issuer).await;
        pass(COOLDOWN - Duration::from_millis(1)).await;
        assert_eq!(issuer.asked(), 3);
        background.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_wish_whose_fetch_failed_is_tried_again_after_the_cooldown() {
        let (schedule, issuer) = start();
        let background = tokio::spawn(Arc::clone(&schedule).keep_fresh(Arc::clone(&issuer)));
        pass(Duration::from_secs(1)).await;
        issuer.fails.store(true, Ordering::Relaxed);
        assert_eq!(schedule.on_demand(&issuer).await, Demand::Fetched);
        assert!(schedule.last_error().is_some());
        issuer.fails.store(false, Ordering::Relaxed);
        pass(COOLDOWN + Duration::from_millis(1)).await;
        assert_eq!(issuer.asked(), 3);
        assert!(schedule.last_error().is_none());
        pass(COOLDOWN * 5).await;
        let afresh: Vec<_> = issuer.asked.lock().unwrap().iter().map(|(_, afresh)| *afresh).collect();
        assert_eq!(afresh, [false, false, true], "after a failure what is known is not relied on");
        background.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn each_pause_after_a_failure_is_twice_as_long_up_to_a_minute_and_success_ends_it() {
        let (schedule, issuer) = start();
        issuer.fails.store(true, Ordering::Relaxed);
        let background = tokio::spawn(Arc::clone(&schedule).keep_fresh(Arc::clone(&issuer)));
        pass(Duration::from_secs(300)).await;
        issuer.fails.store(false, Ordering::Relaxed);
        pass(PAUSE + Duration::from_secs(61)).await;
        issuer.fails.store(true, Ordering::Relaxed);
        pass(PAUSE + Duration::from_secs(5)).await;
        let times: Vec<_> = issuer.asked.lock().unwrap().iter().map(|(at, _)| at.as_secs_f64()).collect();
        let mut waited = times.iter().zip(times.iter().skip(1)).map(|(one, next)| next - one);
        let mut is_next = |expected: f64| {
            let waited = waited.next().unwrap();
            // Each gate waits a little less, and not all of them the same.
            assert!((expected * 0.89..=expected + 0.01).contains(&waited), "{waited} and not {expected}");
        };
        for expected in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0] {
            is_next(expected);
        }
        let rest: Vec<_> = waited.collect();
        let usual = rest.iter().position(|waited| *waited > 100.0).unwrap();
        assert!(rest.iter().take(usual).all(|waited| (53.0..=60.1).contains(waited)), "{rest:?}");
        // The first failure of a new row.
        let first = rest.iter().skip_while(|waited| **waited <= 60.1).find(|waited| **waited < 100.0).unwrap();
        assert!(*first <= 1.01, "{rest:?}");
        background.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn each_fetch_is_news() {
        let (schedule, issuer) = start();
        for fails in [false, true] {
            issuer.fails.store(fails, Ordering::Relaxed);
            let news = schedule.next_fetch();
            assert_eq!(schedule.on_demand(&issuer).await, Demand::Fetched);
            tokio::time::timeout(Duration::from_secs(1), news).await.unwrap();
            pass(COOLDOWN).await;
        }
    }
}
