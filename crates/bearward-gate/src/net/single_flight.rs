//! One piece of work per key, however many callers ask for it at once.
//!
//! The work runs in a task of its own, on a runtime that the caller names. It continues when the caller that started it
//! disconnects, because others may wait for the same answer. Callers may run on any runtime: each worker of the proxy has its
//! own. The result goes to all that wait and is then dropped. A caller that caches it must do so inside the work, before the
//! waiting callers get it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::Shared;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// The work in flight, by key. Clones are cheap and share it.
#[derive(Clone)]
pub(crate) struct SingleFlight<K, V> {
    flights: Arc<Flights<K, V>>,
    capacity: usize,
}

/// Why a flight has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FlightError {
    /// The maximum number of keys is in flight. Nothing was started.
    #[error("too much work is in flight already")]
    Full,
    /// The work panicked, or its runtime was shut down.
    #[error("the work ended without a result")]
    Lost,
}

type Flights<K, V> = Mutex<HashMap<K, Flight<V>>>;
type Flight<V> = Shared<oneshot::Receiver<V>>;

impl<K, V> SingleFlight<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Allows `capacity` keys in flight at once. Callers that join a flight do not count.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { flights: Arc::default(), capacity }
    }

    /// Joins the flight of `key`, or starts one on `runtime` with the work that `make` returns.
    ///
    /// `make` is called at most once, on the calling thread, and only if no work on `key` is in flight.
    ///
    /// # Errors
    ///
    /// [`FlightError::Full`] at once if `capacity` keys are in flight; [`FlightError::Lost`] if the work did not finish. In both
    /// cases the next call for the same key starts again.
    pub(crate) async fn run<W>(&self, key: K, runtime: &Handle, make: impl FnOnce() -> W) -> Result<V, FlightError>
    where
        W: Future<Output = V> + Send + 'static,
    {
        self.join_or_start(key, runtime, make)?.await.map_err(|_| FlightError::Lost)
    }

    /// How many keys are in flight.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        lock(&self.flights).len()
    }

    fn join_or_start<W>(&self, key: K, runtime: &Handle, make: impl FnOnce() -> W) -> Result<Flight<V>, FlightError>
    where
        W: Future<Output = V> + Send + 'static,
    {
        let (completion, flight) = {
            let mut flights = lock(&self.flights);
            if let Some(flight) = flights.get(&key) {
                return Ok(flight.clone());
            }
            if flights.len() >= self.capacity {
                return Err(FlightError::Full);
            }
            let (sender, receiver) = oneshot::channel();
            let flight = receiver.shared();
            flights.insert(key.clone(), flight.clone());
            (Completion { flights: Arc::clone(&self.flights), key, sender: Some(sender) }, flight)
        };
        // Not under the lock: `make` is the caller's code, and a runtime that is shut down drops the task, and with it the
        // completion, inside `spawn`.
        let work = make();
        drop(runtime.spawn(async move { completion.complete(work.await) }));
        Ok(flight)
    }
}

/// Completes a flight. If it is dropped, as a panic or an aborted task does, the flight ends without a result.
struct Completion<K: Eq + Hash, V> {
    flights: Arc<Flights<K, V>>,
    key: K,
    sender: Option<oneshot::Sender<V>>,
}

impl<K: Eq + Hash, V> Completion<K, V> {
    fn complete(mut self, value: V) {
        let sender = self.sender.take();
        // First remove the entry, then send the result: a caller that asks again after the result wants a new one.
        drop(self);
        if let Some(sender) = sender {
            // Fails if all callers have gone.
            let _ = sender.send(value);
        }
    }
}

impl<K: Eq + Hash, V> Drop for Completion<K, V> {
    fn drop(&mut self) {
        lock(&self.flights).remove(&self.key);
    }
}

