//! Places and what is watched of connections, from several threads at once: plain threads and many rounds, because a model checker
//! would need its own mutexes and atomics in all that is tested, tokio's included.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::future::Future;
use std::hint::spin_loop;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use bearward_gate::MetricsRegistry;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Place, Places};
use crate::exchange::rest::rest;
use crate::exchange::stream::Stream;
use crate::exchange::watch::{CoarseClock, Watch};

const THREADS: usize = 4;
const MOST: usize = 3;
/// A rest that nobody ends but the test.
const FOREVER: Duration = Duration::from_secs(3_600);

/// A client that sends nothing.
struct Silent;

impl Stream for Silent {
    fn poll_readable(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn is_closed(&self) -> bool {
        false
    }

    fn reset_when_dropped(&self) {}
}

impl AsyncRead for Silent {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Silent {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a connection's task on this thread, and fails where it should have been woken.
fn run<T>(watch: &Watch, task: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    watch.begin(&context);
    let mut task = pin!(task);
    let begun = Instant::now();
    loop {
        if let Poll::Ready(output) = task.as_mut().poll(&mut context) {
            return output;
        }
        thread::park_timeout(Duration::from_secs(20));
        assert!(begun.elapsed() < Duration::from_secs(20), "it was never woken");
    }
}

fn places() -> Arc<Places> {
    let open = MetricsRegistry::default().gauge("open", "open connections").unwrap();
    let waits = MetricsRegistry::default().counter("waits", "connections that waited").unwrap();
    Arc::new(Places::new(MOST, Some(2), THREADS, open, waits))
}

fn enter(places: &Arc<Places>, clock: &Arc<CoarseClock>) -> Place {
    let share = loop {
        match places.share("192.0.2.1".parse().unwrap()) {
            Some(share) => break share,
            None => thread::yield_now(),
        }
    };
    places.enter(places.quietest_thread(), Watch::new(Arc::clone(clock)), share)
}

fn is_as_new(places: &Places) {
    assert_eq!((places.taken(), places.open.get()), (0, 0));
    assert!(places.threads.iter().all(|all| all.lock().unwrap().is_empty()));
    assert!(places.shares.as_ref().unwrap().1.lock().unwrap().is_empty());
}

/// Spins for a while that differs from round to round, so that threads meet at other places.
fn linger(round: usize) {
    (0..round * 7 % 300).for_each(|_| spin_loop());
}

#[test]
fn who_is_asked_to_end_while_going_to_rest_does_end() {
    let clock = Arc::new(CoarseClock::new());
    for round in 0..5_000 {
        let watch = Arc::new(Watch::new(Arc::clone(&clock)));
        let asking = Arc::clone(&watch);
        // Spawning takes longer than the race: every other round, the connection waits for the other thread.
        let other_is_here = Arc::new(AtomicBool::new(round % 2 == 0));
        let here = Arc::clone(&other_is_here);
        let other = thread::spawn(move || {
            here.store(true, Ordering::SeqCst);
            linger(round);
            asking.end();
        });
        while !other_is_here.load(Ordering::SeqCst) {
            spin_loop();
        }
        assert!(!run(&watch, rest(&Silent, &watch, FOREVER)));
        other.join().unwrap();
    }
}

#[test]
fn a_stop_reaches_everybody_who_comes_at_the_same_time() {
    for round in 0..500 {
        let (places, clock) = (places(), Arc::new(CoarseClock::new()));
        let barrier = Barrier::new(THREADS + 1);
        thread::scope(|scope| {
            for own in 0..THREADS {
                let (places, clock, barrier) = (&places, &clock, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    linger(round * 3 + own * 50);
                    // A place that is not reserved: the count is another test's.
                    places.taken.fetch_add(1, Ordering::SeqCst);
                    let place = enter(places, clock);
                    assert!(!run(&place.watch, rest(&Silent, &place.watch, FOREVER)));
                });
            }
            barrier.wait();
            linger(round * 5);
            places.stop();
        });
        is_as_new(&places);
    }
}

#[test]
fn one_at_rest_makes_room_and_every_place_comes_back() {
    let (places, clock) = (places(), Arc::new(CoarseClock::new()));
    let (inside, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let coming: Vec<_> = (0..2 * THREADS)
            .map(|own| {
                let (places, clock, inside) = (&places, &clock, &inside);
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                    for round in 0..100 {
                        runtime.block_on(places.reserve());
                        assert!(inside.fetch_add(1, Ordering::SeqCst) < MOST, "more than there are places");
                        // No share: it is waited for in front of a place, as in `accept`.
                        let watch = Watch::new(Arc::clone(clock));
                        let place = places.enter(places.quietest_thread(), watch, super::Share(None));
                        linger(round * 11 + own);
                        if round % 4 == 0 {
                            // Until another needs the place, or the ticker finds it late.
                            run(&place.watch, rest(&Silent, &place.watch, Duration::from_millis(1)));
                        }
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(place);
                    }
                })
            })
            .collect();
        let ticker = scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
                clock.tick();
                (0..THREADS).for_each(|thread| places.tick(thread));
            }
        });
        for thread in coming {
            thread.join().unwrap();
        }
        done.store(true, Ordering::SeqCst);
        ticker.join().unwrap();
    });
    is_as_new(&places);
}
