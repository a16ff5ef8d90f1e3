//! A runtime of one task, which polls it when it was woken and at no other time.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::scripted::Scripted;
use crate::exchange::watch::{CoarseClock, Watch};

/// How often a test may turn to the task and to its connections. No script takes a hundredth of it.
const MOST_TURNS: usize = 10_000_000;
/// After this no time limit of a test is left.
const LONG: Duration = Duration::from_secs(600);

/// A watched task, and the time.
#[derive(Debug)]
pub(super) struct Driver {
    clock: Arc<CoarseClock>,
    pub(super) watch: Watch,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Driver {
    pub(super) fn new() -> Self {
        let clock = Arc::new(CoarseClock::new());
        Self { watch: Watch::new(Arc::clone(&clock)), clock }
    }

    /// Runs a task to its end. Time passes where nothing else can happen.
    pub(super) fn run<T>(&self, task: impl Future<Output = T>, connections: [&Scripted; 2]) -> T {
        let mut task = pin!(task);
        let woken = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        self.watch.begin(&context);
        let mut waited = Duration::ZERO;
        for turn in 0..MOST_TURNS {
            if woken.0.swap(false, Ordering::SeqCst) {
                if let Poll::Ready(output) = task.as_mut().poll(&mut context) {
                    return output;
                }
            } else if !connections[turn % 2].nudge() && !connections[(turn + 1) % 2].nudge() {
                assert!(waited < LONG, "it waits for nothing");
                waited += Duration::from_millis(500);
                self.clock.advance(Duration::from_millis(500));
                self.watch.tick();
            }
        }
        panic!("it turns without an end");
    }
}