/// No code that can panic runs under this lock, so a poisoned one is safe to use.
fn lock<K, V>(flights: &Flights<K, V>) -> MutexGuard<'_, HashMap<K, Flight<V>>> {
    flights.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K, V> std::fmt::Debug for SingleFlight<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SingleFlight").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, reason = "tests fail by panicking")]

    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_hundred_callers_are_one_piece_of_work() {
        let flights = SingleFlight::<u8, usize>::new(8);
        let runs = Arc::new(AtomicUsize::new(0));
        let arrived = Arc::new(AtomicUsize::new(0));
        let open = Arc::new(Notify::new());
        let callers: Vec<_> = (0..100)
            .map(|_| {
                let (flights, runs, open) = (flights.clone(), Arc::clone(&runs), Arc::clone(&open));
                let arrived = Arc::clone(&arrived);
                tokio::spawn(async move {
                    arrived.fetch_add(1, Ordering::SeqCst);
                    let work = || async move {
                        open.notified().await;
                        runs.fetch_add(1, Ordering::SeqCst) + 1
                    };
                    flights.run(7, &Handle::current(), work).await
                })
            })
            .collect();
        for _ in 0..3_000 {
            if arrived.load(Ordering::SeqCst) == 100 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(flights.len(), 1);
        open.notify_one();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), Ok(1));
        }
        assert_eq!((runs.load(Ordering::SeqCst), flights.len()), (1, 0));
    }

    #[tokio::test]
    async fn a_caller_that_hears_the_result_and_asks_again_starts_new_work() {
        /// Notes how many keys are in flight at the moment at which a waiting caller is woken.
        struct WakeRecorder {
            flights: SingleFlight<u8, u8>,
            in_flight: Mutex<Vec<usize>>,
        }
        impl std::task::Wake for WakeRecorder {
            fn wake(self: Arc<Self>) {
                let in_flight = self.flights.len();
                self.in_flight.lock().unwrap().push(in_flight);
            }
        }
        let flights = SingleFlight::<u8, u8>::new(8);
        let recorder = Arc::new(WakeRecorder { flights: flights.clone(), in_flight: Mutex::default() });
        let waker = std::task::Waker::from(Arc::clone(&recorder));
        let (opened, runtime) = (Arc::new(Notify::new()), Handle::current());
        let opens = Arc::clone(&opened);
        let mut caller = std::pin::pin!(flights.run(1, &runtime, || async move {
            opens.notified().await;
            1
        }));
        assert!(caller.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
        assert_eq!(flights.len(), 1);
        opened.notify_one();
        for _ in 0..1_000 {
            if !recorder.in_flight.lock().unwrap().is_empty() {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(*recorder.in_flight.lock().unwrap(), [0], "the flight is over before its result is sent");
        assert_eq!(caller.await, Ok(1));
    }

    #[tokio::test]
    async fn the_work_goes_on_when_the_first_caller_goes_away() {
        let flights = SingleFlight::<u8, &'static str>::new(8);
        let open = Arc::new(Notify::new());
        let gate = Arc::clone(&open);
        let runtime = Handle::current();
        let first = flights.run(1, &runtime, || async move {
            gate.notified().await;
            "of the first"
        });
        // Polled once, so the flight has begun, and dropped: the client hung up.
        assert!(tokio::time::timeout(Duration::from_millis(5), first).await.is_err());
        let second = flights.run(1, &runtime, || async { "of the second" });
        open.notify_one();
        assert_eq!(second.await, Ok("of the first"));
    }

    #[tokio::test]
    async fn work_that_panics_fails_all_waiters_and_leaves_no_key() {
        let flights = SingleFlight::<u8, u8>::new(8);
        let runtime = Handle::current();
        let fails = || async {
            tokio::task::yield_now().await;
            assert!(std::hint::black_box(false), "a panic on purpose");
            1
        };
        let (first, second) =
            tokio::join!(flights.run(1, &runtime, fails), flights.run(1, &runtime, || async { unreachable!() }));
        assert_eq!((first, second), (Err(FlightError::Lost), Err(FlightError::Lost)));
        assert_eq!(flights.len(), 0);
        assert_eq!(flights.run(1, &runtime, || async { 2 }).await, Ok(2), "the key can be used again");
    }

    #[tokio::test]
    async fn a_runtime_that_was_shut_down_fails_its_callers() {
        let other = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let handle = other.handle().clone();
        other.shutdown_background();
        let flights = SingleFlight::<u8, u8>::new(8);
        assert_eq!(flights.run(1, &handle, || async { 1 }).await, Err(FlightError::Lost));
        assert_eq!(flights.len(), 0);
    }

    #[test]
    fn callers_on_another_runtime_get_the_result() {
        let builder = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (home, mount) = (builder(), builder());
        let flights = SingleFlight::<u8, u8>::new(8);
        let work = || async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            3
        };
        assert_eq!(mount.block_on(flights.run(1, home.handle(), work)), Ok(3));
        // Also where there is no runtime at all, as long as the future is polled.
        assert_eq!(block_on_a_plain_thread(flights.run(2, home.handle(), || async { 4 })), Ok(4));
    }

    /// Polls on a plain thread, with a waker that unparks it.
    fn block_on_a_plain_thread<T>(future: impl Future<Output = T>) -> T {
        struct Unpark(std::thread::Thread);
        impl std::task::Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = std::task::Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut future = std::pin::pin!(future);
        loop {
            match future.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
                std::task::Poll::Ready(value) => return value,
                std::task::Poll::Pending => std::thread::park(),
            }
        }
    }

    #[tokio::test]
    async fn a_key_too_many_is_refused_and_joining_is_not() {
        let flights = SingleFlight::<u8, u8>::new(2);
        let runtime = Handle::current();
        let open = Arc::new(Notify::new());
        let waits = |value: u8| {
            let open = Arc::clone(&open);
            move || async move {
                open.notified().await;
                value
            }
        };
        let (first, second, third, joins, ()) = tokio::join!(
            flights.run(1, &runtime, waits(1)),
            flights.run(2, &runtime, waits(2)),
            flights.run(3, &runtime, waits(3)),
            flights.run(1, &runtime, waits(4)),
            async {
                tokio::time::sleep(Duration::from_millis(10)).await;
                open.notify_waiters();
            }
        );
        assert_eq!((first, second, joins), (Ok(1), Ok(2), Ok(1)));
        assert_eq!(third, Err(FlightError::Full));
        assert_eq!(flights.len(), 0);
    }
}
